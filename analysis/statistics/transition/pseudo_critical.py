"""The pseudo-critical point of every trial: where its own curve crosses over.

Two definitions, both on curves that fall with x (a rising curve is taken in -x):

level eps        the last x with y > eps y(first), interpolated to y = eps y(first)
steepest slope   the x at which the slope of the lightly smoothed curve is most negative

References
----------
S. Wiseman, E. Domany, Phys. Rev. Lett. 81, 22 (1998): pseudo-critical points of single samples of
a disordered system and their spread; for percolation, arXiv:1710.02957 (event-based ensembles).
"""

import numpy as np
from numpy.typing import NDArray

from sta.analysis.statistics.curves import Curve
from sta.analysis.statistics.resampling import FloatArray
from sta.analysis.statistics.transition.ensembles import (
    SMOOTHING,
    filled,
    local_quadratic,
    normalised_trials,
    parabolic_peak,
    reflected,
)
from sta.errors import ConfigError

LEVELS = (0.5, 0.2, 0.1, 0.05)
ROUNDING = 1e-9


def crossing_points(curve: Curve, level: float, *, falling: bool = True) -> FloatArray:
    """Last x at which each trial is above a share of its first value, shape (T,).

    Parameters
    ----------
    curve
        The trials of one size.
    level
        eps, the share, in (0, 1).
    falling
        Whether y falls with x.  If it rises, the first x above eps y(last) is returned.

    Returns
    -------
    array, shape (T,)
        In the unit of x; NaN where the trial never falls below the level, has no value at the
        end it starts from, or starts from zero or less.

    Raises
    ------
    ConfigError
        If the level is not between 0 and 1.

    Examples
    --------
    >>> x = np.arange(5.0)
    >>> curve = Curve(8.0, x, np.array([[4.0, 3.0, 2.0, 0.0, 0.0]]), np.array([4.0]))
    >>> crossing_points(curve, 0.25).tolist()
    [2.5]
    """
    if not 0.0 < level < 1.0:
        raise ConfigError(f"level is {level}: choose a share of y(first) between 0 and 1")
    turned = curve if falling else reflected(curve)
    x, m = turned.x, filled(turned.x, normalised_trials(turned))
    first = m[:, :1]
    usable = (first[:, 0] > 0.0) & np.isfinite(m[:, -1])
    above = m > level * np.where(usable[:, None], first, np.inf)
    last = x.size - 1 - above[:, ::-1].argmax(axis=1)
    usable &= above.any(axis=1) & (last < x.size - 1)
    i = np.minimum(last, max(x.size - 2, 0))
    rows = np.arange(m.shape[0])
    j = np.minimum(i + 1, x.size - 1)
    high, low, target = m[rows, i], m[rows, j], level * first[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        place = x[i] + (high - target) / (high - low) * (x[j] - x[i])
    return _signed(np.where(usable, place, np.nan), falling)


def steepest_points(curve: Curve, *, falling: bool = True, half: int = SMOOTHING) -> FloatArray:
    """Place of the steepest slope of each trial's lightly smoothed curve, shape (T,).

    Parameters
    ----------
    curve
        The trials of one size.
    falling
        Whether y falls with x.
    half
        Neighbours on each side that the local parabola takes in.

    Returns
    -------
    array, shape (T,)
        In the unit of x; NaN where the steepest slope lies at an end of the curve, as for
        (1 - x)^beta with beta > 1, or values are missing at an end.
    """
    if curve.x.size < 3:
        return np.full(len(curve.values), np.nan)
    turned = curve if falling else reflected(curve)
    m = filled(turned.x, normalised_trials(turned))
    _, slope = local_quadratic(turned.x, half)
    steepness = -(np.where(np.isfinite(m), m, 0.0) @ slope.T)
    steepness[~np.isfinite(m).all(axis=1)] = np.nan
    place, height = parabolic_peak(turned.x, steepness)
    # a constant curve has slopes of rounding errors
    least = ROUNDING * np.abs(np.where(np.isfinite(m), m, 0.0)).max(axis=1) / np.ptp(turned.x)
    return _signed(np.where(height > least, place, np.nan), falling)


def pseudo_critical_points(
    curve: Curve, *, levels: tuple[float, ...] = LEVELS, falling: bool = True
) -> dict[str, FloatArray]:
    """Points of every trial by every definition: "level 0.1" or "steepest slope" to (T,)."""
    points = {
        f"level {level:g}": crossing_points(curve, level, falling=falling) for level in levels
    }
    return {**points, "steepest slope": steepest_points(curve, falling=falling)}


def local_spacing(curve: Curve, place: float) -> float:
    """Distance of the two points of x that enclose a place, or of the nearest two."""
    if curve.x.size < 2:
        return float("inf")
    i = int(np.clip(np.searchsorted(curve.x, place) - 1, 0, curve.x.size - 2))
    return float(curve.x[i + 1] - curve.x[i])


def enough(points: FloatArray, takes_part: NDArray[np.bool_], share: float = 0.9) -> bool:
    """Whether nearly all trials that take part have a point: the others are a biased rest."""
    return bool(np.isfinite(points[takes_part]).mean() >= share) if takes_part.any() else False


def _signed(place: FloatArray, falling: bool) -> FloatArray:
    return place if falling else -place
