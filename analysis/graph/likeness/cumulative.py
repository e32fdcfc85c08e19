r"""Two samples on one axis: their cumulative masses, step by step.

What :mod:`sta.analysis.graph.likeness.distances` is made of. Both cumulative masses are constant
between neighbouring points of either sample, so that integrals over them are sums over steps.
The steps come in pieces of bounded size: samples of many million values need little memory
beyond their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sta.analysis.graph.layered_graph import FloatArray, IntArray
from sta.errors import ShapeError

__all__ = ["Sample", "Steps", "as_sample", "integral", "largest_gap", "steps"]

ROUNDING = 1e-12
"""Relative difference up to which two values count as one in :func:`largest_gap`."""
PIECE = 2**18
"""Points of either sample in one piece of :func:`steps`."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Values in ascending order, with their cumulative mass.

    Attributes
    ----------
    values : ndarray, shape (n,)
    cumulative : ndarray, shape (n + 1,), or None
        Mass of the first k values for k = 0 .. n; None stands for k.
    total : float
        What the cumulative mass is divided by.
    """

    values: FloatArray
    cumulative: FloatArray | None = None
    total: float = 1.0

    def mass(self, ranks: IntArray) -> FloatArray:
        """Mass of the first ``ranks`` values."""
        below = ranks if self.cumulative is None else self.cumulative[ranks]
        return np.asarray(below / self.total)


class Steps(NamedTuple):
    """Neighbouring points of two samples, and the mass of each at or below them."""

    points: FloatArray
    a: FloatArray
    b: FloatArray


def as_sample(name: str, values: ArrayLike, weights: ArrayLike | None = None) -> Sample:
    """Check and sort a sample, and give it the total mass 1.

    Parameters
    ----------
    name : str
        What the sample is called in messages.
    values : array_like, 1-d
    weights : array_like, optional
        Nonnegative weight of every value, equal if None.

    Returns
    -------
    Sample

    Raises
    ------
    ShapeError
        If the sample is empty, not 1-d or not finite, or its weights do not fit it.

    Examples
    --------
    >>> as_sample("a", [3.0, 1.0], [1.0, 3.0]).mass(np.array([0, 1, 2])).tolist()
    [0.0, 0.75, 1.0]
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size == 0:
        raise ShapeError(f"sample {name} has shape {sample.shape}; give a 1-d, non-empty array")
    if not np.isfinite(sample).all():
        wrong = sample[~np.isfinite(sample)][0]
        raise ShapeError(f"sample {name} holds {wrong}; remove values that are not finite")
    ascending = bool((sample[1:] >= sample[:-1]).all())
    if weights is None:
        return Sample(sample if ascending else np.sort(sample), None, float(sample.size))
    mass = np.asarray(weights, dtype=np.float64)
    if mass.shape != sample.shape:
        raise ShapeError(
            f"weights of sample {name} have shape {mass.shape} but the sample has "
            f"{sample.shape}; give one weight per value"
        )
    if not (np.isfinite(mass).all() and mass.min() >= 0 and mass.max() > 0):
        raise ShapeError(
            f"weights of sample {name} run from {mass.min()} to {mass.max()}; "
            "they must be finite, nonnegative and not all 0"
        )
    if not ascending:
        order = np.argsort(sample, kind="stable")
        sample, mass = sample[order], mass[order]
    # over the largest first: a sum of weights may be beyond float64
    cumulative = np.concatenate([[0.0], np.cumsum(mass / mass.max())])
    return Sample(sample, cumulative, float(cumulative[-1]))


def steps(a: Sample, b: Sample) -> Iterator[Steps]:
    """Cumulative masses of two samples at all points of either, in ascending pieces.

    The first entry of a piece is the last one of the piece before, and at the very beginning
    the first point again, with no mass below it: between the entries of a piece lie all the
    intervals, and all the atoms, of its part of the axis.

    Examples
    --------
    >>> a, b = as_sample("a", [0.0, 1.0]), as_sample("b", [1.0, 3.0])
    >>> [part.tolist() for part in next(steps(a, b))]
    [[0.0, 0.0, 1.0, 3.0], [0.0, 0.5, 1.0, 1.0], [0.0, 0.0, 0.5, 1.0]]
    """
    first = min(float(a.values[0]), float(b.values[0]))
    cuts = np.unique(np.concatenate([a.values[PIECE::PIECE], b.values[PIECE::PIECE]]))
    cuts = cuts[cuts > first]  # equal values stay in one piece
    ends_a, ends_b = (np.append(np.searchsorted(s.values, cuts), s.values.size) for s in (a, b))
    before = Steps(np.array([first]), np.zeros(1), np.zeros(1))
    start_a = start_b = 0
    for end_a, end_b in zip(ends_a.tolist(), ends_b.tolist(), strict=True):
        points, ranks_a, ranks_b = _merged(a.values[start_a:end_a], b.values[start_b:end_b])
        here = Steps(points, a.mass(ranks_a + start_a), b.mass(ranks_b + start_b))
        piece = Steps(*(np.concatenate(pair) for pair in zip(before, here, strict=True)))
        yield piece
        before = Steps(*(part[-1:] for part in piece))
        start_a, start_b = end_a, end_b


def integral(pieces: Iterable[Steps], power: int = 1) -> float:
    """Integrate ``|A(x) - B(x)| ** power`` over x; infinite where beyond float64."""
    total = 0.0
    for points, a, b in pieces:
        halves = points / 2  # a difference of two points may be beyond float64
        total += float(np.sum(np.abs(a[:-1] - b[:-1]) ** power * np.diff(halves)))
    return 2 * total


def largest_gap(pieces: Iterable[Steps]) -> float:
    """Largest ``|A(x) - B(x)|``, but between points that differ by rounding alone."""
    largest = 0.0
    for points, a, b in pieces:
        apart = np.diff(points) > ROUNDING * np.abs(points[:-1])
        gaps = np.abs(a - b)
        largest = max(largest, float(gaps[:-1].max(where=apart, initial=0.0)))
    return max(largest, float(gaps[-1]))


def _merged(x: FloatArray, y: FloatArray) -> tuple[FloatArray, IntArray, IntArray]:
    """Distinct values of two sorted arrays, and how many of each are at or below them."""
    into = np.searchsorted(x, y, side="right") + np.arange(y.size)
    from_x = np.ones(x.size + y.size, dtype=bool)
    from_x[into] = False
    points = np.empty(from_x.size)
    points[from_x], points[into] = x, y
    last = np.append(points[1:] != points[:-1], True)
    ranks = np.cumsum(from_x)[last]
    return points[last], ranks, np.flatnonzero(last) + 1 - ranks
