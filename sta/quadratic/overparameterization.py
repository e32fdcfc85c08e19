"""What more student units change about the escape: rate, prefactor, delay, fluctuations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, polygamma

from sta.quadratic.escape import HALF, escape_constant
from sta.quadratic.flow import integrate_flow
from sta.quadratic.overlaps import Array
from sta.quadratic.plateau import gathered_noise, plateau
from sta.quadratic.system import System, make_system


@dataclass(frozen=True)
class Overparameterization:
    """The escape of a student of one width, at a learning rate of fixed g = a b eta.

    Attributes
    ----------
    student_width : int
        p.
    learning_rate : float
        eta = g / (a b).
    growth_rate : float
        lambda of SGD.
    growth_rate_gradient_flow : float
        4 g for T = I, of any p.
    prefactor : float
        N (L_plateau - L) e^(-2 lambda alpha) before the escape, on average over starts:
        2 b^2 p* p p* / (p + 2) for T = I.
    delay_gradient_flow, delay : float
        K = E[2 lambda alpha] - log N from weights of variance 1, as if the singular values of the
        start were equal; the second of SGD, with the noise that it gathers on the plateau.
    std : float
        Of 2 lambda alpha over starts, psi'(p p* / 2)^(1/2).
    """

    student_width: int
    learning_rate: float
    growth_rate: float
    growth_rate_gradient_flow: float
    prefactor: float
    delay_gradient_flow: float
    delay: float
    std: float


def overparameterization(
    widths: Sequence[int], teacher_width: int, gain: float, *, threshold: float = HALF
) -> list[Overparameterization]:
    """Return how the escape depends on p, for T = I, a = 1 / p, b = 1 / p* and fixed g.

    Parameters
    ----------
    widths : sequence of int
        Student widths p, each at least p*.
    teacher_width : int
        p*.
    gain : float
        g = a b eta.
    threshold : float
        Of the order parameter m2.

    Returns
    -------
    list of Overparameterization

    Raises
    ------
    ConfigError
        If a width is below p*, or g is so large that nothing grows.
    """
    rows = []
    for p in widths:
        system = make_system(p, teacher_width, gain * p * teacher_width)
        found = plateau(system)
        flow, sgd = (
            escape_constant(system, threshold=threshold, gradient_flow=flow) + _mean_log(system)
            for flow in (True, False)
        )
        gathered = float(np.log1p(gathered_noise(system, 1.0)[0]))
        drop = 2.0 * system.student_scale * system.teacher_scale  # (L_plateau - L) / |M|^2
        rows.append(
            Overparameterization(
                student_width=p,
                learning_rate=system.learning_rate,
                growth_rate=found.growth_rate,
                growth_rate_gradient_flow=found.growth_rate_gradient_flow,
                prefactor=drop * found.norm * p * teacher_width,
                delay_gradient_flow=flow,
                delay=sgd - gathered,
                std=float(np.sqrt(polygamma(1, p * teacher_width / 2))),
            )
        )
    return rows


def typical_escapes(
    widths: Sequence[int], teacher_width: int, gain: float, *, dimension: int = 10_000
) -> dict[int, tuple[Array, Array]]:
    """Return L_plateau - L along gradient flow from the plateau, for several p at fixed g.

    Parameters
    ----------
    widths, teacher_width, gain
        As in `overparameterization`.
    dimension : int
        N, which sets the size of the start: |M_0|^2 = q p p* / N with equal singular values.

    Returns
    -------
    dict from p to alpha (n,) and L_plateau - L (n,)
    """
    courses = {}
    for p in widths:
        system = make_system(p, teacher_width, gain * p * teacher_width)
        found = plateau(system)
        mixed = np.zeros((p, teacher_width))
        mixed[range(teacher_width), range(teacher_width)] = np.sqrt(found.norm * p / dimension)
        end = (np.log(dimension) + 3.0) / (2.0 * found.growth_rate_gradient_flow)
        flow = integrate_flow(system, found.norm * np.eye(p), mixed, end, gradient_flow=True)
        courses[p] = (flow.alpha, found.loss - flow.loss)
    return courses


def _mean_log(system: System) -> float:
    """Mean of -log chi^2 of p p* degrees of freedom."""
    return float(-digamma(system.student_width * system.teacher_width / 2) - np.log(2.0))
