"""Training of one student or of K students of one shape as a single batched ensemble.

Nothing is shared between members but the arithmetic: each has its own data, initialisation and
shuffling, and Adam acts entry by entry, so one optimiser step moves all of them exactly as if
each were alone. The arithmetic itself is in `sta.spectral.trainer`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sta.errors import ConfigError
from sta.spectral.network import Network, patterns_at_once
from sta.spectral.pruning import effective_sizes
from sta.spectral.student import Recipe
from sta.spectral.teacher import Dataset
from sta.spectral.trainer import Trainer

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Schedule:
    """How long training takes and what it records.

    Attributes
    ----------
    epochs : int
        Passes over the training set.
    history_points : int
        Number of moments, evenly spaced and the last epoch among them, at which the losses and
        the effective size are recorded.
    threshold : float
        Relative importance above which a unit counts for the recorded effective size.
    dtype : {"float32", "float64"}
        Floating type of the training.
    device : str
        ``cpu``, ``cuda`` or ``cuda:N``.
    """

    epochs: int = 2000
    history_points: int = 50
    threshold: float = 0.05
    dtype: str = "float32"
    device: str = "cpu"


@dataclass(frozen=True)
class History:
    """Losses and effective sizes during training; R moments, K students.

    Attributes
    ----------
    epoch : array of int, shape (R,)
        Completed epochs, 0 (before training) first.
    train_loss, test_loss : array, shape (R, K)
        Mean squared errors over the whole training and test sets, penalties excluded.
    effective_size : array of int, shape (R, K)
        Units of the spectral layers above the threshold.
    diverged_at : array of int, shape (K,)
        First epoch at whose end a student's loss was not finite; -1 for the healthy.
    """

    epoch: NDArray[np.int64]
    train_loss: NDArray[np.float64]
    test_loss: NDArray[np.float64]
    effective_size: NDArray[np.int64]
    diverged_at: NDArray[np.int64]


class Store(Protocol):
    """Where a training in progress is kept, so that a kill loses little."""

    def load(self) -> dict[str, Any] | None:
        """Return what was saved last, or None."""

    def due(self) -> bool:
        """Return whether it is time to save."""

    def save(self, state: dict[str, Any]) -> None:
        """Keep plain types and tensors."""


class Log:
    """What training has recorded so far.

    Attributes
    ----------
    epoch, epochs : int
        Completed epochs, and all of them.
    moments : list of int
        Epochs at which something is recorded, 0 first.
    train_loss, test_loss, effective_size : list of array, shape (K,)
        One array a moment that has passed; see `History`.
    diverged_at : array of int, shape (K,)
        See `History`.
    """

    def __init__(self, schedule: Schedule, members: int) -> None:
        self.epoch, self.epochs = 0, schedule.epochs
        even = np.linspace(0, schedule.epochs, schedule.history_points + 1)
        self.moments = sorted({round(moment) for moment in even})
        self.train_loss: list[NDArray[np.float64]] = []
        self.test_loss: list[NDArray[np.float64]] = []
        self.effective_size: list[NDArray[np.int64]] = []
        self.diverged_at = np.full(members, -1)

    def record(
        self, network: Network, train_set: Dataset, test_set: Dataset, threshold: float
    ) -> None:
        """Measure the students as they are."""
        self.train_loss.append(mean_squared_error(network, train_set).cpu().numpy())
        self.test_loss.append(mean_squared_error(network, test_set).cpu().numpy())
        self.effective_size.append(effective_sizes(network, threshold))

    def history(self) -> History:
        """Return the records as arrays."""
        passed = np.array(self.moments[: len(self.train_loss)])
        train_loss, test_loss = np.stack(self.train_loss), np.stack(self.test_loss)
        return History(
            passed, train_loss, test_loss, np.stack(self.effective_size), self.diverged_at
        )

    def state(self) -> dict[str, Any]:
        """Return everything as plain types and tensors."""
        return {
            name: torch.from_numpy(value.copy()) for name, value in asdict(self.history()).items()
        } | {"completed": self.epoch}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.epoch = int(state["completed"])
        self.diverged_at = state["diverged_at"].numpy().copy()
        for name in ("train_loss", "test_loss", "effective_size"):
            setattr(self, name, list(state[name].numpy().copy()))


def train(
    network: Network,
    train_set: Dataset,
    test_set: Dataset,
    recipe: Recipe,
    schedule: Schedule,
    generators: Sequence[np.random.Generator],
    progress: Progress | None = None,
) -> History:
    """Train a stack of K students in place, with Adam on the mean squared error.

    Parameters
    ----------
    network : Network
        Stack of K students; moved to the schedule's device and type, and left there.
    train_set, test_set : Dataset
        Stacks of K data sets. The test set is only looked at for the history.
    recipe, schedule : Recipe, Schedule
        What is minimised, and for how long.
    generators : sequence of numpy.random.Generator
        One a student, for the shuffling.
    progress : callable, optional
        Called with (epochs done, epochs in all) after every epoch.

    Returns
    -------
    History

    Raises
    ------
    ConfigError
        If the device is not there or the type is unknown.

    Notes
    -----
    A student whose loss stops being finite is marked in `History.diverged_at`. Its neighbours
    are untouched, because no operation mixes members.
    """
    job = training(network, train_set, test_set, recipe, schedule, generators)
    while True:
        try:
            log = next(job)
        except StopIteration as stop:
            return cast("History", stop.value)
        if progress is not None:
            progress(log.epoch, log.epochs)


def training(
    network: Network,
    train_set: Dataset,
    test_set: Dataset,
    recipe: Recipe,
    schedule: Schedule,
    generators: Sequence[np.random.Generator],
    store: Store | None = None,
) -> Generator[Log, None, History]:
    """Train as `train` does, and yield the log while each epoch is under way and at the end.

    An accelerator works on between two yields, so several stacks can take turns and keep it
    busy. With a store, training goes on from what was saved there, bit for bit.
    """
    device, dtype = resolve_device(schedule.device), resolve_dtype(schedule.dtype)
    network.to(device, dtype)
    train_set, test_set = train_set.to(device, dtype), test_set.to(device, dtype)
    trainer = Trainer(network, train_set, recipe, generators)
    log = Log(schedule, len(generators))
    saved = None if store is None else store.load()
    if saved is not None:
        trainer.restore(saved["trainer"])
        log.restore(saved["log"])
    else:
        log.record(network, train_set, test_set, schedule.threshold)
    if log.epoch < log.epochs:
        trainer.shuffle()
    for epoch in range(log.epoch + 1, log.epochs + 1):
        trainer.start_epoch()
        yield log
        last = epoch == log.epochs
        saving = store is not None and not last and store.due()
        if not (saving or last):
            trainer.shuffle()
        losses = trainer.losses()
        log.epoch = epoch
        log.diverged_at[~np.isfinite(losses) & (log.diverged_at < 0)] = epoch
        if epoch in log.moments:
            log.record(network, train_set, test_set, schedule.threshold)
        if store is not None and saving:
            store.save({"trainer": trainer.state(), "log": log.state()})
            trainer.shuffle()
    yield log
    return log.history()


def mean_squared_error(network: Network, data: Dataset, chunk: int = 2**17) -> Tensor:
    """Return the mean squared error of every member in float64, shape (*stack,).

    At most about `chunk` activations a member and layer are held at a time.
    """
    patterns = data.y.shape[-1]
    size = patterns_at_once(network, chunk)
    total = torch.zeros(network.stack, dtype=torch.float64, device=data.y.device)
    with torch.no_grad():
        for start in range(0, patterns, size):
            part = slice(start, start + size)
            error = network(data.x[..., part, :]) - data.y[..., part]
            total += error.double().square().sum(-1)
    return total / patterns


def resolve_device(name: str) -> torch.device:
    """Return the device of a name, or raise ConfigError if this machine has none such."""
    if not re.fullmatch(r"cpu|cuda(:\d{1,3})?", name):
        raise ConfigError(f"device {name!r} is unknown; use cpu, cuda or cuda:N")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"device {name!r} is not on this machine; use cpu")
    return device


def resolve_dtype(name: str) -> torch.dtype:
    """Return the floating type of a name, or raise ConfigError."""
    known = {"float32": torch.float32, "float64": torch.float64}
    if name not in known:
        raise ConfigError(f"dtype {name!r} is unknown; use float32 or float64")
    return known[name]
