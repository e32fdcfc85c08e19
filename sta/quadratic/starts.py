"""Overlaps to start from, in their exact law at finite N, and weights that have given overlaps."""

from __future__ import annotations

import numpy as np

from sta.errors import ConfigError
from sta.quadratic.overlaps import Array, check_overlaps, transposed
from sta.quadratic.system import System


def check_dimension(system: System, dimension: int) -> None:
    """Refuse an input dimension N that cannot hold p + p* independent weight vectors.

    Raises
    ------
    ConfigError
        Naming the bound.
    """
    least = system.student_width + system.teacher_width
    if dimension < least:
        raise ConfigError(f"N = {dimension} is smaller than p + p* = {least}; give at least that")


def random_overlaps(
    system: System,
    dimension: int,
    replicas: int,
    rng: np.random.Generator,
    *,
    scale: float = 1.0,
) -> tuple[Array, Array]:
    """Draw the overlaps of weights with independent N(0, scale) entries, without the weights.

    Parameters
    ----------
    system : System
    dimension : int
        N >= p + p*.
    replicas : int
        R.
    rng : Generator
    scale : float
        Variance of a weight; of no effect on a spherical student.

    Returns
    -------
    Q : (R, p, p) array
    M : (R, p, p*) array

    Raises
    ------
    ConfigError
        If N is too small.
    """
    shape = (replicas, system.student_width, system.teacher_width)
    along = np.sqrt(scale / dimension) * rng.standard_normal(shape)
    return _with_rest(system, along, scale, dimension, rng)


def informed_overlaps(
    system: System,
    dimension: int,
    replicas: int,
    rng: np.random.Generator,
    *,
    overlap: float = 0.4,
    noise: float = 1.0,
) -> tuple[Array, Array]:
    """Draw the overlaps of weights that know of the teacher: M of order one.

    w_k = overlap w*_(k mod p*) / (1 + k // p*) + what is orthogonal to the teacher, of N(0, noise)
    entries, for k = 0, 1, ... Noise along the teacher would leave some unit with next to no overlap
    of its own, to wait on a plateau.

    Parameters
    ----------
    system, dimension, replicas, rng
        As in `random_overlaps`.
    overlap : float
        Share of the teacher's unit in the first p* student units.
    noise : float
        Variance of what is added.

    Returns
    -------
    Q : (R, p, p) array
    M : (R, p, p*) array

    Raises
    ------
    ConfigError
        If N is too small.
    """
    p, q = system.student_width, system.teacher_width
    known = np.zeros((p, q))
    for k in range(p):
        known[k, k % q] = overlap / (1 + k // q)
    along = np.broadcast_to(known @ system.teacher_root, (replicas, p, q))
    return _with_rest(system, along, noise, dimension, rng)


def weights_with_overlaps(
    system: System, student: Array, mixed: Array, dimension: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return weights W (R, p, N) and W* (p*, N) that have the given overlaps.

    Parameters
    ----------
    system : System
    student, mixed : (R, p, p), (R, p, p*) arrays
        Q and M.
    dimension : int
        N >= p + p*.
    rng : Generator
        Turns them all in the same random directions.

    Returns
    -------
    W : (R, p, N) array
    W_star : (p*, N) array

    Raises
    ------
    ConfigError
        If N is too small.
    ShapeError
        If no weights have these overlaps.
    """
    check_dimension(system, dimension)
    check_overlaps(system, student, mixed)
    p, q = system.student_width, system.teacher_width
    frame = np.linalg.qr(rng.standard_normal((dimension, p + q)))[0].T * np.sqrt(dimension)
    along = mixed @ np.linalg.inv(system.teacher_root)
    values, vectors = np.linalg.eigh(student - along @ transposed(along))
    across = vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]
    return along @ frame[:q] + across @ frame[q:], system.teacher_root @ frame[:q]


def _with_rest(
    system: System, along: Array, variance: float, dimension: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Add what is orthogonal to the teacher: a Wishart matrix of N - p* degrees of freedom."""
    check_dimension(system, dimension)
    factor = bartlett(
        rng, along.shape[0], system.student_width, dimension - system.teacher_width
    ) * np.sqrt(variance / dimension)
    if system.spherical:
        size = np.sqrt(np.sum(along**2, axis=-1) + np.sum(factor**2, axis=-1))[..., None]
        along, factor = along / size, factor / size
    student = along @ transposed(along) + factor @ transposed(factor)
    return student, along @ system.teacher_root


def bartlett(rng: np.random.Generator, replicas: int, width: int, freedom: int) -> Array:
    """Return factors F (replicas, width, min(width, freedom)) with F F^T ~ Wishart_freedom(I).

    Bartlett's decomposition; with fewer degrees of freedom than vectors, the vectors themselves.
    """
    if freedom < width:
        return rng.standard_normal((replicas, width, freedom))
    factor = np.tril(rng.standard_normal((replicas, width, width)), -1)
    degrees = freedom - np.arange(width)
    factor[:, range(width), range(width)] = np.sqrt(rng.chisquare(degrees, (replicas, width)))
    return factor
