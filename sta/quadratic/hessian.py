"""The same curvature by automatic differentiation, and what the zero modes are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.func import grad, hessian

from sta.errors import ConfigError
from sta.quadratic.landscape import MANIFOLD, PLATEAU, Mode, hessian_modes
from sta.quadratic.overlaps import Array
from sta.quadratic.plateau import resting_norm
from sta.quadratic.starts import check_dimension
from sta.quadratic.system import System

MOST_WEIGHTS = 1200
ZERO = 1e-7
STEPS = (0.02, 0.04, 0.08, 0.16)


@dataclass(frozen=True)
class NumericHessian:
    """Spectrum by automatic differentiation.

    Attributes
    ----------
    eigenvalues : (k,) array
        Ascending; k = p N, or p (N - 1) for a spherical student.
    gradient_norm : float
        Of the loss at the point, without its radial part for a spherical student.
    max_error : float or None
        Largest distance to the closed form, eigenvalue by eigenvalue in order, over the largest
        eigenvalue; None where there is no closed form.
    """

    eigenvalues: Array
    gradient_norm: float
    max_error: float | None


@dataclass(frozen=True)
class ZeroModes:
    """What the zero modes at a solution are.

    Attributes
    ----------
    number : int
        Dimension of the null space of the Hessian.
    orbit : int
        Dimension of the part that rotations of student units span.
    outside : float
        Largest component of a rotation's tangent outside the null space, over its length.
    exponents : (k,) array
        Exponents of the loss along null directions orthogonal to the orbit; four where they are
        flat to second order only. Empty where there are none.
    """

    number: int
    orbit: int
    outside: float
    exponents: Array


def critical_weights(system: System, dimension: int, at: str) -> tuple[Array, Array]:
    """Return w (p, N) and w* (p*, N), over sqrt N, at a critical point of the loss.

    Parameters
    ----------
    system : System
    dimension : int
        N.
    at : {"plateau", "manifold"}
        As of `hessian_modes`.

    Raises
    ------
    ConfigError
        If N is too small, `at` is another word, or a spherical student has no zero loss.
    """
    check_dimension(system, dimension)
    p, q = system.student_width, system.teacher_width
    teacher = np.zeros((q, dimension))
    teacher[:, :q] = system.teacher_root
    student = np.zeros((p, dimension))
    if at == PLATEAU:
        student[range(p), range(q, q + p)] = np.sqrt(resting_norm(system))
    elif at == MANIFOLD:
        unit = system.teacher_scale / system.student_scale
        student[:q] = np.sqrt(unit) * teacher
        if system.spherical:
            excess = unit * system.teacher_trace - p
            if abs(excess) > 1e-9 * p:
                raise ConfigError(
                    f"a spherical student has zero loss only for a p = b tr T: here a p ="
                    f" {system.student_scale * p:g}, b tr T ="
                    f" {system.teacher_scale * system.teacher_trace:g}"
                )
            student = _of_length_one(student)
    else:
        raise ConfigError(f"{at!r}: critical points are 'plateau' and 'manifold'")
    return student, teacher


def numeric_hessian(system: System, dimension: int, at: str) -> NumericHessian:
    """Differentiate the population loss twice at a critical point.

    Parameters
    ----------
    system, dimension, at
        As of `hessian_modes`.

    Returns
    -------
    NumericHessian

    Raises
    ------
    ConfigError
        If p N is above 1200, or as of `critical_weights`.
    """
    student, teacher = critical_weights(system, dimension, at)
    slope, matrix = _derivatives(system, student, teacher)
    if system.spherical:
        radial = np.sum(slope * student, axis=1)
        matrix = matrix - np.diag(np.repeat(radial, dimension))
        basis = _tangent(student)
        matrix, slope = basis.T @ matrix @ basis, slope - radial[:, None] * student
    values = np.linalg.eigvalsh(matrix).astype(np.float64)
    try:
        modes = hessian_modes(system, dimension, at)
    except ConfigError:  # no closed form
        return NumericHessian(values, float(np.linalg.norm(slope)), None)
    exact = np.sort(np.concatenate([np.full(one.multiplicity, one.eigenvalue) for one in modes]))
    error = np.abs(values - exact).max() / np.abs(exact).max()
    return NumericHessian(values, float(np.linalg.norm(slope)), float(error))


def zero_modes(system: System, dimension: int, *, seed: int = 0) -> ZeroModes:
    """Say which zero modes of a free student at zero loss are rotations, and how flat the rest is.

    Parameters
    ----------
    system : System
    dimension : int
        N.
    seed : int
        Of the (at most eight) null directions that are followed.

    Returns
    -------
    ZeroModes

    Raises
    ------
    ConfigError
        As of `numeric_hessian`.
    """
    student, teacher = critical_weights(system, dimension, MANIFOLD)
    values, vectors = np.linalg.eigh(_derivatives(system, student, teacher)[1])
    null = vectors[:, np.abs(values) < ZERO * np.abs(values).max()]
    p = system.student_width
    tangents = []
    for i in range(p):
        for j in range(i):
            turn = np.zeros((p, p))
            turn[i, j], turn[j, i] = 1.0, -1.0
            tangents.append((turn @ student).ravel())
    orbit = np.array(tangents).reshape(-1, p * dimension)
    outside = np.linalg.norm(orbit - (orbit @ null) @ null.T, axis=1)
    longest = np.linalg.norm(orbit, axis=1).max(initial=0.0)
    rank = int(np.linalg.matrix_rank(orbit, tol=1e-9)) if len(orbit) else 0
    # Null directions in coordinates of the null space, rotations taken out.
    turned = np.linalg.svd(orbit @ null)[2][rank:] if len(orbit) else np.eye(null.shape[1])
    rng = np.random.default_rng(seed)
    number = min(8, len(turned))
    exponents = []
    for _ in range(number):
        mixed = rng.standard_normal(len(turned)) @ turned
        direction = (null @ mixed / np.linalg.norm(mixed)).reshape(student.shape)
        losses = [_loss(system, student + step * direction, teacher) for step in STEPS]
        exponents.append(np.polyfit(np.log(STEPS), np.log(losses), 1)[0])
    return ZeroModes(
        null.shape[1], rank, float(outside.max(initial=0.0) / max(longest, 1e-300)),
        np.array(exponents),
    )  # fmt: skip


def growth_modes(modes: list[Mode]) -> list[Mode]:
    """Return the modes of negative curvature, whose growth rate is eta |eigenvalue|."""
    return [one for one in modes if one.eigenvalue < 0.0]


def _derivatives(system: System, student: Array, teacher: Array) -> tuple[Array, Array]:
    """Gradient (p, N) and Hessian (p N, p N) of the loss."""
    if student.size > MOST_WEIGHTS:
        raise ConfigError(
            f"p N = {student.size} weights: a dense Hessian is made for at most {MOST_WEIGHTS};"
            " give a smaller N"
        )
    fixed = torch.as_tensor(teacher)

    def loss(weights: torch.Tensor) -> torch.Tensor:
        inner = system.student_scale * weights.T @ weights
        inner = inner - system.teacher_scale * fixed.T @ fixed
        return 0.5 * torch.trace(inner) ** 2 + (inner**2).sum()

    point = torch.as_tensor(student)
    slope = grad(loss)(point).numpy()
    matrix = hessian(loss)(point).reshape(student.size, student.size).numpy()
    return np.asarray(slope), np.asarray(0.5 * (matrix + matrix.T))


def _loss(system: System, student: Array, teacher: Array) -> float:
    inner = system.student_scale * student.T @ student
    inner -= system.teacher_scale * teacher.T @ teacher
    return float(0.5 * np.trace(inner) ** 2 + np.sum(inner**2))


def _tangent(student: Array) -> Array:
    """Return an orthonormal basis (p N, p (N - 1)) of the motions that keep lengths."""
    p, dimension = student.shape
    basis = np.zeros((p * dimension, p * (dimension - 1)))
    for k, row in enumerate(student):
        rest = np.linalg.svd(row[None])[2][1:].T
        where = slice(k * dimension, (k + 1) * dimension)
        basis[where, k * (dimension - 1) : (k + 1) * (dimension - 1)] = rest
    return basis


def _of_length_one(student: Array) -> Array:
    """Rotate rows into each other until all have length one (Schur and Horn), w^T w unchanged."""
    rows = student.copy()
    for _ in range(len(rows)):
        square = np.sum(rows**2, axis=1)
        low, high = int(np.argmin(square)), int(np.argmax(square))
        if square[high] - square[low] < 1e-13:
            break
        across = float(rows[low] @ rows[high])
        short, long = square[low] - 1.0, square[high] - 1.0
        tangent = (-across + np.sqrt(across**2 - short * long)) / long
        cosine = 1.0 / np.sqrt(1.0 + tangent**2)
        sine = tangent * cosine
        rows[[low, high]] = (
            cosine * rows[low] + sine * rows[high], cosine * rows[high] - sine * rows[low]
        )  # fmt: skip
    return rows
