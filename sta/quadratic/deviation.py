"""How far SGD at finite N is from the motion of infinitely large networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sta.errors import ConfigError
from sta.quadratic.chain import OverlapChain
from sta.quadratic.flow import DIVERGED, Flow, integrate_flow
from sta.quadratic.overlaps import Array
from sta.quadratic.sgd import VectorSGD
from sta.quadratic.simulation import Simulation, simulate
from sta.quadratic.system import System

METHODS = {"chain": OverlapChain, "vectors": VectorSGD}


@dataclass(frozen=True)
class Deviation:
    """Runs from one start beside the motion from it.

    Attributes
    ----------
    dimension : int
        N.
    largest : (R,) array
        Largest |Q - Q_theory|, |M - M_theory| of each run over entries and times, in units of
        b / a, the scale of the solution. Of order N^(-1/2).
    bias : float
        Largest |mean over runs - theory| over entries and times, in the same units: of order 1 / N
        but for the error of the mean.
    bias_error : float
        Standard error of the mean over runs there.
    flow : Flow
        The theory.
    simulation : Simulation
        The runs.
    """

    dimension: int
    largest: Array
    bias: float
    bias_error: float
    flow: Flow
    simulation: Simulation


def deviation(
    system: System,
    student: Array,
    mixed: Array,
    dimension: int,
    replicas: int,
    alpha: Array,
    *,
    method: str = "chain",
    seed: int = 0,
    on_progress: Callable[[float], None] | None = None,
) -> Deviation:
    """Train replicas from one start and compare them with the motion of the overlaps.

    Parameters
    ----------
    system : System
    student, mixed : (p, p), (p, p*) arrays
        Q and M at the start; a start of M ~ N^(-1/2) is a different matter, because its noise is
        amplified along the plateau: compare escape times instead.
    dimension, replicas : int
        N and R.
    alpha : (n,) array
        Increasing times of comparison, the first above 0.
    method : {"chain", "vectors"}
        The exact chain of the overlaps, or weight vectors.
    seed : int
        Of the patterns.
    on_progress : callable, optional
        As of `simulate`.

    Returns
    -------
    Deviation

    Raises
    ------
    ConfigError
        If the motion diverges, or the method is unknown.
    """
    if method not in METHODS:
        raise ConfigError(f"method {method!r} is unknown; choose from {', '.join(METHODS)}")
    flow = integrate_flow(system, student, mixed, alpha)
    if flow.stop == DIVERGED:
        raise ConfigError(flow.message)
    stacks = (np.repeat(one[None], replicas, axis=0) for one in (student, mixed))
    stepper = METHODS[method](system, *stacks, dimension, seed=seed)
    done = simulate(stepper, flow.alpha, on_progress=on_progress)
    theory = flow.at(done.alpha)  # whole steps are not quite the times asked for
    unit = system.student_scale / system.teacher_scale
    off = [
        unit * (seen - exact[:, None]).reshape(len(done.alpha), replicas, -1)
        for seen, exact in zip((done.student, done.mixed), theory, strict=True)
    ]
    every = np.concatenate(off, axis=2)
    mean, spread = every.mean(axis=1), every.std(axis=1, ddof=min(1, replicas - 1))
    worst = np.unravel_index(np.argmax(np.abs(mean)), mean.shape)
    return Deviation(
        dimension,
        np.abs(every).max(axis=(0, 2)),
        float(np.abs(mean[worst])),
        float(spread[worst] / np.sqrt(replicas)),
        flow,
        done,
    )
