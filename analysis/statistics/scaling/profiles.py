"""Profiles of the evidence, and whether the exponents can be told apart.

A sharp threshold with the branch F(z) = |z|^beta collapses for every (1/nu, beta/nu) of ratio
beta: rescaling X by L^(1/nu) only multiplies Y by a power of L.  Such data determine beta and not
nu, and a fit that prints nu all the same prints the prior.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.resampling import FloatArray
from sta.analysis.statistics.scaling.evidence import value_and_gradient
from sta.analysis.statistics.scaling.fit import BETA_OVER_NU, INV_NU, CollapseFit
from sta.analysis.statistics.scaling.intervals import ScalingCovariance

MAX_CORRELATION = 0.98
CLOSED = 1.92  # half the 95 % quantile of chi^2 with one degree of freedom
RANGE = 3.0


@dataclass(frozen=True)
class Profile:
    """Loss of log evidence when one parameter is held and the others are fitted.

    Attributes
    ----------
    name
        "x_c", "inv_nu" or "beta_over_nu".
    values
        Held values, ascending, in the unit of the data.
    loss
        Log posterior at the optimum minus that of the constrained fit.
    """

    name: str
    values: FloatArray
    loss: FloatArray

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


@dataclass(frozen=True)
class Identifiability:
    """Whether 1/nu and beta/nu are separately determined.

    Attributes
    ----------
    identified
        True if none of the reasons applies.
    correlation
        Of 1/nu and beta/nu in the posterior.
    condition
        Condition number of their posterior correlation matrix.
    reasons
        What speaks against it.
    """

    identified: bool
    correlation: float
    condition: float
    reasons: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def profile(fit: CollapseFit, index: int, values: FloatArray, name: str) -> Profile:
    """Profile one of the scaling parameters over values given in the unit of the data."""
    own = values
    if index == 0:
        own = (values - fit.points.units.origin) / fit.points.units.width
    order = np.argsort(np.abs(own - fit.parameters[index]), kind="stable")
    solved: dict[int, FloatArray] = {}
    loss = np.empty(own.size)
    for place in order:
        near = min(solved, key=lambda k: abs(own[k] - own[place]), default=None)
        start = fit.parameters if near is None else solved[near]
        solved[int(place)], loss[place] = _constrained(fit, index, float(own[place]), start)
    return Profile(name, values, loss - fit.value)


def scaling_profiles(fit: CollapseFit, found: ScalingCovariance, number: int = 13) -> list[Profile]:
    """Profile x_c and beta/nu over +- 4 standard errors, and 1/nu over a factor of 3 at least."""
    profiles = []
    for index, name in enumerate(("x_c", "inv_nu", "beta_over_nu")):
        value = float(found.value[index])
        reach = 4.0 * float(np.sqrt(found.covariance[index, index]))
        values = np.linspace(value - reach, value + reach, number)
        if index == INV_NU and value > 0.0:
            values = np.unique(np.concatenate([values, value * np.geomspace(1 / RANGE, RANGE, 7)]))
            values = values[values > 0.02 * value]
        profiles.append(profile(fit, index, values, name))
    return profiles


def identifiability(fit: CollapseFit, found: ScalingCovariance, inv_nu: Profile) -> Identifiability:
    """Judge whether 1/nu and beta/nu can be separated; see the module's text.

    Parameters
    ----------
    fit, found
        The fit and its covariance over trials.
    inv_nu
        The profile of 1/nu.
    """
    posterior = np.linalg.pinv(fit.curvature)[
        np.ix_([INV_NU, BETA_OVER_NU], [INV_NU, BETA_OVER_NU])
    ]
    scale = np.sqrt(np.maximum(np.diag(posterior), 1e-300))
    correlation = float(np.clip(posterior[0, 1] / (scale[0] * scale[1]), -1.0, 1.0))
    condition = float((1 + abs(correlation)) / max(1 - abs(correlation), 1e-12))
    value = fit.scaling[INV_NU]
    reasons = []
    if abs(correlation) > MAX_CORRELATION:
        reasons.append(f"1/nu and beta/nu are correlated by {correlation:.3f}")
    for side, words in ((inv_nu.values < value, "below"), (inv_nu.values > value, "above")):
        if not side.any() or inv_nu.loss[side].max() < CLOSED:
            reasons.append(f"the profile of 1/nu stays flat {words} {value:.3g}")
    error = float(np.sqrt(found.covariance[INV_NU, INV_NU]))
    if not value > 2.0 * error:
        reasons.append(f"1/nu = {value:.3g} +- {error:.2g} is not told from zero")
    return Identifiability(not reasons, correlation, condition, tuple(reasons))


def _constrained(
    fit: CollapseFit, index: int, held: float, start: FloatArray
) -> tuple[FloatArray, float]:
    design = fit.points.design
    free = np.arange(fit.parameters.size) != index

    def objective(part: FloatArray) -> tuple[float, FloatArray]:
        whole = np.insert(part, index, held)
        if np.abs(whole).max() > 30.0:
            return 1e12, np.zeros_like(part)
        value, gradient = value_and_gradient(design, whole)
        return (value, gradient[free]) if np.isfinite(value) else (1e12, gradient[free])

    inverse = np.linalg.pinv(fit.curvature[np.ix_(free, free)], hermitian=True)
    values, vectors = np.linalg.eigh(0.5 * (inverse + inverse.T))
    metric = (vectors * np.maximum(np.abs(values), 1e-10)) @ vectors.T
    found = minimize(
        objective, start[free], jac=True, method="BFGS",
        options={"hess_inv0": 0.5 * (metric + metric.T), "gtol": 1e-2, "maxiter": 80},
    )  # fmt: skip
    whole = np.insert(np.asarray(found.x, dtype=float), index, held)
    return whole, float(found.fun)
