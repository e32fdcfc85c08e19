"""The square loss in closed form: teacher and student without iteration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sta.distillation.setting import Setting
from sta.errors import ConfigError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SquareSolution:
    """Order parameters of both networks under the square loss, arrays of the setting's shape.

    Attributes
    ----------
    teacher_m, teacher_q, teacher_b : arrays
        Of the teacher.
    m, q, s, b : arrays
        Of the student.
    """

    teacher_m: Array
    teacher_q: Array
    teacher_b: Array
    m: Array
    q: Array
    s: Array
    b: Array


def solve_square(setting: Setting) -> SquareSolution:
    """Solve the square loss for a teacher trained on the same patterns.

    Parameters
    ----------
    setting : Setting
        With loss "square" and teacher "erm".

    Returns
    -------
    SquareSolution

    Raises
    ------
    ConfigError
        For another loss or teacher.
    """
    if setting.loss != "square" or setting.teacher != "erm":
        raise ConfigError(
            f"the closed form is for loss 'square' and teacher 'erm', not {setting.loss!r},"
            f" {setting.teacher!r}"
        )
    alpha, delta, eta, chi = setting.alpha, setting.delta, setting.eta, setting.chi
    mean = 2.0 * setting.rho - 1.0
    u = 1.0 - mean**2
    v_t, r_t = _response(setting, setting.lam_teacher, np.ones_like(eta))
    k_t = 1.0 / (1.0 + v_t)
    gained = r_t * alpha * k_t * u
    m_t = gained / (1.0 + gained)
    mh_t = alpha * k_t * u * (1.0 - m_t)
    noise = alpha * delta * k_t**2
    q_t = r_t**2 * (mh_t**2 + noise * (1.0 - m_t) ** 2 * u) / (1.0 - r_t**2 * noise * delta)
    width, r = _response(setting, setting.lam, eta)
    k = 1.0 / (1.0 + width)
    slope = alpha * delta * k
    loop = width * r_t * slope * k_t
    reaction = chi * loop / (1.0 - loop)
    c = k_t * (chi + reaction)
    response = slope * c
    weight = eta * r * alpha * k * u
    m = (weight * (1.0 - c + c * m_t) + eta * r * response * m_t) / (1.0 + weight)
    e = 1.0 - c + c * m_t - m
    mh = alpha * k * u * e
    s0 = alpha * delta * k * k_t * (e * (1.0 - m_t) * u - delta * c * q_t)
    s1 = alpha * delta**2 * k * k_t
    s = eta * r * (mh * m_t + r_t * s0 + response * q_t) / (1.0 - eta * r * r_t * s1)
    sh = s0 + s1 * s
    q0 = alpha * delta * k**2 * (e**2 * u + delta * (c**2 * q_t - 2.0 * c * s))
    q1 = alpha * delta**2 * k**2
    field = mh * m_t + r_t * sh
    q = eta * r**2 * (mh**2 + q0 + response**2 * q_t + 2.0 * response * field)
    q = q / (1.0 - eta * r**2 * q1)
    return SquareSolution(m_t, q_t, mean * (1.0 - m_t), m, q, s, mean * (1.0 - m))


def _response(setting: Setting, lam: Array, eta: Array) -> tuple[Array, Array]:
    """Return V, the positive root of lam V^2 + (lam + (alpha - eta) Delta) V = eta Delta, and R."""
    linear = lam + (setting.alpha - eta) * setting.delta
    product = eta * setting.delta
    root = np.sqrt(linear**2 + 4.0 * lam * product)
    # The form without cancellation for either sign of the linear term.
    width = np.where(linear > 0.0, 2.0 * product / (linear + root), (root - linear) / (2.0 * lam))
    return np.asarray(width), np.asarray(width / product)
