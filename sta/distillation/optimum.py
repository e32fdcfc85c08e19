"""The best ridge of a teacher, of a student, and of a teacher for its student."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from sta.distillation.erm import solve_erm
from sta.distillation.setting import Setting
from sta.distillation.student import solve_teacher
from sta.distillation.theory import theory
from sta.errors import ConfigError

Array = NDArray[np.float64]

SCANNED = 13
PRECISE = 1e-3  # of log lambda


@dataclass(frozen=True)
class BestRidge:
    """A ridge that minimises a test error.

    Attributes
    ----------
    ridge : float
        lambda or lambda~.
    test_error : float
        There.
    inside : bool
        Whether it lies inside the range that was searched; if not, the range's end is better.
    """

    ridge: float
    test_error: float
    inside: bool


@dataclass(frozen=True)
class Inheritance:
    """What a student can have from its teacher, at one alpha.

    Attributes
    ----------
    teacher : BestRidge
        The teacher's own optimum over lambda~.
    direct : BestRidge
        A student trained on labels alone, over lambda.
    distilled : BestRidge
        The distilled student with its own lambda held, over lambda~.
    inherited : float
        Test error of the distilled student of the teacher at its own optimum.
    unregularised : float
        Test error of a student trained on labels alone with the setting's lambda.
    bayes : float
        The least possible one.
    """

    teacher: BestRidge
    direct: BestRidge
    distilled: BestRidge
    inherited: float
    unregularised: float
    bayes: float


def best_ridge(
    setting: Setting,
    *,
    of: str = "student",
    over: str = "lam",
    low: float = 1e-3,
    high: float = 30.0,
) -> BestRidge:
    """Minimise the test error over a ridge: a scan, then Brent's method in its logarithm.

    Parameters
    ----------
    setting : Setting
        Of one point; its own value of the ridge does not matter.
    of : {"student", "teacher"}
        Whose test error.
    over : {"lam", "lam_teacher"}
        Which ridge.
    low, high : float
        Range of the search.

    Returns
    -------
    BestRidge

    Raises
    ------
    ConfigError
        If the setting has several points, or a name or the range is wrong.
    """
    if setting.alpha.size != 1:
        raise ConfigError(f"a setting of {setting.alpha.size} points: give one")
    if of not in ("student", "teacher") or over not in ("lam", "lam_teacher"):
        raise ConfigError(
            f"best {over!r} of the {of!r}: give lam or lam_teacher, student or teacher"
        )
    if not 0.0 < low < high:
        raise ConfigError(f"ridges from {low:g} to {high:g}: give a range above 0")
    point = setting.ravel()

    def errors(ridges: Array) -> Array:
        many = point.take(np.zeros(len(ridges), dtype=int))
        if over == "lam":
            return _errors(replace(many, lam=ridges), of)
        return _errors(replace(many, lam_teacher=ridges), of)

    logs = np.linspace(np.log(low), np.log(high), SCANNED)
    scanned = errors(np.exp(logs))
    k = int(np.argmin(scanned))
    if k in (0, SCANNED - 1):
        return BestRidge(float(np.exp(logs[k])), float(scanned[k]), False)
    found = minimize_scalar(
        lambda log: float(errors(np.exp(np.array([log])))[0]),
        bounds=(logs[k - 1], logs[k + 1]), method="bounded", options={"xatol": PRECISE},
    )  # fmt: skip
    return BestRidge(float(np.exp(found.x)), float(found.fun), True)


def best_direct(setting: Setting, *, low: float = 1e-3, high: float = 30.0) -> tuple[Array, Array]:
    """Return the best ridge of a student of labels alone and its test error, for many points.

    Three scans of 13 ridges, each between the neighbours of the last one's best: lambda to 1 %.

    Parameters
    ----------
    setting : Setting
        Flat; its ridges and its teacher do not matter.
    low, high : float
        Range of the search; a best ridge beyond it is given as its end.

    Returns
    -------
    ridge, test_error : arrays
    """
    size = len(setting.alpha)
    first, last = np.full(size, np.log(low)), np.full(size, np.log(high))
    best, lowest = first, np.full(size, np.inf)
    many = setting.take(np.tile(np.arange(size), SCANNED))
    for _ in range(3):
        logs = np.linspace(first, last, SCANNED)
        found = solve_erm(
            many.alpha, many.rho, many.delta, many.eta, np.exp(logs).ravel(), setting.loss
        ).test_error.reshape(logs.shape)
        k = np.argmin(found, axis=0)
        best, lowest = (np.take_along_axis(one, k[None], 0)[0] for one in (logs, found))
        step = (last - first) / (SCANNED - 1)
        first, last = np.maximum(best - step, first), np.minimum(best + step, last)
    return np.exp(best), lowest


def inheritance(setting: Setting) -> Inheritance:
    """Compare a distilled student with what it could have by itself.

    Parameters
    ----------
    setting : Setting
        Of one point; lambda~ is searched for, lambda is that of the unregularised student.

    Returns
    -------
    Inheritance
    """
    alone = replace(setting, chi=np.zeros_like(setting.chi))
    teacher = best_ridge(setting, of="teacher", over="lam_teacher")
    held = replace(setting, lam_teacher=np.full_like(setting.lam_teacher, teacher.ridge))
    found, plain = theory(held), _errors(alone.ravel(), "student")
    return Inheritance(
        teacher,
        best_ridge(alone, over="lam"),
        best_ridge(setting, over="lam_teacher"),
        float(found.student.test_error.ravel()[0]),
        float(plain[0]),
        float(found.bayes_student.ravel()[0]),
    )


def _errors(setting: Setting, of: str) -> Array:
    """Test errors of a flat setting; what a teacher or labels alone decide needs no student."""
    if of == "teacher":
        return solve_teacher(setting).test_error
    if not np.any(setting.chi):
        s = setting
        return solve_erm(s.alpha, s.rho, s.delta, s.eta, s.lam, s.loss).test_error
    return theory(setting).student.test_error
