r"""Distances between two samples of numbers, such as path weights or strengths.

Every distance takes two 1-d samples and optional nonnegative weights of their points, so
that a histogram (bin centres, counts) can stand for a sample. All are nonnegative,
symmetric, and zero for equal distributions; ``DISTANCES`` names them all. With
:math:`F_a, F_b` the weighted empirical distribution functions:

==============  ==========================================================
wasserstein     :math:`\int |F_a(x) - F_b(x)| \, dx`
ks              :math:`\max_x |F_a(x) - F_b(x)|`
energy          :math:`(2 \int (F_a(x) - F_b(x))^2 \, dx)^{1/2}`
jensen_shannon  :math:`\sum_k (p_k \ln(p_k / m_k) + q_k \ln(q_k / m_k)) / 2`
==============  ==========================================================

where :math:`p, q` are the masses of the two samples in bins of equal pooled mass and
:math:`m = (p + q) / 2`. The first three obey the triangle inequality, and so does the square
root of the last on fixed bins.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import scipy.special
from numpy.typing import ArrayLike

from sta.analysis.graph.layered_graph import FloatArray
from sta.analysis.graph.likeness.cumulative import Sample, as_sample, integral, largest_gap, steps
from sta.errors import StaError

__all__ = [
    "DISTANCES",
    "Distance",
    "energy",
    "jensen_shannon",
    "kolmogorov_smirnov",
    "wasserstein",
]

Distance: TypeAlias = Callable[..., float]
"""A function ``(a, b, a_weights=None, b_weights=None) -> float``."""

LARGEST_BINS = 10**6


def wasserstein(
    a: ArrayLike,
    b: ArrayLike,
    a_weights: ArrayLike | None = None,
    b_weights: ArrayLike | None = None,
) -> float:
    """Wasserstein-1 distance, the area between the two quantile curves.

    Parameters
    ----------
    a, b : array_like, 1-d
        Samples; their sizes may differ.
    a_weights, b_weights : array_like, optional
        Nonnegative weight of every point, equal if None.

    Returns
    -------
    float
        In the unit of the samples.

    Raises
    ------
    ShapeError
        If a sample is empty, not 1-d or not finite, or its weights do not fit it.

    Examples
    --------
    >>> wasserstein([0.0, 1.0], [2.0, 3.0])
    2.0
    """
    return integral(steps(as_sample("a", a, a_weights), as_sample("b", b, b_weights)))


def energy(
    a: ArrayLike,
    b: ArrayLike,
    a_weights: ArrayLike | None = None,
    b_weights: ArrayLike | None = None,
) -> float:
    """Energy distance, in the square root of the unit of the samples.

    Parameters
    ----------
    a, b : array_like, 1-d
        Samples; their sizes may differ.
    a_weights, b_weights : array_like, optional
        Nonnegative weight of every point, equal if None.

    Returns
    -------
    float

    Raises
    ------
    ShapeError
        If a sample is empty, not 1-d or not finite, or its weights do not fit it.
    """
    pieces = steps(as_sample("a", a, a_weights), as_sample("b", b, b_weights))
    return math.sqrt(2 * integral(pieces, power=2))


def kolmogorov_smirnov(
    a: ArrayLike,
    b: ArrayLike,
    a_weights: ArrayLike | None = None,
    b_weights: ArrayLike | None = None,
) -> float:
    """Kolmogorov-Smirnov distance, the largest gap between the distribution functions.

    Equals the statistic of ``scipy.stats.ks_2samp``, which knows no weights, but that values
    within 1e-12 of each other count as one: else a sample of many equal numbers would be far
    from its copy with an error of 1e-16.

    Parameters
    ----------
    a, b : array_like, 1-d
        Samples; their sizes may differ.
    a_weights, b_weights : array_like, optional
        Nonnegative weight of every point, equal if None.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    ShapeError
        If a sample is empty, not 1-d or not finite, or its weights do not fit it.

    Examples
    --------
    >>> kolmogorov_smirnov([0.0, 1.0], [0.5, 0.5])
    0.5
    """
    return largest_gap(steps(as_sample("a", a, a_weights), as_sample("b", b, b_weights)))


def jensen_shannon(
    a: ArrayLike,
    b: ArrayLike,
    a_weights: ArrayLike | None = None,
    b_weights: ArrayLike | None = None,
    *,
    bins: int = 20,
) -> float:
    r"""Jensen-Shannon divergence on bins of equal pooled mass, in nats.

    The square of what ``scipy.spatial.distance.jensenshannon`` returns for the binned
    masses. The bins are those of the pooled distribution :math:`G = (F_a + F_b) / 2`, in which
    both samples weigh the same whatever their sizes: the points at x belong to bin
    :math:`\lfloor B \, (G(x^-) + G(x)) / 2 \rfloor` of B. Equal values always share a bin, and
    no monotone change of the axis, such as a change of unit, matters. Differences within a
    bin are not seen.

    Two samples of n and m values from one distribution are about
    :math:`(B - 1)(1/n + 1/m) / 8` apart: take fewer bins for small samples.

    Parameters
    ----------
    a, b : array_like, 1-d
        Samples; their sizes may differ.
    a_weights, b_weights : array_like, optional
        Nonnegative weight of every point, equal if None.
    bins : int, optional
        Number of bins B.

    Returns
    -------
    float
        Between 0, for equal masses in all bins, and ln 2, for samples that share no bin.

    Raises
    ------
    ShapeError
        If a sample is empty, not 1-d or not finite, or its weights do not fit it.
    StaError
        If there are fewer than 2 or more than 10^6 bins.

    References
    ----------
    .. [1] J. Lin, "Divergence measures based on the Shannon entropy", IEEE Transactions on
       Information Theory 37, 145 (1991).

    Examples
    --------
    >>> jensen_shannon([0.0, 1.0], [2.0, 3.0]) == math.log(2)
    True
    """
    if not 2 <= bins <= LARGEST_BINS:
        raise StaError(f"bins is {bins}; choose a number from 2 to {LARGEST_BINS}")
    p, q = _binned(as_sample("a", a, a_weights), as_sample("b", b, b_weights), bins)
    pooled = (p + q) / 2
    tilt = np.divide(p - q, p + q, out=np.zeros(bins), where=pooled > 0)
    # the terms of p and q together: each alone is large where their sum is small
    terms = scipy.special.xlog1py(1 + tilt, tilt) + scipy.special.xlog1py(1 - tilt, -tilt)
    return min(max(float(np.sum(pooled * terms)) / 2, 0.0), math.log(2))


DISTANCES: dict[str, Distance] = {
    "wasserstein": wasserstein,
    "ks": kolmogorov_smirnov,
    "energy": energy,
    "jensen_shannon": jensen_shannon,
}
"""Every distance of this module by the name it has in reports."""


def _binned(a: Sample, b: Sample, bins: int) -> tuple[FloatArray, FloatArray]:
    """Masses of two samples in bins of equal pooled mass."""
    tops = np.zeros((2, bins))
    for piece in steps(a, b):
        pooled = (piece.a + piece.b) / 2
        middle = (pooled[1:] + pooled[:-1]) / 2
        # a middle that rounding leaves just below the edge of a bin is on the edge
        place = np.minimum((bins * middle + 1e-9).astype(np.intp), bins - 1)
        last = np.searchsorted(place, np.arange(bins), side="right")
        tops = np.where(last > 0, [piece.a[last], piece.b[last]], tops)
    p, q = np.diff(tops, axis=1, prepend=0.0)
    return p, q
