"""Fluctuations of the order parameter over trials: susceptibility and cumulants.

With m = y / norm of a trial (1 at the start of a pruning ramp) and <> the mean over trials,

    chi(x) = L^d (<m^2> - <m>^2),     U2 = <m^2> / <m>^2,     U4 = 1 - <m^4> / (3 <m^2>^2)

and the centred kurtosis <(m - <m>)^4> / <(m - <m>)^2>^2.  The peak of chi grows as
L^(gamma/nu); curves U(x) of two sizes cross near x_c.  m is at least zero, so U4 lacks the
meaning it has for a symmetric magnetisation; U2 and the centred kurtosis keep theirs.

A variance over T trials has the relative standard error sqrt(2 / (T - 1)), 32 % at T = 20:
below 20 trials nothing is computed, and chi and U from 50.

References
----------
K. Binder, Z. Phys. B 43, 119 (1981).
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from sta.analysis.statistics.curves import Curve, CurveSet, draw
from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.resampling import (
    Estimate,
    FloatArray,
    Seed,
    estimate_from_replicates,
)
from sta.analysis.statistics.transition.ensembles import (
    Moments,
    local_quadratic,
    moments,
    normalised_trials,
    parabolic_peak,
)
from sta.analysis.statistics.transition.power_laws import tail_probability, weighted_line

MIN_TRIALS = 20
CUMULANT_TRIALS = 50
MIN_SIZES = 3
RESOLVED = 3.0  # standard errors by which <m> must exceed zero for a ratio to <m>

Cumulant = Literal["U2", "U4"]


@dataclass(frozen=True)
class SizeCumulants:
    """Fluctuations of one size; arrays of shape (P,), None below the trials they need.

    Attributes
    ----------
    size, n_trials
        L, and the trials that take part.
    relative_se
        sqrt(2 / (T - 1)), relative standard error of a variance of Gaussian m; None for T < 2.
    x
        Abscissa.
    mean, deviation
        <m> and the standard deviation of m over trials; from 20 trials.
    chi, u2, u4, kurtosis
        See the module; from 50 trials. NaN (null in `to_dict`) for U2 and U4 where <m> is not
        3 standard errors above zero, and for the kurtosis where m does not vary.
    peak_x, peak_height
        Of the lightly smoothed chi, with bootstrap intervals; a reason if there is none.
    reason
        Why something is None; empty otherwise.
    """

    size: float
    n_trials: int
    relative_se: float | None
    x: FloatArray
    mean: FloatArray | None
    deviation: FloatArray | None
    chi: FloatArray | None
    u2: FloatArray | None
    u4: FloatArray | None
    kurtosis: FloatArray | None
    peak_x: Estimate
    peak_height: Estimate
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


@dataclass(frozen=True)
class Crossing:
    """Where a cumulant of two neighbouring sizes takes the same value.

    Attributes
    ----------
    cumulant
        "U2" or "U4".
    sizes
        The two sizes.
    x
        Where they cross, with a bootstrap interval; a reason if they do not.
    """

    cumulant: Cumulant
    sizes: tuple[float, float]
    x: Estimate

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


@dataclass(frozen=True)
class Cumulants:
    """Fluctuations of all sizes.

    Attributes
    ----------
    by_size
        One entry a size.
    gamma_over_nu
        Exponent of the peak height of chi against L.
    p_value
        Of the chi2 of that straight line in the logarithms; None without one.
    crossings
        Of U2 and of U4, one for each pair of neighbouring sizes.
    """

    by_size: tuple[SizeCumulants, ...]
    gamma_over_nu: Estimate
    p_value: float | None
    crossings: tuple[Crossing, ...]

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def cumulants(
    curves: CurveSet, *, dimension: float = 1.0, seed: Seed = 0, resamples: int = 1000
) -> Cumulants:
    """Susceptibility, cumulants, the peak exponent and the crossings.

    Parameters
    ----------
    curves
        One curve a size, with trials.
    dimension
        d in chi = L^d (<m^2> - <m>^2): 1 if L counts units, the dimension of space if L is a
        length.
    seed, resamples
        Of the bootstrap over whole trials.

    Notes
    -----
    What too few trials (see the module) or sizes do not allow is an Estimate with a reason.
    """
    counts = draw(curves, resamples, seed).astype(float)
    parts = [_resampled(curve, counts) for curve in curves.curves]
    sized = [
        _of_size(curve, both, dimension, curves.units_of(curve))
        for curve, both in zip(curves.curves, parts, strict=True)
    ]
    exponent, p_value = _peak_exponent(
        [one for one, _ in sized], [peaks for _, peaks in sized], curves.n_units
    )
    crossings = [
        _crossing(name, (low, high), (first, second), curves.n_units)
        for (low, first), (high, second) in pairwise(zip(curves.curves, parts, strict=True))
        for name in ("U2", "U4")
    ]
    return Cumulants(tuple(one for one, _ in sized), exponent, p_value, tuple(crossings))


def _resampled(curve: Curve, counts: FloatArray) -> Moments:
    """Moments of the sample (first row) and of its resamples."""
    return moments(normalised_trials(curve), np.vstack([np.ones(counts.shape[1]), counts]))


def _of_size(
    curve: Curve, both: Moments, dimension: float, units: int
) -> tuple[SizeCumulants, FloatArray]:
    """Return the result of one size, and the peak heights of the sample and its resamples."""
    trials = int(curve.takes_part.sum())
    error = float(np.sqrt(2.0 / (trials - 1.0))) if trials > 1 else None
    nothing = np.full(both.mean.shape[0], np.nan)
    if trials < CUMULANT_TRIALS:
        least = MIN_TRIALS if trials < MIN_TRIALS else CUMULANT_TRIALS
        what = "nothing is computed" if trials < MIN_TRIALS else "chi, U2 and U4 are not given"
        accuracy = "" if error is None else f" (relative standard error of a variance {error:.0%})"
        reason = f"{trials} trials{accuracy}: {what} below {least}"
        some = trials >= MIN_TRIALS
        mean = both.mean[0] if some else None
        deviation = np.sqrt(both.variance[0]) if some else None
        refused = Estimate(reason=reason)
        head = (curve.size, trials, error, curve.x, mean, deviation)
        return SizeCumulants(*head, None, None, None, None, refused, refused, reason), nothing
    chi = curve.size**dimension * both.variance
    smooth, _ = local_quadratic(curve.x)
    place, height = parabolic_peak(curve.x, chi @ smooth.T)
    result = SizeCumulants(
        curve.size,
        trials,
        error,
        curve.x,
        both.mean[0],
        np.sqrt(both.variance[0]),
        chi[0],
        cumulant(both, "U2")[0],
        cumulant(both, "U4")[0],
        both.kurtosis[0],
        _peak(place, units),
        _peak(height, units),
        "",
    )
    return result, height


def _peak(values: FloatArray, units: int) -> Estimate:
    if np.isfinite(values[0]):
        return estimate_from_replicates(float(values[0]), values[1:], units)
    return Estimate(reason="chi is largest at an end of the range of x: no peak inside")


def cumulant(one: Moments, name: Cumulant) -> FloatArray:
    """U2 or U4, shape (B, P); NaN where <m> is not well above zero."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        resolved = one.mean > RESOLVED * np.sqrt(one.variance / one.number)
        if name == "U2":
            return np.where(resolved, one.second / one.mean**2, np.nan)
        return np.where(resolved, 1.0 - one.fourth / (3.0 * one.second**2), np.nan)


