"""Weighted fits of power laws in the size, many resamples at a time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2 as chi2_distribution

from sta.analysis.statistics.resampling import FloatArray

EXPONENTS = (0.05, 5.0)
GRID = 96


@dataclass(frozen=True)
class OffsetPower:
    """Fits of v(L) = offset + amplitude (L / L_1)^-exponent, one a resample, shape (B,).

    Attributes
    ----------
    offset, amplitude, exponent
        The parameters; L_1 is the smallest size.
    chi2
        Weighted squared residuals.
    pinned
        Whether the exponent ran to an end of its range.
    """

    offset: FloatArray
    amplitude: FloatArray
    exponent: FloatArray
    chi2: FloatArray
    pinned: NDArray[np.bool_]


def weighted_line(
    x: FloatArray, y: FloatArray, errors: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weighted least squares of each row of y, shape (B, K), on x: slope, intercept, chi2.

    Examples
    --------
    >>> x = np.array([0.0, 1.0, 2.0])
    >>> [part.tolist() for part in weighted_line(x, 1 + 2 * x[None], np.ones(3))]
    [[2.0], [1.0], [0.0]]
    """
    weight = errors**-2.0
    centre = float(weight @ x / weight.sum())
    mean = y @ weight / weight.sum()
    slope = (y - mean[:, None]) @ (weight * (x - centre)) / float(weight @ (x - centre) ** 2)
    intercept = mean - slope * centre
    residual = y - intercept[:, None] - slope[:, None] * x
    return slope, intercept, residual**2 @ weight


def tail_probability(chi2: float, degrees: int) -> float:
    """Probability of a larger chi2; one without degrees of freedom."""
    return 1.0 if degrees < 1 else float(chi2_distribution.sf(chi2, degrees))


def offset_power(
    sizes: FloatArray,
    values: FloatArray,
    errors: FloatArray,
    *,
    offset: FloatArray | None = None,
    exponents: tuple[float, float] = EXPONENTS,
    positive: bool = False,
) -> OffsetPower:
    """Fit v(L) = offset + amplitude (L / L_1)^-exponent to each row of values.

    Parameters
    ----------
    sizes, errors
        L and the standard errors of v, shape (K,).
    values
        Shape (B, K).
    offset
        Fixed offsets, shape (B,); fitted if None.
    exponents
        Range searched; the other two parameters are linear and eliminated exactly.
    positive
        Whether a fitted offset below zero is set to zero.
    """
    ratio = np.log(sizes / sizes.min())
    unit = float(errors.max())  # squares of numbers of any magnitude stay in range
    values, errors = values / unit, errors / unit
    offset = None if offset is None else offset / unit
    grid = np.geomspace(*exponents, GRID)
    chi2 = np.stack(
        [_linear(np.exp(-s * ratio), values, errors, offset, positive)[2] for s in grid], axis=1
    )
    best = chi2.argmin(axis=1)
    exponent = _refined(np.log(grid), chi2, best)
    basis = np.exp(-exponent[:, None] * ratio)
    level, amplitude, left = _linear(basis, values, errors, offset, positive)
    pinned = (best == 0) | (best == GRID - 1)
    return OffsetPower(level * unit, amplitude * unit, exponent, left, pinned)


def _refined(u: FloatArray, chi2: FloatArray, best: NDArray[np.intp]) -> FloatArray:
    """Exponent at the minimum of the parabola through three grid points of its logarithm."""
    rows = np.arange(best.size)
    i = np.clip(best, 1, u.size - 2)
    low, mid, high = (chi2[rows, i + step] for step in (-1, 0, 1))
    curvature = low - 2.0 * mid + high
    with np.errstate(divide="ignore", invalid="ignore"):
        move = np.where(curvature > 0.0, 0.5 * (low - high) / curvature, 0.0)
    move = np.where(best == i, np.clip(move, -0.5, 0.5), 0.0)
    return np.asarray(np.exp(u[best] + move * (u[1] - u[0])), dtype=float)


def _linear(
    basis: FloatArray,
    values: FloatArray,
    errors: FloatArray,
    offset: FloatArray | None,
    positive: bool,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weighted fit of offset + amplitude * basis, the basis of shape (K,) or (B, K)."""
    weight = errors**-2.0
    basis = np.broadcast_to(basis, values.shape)
    if offset is None:
        total = weight.sum()
        centre = (basis @ weight / total)[:, None]
        mean = values @ weight / total
        deviation = weight * (basis - centre)
        amplitude = np.sum(deviation * (values - mean[:, None]), axis=1) / np.sum(
            deviation * (basis - centre), axis=1
        )
        level = mean - amplitude * centre[:, 0]
        fixed = np.where(level < 0.0, 0.0, np.nan) if positive else np.full(level.shape, np.nan)
    else:
        level, amplitude, fixed = offset, np.zeros(len(values)), offset
    through = np.isfinite(fixed)
    known = np.where(through, fixed, 0.0)
    alone = np.sum(weight * basis * (values - known[:, None]), axis=1) / np.sum(
        weight * basis**2, axis=1
    )
    level = np.where(through, known, level)
    amplitude = np.where(through, alone, amplitude)
    residual = values - level[:, None] - amplitude[:, None] * basis
    return level, amplitude, residual**2 @ weight
