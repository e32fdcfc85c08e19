"""Parts of a sweep for job arrays, and sweeps reduced to their tables."""

import json
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from sta.checkpoint import load_single
from sta.data import copy_sweep, sweep_names
from sta.errors import ConfigError, StaError
from sta.files import LOCK_NAME, locked
from sta.sweep import config_from_table, read_plan, read_tables, run_part, run_sweep, sweep_status
from sta.sweep.partial import read_glances
from sta.sweep.reduced import reduce_sweep, round_mantissa
from tiny import TINY

CONFIG = config_from_table(TINY)

PART = """
import json, sys
from pathlib import Path
from sta.sweep import config_from_table, run_part
if __name__ == "__main__":
    table, folder, number, count = sys.argv[1:]
    part = int(number), int(count)
    run_part(config_from_table(json.loads(table)), Path(folder), part, workers=1)
"""


def test_parts_in_any_order_make_the_sweep(tiny_sweep, tmp_path):
    folder = tmp_path / "out"
    done = []
    for number in (3, 1, 2):
        state = run_part(CONFIG, folder, (number, 3), workers=1)
        done.append((state.shards_done, state.tables))
    assert done == [(1, False), (3, False), (4, True)] and state.shards == 4
    assert_frame_equal(read_tables(folder).students, read_tables(tiny_sweep[0]).students)
    again = run_part(CONFIG, folder, (2, 3), workers=1)
    assert again == sweep_status(folder)


def test_parts_at_once_agree_on_one_plan(tiny_sweep, tmp_path):
    """Each would cut the sweep in its own way, were it not for the first to write the plan."""
    script = tmp_path / "part.py"
    script.write_text(PART)
    folder = tmp_path / "out"

    def run(number):
        table = json.dumps({**TINY, "training": {**TINY["training"], "ensemble": number}})
        words = [sys.executable, "-P", str(script), table, str(folder), str(number), "4"]
        return subprocess.run(words, capture_output=True, text=True)

    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(run, (1, 2, 3, 4)))
    assert [end.returncode for end in ends] == [0] * 4, [end.stderr for end in ends]
    assert_frame_equal(read_tables(folder).ramps, read_tables(tiny_sweep[0]).ramps)


def test_parts_exclude_whole_runs_and_themselves(tmp_path):
    folder = tmp_path / "out"
    with locked(folder, shared=True), pytest.raises(StaError, match="another process"):
        run_sweep(CONFIG, folder, workers=1)
    with locked(folder), pytest.raises(StaError, match="another process"):
        run_part(CONFIG, folder, (1, 2))
    with (
        locked(folder, f"{LOCK_NAME}.1-of-2"),
        pytest.raises(StaError, match="another process"),
    ):
        run_part(CONFIG, folder, (1, 2))
    with pytest.raises(ConfigError, match="part 3 of 2 does not exist"):
        run_part(CONFIG, folder, (3, 2))


def test_a_reduced_sweep_holds_its_tables_and_goes_on(tiny_sweep, tmp_path):
    folder, tables = tiny_sweep
    plan = reduce_sweep(folder, tmp_path / "small", kept=1, widest=5)
    assert [one.name for one in plan.students] == [s.name for s in read_plan(folder).students]
    assert sweep_status(tmp_path / "small").students_done == 2
    small = read_tables(tmp_path / "small")
    for name in ("train_loss", "test_loss", "zero_loss"):
        assert np.allclose(small.students[name], tables.students[name], rtol=2e-5, atol=0)
    assert np.allclose(small.ramps["delta_mse"], tables.ramps["delta_mse"], rtol=2e-5, atol=0)
    assert small.students["effective_size"].equals(tables.students["effective_size"])
    assert small.ramps["n_kept"].equals(tables.ramps["n_kept"])
    mine = load_single(tmp_path / "small" / "shards" / "0000.pt", 0)
    whole = load_single(folder / "shards" / "0000.pt", 0)
    assert all(
        np.array_equal(a.numpy(), b.numpy())
        for a, b in zip(
            mine.student.state_dict().values(), whole.student.state_dict().values(), strict=True
        )
    )
    run_sweep(CONFIG, tmp_path / "small", workers=1)
    assert_frame_equal(read_tables(tmp_path / "small").students, read_tables(folder).students)
    with pytest.raises(StaError, match="no sweep"):
        reduce_sweep(folder, folder / "shards")


def test_rounding_keeps_what_is_not_a_number():
    values = np.array([np.nan, np.inf, -np.inf, 0.0, -1.5, 3.4e38, 1e-45])
    found = round_mantissa(values)
    assert np.isnan(found[0]) and found[1] == np.inf and found[2] == -np.inf
    assert found[3] == 0 and found[4] == -1.5


@pytest.mark.parametrize("name", sweep_names())
def test_the_sweeps_that_come_along_are_whole(name, tmp_path):
    copy_sweep(name, tmp_path / name)
    plan, tables = read_plan(tmp_path / name), read_tables(tmp_path / name)
    assert tables.students["student_id"].tolist() == [one.name for one in plan.students]
    points = tables.ramps.groupby("student_id")["n_kept"].count()
    widths = tables.students.set_index("student_id")["student_width"]
    assert points.sort_index().equals(widths.add(1).sort_index().rename("n_kept"))
    size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert size < 5e6


def test_glances_show_the_shards_in_training(tmp_path):
    table = {**TINY, "training": {**TINY["training"], "epochs": 10**6, "history_points": 10_000}}
    script = tmp_path / "part.py"
    script.write_text(PART)
    words = [sys.executable, "-P", str(script), json.dumps(table), str(tmp_path / "out"), "1", "4"]
    process = subprocess.Popen(words)
    try:
        end, found = time.monotonic() + 120, []
        while time.monotonic() < end and not (found and found[0].epoch):
            time.sleep(0.1)
            found = read_glances(tmp_path / "out" / "shards")
    finally:
        process.kill()
        process.wait()
    (one,) = found
    assert one.students == 4 and 0 < one.epoch < one.epochs == 10**6
    assert one.student_steps_per_second > 0 and one.effective_size <= one.student_width


def test_a_copy_that_is_cut_short_leaves_nothing(tmp_path, monkeypatch):
    """The folder appears whole or not at all, and no folder is written over."""

    def cut(source, target):
        shutil.copytree(source, target)
        raise KeyboardInterrupt

    monkeypatch.setattr("sta.data.shutil", SimpleNamespace(copytree=cut))
    with pytest.raises(KeyboardInterrupt):
        copy_sweep("transition", tmp_path / "copy")
    assert not list(tmp_path.iterdir())
    (tmp_path / "mine").mkdir()
    with pytest.raises(FileExistsError, match="mine"):
        copy_sweep("transition", tmp_path / "mine")
