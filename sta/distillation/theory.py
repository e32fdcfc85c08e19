"""Teacher and student of any setting, for large N."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sta.distillation.bounds import bayes_error
from sta.distillation.setting import Setting
from sta.distillation.student import POINTS_AT_ONCE, Student, Teacher, solve_student, solve_teacher

Array = NDArray[np.float64]
P = TypeVar("P", Teacher, Student)


@dataclass(frozen=True)
class Theory:
    """Fixed points of a setting, arrays of its shape.

    Attributes
    ----------
    setting : Setting
    teacher : Teacher
    student : Student
    bayes_teacher, bayes_student : arrays
        Least possible test errors with all weights, and with the student's.
    """

    setting: Setting
    teacher: Teacher
    student: Student
    bayes_teacher: Array
    bayes_student: Array


def theory(setting: Setting, *, on_progress: Callable[[int, int], None] | None = None) -> Theory:
    """Solve teacher and student for all points of a setting.

    The two-level fixed point of Saglietti and Zdeborova (arXiv 2012.00194), eqs. 16-22, with the
    loss summed without a factor 1/2, as in its figures.

    Parameters
    ----------
    setting : Setting
    on_progress : callable, optional
        Called with the points done and their number.

    Returns
    -------
    Theory

    Raises
    ------
    StaError
        If a point does not converge.

    Examples
    --------
    >>> from sta.distillation.setting import make_setting
    >>> found = theory(make_setting(4.5, lam_teacher=0.1))
    >>> float(found.teacher.test_error.round(3)), float(found.student.test_error.round(3))
    (0.147, 0.18)
    """
    flat = setting.ravel()
    size = len(flat.alpha)
    teachers, students = [], []
    for first in range(0, size, POINTS_AT_ONCE):
        piece = flat.take(slice(first, first + POINTS_AT_ONCE))
        teachers.append(solve_teacher(piece))
        students.append(solve_student(piece, teachers[-1]))
        if on_progress is not None:
            on_progress(min(first + POINTS_AT_ONCE, size), size)
    common = {"rho": setting.rho, "delta": setting.delta}
    return Theory(
        setting,
        _joined(teachers, setting.shape),
        _joined(students, setting.shape),
        bayes_error(setting.alpha, **common),
        bayes_error(setting.alpha, eta=setting.eta, **common),
    )


def _joined(parts: list[P], shape: tuple[int, ...]) -> P:
    names = [one.name for one in fields(parts[0])]
    joined = {
        name: np.concatenate([getattr(one, name) for one in parts]).reshape(shape) for name in names
    }
    return type(parts[0])(**joined)
