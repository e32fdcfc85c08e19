"""Escape times of a known law: rate, constancy over sizes, and no exponent."""

import numpy as np
import pytest

from sta.analysis.statistics.transition.escapes import escape_scaling
from sta.errors import ShapeError

RATE = 0.115
SIZES = (500, 2000, 8000)


def times(seed, runs=200, sizes=SIZES, drift=0.0):
    """alpha = (log N - log chi2_2) / (2 lambda), the spread growing by `drift` a size."""
    rng = np.random.default_rng(seed)
    return {
        size: (np.log(size) - (1 + drift * k) * np.log(rng.chisquare(2, runs))) / (2 * RATE)
        for k, size in enumerate(sizes)
    }


def test_the_interval_of_the_rate_holds_the_truth():
    found = [escape_scaling(times(seed, sizes=(500, 8000))).rate for seed in range(200)]
    held = np.mean([one.ci95[0] < RATE < one.ci95[1] for one in found])
    assert 0.90 < held < 0.99


def test_the_law_of_the_delay_and_no_exponent():
    found = escape_scaling(times(0))
    assert abs(found.rate.value - RATE) < 3 * found.rate.se
    assert found.critical.value == pytest.approx(0.5 / found.rate.value)
    assert found.fit_p_value > 0.01 and found.shape_p_value > 0.01
    assert np.ptp(found.fraction_at_critical) < 0.15
    assert not found.power_law["identified"] and found.power_law["inv_nu"].value is None
    assert "no exponent nu is identified" in found.message


def test_a_law_that_changes_with_the_size_is_noticed():
    assert escape_scaling(times(0, drift=0.8)).shape_p_value < 0.001


BAD = {
    "one size": ({100: np.ones(20)}, "1 size"),
    "few runs": ({100: np.ones(3), 200: np.ones(20)}, "N = 100 has 3 runs"),
    "unescaped": (
        {100: np.arange(20.0), 200: np.r_[np.full(5, np.nan), np.arange(15.0)]},
        "N = 200: only 75% of the runs escaped",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    given, words = BAD[name]
    with pytest.raises(ShapeError, match=words):
        escape_scaling(given)
