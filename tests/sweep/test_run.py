import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from sta.checkpoint import load_single
from sta.errors import FileFormatError, StaError
from sta.evaluation import held_out_patterns
from sta.spectral import effective_sizes, mean_squared_error, member
from sta.sweep import (
    config_from_table,
    make_plan,
    read_plan,
    read_tables,
    run_sweep,
    shards_of,
    sweep_status,
)
from sta.sweep.config import merge
from tiny import TINY


def config(**training):
    return config_from_table(merge(TINY, {"training": training}))


def test_the_tables_say_what_the_shards_hold(tiny_sweep):
    folder, tables = tiny_sweep
    students, ramps = tables.students, tables.ramps
    assert len(students) == 2 * 2 * 2 * 2 and students["student_id"].is_unique
    assert set(students["status"]) == {"ok"}
    rows = students.set_index("student_id")
    for number, stack in shards_of(folder, read_plan(folder)):
        for k, student in enumerate(read_plan(folder).shards[number]):
            one = load_single(folder / "shards" / f"{number:04d}.pt", k)
            row = rows.loc[student.name]
            data = held_out_patterns(one)
            found = float(mean_squared_error(member(stack.student, k), data))
            assert found == pytest.approx(row["test_loss"], rel=1e-9)
            assert row["effective_size"] == effective_sizes(one.student)
            assert len(row["importance"]) == student.student_width
            curve = ramps[ramps["student_id"] == student.name]
            assert curve["n_kept"].tolist() == list(range(student.student_width + 1))
            assert curve["delta_mse"].iloc[-1] == 0
            assert curve["mse"].iloc[0] == pytest.approx(row["zero_loss"], rel=1e-9)
    assert_frame_equal(read_tables(folder).ramps, ramps)


def test_pairs_share_data_and_start_but_trials_and_teachers_do_not(tiny_sweep):
    _, tables = tiny_sweep
    students = tables.students.set_index(["kind", "student_width", "teacher_seed", "trial"])
    zero = students["zero_loss"]
    assert np.array_equal(zero.loc["spectral"], zero.loc["direct"])
    assert zero.loc["spectral"].is_unique


@pytest.mark.parametrize("ensemble, workers", [(1, 1), (3, 2)])
def test_other_shards_and_workers_give_the_same_tables(tiny_sweep, tmp_path, ensemble, workers):
    _, tables = tiny_sweep
    again = run_sweep(config(ensemble=ensemble), tmp_path / "out", workers=workers)
    for name in ("students", "ramps"):
        assert_frame_equal(getattr(again, name), getattr(tables, name), rtol=1e-9, atol=1e-12)


def test_an_interrupted_sweep_does_only_what_is_missing(tiny_sweep, tmp_path):
    _, tables = tiny_sweep
    folder = tmp_path / "out"
    run_sweep(config(), folder, workers=1)
    shards = sorted((folder / "shards").iterdir())
    before = {path.name: path.stat().st_mtime_ns for path in shards}
    shards[1].unlink()
    for name in ("students", "ramps"):
        (folder / f"{name}.parquet").unlink()
    status = sweep_status(folder)
    assert (status.missing, status.students_done, status.tables) == ((1,), 12, False)
    again = run_sweep(config(), folder, workers=1)
    assert_frame_equal(again.students, tables.students)
    changed = {p.name for p in shards if p.stat().st_mtime_ns != before[p.name]}
    assert changed == {"0001.pt"}
    assert not sweep_status(folder).missing and sweep_status(folder).tables


def test_progress_rises_to_all(tmp_path):
    seen = []
    run_sweep(config(), tmp_path / "out", workers=1, progress=seen.append)
    shares = [state.work_done / state.work for state in seen]
    assert shares == sorted(shares) and shares[-1] == 1
    assert seen[-1].students_done == seen[-1].students == 16


def test_diverged_students_are_marked_and_left_out_of_the_ramps(tmp_path):
    table = merge(TINY, {"kinds": {"direct": {"learning_rate": 1e160}}})
    tables = run_sweep(config_from_table(table), tmp_path / "out", workers=1)
    by_kind = tables.students.groupby("kind")["status"].unique().map(list).to_dict()
    assert by_kind == {"direct": ["diverged"], "spectral": ["ok"]}
    assert tables.students.loc[tables.students["kind"] == "direct", "test_loss"].isna().all()
    assert set(tables.ramps["kind"]) == {"spectral"}
    with pytest.raises(FileFormatError, match="diverged"):
        load_single(tmp_path / "out" / "shards" / "0002.pt", 0)


