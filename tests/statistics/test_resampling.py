"""Bootstrap over whole trials: intervals, coverage, honest nulls."""

import math

import numpy as np
import pytest
from scipy import stats

from sta import ConfigError, ShapeError
from sta.analysis.statistics import (
    Estimate,
    bca_interval,
    bootstrap_mean,
    estimate_from_replicates,
    percentile_interval,
    resample_counts,
)
from sta.analysis.statistics.resampling import small_sample_factor


def binomial_band(n: int, p: float) -> tuple[float, float]:
    low, high = stats.binom.ppf([0.001, 0.999], n, p) / n
    return float(low), float(high)


def test_estimate_dict_has_the_contract_keys():
    estimate = Estimate(1.0, 0.1, (0.8, 1.2), 0.05, ci68=(0.9, 1.1))
    assert estimate.to_dict() == {
        "value": 1.0,
        "se": 0.1,
        "ci95": [0.8, 1.2],
        "ci68": [0.9, 1.1],
        "systematic": 0.05,
    }
    assert set(Estimate(reason="why").to_dict().values()) == {None}


def test_counts_are_reproducible_and_complete():
    counts = resample_counts(7, 50, seed=3)
    assert counts.shape == (50, 7)
    assert (counts.sum(axis=1) == 7).all()
    assert (counts == resample_counts(7, 50, seed=3)).all()
    assert (counts != resample_counts(7, 50, seed=4)).any()


def test_strata_keep_their_sizes():
    counts = resample_counts(6, 40, seed=0, strata=[0, 0, 1, 1, 1, 2])
    assert (counts[:, :2].sum(axis=1) == 2).all()
    assert (counts[:, 2:5].sum(axis=1) == 3).all()
    assert (counts[:, 5] == 1).all()


def test_bca_matches_scipy():
    sample = np.random.default_rng(1).exponential(size=25)
    counts = resample_counts(25, 40_000, seed=2)
    replicates = counts @ sample / 25
    jackknife = (sample.sum() - sample) / 24
    ours = bca_interval(replicates, sample.mean(), jackknife)
    theirs = stats.bootstrap(
        (sample,), np.mean, n_resamples=40_000, method="BCa", random_state=np.random.default_rng(3)
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.015 * width)
    assert ours != pytest.approx(percentile_interval(replicates), abs=0.015 * width)


def test_percentile_matches_scipy():
    sample = np.random.default_rng(5).normal(size=12)
    replicates = resample_counts(12, 40_000, seed=2) @ sample / 12
    theirs = stats.bootstrap(
        (sample,),
        np.mean,
        n_resamples=40_000,
        method="percentile",
        random_state=np.random.default_rng(3),
    ).confidence_interval
    width = theirs.high - theirs.low
    assert percentile_interval(replicates) == pytest.approx(
        (theirs.low, theirs.high), abs=0.015 * width
    )


def test_small_sample_factor_gives_the_t_interval_of_a_mean():
    n, sd = 6, 2.0
    plug_in = sd * math.sqrt((n - 1) / n) / math.sqrt(n) * stats.norm.ppf(0.975)
    expected = stats.t.ppf(0.975, n - 1) * sd / math.sqrt(n)
    assert small_sample_factor(n) * plug_in == pytest.approx(expected)


def test_standard_error_is_that_of_the_mean():
    sample = np.random.default_rng(2).normal(size=8)
    estimate = bootstrap_mean(sample, range(8), seed=0, resamples=20_000)
    assert estimate.value == pytest.approx(sample.mean())
    assert estimate.se == pytest.approx(sample.std(ddof=1) / math.sqrt(8), rel=0.03)


