"""Sweeps on a local dask cluster of two workers, and what kills do to them."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from faults import CONFIG, dice_of, kill_group, resume, same, start, wait_for, wait_for_training
from sta.errors import StaError
from sta.sweep import run_sweep
from sta.sweep.cluster import train_remotely

pytest.importorskip("distributed")

TIMES = [1, pytest.param(20, marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quiet") / "out"
    run_sweep(CONFIG, folder, workers=1)
    return folder


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def dask(*words, folder):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "dask", *words, "--no-dashboard"],
        start_new_session=True, cwd=folder, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


@contextmanager
def cluster(folder):
    """Yield the address, the scheduler, and the workers' parent of a fresh cluster."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    scheduler = dask("scheduler", "--port", str(port), folder=folder)
    workers = dask("worker", address, "--nworkers", "2", "--nthreads", "1", folder=folder)
    try:
        yield address, scheduler, workers
    finally:
        for process in (workers, scheduler):
            kill_group(process)
            process.wait()


def worker_processes(workers):
    """Return the numbers of the processes that train: children of the workers' nannies."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != workers.pid:
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if int(fields[3]) == workers.pid and b"spawn_main" in words:
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("times", TIMES)
def test_a_worker_of_the_cluster_is_killed(quiet, tmp_path, times):
    dice, hit = dice_of("dask worker"), 0
    with cluster(tmp_path) as (address, _, workers):
        for attempt in range(times):
            folder = tmp_path / str(attempt)
            process = start(folder, scheduler=address)
            wait_for_training(folder, dice, 0.7)
            victims = wait_for(lambda: worker_processes(workers))
            os.kill(dice.choice(victims), signal.SIGKILL)
            hit += process.poll() is None
            _, errors = process.communicate(timeout=120)
            assert process.returncode == 0, errors
            same(folder, quiet)
    assert hit >= times // 2


@pytest.mark.parametrize("times", TIMES)
def test_the_scheduler_is_killed(quiet, tmp_path, times):
    dice, cut = dice_of("scheduler"), 0
    for attempt in range(times):
        folder = tmp_path / str(attempt)
        with cluster(tmp_path) as (address, scheduler, _):
            process = start(folder, scheduler=address)
            wait_for_training(folder, dice, 0.7)
            kill_group(scheduler)
            _, errors = process.communicate(timeout=120)
        if process.returncode:
            cut += 1
            assert "run again to do what is missing" in errors.splitlines()[-1]
        resume(folder)
        same(folder, quiet)
    assert cut >= times // 2


def test_without_a_shared_folder_the_results_travel(tmp_path):
    """The token that says that the folder is shared is not where the worker looks."""
    from sta.sweep.cluster import _versions
    from sta.sweep.lanes import Task
    from sta.sweep.plan import make_plan

    plan = make_plan(CONFIG)
    task = Task(0, plan.shards[0], tmp_path / "nowhere" / "0000.pt")
    content = train_remotely(
        CONFIG.to_dict(), task, tmp_path / "nowhere" / "token", 1.0, _versions()
    )
    assert content.startswith(b"PK") and not (tmp_path / "nowhere").exists()
    folder = tmp_path / "out"
    run_sweep(CONFIG, folder, workers=1)
    assert (folder / "shards" / "0000.pt").stat().st_size == len(content)
    with pytest.raises(StaError, match="a worker has"):
        train_remotely(CONFIG.to_dict(), task, tmp_path / "token", 1.0, {"sta": "0"})


def test_nobody_answers(tmp_path, monkeypatch):
    monkeypatch.setattr("sta.sweep.cluster.CONNECT_SECONDS", 1)
    with pytest.raises(StaError, match=r"no dask scheduler answers at tcp://127\.0"):
        run_sweep(CONFIG, tmp_path / "out", scheduler=f"tcp://127.0.0.1:{free_port()}")
