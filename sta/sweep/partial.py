"""A shard in training on the disk: its state at intervals, and a glance at it for onlookers."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sta.errors import FileFormatError
from sta.files import sealed, write_bytes
from sta.formats import load_torch
from sta.spectral.training import Log
from sta.sweep.plan import StudentId

SECONDS_BETWEEN_SAVES = 30.0
SECONDS_BETWEEN_GLANCES = 1.0


class PartialShard:
    """Keeps a training beside its shard's file, so that a kill loses half a minute.

    Parameters
    ----------
    path : Path
        The shard's file; the state lies beside it under the suffix ``.partial``.
    interval : float
        Seconds between two saves.
    """

    def __init__(self, path: Path, interval: float = SECONDS_BETWEEN_SAVES) -> None:
        self._path = path.with_suffix(".partial")
        self._interval = interval
        self._last = time.monotonic()
        self._names: list[str] = []

    def of(self, students: Sequence[StudentId]) -> PartialShard:
        """Return this store for the training of these students."""
        self._names = [student.name for student in students]
        return self

    def load(self) -> dict[str, Any] | None:
        """Return the last state of these students, or None; a damaged one is none."""
        if not self._path.exists():
            return None
        try:
            saved = load_torch(self._path)
            if saved["students"] != self._names:
                return None
            state: dict[str, Any] = saved["state"]
        except (FileFormatError, KeyError, TypeError):
            self.clear()
            return None
        return state

    def due(self) -> bool:
        """Return whether the interval has passed."""
        return time.monotonic() - self._last >= self._interval

    def save(self, state: dict[str, Any]) -> None:
        """Write a state atomically."""
        content = {"students": self._names, "state": state}
        write_bytes(self._path, sealed(lambda file: torch.save(content, file)), overwrite=True)
        self._last = time.monotonic()

    def clear(self) -> None:
        """Remove the state: the shard is finished."""
        self._path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Glance:
    """What a shard in training looks like.

    Attributes
    ----------
    shard : str
        Its number.
    kind, student_width, teacher_width, students
        What is trained.
    epoch, epochs : int
        Completed epochs and all.
    train_loss, test_loss, effective_size : float
        Medians over the students at the last record of the history.
    student_steps_per_second : float
        Since training began or went on.
    updated : float
        Time of writing, seconds since 1970.
    """

    shard: str
    kind: str
    student_width: int
    teacher_width: int
    students: int
    epoch: int
    epochs: int
    train_loss: float
    test_loss: float
    effective_size: float
    student_steps_per_second: float
    updated: float


class GlanceWriter:
    """Writes a `Glance` beside a shard's file about once a second."""

    def __init__(self, path: Path, students: Sequence[StudentId], steps_per_epoch: int) -> None:
        self._path = path.with_suffix(".live.json")
        self._students, self._steps = students, steps_per_epoch
        self._began = self._last = time.monotonic()
        self._first: int | None = None

    def write(self, done: int, log: Log) -> None:
        """Write if a second has passed; `done` counts student-epochs."""
        now = time.monotonic()
        if self._first is None:
            self._first, self._began = done, now
        if now - self._last < SECONDS_BETWEEN_GLANCES or not log.test_loss:
            return
        self._last = now
        one = self._students[0]
        rate = (done - self._first) * self._steps / max(now - self._began, 1e-9)
        with np.errstate(invalid="ignore"):
            glance = Glance(
                self._path.name.partition(".")[0],
                one.kind, one.student_width, one.teacher_width, len(self._students),
                log.epoch, log.epochs, float(np.median(log.train_loss[-1])),
                float(np.median(log.test_loss[-1])), float(np.median(log.effective_size[-1])),
                rate, time.time(),
            )  # fmt: skip
        temporary = self._path.with_suffix(".tmp")
        # Onlookers only: not worth a wait for the disk.
        temporary.write_text(json.dumps(asdict(glance)))
        temporary.replace(self._path)

    def clear(self) -> None:
        """Remove what is there."""
        for path in (self._path, self._path.with_suffix(".tmp")):
            path.unlink(missing_ok=True)


def read_glances(shards: Path) -> list[Glance]:
    """Return the glances at all shards in training, the wider students first."""
    found = []
    for path in shards.glob("*.live.json"):
        try:
            found.append(Glance(**json.loads(path.read_text())))
        except (OSError, ValueError, TypeError):  # gone or foreign
            continue
    return sorted(found, key=lambda one: (-one.student_width, one.kind))
