"""The three claims of the solvable model of distillation (arXiv 2012.00194)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sta.analysis.claims.claim import Measured, PaperClaim, sign_verdict
from sta.analysis.statistics.estimate import Estimate
from sta.analysis.statistics.resampling import bootstrap
from sta.distillation import (
    Inheritance,
    error_peaks,
    inheritance,
    make_setting,
    simulate_distillation,
    theory,
)

Array = NDArray[np.float64]

ALPHAS = (2.0, 4.5, 8.0)
SCANNED = tuple(float(one) for one in np.geomspace(1.0, 9.0, 10))
INHERITED = 0.9
SAME_RIDGE = 1.25
TUNED = {"chi": (0.5, 0.8), "temperature": (2.0, 5.0), "lam_over_best": (0.2, 0.5, 0.8)}


def distillation_claims(
    *,
    dimension: int = 1000,
    seeds: int = 32,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[PaperClaim, ...]:
    """Measure the claims at the paper's setting: rho = 0.2, Delta = 1, eta = 0.5, lambda = 1e-5.

    Parameters
    ----------
    dimension : int
        N of the runs.
    seeds : int
        Draws of patterns; all students of a draw share them, so that differences are paired.
    seed : int
        Of all draws.
    on_progress : callable, optional
        Called with the steps done and their number.

    Returns
    -------
    tuple of PaperClaim
        Regularisation is inherited; the student is limited by its teacher; double descent.
    """
    runs = _Runs(dimension, seeds, seed, on_progress)
    found = {alpha: inheritance(make_setting(alpha)) for alpha in ALPHAS}
    return _inherited(found, runs), _limited(found, runs), _descends_twice(runs)


class _Runs:
    """Test errors of trained students, one draw each, remembered by their setting."""

    STEPS = 18

    def __init__(
        self, dimension: int, seeds: int, seed: int, on_progress: Callable[[int, int], None] | None
    ) -> None:
        self.dimension, self.seeds, self.seed = dimension, seeds, seed
        self.on_progress, self.known = on_progress, dict[tuple[Any, ...], Array]()

    def __call__(self, alpha: float, **given: Any) -> Array:
        key = (alpha, *sorted(given.items()))
        if key not in self.known:
            done = simulate_distillation(
                make_setting(alpha, **given), self.dimension, self.seeds, seed=self.seed
            )
            self.known[key] = done.student["test_error"]
            if self.on_progress is not None:
                self.on_progress(min(len(self.known), self.STEPS), self.STEPS)
        return self.known[key]

    def mean(self, values: Array) -> Estimate:
        """Return a mean over draws with its interval."""
        return self.ratio(values, np.ones_like(values))

    def ratio(self, above: Array, below: Array) -> Estimate:
        """Return the ratio of two means over the same draws."""
        return bootstrap(lambda c: (c @ above) / (c @ below), len(above), seed=self.seed)


def _inherited(found: dict[float, Inheritance], runs: _Runs) -> PaperClaim:
    measured, estimates = [], []
    for alpha, one in found.items():
        plain = runs(alpha, chi=0.0)
        taught = runs(alpha, lam_teacher=one.teacher.ridge)
        best = runs(alpha, chi=0.0, lam=one.direct.ridge)
        estimate = runs.ratio(plain - taught, plain - best)
        estimates.append(estimate)
        measured.append(
            Measured(f"share of the gain inherited, alpha = {alpha:g}", _share(one), estimate)
        )
    along = [inheritance(make_setting(alpha)) for alpha in SCANNED]
    start = _crossing([_share(one) - INHERITED for one in along])
    ratios = [np.log(one.distilled.ridge / one.teacher.ridge) for one in along]
    same = _crossing([np.log(SAME_RIDGE) - abs(one) for one in ratios])
    measured += [
        Measured(f"alpha from which the share is above {INHERITED:g}", start),
        Measured(
            f"alpha from which the best ridges are within a factor {SAME_RIDGE:g} of each other",
            same,
        ),
    ]
    return PaperClaim(
        "inherited",
        "an unregularised student inherits the regularisation of its teacher",
        tuple(measured),
        sign_verdict(estimates),
        "share of the gain of the best ridge over none, for a student without ridge of the teacher"
        " at its own best: above 0 in the runs; for large N above"
        f" {INHERITED:g} from alpha = {start:.2g} on, and one ridge is best for both from"
        f" alpha = {same:.2g} on",
    )


def _share(one: Inheritance) -> float:
    return (one.unregularised - one.inherited) / (one.unregularised - one.direct.test_error)


def _crossing(values: list[float]) -> float:
    """Return the alpha from which on values over `SCANNED` are positive, interpolated in log."""
    wrong = np.flatnonzero(np.array(values) <= 0.0)
    if not len(wrong):
        return SCANNED[0]
    k = int(wrong[-1])
    if k == len(SCANNED) - 1:
        return float("inf")
    share = values[k] / (values[k] - values[k + 1])
    low, high = np.log(SCANNED[k]), np.log(SCANNED[k + 1])
    return float(np.exp(low + share * (high - low)))


def _limited(found: dict[float, Inheritance], runs: _Runs) -> PaperClaim:
    measured, estimates = [], []
    for alpha, one in found.items():
        best = runs(alpha, chi=0.0, lam=one.direct.ridge)
        excess = runs.mean(runs(alpha, lam_teacher=one.distilled.ridge) - best)
        gained = runs.mean(best - runs(alpha, teacher="bayes"))
        optimal = float(theory(make_setting(alpha, teacher="bayes")).student.test_error)
        direct = one.direct.test_error
        estimates += [excess, gained]
        measured += [
            Measured(
                f"error above labels with the best ridge, alpha = {alpha:g}",
                one.distilled.test_error - direct, excess,
            ),
            Measured(
                f"what an optimal teacher gains on labels, alpha = {alpha:g}", direct - optimal,
                gained,
            ),
            Measured(
                f"share of the way to the Bayes bound, alpha = {alpha:g}",
                (direct - optimal) / (direct - one.bayes),
            ),
        ]  # fmt: skip
    tuned = min(_most_tuned(alpha, one) for alpha, one in found.items())
    measured.append(Measured("the same error above labels, chi, T and both ridges tuned", tuned))
    return PaperClaim(
        "limited",
        "the student is limited by its teacher: a trained one does not take it below the best"
        " ridge on labels, an optimal one does",
        tuple(measured),
        sign_verdict(estimates),
        f"both differences above 0 in the runs, at each alpha{_but(measured)}; with chi, T and both"
        f" ridges tuned, distillation from a trained teacher changes the error by {tuned:+.1e}",
    )


def _but(measured: list[Measured]) -> str:
    """Name what runs leave open."""
    left = [
        one.name
        for one in measured
        if one.runs is not None and (one.runs.ci95 is None or one.runs.ci95[0] <= 0.0)
    ]
    return f", but for {'; '.join(left)}" if left else ""


def _most_tuned(alpha: float, one: Inheritance) -> float:
    chi, temperature, lam, teacher = np.meshgrid(
        TUNED["chi"], TUNED["temperature"], one.direct.ridge * np.array(TUNED["lam_over_best"]),
        one.teacher.ridge * np.array([0.5, 1.0, 2.0]),
    )  # fmt: skip
    grid = make_setting(alpha, chi=chi, temperature=temperature, lam=lam, lam_teacher=teacher)
    return float(theory(grid).student.test_error.min() - one.direct.test_error)


def _descends_twice(runs: _Runs) -> PaperClaim:
    point = make_setting(0.5)
    (peak,) = error_peaks(point, low=0.2, high=2.0, points=30)
    sides = (0.25, 1.0)
    heights = runs(0.5)
    estimates = [runs.mean(heights - runs(alpha)) for alpha in sides]
    exact = [float(theory(replace(point, alpha=np.asarray(a))).student.test_error) for a in sides]
    top = float(theory(point).student.test_error)
    ridge = make_setting(0.5, lam=0.1)
    peaks = len(error_peaks(ridge, low=0.2, high=2.0, points=30))
    measured = [
        Measured("test error at alpha = eta", top, runs.mean(heights)),
        *(
            Measured(f"its excess over alpha = {a:g}", top - b, e)
            for a, b, e in zip(sides, exact, estimates, strict=True)
        ),
        Measured("place of the peak, alpha / eta", peak.alpha / 0.5),
        Measured("peaks of a student with lambda = 0.1", float(peaks)),
    ]
    return PaperClaim(
        "double descent",
        "the distilled student has a peak of its test error at alpha = eta",
        tuple(measured),
        sign_verdict(estimates),
        f"error at alpha = eta above that on both sides in the runs; peak at {peak.alpha / 0.5:.3f}"
        f" eta for large N, {'none' if peaks == 0 else peaks} with lambda = 0.1",
    )