def test_a_full_disk_leaves_the_earlier_shards_and_a_second_run_finishes(
    tiny_sweep, tmp_path, monkeypatch
):
    _, tables = tiny_sweep
    folder, fsync, calls = tmp_path / "out", os.fsync, []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) > 6:  # the plan, its folder, two shards with theirs
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StaError, match=r"\.pt: No space left on device"):
        run_sweep(config(), folder, workers=1)
    monkeypatch.undo()
    kept = sorted(p.name for p in (folder / "shards").iterdir())
    assert len(kept) == 2 and all(name.endswith(".pt") for name in kept)
    assert [k for k, _ in shards_of(folder, read_plan(folder))] == [int(n[:4]) for n in kept]
    assert_frame_equal(run_sweep(config(), folder, workers=1).students, tables.students)


def test_foreign_and_other_folders_are_refused(tiny_sweep, tmp_path):
    folder, _ = tiny_sweep
    with pytest.raises(StaError, match="other settings"):
        run_sweep(config(epochs=7), folder)
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(StaError, match="no sweep"):
        run_sweep(config(), tmp_path)
    for call in (read_plan, sweep_status, read_tables):
        with pytest.raises(FileFormatError, match="no sweep directory"):
            call(tmp_path)
    (tmp_path / "plan.json").write_text('{"format": "another"}')
    with pytest.raises(FileFormatError, match="another"):
        read_plan(tmp_path)
    (tmp_path / "plan.json").write_text("{")
    with pytest.raises(FileFormatError, match="no plan"):
        read_plan(tmp_path)


def test_a_shard_of_another_sweep_is_noticed(tmp_path):
    folder = tmp_path / "out"
    run_sweep(config(), folder, workers=1)
    shards = sorted((folder / "shards").iterdir())
    shards[0].write_bytes(shards[1].read_bytes())
    with pytest.raises(FileFormatError, match="another sweep"):
        list(shards_of(folder, read_plan(folder)))


SCRIPT = """
import json, sys
from pathlib import Path
from sta.sweep import config_from_table, run_sweep
if __name__ == "__main__":
    table, folder, workers = sys.argv[1:]
    run_sweep(config_from_table(json.loads(table)), Path(folder), workers=int(workers))
"""


def test_kill_nine_at_a_random_moment_ten_times(tmp_path):
    """What was finished is kept; run again to the end, the tables are those of a quiet run."""
    table = merge(TINY, {"training": {"epochs": 40, "ensemble": 1}})
    quiet = run_sweep(config_from_table(table), tmp_path / "quiet", workers=1)
    script = tmp_path / "sweep.py"
    script.write_text(SCRIPT)
    folder = tmp_path / "killed"
    dice = random.Random(0)
    command = [sys.executable, "-P", str(script), json.dumps(table), str(folder)]
    kept: set[str] = set()
    for attempt in range(10):
        process = subprocess.Popen([*command, str(1 + attempt % 2)], start_new_session=True)
        started = time.monotonic()
        # Imports take seconds; aim at the plan, at shards and between them.
        seen = len(kept)
        while process.poll() is None and time.monotonic() - started < 60:
            done = {p.name for p in (folder / "shards").glob("*.pt")}
            if len(done) > seen or (attempt == 0 and (folder / "plan.json").exists()):
                break
            time.sleep(0.002)
        time.sleep(dice.random() * 0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        done = {p.name for p in (folder / "shards").glob("*.pt")}
        assert kept <= done
        if (folder / "plan.json").exists():
            finished = [n for n, _ in shards_of(folder, read_plan(folder))]
            assert len(finished) == len(done)
        kept = done
    assert kept, "nothing was ever finished before a kill: the test shows nothing"
    again = run_sweep(config_from_table(table), folder, workers=1)
    assert_frame_equal(again.students, quiet.students)
    assert_frame_equal(again.ramps, quiet.ramps)
    assert not list(folder.rglob("*.sta-tmp"))


def test_workers_leave_when_their_parent_is_killed(tmp_path):
    table = merge(TINY, {"training": {"epochs": 10**6, "ensemble": 1}})
    script = tmp_path / "sweep.py"
    script.write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, "-P", str(script), json.dumps(table), str(tmp_path / "out"), "2"]
    )
    children = wait_for(lambda: workers_of(process.pid))
    process.kill()
    process.wait()
    assert wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))


def workers_of(parent: int) -> list[int]:
    """The pool's processes, once both are past their start."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if int(fields[1]) == parent and b"spawn_main" in command:
                found.append((int(entry.name), int(fields[11])))
    # Two seconds of processor time each: they have imported torch and are training.
    return [pid for pid, ticks in found if ticks > 200] if len(found) == 2 else []


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    return condition()


def test_the_plan_does_not_depend_on_the_size_of_the_shards():
    orders = [[s.name for s in make_plan(config(ensemble=size)).students] for size in (1, 3, 32)]
    assert orders[0] == orders[1] == orders[2]


def test_parquet_keeps_the_types(tiny_sweep):
    folder, tables = tiny_sweep
    again = pd.read_parquet(folder / "students.parquet")
    assert again["effective_size"].tolist() == tables.students["effective_size"].tolist()
    assert [list(i) for i in again["importance"]] == tables.students["importance"].tolist()
