"""Simulated training: overlaps at given times, and times of escape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sta.errors import ConfigError
from sta.quadratic.overlaps import Array, order_parameter, population_loss
from sta.quadratic.stability import critical_learning_rate
from sta.quadratic.stepper import Stepper

BLOWN_UP = 1e4
CHECKS_PER_ALPHA = 200


@dataclass(frozen=True)
class Simulation:
    """Overlaps of replicas along training.

    Attributes
    ----------
    alpha : (n,) array
        Steps over N, rounded to whole steps.
    student : (n, R, p, p) array
        Q.
    mixed : (n, R, p, p*) array
        M.
    loss : (n, R) array
        Population loss.
    order_parameter : (n, R) array
        m2.
    """

    alpha: Array
    student: Array
    mixed: Array
    loss: Array
    order_parameter: Array


def simulate(
    stepper: Stepper, alpha: Array, *, on_progress: Callable[[float], None] | None = None
) -> Simulation:
    """Train replicas and record their overlaps.

    Parameters
    ----------
    stepper : OverlapChain or VectorSGD
        Is moved on to the last alpha.
    alpha : (n,) array
        Increasing times, from the stepper's own on.
    on_progress : callable, optional
        Called with alpha at every record.

    Returns
    -------
    Simulation

    Raises
    ------
    ConfigError
        If times do not increase, or the training diverges.
    """
    times = np.asarray(alpha, dtype=float)
    ends = np.round(times * stepper.dimension).astype(int)
    if times.ndim != 1 or len(times) == 0 or np.any(np.diff(times) < 0.0) or ends[-1] <= 0:
        raise ConfigError(f"alpha = {alpha}: give increasing times that end above 0")
    if ends[0] < stepper.steps:
        raise ConfigError(f"alpha = {times[0]:g} is in the past: {stepper.alpha:g} is reached")
    students, mixeds = [], []
    for end in ends:
        _advance(stepper, int(end))
        students.append(stepper.student)
        mixeds.append(stepper.mixed)
        if on_progress is not None:
            on_progress(stepper.alpha)
    student, mixed = np.array(students), np.array(mixeds)
    system = stepper.system
    return Simulation(
        ends / stepper.dimension, student, mixed, population_loss(system, student, mixed),
        order_parameter(system, mixed),
    )  # fmt: skip


def escape_times(
    stepper: Stepper,
    until: float,
    *,
    threshold: float = 0.5,
    on_progress: Callable[[float, int], None] | None = None,
) -> Array:
    """Return the first alpha at which each replica's order parameter passes a threshold.

    Parameters
    ----------
    stepper : OverlapChain or VectorSGD
        Loses its replicas one by one, as they escape.
    until : float
        alpha at which to give up.
    threshold : float
        Of m2, looked at 200 times per unit of alpha, or at every step of a small network.
    on_progress : callable, optional
        Called with alpha and the number of replicas still on the plateau.

    Returns
    -------
    (R,) array
        alpha; NaN for those that did not escape.

    Raises
    ------
    ConfigError
        If `until` is not positive or the training diverges.
    """
    if not until > 0.0:
        raise ConfigError(f"alpha up to {until}: give a positive number")
    found = np.full(stepper.replicas, np.nan)
    here = np.arange(stepper.replicas)
    stride = max(1, stepper.dimension // CHECKS_PER_ALPHA)
    while len(here) and stepper.alpha < until:
        _advance(stepper, stepper.steps + stride)
        gone = stepper.order_parameter >= threshold
        if np.any(gone):
            found[here[gone]] = stepper.alpha
            here = here[~gone]
            stepper.keep(~gone)
        if on_progress is not None:
            on_progress(stepper.alpha, len(here))
    return found


def _advance(stepper: Stepper, end: int) -> None:
    """Train up to a step; say so where the overlaps blow up."""
    while stepper.steps < end:
        with np.errstate(over="ignore", invalid="ignore"):
            stepper.step(min(end - stepper.steps, stepper.dimension))
            size = float(np.abs(stepper.student).max())
        system = stepper.system
        bound = BLOWN_UP * max(1.0, system.teacher_scale / system.student_scale)
        if not size < bound:
            raise ConfigError(
                f"SGD diverged by alpha = {stepper.alpha:.3g} with eta ="
                f" {system.learning_rate:g}; the critical one is"
                f" {critical_learning_rate(system):.6g}, and less far from the solution"
            )
