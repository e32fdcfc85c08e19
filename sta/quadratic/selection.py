"""Which of all solutions training selects, and the two cases in which it is not the closest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sta.errors import ConfigError
from sta.quadratic.chain import OverlapChain
from sta.quadratic.flow import DIVERGED, integrate_flow
from sta.quadratic.overlaps import Array, order_parameter
from sta.quadratic.plateau import gathered_noise, plateau
from sta.quadratic.simulation import escape_times
from sta.quadratic.solutions import factor_overlap, polar_factor, sequential_factor
from sta.quadratic.starts import random_overlaps
from sta.quadratic.system import System

ESCAPED = 0.9


@dataclass(frozen=True)
class Selection:
    """Overlap of the selected solution with predictions from the start.

    Attributes
    ----------
    start_size : (R,) array
        |M_0| of each start.
    closest : (R,) array
        tr(R_selected^T R) / p* with R the polar factor of M_0: one for the closest solution.
    sequential : (R,) array
        The same for escapes one after the other, Gram-Schmidt of M_0 in the order of T.
    """

    start_size: Array
    closest: Array
    sequential: Array


def select_by_flow(
    system: System,
    student: Array,
    mixed: Array,
    *,
    alpha: float | None = None,
    gradient_flow: bool = True,
) -> Selection:
    """Integrate the overlaps from each start until the teacher is found, and compare.

    Parameters
    ----------
    system : System
    student, mixed : (R, p, p), (R, p, p*) arrays
        Starts.
    alpha : float, optional
        Last time; long enough for the weakest teacher direction unless told.
    gradient_flow : bool
        Whether to leave out the noise term of SGD's motion.

    Returns
    -------
    Selection

    Raises
    ------
    ConfigError
        If the overlaps diverge.
    """
    end = alpha if alpha is not None else _long_enough(system, mixed)
    flow = integrate_flow(
        system, student, mixed, np.array([end]), gradient_flow=gradient_flow, atol=1e-14
    )
    if flow.stop == DIVERGED:
        raise ConfigError(flow.message)
    return _compared(system, mixed, flow.mixed[-1])


def select_by_sgd(
    system: System,
    dimension: int,
    replicas: int,
    *,
    seed: int = 0,
    scale: float = 1.0,
    on_progress: Callable[[float, int], None] | None = None,
) -> Selection:
    """Train random students of finite N by SGD until m2 = 0.9, and compare.

    The plateau's noise turns the overlaps by an angle of about rho^(1/2), for any N, before they
    have grown out of it.

    Parameters
    ----------
    system : System
    dimension : int
        N.
    replicas : int
        R.
    seed : int
        Of starts and patterns.
    scale : float
        Variance of the starting weights.
    on_progress : callable, optional
        As of `escape_times`.

    Returns
    -------
    Selection
    """
    starts, patterns = np.random.SeedSequence(seed).spawn(2)
    rng = np.random.default_rng(starts)
    student, mixed = random_overlaps(system, dimension, replicas, rng, scale=scale)
    chain = _Watched(system, student, mixed, dimension, seed=patterns)
    end = 3.0 * _long_enough(system, mixed)
    times = escape_times(chain, end, threshold=ESCAPED, on_progress=on_progress)
    if np.any(np.isnan(times)):
        raise ConfigError(
            f"{int(np.isnan(times).sum())} of {replicas} students have not found the teacher by"
            f" alpha = {end:.3g}; lower the learning rate's noise or the batch's"
        )
    return _compared(system, mixed, chain.final)


def noise_overlap(system: System, *, start_norm: float = 1.0) -> float:
    """Return the mean overlap with the closest solution for p = p* = 1, N to infinity.

    The sign that SGD selects is that of M_0 + noise of variance rho relative to M_0's:
    1 - 2 atan(rho^(1/2)) / pi.

    Raises
    ------
    ConfigError
        If p or p* is not 1.
    """
    if system.student_width != 1 or system.teacher_width != 1:
        raise ConfigError("the overlap under noise is known for p = p* = 1")
    rho = float(gathered_noise(system, start_norm)[0])
    return 1.0 - 2.0 * float(np.arctan(np.sqrt(rho))) / np.pi


class _Watched(OverlapChain):
    """A chain that remembers M of each replica when it is let go."""

    def __init__(self, system: System, student: Array, mixed: Array, dimension: int, *,
                 seed: np.random.SeedSequence) -> None:  # fmt: skip
        super().__init__(system, student, mixed, dimension, seed=seed)
        self.final = mixed.copy()
        self._here = np.arange(len(mixed))

    def keep(self, which: NDArray[np.bool_]) -> None:
        self.final[self._here] = self.mixed
        self._here = self._here[which]
        super().keep(which)


def _compared(system: System, start: Array, end: Array) -> Selection:
    # At zero loss M = (b / a)^(1/2) R T; before it, what is left is a positive factor.
    selected = polar_factor(end @ np.linalg.inv(system.teacher_overlap))
    return Selection(
        np.linalg.norm(start, axis=(-2, -1)),
        factor_overlap(selected, polar_factor(start)),
        factor_overlap(selected, sequential_factor(system, start)),
    )


def _long_enough(system: System, mixed: Array) -> float:
    found = plateau(system)
    share = float(np.min(np.linalg.svd(mixed, compute_uv=False)))
    unit = max(float(np.min(order_parameter(system, mixed))), 1e-300)
    weakest = 4.0 * system.gain * float(system.teacher_eigenvalues[-1])
    depth = np.log(1.0 / max(min(share, unit, 1.0), 1e-150))
    return float((depth + 30.0) / min(weakest, max(found.growth_rate, 0.2 * weakest)))
