"""Selection of a solution against the size of the start and against the learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sta.quadratic.overlaps import Array
from sta.quadratic.selection import noise_overlap, select_by_flow, select_by_sgd
from sta.quadratic.system import System, make_system

SIZES = (1e-4, 1e-3, 1e-2, 1e-1, 3e-1)


@dataclass(frozen=True)
class SelectionByStart:
    """Median 1 - overlap under gradient flow against |M_0|.

    Attributes
    ----------
    sizes : (k,) array
        |M_0|.
    closest, sequential : (k,) arrays
        1 - overlap with the closest and the sequential solution.
    """

    sizes: Array
    closest: Array
    sequential: Array


@dataclass(frozen=True)
class SelectionByGain:
    """Overlap with the closest solution under SGD against g = a b eta.

    Attributes
    ----------
    gains : (k,) array
        g.
    mean, standard_error : dicts from p to (k,) array
        Over runs.
    predicted : (k,) array or None
        For p = p* = 1, N to infinity.
    """

    gains: Array
    mean: dict[int, Array]
    standard_error: dict[int, Array]
    predicted: Array | None


def selection_by_start(
    system: System, *, starts: int = 40, seed: int = 0, sizes: Sequence[float] = SIZES
) -> SelectionByStart:
    """Integrate gradient flow from Q = I and random M of given sizes.

    Parameters
    ----------
    system : System
        A free student.
    starts : int
        Directions of M, the same for all sizes.
    seed : int
        Of them.
    sizes : sequence of float
        |M_0|, below one.

    Returns
    -------
    SelectionByStart
    """
    p, q = system.student_width, system.teacher_width
    drawn = np.random.default_rng(seed).standard_normal((starts, p, q))
    drawn /= np.linalg.norm(drawn, axis=(1, 2), keepdims=True)
    student = np.broadcast_to(np.eye(p), (starts, p, p))
    found = [select_by_flow(system, student, size * drawn) for size in sizes]
    return SelectionByStart(
        np.array(sizes),
        np.array([float(np.median(1.0 - one.closest)) for one in found]),
        np.array([float(np.median(1.0 - one.sequential)) for one in found]),
    )


def selection_by_gain(
    widths: Sequence[int],
    teacher_width: int,
    dimension: int,
    runs: int,
    *,
    largest: float,
    number: int = 4,
    seed: int = 0,
) -> SelectionByGain:
    """Train runs of SGD at learning rates down to a quarter of the largest, T = I.

    Parameters
    ----------
    widths, teacher_width : sequence of int, int
        p and p*.
    dimension, runs : int
        N and the number of runs.
    largest : float
        Largest g = a b eta.
    number : int
        Of values of g.
    seed : int
        Of starts and patterns.

    Returns
    -------
    SelectionByGain
    """
    gains = largest * np.linspace(0.25, 1.0, number)
    mean, error = {}, {}
    for p in widths:
        seen = [
            select_by_sgd(
                make_system(p, teacher_width, gain * p * teacher_width),
                dimension,
                runs,
                seed=seed + k,
            ).closest
            for k, gain in enumerate(gains)
        ]
        mean[p] = np.array([one.mean() for one in seen])
        error[p] = np.array([one.std(ddof=1) / np.sqrt(runs) for one in seen])
    predicted = None
    if teacher_width == 1 and 1 in widths:
        predicted = np.array([noise_overlap(make_system(1, 1, gain)) for gain in gains])
    return SelectionByGain(gains, mean, error, predicted)
