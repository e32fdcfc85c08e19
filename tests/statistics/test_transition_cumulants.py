"""Susceptibility and cumulants over trials: closed forms, scaling, refusals."""

import json

import numpy as np
import pytest
from scipy import stats

from sta.analysis.statistics.curves import Curve
from sta.analysis.statistics.transition.cumulants import cumulants, sign_change
from sta.analysis.statistics.transition.ensembles import moments
from transition_truths import SIZES, scaling, whole


def two_phases(trials, sizes=SIZES):
    """Half of the trials at 1 and half at 0 in the middle, all at 1 before and 0 after."""
    x = np.linspace(0, 1, 5)
    half = np.arange(trials) % 2 == 0
    values = np.array([[1, 1, 1, 0, 0] if one else [1, 1, 0, 0, 0] for one in half], dtype=float)
    return whole([Curve(float(size), x, values, np.ones(trials)) for size in sizes])


def test_moments_against_plain_averages():
    rng = np.random.default_rng(0)
    m = 5 + rng.exponential(size=(30, 3))
    m[4, 1] = np.nan
    counts = rng.multinomial(30, np.full(30, 1 / 30), size=4)
    found = moments(m, counts)
    for b in range(4):
        sample = np.repeat(m, counts[b], axis=0)
        for p in range(3):
            v = sample[np.isfinite(sample[:, p]), p]
            assert found.number[b, p] == v.size
            assert found.mean[b, p] == pytest.approx(v.mean(), rel=1e-12)
            assert found.variance[b, p] == pytest.approx(v.var(ddof=1), rel=1e-10)
            assert found.second[b, p] == pytest.approx(np.mean(v**2), rel=1e-12)
            assert found.fourth[b, p] == pytest.approx(np.mean(v**4), rel=1e-12)
            assert found.kurtosis[b, p] == pytest.approx(stats.kurtosis(v) + 3, rel=1e-9)


def test_two_equal_phases_in_closed_form():
    found = cumulants(two_phases(60), resamples=200)
    for size, one in zip(SIZES, found.by_size, strict=True):
        assert one.chi[2] == pytest.approx(size / 4 * 60 / 59)
        assert one.u2[2] == pytest.approx(2.0) and one.u4[2] == pytest.approx(1 / 3)
        assert one.kurtosis[2] == pytest.approx(1.0)
        assert one.u2[0] == 1.0 and one.u4[0] == pytest.approx(2 / 3) and np.isnan(one.u2[4])
        assert one.peak_x.value == pytest.approx(0.5)
        assert one.relative_se == pytest.approx(np.sqrt(2 / 59))
    assert found.gamma_over_nu.value == pytest.approx(1.0)
    space = cumulants(two_phases(60), dimension=2.0, resamples=200)
    assert space.gamma_over_nu.value == pytest.approx(2.0)
    assert json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize("trials, told", [(19, "nothing"), (20, "chi, U2"), (48, "chi, U2")])
def test_too_few_trials_are_refused_with_their_error(trials, told):
    found = cumulants(two_phases(trials), resamples=50)
    one = found.by_size[0]
    share = f"{np.sqrt(2 / (trials - 1)):.0%}"
    assert told in one.reason and f"{trials} trials" in one.reason and share in one.reason
    assert (one.mean is None) == (trials < 20)
    assert one.chi is None and one.u2 is None and one.u4 is None and one.kurtosis is None
    assert one.peak_height.value is None and one.peak_height.reason
    assert found.gamma_over_nu.value is None and f"{trials} trials" in found.gamma_over_nu.reason
    assert all(cross.x.value is None and cross.x.reason for cross in found.crossings)


def test_exponent_and_crossings_of_a_scaling_truth():
    found = cumulants(scaling(0, trials=300), resamples=300)
    assert abs(found.gamma_over_nu.value - 0.75) < 3 * found.gamma_over_nu.se
    assert found.gamma_over_nu.se < 0.06 and found.p_value > 0.001
    assert [cross.sizes for cross in found.crossings[::2]] == [(16, 32), (32, 64), (64, 128)]
    for cross in found.crossings:
        assert abs(cross.x.value - 0.5) < 3.5 * cross.x.se and cross.x.se < 0.02


def test_a_peak_at_the_end_is_none():
    x = np.linspace(0, 1, 9)
    rng = np.random.default_rng(0)
    values = 1 + x * rng.standard_normal((60, 1))
    found = cumulants(whole([Curve(float(n), x, values, np.ones(60)) for n in SIZES]), resamples=50)
    assert found.by_size[0].chi is not None
    assert "at an end" in found.by_size[0].peak_x.reason
    assert "at an end" in found.gamma_over_nu.reason
    assert all("do not cross" in cross.x.reason for cross in found.crossings)


def test_the_change_of_sign_ignores_single_points():
    x = np.arange(6.0)
    rows = np.array([[-3, -3, 0.1, -3, 3, 3], [1, 1, 1, 1, 1, 1], [2, 2, -2, -2, -2, -2.0]])
    found = sign_change(x, rows)
    assert found[0] == 3.5 and np.isnan(found[1]) and found[2] == 1.5


@pytest.mark.slow
def test_coverage_of_the_peak_exponent_and_the_crossings():
    hits, crossed, inside = [], 0, 0
    for seed in range(200):
        found = cumulants(scaling(seed, trials=100, noise=0.01), seed=seed, resamples=300)
        low, high = found.gamma_over_nu.ci95
        hits.append(low <= 0.75 <= high)
        for cross in found.crossings:
            if cross.x.ci95 is not None:
                crossed += 1
                inside += cross.x.ci95[0] <= 0.5 <= cross.x.ci95[1]
    assert 0.90 <= np.mean(hits) <= 0.99
    assert crossed > 900 and 0.90 <= inside / crossed <= 0.99
