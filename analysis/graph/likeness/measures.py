r"""What a path counts for when two path distributions are compared.

A student has many more paths than its teacher, and most of them run through units that do
next to nothing. How far the two are apart depends on what is asked:

=======  ====================================================================================
count    Every path weighs the same, and all weigh 1 together, as in the paper. Dead paths
         count in full: a spike of them at 0 is most of the distribution.
number   Every path counts 1. Compared are the tails, :math:`N(p > t)` and :math:`N(p < -t)`
         for t > 0; a path of weight p adds at most :math:`|p|` to the area between them.
mass     A path weighs :math:`|p|`, and all weigh 1 together, as in the path norm. Dead paths
         weigh nothing.
=======  ====================================================================================

References
----------
.. [1] "How a student becomes a teacher: learning and forgetting through spectral methods",
   NeurIPS 2023, arXiv:2310.12612 (sorted path weights on a common axis: count).
"""

from __future__ import annotations

import math
from typing import Literal, Protocol, TypeAlias, get_args

import numpy as np

from sta.analysis.graph.layered_graph import FloatArray
from sta.analysis.graph.likeness.cumulative import Sample, as_sample, integral, largest_gap, steps
from sta.analysis.graph.likeness.distances import DISTANCES
from sta.errors import StaError

__all__ = ["MEASURES", "Measure", "WeightedPaths", "weighted_distance"]

Measure: TypeAlias = Literal["count", "number", "mass"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
"""Every measure by the name it has in reports."""


class WeightedPaths(Protocol):
    """What is needed to know of a path distribution."""

    @property
    def weights(self) -> FloatArray | None:
        """Signed path weights in ascending order, None where they are not known."""

    @property
    def counts(self) -> FloatArray | None:
        """Number of paths of every weight, one each if None."""


def weighted_distance(
    a: WeightedPaths,
    b: WeightedPaths,
    distance: str = "wasserstein",
    measure: Measure = "count",
) -> float:
    r"""Distance between two path distributions under one of the three measures.

    Under ``"count"`` and ``"mass"`` it is the distance between two probability distributions.
    Under ``"number"`` the tails :math:`N(p > t)` and :math:`N(p < -t)` take the place of the
    distribution functions, and both signs add up: Wasserstein is
    :math:`\int |N_a - N_b| \, dt`, energy :math:`(2 \int (N_a - N_b)^2 dt)^{1/2}`, and ks
    :math:`\max |N_a - N_b|`, which alone counts dead paths, at t near 0. Between distributions
    of N paths each, these are N times the distance under ``"count"``. Jensen-Shannon has no
    such form: between bins, a path near 0 costs as much as any other.

    Parameters
    ----------
    a, b : PathDistribution
        Or anything else with ``weights`` and ``counts``.
    distance : str, optional
        A key of :data:`~sta.analysis.graph.likeness.distances.DISTANCES`.
    measure : {"count", "number", "mass"}, optional

    Returns
    -------
    float
        In the unit of the path weights for ``"wasserstein"``, its square root for
        ``"energy"``, none otherwise; times a number of paths under ``"number"``.

    Raises
    ------
    ShapeError
        If there is no path, or the weights and counts do not fit or are not finite.
    StaError
        If path weights are not known, the distance or measure is, or both together are not
        defined, or no path has any mass.

    Examples
    --------
    >>> from types import SimpleNamespace as Paths
    >>> teacher = Paths(weights=np.array([1.0, 2.0]), counts=None)
    >>> student = Paths(weights=np.array([0.0, 1.0, 2.0]), counts=np.array([98.0, 1.0, 1.0]))
    >>> [round(weighted_distance(student, teacher, "wasserstein", m), 9) for m in MEASURES]
    [1.47, 0.0, 0.0]
    """
    if distance not in DISTANCES:
        raise StaError(f"distance is {distance!r}; choose one of {', '.join(DISTANCES)}")
    if measure not in MEASURES:
        raise StaError(f"measure is {measure!r}; choose one of {', '.join(MEASURES)}")
    first, second = _known("a", a, measure), _known("b", b, measure)
    if measure == "number":
        return _tail_distance(first, second, distance)
    if measure == "mass":
        first, second = _masses(*first), _masses(*second)
    return DISTANCES[distance](first[0], second[0], first[1], second[1])


Known: TypeAlias = tuple[FloatArray, FloatArray | None]


def _known(name: str, paths: WeightedPaths, measure: Measure) -> Known:
    if paths.weights is None:
        reason = getattr(paths, "reason", "") or "its path weights were not listed"
        raise StaError(f"no distance to path distribution {name}: {reason}")
    if paths.weights.size == 0 and measure != "number":
        raise StaError(f"path distribution {name} is empty: no input is joined to the last layer")
    if paths.weights.size:
        as_sample(name, paths.weights, paths.counts)  # refuses what is no sample
    return paths.weights, paths.counts


def _masses(values: FloatArray, counts: FloatArray | None) -> Known:
    """Path weights with their shares of the path norm."""
    magnitudes = np.abs(values)
    largest = float(magnitudes.max(initial=0.0))
    if values.size and largest == 0:
        raise StaError("all path weights are 0, so that no path has any mass; use measure='count'")
    shares = magnitudes / (largest or 1.0)
    # over the largest first: a product of both may be beyond float64
    return values, shares if counts is None else shares * (counts / counts.max(initial=0.0))


def _tail_distance(a: Known, b: Known, distance: str) -> float:
    if distance == "jensen_shannon":
        raise StaError(
            "jensen_shannon is not defined for measure='number': a surplus of paths near 0 "
            "would cost as much as one of large paths; use measure='mass'"
        )
    unit = max([1.0, *(float(n.max(initial=0.0)) for _, n in (a, b) if n is not None)])
    tails = [(_tail(*a, sign, unit), _tail(*b, sign, unit)) for sign in (-1, 1)]
    if distance == "ks":
        return unit * max(largest_gap(steps(*pair)) for pair in tails)
    if distance == "energy":
        return unit * math.sqrt(2 * sum(integral(steps(*pair), power=2) for pair in tails))
    return unit * sum(integral(steps(*pair)) for pair in tails)


def _tail(values: FloatArray, counts: FloatArray | None, sign: int, unit: float) -> Sample:
    """Paths of one sign, largest first on an axis that ends at 0; numbers in units."""
    order = slice(None, None, -sign)
    side = values[values * sign > 0][order] * -sign
    # one path more of weight 0 on both sides of a comparison cancels, and ends the axis
    points = np.append(side, 0.0)
    if counts is None:
        return Sample(points, None, unit)
    numbers = counts[values * sign > 0][order] / unit
    return Sample(points, np.concatenate([[0.0], np.cumsum(np.append(numbers, 1 / unit))]), 1.0)
