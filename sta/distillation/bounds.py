"""What no student can beat, and from where on patterns are not separable."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.stats import norm

from sta.distillation.erm import generalization_error
from sta.errors import ConfigError, StaError

Array = NDArray[np.float64]


def bayes_error(
    alpha: ArrayLike, *, rho: ArrayLike = 0.2, delta: ArrayLike = 1.0, eta: ArrayLike = 1.0
) -> Array:
    """Return the least possible test error with a fraction eta of the weights.

    The optimal rule is Hebb's, w = sum s x / (alpha sqrt N), cut to eta N weights, with bias
    Delta (1 + Delta / alpha) log(rho / (1 - rho)) / 2: m = eta, q = eta (1 + Delta / alpha).

    Parameters
    ----------
    alpha, rho, delta, eta : arrays
        As in `Setting`.

    Returns
    -------
    array

    Examples
    --------
    >>> bayes_error(4.5, eta=[1.0, 0.5]).round(4).tolist()
    [0.1269, 0.1682]
    """
    alpha, rho, delta, eta = np.broadcast_arrays(
        *(np.asarray(one, dtype=float) for one in (alpha, rho, delta, eta))
    )
    spread = 1.0 + delta / alpha
    bias = 0.5 * delta * spread * np.log(rho / (1.0 - rho))
    return generalization_error(rho, delta, eta, eta * spread, bias)


def separability_threshold(*, rho: float = 0.2, delta: float = 1.0, eta: float = 1.0) -> float:
    """Return the alpha below which training patterns are linearly separable, for large N.

    max over m, b of Delta (eta - m^2) / E[(sqrt(Delta) xi - m - s b)_+^2] (Gordon's comparison);
    below it the loss without a ridge has no minimum.

    Parameters
    ----------
    rho, delta, eta : float
        As in `Setting`.

    Returns
    -------
    float

    Raises
    ------
    ConfigError
        If a parameter is out of range.
    StaError
        If the maximum is not found.

    Examples
    --------
    >>> round(separability_threshold(eta=0.5), 2)
    1.8
    """
    if not (0.0 < rho < 1.0 and delta > 0.0 and 0.0 < eta <= 1.0):
        raise ConfigError(
            f"rho = {rho:g}, delta = {delta:g}, eta = {eta:g}: give rho in (0, 1), delta above 0"
            " and eta in (0, 1]"
        )

    def shortfall(shift: float) -> float:
        """E[(sqrt(Delta) xi - shift)_+^2]."""
        u = shift / np.sqrt(delta)
        return float(delta * ((1.0 + u**2) * norm.sf(u) - u * norm.pdf(u)))

    def loss(x: Array) -> float:
        m, b = np.sqrt(eta) * np.tanh(x[0]), x[1]
        missed = rho * shortfall(m + b) + (1.0 - rho) * shortfall(m - b)
        return float(np.log(missed) - np.log(delta * (eta - m**2)))

    found = minimize(loss, np.array([0.3, 0.0]), method="BFGS", options={"gtol": 1e-8})
    if not np.isfinite(found.fun):
        raise StaError("the separability threshold was not found; give less extreme parameters")
    return float(np.exp(-found.fun))
