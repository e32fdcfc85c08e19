"""Differences over matched trials: matching, sign flips against scipy, level and coverage."""

import numpy as np
import pytest
from scipy import stats

from sta import ConfigError, ShapeError
from sta.analysis.statistics.paired_difference import paired_difference, sign_flip


def compared(a, b, groups=None, **options):
    labels = list(range(len(a)))
    return paired_difference(
        a, labels, b, labels, groups=None if groups is None else dict(enumerate(groups)), **options
    )


def test_trials_are_matched_by_label_and_repeats_averaged():
    found = paired_difference(
        [1.0, 3.0, 10.0, 4.0], ["x", "x", "y", "z"], [7.0, 0.0, 5.0], ["y", "w", "x"]
    )
    assert (found.n_pairs, found.n_unmatched) == (2, 2)
    assert found.difference.value == pytest.approx(((2 - 5) + (10 - 7)) / 2)
    assert found.difference.ci95 is None and "2 trials" in found.reason


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_exact_p_value_is_that_of_scipy(alternative):
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=9), rng.normal(size=9) + 0.5
    found = compared(a, b, alternative=alternative)
    theirs = stats.permutation_test(
        (a, b),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        n_resamples=np.inf,
        alternative=alternative,
    )
    assert found.exact and found.p_value == pytest.approx(theirs.pvalue)


def test_many_pairs_draw_signs():
    rng = np.random.default_rng(2)
    a = rng.normal(0.4, 1.0, 40)
    found = compared(a, np.zeros(40), flips=20_000)
    assert not found.exact
    assert found.p_value == pytest.approx(stats.ttest_1samp(a, 0.0).pvalue, rel=0.25)
    assert found == compared(a, np.zeros(40), flips=20_000)


def test_ties_and_what_few_units_can_show():
    rng = np.random.default_rng(0)
    p_value, smallest, exact = sign_flip(np.array([1.0, 1.0, 0.0]), "two-sided", 99, rng)
    assert (p_value, smallest, exact) == (0.5, 0.5, True)
    assert sign_flip(np.zeros(4), "two-sided", 99, rng)[:2] == (1.0, 1.0)
    assert sign_flip(np.array([1.0]), "less", 99, rng)[0] is None
    assert "no p-value below 0.0625" in compared(np.arange(5.0) + 1, np.zeros(5)).reason


def test_teachers_are_flipped_whole():
    """Three teachers that agree within: trials alone would claim far too much."""
    a = np.repeat([1.0, 1.2, 0.8], 6)
    groups = np.repeat(["r", "s", "t"], 6).tolist()
    found = compared(a, np.zeros(18), groups)
    assert (found.level, found.n_groups) == ("group", 3)
    assert found.p_value == found.smallest_p == 0.25
    assert "3 groups can give no p-value below 0.25" in found.reason
    assert found.components.between.value == pytest.approx(np.var([1.0, 1.2, 0.8], ddof=1))
    assert compared(a, np.zeros(18)).p_value < 1e-3


def test_two_teachers_fall_back_to_trials_and_say_so():
    found = compared(np.arange(8.0), np.zeros(8), list("aaaabbbb"))
    assert found.level == "trial" and found.n_groups == 2
    assert "other groups are not covered" in found.reason
    assert found.difference.ci95 is not None
    assert found.to_dict()["components"]["n_groups"] == 2


def test_level_and_coverage_with_teachers():
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(8), 3).tolist()
    rejected = flat = covered = 0
    for seed in range(120):
        a = np.repeat(rng.normal(size=8), 3) + 0.7 * rng.normal(size=24)
        options = {"resamples": 200, "flips": 200, "seed": seed}
        found = compared(a, np.zeros(24), groups, **options)
        rejected += found.p_value <= 0.05
        covered += found.difference.ci95[0] <= 0.0 <= found.difference.ci95[1]
        flat += compared(a, np.zeros(24), **options).p_value <= 0.05
    low, high = stats.binom.ppf([0.001, 0.999], 120, 0.05)
    assert low <= rejected <= high
    assert flat > 2 * 6
    assert 0.86 <= covered / 120 <= 1.0


def test_bad_input():
    with pytest.raises(ShapeError, match="no trial of a is among the 1 of b"):
        paired_difference([1.0], ["x"], [1.0], ["y"])
    with pytest.raises(ShapeError, match="2 values_a but 1 labels"):
        paired_difference([1.0, 2.0], ["x"], [1.0], ["x"])
    with pytest.raises(ShapeError, match=r"values_b\[0\] is nan"):
        compared([1.0], [np.nan])
    with pytest.raises(ShapeError, match="trial 'x' has no group"):
        paired_difference([1.0], ["x"], [1.0], ["x"], groups={})
    with pytest.raises(ConfigError, match="'smaller'"):
        compared([1.0], [2.0], alternative="smaller")
    with pytest.raises(ConfigError, match="flips is 0"):
        compared([1.0], [2.0], flips=0)
    with pytest.raises(ConfigError, match="'t'"):
        compared([1.0], [2.0], method="t")
