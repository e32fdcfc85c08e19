import errno
import json
import os
import shutil
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
from sta.files import locked
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


def test_other_shards_and_workers_give_the_same_tables(tmp_path):
    """Bit for bit, in float32 over 180 steps, for all kinds and a stack of one among them.

    Rows of five and seven numbers put each member's arrays at another address modulo 64 bytes,
    which the linear algebra library must not let its rounding depend on.
    """
    change = {
        "teacher": {"input_width": 5},
        "student": {"kinds": ["spectral", "direct", "group-lasso"], "trials": 3, "widths": [4, 7]},
        "data": {"train_patterns": 150},
        "training": {"epochs": 60, "dtype": "float32"},
    }
    table = merge(TINY, change)
    results = [
        run_sweep(
            config_from_table(merge(table, {"training": {"ensemble": size}})),
            tmp_path / str(size),
            workers=workers,
        )
        for size, workers in ((32, 1), (5, 2), (1, 2))
    ]
    for again in results[1:]:
        for name in ("students", "ramps"):
            assert_frame_equal(getattr(again, name), getattr(results[0], name), check_exact=True)


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
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]
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


LONG = merge(TINY, {"training": {"epochs": 10**6, "ensemble": 1}})


def start_long(tmp_path):
    script = tmp_path / "sweep.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-P", str(script), json.dumps(LONG), str(tmp_path / "out"), "2"]
    return subprocess.Popen(
        command, start_new_session=True, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def family_of(leader: int) -> dict[int, int]:
    """Processor ticks of the living processes of a session, without its leader."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != leader:
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == leader and fields[0] != "Z":
                found[int(entry.name)] = int(fields[11])
    return found


def training(leader: int) -> bool:
    """Whether two workers have had four seconds each: they have imported torch."""
    return sum(ticks > 400 for ticks in family_of(leader).values()) >= 2


@pytest.mark.parametrize("early", [True, False])
def test_workers_leave_when_their_parent_is_killed(tmp_path, early):
    """While they still import torch, and while they train."""
    process = start_long(tmp_path)
    ready = (lambda: len(family_of(process.pid)) >= 2) if early else lambda: training(process.pid)
    assert wait_for(ready)
    process.kill()
    process.wait()
    assert wait_for(lambda: not family_of(process.pid))
    process.communicate()


def test_an_interrupt_stops_everything_at_once(tmp_path):
    """Ctrl-C reaches the whole process group of a terminal."""
    process = start_long(tmp_path)
    assert wait_for(lambda: training(process.pid))
    os.killpg(process.pid, signal.SIGINT)
    started = time.monotonic()
    _, errors = process.communicate(timeout=30)
    assert time.monotonic() - started < 20
    assert process.returncode != 0 and errors.rstrip().endswith("KeyboardInterrupt")
    assert wait_for(lambda: not family_of(process.pid))
    assert not list((tmp_path / "out").rglob("*.pt"))


def test_one_run_at_a_time(tmp_path):
    with locked(tmp_path / "out"), pytest.raises(StaError, match="another process works in"):
        run_sweep(config(), tmp_path / "out", workers=1)
    run_sweep(config(), tmp_path / "out", workers=1)


def test_a_kill_while_the_plan_is_written_does_not_lock_the_folder(tmp_path):
    (tmp_path / ".plan.json.abc.sta-tmp").write_text("{")
    assert len(run_sweep(config(), tmp_path, workers=1).students) == 16


def test_a_sweep_goes_on_elsewhere(tiny_sweep, tmp_path):
    """Begun on another device and in other portions, it is still the same sweep."""
    folder = tmp_path / "out"
    shutil.copytree(tiny_sweep[0], folder)
    table = json.loads((folder / "plan.json").read_text())
    table["config"]["training"]["device"] = "cuda:5"
    (folder / "plan.json").write_text(json.dumps(table))
    assert sweep_status(folder).students_done == 16
    (folder / "shards" / "0000.pt").unlink()
    again = run_sweep(config(ensemble=2), folder, workers=1)
    assert_frame_equal(again.students, tiny_sweep[1].students)


def test_a_teacher_that_changed_is_noticed(tmp_path):
    path = tmp_path / "teacher.npz"
    rng = np.random.default_rng(0)
    settings = {
        "teacher": {"kind": "file", "path": str(path), "draws": 1, "widths": [3]},
        "training": {"epochs": 1},
    }
    for number in range(2):
        np.savez(path, w1=rng.normal(size=(4, 3)), w2=rng.normal(size=(3, 2)))
        if number == 0:
            run_sweep(config_from_table(merge(TINY, settings)), tmp_path / "out", workers=1)
    with pytest.raises(StaError, match="other settings"):
        run_sweep(config_from_table(merge(TINY, settings)), tmp_path / "out", workers=1)


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