def _peak_exponent(
    sized: list[SizeCumulants], heights: list[FloatArray], units: int
) -> tuple[Estimate, float | None]:
    there = [place for place, one in enumerate(sized) if one.peak_height.ci95 is not None]
    if len({sized[place].size for place in there}) < MIN_SIZES:
        why = next((one.peak_height.reason for one in sized if one.peak_height.reason), "")
        tail = f" ({why})" if why else ""
        reason = f"{len(there)} sizes have a peak of chi, an exponent needs {MIN_SIZES}{tail}"
        return Estimate(reason=reason), None
    sizes = np.array([sized[place].size for place in there])
    if sizes.min() <= 0.0:
        return Estimate(reason=f"size {sizes.min():g}: powers of the size need sizes above 0"), None
    tops = np.stack([heights[place] for place in there], axis=1)
    logs = np.log(np.where(tops > 0.0, tops, np.nan))
    errors = np.nanstd(logs[1:], axis=0)
    slope, _, chi2 = weighted_line(np.log(sizes), logs, errors)
    exponent = estimate_from_replicates(float(slope[0]), slope[1:], units)
    return exponent, tail_probability(float(chi2[0]), sizes.size - 2)


def _crossing(
    name: Cumulant, curves: tuple[Curve, Curve], parts: tuple[Moments, Moments], units: int
) -> Crossing:
    sizes = (curves[0].size, curves[1].size)
    trials = min(int(curve.takes_part.sum()) for curve in curves)
    if trials < CUMULANT_TRIALS:
        reason = f"{trials} trials: cumulants are compared from {CUMULANT_TRIALS}"
        return Crossing(name, sizes, Estimate(reason=reason))
    grid = np.union1d(curves[0].x, curves[1].x)
    low, high = (
        _on_grid(grid, curve.x, cumulant(one, name))
        for curve, one in zip(curves, parts, strict=True)
    )
    difference = high - low
    inside = np.isfinite(difference[0]) & (np.isfinite(difference).mean(axis=0) > 0.95)
    grid, difference = grid[inside], difference[:, inside]
    if grid.size < 3:
        reason = "the sizes share fewer than 3 values of x at which the cumulant is resolved"
        return Crossing(name, sizes, Estimate(reason=reason))
    error = np.nanstd(difference[1:], axis=0)
    moving = error > 0.0
    grid, scores = grid[moving], difference[:, moving] / error[moving]
    places = sign_change(grid, np.where(np.isfinite(scores), scores, 0.0))
    where = places[0]
    left, right = scores[0][grid < where], scores[0][grid > where]
    if not np.isfinite(where) or min(np.abs(left).max(), np.abs(right).max()) < 2.0:
        reason = "the two curves do not cross, or not by more than their errors"
        return Crossing(name, sizes, Estimate(reason=reason))
    return Crossing(name, sizes, estimate_from_replicates(float(where), places[1:], units))


def _on_grid(grid: FloatArray, x: FloatArray, values: FloatArray) -> FloatArray:
    rows = [np.interp(grid, x, row, left=np.nan, right=np.nan) for row in values]
    return np.array(rows)


def sign_change(x: FloatArray, scores: FloatArray) -> FloatArray:
    """Place where each row changes its sign for good: the best split into two signs.

    The split maximises |sum left of it - sum right of it|, so that single noisy points do not
    count; it lies between two points of opposite sign.  NaN for a row without a change.

    Examples
    --------
    >>> sign_change(np.arange(4.0), np.array([[-1.0, -3.0, 1.0, 2.0]])).tolist()
    [1.75]
    """
    if x.size < 2:
        return np.full(len(scores), np.nan)
    total = scores.cumsum(axis=1)
    split = np.abs(2.0 * total - total[:, -1:])
    rows = np.arange(len(scores))
    i = split[:, :-1].argmax(axis=1)
    before, after = scores[rows, i], scores[rows, i + 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        place = x[i] + before / (before - after) * (x[i + 1] - x[i])
    better = split[rows, i] > np.abs(total[:, -1]) * (1.0 + 1e-9)
    return np.where(better & (before * after < 0.0), place, np.nan)
