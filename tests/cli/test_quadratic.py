"""`sta quadratic`: keys, agreement of theory and simulation, figures, and refusals."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from sta.cli import main
from sta.cli.quadratic import COMMANDS

SMALL = ("--p", 2, "--p-star", 1, "--eta", 0.08)


def run(*arguments, code=0):
    words = ["quadratic", *(str(one) for one in arguments)]
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def run_json(*arguments):
    result = run(*arguments, "--json")
    assert not result.stderr

    def refuse(name):
        raise AssertionError(f"{name} is no JSON number")

    return json.loads(result.stdout, parse_constant=refuse)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name):
    assert "Usage" in run(name, "--help").stdout


def test_plateau():
    found = run_json("plateau", "--p", 2, "--p-star", 1, "--eta", 0.06)
    assert found["q0"] == pytest.approx(0.5) and found["loss"] == pytest.approx(1.25)
    assert found["growth_rate_gradient_flow"] == pytest.approx(0.12)
    first_order = 0.12 * (1 - 0.03 * (1 + 1 / 4))
    assert found["growth_rate"] == pytest.approx(first_order, rel=0.005)
    assert found["critical_learning_rate"] == pytest.approx(1 / 3, rel=1e-4)


def test_plateau_compares_widths(tmp_path):
    text = run("plateau", *SMALL, "--widths", "1,4,16", "-o", tmp_path).stdout
    assert "K_p flow" in text and (tmp_path / "overparameterization.png").stat().st_size > 10_000
    rows = run_json("plateau", *SMALL, "--widths", "1,16")["widths"]
    gain = rows[0]["delay_gradient_flow"] - rows[1]["delay_gradient_flow"]
    assert gain == pytest.approx(2.369 - 0.458, abs=2e-3)


@pytest.mark.parametrize("at", ["plateau", "manifold"])
def test_hessian(at, tmp_path):
    found = run_json("hessian", "--p", 2, "--p-star", 1, "--n", 24, "--at", at, "-o", tmp_path)
    published = {"plateau": {-2: 2, 0: 43, 1: 2, 2: 1}, "manifold": {0: 24, 2: 23, 6: 1}}[at]
    spectrum = {round(one["eigenvalue"], 9): one["multiplicity"] for one in found["spectrum"]}
    assert spectrum == published
    assert found["numeric_max_error"] < 1e-8 and found["gradient_norm"] < 1e-12
    assert len(found["figures"]) == 3


def test_hessian_too_large_to_differentiate_keeps_the_closed_form():
    found = run_json("hessian", "--p", 2, "--p-star", 1, "--n", 5000, "--at", "plateau")
    assert found["numeric_max_error"] is None and "p N = 10000" in found["notes"][0]
    assert sum(one["multiplicity"] for one in found["spectrum"]) == 10_000
    ball = ("--p", 4, "--p-star", 2, "--n", 10, "--at", "manifold", "--spherical")
    text = run("hessian", *ball).stdout
    assert "no closed form" in text


def test_escape(tmp_path):
    found = run_json("escape", *SMALL, "--n", 100, "--runs", 60)
    assert abs(found["mean"] - found["predicted_mean"]) < 4 * found["standard_error"] + 0.5
    assert found["std"] == pytest.approx(found["predicted_std"], rel=0.35)
    assert found["escaped"] == 60 and found["scaling"] is None
    text = run("escape", *SMALL, "--n", "60,120,240", "--runs", 60, "-o", tmp_path).stdout
    assert "no exponent" in text and (tmp_path / "escape.svg").is_file()


def test_simulate(tmp_path):
    found = run_json("simulate", *SMALL, "--n", "50,200,800", "--runs", 40, "--alpha", 3)
    assert -0.75 < found["slope"] < -0.25
    assert all(row["scaled_median"] < 3 for row in found["sizes"])
    words = ("--n", "50,100", "--runs", 10, "--alpha", 2, "--method", "vectors", "-o", tmp_path)
    text = run("simulate", *SMALL, *words).stdout
    assert "deviation ~ N^" in text
    assert (tmp_path / "deviations.png").is_file() and (tmp_path / "course.png").is_file()


@pytest.mark.parametrize("start", ["random", "informed", "plateau"])
def test_flow(start, tmp_path):
    words = ("--start", start, "--n", 50, "--runs", 5, "--alpha", 60)
    found = run_json("flow", *SMALL, *words, "-o", tmp_path)
    assert found["stop"] == "end" and found["times"][-1]["alpha"] == 60
    assert found["plateau_loss"] == pytest.approx(1.25)
    losses = [row["loss"] for row in found["times"]]
    assert losses[-1] < 0.1 and min(losses) >= 0
    assert np.median([abs(row["sgd_loss"] - row["loss"]) for row in found["times"][1:]]) < 0.3
    assert (tmp_path / "flow.pdf").is_file()
    if start == "plateau":
        assert losses[0] == pytest.approx(1.25, abs=0.1)


def test_the_end_of_training_is_drawn_beside_its_asymptote(tmp_path):
    found = run_json("flow", *SMALL, "--alpha", 2000, "--runs", 0, "-o", tmp_path)
    assert found["late_loss_ratio"] == pytest.approx(1.0, abs=0.05)
    assert (tmp_path / "tail.png").is_file()
    equal = run_json("flow", "--p", 1, "--p-star", 1, "--eta", 0.05, "--runs", 0)
    assert equal["late_loss_ratio"] is None


def test_select(tmp_path):
    words = ("--p", 2, "--p-star", 2, "--eta", 0.16, "--n", 40, "--starts", 12)
    found = run_json("select", *words)
    flow, _, sgd = found["rows"]
    assert flow["closest"]["median"] > 0.99 > sgd["closest"]["mean"]
    assert "Gradient flow selects the closest solution; SGD" in found["verdict"]
    assert found["conserved"]["matrix"] < 1e-6 < 1e-2 < found["conserved"]["matrix_sgd"]
    unequal = run("select", *words, "--teacher", "1.5,0.5", "-o", tmp_path).stdout
    assert "directions escape one after the other" in unequal
    assert (tmp_path / "selection.svg").is_file()
    one = run_json("select", "--p", 1, "--p-star", 1, "--eta", 0.04, "--n", 30, "--starts", 40)
    mean = one["rows"][2]["closest"]
    assert abs(mean["mean"] - one["predicted_sgd"]) < 2 * (mean["ci95"][1] - mean["mean"])


BAD = {
    "p below p*": (("plateau", "--p", 1, "--p-star", 2, "--eta", 0.1), "give p >= p*"),
    "above critical": (
        ("flow", "--p", 1, "--p-star", 1, "--eta", 0.2), "above the critical 0.16666",
    ),
    "escape above critical": (
        ("escape", "--p", 1, "--p-star", 1, "--eta", 0.2), "above the critical 0.16666",
    ),
    "small N": (("escape", *SMALL, "--n", 2), "N = 2 is smaller than p + p* = 3"),
    "small N of a Hessian": (
        ("hessian", "--p", 2, "--p-star", 1, "--n", 2, "--at", "plateau"), "p + p* = 3",
    ),
    "alpha": (("flow", *SMALL, "--alpha", -1), "end above 0"),
    "alpha of runs": (("simulate", *SMALL, "--alpha", 0), "positive"),
    "noise": (("plateau", *SMALL, "--noise", -1), "give at least 0"),
    "batch": (("plateau", *SMALL, "--batch", 0), "at least 1"),
    "singular teacher": (
        ("plateau", "--p", 2, "--p-star", 2, "--eta", 0.1, "--teacher", "1,0"), "above 1e-12",
    ),
    "spherical selection": (("select", *SMALL, "--spherical"), "spherical"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_is_one_line_that_names_the_bound(name):
    arguments, words = BAD[name]
    stderr = run(*arguments, code=1).stderr
    assert stderr.startswith("Error: ") and len(stderr.splitlines()) == 1
    assert words in stderr


def test_wrong_usage():
    assert "such as 1.5,0.5" in run("plateau", *SMALL, "--teacher", "x", code=2).stderr
    assert "--widths" in run("plateau", *SMALL, "-o", "somewhere", code=2).stderr
    assert "whole numbers" in run("escape", *SMALL, "--n", "ten", code=2).stderr


def test_figures_are_not_overwritten(tmp_path):
    (tmp_path / "flow.svg").write_text("mine")
    assert "exists already" in run("flow", *SMALL, "-o", tmp_path, code=1).stderr
    assert (tmp_path / "flow.svg").read_text() == "mine"
