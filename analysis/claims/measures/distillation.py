"""Measures for the claims of the solvable model of distillation (arXiv 2012.00194).

At the paper's setting: rho = 0.2, Delta = 1, eta = 0.5, no ridge on the student (1e-5).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sta.analysis.claims.rules import Measurement
from sta.analysis.claims.workplace import Workplace
from sta.distillation import Inheritance, inheritance, make_setting, simulate_distillation, theory

Array = NDArray[np.float64]
DIMENSION = 1000
ALPHA = 4.5
ETA = 0.5
COMPARED = (
    {"alpha": 1.0}, {"alpha": 2.0}, {"alpha": 4.5}, {"alpha": 4.5, "chi": 0.5},
    {"alpha": 4.5, "chi": 0.0}, {"alpha": 8.0, "loss": "square", "lam": 0.1},
)  # fmt: skip


def _draws(place: Workplace) -> int:
    return place.choose(12, 64)


def errors(place: Workplace, alpha: float, **given: Any) -> Array:
    """Return test errors of trained students; all settings share their draws of patterns."""

    def run() -> Array:
        setting = make_setting(alpha, **given)
        done = simulate_distillation(setting, DIMENSION, _draws(place), seed=place.seed)
        return done.student["test_error"]

    # At full precision: the name is also the file's, and ridges may differ late.
    told = ", ".join(f"{key} {value}" for key, value in {"alpha": alpha, **given}.items())
    return place.stored(f"distilled students, {told}", run)


def _optima(place: Workplace) -> Inheritance:
    found: Inheritance = place.once(
        f"best ridges at alpha = {ALPHA:g}", lambda: inheritance(make_setting(ALPHA))
    )
    return found


def _measured(place: Workplace, values: Array, note: str = "", **settings: Any) -> Measurement:
    every = {"n": DIMENSION, "eta": ETA, "rho": 0.2, "delta": 1.0, "seed": place.seed, **settings}
    return Measurement(tuple(values.tolist()), "draws", every, note)


def inherited(place: Workplace) -> Measurement:
    """Share of the best ridge's gain that a student without ridge has of its teacher's."""
    best = _optima(place)
    plain = errors(place, ALPHA, chi=0.0)
    taught = errors(place, ALPHA, lam_teacher=best.teacher.ridge)
    ridge = errors(place, ALPHA, chi=0.0, lam=best.direct.ridge)
    # Of each draw, over the mean gain: a draw's own gain can be near 0.
    share = (plain - taught) / np.mean(plain - ridge)
    exact = (best.unregularised - best.inherited) / (best.unregularised - best.direct.test_error)
    note = f"{exact:.4f} for large N"
    return _measured(place, share, note, alpha=ALPHA, lam_teacher=best.teacher.ridge)


def limited(place: Workplace) -> Measurement:
    """Test error taught by a trained teacher less that of the best ridge on labels."""
    best = _optima(place)
    ridge = errors(place, ALPHA, chi=0.0, lam=best.direct.ridge)
    taught = errors(place, ALPHA, lam_teacher=best.distilled.ridge)
    note = f"{best.distilled.test_error - best.direct.test_error:.2e} for large N"
    return _measured(place, taught - ridge, note, alpha=ALPHA, lam_teacher=best.distilled.ridge)


def optimal(place: Workplace) -> Measurement:
    """Test error of the best ridge on labels less that taught by a Bayes-optimal teacher."""
    best = _optima(place)
    ridge = errors(place, ALPHA, chi=0.0, lam=best.direct.ridge)
    taught = errors(place, ALPHA, teacher="bayes")
    exact = float(theory(make_setting(ALPHA, teacher="bayes")).student.test_error)
    note = f"{best.direct.test_error - exact:.2e} for large N"
    return _measured(place, ridge - taught, note, alpha=ALPHA)


def double_descent(place: Workplace) -> Measurement:
    """Test error at alpha = eta less the larger one of both sides."""
    top, *sides = (errors(place, alpha) for alpha in (ETA, ETA / 2.0, 2.0 * ETA))
    excess = top - np.maximum(*sides)
    return _measured(place, excess, alpha=[ETA / 2.0, ETA, 2.0 * ETA])


def theory_equals_runs(place: Workplace) -> Measurement:
    """Test error of trained students less the fixed point's, a draw's mean over six settings."""
    apart = []
    for given in COMPARED:
        setting: dict[str, Any] = dict(given)
        exact = float(theory(make_setting(**setting)).student.test_error)
        apart.append(errors(place, **setting) - exact)
    largest = max(abs(float(one.mean())) for one in apart)
    note = f"largest difference of a setting's mean {largest:.4f}"
    return _measured(place, np.mean(apart, axis=0), note, settings=list(COMPARED))
