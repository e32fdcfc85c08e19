"""Training of one student or of K students of one shape as a single batched ensemble.

Nothing is shared between members but the arithmetic: each has its own data, initialisation and
shuffling, and Adam acts entry by entry, so one optimiser step moves all of them exactly as if
each were alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sta.errors import ConfigError
from sta.spectral.network import Network
from sta.spectral.pruning import effective_sizes
from sta.spectral.student import Recipe, penalty
from sta.spectral.teacher import Dataset

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
    device, dtype = resolve_device(schedule.device), resolve_dtype(schedule.dtype)
    network.to(device, dtype)
    train_set, test_set = train_set.to(device, dtype), test_set.to(device, dtype)
    parameters = [p for p in network.parameters() if p.requires_grad]
    # eps is Keras' default, which the published protocol used. On the CPU the fused kernel rounds
    # the last few numbers of an array otherwise, so a member would depend on its neighbours.
    fused = device.type == "cuda"
    optimizer = torch.optim.Adam(parameters, recipe.learning_rate, eps=1e-7, fused=fused)
    moments = {round(m) for m in np.linspace(0, schedule.epochs, schedule.history_points + 1)}
    records = [_record(network, train_set, test_set, schedule.threshold)]
    diverged_at = np.full(len(generators), -1)
    for epoch in range(1, schedule.epochs + 1):
        losses = _run_epoch(network, train_set, recipe, optimizer, generators)
        broken = ~np.isfinite(losses) & (diverged_at < 0)
        diverged_at[broken] = epoch
        if epoch in moments:
            records.append(_record(network, train_set, test_set, schedule.threshold))
        if progress is not None:
            progress(epoch, schedule.epochs)
    columns = [np.stack(column) for column in zip(*records, strict=True)]
    return History(np.array(sorted(moments)), columns[0], columns[1], columns[2], diverged_at)


def _run_epoch(
    network: Network,
    data: Dataset,
    recipe: Recipe,
    optimizer: torch.optim.Optimizer,
    generators: Sequence[np.random.Generator],
) -> NDArray[np.float64]:
    """Take one pass over the shuffled data and return the summed batch losses, shape (K,)."""
    patterns = data.y.shape[-1]
    # Rows of the members laid end to end: copying whole rows is much faster than `gather`.
    order = [patterns * k + g.permutation(patterns) for k, g in enumerate(generators)]
    rows = torch.from_numpy(np.stack(order)).to(data.y.device)
    y = data.y.flatten()[rows]
    x = data.x.flatten(0, 1).index_select(0, rows.flatten()).view(data.x.shape)
    total = torch.zeros(len(generators), dtype=y.dtype, device=y.device)
    for start in range(0, patterns, recipe.batch_size):
        batch = slice(start, start + recipe.batch_size)
        loss = (network(x[:, batch]) - y[:, batch]).square().mean(-1)
        optimizer.zero_grad(set_to_none=True)
        # Members do not interact, so the gradient of the sum is every member's own gradient.
        (loss + penalty(network, recipe)).sum().backward()
        optimizer.step()
        total += loss.detach()
    return total.double().cpu().numpy()


def mean_squared_error(network: Network, data: Dataset, chunk: int = 2**17) -> Tensor:
    """Return the mean squared error of every member in float64, shape (*stack,).

    At most about `chunk` activations a member and layer are held at a time.
    """
    patterns = data.y.shape[-1]
    size = max(1, chunk // max(network.widths))
    total = torch.zeros(network.stack, dtype=torch.float64, device=data.y.device)
    with torch.no_grad():
        for start in range(0, patterns, size):
            part = slice(start, start + size)
            error = network(data.x[..., part, :]) - data.y[..., part]
            total += error.double().square().sum(-1)
    return total / patterns


def _record(
    network: Network, train_set: Dataset, test_set: Dataset, threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    losses = [mean_squared_error(network, data).cpu().numpy() for data in (train_set, test_set)]
    return losses[0], losses[1], effective_sizes(network, threshold)


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
