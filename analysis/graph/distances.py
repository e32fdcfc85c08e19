r"""Distances between two samples of numbers, such as path weights or strengths.

Every distance takes two 1-d samples and optional nonnegative weights of their points, so
that a histogram (bin centres, counts) can stand for a sample. All are nonnegative,
symmetric, and zero for equal distributions; ``DISTANCES`` names them all. With
:math:`F_a, F_b` the weighted empirical distribution functions:

=============  ==========================================================
wasserstein    :math:`\int |F_a(x) - F_b(x)| \, dx`
ks             :math:`\max_x |F_a(x) - F_b(x)|`
energy         :math:`(2 \int (F_a(x) - F_b(x))^2 \, dx)^{1/2}`
=============  ==========================================================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike

from sta.analysis.graph.layered_graph import FloatArray
from sta.errors import ShapeError

__all__ = ["DISTANCES", "Distance", "energy", "kolmogorov_smirnov", "wasserstein"]

Distance: TypeAlias = Callable[..., float]
"""A function ``(a, b, a_weights=None, b_weights=None) -> float``."""


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
    (x, x_weights), (y, y_weights) = _sample("a", a, a_weights), _sample("b", b, b_weights)
    return float(scipy.stats.wasserstein_distance(x, y, x_weights, y_weights))


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
    (x, x_weights), (y, y_weights) = _sample("a", a, a_weights), _sample("b", b, b_weights)
    return float(scipy.stats.energy_distance(x, y, x_weights, y_weights))


def kolmogorov_smirnov(
    a: ArrayLike,
    b: ArrayLike,
    a_weights: ArrayLike | None = None,
    b_weights: ArrayLike | None = None,
) -> float:
    """Kolmogorov-Smirnov distance, the largest gap between the distribution functions.

    Equals the statistic of ``scipy.stats.ks_2samp``, which knows no weights. Values that
    differ by rounding alone are different values here: a sample of many equal numbers is
    far from its copy with an error of 1e-16, and only the other distances see them as close.

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
    first, second = _sample("a", a, a_weights), _sample("b", b, b_weights)
    points = np.concatenate([first[0], second[0]])
    gap = np.abs(_distribution(*first, points) - _distribution(*second, points))
    return float(gap.max())


DISTANCES: dict[str, Distance] = {
    "wasserstein": wasserstein,
    "ks": kolmogorov_smirnov,
    "energy": energy,
}
"""Every distance of this module by the name it has in reports."""


def _distribution(values: FloatArray, weights: FloatArray | None, points: FloatArray) -> FloatArray:
    order = np.argsort(values)
    below = np.searchsorted(values[order], points, side="right")
    if weights is None:
        return np.asarray(below / values.size)
    mass = np.concatenate([[0.0], np.cumsum(weights[order])])
    return np.asarray(mass[below] / mass[-1])


def _sample(
    name: str, values: ArrayLike, weights: ArrayLike | None
) -> tuple[FloatArray, FloatArray | None]:
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size == 0:
        raise ShapeError(f"sample {name} has shape {sample.shape}; give a 1-d, non-empty array")
    if not np.isfinite(sample).all():
        wrong = sample[~np.isfinite(sample)][0]
        raise ShapeError(f"sample {name} holds {wrong}; remove values that are not finite")
    if weights is None:
        return sample, None
    mass = np.asarray(weights, dtype=np.float64)
    if mass.shape != sample.shape:
        raise ShapeError(
            f"weights of sample {name} have shape {mass.shape} but the sample has "
            f"{sample.shape}; give one weight per value"
        )
    if not (np.isfinite(mass).all() and mass.min() >= 0 and mass.sum() > 0):
        raise ShapeError(
            f"weights of sample {name} run from {mass.min()} to {mass.max()}; "
            "they must be finite, nonnegative and not all 0"
        )
    return sample, mass
