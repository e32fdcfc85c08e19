"""Running shards on the workers of a dask cluster, one shard a task.

Where a worker sees the sweep's folder, it trains there as a process of this machine would: its
state is saved at intervals, and its result appears under an atomic rename. Where it does not,
the result travels back and is written here.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from sta.checkpoint import package_versions
from sta.errors import StaError
from sta.files import write_bytes
from sta.sweep.config import SweepConfig, config_from_table
from sta.sweep.lanes import Task, run_tasks

# A worker that has died takes its tasks along; each is given to others so many times.
CONNECT_SECONDS = 10
MOST_LOSSES = 5


def run_on_cluster(
    config: SweepConfig,
    tasks: Sequence[Task],
    scheduler: str,
    report: Callable[[int, float], None],
    interval: float,
) -> None:
    """Train shards on a cluster and write each when it is finished, atomically.

    Parameters
    ----------
    config : SweepConfig
        The sweep. With ``training.device`` an accelerator, a task takes one unit of the worker
        resource ``GPU`` (``dask worker --resources GPU=1``).
    tasks : sequence of Task
        What to do.
    scheduler : str
        Address, such as ``tcp://head:8786``.
    report : callable
        Called with a shard's number and 1 once it is written.
    interval : float
        Seconds between two saves of a shard in training, on workers that see the folder.

    Raises
    ------
    StaError
        If dask.distributed is not installed, the scheduler does not answer or goes away, a
        worker has another version of sta or torch, or workers die again and again over a shard.

    Notes
    -----
    A shard whose worker died is given to another one, which goes on where the state was saved,
    with half as many students in memory at a time: lack of memory is what workers die of.
    """
    distributed = _distributed()
    if not tasks:
        return
    try:
        client = distributed.Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise StaError(
            f"no dask scheduler answers at {scheduler}; start one with: dask scheduler"
        ) from error
    token = tasks[0].path.parent / f".{uuid.uuid4().hex}.sta-tmp"
    token.touch()
    try:
        with client:
            _Cluster(client, config, token, report, interval).run(tasks)
    finally:
        token.unlink(missing_ok=True)


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise StaError(
            "--scheduler needs dask.distributed; install it with: pip install '.[cluster]'"
        ) from error
    return distributed


class _Cluster:
    """Keeps every shard with some worker until all are written."""

    def __init__(
        self,
        client: Any,
        config: SweepConfig,
        token: Path,
        report: Callable[[int, float], None],
        interval: float,
    ) -> None:
        self._client, self._config, self._token = client, config, token
        self._report, self._interval = report, interval
        self._losses: dict[int, int] = {}

    def run(self, tasks: Sequence[Task]) -> None:
        distributed = _distributed()
        running = {self._submit(task): task for task in tasks}
        try:
            finished = distributed.as_completed(list(running), loop=self._client.loop)
            for future in finished:
                task = running.pop(future)
                if future.status == "finished":
                    self._keep(task, future.result())
                    continue
                again = self._after(task, future)
                running[again[0]] = again[1]
                finished.add(again[0])
        except (distributed.comm.CommClosedError, OSError, TimeoutError) as error:
            raise StaError(
                f"the dask scheduler went away ({error}); run again to do what is missing"
            ) from error
        if running:
            raise StaError("the dask scheduler went away; run again to do what is missing")

    def _submit(self, task: Task) -> Any:
        accelerated = self._config.training.device != "cpu"
        return self._client.submit(
            train_remotely,
            self._config.to_dict(),
            replace(task, path=task.path.absolute()),
            self._token.absolute(),
            self._interval,
            _versions(),
            key=f"sta-{task.path.stem}-{uuid.uuid4().hex}",
            resources={"GPU": 1} if accelerated else None,
            pure=False,
        )

    def _keep(self, task: Task, content: bytes | None) -> None:
        if content is not None:
            write_bytes(task.path, content, overwrite=True)
        self._report(task.number, 1.0)

    def _after(self, task: Task, future: Any) -> tuple[Any, Task]:
        """Give a shard away again whose worker has died; raise what went wrong otherwise."""
        if future.status in ("cancelled", "lost"):
            raise StaError("the dask scheduler went away; run again to do what is missing")
        error = future.exception()
        if not isinstance(error, _distributed().scheduler.KilledWorker):
            raise error
        self._losses[task.number] = self._losses.get(task.number, 0) + 1
        if self._losses[task.number] >= MOST_LOSSES:
            raise StaError(
                f"workers die again and again over shard {task.number}: killed, or out of memory "
                "(try a smaller training.ensemble); run again to do what is missing"
            ) from error
        half = replace(task, largest=-(-(task.largest or len(task.students)) // 2))
        return self._submit(half), half


def train_remotely(
    table: dict[str, Any],
    task: Task,
    token: Path,
    interval: float,
    versions: dict[str, str],
) -> bytes | None:
    """Train a shard on a worker; return its file, or None if it was written where it belongs.

    Raises
    ------
    StaError
        If the worker has another version of sta or torch than whoever asks.
    """
    if _versions() != versions:
        raise StaError(f"a worker has {_versions()}, but this sweep is run with {versions}")
    torch.set_num_threads(1)
    config = config_from_table(table)
    if token.exists():
        run_tasks(config, [task], _nobody, interval=interval)
        return None
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder) / task.path.name
        run_tasks(config, [replace(task, path=here)], _nobody, interval=float("inf"))
        return here.read_bytes()


def _nobody(number: int, share: float) -> None:
    """Report to nobody."""


def _versions() -> dict[str, str]:
    return {name: package_versions()[name] for name in ("sta", "torch", "numpy")}
