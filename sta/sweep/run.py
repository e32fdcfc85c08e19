"""Running a sweep: shard after shard, in this process or in a pool, and only what is missing."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sta.errors import StaError
from sta.files import locked, remove_temporaries
from sta.spectral.training import resolve_device
from sta.sweep.config import SweepConfig
from sta.sweep.plan import Plan, make_plan, open_sweep, read_plan, refuse_foreign, shard_path
from sta.sweep.shard import run_shard, teacher_of
from sta.sweep.tables import SweepTables, write_tables


@dataclass(frozen=True)
class SweepProgress:
    """How far a sweep has come.

    Attributes
    ----------
    students, students_done : int
        Students in all and in finished shards.
    work, work_done : float
        Units times epochs over all students, an estimate of the time they take.
    """

    students: int
    students_done: int
    work: float
    work_done: float


@dataclass(frozen=True)
class SweepStatus:
    """What of a sweep is on the disk.

    Attributes
    ----------
    shards, shards_done, students, students_done : int
        Planned and finished.
    missing : tuple of int
        Numbers of the shards to do.
    tables : bool
        Whether the tables are written.
    """

    shards: int
    shards_done: int
    students: int
    students_done: int
    missing: tuple[int, ...]
    tables: bool


def sweep_status(folder: Path) -> SweepStatus:
    """Return what of a sweep is done, from the names of its files alone."""
    plan = read_plan(folder)
    missing = _missing(folder, plan)
    left = sum(len(plan.shards[number]) for number in missing)
    return SweepStatus(
        len(plan.shards),
        len(plan.shards) - len(missing),
        len(plan.students),
        len(plan.students) - left,
        tuple(missing),
        all((folder / f"{name}.parquet").exists() for name in ("students", "ramps")),
    )


def run_sweep(
    config: SweepConfig,
    folder: Path,
    *,
    workers: int | None = None,
    progress: Callable[[SweepProgress], None] | None = None,
) -> SweepTables:
    """Train all students of a sweep that are not on the disk yet, and write the tables.

    Parameters
    ----------
    config : SweepConfig
        The settings.
    folder : Path
        A new or empty folder, or one with this very sweep, interrupted or done.
    workers : int, optional
        Processes; one a core unless told, and always one on an accelerator.
    progress : callable, optional
        Called a few times a second with a `SweepProgress`.

    Returns
    -------
    SweepTables

    Raises
    ------
    StaError
        If the folder holds something else, is in use, cannot be written, or a worker dies.

    Notes
    -----
    The workers are spawned: a script that calls this must do so under
    ``if __name__ == "__main__":``, or with ``workers=1``.
    """
    plan = make_plan(config)
    teacher_of(config, plan.students[0])  # a teacher that cannot be read ends it here
    resolve_device(config.training.device)
    refuse_foreign(folder)
    with locked(folder):
        plan = open_sweep(folder, plan)
        (folder / "shards").mkdir(exist_ok=True)
        remove_temporaries(folder / "shards")
        remove_temporaries(folder)
        missing = sorted(_missing(folder, plan), key=lambda n: -_work(plan, n))
        board = _Board(plan, missing, progress)
        count = 1 if config.training.device != "cpu" else workers or available_cores()
        if min(count, len(missing)) <= 1:
            for number in missing:
                path = shard_path(folder, number)
                run_shard(plan.config, plan.shards[number], path, board.reporter(number))
                board.finish(number)
        else:
            _run_pool(plan, folder, missing, min(count, len(missing)), board)
        return write_tables(folder, plan)


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _missing(folder: Path, plan: Plan) -> list[int]:
    return [n for n in range(len(plan.shards)) if not shard_path(folder, n).exists()]


def _work(plan: Plan, number: int) -> float:
    """Return an estimate of a shard's cost: units times batches, plus a fixed share a batch."""
    shard = plan.shards[number]
    batches = plan.config.data.train_patterns / plan.config.kinds[shard[0].kind].batch_size
    return len(shard) * plan.config.training.epochs * (shard[0].student_width + 20 * batches)


class _Board:
    """Keeps the sum of all shards' progress and tells the caller."""

    def __init__(
        self, plan: Plan, missing: list[int], tell: Callable[[SweepProgress], None] | None
    ) -> None:
        self._work = {n: _work(plan, n) for n in range(len(plan.shards))}
        self._sizes = [len(shard) for shard in plan.shards]
        self._done = {n: float(n not in missing) for n in self._work}
        self._tell = tell
        self._last = 0.0

    def reporter(self, number: int) -> Callable[[int, int], None]:
        return lambda done, total: self.update(number, done / max(total, 1) * 0.999)

    def finish(self, number: int) -> None:
        self._last = 0.0
        self.update(number, 1.0)

    def update(self, number: int, fraction: float) -> None:
        self._done[number] = max(fraction, self._done[number])
        now = time.monotonic()
        if self._tell is None or now - self._last < 0.2:
            return
        self._last = now
        self._tell(
            SweepProgress(
                sum(self._sizes),
                sum(self._sizes[n] for n, done in self._done.items() if done >= 1),
                sum(self._work.values()),
                sum(self._work[n] * done for n, done in self._done.items()),
            )
        )


def _run_pool(plan: Plan, folder: Path, missing: list[int], count: int, board: _Board) -> None:
    # Forking a process that has used torch's thread pool can hang; spawning cannot.
    context = multiprocessing.get_context("spawn")
    messages = context.Queue()
    threads = max(1, available_cores() // count)
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(count, context, _start_worker, (os.getpid(), threads, messages))
    waiting, running = iter(missing), dict[Future[None], int]()
    try:
        while True:
            # No more than one shard a worker: what waits in the pool's queue cannot be called back.
            for number in itertools.islice(waiting, count - len(running)):
                path = shard_path(folder, number)
                with _interrupts_ignored():
                    task = pool.submit(_work_on, plan.config, plan.shards[number], path, number)
                running[task] = number
            if not running:
                break
            done, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
            _drain(messages, board)
            for future in done:
                future.result()
                board.finish(running.pop(future))
        pool.shutdown()
    except BaseException as error:
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
        if isinstance(error, BrokenProcessPool):
            raise StaError(
                "a worker process died: killed, out of memory (try fewer workers or a smaller "
                "training.ensemble), or started from a script without an "
                "`if __name__ == '__main__':` guard; run again to do what is missing"
            ) from error
        raise


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Let processes started meanwhile ignore Ctrl-C: their parent stops them in good order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _drain(messages: Any, board: _Board) -> None:
    while True:
        try:
            number, fraction = messages.get_nowait()
        except queue.Empty:
            return
        board.update(number, fraction)


_messages: Any = None


def _start_worker(parent: int, threads: int, messages: Any) -> None:
    global _messages

    def leave_with_parent() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=leave_with_parent, daemon=True).start()
    _messages = messages
    torch.set_num_threads(threads)


def _work_on(config: SweepConfig, students: Any, path: Path, number: int) -> None:
    last = time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > 0.5:
            last = time.monotonic()
            _messages.put((number, done / max(total, 1) * 0.999))

    run_shard(config, students, path, report)
