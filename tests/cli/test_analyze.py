"""What `sta analyze` measures on demand: metrics, random networks, biases, the page."""

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from sta.analysis.graph import METRICS
from sta.cli import main

PUBLISHED = Path(str(files("sta.data"))) / "published"
PAIR = (PUBLISHED / "spectral_h60.npz", "--teacher", PUBLISHED / "teacher.npz")


def run(*arguments, code=0):
    result = CliRunner().invoke(main, ["analyze", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def run_json(*arguments):
    def refuse(name):
        raise AssertionError(f"{name} is no JSON number")

    return json.loads(run(*arguments, "--json").stdout, parse_constant=refuse)


@pytest.fixture(scope="module")
def report():
    return run_json(*PAIR, "--metrics", "all", "--null-samples", 19)


def test_all_metrics_of_both_networks(report):
    for role in ("student", "teacher"):
        assert set(report["metrics"][role]) == set(METRICS)
        assert all(values is not None for values in report["metrics"][role].values())


def nulls_of(value, place=""):
    """Names of all entries that are null."""
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return [place] if value is None else []
    return [name for key, part in items for name in nulls_of(part, f"{place}.{key}".strip("."))]


def save(folder, name, *matrices):
    path = folder / f"{name}.npz"
    np.savez(path, **{f"w{n}": matrix for n, matrix in enumerate(matrices, 1)})
    return path


def cases(folder):
    """Networks that leave something undefined, each with a teacher or without."""
    rng = np.random.default_rng(0)
    teacher = save(folder, "teacher", rng.normal(size=(4, 3)), rng.normal(size=(3, 2)))
    wide = rng.normal(size=(4, 5))
    return {
        "published": PAIR,
        "alone": (PUBLISHED / "direct_h60.npz",),
        "no path": (save(folder, "no", wide, np.zeros((5, 2))), "--teacher", teacher),
        "unlike": (save(folder, "un", wide, rng.normal(size=(5, 2))), "--teacher", teacher),
        "deeper": (
            save(folder, "deep", wide, rng.normal(size=(5, 5)), rng.normal(size=(5, 2))),
            "--teacher", teacher,
        ),
        "beyond float64": (
            save(folder, "big", wide * 1e200, rng.normal(size=(5, 2)) * 1e200),
            "--teacher", teacher,
        ),
        "all pruned": (save(folder, "zero", np.zeros((4, 5)), np.ones((5, 2))),),
    }  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["published", "alone", "no path", "unlike", "deeper", "beyond float64", "all pruned"],
)
def test_every_null_has_a_reason(name, tmp_path):
    """Under its own name or that of the part it belongs to; no other number is left out."""
    arguments = cases(tmp_path)[name]
    found = run_json(*arguments, "--metrics", ",".join([*METRICS, "transitivity"]),
                     "--null-samples", 1)  # fmt: skip
    notes = found.pop("notes")
    missing = nulls_of(found)
    assert missing
    for place in missing:
        parts = place.split(".")
        assert any(".".join(parts[: n + 1]) in notes for n in range(len(parts))), place
    if name == "alone":
        assert "triangle" in notes["metrics.student.transitivity"]
        assert "--teacher" in notes["graph.teacher"]
    if name == "all pruned":
        assert "nothing is left" in notes["graph.student"]
        assert "--teacher" in notes["graph.teacher"]


def test_random_networks_and_their_seed(report):
    tests = report["distance"]["nulls"]
    assert {test["null"] for test in tests} == {"random", "shuffled"}
    assert all(1 / 20 <= test["p_value"] <= 1 and test["samples"] == 19 for test in tests)
    again = run_json(*PAIR, "--metrics", "none", "--null-samples", 19)["distance"]["nulls"]
    other = run_json(*PAIR, "--metrics", "none", "--null-samples", 19, "--seed", 1)
    assert again == tests
    assert other["distance"]["nulls"] != tests
    assert run_json(*PAIR, "--null-samples", 0)["distance"]["nulls"] == []


def test_a_trained_student_is_placed_among_untrained_ones(tmp_path):
    path = tmp_path / "student.pt"
    arguments = ["train", "demo", "--width", "12", "--epochs", "30", "-o", str(path)]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    tests = run_json(path, "--null-samples", 9)["distance"]["nulls"]
    assert {test["null"] for test in tests} == {"random", "shuffled", "before training"}
    place = {(test["name"], test["null"]): test for test in tests}
    units = place["units", "before training"]
    assert units["distance"] < units["null_range"][0]  # training found units that chance did not


@pytest.mark.parametrize("names", ["betweenness", "paths,degreee", "all,degree"])
def test_an_unknown_metric_is_a_mistake_of_usage(names):
    result = run(*PAIR, "--metrics", names, code=2)
    assert "is no metric; choose standard, all or none" in result.stderr
    assert "Traceback" not in result.output


def test_chosen_metrics_alone():
    found = run_json(*PAIR, "--metrics", "paths, motifs,", "--null-samples", 0)["metrics"]
    assert set(found["student"]) == set(found["teacher"]) == {"paths", "motifs"}
    assert (
        found["student"]["paths"]["positive_count"] + found["student"]["paths"]["negative_count"]
        == found["student"]["paths"]["count"]
    )


def test_chosen_metrics_are_printed_and_drawn(tmp_path):
    arguments = (*PAIR, "--null-samples", 0)
    plain = run(*arguments).stdout
    text = run(*arguments, "--metrics", "neural_persistence,motif_scores", "-o", tmp_path).stdout
    assert "neural_persistence mean" in text and "neural_persistence mean" not in plain
    assert {"motifs.png", "student.png"} <= {path.name for path in tmp_path.iterdir()}


def test_biases_are_starts_of_paths_on_demand(tmp_path):
    model = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2), torch.nn.ReLU()
    )
    path = tmp_path / "model.pt"
    torch.save(model.state_dict(), path)
    plain, biased = (run_json(path, *extra) for extra in ((), ("--bias",)))
    assert "biases" in plain["notes"]["graph.student.bias"]
    assert "graph.student.bias" not in biased["notes"]
    kept = plain["graph"]["student"]["widths"][1]
    assert plain["graph"]["student"]["paths"]["count"] == 3 * kept * 2
    assert biased["graph"]["student"]["paths"]["count"] == (3 + 1) * kept * 2 + 2


def test_the_table_of_the_terminal_names_its_p_values():
    text = run(*PAIR, "--null-samples", 19).stdout
    assert "p random" in text and "p shuffled" in text
    assert "hidden units matched" in text


def test_a_wide_network_is_analyzed_in_bins(tmp_path):
    rng = np.random.default_rng(0)
    shapes = ((100, 200), (200, 150), (150, 10))
    arrays = {
        f"w{n}": rng.normal(size=shape) / shape[0] ** 0.5 for n, shape in enumerate(shapes, 1)
    }
    np.savez(tmp_path / "wide.npz", **arrays)
    student = run_json(tmp_path / "wide.npz", "--metrics", "paths")["graph"]["student"]
    assert student["paths"]["method"] == "dp"
    assert student["paths"]["log_error_bound"] == pytest.approx(3 * 0.02 / 2)
    assert student["paths"]["count"] == 100 * student["widths"][1] * 150 * 10
