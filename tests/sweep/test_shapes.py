"""Sweeps of other shapes than the published one go through the whole chain."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from sta.checkpoint import load_checkpoint, load_single, weights
from sta.cli import main
from sta.spectral import SpectralLinear
from sta.sweep import config_from_table, run_sweep
from sta.sweep.config import merge
from tiny import TINY

SHAPES = {
    "one hidden layer": {"teacher": {"later_widths": []}},
    "three layers": {"teacher": {"later_widths": [3, 2]}, "student": {"later_widths": [5, 2]}},
    "second layer spectral": {"student": {"spectral_layers": [1]}},
    "both layers spectral": {"student": {"spectral_layers": [0, 1]}},
    "linear teacher": {"teacher": {"kind": "linear", "widths": [4], "later_widths": [3]}},
    "linear readout": {"student": {"readout": "linear"}},
    "eigenvalues only": {"kinds": {"spectral": {"train": ["lambda_in", "lambda_out"]}}},
    "teacher in a file": {"teacher": {"kind": "file", "widths": [5], "path": "teacher.npz"}},
    "two teacher widths": {"teacher": {"widths": [2, 3]}},
}  # fmt: skip
# Where a page of figures meets something new; drawing one takes seconds.
REPORTED = ("both layers spectral", "linear teacher", "two teacher widths")


@pytest.mark.parametrize("name", SHAPES)
def test_the_whole_chain(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    np.savez("teacher.npz", w1=rng.normal(size=(4, 5)), w2=rng.normal(size=(5, 2)))
    table = merge(merge(TINY, {"teacher": {"draws": 1, "later_widths": [2]}}), SHAPES[name])
    config = config_from_table(table)
    tables = run_sweep(config, Path("out"), workers=1)
    students = tables.students
    assert set(students["status"]) == {"ok"}
    losses = load_checkpoint(Path("out/shards/0000.pt")).metrics["history"]["train_loss"]
    assert (losses[-1] < losses[0]).all()
    one = load_single(Path("out/shards/0000.pt"), 0)
    spectral = [isinstance(layer, SpectralLinear) for layer in one.student.chain]
    assert [i for i, s in enumerate(spectral) if s] == list(config.student.spectral_layers)
    pruned = sum(one.student.widths[i + 1] for i in config.student.spectral_layers)
    first = tables.ramps[tables.ramps["student_id"] == students["student_id"][0]]
    assert first["n_kept"].max() == pruned == len(students["importance"][0])
    assert [w.shape[0] for w in weights(one.student)] == list(one.student.widths[:-1])
    commands = [
        "analyze out/shards/0000.pt --member 1 --json",
        "prune out/shards/0000.pt --member 1 --keep 2 -o small.pt --json",
        "collapse out --json",
    ]
    if name in REPORTED:
        commands.append("report out --json")
    for line in commands:
        result = CliRunner().invoke(main, line.split(), catch_exceptions=False)
        assert result.exit_code == 0, (line, result.stderr)
        json.loads(result.stdout)
