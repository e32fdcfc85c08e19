"""`sta distill`: the keys that other programs read, theory beside runs, and refusals."""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from sta.cli import main


def run(*arguments, code=0):
    words = ["distill", *(str(one) for one in arguments)]
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def run_json(*arguments):
    result = run(*arguments, "--json")
    assert not result.stderr

    def refuse(name):
        raise AssertionError(f"{name} is no JSON number")

    return json.loads(result.stdout, parse_constant=refuse)


def test_theory():
    found = run_json("theory", "--alpha", 4.5, "--lam-teacher", 0.1, "--lam", 1e-5)
    assert set(found["teacher"]) >= {"test_error", "m", "q", "b"}
    assert set(found["student"]) >= {"test_error", "m", "q", "s", "b"}
    assert found["teacher"]["test_error"] == pytest.approx(0.1468, abs=5e-4)
    assert found["student"]["test_error"] == pytest.approx(0.1796, abs=5e-4)
    assert found["bayes"]["student"] == pytest.approx(0.1682, abs=1e-4)
    assert found["certificate"]["student"]["residual"] < 1e-8
    assert "converged to" in run("theory", "--alpha", 4.5).stdout


def test_theory_of_an_optimal_teacher_has_no_training_error():
    found = run_json("theory", "--alpha", 2, "--teacher", "bayes")
    assert found["teacher"]["training_error"] is None and "not trained" in found["notes"][0]
    assert found["student"]["test_error"] == pytest.approx(0.1847, abs=1e-3)


def test_simulate():
    words = ("--alpha", 3, "--n", 150, "--seeds", 8, "--loss", "square", "--lam-teacher", 0.5)
    found = run_json("simulate", *words)
    for level in ("teacher", "student"):
        for name, one in found[level].items():
            off = abs(one["mean"] - found["theory"][level][name])
            assert off < 5 * one["standard_error"] + 0.02 * max(1.0, abs(one["mean"])), name
    assert "draws at N = 150" in run("simulate", *words).stdout


@pytest.mark.parametrize("over", ["alpha", "chi", "lam_teacher"])
def test_curve(over, tmp_path):
    values = {"alpha": "0.4:4:4", "chi": "0,0.5,1", "lam_teacher": "0.01,0.1,1"}[over]
    loss = "square" if over == "alpha" else "logistic"
    words = ("--alpha", 2, "--over", over, "--values", values, "--loss", loss)
    found = run_json("curve", *words, "--n", 60, "--seeds", 3, "-o", tmp_path)
    assert found["over"] == over and (tmp_path / "curve.png").is_file()
    for row, run in zip(found["rows"], found["runs"], strict=True):
        assert row["student"] > row["bayes"] and abs(run["mean"] - row["student"]) < 0.1
    table = pd.read_csv(tmp_path / "runs.csv")
    assert list(table.columns) == ["n", over, "seed", "test_error"] and len(table) == 3 * len(
        found["rows"]
    )
    assert table.groupby(over)["test_error"].mean().tolist() == pytest.approx(
        [run["mean"] for run in found["runs"]]
    )
    if over == "chi":
        assert found["rows"][0]["student"] == pytest.approx(found["rows"][0]["direct"], abs=1e-8)
    grid = [row[over] for row in found["rows"]]
    assert np.all(np.diff(grid) > 0)


def test_curves_of_several_sizes_and_their_peak():
    words = ("--values", "0.25:1:5", "--loss", "square", "--lam", 1e-4, "--n", "40,80")
    found = run_json("curve", *words, "--seeds", 3)
    assert [run["n"] for run in found["runs"]] == [40] * 5 + [80] * 5
    assert found["peaks"][0]["alpha"] == pytest.approx(0.5, rel=0.05)
    assert "error peaks at alpha" in run("curve", *words).stdout


def test_map(tmp_path):
    words = ("map", "--x-values", "0.5,2", "--y-values", "0.01:3:4", "--loss", "square")
    found = run_json(*words, "-o", tmp_path)
    assert found["points"] == 8 and (tmp_path / "map.png").is_file()
    won = sum(found[f"won_by_{name}"] for name in ("distilled", "direct", "unregularised"))
    assert won == pytest.approx(1.0)
    for row in found["rows"]:
        rivals = {name: row[name] for name in ("distilled", "direct", "unregularised")}
        assert row["winner"] == min(rivals, key=rivals.get)
    assert run_json(*words, "-o", tmp_path)["rows"] == found["rows"]
    other = ("map", "--x-values", "0.5,3", "--y-values", "0.01:3:4", "--loss", "square")
    assert "another grid" in run(*other, "-o", tmp_path, code=1).stderr
    assert "two parameters" in run("map", "--y", "alpha", "-o", tmp_path, code=2).stderr


def test_optimum():
    found = run_json("optimum", "--alpha", 4.5, "--loss", "square")
    assert found["bayes"] < found["direct"]["test_error"] <= found["unregularised"]
    assert found["distilled"]["test_error"] <= found["inherited"] + 1e-9
    text = run("optimum", "--alpha", 10, "--rho", 0.5, "--loss", "square").stdout
    assert "lies beyond" in text and "Bayes bound" in text


BAD = {
    "rho": (("theory", "--alpha", 2, "--rho", 0), "rho = 0: give a number in (0, 1)"),
    "eta": (("theory", "--alpha", 2, "--eta", 1.2), "eta = 1.2"),
    "ridge": (("theory", "--alpha", 1, "--lam", 0), "separable"),
    "temperature": (("simulate", "--alpha", 1, "--temperature", -1), "temperature = -1"),
    "small N": (("simulate", "--alpha", 0.5, "--n", 3, "--rho", 0.01), "larger N"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_is_one_line_that_names_the_bound(name):
    arguments, words = BAD[name]
    stderr = run(*arguments, code=1).stderr
    assert stderr.startswith("Error: ") and len(stderr.splitlines()) == 1
    assert words in stderr


def test_wrong_usage():
    words = ("curve", "--alpha", 1, "--values", "many")
    assert "0.1:10:20" in run(*words, code=2).stderr
