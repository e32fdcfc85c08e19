"""Fresh test patterns for any checkpoint, and what a student costs when it is pruned."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

from sta.checkpoint import Checkpoint
from sta.errors import ConfigError, FileFormatError, ShapeError, StaError
from sta.spectral import (
    Dataset,
    Network,
    draw_dataset,
    effective_sizes,
    mean_squared_error,
    shrink,
    stream,
    units_above,
    units_kept,
)
from sta.sweep.config import config_from_table
from sta.sweep.material import dataset_of
from sta.sweep.plan import StudentId

PATTERNS = 10_000


def labelling_teacher(checkpoint: Checkpoint, teacher: Network | None = None) -> Network:
    """Return the teacher given, else the checkpoint's own, in float64.

    Raises
    ------
    StaError
        If there is neither a teacher given nor one in the checkpoint.
    ShapeError
        If the teacher takes other inputs than the student.
    """
    chosen = teacher or checkpoint.teacher
    if chosen is None:
        raise StaError("the checkpoint holds no teacher; name one with --teacher FILE")
    if chosen.widths[0] != checkpoint.student.widths[0]:
        raise ShapeError(
            f"the student has {checkpoint.student.widths[0]} inputs but the teacher "
            f"{chosen.widths[0]}; compare networks that read the same inputs"
        )
    return copy.deepcopy(chosen).double().requires_grad_(False)


def held_out_patterns(
    checkpoint: Checkpoint, teacher: Network | None = None, seed: int = 0
) -> Dataset:
    """Return labelled test patterns of a single student.

    They are the very patterns of its training run where the checkpoint has its seeds and no
    other teacher is asked for; otherwise 10 000 fresh ones, x ~ N(0, 1).
    """
    labeller = labelling_teacher(checkpoint, teacher)
    if checkpoint.student.outputs != 1 or labeller.outputs != 1:
        raise ShapeError("test errors are of networks with a single output; this one has several")
    if teacher is not None or not checkpoint.seeds:
        return draw_dataset(labeller, PATTERNS, stream(seed, "test"))
    try:
        address = dict(checkpoint.seeds)
        config = config_from_table({**checkpoint.config, "seed": address.pop("seed")})
        return dataset_of(config, StudentId(**address), labeller, "test")
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise FileFormatError(f"the checkpoint's settings or seeds are damaged: {error}") from error


def error_on(network: Network, data: Dataset) -> float:
    """Return the mean squared error of a single network, computed in its own floating type."""
    first = next(network.parameters())
    return float(mean_squared_error(network, data.to(first.device, first.dtype)))


@dataclass(frozen=True)
class Pruned:
    """A smaller student and what its size costs.

    Attributes
    ----------
    checkpoint : Checkpoint
        The small student with the original unit ids.
    units, units_kept : int
        Units of the spectral layers before and after.
    mse_before, mse_after : float or None
        Mean squared test errors, without retraining; None if they could not be computed.
    note : str
        Why not.
    """

    checkpoint: Checkpoint
    units: int
    units_kept: int
    mse_before: float | None
    mse_after: float | None
    note: str = ""


def prune(
    checkpoint: Checkpoint,
    *,
    n_kept: int | None = None,
    threshold: float = 0.05,
    teacher: Network | None = None,
    seed: int = 0,
) -> Pruned:
    """Return a student without its least important units, and the test errors of both.

    Parameters
    ----------
    checkpoint : Checkpoint
        A single student.
    n_kept : int, optional
        Number of units kept; without it, those above the threshold.
    threshold : float
        Relative importance L_i / max_i L_i above which a unit is kept.
    teacher : Network, optional
        What labels the test patterns, where the checkpoint has no teacher of its own.
    seed : int
        Of fresh test patterns.

    Raises
    ------
    ShapeError
        If more units are to be kept than there are, or a layer would lose all of its.
    StaError
        If the threshold is out of range.
    """
    if not 0 <= threshold < 1:
        raise StaError(f"threshold {threshold} is out of range; choose from 0 up to below 1")
    student = checkpoint.student
    keep = units_above(student, threshold) if n_kept is None else units_kept(student, n_kept)
    small = shrink(student, keep)
    before, after, note = None, None, ""
    if teacher is None and checkpoint.teacher is None:
        note = "no teacher is known, so no test error either; name one with --teacher FILE"
    else:
        data = held_out_patterns(checkpoint, teacher, seed)
        before, after = (error_on(network, data) for network in (student, small))
    count = sum(len(units) for units in keep.values())
    metrics = {
        "effective_size": int(effective_sizes(small)),
        "test_loss": after,
        "before_pruning": checkpoint.metrics,
    }
    units = sum(student.widths[number + 1] for number in keep)
    pruned = replace(checkpoint, student=small, metrics=metrics)
    return Pruned(pruned, units, count, before, after, note)