@pytest.mark.parametrize("method", ["bca", "percentile"])
@pytest.mark.parametrize("n", [3, 5, 8, 15])
def test_coverage_of_a_mean_on_small_samples(n, method):
    repeats = 300
    rng = np.random.default_rng([n, 7])
    covered = 0
    for seed in range(repeats):
        estimate = bootstrap_mean(
            rng.normal(size=n), range(n), seed=seed, resamples=600, method=method
        )
        covered += estimate.ci95[0] <= 0.0 <= estimate.ci95[1]
    low, high = binomial_band(repeats, 0.95)
    floor = 0.88 if n < 8 else low - 0.02
    assert floor <= covered / repeats <= high + 0.02, covered / repeats


def test_coverage_when_points_of_a_trial_are_correlated():
    """Four students a trial that share the trial's shift: points are not the unit."""
    repeats, trials = 300, 8
    rng = np.random.default_rng(11)
    labels = np.repeat(np.arange(trials), 4).tolist()
    covered = naive = 0
    for seed in range(repeats):
        values = np.repeat(rng.normal(size=trials), 4) + 0.3 * rng.normal(size=4 * trials)
        by_trial = bootstrap_mean(values, labels, seed=seed, resamples=600)
        by_point = bootstrap_mean(values, range(4 * trials), seed=seed, resamples=600)
        covered += by_trial.ci95[0] <= 0.0 <= by_trial.ci95[1]
        naive += by_point.ci95[0] <= 0.0 <= by_point.ci95[1]
    assert 0.90 <= covered / repeats <= 0.985
    assert naive / repeats < 0.80


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 5, 8, 15, 40])
def test_coverage_of_a_skewed_mean(n):
    repeats = 3000
    rng = np.random.default_rng([n, 8])
    covered = 0
    for seed in range(repeats):
        estimate = bootstrap_mean(rng.exponential(size=n), range(n), seed=seed, resamples=1000)
        covered += estimate.ci95[0] <= 1.0 <= estimate.ci95[1]
    assert 0.86 <= covered / repeats <= 0.99, covered / repeats


@pytest.mark.parametrize(("trials", "words"), [(1, "1 trial:"), (2, "2 trials:")])
def test_few_trials_give_no_interval_but_a_reason(trials, words):
    estimate = bootstrap_mean(np.arange(trials) + 20.0, range(trials), seed=0)
    assert estimate.value == pytest.approx(20.0 + (trials - 1) / 2)
    assert estimate.se is None
    assert estimate.ci95 is None
    assert words in estimate.reason


def test_values_that_agree_give_a_point_interval():
    estimate = bootstrap_mean([22.0] * 5, range(5), seed=0)
    assert estimate.ci95 == (22.0, 22.0)
    assert estimate.se == 0.0


def test_replicates_that_fail_take_the_interval_away():
    draws = np.where(np.arange(100) < 30, np.nan, 1.0)
    assert "70 of 100" in estimate_from_replicates(1.0, draws, 8).reason
    assert estimate_from_replicates(np.nan, draws, 8).value is None
    assert estimate_from_replicates(1.0, [], 8).reason == "no resamples were drawn"


def test_bounds_cut_the_interval():
    draws = np.random.default_rng(0).normal(0.5, 1.0, 500)
    assert estimate_from_replicates(0.5, draws, 5, bounds=(0.0, 1.0)).ci95 == (0.0, 1.0)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: resample_counts(0, 5, 0), ConfigError, "0 trials"),
        (lambda: resample_counts(3, 0, 0), ConfigError, "0 resamples"),
        (lambda: resample_counts(3, 2, 0, strata=[0, 1]), ShapeError, "strata"),
        (lambda: bootstrap_mean([1.0, 2.0], [0], seed=0), ShapeError, "2 values but 1"),
        (lambda: bootstrap_mean([1.0, np.nan], [0, 1], seed=0), ShapeError, "nan"),
        (lambda: bootstrap_mean([1.0], [0], seed=0, method="bc"), ConfigError, "'bc'"),
        (lambda: bootstrap_mean([], [], seed=0), ShapeError, "non-empty"),
        (lambda: small_sample_factor(1), ConfigError, "at least 2"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)
