"""Empirical risk minimisation on the mixture: the order parameters of one network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from sta.distillation.fixed_point import solve
from sta.distillation.losses import Distilled
from sta.errors import StaError

Array = NDArray[np.float64]

NODES, REACH = 81, 8.0
LEAST_RIDGE = 1e-12


def nodes(number: int = NODES) -> tuple[Array, Array]:
    """Return abscissae and weights of averages over a standard normal number."""
    z = np.linspace(-REACH, REACH, number)
    weight = np.exp(-0.5 * z**2)
    return z, weight / weight.sum()


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
        Certificate: largest change of an order parameter in the last iteration, and their number.
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


def solve_erm(alpha: Array, rho: Array, delta: Array, eta: Array, lam: Array, loss: str) -> Erm:
    """Solve the fixed point for flat arrays of parameters; see `theory` for the meaning.

    Raises
    ------
    StaError
        If one point does not converge; the message names its residual.
    """
    z, weight = nodes()
    label = np.array([1.0, -1.0])[None, :, None]
    share = np.stack([rho, 1.0 - rho], axis=1)[:, :, None] * weight
    zero = np.zeros((1, 1, 1))
    hard = Distilled(loss, zero, zero + 1.0)
    pull = hard.pull(label, zero)
    outputs = np.full((len(alpha), 2, len(z)), np.nan)

    def fields(x: Array, k: NDArray[np.intp]) -> tuple[Array, ...]:
        m, q, width, b = x[:, 0], np.exp(x[:, 1]), np.exp(x[:, 2]), x[:, 3]
        spread = np.sqrt(delta[k] * q)[:, None, None] * z
        omega = label * m[:, None, None] + b[:, None, None] + spread
        v = width[:, None, None]
        start = outputs[k]
        h = hard.prox(omega, v, pull, None if np.isnan(start).any() else start)
        outputs[k] = h
        slope, curved = hard.derivatives(h, pull)
        return h, -slope, -curved / (1.0 + v * curved)

    def update(x: Array, k: NDArray[np.intp], ridge: Array) -> Array:
        _, f, df = fields(x, k)
        w = share[k]
        mh = alpha[k] * np.sum(w * label * f, axis=(1, 2))
        qh = alpha[k] * delta[k] * np.sum(w * f**2, axis=(1, 2))
        lam_hat = -alpha[k] * delta[k] * np.sum(w * df, axis=(1, 2))
        r = 1.0 / (ridge[k] + lam_hat)
        shift = np.sum(w * f, axis=(1, 2)) / -np.sum(w * df, axis=(1, 2))
        return np.stack(
            [eta[k] * r * mh, np.log(eta[k] * r**2 * (mh**2 + qh)), np.log(eta[k] * delta[k] * r),
             x[:, 3] + shift], axis=1,
        )  # fmt: skip

    size = len(alpha)
    x = np.stack([0.5 * eta, np.log(0.5 * eta), np.zeros(size), np.zeros(size)], axis=1)
    before = x
    for number, stage in enumerate(stages(lam)):
        ahead = x + (x - before) if number > 1 else x
        before = x
        x, residual, iterations = solve(
            partial(update, ridge=stage), ahead,
            tolerance=1e-10 if stage is lam else 1e-4, most=3000 if stage is lam else 200,
        )  # fmt: skip
    require(residual, "empirical risk minimisation", lam)
    _, _, df = fields(x, np.arange(size))
    lam_hat = -alpha * delta * np.sum(share * df, axis=(1, 2))
    m, q, width, b = x[:, 0], np.exp(x[:, 1]), np.exp(x[:, 2]), x[:, 3]
    # The output changes sign where the field passes V dl/dh at h = 0.
    flat = hard.derivatives(np.zeros_like(pull), pull)[0][:, :, 0]
    margin = label[:, :, 0] * (width[:, None] * flat - b[:, None]) - m[:, None]
    wrong = ndtr(margin / np.sqrt(delta * q)[:, None])
    training_error = np.sum(share.sum(axis=2) * wrong, axis=1)
    return Erm(
        m, q, b, width, 1.0 / (lam + lam_hat), generalization_error(rho, delta, m, q, b),
        training_error, residual, iterations,
    )  # fmt: skip


def stages(lam: Array) -> list[Array]:
    """Return ridges that lead down to small ones, in factors of ten from 0.1; the last is `lam`."""
    found = []
    level = 0.1
    while level > 1.001 * lam.min() and level > LEAST_RIDGE:
        found.append(np.maximum(lam, level))
        level /= 10.0
    return [*found, lam]


def require(residual: Array, what: str, lam: Array, tolerance: float = 1e-8) -> None:
    """Refuse results that are not at rest."""
    worst = int(np.argmax(residual))
    if not residual[worst] < tolerance:
        raise StaError(
            f"{what} did not converge at point {worst}: residual {residual[worst]:.2g}, lambda ="
            f" {lam.flat[worst]:g}; give a larger lambda"
        )
