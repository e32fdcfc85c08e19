"""When students leave the plateau: the distribution of escape times, predicted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, polygamma

from sta.errors import ConfigError
from sta.quadratic.flow import integrate_flow
from sta.quadratic.overlaps import Array, order_parameter
from sta.quadratic.plateau import gathered_noise, plateau
from sta.quadratic.system import System

HALF = 0.5
SMALL_START = 1e-6  # |M_0|, in units of the scale of M; the constant's error is its square
BEYOND = 30.0  # in units of 1 / lambda, after |M| has reached its scale
GRID = 0.02  # in units of 1 / lambda


@dataclass(frozen=True)
class EscapePrediction:
    """Distribution of alpha at which the order parameter passes a threshold, over random starts.

    2 lambda alpha = log N + constant - log(chi^2 (1 + rho)) with chi^2 of p p* degrees of freedom
    where p* = 1 and student units may be rotated into each other; otherwise, and for spherical
    students, the motion of the overlaps from sampled starts.

    Attributes
    ----------
    dimension : int
        N.
    threshold : float
        Of m2.
    growth_rate : float
        lambda along the teacher's largest eigenvalue.
    constant : float or None
        c: of a start with p* equal singular values, 2 lambda alpha + log(|M_0|^2 / q_0). None for
        spherical students of several units, for which it depends on the start's direction.
    noise_to_signal : float
        rho, gathered from the start on, along the largest eigenvalue.
    mean, std : float
        Of alpha.
    times : (samples,) array or None
        Sampled alphas where there are any.
    """

    dimension: int
    threshold: float
    growth_rate: float
    constant: float | None
    noise_to_signal: float
    mean: float
    std: float
    times: Array | None


def predict_escape(
    system: System,
    dimension: int,
    *,
    threshold: float = HALF,
    start_norm: float = 1.0,
    gradient_flow: bool = False,
    samples: int = 256,
    seed: int = 0,
) -> EscapePrediction:
    """Predict when random students of finite N leave the plateau.

    Parameters
    ----------
    system : System
    dimension : int
        N; enters only as log N.
    threshold : float
        Order parameter m2 that counts as escaped, between 0 and 1.
    start_norm : float
        Variance of the starting weights.
    gradient_flow : bool
        Whether to leave SGD's noise out, of motion and start.
    samples, seed : int
        Starts drawn where they are needed, and their seed.

    Returns
    -------
    EscapePrediction

    Raises
    ------
    ConfigError
        If the threshold is out of range, N is below p + p*, or nothing grows.
    """
    p, q = system.student_width, system.teacher_width
    if not 0.0 < threshold < 1.0:
        raise ConfigError(f"threshold {threshold} of the order parameter: give one in (0, 1)")
    if dimension < p + q:
        raise ConfigError(f"N = {dimension} is smaller than p + p* = {p + q}; give at least that")
    rate = _rate(system, gradient_flow)
    rho = np.zeros(q) if gradient_flow else gathered_noise(system, start_norm)
    rotated = not system.spherical or p == 1
    constant = None
    if rotated:
        constant = escape_constant(
            system, threshold=threshold, start_norm=start_norm, gradient_flow=gradient_flow
        )
    if constant is not None and q == 1:
        size = float(np.log(system.teacher_trace * (1.0 + rho[0])))
        mean = np.log(dimension) + constant - size - digamma(p / 2) - np.log(2.0)
        times: Array | None = None
        mean, std = mean / (2 * rate), np.sqrt(polygamma(1, p / 2)) / (2 * rate)
    else:
        spread = np.sqrt(start_norm * (1.0 + rho) * system.teacher_eigenvalues / dimension)
        vectors = np.linalg.eigh(system.teacher_overlap)[1][:, ::-1]
        drawn = np.random.default_rng(seed).standard_normal((samples, p, q))
        times = times_of_starts(
            system, drawn * spread @ vectors.T, threshold, start_norm, gradient_flow=gradient_flow
        )
        mean, std = times.mean(), times.std(ddof=1)
    return EscapePrediction(
        dimension, threshold, rate, constant, float(rho[0]), float(mean), float(std), times
    )


def escape_constant(
    system: System,
    *,
    threshold: float = HALF,
    start_norm: float = 1.0,
    gradient_flow: bool = False,
) -> float:
    """Return c = 2 lambda alpha + log(|M_0|^2 / q_0) in the limit of a small start M_0.

    The start has p* equal singular values along the teacher. Under gradient flow with p = p* and
    T = I, m2 grows logistically and c = log((p + 2) h / (1 - h)) at threshold h.

    Parameters
    ----------
    system, threshold, start_norm, gradient_flow
        As in `predict_escape`.

    Returns
    -------
    float

    Examples
    --------
    >>> from sta.quadratic.system import make_system
    >>> c = escape_constant(make_system(2, 2, 0.1), threshold=0.5, gradient_flow=True)
    >>> bool(abs(c - np.log(4.0)) < 1e-3)
    True
    """
    p, q = system.student_width, system.teacher_width
    scale = system.teacher_scale / system.student_scale * system.teacher_eigenvalues[-1]
    small = SMALL_START * np.sqrt(scale * start_norm)
    mixed = np.zeros((1, p, q))
    mixed[0, range(q), range(q)] = small
    time = times_of_starts(system, mixed, threshold, start_norm, gradient_flow=gradient_flow)[0]
    rate = _rate(system, gradient_flow)
    return float(2.0 * rate * time + np.log(q * small**2 / start_norm))


def times_of_starts(
    system: System,
    mixed: Array,
    threshold: float,
    start_norm: float = 1.0,
    *,
    gradient_flow: bool = False,
) -> Array:
    """Return the alpha at which each start Q = start_norm * I, M = mixed passes the threshold.

    Parameters
    ----------
    system : System
    mixed : (k, p, p*) array
        Small overlaps with the teacher.
    threshold, start_norm, gradient_flow
        As in `predict_escape`.

    Returns
    -------
    (k,) array

    Raises
    ------
    ConfigError
        If one never passes it.
    """
    rate = _rate(system, gradient_flow)
    student = np.broadcast_to(
        (1.0 if system.spherical else start_norm) * np.eye(system.student_width),
        (len(mixed), system.student_width, system.student_width),
    )
    # Student units that may be rotated into each other wait together, others each for itself.
    units = mixed[:, :, None, :] if system.spherical else mixed
    least = max(float(np.min(order_parameter(system, units))), 1e-300)
    rest = float(np.min(plateau(system).growth_rates)) if not gradient_flow else rate
    slowest = max(min(rest, rate), 0.05 * rate)
    end = (0.5 * np.log(1.0 / min(least, 1.0)) + BEYOND) / slowest
    times = np.linspace(0.0, end, int(end * rate / GRID) + 2)
    flow = integrate_flow(system, student, mixed, end, gradient_flow=gradient_flow, rtol=1e-8)
    found = np.full(len(mixed), np.nan)
    for part in np.array_split(times, max(1, len(times) // 200)):
        part = np.append(part, part[-1] + GRID / rate) if part[-1] < end else part
        level = order_parameter(system, flow.at(part)[1])
        for k in np.flatnonzero(np.isnan(found) & np.any(level >= threshold, axis=0)):
            first = int(np.argmax(level[:, k] >= threshold))
            low, high = max(first - 1, 0), first
            ends = np.log(level[[low, high], k])
            share = (np.log(threshold) - ends[0]) / (ends[1] - ends[0]) if high > low else 0.0
            found[k] = part[low] + share * (part[high] - part[low])
    if np.any(np.isnan(found)):
        raise ConfigError(
            f"the order parameter does not reach {threshold:g} by alpha = {end:.4g};"
            " lower the threshold or the learning rate"
        )
    return found


def _rate(system: System, gradient_flow: bool) -> float:
    found = plateau(system)
    rate = found.growth_rate_gradient_flow if gradient_flow else found.growth_rate
    if rate <= 0.0:
        raise ConfigError(
            f"learning rate eta = {system.learning_rate:g}: the plateau's growth rate is"
            f" {rate:.3g}, so nothing escapes; give a smaller one"
        )
    return rate
