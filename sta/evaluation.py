"""Fresh test patterns for any checkpoint, and what a student costs when it is pruned."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sta.checkpoint import Checkpoint
from sta.errors import ShapeError, StaError
from sta.spectral import (
    Dataset,
    Network,
    draw_dataset,
    mean_squared_error,
    shrink,
    stream,
    units_above,
    units_kept,
)
from sta.sweep.config import config_from_table
from sta.sweep.plan import StudentId
from sta.sweep.shard import dataset_of

PATTERNS = 10_000


def labelling_teacher(checkpoint: Checkpoint, teacher: Network | None = None) -> Network:
    """Return the teacher given, else the checkpoint's own, in float64.

    Raises
    ------
    StaError
        If there is neither.
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
    return chosen.double().requires_grad_(False)


def held_out_patterns(
    checkpoint: Checkpoint, teacher: Network | None = None, seed: int = 0
) -> Dataset:
    """Return labelled test patterns of a single student.

    They are the very patterns of its training run where the checkpoint has its seeds and no
    other teacher is asked for; otherwise 10 000 fresh ones, x ~ N(0, 1).
    """
    labeller = labelling_teacher(checkpoint, teacher)
    if teacher is None and checkpoint.seeds:
        config = config_from_table({**checkpoint.config, "seed": checkpoint.seeds["seed"]})
        address = {k: v for k, v in checkpoint.seeds.items() if k != "seed"}
        return dataset_of(config, StudentId(**address), labeller, "test")
    return draw_dataset(labeller, PATTERNS, stream(seed, "test"))


@dataclass(frozen=True)
class Pruned:
    """A smaller student and what its size costs.

    Attributes
    ----------
    checkpoint : Checkpoint
        The small student with the original unit ids.
    units, units_kept : int
        Units of the spectral layers before and after.
    mse_before, mse_after : float
        Mean squared test errors; without retraining.
    """

    checkpoint: Checkpoint
    units: int
    units_kept: int
    mse_before: float
    mse_after: float


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
        If there is no teacher.
    """
    student = checkpoint.student
    keep = units_above(student, threshold) if n_kept is None else units_kept(student, n_kept)
    small = shrink(student, keep)
    data = held_out_patterns(checkpoint, teacher, seed)
    data = data.to(data.x.device, next(student.parameters()).dtype)
    before, after = (float(mean_squared_error(network, data)) for network in (student, small))
    count = sum(len(units) for units in keep.values())
    metrics = {**checkpoint.metrics, "pruned_to": count, "pruned_test_loss": after}
    return Pruned(
        replace(checkpoint, student=small, metrics=metrics),
        sum(student.widths[number + 1] for number in keep),
        count,
        before,
        after,
    )
