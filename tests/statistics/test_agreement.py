"""Whether sizes share a parameter: level of the test, and its nulls."""

import numpy as np
import pytest

from sta.analysis.statistics import agreement, resample_counts


def draws(values: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Means of K columns over T trials, and their replicates from one set of resamples."""
    counts = resample_counts(len(values), 300, seed)
    return values.mean(axis=0), (counts @ values / len(values)).T


def test_level_with_shared_trials():
    """Sizes share the trials, so their estimates are correlated; the level must hold."""
    rng = np.random.default_rng(0)
    rejected = 0
    for seed in range(200):
        values = rng.normal(size=(8, 1)) + 0.5 * rng.normal(size=(8, 4))
        found = agreement("b", range(4), *draws(values, seed), 8)
        rejected += found.outcome == "differ"
    assert rejected <= 22


def test_power():
    values = np.random.default_rng(1).normal(size=(10, 3)) + np.array([0.0, 0.0, 4.0])
    found = agreement("b", (1, 2, 3), *draws(values, 0), 10)
    assert found.outcome == "differ"
    assert found.common.systematic == pytest.approx(np.ptp(values.mean(axis=0)) / 2)


@pytest.mark.parametrize(
    ("sizes", "trials", "words"),
    [((1, 2), 2, "2 trials"), ((1,), 8, "one size"), ((), 8, "no size")],
)
def test_untested(sizes, trials, words):
    values = np.random.default_rng(2).normal(size=(8, len(sizes)))
    found = agreement("b", sizes, *(draws(values, 0) if sizes else ([], [])), trials)
    assert found.outcome == "untested"
    assert words in found.message
    assert found.p_value is None


def test_estimates_without_variation():
    found = agreement("b", (1, 2), [1.0, 1.0], [np.ones(50), np.ones(50)], 8)
    assert found.outcome == "untested"
    assert found.common.value == 1.0
