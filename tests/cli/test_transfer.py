"""`sta transfer`: rows, tables, figures, and what follows on its checkpoints."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from sta.analysis.transfer import graph_distances, holm, summarize
from sta.cli import main

QUICK = ("--seeds", 2, "--steps", 4, "--labels", 30)


def run(*arguments, code=0):
    words = [str(one) for one in arguments]
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("transfer")
    words = ("transfer", *QUICK, "--objective", "labels,factor", "--no-controls", "-o", out)
    return out, run(*words).stdout


def test_a_line_a_run_and_then_the_table(folder):
    out, text = folder
    rows = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert [(row["objective"], row["member"]) for row in rows] == [
        ("labels", 0), ("labels", 1), ("factor", 0), ("factor", 1)
    ]  # fmt: skip
    assert rows[2]["beta"] == pytest.approx(500 * np.sqrt(10 / 2048))
    kept = [json.loads(line) for line in (out / "runs.jsonl").read_text().splitlines()]
    assert [row["test_accuracy"] for row in kept] == [row["test_accuracy"] for row in rows]
    assert "30 labels, 2 seeds" in text and "pruned students" in text
    assert (out / "accuracy_of_units.png").is_file()


def test_json_goes_on_where_it_was(folder):
    out, _ = folder
    words = ("transfer", *QUICK, "--objective", "labels,factor", "--no-controls", "-o", out)
    found = json.loads(run(*words, "--json").stdout)
    assert found["format"] == "sta.transfer/1" and len(found["rows"]) == 4
    (summary,) = found["summaries"]
    assert [one["objective"] for one in summary["objectives"]] == ["labels", "factor"]
    assert {one["member"] for one in summary["graph_distances"]} == {0, 1}
    assert "another study" in run("transfer", "--seeds", 3, "-o", out, code=1).stderr


def test_analyze_and_prune_go_on_with_the_students(folder):
    out, _ = folder
    path = out / "students" / "factor.pt"
    found = json.loads(run("analyze", path, "--member", 1, "--json").stdout)
    assert found["student"]["widths"] == [64, 128, 10]
    assert found["distance"]["paths"]["wasserstein"] > 0
    assert "not drawn again" in found["notes"]["distance.nulls.before training"]


def test_convolutional_students_are_graphs_of_channels(tmp_path):
    words = ("--teacher", "conv:3,4", "--student", "spectral-conv:2,3", "--no-controls")
    text = run("transfer", *QUICK, *words, "--objective", "soft", "-o", tmp_path).stdout
    assert "soft" in text
    found = json.loads(
        run("analyze", tmp_path / "students" / "soft.pt", "--member", 0, "--json").stdout
    )
    assert found["student"]["widths"] == [1, 2, 3, 10]
    assert "Frobenius" in found["notes"]["graph.student.channels"]
    paths = found["graph"]["student"]["paths"]
    assert paths["signed_sum"] == pytest.approx(paths["l1"])


def test_several_numbers_of_labels(tmp_path):
    words = ("transfer", "--seeds", 2, "--steps", 3, "--no-controls", "--objective", "labels")
    found = json.loads(run(*words, "--labels", "10,all", "-o", tmp_path, "--json").stdout)
    assert [one["labels"] for one in found["summaries"]] == ["10", "all"]
    assert sorted({row["labels"] for row in found["rows"]}) == [10, 1078]
    assert (tmp_path / "accuracy_of_labels.png").is_file()
    assert (tmp_path / "labels-all" / "runs.jsonl").is_file()


BAD = {
    "labels": (("--labels", 5), "5 labels: give 10"),
    "rate": (("--rate", 0.001), "no channel"),
    "objective": (("--objective", "hard"), "'hard' is unknown"),
    "data": (("--dataset", "nothing.npz"), "does not exist"),
    "kind": (("--student", "conv:3"), "two dense or two"),
    "file": (("--teacher", "nothing.pt"), "does not exist"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_is_one_line(name):
    arguments, words = BAD[name]
    stderr = run("transfer", "--seeds", 2, "--steps", 2, *arguments, code=1).stderr
    assert stderr.startswith("Error: ") and len(stderr.splitlines()) == 1
    assert words in stderr


def test_wrong_usage():
    assert "10,50,all" in run("transfer", "--labels", "few", code=2).stderr


def made_rows(gain):
    rng = np.random.default_rng(0)
    rows = []
    for member in range(8):
        base = 0.8 + 0.03 * rng.standard_normal()
        for name, more in (("labels", 0.0), *gain.items()):
            rows.append(
                {
                    "objective": name, "member": member, "test_accuracy": base + more
                    + 0.002 * rng.standard_normal(), "units_needed": 20 + int(100 * more),
                    "effective_size": 30, "reconstruction_error": None,
                }
            )  # fmt: skip
    return rows


def test_differences_are_paired():
    """A gain below the scatter of seeds is seen, because splits are shared."""
    found = {one.objective: one for one in summarize(made_rows({"soft": 0.02, "same": 0.0}))}
    soft = found["soft"].difference.difference
    assert soft.ci95[0] > 0.015 and soft.ci95[1] < 0.025 and found["soft"].wins == 8
    assert found["soft"].adjusted_p == pytest.approx(2 * 2 / 2**8)
    assert found["same"].adjusted_p > 0.05 and found["labels"].difference is None
    assert found["soft"].more_units.difference.value == pytest.approx(2.0)
    assert holm({"a": 0.2, "b": 0.9}) == {"a": 0.4, "b": 0.9}


def test_distances_do_not_see_the_scale(folder):
    """A teacher whose weights are all doubled is at the same distances, with another scale."""
    from sta.analysis.graph import LayeredGraph
    from sta.analysis.transfer import _apart

    out, _ = folder
    rng = np.random.default_rng(0)
    a = LayeredGraph.from_arrays([rng.standard_normal((4, 5)), rng.standard_normal((5, 2))])
    b = LayeredGraph.from_arrays([rng.standard_normal((4, 3)), rng.standard_normal((3, 2))])
    double = LayeredGraph.from_arrays([2.0 * one for one in b.dense()])
    first, second = _apart(a, b), _apart(a, double)
    assert second["paths_wasserstein"] == pytest.approx(first["paths_wasserstein"])
    assert second["in_strength_ks"] == pytest.approx(first["in_strength_ks"])
    assert second["paths_scale"] == pytest.approx(first["paths_scale"] / 4)
    thin = [LayeredGraph.from_arrays([rng.random((1, 5)), rng.random((5, 2))]) for _ in range(2)]
    assert _apart(*thin)["in_strength_ks"] is None  # one weight each, of unit length
    assert _apart(a, a)["paths_wasserstein"] == pytest.approx(0.0, abs=1e-12)
    rows = [json.loads(line) for line in (out / "runs.jsonl").read_text().splitlines()]
    assert len(graph_distances(out, rows[:1])) == 1
