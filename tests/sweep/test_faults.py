"""Every fault many times at random moments: the tables are those of an undisturbed run.

One of each in the default suite; ``pytest -m slow tests/sweep/test_faults.py`` does twenty.
"""

import errno
import os
import signal
import time

import pytest

from faults import (
    CONFIG,
    INTERVAL,
    dice_of,
    kill_group,
    resume,
    same,
    start,
    wait_for_training,
    workers_of,
)
from sta.errors import StaError
from sta.sweep import run_sweep, sweep_status

TIMES = [1, pytest.param(20, marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quiet") / "out"
    run_sweep(CONFIG, folder, workers=1)
    return folder


def resumed_from_saved_state(folder):
    return any((folder / "shards").glob("*.partial"))


@pytest.mark.parametrize(
    ("number", "times"),
    [
        pytest.param(signal.SIGKILL, 1, id="kill-1"),
        pytest.param(signal.SIGKILL, 20, id="kill-20", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, 20, id="term-20", marks=pytest.mark.slow),
    ],
)
def test_the_parent_is_stopped(quiet, tmp_path, number, times):
    dice, saved = dice_of(f"parent {number}"), 0
    for attempt in range(times):
        folder = tmp_path / str(attempt)
        process = start(folder)
        wait_for_training(folder, dice)
        process.send_signal(number)
        process.wait(30)
        time.sleep(1)  # its workers notice within half a second
        saved += resumed_from_saved_state(folder)
        resume(folder)
        same(folder, quiet)
        assert not resumed_from_saved_state(folder)
    assert saved >= times // 4, "too few runs were stopped within a shard"


@pytest.mark.parametrize("times", TIMES)
def test_a_worker_is_killed(quiet, tmp_path, times):
    dice, hit = dice_of("worker"), 0
    for attempt in range(times):
        folder = tmp_path / str(attempt)
        process = start(folder)
        wait_for_training(folder, dice, 0.7)
        workers = workers_of(process)
        if workers:
            os.kill(dice.choice(workers), signal.SIGKILL)
            hit += 1
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        same(folder, quiet)
    assert hit >= times // 2


@pytest.mark.parametrize("times", TIMES)
def test_the_disk_is_full(quiet, tmp_path, monkeypatch, times):
    dice, fsync = dice_of("disk"), os.fsync
    for attempt in range(times):
        folder, left = tmp_path / str(attempt), dice.randint(3, 25)

        def full(descriptor):
            nonlocal left
            left -= 1
            if left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StaError, match="No space left on device"):
            run_sweep(CONFIG, folder, workers=1, interval=INTERVAL)
        monkeypatch.setattr(os, "fsync", fsync)
        assert sweep_status(folder).shards == 8
        resume(folder)
        same(folder, quiet)


@pytest.mark.parametrize(
    ("suffix", "what", "times"),
    [
        ("pt", "truncated", 1),
        ("partial", "one bit", 1),
        *(
            pytest.param(suffix, what, 20, marks=pytest.mark.slow)
            for suffix in ("pt", "partial")
            for what in ("truncated", "one bit")
        ),
    ],
)
def test_a_file_is_damaged(quiet, tmp_path, suffix, what, times):
    dice, met = dice_of(f"{suffix} {what}"), 0
    for attempt in range(times):
        folder = tmp_path / str(attempt)
        process = start(folder, workers=1)
        wait_for_training(folder, dice)
        kill_group(process)
        process.communicate()
        files = sorted((folder / "shards").glob(f"*.{suffix}"))
        if not files:
            continue
        met += 1
        path = dice.choice(files)
        content = bytearray(path.read_bytes())
        place = dice.randrange(len(content))
        if what == "truncated":
            content = content[:place]
        else:
            content[place] ^= 1 << dice.randrange(8)
        path.write_bytes(content)
        resume(folder)
        same(folder, quiet)
        if suffix == "pt":
            assert path.with_suffix(".damaged").read_bytes() == content
    assert met >= times // 2


@pytest.mark.parametrize("times", TIMES)
def test_two_runs_start_together(quiet, tmp_path, times):
    dice, refused = dice_of("two"), 0
    for attempt in range(times):
        folder = tmp_path / str(attempt)
        first = start(folder)
        time.sleep(dice.random() * 0.2)
        second = start(folder)
        ends = [(p.communicate(timeout=120)[1], p.returncode) for p in (first, second)]
        assert any(code == 0 for _, code in ends), ends
        for errors, code in ends:
            assert code == 0 or "another process works in" in errors
        refused += any(code for _, code in ends)
        same(folder, quiet)
    assert refused >= times // 2


@pytest.mark.parametrize("times", TIMES)
def test_the_clock_is_set_back(quiet, tmp_path, monkeypatch, times):
    dice, real = dice_of("clock"), time.time
    for attempt in range(times):
        folder, begun, jump = tmp_path / str(attempt), real(), dice.random()
        hours = 3600 * dice.randint(1, 48)

        def clock(begun=begun, jump=jump, hours=hours):
            now = real()
            return now - hours if now - begun > jump else now

        monkeypatch.setattr(time, "time", clock)
        run_sweep(CONFIG, folder, workers=1, interval=INTERVAL)
        same(folder, quiet)
        monkeypatch.setattr(time, "time", real)
