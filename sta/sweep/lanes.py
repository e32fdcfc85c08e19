"""Running shards in this process: one after another, or several that take turns on one device."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from sta.checkpoint import save_checkpoint
from sta.spectral.training import resolve_device
from sta.sweep.config import SweepConfig
from sta.sweep.ensemble import LANES_OF_AN_ACCELERATOR
from sta.sweep.partial import SECONDS_BETWEEN_SAVES, GlanceWriter, PartialShard
from sta.sweep.plan import StudentId
from sta.sweep.shard import training_students

Report = Callable[[int, float], None]


@dataclass(frozen=True)
class Task:
    """A shard to train.

    Attributes
    ----------
    number : int
        Of the shard.
    students : tuple of StudentId
        In it.
    path : Path
        Where it goes.
    largest : int or None
        Most students in memory at a time.
    """

    number: int
    students: tuple[StudentId, ...]
    path: Path
    largest: int | None = None


def run_tasks(
    config: SweepConfig,
    tasks: Sequence[Task],
    report: Report,
    *,
    interval: float = SECONDS_BETWEEN_SAVES,
) -> None:
    """Train shards and write each when it is finished, atomically.

    Parameters
    ----------
    config : SweepConfig
        The sweep.
    tasks : sequence of Task
        What to do, in this order. On an accelerator several take turns: each has a stream of
        its own there, and works on while the others are being served.
    report : callable
        Called with a shard's number and the share of it that is done; 1 once it is written.
    interval : float
        Seconds between two saves of a shard in training.
    """
    device = resolve_device(config.training.device)
    lanes = LANES_OF_AN_ACCELERATOR if device.type == "cuda" else 1
    waiting, active = deque(tasks), list[_Lane]()
    while waiting or active:
        while waiting and len(active) < lanes:
            active.append(_Lane(config, waiting.popleft(), device, interval))
        for lane in list(active):
            share = lane.advance()
            if share == 1:
                active.remove(lane)
            report(lane.task.number, share)


class _Lane:
    """A shard in training."""

    def __init__(
        self, config: SweepConfig, task: Task, device: torch.device, interval: float
    ) -> None:
        self.task = task
        accelerated = device.type == "cuda"
        self._stream = (
            torch.cuda.Stream(device) if accelerated else None  # type: ignore[no-untyped-call]
        )
        self._store = PartialShard(task.path, interval)
        batch = config.kinds[task.students[0].kind].batch_size
        steps = -(-config.data.train_patterns // batch)
        self._glance = GlanceWriter(task.path, task.students, steps)
        self._job = training_students(
            config, task.students, largest=task.largest, store=self._store
        )

    def advance(self) -> float:
        """Start the next epoch and return the share that is done; write the shard at the end."""
        with torch.cuda.stream(self._stream) if self._stream else contextlib.nullcontext():
            try:
                state = next(self._job)
            except StopIteration as stop:
                save_checkpoint(stop.value, self.task.path, overwrite=True)
                self._store.clear()
                self._glance.clear()
                return 1.0
        self._glance.write(state.done, state.log)
        return 0.999 * state.done / max(state.total, 1)
