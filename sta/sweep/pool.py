"""Running shards in a pool of processes that outlives the death of its workers."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import Any

import torch

from sta.errors import StaError
from sta.sweep.config import SweepConfig
from sta.sweep.ensemble import available_cores
from sta.sweep.lanes import Report, Task, run_tasks

# A script without a `__main__` guard kills every worker; a lack of memory ends with one student.
MOST_DEATHS_IN_A_ROW = 4


def run_pool(
    config: SweepConfig, tasks: Sequence[Task], count: int, report: Report, interval: float
) -> None:
    """Train shards in `count` processes.

    When a worker dies, the shards in work are taken up again where they were saved, with half
    as many students in memory at a time; their numbers do not depend on it.

    Raises
    ------
    StaError
        If workers die again and again with nothing finished in between.
    """
    left = {task.number: task for task in tasks}
    finished: set[int] = set()
    deaths = 0

    def told(number: int, share: float) -> None:
        if share == 1:
            finished.add(number)
        report(number, share)

    while left:
        running: dict[Future[None], Task] = {}
        try:
            _run(config, list(left.values()), count, told, interval, running)
        except BrokenProcessPool as error:
            deaths = 1 if finished & left.keys() else deaths + 1
            if deaths >= MOST_DEATHS_IN_A_ROW:
                raise StaError(
                    "worker processes die again and again: killed, out of memory (try fewer "
                    "workers or a smaller training.ensemble), or started from a script without "
                    "an `if __name__ == '__main__':` guard; run again to do what is missing"
                ) from error
            for task in running.values():
                half = -(-(task.largest or len(task.students)) // 2)
                left[task.number] = replace(task, largest=half)
        left = {number: task for number, task in left.items() if number not in finished}


def _run(
    config: SweepConfig,
    tasks: Sequence[Task],
    count: int,
    report: Report,
    interval: float,
    running: dict[Future[None], Task],
) -> None:
    # Forking a process that has used torch's thread pool can hang; spawning cannot.
    context = multiprocessing.get_context("spawn")
    messages = context.Queue()
    threads = max(1, available_cores() // count)
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(count, context, _start_worker, (os.getpid(), threads, messages))
    waiting = iter(tasks)
    try:
        while True:
            # No more than one shard a worker: what waits in the pool's queue cannot be called back.
            for task in itertools.islice(waiting, count - len(running)):
                with _interrupts_ignored():
                    running[pool.submit(_work_on, config, task, interval)] = task
            if not running:
                break
            done, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
            _drain(messages, report)
            for future in done:
                future.result()
                report(running.pop(future).number, 1.0)
        pool.shutdown()
    except BaseException:
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
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


def _drain(messages: Any, report: Report) -> None:
    while True:
        try:
            number, share = messages.get_nowait()
        except queue.Empty:
            return
        report(number, share)


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


def _work_on(config: SweepConfig, task: Task, interval: float) -> None:
    last = time.monotonic()

    def report(number: int, share: float) -> None:
        nonlocal last
        if share < 1 and time.monotonic() - last > 0.5:
            last = time.monotonic()
            _messages.put((number, share))

    run_tasks(config, [task], report, interval=interval)
