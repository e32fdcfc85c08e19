"""The plateau: student units that know nothing of the teacher, and how they begin to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp

from sta.errors import ConfigError
from sta.quadratic.overlaps import Array
from sta.quadratic.system import System


@dataclass(frozen=True)
class Plateau:
    """Fixed point M = 0, Q = q I, and the motion around it.

    Attributes
    ----------
    norm : float
        q of gradient flow, b tr T / (a (p + 2)); 1 for a spherical student.
    loss : float
        Population loss there, b^2 [(tr T)^2 / (p + 2) + tr T^2] + Delta / 2 for a free student.
    growth_rate_gradient_flow : float
        4 a b eta t of M along the teacher's largest eigenvalue t, per unit of alpha.
    norm_sgd : float
        q of SGD at this learning rate.
    growth_rates : (p*,) array
        Growth rates of SGD along the teacher's eigenvalues, the largest first.
    growth_rate : float
        The first of them.
    trace_rate, traceless_rate : float
        Rates at which tr Q, and the rest of Q, approach the plateau under gradient flow; of a
        spherical student no trace moves, and the rest are overlaps between units.
    noise_to_signal : (p*,) array
        rho: variance of M gathered from SGD's noise on the plateau over that of a random start;
        it does not depend on N.
    """

    norm: float
    loss: float
    growth_rate_gradient_flow: float
    norm_sgd: float
    growth_rates: Array
    growth_rate: float
    trace_rate: float
    traceless_rate: float
    noise_to_signal: Array


def plateau(system: System) -> Plateau:
    """Return the plateau of a system and its growth rates.

    Parameters
    ----------
    system : System

    Returns
    -------
    Plateau

    Raises
    ------
    ConfigError
        If the learning rate is so large that SGD has no plateau.

    Notes
    -----
    SGD of a free student rests where -(tau + 2 a q) + (a eta / batch) [V + 4 a tau q + 8 a^2 q^2]
    = 0 with tau = a p q - b tr T and V = tau^2 + 2 (a^2 p q^2 + b^2 tr T^2) + Delta, and leaves
    with lambda = -2 a eta (tau + 2 a q - 2 b t). A spherical student has Q = I and leaves with
    lambda = 4 a b eta t - (2 a^2 eta^2 / batch) [V + 4 a tau + 8 a^2].

    Examples
    --------
    >>> from sta.quadratic.system import make_system
    >>> found = plateau(make_system(2, 1, 0.1))
    >>> found.norm, found.loss, found.growth_rate_gradient_flow
    (0.5, 1.25, 0.2)
    """
    a, b, eta = system.student_scale, system.teacher_scale, system.learning_rate
    norm = resting_norm(system)
    norm_sgd = 1.0 if system.spherical else _norm_of_sgd(system)
    rates = np.array([growth_rate(system, norm_sgd, t) for t in system.teacher_eigenvalues])
    noise = np.array([noise_rate(system, norm_sgd, t) for t in system.teacher_eigenvalues])
    with np.errstate(divide="ignore"):
        gathered = np.where(rates > 0.0, noise / (2.0 * rates), np.inf)
    return Plateau(
        norm=norm,
        loss=_variance(system, norm) / 2.0,
        growth_rate_gradient_flow=4.0 * a * b * eta * float(system.teacher_eigenvalues[0]),
        norm_sgd=norm_sgd,
        growth_rates=rates,
        growth_rate=float(rates[0]),
        trace_rate=0.0 if system.spherical else 4.0 * a * b * eta * system.teacher_trace,
        traceless_rate=8.0 * a**2 * eta * norm,
        noise_to_signal=gathered,
    )


def resting_norm(system: System) -> float:
    """Return q of gradient flow on the plateau, b tr T / (a (p + 2)); 1 for a spherical student."""
    if system.spherical:
        return 1.0
    scale = system.teacher_scale / (system.student_scale * (system.student_width + 2))
    return scale * system.teacher_trace


def growth_rate(system: System, norm: float, eigenvalue: float) -> float:
    """Return the growth rate of M along a teacher eigenvalue while M = 0 and Q = norm * I."""
    a, b, eta = system.student_scale, system.teacher_scale, system.learning_rate
    tau = _tau(system, norm)
    rate = -2.0 * a * eta * (tau + 2.0 * a * norm - 2.0 * b * eigenvalue)
    return rate - (0.5 * norm_rate(system, norm) if system.spherical else 0.0)


def norm_rate(system: System, norm: float) -> float:
    """Return d log q / d alpha by the free motion while M = 0 and Q = q I, of SGD."""
    a, tau = system.student_scale, _tau(system, norm)
    noise = _variance(system, norm) + 4.0 * a * tau * norm + 8.0 * a**2 * norm**2
    flow = -4.0 * a * system.learning_rate * (tau + 2.0 * a * norm)
    return flow + system.noise_rate * noise


def noise_rate(system: System, norm: float, eigenvalue: float) -> float:
    """Return the rate at which SGD's noise feeds Var M, over that of a random start q t / N.

    (2 a eta)^2 / batch times E[e^2 u^2 v^2] for unit vectors u of the student and v of the
    teacher, with E[e^2 u^2 v^2] = V + 4 tau (s_u + s_v) + 8 (s_u^2 + s_v^2 + s_u s_v),
    s_u = a q, s_v = -b t.
    """
    along, across = system.student_scale * norm, -system.teacher_scale * eigenvalue
    fourth = 4.0 * _tau(system, norm) * (along + across)
    fourth += 8.0 * (along**2 + across**2 + along * across)
    return system.noise_rate * (_variance(system, norm) + fourth)


def gathered_noise(system: System, start_norm: float) -> Array:
    """Return rho for a start at Q = start_norm * I, the approach to the plateau included.

    With G the growth of M on the way, rho = integral of noise(q) / G^2 over alpha, for each of
    the teacher's eigenvalues; from q of the plateau it is `Plateau.noise_to_signal`.

    Parameters
    ----------
    system : System
    start_norm : float
        q at the start; of no effect on a spherical student.

    Returns
    -------
    (p*,) array
    """
    resting = plateau(system)
    if system.spherical or resting.growth_rates.min() <= 0.0:
        return resting.noise_to_signal

    def motion(_: float, state: Array, eigenvalue: float) -> list[float]:
        q, log_growth, _ = state
        fed = noise_rate(system, q, eigenvalue) * np.exp(-2.0 * log_growth)
        # A start's variance is in units of its own norm, the noise in units of the present one.
        return [
            q * norm_rate(system, q), growth_rate(system, q, eigenvalue), fed * q / start_norm
        ]  # fmt: skip

    gathered = []
    for eigenvalue, rate in zip(system.teacher_eigenvalues, resting.growth_rates, strict=True):
        found = solve_ivp(
            motion, (0.0, 20.0 / rate), [start_norm, 0.0, 0.0], args=(eigenvalue,),
            method="LSODA", rtol=1e-8, atol=1e-12,
        )  # fmt: skip
        gathered.append(float(found.y[2, -1]))
    return np.array(gathered)


def _tau(system: System, norm: float) -> float:
    p, b = system.student_width, system.teacher_scale
    return system.student_scale * p * norm - b * system.teacher_trace


def _variance(system: System, norm: float) -> float:
    """Return V = E (y - f)^2 while M = 0 and Q = norm * I."""
    a, b, p = system.student_scale, system.teacher_scale, system.student_width
    squares = a**2 * p * norm**2 + b**2 * float(np.sum(system.teacher_overlap**2))
    return _tau(system, norm) ** 2 + 2.0 * squares + system.label_noise


def _norm_of_sgd(system: System) -> float:
    """Return the smallest positive root of `norm_rate`, which gradient flow's goes over to."""
    rates = [norm_rate(system, q) for q in (0.0, 1.0, 2.0)]  # a quadratic in q
    curvature = 0.5 * (rates[2] - 2.0 * rates[1] + rates[0])
    roots = np.roots([curvature, rates[1] - rates[0] - curvature, rates[0]])
    real = np.sort(roots[np.isreal(roots)].real)
    if not np.any(real > 0.0):
        raise ConfigError(
            f"learning rate eta = {system.learning_rate:g}: SGD's noise outgrows the plateau;"
            " give a smaller one"
        )
    return float(real[real > 0.0][0])
