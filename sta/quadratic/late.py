"""The end of training: how fast the loss vanishes once the teacher is found."""

from __future__ import annotations

import numpy as np

from sta.errors import ConfigError
from sta.quadratic.overlaps import Array
from sta.quadratic.system import System


def late_loss(system: System, alpha: Array | float) -> Array:
    """Return the asymptote of the loss under gradient flow for p > p*, T = I: L ~ alpha^-2.

    The p - p* spare units die algebraically, q_x = (p* + 2) / (8 a^2 eta (p + 2) alpha), with
    tau = 2 a (p - p*) q_x / (p* + 2), and
    L = [tau^2 + 2 (p* tau^2 / 4 + (p - p*) a^2 q_x^2)] / 2.

    Parameters
    ----------
    system : System
    alpha : array or float
        Steps over N.

    Returns
    -------
    array

    Raises
    ------
    ConfigError
        If p = p*, where the loss decays exponentially; if T is not the identity; or if the
        student is spherical.

    Examples
    --------
    >>> from sta.quadratic.system import make_system
    >>> system = make_system(2, 1, 0.06)
    >>> float(late_loss(system, 2000.0) / late_loss(system, 4000.0))
    4.0
    """
    p, q, a = system.student_width, system.teacher_width, system.student_scale
    spare = p - q
    if spare == 0:
        raise ConfigError(f"p = p* = {p}: the loss decays exponentially; give p > p*")
    if system.spherical or not np.allclose(system.teacher_overlap, np.eye(q), atol=1e-12):
        raise ConfigError("the algebraic tail is known for free students of a teacher with T = I")
    norm = (q + 2) / (8.0 * a**2 * system.learning_rate * (p + 2) * np.asarray(alpha, dtype=float))
    tau = 2.0 * a * spare * norm / (q + 2)
    return np.asarray(0.5 * (tau**2 + 2.0 * (q * tau**2 / 4.0 + spare * a**2 * norm**2)))


def late_rate(system: System, *, gradient_flow: bool = False) -> float:
    """Return the rate at which the loss decays exponentially for p = p*, T = I.

    8 g (1 - (2 p* + 4) g / batch) with g = a b eta: that of the trace of Q - M M^T, which the
    noise of SGD feeds, and which stops to decay at the critical learning rate. Gradient flow: 8 g.

    Parameters
    ----------
    system : System
    gradient_flow : bool
        Whether to leave out the noise of SGD.

    Returns
    -------
    float
        Per unit of alpha.

    Raises
    ------
    ConfigError
        If p > p*, where the loss decays algebraically.
    """
    if system.student_width != system.teacher_width:
        raise ConfigError(
            f"p = {system.student_width} > p* = {system.teacher_width}: the loss decays"
            " algebraically; see late_loss"
        )
    gain = system.gain
    noise = 0.0 if gradient_flow else gain / system.batch
    return 8.0 * gain * (1.0 - (2 * system.teacher_width + 4) * noise)
