"""Error bars of the scaling parameters from whole trials.

Every estimate p is a smooth function of the mean curves, whose derivative the fit knows, so a
trial t changes it by its influence u_t = sum_k (dp/dy_k) e_tk / n_k, with e_tk the residual of
the trial on curve k.  The variance is the sum of u_t u_t^T over whole trials (over whole teachers
where there are several): correlation along a curve, and between sizes that share trials, is
thereby included.  This is the infinitesimal jackknife, the limit of a bootstrap over trials.

References
----------
L. A. Jaeckel, Bell Labs Memorandum MM 72-1215-11 (1972); B. Efron, J. R. Stat. Soc. B 54, 83
(1992): the infinitesimal jackknife.  R. M. Bell, D. F. McCaffrey, Surv. Methodol. 28, 169 (2002):
few units.  F. E. Satterthwaite, Biometrics Bull. 2, 110 (1946).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from sta.analysis.statistics.counts import group_index
from sta.analysis.statistics.covariance import trial_residuals
from sta.analysis.statistics.curves import strata
from sta.analysis.statistics.resampling import Estimate, FloatArray
from sta.analysis.statistics.scaling.design import Points
from sta.analysis.statistics.scaling.fit import INV_NU, X_C, CollapseFit

MIN_UNITS = 3
NAMES = ("x_c", "inv_nu", "beta_over_nu", "beta")


@dataclass(frozen=True)
class ScalingCovariance:
    """Covariance of x_c, 1/nu, beta/nu and beta = (beta/nu) / (1/nu).

    Attributes
    ----------
    value
        The estimates, in the unit of the data, shape (4,).
    covariance
        Shape (4, 4).
    degrees_of_freedom
        Of each variance, by Satterthwaite's rule, shape (4,); infinite for stated errors.
    """

    value: FloatArray
    covariance: FloatArray
    degrees_of_freedom: FloatArray


def scaling_covariance(fit: CollapseFit) -> ScalingCovariance:
    """Variances of the scaling parameters over whole trials, or from the stated errors."""
    x_c, inv_nu, ratio = fit.scaling
    value = np.array([x_c, inv_nu, ratio, ratio / inv_nu])
    jacobian = _to_natural(fit)
    curves = fit.points.curves
    if not curves.replicated:
        design = fit.points.design
        spread = jacobian @ design.noise @ jacobian.T
        return ScalingCovariance(value, spread, np.full(4, np.inf))
    influence, layer = _unit_influences(fit.points, jacobian)
    total = np.zeros((4, 4))
    by_layer = np.zeros(4)
    for label in np.unique(layer):
        mine = influence[layer == label]
        if len(mine) < 2:
            continue
        part = spread_over_units(mine)
        total += part
        by_layer += np.diag(part) ** 2 / (len(mine) - 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = np.where(by_layer > 0.0, np.diag(total) ** 2 / by_layer, np.inf)
    return ScalingCovariance(value, total, freedom)


def spread_over_units(influence: FloatArray) -> FloatArray:
    """Covariance of a sum over n exchangeable units, from their influences, shape (n, q).

    A unit pulls the mean towards itself, so each influence is taken about the mean of the others,
    n / (n - 1) times that about the mean of all (Bell and McCaffrey's CR3). With known weights
    this is too large by that factor; with weights estimated from few trials it makes up for
    their noise.
    """
    number = len(influence)
    left_out = number / (number - 1.0) * (influence - influence.mean(axis=0))
    covariance: FloatArray = left_out.T @ left_out
    return covariance


def interval_estimates(found: ScalingCovariance, n_units: int | None) -> dict[str, Estimate]:
    """Turn a covariance into estimates with 68 % and 95 % intervals by Student's t.

    Parameters
    ----------
    found
        See `scaling_covariance`.
    n_units
        Independent trials (or teachers) behind the smallest curve; None for stated errors.
    """
    estimates = {}
    for place, name in enumerate(NAMES):
        value = float(found.value[place])
        if n_units is not None and n_units < MIN_UNITS:
            reason = f"{n_units} trials: an interval needs at least {MIN_UNITS}"
            estimates[name] = Estimate(value, reason=reason)
            continue
        se = float(np.sqrt(found.covariance[place, place]))
        ends = {
            level: se * float(student_t.ppf(0.5 + level / 2, found.degrees_of_freedom[place]))
            for level in (0.68, 0.95)
        }
        estimates[name] = Estimate(
            value,
            se,
            (value - ends[0.95], value + ends[0.95]),
            ci68=(value - ends[0.68], value + ends[0.68]),
        )
    return estimates


def _to_natural(fit: CollapseFit) -> FloatArray:
    """Return the derivatives of x_c, 1/nu, beta/nu and beta by y, shape (4, N)."""
    rows = np.array(fit.sensitivity[:3])
    rows[X_C] *= fit.points.units.width
    _, inv_nu, ratio = fit.scaling
    beta = (rows[2] - ratio / inv_nu * rows[INV_NU]) / inv_nu
    return np.vstack([rows, beta])


def trial_influences(points: Points, jacobian: FloatArray) -> FloatArray:
    """Change of the estimates that each trial brings, shape (T, q), from their (q, N) derivatives.

    Their sum over trials is zero up to rounding.
    """
    curves = points.curves
    total = np.zeros((len(curves.trials), jacobian.shape[0]))
    for k, curve in enumerate(curves.curves):
        residuals = trial_residuals(curve) / points.units.height
        there = np.isfinite(residuals)
        weighed = np.where(there, residuals, 0.0) / np.maximum(there.sum(axis=0), 1)
        total += weighed @ jacobian[:, points.place == k].T
    return total


def _unit_influences(points: Points, jacobian: FloatArray) -> tuple[FloatArray, NDArray[np.int64]]:
    """Influence of every independent unit, shape (U, q), and its stratum, shape (U,)."""
    curves, total = points.curves, trial_influences(points, jacobian)
    layers = strata(curves)
    if not curves.groups:
        return total, layers
    index = group_index(curves.groups, len(curves.trials))
    summed = np.zeros((int(index.max()) + 1, total.shape[1]))
    np.add.at(summed, index, total)
    layer_of = np.zeros(len(summed), dtype=layers.dtype)
    layer_of[index] = layers
    return summed, layer_of
