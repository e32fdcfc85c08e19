"""Empirical risk minimisation on the mixture: the order parameters of one network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from sta.distillation.fixed_point import TOLERABLE, solve_down
from sta.distillation.moments import GridMoments, HingeMoments
from sta.errors import StaError

Array = NDArray[np.float64]


def generalization_error(rho: Array, delta: Array, m: Array, q: Array, b: Array) -> Array:
    """Return the generalization error of an output with overlap m, norm q and bias b.

    rho H((m + b) / sqrt(Delta q)) + (1 - rho) H((m - b) / sqrt(Delta q)), H the normal tail.
    """
    spread = np.sqrt(delta * q)
    return np.asarray(rho * ndtr(-(m + b) / spread) + (1 - rho) * ndtr(-(m - b) / spread))


@dataclass(frozen=True)
class Erm:
    """Fixed point of empirical risk minimisation, arrays of one shape.

    Attributes
    ----------
    m, q, b : arrays
        Overlap w v / N, norm w w / N and bias.
    width : array
        V, the variance of the output over resampled patterns.
    resolvent : array
        R = 1 / (lambda + Lambda).
    test_error, training_error : arrays
        Shares of wrong signs.
    residual, iterations : arrays
        Certificate: largest change of an order parameter in the last iteration (relative, where
        it is above 1), and their number.
    """

    m: Array
    q: Array
    b: Array
    width: Array
    resolvent: Array
    test_error: Array
    training_error: Array
    residual: Array
    iterations: NDArray[np.intp]


def solve_erm(
    alpha: Array,
    rho: Array,
    delta: Array,
    eta: Array,
    lam: Array,
    loss: str,
    smoothing: Array | None = None,
) -> Erm:
    """Solve the fixed point for flat arrays of parameters.

    Parameters
    ----------
    alpha, rho, delta, eta, lam : (G,) arrays
        As in `Setting`.
    loss : {"logistic", "square", "hinge"}
        Of the labels.
    smoothing : (G,) array, optional
        Label smoothing: cross entropy with 1 - smoothing / 2 instead of 1 (logistic loss).

    Returns
    -------
    Erm

    Raises
    ------
    StaError
        If one point does not converge; the message names its residual.

    Notes
    -----
    omega = s m + b + sqrt(Delta q) xi, h = prox(omega), f = (h - omega) / V:
    m = eta R mh, q = eta R^2 (mh^2 + qh), V = eta Delta R, E f = 0, with mh = alpha E[s f],
    qh = alpha Delta E[f^2], R = 1 / (lambda - alpha Delta E[df / domega]).
    """
    size, nothing = len(alpha), np.zeros(len(alpha))
    moments: GridMoments | HingeMoments = HingeMoments()
    if loss != "hinge":
        moments = GridMoments(loss, nothing if smoothing is None else smoothing)
    sides, classes = np.array([1.0, -1.0]), np.stack([rho, 1.0 - rho], axis=1)

    def averages(x: Array, k: NDArray[np.intp]) -> tuple[Array, Array, Array, Array]:
        spread = np.sqrt(delta[k] * np.exp(x[:, 1]))
        force, square, response = moments(x[:, 0], x[:, 3], spread, np.exp(x[:, 2]), k)
        w = classes[k]
        return (
            np.sum(w * sides * force, axis=1), np.sum(w * square, axis=1),
            np.sum(w * force, axis=1), np.sum(w * response, axis=1),
        )  # fmt: skip

    def update(x: Array, k: NDArray[np.intp], ridge: Array) -> Array:
        signed, square, force, response = averages(x, k)
        mh, qh = alpha[k] * signed, alpha[k] * delta[k] * square
        r = 1.0 / (ridge - alpha[k] * delta[k] * response)
        return np.stack(
            [eta[k] * r * mh, np.log(eta[k] * r**2 * (mh**2 + qh)), np.log(eta[k] * delta[k] * r),
             x[:, 3] - force / response], axis=1,
        )  # fmt: skip

    x = np.stack([0.5 * eta, np.log(0.5 * eta), nothing, nothing], axis=1)
    x, residual, iterations = solve_down(update, x, lam)
    require(residual, "empirical risk minimisation", lam)
    response = averages(x, np.arange(size))[3]
    m, q, width, b = x[:, 0], np.exp(x[:, 1]), np.exp(x[:, 2]), x[:, 3]
    # The output changes sign where the field passes V dl/dh at h = 0.
    border = width[:, None] * moments.slope_at_zero
    margin = sides * (border - b[:, None]) - m[:, None]
    wrong = ndtr(margin / np.sqrt(delta * q)[:, None])
    return Erm(
        m, q, b, width, 1.0 / (lam - alpha * delta * response),
        generalization_error(rho, delta, m, q, b), np.sum(classes * wrong, axis=1), residual,
        iterations,
    )  # fmt: skip


def require(residual: Array, what: str, lam: Array) -> None:
    """Refuse results that are not at rest."""
    worst = int(np.argmax(residual))
    if not residual[worst] < TOLERABLE:
        raise StaError(
            f"{what} did not converge at point {worst}: residual {residual[worst]:.2g}, lambda ="
            f" {lam.flat[worst]:g}; give a larger lambda"
        )
