"""Profile-likelihood intervals of the shape parameters.

For each value of one parameter all others are fitted anew; the interval holds the values at
which the squared whitened residual rises by no more than t^2 above its least value, with t
the quantile of Student's distribution (t^2 that of F(1, nu)) with the degrees of freedom nu of
the noise, T - 1 or more for T trials (`sandwich`).

The weights contain the floor, which is no noise.  The rise is therefore divided by
kappa = V' / V, with V the variance of the parameter that the weights imply and V' that which
the noise alone gives it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student_t

from sta.analysis.statistics.intervals import ONE_SIGMA
from sta.analysis.statistics.resampling import Estimate, FloatArray
from sta.analysis.statistics.threshold.means import Means
from sta.analysis.statistics.threshold.sandwich import sandwich, standard_error
from sta.analysis.statistics.threshold.separable import solve
from sta.analysis.statistics.threshold.shapes import Block, Shape, Solution

REACH = 8.0  # standard deviations on either side that are covered densely
NEAR, FAR = 17, 8
PROFILED = {"threshold": ("x_c", "beta"), "rounded": ("w",)}


@dataclass(frozen=True)
class Profile:
    """Rise of the squared residual along one parameter.

    Attributes
    ----------
    parameter
        Name.
    grid
        Values of the parameter, ascending, shape (G,).
    rise
        Least squared whitened residual there, less the least of all, over kappa, shape (G,).
    value, se
        Best value, and its standard error from the noise alone.
    freedom
        Degrees of freedom of the standard error.
    """

    parameter: str
    grid: FloatArray
    rise: FloatArray
    value: float
    se: float
    freedom: float

    def interval(self, level: float = 0.95) -> tuple[float, float, bool]:
        """Return low, high, and whether both ends lie inside the search interval."""
        bound = float(student_t.ppf(0.5 * (1.0 + level), self.freedom))
        place = int(np.searchsorted(self.grid, self.value))
        low, shut_low = _crossing(
            self.grid[:place][::-1], self.rise[:place][::-1], self.value, bound
        )
        high, shut_high = _crossing(self.grid[place:], self.rise[place:], self.value, bound)
        return low, high, shut_low and shut_high

    def estimate(self) -> Estimate:
        """Return value, standard error, and the intervals.

        An interval that is open at an end of the search interval is cut there, and `reason`
        says so; a value at such an end has no standard error.
        """
        low, high, shut = self.interval(0.95)
        ci68 = self.interval(ONE_SIGMA)[:2]
        se = self.se if self.grid[1] < self.value < self.grid[-2] else None
        reason = ""
        if not shut:
            end = "low" if low <= self.grid[0] else "high"
            reason = f"the interval of {self.parameter} reaches the {end} end of its range"
        return Estimate(self.value, se, (low, high), reason=reason, ci68=ci68)


def profiles(shape: Shape, means: Means, solution: Solution) -> dict[str, Profile]:
    """Profile the parameters of a threshold in the fit to the mean of all trials.

    Empty where nothing is known of the noise (below three trials, and no stated errors).
    """
    known = any(one.any() for one in means.noise.mean)
    known = known and bool(shape.axes) and bool(solution.converged[0])
    if not known or shape.name not in PROFILED:
        return {}
    precision = sandwich(shape, means, solution)
    weighted, noisy = precision.weighted, precision.noisy
    found = {}
    for i, axis in enumerate(shape.axes):
        with np.errstate(divide="ignore", invalid="ignore"):
            kappa = noisy[i, i] / weighted[i, i]
        if axis.name in PROFILED[shape.name] and np.isfinite(kappa) and kappa > 0.0:
            units, rise = _rise(shape, means.rows(slice(0, 1)), solution, i, weighted, kappa)
            found[axis.name] = Profile(
                axis.name,
                axis.value(units),
                rise,
                float(solution.theta[0, i]),
                standard_error(axis, solution.unit[0, i], noisy[i, i]),
                float(precision.freedom[i]),
            )
    return found


def _rise(
    shape: Shape,
    blocks: Sequence[Block],
    solution: Solution,
    place: int,
    covariance: FloatArray,
    kappa: float,
) -> tuple[FloatArray, FloatArray]:
    """Return unit coordinates of axis `place`, ascending, and the scaled rise at each."""
    best = solution.unit[0]
    sd = float(np.sqrt(covariance[place, place] * min(kappa, 1.0)))
    near = best[place] + REACH * sd * np.linspace(-1.0, 1.0, NEAR)
    units = np.unique(np.clip(np.concatenate([near, np.linspace(0.0, 1.0, FAR)]), 0.0, 1.0))
    start = best + (units[:, None] - best[place]) * covariance[place] / covariance[place, place]
    start = np.clip(start, 0.0, 1.0)
    start[:, place] = units
    repeated = [
        Block(block.x, np.broadcast_to(block.y[0], (units.size, block.x.size)), block.whitening)
        for block in blocks
    ]
    at = solve(shape, repeated, start=start, held=(place,), search=False, tolerance=1e-8)
    return units, np.maximum(at.rss - solution.rss[0], 0.0) / kappa


def _crossing(grid: FloatArray, rise: FloatArray, value: float, bound: float) -> tuple[float, bool]:
    """Where the root of the rise first reaches the bound, walking away from the best value."""
    x = np.concatenate([[value], grid])
    root = np.concatenate([[0.0], np.sqrt(rise)])
    above = np.flatnonzero(root >= bound)
    if above.size == 0:
        return float(x[-1]), False
    i = int(above[0])
    share = (bound - root[i - 1]) / (root[i] - root[i - 1])
    return float(x[i - 1] + share * (x[i] - x[i - 1])), True
