"""Batches of trials, and kinds paired by trial."""

import numpy as np
import pytest

from sta.analysis.statistics.batches import batched, first_trials
from sta.analysis.statistics.covariance import trial_residuals
from sta.analysis.statistics.curves import Curve, CurveSet, mean_curve
from sta.analysis.statistics.kind_pairs import kind_pairs


def many(trials: int = 3000, seed: int = 0) -> CurveSet:
    rng = np.random.default_rng(seed)
    norm = rng.uniform(0.5, 1.5, trials)
    values = norm[:, None] * np.linspace(1, 0, 5) + 0.3 * rng.normal(size=(trials, 5))
    return CurveSet((Curve(1.0, np.arange(5.0), values, norm),), tuple(range(trials)))


def test_batches_keep_the_mean_and_the_variance_of_the_mean():
    curves = many()
    small = batched(curves, 300)
    assert len(small.trials) == 300
    assert mean_curve(small.curves[0]) == pytest.approx(mean_curve(curves.curves[0]), rel=1e-12)

    def error(one: CurveSet) -> np.ndarray:
        residuals = trial_residuals(one.curves[0])
        return residuals.std(axis=0, ddof=1) / np.sqrt(len(residuals))

    # a standard deviation of 300 numbers is known to 1 / sqrt(600) = 4 %
    assert error(small) == pytest.approx(error(curves), rel=0.17)


def test_trials_of_different_sizes_are_not_mixed():
    values = np.ones((900, 4))
    first, second = values.copy(), values.copy()
    first[600:], second[:600] = np.nan, np.nan
    norms = [np.where(np.isfinite(one[:, 0]), 1.0, np.nan) for one in (first, second)]
    x = np.arange(4.0)
    curves = CurveSet((Curve(1, x, first, norms[0]), Curve(2, x, second, norms[1])), (0,) * 900)
    small = batched(curves, 90)
    taking = np.stack([one.takes_part for one in small.curves])
    assert (taking.sum(axis=0) == 1).all()
    assert taking.sum(axis=1).tolist() == [60, 30]


def test_few_trials_and_groups_are_left_alone():
    curves = many(50)
    assert batched(curves, 50) is curves
    grouped = CurveSet(curves.curves, curves.trials, True, tuple(k // 10 for k in range(50)))
    assert batched(grouped, 10) is grouped
    assert len(first_trials(curves, 20).trials) == 20


def test_kinds_are_paired_by_trial(paper_like):
    students, ramps = paper_like
    pairs = kind_pairs(students, ramps, "spectral", 0.05)
    assert [(one.second, one.student_width) for one in pairs] == [
        ("direct", h) for h in (30, 60, 120)
    ]
    wide = pairs[-1].differences
    assert wide["effective size"].difference.value == 22 - 120
    assert wide["effective size"].n_pairs == 8
    assert wide["cost of keeping h_T"].difference.ci95[1] < 0
    # trials that one kind lacks are left out, not matched with others
    short = students[(students["kind"] == "spectral") | (students["trial"] > 2)]
    assert kind_pairs(short, ramps, "spectral", 0.05)[0].differences["test error"].n_pairs == 5
