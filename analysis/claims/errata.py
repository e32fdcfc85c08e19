"""Where the text of arXiv 2012.00194 and its curves or equations disagree, and which is right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sta.analysis.statistics.estimate import Estimate
from sta.analysis.statistics.resampling import bootstrap
from sta.distillation import generalization_error, make_setting, simulate_distillation, theory

Array = NDArray[np.float64]

# Read off the paper's vector graphics, to about 1e-4.
FIGURE_2 = {4.5: (0.1468, 0.1796)}
FIGURE_3_BOTTOM = {
    1.0: (0.1807, 0.1905, 0.1998), 0.4: (0.1760, 0.1754, 0.1846), 0.8: (0.1758, 0.1811, 0.1961),
}  # fmt: skip
RIDGES_3_BOTTOM = (0.1, 0.2, 0.5)
FIGURE_4_BLUE = {2.0: 0.1812}


@dataclass(frozen=True)
class Erratum:
    """A statement that does not fit, and what does.

    Attributes
    ----------
    where, printed, right : str
        Place in the paper, what it says, and what holds.
    quantity : str
        What the numbers are.
    as_printed, as_right : float
        The quantity under either.
    published : float or None
        In the paper's figure.
    runs : Estimate or None
        In trained networks.
    """

    where: str
    printed: str
    right: str
    quantity: str
    as_printed: float
    as_right: float
    published: float | None = None
    runs: Estimate | None = None


def distillation_errata(
    *, dimension: int = 1000, seeds: int = 16, seed: int = 0
) -> tuple[Erratum, ...]:
    """Compute each disagreement: from the fixed points, and by trained networks where they decide.

    Parameters
    ----------
    dimension, seeds, seed : int
        N, draws and seed of the runs.

    Returns
    -------
    tuple of Erratum
    """
    alpha = 2.0
    optimal = _student(alpha, teacher="bayes")

    def runs(teacher: str) -> Estimate:
        setting = make_setting(alpha, teacher=teacher)
        done = simulate_distillation(setting, dimension, seeds, seed=seed)
        errors = done.student["test_error"]
        return bootstrap(lambda counts: counts @ errors / counts.sum(axis=1), seeds, seed=seed)

    return (
        Erratum(
            "equations 15, 19, 22, 94, 97", "1/2 in front of the loss",
            "no factor (as in equation 1 and 49)", "figure 2, alpha = 4.5, lambda~ = 0.1, student",
            _student(4.5, lam_teacher=0.2, lam=2e-5), _student(4.5), FIGURE_2[4.5][1],
        ),
        Erratum(
            "figure 3, bottom, caption", "lambda~ = 0.1, T = 1", "lambda~ = 0.15, T = 2",
            "largest distance from the nine points of the figure", _away(0.1, 1.0),
            _away(0.15, 2.0), 0.0,
        ),
        Erratum(
            "equation 112", "bias with Delta (1 - Delta / alpha)", "Delta (1 + Delta / alpha)",
            f"test error of the optimal rule, alpha = {alpha:g}", _hebb(alpha, -1.0),
            _hebb(alpha, 1.0),
        ),
        Erratum(
            "figure 4, blue", "chi = 1, T = 1, lambda = 1e-5",
            "other settings, such as T = 10, lambda = 1e-4",
            f"student of an optimal teacher, alpha = {alpha:g}", optimal,
            _student(alpha, teacher="bayes", temperature=10.0, lam=1e-4), FIGURE_4_BLUE[alpha],
            runs("bayes"),
        ),
        Erratum(
            "figure 4, cyan", "Hebb's rule on the student's patterns", "on patterns of its own",
            f"student of Hebb's teacher, alpha = {alpha:g}", _student(alpha, teacher="hebb"),
            optimal, FIGURE_4_BLUE[alpha], runs("hebb"),
        ),
    )  # fmt: skip


def _student(alpha: float, **given: Any) -> float:
    return float(theory(make_setting(alpha, **given)).student.test_error)


def _away(lam_teacher: float, temperature: float) -> float:
    chi = np.array(list(FIGURE_3_BOTTOM))[:, None]
    grid = make_setting(
        4.5, chi=chi, lam=np.array(RIDGES_3_BOTTOM), lam_teacher=lam_teacher,
        temperature=temperature,
    )  # fmt: skip
    published = np.array(list(FIGURE_3_BOTTOM.values()))
    return float(np.max(np.abs(theory(grid).student.test_error - published)))


def _hebb(alpha: float, sign: float, rho: float = 0.2, delta: float = 1.0) -> float:
    bias = 0.5 * delta * (1.0 + sign * delta / alpha) * np.log(rho / (1.0 - rho))
    one = np.ones(1)
    q = (1.0 + delta / alpha) * one
    return float(generalization_error(rho * one, delta * one, one, q, bias * one)[0])
