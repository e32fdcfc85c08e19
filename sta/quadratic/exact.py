"""Gradient flow in closed form for p = p*, T = I."""

from __future__ import annotations

import numpy as np

from sta.errors import ConfigError
from sta.quadratic.overlaps import Array
from sta.quadratic.system import System


def exact_flow(
    system: System, norm: float, overlap: float, alpha: Array | float
) -> tuple[Array, Array]:
    """Return q and m along gradient flow from Q = norm * I, M = overlap * O, O orthogonal.

    With g = a b eta and J = J_0 e^(8 g alpha), J_0 = m_0^2 / (q_0 - m_0^2),

    q = (b / a) (1 + J) / D,  m^2 = q J / (1 + J),  D = (p + 2) / p + J + C e^(-4 g p alpha),

    with C from the start; Q = q I and M = m O throughout. Once the last term has died out,
    (a / b) m^2 = J / ((p + 2) / p + J) grows logistically.

    Parameters
    ----------
    system : System
        A free student with p = p*, T = I.
    norm, overlap : float
        q_0 and m_0, with m_0^2 < q_0.
    alpha : array or float
        Steps over N.

    Returns
    -------
    q, m : arrays
        Of the shape of alpha.

    Raises
    ------
    ConfigError
        If the system is not of this kind or the start has no weights.

    Examples
    --------
    >>> from sta.quadratic.system import make_system
    >>> q, m = exact_flow(make_system(2, 2, 0.1), 1.0, 0.01, 1e3)
    >>> float(q), float(m)
    (1.0, 1.0)
    """
    p = system.student_width
    if p != system.teacher_width or system.spherical:
        raise ConfigError(f"the closed form is for free students with p = p*, not p = {p}")
    if not np.allclose(system.teacher_overlap, np.eye(p), atol=1e-12):
        raise ConfigError("the closed form is for a teacher with T = I")
    if not overlap**2 < norm:
        raise ConfigError(f"m_0 = {overlap:g} needs m_0^2 below q_0 = {norm:g}")
    times = np.asarray(alpha, dtype=float)
    unit = system.teacher_scale / system.student_scale
    first = overlap**2 / (norm - overlap**2)
    rest = unit * (1.0 + first) / norm - (p + 2) / p - first
    # Everything over J, which overflows first.
    inverse = np.exp(-8.0 * system.gain * times) / first if first > 0.0 else np.inf
    died = rest * np.exp(-4.0 * system.gain * p * times)
    if first == 0.0:
        return np.asarray(unit / ((p + 2) / p + died)), np.zeros_like(times)
    share = 1.0 / (((p + 2) / p + died) * inverse + 1.0)
    return np.asarray(unit * (inverse + 1.0) * share), np.asarray(
        np.sign(overlap) * np.sqrt(unit * share)
    )
