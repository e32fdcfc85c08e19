"""Overlaps of student and teacher: the loss in them, and how they move (N to infinity).

All functions take stacks: Q of shape (..., p, p) and M of shape (..., p, p*).
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sta.errors import ShapeError
from sta.quadratic.system import System

Array: TypeAlias = NDArray[np.float64]

LEAST_EIGENVALUE = -1e-9


def trace(matrices: Array) -> Array:
    """Return the traces of a stack of matrices."""
    return np.asarray(np.trace(matrices, axis1=-2, axis2=-1))


def transposed(matrices: Array) -> Array:
    """Return the transposes of a stack of matrices."""
    return np.swapaxes(matrices, -1, -2)


def check_overlaps(system: System, student: Array, mixed: Array) -> None:
    """Refuse overlaps that no weights have.

    Parameters
    ----------
    system : System
        Gives p, p* and T.
    student : (..., p, p) array
        Q = W W^T / N.
    mixed : (..., p, p*) array
        M = W W*^T / N.

    Raises
    ------
    ShapeError
        If shapes do not fit, a number is not finite, Q is not symmetric or singular without
        overlap, Q - M T^-1 M^T is not positive, or a row of a spherical Q is not of length 1.
    """
    p, q = system.student_width, system.teacher_width
    if student.shape[-2:] != (p, p) or mixed.shape[-2:] != (p, q):
        raise ShapeError(
            f"Q {student.shape} and M {mixed.shape} do not fit p = {p}, p* = {q};"
            f" give ({p}, {p}) and ({p}, {q})"
        )
    if not (np.all(np.isfinite(student)) and np.all(np.isfinite(mixed))):
        raise ShapeError("Q and M must be finite")
    if np.abs(student - transposed(student)).max() > 1e-9 * max(1.0, np.abs(student).max()):
        raise ShapeError("Q = W W^T / N must be symmetric")
    rest = np.linalg.eigvalsh(perpendicular(system, student, mixed)).min()
    if rest < LEAST_EIGENVALUE * max(1.0, float(np.abs(student).max())):
        raise ShapeError(
            f"Q - M T^-1 M^T has the eigenvalue {rest:.3g}: no weights have these overlaps;"
            " it must be at least 0"
        )
    if np.linalg.eigvalsh(student).min() <= 0.0:
        raise ShapeError(
            "Q is singular: a student unit is zero or a copy; give linearly independent ones"
        )
    if system.spherical and np.abs(np.diagonal(student, axis1=-2, axis2=-1) - 1.0).max() > 1e-9:
        raise ShapeError("a spherical student has Q_kk = 1; rescale its units to |w|^2 = N")


def perpendicular(system: System, student: Array, mixed: Array) -> Array:
    """Return Q - M T^-1 M^T, the overlaps of what is orthogonal to the teacher (..., p, p)."""
    return np.asarray(student - mixed @ np.linalg.solve(system.teacher_overlap, transposed(mixed)))


def population_loss(system: System, student: Array, mixed: Array) -> Array:
    """Return the mean of (y - f)^2 / 2 over fresh patterns, shape (...).

    L = [tau^2 + 2 tr S^2 + Delta] / 2 with S = (a W^T W - b W*^T W*) / N and tau = tr S
    (Gaussian fourth moments). The parts of S along and across the teacher are squared apart, so
    that nothing cancels near zero loss.
    """
    a, b = system.student_scale, system.teacher_scale
    along = mixed @ np.linalg.inv(system.teacher_root)
    across = student - along @ transposed(along)
    inner = a * transposed(along) @ along - b * system.teacher_overlap
    square = (
        np.sum(inner**2, axis=(-2, -1))
        + 2.0 * a**2 * np.sum((across @ along) * along, axis=(-2, -1))
        + a**2 * np.sum(across**2, axis=(-2, -1))
    )
    tau = trace(inner) + a * trace(across)
    return np.asarray((tau**2 + 2.0 * np.maximum(square, 0.0) + system.label_noise) / 2.0)


def order_parameter(system: System, mixed: Array) -> Array:
    """Return m2 = a tr(M M^T) / (b tr T^2): 0 on the plateau, 1 on the zero-loss manifold.

    It does not change when student units are rotated into each other.
    """
    scale = system.teacher_scale * float(np.sum(system.teacher_overlap**2))
    return np.asarray(system.student_scale * np.sum(mixed**2, axis=(-2, -1)) / scale)


def drift(
    system: System, student: Array, mixed: Array, *, gradient_flow: bool = False
) -> tuple[Array, Array]:
    """Return dQ/dalpha and dM/dalpha, where alpha counts steps over N.

    With A = W S W^T / N, B = W S^2 W^T / N and V = tau^2 + 2 tr S^2 + Delta,

    dM = -2 a eta [tau M + 2 (a Q M - b M T)],
    dQ = -4 a eta [tau Q + 2 A] + (2 a eta)^2 / batch [V Q + 4 tau A + 8 B].

    Parameters
    ----------
    system : System
        Its learning rate, scales, noise, batch and constraint.
    student, mixed : arrays
        Q and M.
    gradient_flow : bool
        Whether to leave out the second bracket, the noise of SGD.

    Returns
    -------
    dQ : (..., p, p) array
    dM : (..., p, p*) array

    Notes
    -----
    Gaussian moments E[x^T S x xx^T] = tau I + 2 S and E[(x^T S x)^2 xx^T] = (tau^2 + 2 tr S^2) I +
    4 tau S + 8 S^2. The spherical motion subtracts M_kr dQ_kk / 2 and Q_kl (dQ_kk + dQ_ll) / 2.
    """
    a, b, eta, T = (
        system.student_scale, system.teacher_scale, system.learning_rate, system.teacher_overlap
    )  # fmt: skip
    mixed_t = transposed(mixed)
    tau = (a * trace(student) - b * system.teacher_trace)[..., None, None]
    first = a * student @ student - b * mixed @ mixed_t
    d_mixed = -2.0 * a * eta * (tau * mixed + 2.0 * (a * student @ mixed - b * mixed @ T))
    d_student = -4.0 * a * eta * (tau * student + 2.0 * first)
    if not gradient_flow:
        cross = student @ mixed @ mixed_t
        second = (
            a**2 * student @ student @ student
            - a * b * (cross + transposed(cross))
            + b**2 * mixed @ T @ mixed_t
        )
        squares = (
            a**2 * np.sum(student**2, axis=(-2, -1))
            - 2.0 * a * b * np.sum(mixed**2, axis=(-2, -1))
            + b**2 * np.sum(T**2)
        )[..., None, None]
        variance = tau**2 + 2.0 * squares + system.label_noise
        d_student += system.noise_rate * (variance * student + 4.0 * tau * first + 8.0 * second)
    if system.spherical:
        growth = 0.5 * np.diagonal(d_student, axis1=-2, axis2=-1)
        d_mixed = d_mixed - mixed * growth[..., :, None]
        d_student = d_student - student * (growth[..., :, None] + growth[..., None, :])
    return d_student, d_mixed
