"""Double descent: where the test error of a student rises and falls again."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.signal import find_peaks

from sta.distillation.setting import Setting
from sta.distillation.theory import theory
from sta.errors import ConfigError

Array = NDArray[np.float64]

LEAST_PROMINENCE = 1e-3
PRECISE = 1e-4  # of log alpha


@dataclass(frozen=True)
class Peak:
    """A maximum of the test error along alpha.

    Attributes
    ----------
    alpha : float
        Where.
    test_error : float
        Its height.
    prominence : float
        Height above the higher of the two valleys beside it.
    """

    alpha: float
    test_error: float
    prominence: float


def error_peaks(
    setting: Setting, *, low: float = 0.1, high: float = 10.0, points: int = 60
) -> list[Peak]:
    """Find the peaks of the student's test error between two alpha, for large N.

    Parameters
    ----------
    setting : Setting
        Of one point; its alpha does not matter.
    low, high : float
        Range of alpha.
    points : int
        Of the scan, evenly in log alpha; narrower peaks are missed.

    Returns
    -------
    list of Peak
        With a prominence above 0.001, in the order of alpha.

    Raises
    ------
    ConfigError
        If the setting has several points, or the range is wrong.
    StaError
        If a point does not converge.
    """
    if setting.alpha.size != 1:
        raise ConfigError(f"a setting of {setting.alpha.size} points: give one")
    if not 0.0 < low < high or points < 3:
        raise ConfigError(
            f"alpha from {low:g} to {high:g}, {points} points: give a range above 0 and 3 or more"
        )
    point = setting.ravel()

    def errors(alpha: Array) -> Array:
        many = point.take(np.zeros(len(alpha), dtype=int))
        return theory(replace(many, alpha=alpha)).student.test_error

    logs = np.linspace(np.log(low), np.log(high), points)
    scanned = errors(np.exp(logs))
    places, about = find_peaks(scanned, prominence=LEAST_PROMINENCE)
    found = []
    for k, prominence in zip(places, about["prominences"], strict=True):
        top = minimize_scalar(
            lambda log: -float(errors(np.exp(np.array([log])))[0]),
            bounds=(logs[k - 1], logs[k + 1]), method="bounded", options={"xatol": PRECISE},
        )  # fmt: skip
        height = max(float(scanned[k]), -float(top.fun))
        found.append(Peak(float(np.exp(top.x)), height, float(prominence + height - scanned[k])))
    return found


def error_curve(along: Setting, over: str) -> list[dict[str, float]]:
    """Return test errors along one parameter, for N to infinity.

    Parameters
    ----------
    along : Setting
        Arrays along the parameter.
    over : str
        Its name.

    Returns
    -------
    list of dict
        The parameter, teacher, student (distilled), direct (on labels), and bayes, the bound of
        the student.
    """
    found, direct = theory(along), theory(replace(along, chi=np.zeros_like(along.alpha)))
    return [
        {
            over: float(value),
            "teacher": float(found.teacher.test_error[k]),
            "student": float(found.student.test_error[k]),
            "direct": float(direct.student.test_error[k]),
            "bayes": float(found.bayes_student[k]),
        }
        for k, value in enumerate(getattr(along, over))
    ]
