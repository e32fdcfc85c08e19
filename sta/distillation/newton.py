"""Networks trained to the minimum of their loss, by Newton's method."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse.linalg import LinearOperator, cg

from sta.distillation.losses import Distilled
from sta.errors import StaError

Array = NDArray[np.float64]

STEPS = 200
PRECISE = 1e-10
HALVINGS = 40
TINY = 1e-12  # against a curvature that vanishes where all patterns are far from the border
PRODUCTS = 60  # with the Hessian in one step, after which a factorisation is cheaper
ROUGH, FINE = 0.1, 1e-4  # largest and least relative residual asked of a step


def minimum(x: Array, loss: Distilled, pull: Array, lam: float) -> tuple[Array, float]:
    """Minimise sum l(x w + b) + (lam / 2) |w|^2 over w and b.

    Newton's equations are solved by conjugate gradients, with products in single precision:
    gradients, in double precision, correct what that leaves. Where they converge slowly (small
    ridges, separable patterns), the Hessian is factorised instead.

    Parameters
    ----------
    x : (M, N) array
        Patterns over sqrt N.
    loss : Distilled
    pull : (M,) array
        The loss's pull of each pattern.
    lam : float
        Ridge of w; b has none.

    Returns
    -------
    w : (N,) array
    b : float

    Raises
    ------
    StaError
        If Newton's decrement g H^-1 g stays above 1e-10.
    """
    w, b = np.zeros(x.shape[1]), 0.0
    h = np.zeros(len(x))
    single = x.astype(np.float32)
    first, decrement, slow = 0.0, np.inf, False
    for _ in range(STEPS):
        slope, curvature = loss.derivatives(h, pull)
        gradient, shift = slope @ x + lam * w, float(slope.sum())
        size = float(np.linalg.norm(gradient))
        first = first or size
        found = None
        if not slow:
            residual = float(np.clip(size / first, FINE, ROUGH))
            found = _by_products(single, curvature, gradient, shift, lam, residual)
            slow = found is None
        step, step_b = found or _factorised(x, curvature, gradient, shift, lam)
        moved = x @ step + step_b
        decrement = -(float(gradient @ step) + shift * step_b)
        if decrement < PRECISE:
            return w + step, b + step_b
        value, scale = _objective(loss, h, pull, w, lam), 1.0
        for _ in range(HALVINGS):
            new = _objective(loss, h + scale * moved, pull, w + scale * step, lam)
            if new <= value - 1e-4 * scale * decrement:
                break
            scale *= 0.5
        w, b, h = w + scale * step, b + scale * step_b, h + scale * moved
    raise StaError(
        f"Newton's method did not converge in {STEPS} steps: decrement {decrement:.2g}, lambda ="
        f" {lam:g}; give a larger lambda"
    )


def _by_products(
    x: NDArray[np.float32], curvature: Array, gradient: Array, shift: float, lam: float,
    residual: float,
) -> tuple[Array, float] | None:  # fmt: skip
    """Solve Newton's equations with the bias eliminated; None where that takes too long."""
    total = float(curvature.sum()) + TINY
    weight = curvature.astype(np.float32)
    crossed = np.asarray(weight @ x, dtype=np.float64)

    def product(v: Array) -> Array:
        v = v.astype(np.float32)
        h = x @ v
        h -= np.float32(float(weight @ h) / total)
        return np.asarray((weight * h) @ x + np.float32(lam) * v)

    n = len(gradient)
    hessian = LinearOperator((n, n), matvec=product, dtype=np.float32)
    right = (crossed * (shift / total) - gradient).astype(np.float32)
    step, unfinished = cg(hessian, right, rtol=residual, maxiter=PRODUCTS)
    if unfinished or not np.all(np.isfinite(step)):
        return None
    step = step.astype(np.float64)
    return step, -(shift + float(crossed @ step)) / total


def _factorised(
    x: Array, curvature: Array, gradient: Array, shift: float, lam: float
) -> tuple[Array, float]:
    """Solve them exactly."""
    weighted = x.T * curvature
    crossed, total = weighted.sum(axis=1), float(curvature.sum()) + TINY
    matrix = weighted @ x - np.outer(crossed, crossed) / total
    matrix[np.diag_indices_from(matrix)] += lam
    step = cho_solve(cho_factor(matrix), crossed * shift / total - gradient)
    return step, -(shift + float(crossed @ step)) / total


def _objective(loss: Distilled, h: Array, pull: Array, w: Array, lam: float) -> float:
    if loss.kind == "square":
        value = 0.5 * np.sum((h - pull) ** 2)
    else:
        chi, t = float(loss.chi[0]), float(loss.temperature[0])
        value = np.sum(
            (1.0 - chi) * np.logaddexp(0.0, h) + chi * np.logaddexp(0.0, h / t) - pull * h
        )
    return float(value + 0.5 * lam * (w @ w))
