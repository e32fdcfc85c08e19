"""Variances of the shape parameters from the noise alone, and their degrees of freedom.

With J the Jacobian of the whitened residual and W the whitening, the parameters move with
the mean curves as theta = L y, L = (J^T J)^-1 J^T W.  Their covariance is L N L^T, N that of
the mean curves without the floor: the sandwich formula, because W contains the floor.

N is an estimate from T trials, pooled along the curves, so a variance from it has more than
T - 1 degrees of freedom.  By Satterthwaite's formula, the correlation R of the points taken
as known,

    nu = (T - 1) (sum_j a_j)^2 / sum_jk a_j a_k R_jk^2,    a_j = l_j N_jk l_k summed over k,

l a row of L: T - 1 if the points move as one, P times that for P points that count alike.

References
----------
F. E. Satterthwaite, Biometrics Bulletin 2, 110 (1946).
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student_t

from sta.analysis.statistics.intervals import ONE_SIGMA
from sta.analysis.statistics.resampling import Estimate, FloatArray
from sta.analysis.statistics.threshold.means import Means
from sta.analysis.statistics.threshold.separable import jacobian, project, residuals
from sta.analysis.statistics.threshold.shapes import Axis, Shape, Solution

_MOST = 1e6


@dataclass(frozen=True)
class Sandwich:
    """Precision of the unit coordinates of a fit to the mean of all trials.

    Attributes
    ----------
    weighted
        (J^T J)^-1, the covariance that the weights imply, (d, d).
    noisy
        L N L^T, that which the noise gives, (d, d).
    freedom
        Degrees of freedom of its diagonal, (d,).
    """

    weighted: FloatArray
    noisy: FloatArray
    freedom: FloatArray


def sandwich(shape: Shape, means: Means, solution: Solution) -> Sandwich:
    """Measure how the noise of the mean curves moves the shape parameters."""
    parts = project(means.rows(slice(0, 1)))
    unit = solution.unit[:1]
    slope = jacobian(shape, parts, unit, residuals(shape, parts, unit))[0]
    weighted = np.linalg.pinv(slope.T @ slope)
    noisy = np.zeros_like(weighted)
    spread = np.zeros(len(weighted))
    begin = 0
    for part, noise in zip(parts, means.noise.mean, strict=True):
        lever = weighted @ slope[begin : begin + part.x.size].T @ part.operator
        noisy += lever @ noise @ lever.T
        sd = np.sqrt(np.diag(noise))
        sd[sd == 0.0] = 1.0
        share = lever * (lever @ noise)
        spread += np.einsum("dj,jk,dk->d", share, (noise / np.outer(sd, sd)) ** 2, share)
        begin += part.x.size
    least = means.interval_trials - 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = least * np.diag(noisy) ** 2 / spread
    freedom = np.where(np.isfinite(freedom), freedom, least)
    return Sandwich(weighted, noisy, np.clip(freedom, least, max(least, _MOST)))


def standard_error(axis: Axis, unit: float, variance: float) -> float:
    """Return the standard error of a parameter from the variance of its unit coordinate."""
    near = np.clip(unit + np.array([-1e-5, 1e-5]), 0.0, 1.0)
    slope = float(np.ptp(axis.value(near)) / np.ptp(near))
    return float(np.sqrt(variance)) * slope


def wald(shape: Shape, solution: Solution, precision: Sandwich) -> dict[str, Estimate]:
    """Estimates with t intervals from the sandwich variances, cut at the search intervals."""
    found = {}
    for i, axis in enumerate(shape.axes):
        value = float(solution.theta[0, i])
        se = standard_error(axis, solution.unit[0, i], precision.noisy[i, i])
        low, high = (float(end) for end in axis.value(np.array([0.0, 1.0])))
        quantiles = student_t.ppf(0.5 + 0.5 * np.array([0.95, ONE_SIGMA]), precision.freedom[i])
        wide, narrow = (
            (max(value - float(q) * se, low), min(value + float(q) * se, high)) for q in quantiles
        )
        found[axis.name] = Estimate(value, se, wide, ci68=narrow)
    return found
