"""The learning rate above which SGD leaves the solutions, or never leaves the plateau."""

from __future__ import annotations

import numpy as np

from sta.errors import ConfigError
from sta.quadratic.overlaps import Array, drift
from sta.quadratic.system import System, make_system

GROWING = 1e-7  # of the slowest decay; zero modes are zero to 1e-12
STEP = 1e-6


def critical_learning_rate(system: System) -> float:
    """Return the eta above which one-pass SGD cannot stay at zero loss.

    The motion of the overlaps, linearised at Q = (b / a) T, M = (b / a)^(1/2) T, is
    eta (J_1 + eta J_2 / batch): above the critical eta one of its modes grows. For T = I and
    batch 1, a b eta = 1 / (2 (p* + 2)), for any p. A spherical student stays finite; for it the
    bound is where the growth rate on the plateau is no longer positive.

    Parameters
    ----------
    system : System
        Its own learning rate does not matter.

    Returns
    -------
    float

    Examples
    --------
    >>> system = make_system(1, 1, 0.01)
    >>> round(critical_learning_rate(system), 6)
    0.166667
    """
    a, b = system.student_scale, system.teacher_scale
    if system.spherical:
        tau = a * system.student_width - b * system.teacher_trace
        squares = a**2 * system.student_width + b**2 * float(np.sum(system.teacher_overlap**2))
        fed = tau**2 + 2.0 * squares + system.label_noise + 4.0 * a * tau + 8.0 * a**2
        return float(2.0 * system.batch * b * system.teacher_eigenvalues[0] / (a * fed))
    # Student units beyond p* are marginal at zero loss, and scales enter through a b eta alone.
    flow = _jacobian(system.teacher_overlap, gradient_flow=True)
    noise = _jacobian(system.teacher_overlap, gradient_flow=False) - flow
    low, high = 0.0, 1.0
    while not _grows(flow + high * noise):
        low, high = high, 2.0 * high
    while high - low > 1e-9 * high:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if _grows(flow + middle * noise) else (middle, high)
    return low * system.batch / (a * b)


def check_learning_rate(system: System) -> None:
    """Refuse a learning rate at or above the critical one.

    Raises
    ------
    ConfigError
        Naming the critical value.
    """
    critical = critical_learning_rate(system)
    if system.learning_rate >= critical:
        why = "SGD does not leave the plateau" if system.spherical else "SGD diverges"
        raise ConfigError(
            f"learning rate eta = {system.learning_rate:g} is above the critical"
            f" {critical:.6g}, where {why}; give a smaller one"
        )


def _grows(jacobian: Array) -> bool:
    rates = np.linalg.eigvals(jacobian).real
    return bool(rates.max() > GROWING * np.abs(rates).max())


def _jacobian(teacher_overlap: Array, *, gradient_flow: bool) -> Array:
    """Jacobian of the motion at a solution of p = p*, a = b = eta = 1, by central differences.

    The motion is a polynomial of degree three, so that differences are exact but for rounding.
    """
    width = len(teacher_overlap)
    unit = make_system(
        width, width, 1.0, student_scale=1.0, teacher_scale=1.0, teacher_overlap=teacher_overlap
    )
    rows, columns = np.triu_indices(width)
    start = np.concatenate([teacher_overlap[rows, columns], teacher_overlap.ravel()])
    shifts = STEP * np.eye(len(start))
    points = np.concatenate([start + shifts, start - shifts])
    student = np.zeros((len(points), width, width))
    student[:, rows, columns] = student[:, columns, rows] = points[:, : len(rows)]
    mixed = points[:, len(rows) :].reshape(-1, width, width)
    d_student, d_mixed = drift(unit, student, mixed, gradient_flow=gradient_flow)
    moved = np.concatenate([d_student[:, rows, columns], d_mixed.reshape(len(points), -1)], axis=1)
    return np.asarray((moved[: len(start)] - moved[len(start) :]).T / (2.0 * STEP))
