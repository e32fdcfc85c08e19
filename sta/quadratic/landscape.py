"""Curvature of the population loss at plateau and solutions, in closed form.

In weights w = W / sqrt N the second variation along D is

H[D, D] = (tr dS)^2 + 2 tr dS^2 + 2 a [tau tr D D^T + 2 tr D S D^T],  dS = a (w^T D + D^T w).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sta.errors import ConfigError
from sta.quadratic.overlaps import Array
from sta.quadratic.plateau import resting_norm
from sta.quadratic.starts import check_dimension
from sta.quadratic.system import System

PLATEAU, MANIFOLD = "plateau", "manifold"
SAME = 1e-9  # of the largest eigenvalue, below which two are one


@dataclass(frozen=True)
class Mode:
    """Directions of one curvature and one meaning.

    Attributes
    ----------
    eigenvalue : float
    multiplicity : int
    meaning : str
        What moves along them.
    """

    eigenvalue: float
    multiplicity: int
    meaning: str


def hessian_modes(system: System, dimension: int, at: str) -> list[Mode]:
    """Return the spectrum of the Hessian, part by part.

    Parameters
    ----------
    system : System
        Its learning rate, batch and label noise do not matter.
    dimension : int
        N >= p + p*.
    at : {"plateau", "manifold"}
        The plateau of gradient flow, or a point of zero loss.

    Returns
    -------
    list of Mode
        Multiplicities, none of them zero, that add up to p N; of a spherical student, whose
        Hessian is that on the product of spheres, to p (N - 1).

    Raises
    ------
    ConfigError
        If N is too small, `at` is another word, or for a spherical student at zero loss, which
        has no closed form here.

    Examples
    --------
    >>> from sta.quadratic.system import make_system
    >>> modes = hessian_modes(make_system(2, 1, 0.1), 24, "plateau")
    >>> [(one.eigenvalue, one.multiplicity) for one in spectrum(modes)]
    [(-2.0, 2), (0.0, 43), (1.0, 2), (2.0, 1)]
    """
    check_dimension(system, dimension)
    if at == PLATEAU:
        parts = _plateau(system, dimension)
    elif at != MANIFOLD:
        raise ConfigError(f"{at!r}: the Hessian is known at 'plateau' and 'manifold'")
    elif system.spherical:
        raise ConfigError(
            "a spherical student at zero loss has no closed form; use `numeric_hessian`"
        )
    else:
        parts = _manifold(system, dimension)
    modes = [Mode(float(value), count, text) for value, count, text in parts if count > 0]
    meanings = dict.fromkeys(one.meaning for one in modes)
    return [
        one for text in meanings for one in spectrum([one for one in modes if one.meaning == text])
    ]


def spectrum(modes: Sequence[Mode]) -> list[Mode]:
    """Return one mode for each eigenvalue, ascending, meanings joined."""
    scale = max(abs(one.eigenvalue) for one in modes) or 1.0
    merged: list[Mode] = []
    for one in sorted(modes, key=lambda one: one.eigenvalue):
        if merged and one.eigenvalue - merged[-1].eigenvalue <= SAME * scale:
            last = merged.pop()
            count = last.multiplicity + one.multiplicity
            meanings = dict.fromkeys((last.meaning, one.meaning))
            one = Mode(last.eigenvalue, count, "; ".join(meanings))
        merged.append(one)
    return merged


def _plateau(system: System, dimension: int) -> list[tuple[float, int, str]]:
    a, b, p, q = (
        system.student_scale, system.teacher_scale, system.student_width, system.teacher_width
    )  # fmt: skip
    norm = resting_norm(system)
    growing = [
        (-4.0 * a * b * t, p, "growth along the teacher") for t in system.teacher_eigenvalues
    ]
    pairs = p * (p - 1) // 2
    flat = [
        (0.0, p * (dimension - p - q), "student units turn into unused directions"),
        (0.0, pairs, "rotations of student units"),
    ]
    if system.spherical:
        return [*growing, *flat, (8.0 * a**2, pairs, "overlaps between student units")]
    return [
        *growing, *flat,
        (8.0 * a**2 * norm, pairs + p - 1, "Q, traceless"),
        (4.0 * a * b * system.teacher_trace, 1, "Q, trace"),
    ]  # fmt: skip


def _manifold(system: System, dimension: int) -> list[tuple[float, int, str]]:
    p, q, gain = (
        system.student_width, system.teacher_width, system.student_scale * system.teacher_scale
    )  # fmt: skip
    t = system.teacher_eigenvalues
    across = [(4.0 * gain * one, dimension - q, "away from the teacher's span") for one in t]
    mixed = [
        (4.0 * gain * (t[i] + t[j]), 1, "teacher directions mix")
        for i in range(q) for j in range(i)
    ]  # fmt: skip
    inner: Array = 4.0 * gain * (2.0 * np.diag(t) + np.sqrt(np.outer(t, t)))
    lengths = [(value, 1, "lengths along the teacher") for value in np.linalg.eigvalsh(inner)]
    return [
        *across, *mixed, *lengths,
        (0.0, p * q - q * (q + 1) // 2, "symmetry orbit"),
        (0.0, (p - q) * (dimension - q), "spare units, flat to second order"),
    ]  # fmt: skip
