"""Who wins: distillation, labels with the same ridge, or labels without one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sta.distillation.bounds import bayes_error
from sta.distillation.erm import solve_erm
from sta.distillation.optimum import best_direct
from sta.distillation.setting import Setting
from sta.distillation.student import solve_student, solve_teacher

Array = NDArray[np.float64]

RIVALS = ("distilled", "direct", "unregularised")


@dataclass(frozen=True)
class Comparison:
    """Test errors of students of one size that see the same patterns, arrays of one shape.

    Attributes
    ----------
    distilled : array
        Of the setting as it is: the teacher has the ridge lambda~, the student lambda.
    direct : array
        Labels alone, with the teacher's lambda~ as its own ridge.
    unregularised : array
        Labels alone, with the student's lambda.
    best_direct, best_ridge : arrays
        Labels alone, with the best ridge for this point, and that ridge.
    bayes : array
        The least possible.
    """

    distilled: Array
    direct: Array
    unregularised: Array
    best_direct: Array
    best_ridge: Array
    bayes: Array

    @property
    def winner(self) -> NDArray[np.str_]:
        """Name of the least error among `RIVALS`, which know the same ridges."""
        errors = np.stack([getattr(self, name) for name in RIVALS])
        return np.asarray(np.array(RIVALS)[np.argmin(errors, axis=0)])


def compare(setting: Setting) -> Comparison:
    """Solve all students of a setting.

    Parameters
    ----------
    setting : Setting

    Returns
    -------
    Comparison

    Raises
    ------
    StaError
        If a point does not converge.

    Examples
    --------
    >>> from sta.distillation.setting import make_setting
    >>> found = compare(make_setting(4.5, lam_teacher=[0.3, 1.0]))
    >>> found.distilled.round(3).tolist(), found.direct.round(3).tolist(), found.winner.tolist()
    ([0.176, 0.184], [0.175, 0.19], ['direct', 'distilled'])
    """
    s, shape = setting.ravel(), setting.shape
    student = solve_student(s, solve_teacher(s))

    def labels(ridge: Array) -> Array:
        return solve_erm(s.alpha, s.rho, s.delta, s.eta, ridge, s.loss).test_error

    columns = np.stack([s.alpha, s.rho, s.delta, s.eta], axis=1)
    _, first, where = np.unique(columns, axis=0, return_index=True, return_inverse=True)
    ridge, least = best_direct(s.take(first))
    where = where.ravel()
    return Comparison(
        student.test_error.reshape(shape),
        labels(s.lam_teacher).reshape(shape),
        labels(s.lam).reshape(shape),
        least[where].reshape(shape),
        ridge[where].reshape(shape),
        bayes_error(setting.alpha, rho=setting.rho, delta=setting.delta, eta=setting.eta),
    )
