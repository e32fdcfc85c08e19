"""Where training ends: the zero-loss manifold, its points nearest to a start, what is conserved."""

from __future__ import annotations

import numpy as np

from sta.errors import ConfigError, ShapeError
from sta.quadratic.overlaps import Array, perpendicular, transposed
from sta.quadratic.system import System


def polar_factor(mixed: Array) -> Array:
    """Return the nearest matrix with orthonormal columns, U V^T of M = U diag(s) V^T.

    Parameters
    ----------
    mixed : (..., p, p*) array
        M, of full rank p*.

    Returns
    -------
    (..., p, p*) array

    Raises
    ------
    ShapeError
        If M is singular, so that no nearest one is singled out.
    """
    left, values, right = np.linalg.svd(mixed, full_matrices=False)
    if np.any(values[..., -1] <= 1e-14 * np.maximum(values[..., 0], 1e-300)):
        raise ShapeError("M has a vanishing singular value: its polar factor is not unique")
    return np.asarray(left @ right)


def sequential_factor(system: System, mixed: Array) -> Array:
    """Return the orthonormal columns that escapes one after the other select.

    Gram-Schmidt of the columns of M along the teacher's eigenvectors, from the largest eigenvalue
    on: the first direction to escape takes its column as it is, the next what is orthogonal to it.

    Parameters
    ----------
    system : System
        Gives T.
    mixed : (..., p, p*) array
        M.

    Returns
    -------
    (..., p, p*) array
        R, in the same basis as `polar_factor`.
    """
    vectors = np.linalg.eigh(system.teacher_overlap)[1][:, ::-1]
    basis, triangle = np.linalg.qr(mixed @ vectors)
    signs = np.sign(np.diagonal(triangle, axis1=-2, axis2=-1))
    return np.asarray((basis * signs[..., None, :]) @ vectors.T)


def solution(system: System, factor: Array) -> tuple[Array, Array]:
    """Return Q and M of the zero-loss weights W = (b / a)^(1/2) R W*.

    Every zero of the loss is of this form, with R^T R = I: rotations of student units.

    Parameters
    ----------
    system : System
    factor : (..., p, p*) array
        R.

    Returns
    -------
    Q : (..., p, p) array
    M : (..., p, p*) array

    Raises
    ------
    ConfigError
        If the student is spherical; its solutions need units of one length as well.
    """
    if system.spherical:
        raise ConfigError("rotations change the lengths of a spherical student's units")
    unit = system.teacher_scale / system.student_scale
    inner = factor @ system.teacher_overlap
    return np.asarray(unit * inner @ transposed(factor)), np.asarray(np.sqrt(unit) * inner)


def distance_to_solution(system: System, student: Array, mixed: Array, factor: Array) -> Array:
    """Return |W_solution - W|^2 / N of a start and the solution with the given R.

    tr Q + (b / a) tr T - 2 (b / a)^(1/2) tr(R^T M): least where R is the polar factor of M
    (Procrustes), for any T.
    """
    unit = system.teacher_scale / system.student_scale
    along = np.sum(factor * mixed, axis=(-2, -1))
    size = np.trace(student, axis1=-2, axis2=-1) + unit * system.teacher_trace
    return np.asarray(size - 2.0 * np.sqrt(unit) * along)


def factor_overlap(one: Array, other: Array) -> Array:
    """Return tr(R_1^T R_2) / p*: one where two solutions are the same, at most one otherwise."""
    return np.asarray(np.sum(one * other, axis=(-2, -1)) / one.shape[-1])


def conserved_matrix(
    system: System, student: Array, mixed: Array, alpha: Array | float = 0.0
) -> Array:
    """Return what gradient flow conserves, from any start and for any T.

    J = E M^T (Q - M T^-1 M^T)^-1 M E with E = exp(-4 a b eta T alpha).

    Parameters
    ----------
    system : System
        A free student.
    student : (..., p, p) array
        Q at alpha.
    mixed : (..., p, p*) array
        M at alpha.
    alpha : (...) array or float
        Steps over N.

    Returns
    -------
    (..., p*, p*) array

    Notes
    -----
    W = M T^-1 W* + W_rest moves with dW_rest = G W_rest and dM = G M + 4 a b eta M T, so that
    only the growth along the teacher is left. With T = I, J over its trace is constant in M and Q.
    The velocity is orthogonal to all rotations of student units, but that alone integrates to
    nothing; J does.
    """
    values, vectors = np.linalg.eigh(system.teacher_overlap)
    shrunk = np.exp(-4.0 * system.gain * values * np.asarray(alpha, dtype=float)[..., None])
    decay = (vectors * shrunk[..., None, :]) @ vectors.T
    rest = perpendicular(system, student, mixed)
    inner = transposed(mixed) @ np.linalg.solve(rest, mixed)
    return np.asarray(decay @ inner @ decay)
