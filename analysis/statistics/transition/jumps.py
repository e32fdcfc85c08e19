"""The height of the jump of the order parameter in every trial, and its limit for large sizes.

Near its steepest fall a curve drops by d(w) over a width w.  A smooth curve has d ~ w and a jump
d -> J, so J is read off by straight-line extrapolation of d from two widths to w = 0.  The fall
is sought on every second point and measured on those between, so that independent noise does
not make a jump of its own.  Over sizes,

    J(L) = J_inf + c L^-s,      J_inf >= 0.

References
----------
M. S. S. Challa, D. P. Landau, K. Binder, Phys. Rev. B 34, 1841 (1986): what stays finite at a
first-order transition.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sta.analysis.statistics.curves import Curve, CurveSet, draw, mean_curve
from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.resampling import (
    Estimate,
    FloatArray,
    Seed,
    estimate_from_replicates,
)
from sta.analysis.statistics.transition.ensembles import (
    falls,
    filled,
    normalised_trials,
    reflected,
)
from sta.analysis.statistics.transition.power_laws import offset_power

MIN_POINTS = 10
MIN_SIZES = 4
MIN_TRIALS = 8
DECAYS = (0.1, 4.0)  # range of s: below it a power law cannot be told from a constant
FINER = 1.5
SHARP = 0.05


@dataclass(frozen=True)
class JumpScaling:
    """The jump against the size.

    Attributes
    ----------
    sizes
        All sizes.
    heights
        J(L), mean over trials, in units of the norm.
    limit
        J_inf, cut at zero; a reason if it cannot be told.
    contains_zero
        Whether the interval of J_inf reaches zero, or J_inf = 0 costs less than 3.84 in chi2;
        None without an interval.
    scale
        Range of the mean curve of the largest size, which J is to be compared with.
    resolved
        Whether the points of x are close enough, or get closer with the size, to tell a jump
        from a steep fall.
    """

    sizes: tuple[float, ...]
    heights: tuple[Estimate, ...]
    limit: Estimate
    contains_zero: bool | None
    scale: float
    resolved: bool

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def jump_heights(curve: Curve, *, falling: bool = True, reach: int = 2) -> FloatArray:
    """Height of the jump of each trial, shape (T,), in units of the norm.

    Parameters
    ----------
    curve
        At least 10 points.
    falling
        Whether y falls with x.
    reach
        Points on each side of the fall over which the narrower drop is taken; the wider one is
        over twice as many.

    Returns
    -------
    array, shape (T,)
        About zero, of either sign, for a smooth curve; NaN for a trial with missing ends.

    Examples
    --------
    >>> x = np.arange(20.0)
    >>> step = Curve(8.0, x, np.where(x < 9, 1.0, 0.25)[None], np.ones(1))
    >>> jump_heights(step).tolist()
    [0.75]
    """
    turned = curve if falling else reflected(curve)
    m = filled(turned.x, normalised_trials(turned))
    whole: NDArray[np.bool_] = np.asarray(np.isfinite(m).all(axis=1))
    if turned.x.size < MIN_POINTS:
        return np.full(m.shape[0], np.nan)
    safe = np.where(whole[:, None], m, 0.0)
    even, odd = (_measured(turned.x, safe, parity, reach) for parity in (0, 1))
    return np.where(whole, 0.5 * (even + odd), np.nan)


def _measured(x: FloatArray, m: FloatArray, parity: int, reach: int) -> FloatArray:
    """Jump sought on the points of one parity and measured on those of the other."""
    sought = np.arange(parity, x.size, 2)
    fall = m[:, sought[:-1]] - m[:, sought[1:]]
    middle = sought[fall.argmax(axis=1)] + 1
    first = 1 - parity
    last = x.size - 1 - (x.size - 1 - first) % 2

    def drop(steps: int) -> tuple[FloatArray, FloatArray]:
        left: NDArray[np.intp] = np.maximum(middle - steps, first)
        right: NDArray[np.intp] = np.minimum(middle + steps, last)
        rows = np.arange(len(m))
        return m[rows, left] - m[rows, right], x[right] - x[left]

    (narrow, width), (wide, wider) = drop(reach), drop(2 * reach)
    gain = wider - width
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(gain > 0.0, narrow - (wide - narrow) * width / gain, narrow)


def jump_scaling(curves: CurveSet, *, seed: Seed = 0, resamples: int = 1000) -> JumpScaling:
    """Fit J(L) = J_inf + c L^-s by weighted least squares, with a bootstrap over trials.

    Parameters
    ----------
    curves
        One curve a size, with trials.
    seed, resamples
        Of the bootstrap.

    Notes
    -----
    s is searched in 0.1 .. 4.  Four sizes, 8 trials and 10 points are needed.
    """
    falling = falls(curves)
    weights = np.vstack([np.ones(len(curves.trials)), draw(curves, resamples, seed)])
    trials = [jump_heights(curve, falling=falling) for curve in curves.curves]
    rows = [_means(one, weights) for one in trials]
    numbers = [int(np.isfinite(one).sum()) for one in trials]
    heights = tuple(
        estimate_from_replicates(float(row[0]), row[1:], curves.units_of(curve))
        for row, curve in zip(rows, curves.curves, strict=True)
    )
    sizes = np.array([curve.size for curve in curves.curves])
    largest = curves.curves[-1]
    centre = mean_curve(largest)[0]
    centre = centre[np.isfinite(centre)]
    scale = float(np.ptp(centre)) if centre.size else 0.0
    coarse = _means(jump_heights(largest, falling=falling, reach=4), weights)
    resolved = _gets_finer(curves) or _sharp(rows[-1], coarse)
    reason = _why_not(sizes, numbers)
    if not reason and scale <= 1e-9 * np.abs(centre).max():
        reason = f"y is constant at size {largest.size:g}: nothing jumps"
    head = (tuple(sizes.tolist()), heights)
    if reason:
        return JumpScaling(*head, Estimate(reason=reason), None, scale, resolved)
    values = np.stack(rows, axis=1)
    errors = np.maximum(np.std(values[1:], axis=0), 1e-6 * (scale or 1.0))
    fit = offset_power(sizes, values, errors, exponents=DECAYS, positive=True)
    none = offset_power(sizes, values[:1], errors, exponents=DECAYS, offset=np.zeros(1))
    limit = estimate_from_replicates(
        float(fit.offset[0]), fit.offset[1:], curves.n_units, bounds=(0.0, np.inf)
    )
    if limit.ci95 is None:
        return JumpScaling(*head, limit, None, scale, resolved)
    zero = limit.ci95[0] <= 0.0 or float(none.chi2[0] - fit.chi2[0]) < 3.84
    if zero and limit.ci95[0] > 0.0:
        limit = Estimate(limit.value, limit.se, (0.0, limit.ci95[1]), reason=limit.reason)
    return JumpScaling(*head, limit, zero, scale, resolved)


def _means(values: FloatArray, weights: FloatArray) -> FloatArray:
    there = np.isfinite(values)
    number = weights @ there
    with np.errstate(divide="ignore", invalid="ignore"):
        mean: FloatArray = weights @ np.where(there, values, 0.0) / number
    return mean


def _why_not(sizes: FloatArray, numbers: list[int]) -> str:
    different = np.unique(sizes).size
    if different < MIN_SIZES:
        return f"{different} sizes: the limit of the jump has three parameters and needs 4"
    if min(numbers) == 0:
        return f"the curves have fewer than {MIN_POINTS} points, or every trial misses an end"
    if min(numbers) < MIN_TRIALS:
        return f"{min(numbers)} trials at a size: the limit of the jump needs {MIN_TRIALS}"
    if sizes.min() <= 0.0:
        return f"size {sizes.min():g}: powers of the size need sizes above 0"
    return ""


def _gets_finer(curves: CurveSet) -> bool:
    spacing = [float(np.median(np.diff(one.x))) for one in curves.curves if one.x.size > 1]
    return len(spacing) > 1 and spacing[0] >= FINER * spacing[-1]


def _sharp(fine: FloatArray, coarse: FloatArray) -> bool:
    """Whether the jump does not grow with the width over which it is measured.

    A branch |x - x_c|^beta has J ~ w^beta; the upper 97.5 % bound of that exponent between two
    widths must be below 0.05.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = np.log2(coarse / fine)
    if not np.isfinite(exponent).all():
        return False
    return bool(np.quantile(exponent[1:], 0.975) < SHARP)
