import itertools
import math

import numpy as np
import pytest
import scipy.spatial
import scipy.stats

from sta.analysis.graph import path_distribution
from sta.analysis.graph.likeness.cumulative import as_sample, steps
from sta.analysis.graph.likeness.distances import (
    DISTANCES,
    energy,
    jensen_shannon,
    kolmogorov_smirnov,
    wasserstein,
)
from sta.errors import ShapeError, StaError

from .networks import random_graph

EVERY = pytest.mark.parametrize("distance", DISTANCES.values(), ids=list(DISTANCES))


def samples(seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=50), rng.normal(0.3, 2, size=80)


METRICS = [wasserstein, energy, kolmogorov_smirnov]


def weighted(seed, ties=False, scale=1.0):
    rng = np.random.default_rng(seed)
    a, b = samples(seed)
    if ties:
        a, b = np.round(a), np.round(b)
    return a, b, scale * rng.random(a.size), scale * rng.random(b.size)


@EVERY
@pytest.mark.parametrize("seed", range(5))
class TestLaws:
    def test_identity(self, distance, seed):
        a, _ = samples(seed)
        assert distance(a, a) == 0
        assert distance(a, np.random.default_rng(seed).permutation(a)) == 0
        assert distance(a, np.repeat(a, 3)) == pytest.approx(0, abs=1e-7)

    def test_symmetry(self, distance, seed):
        a, b = samples(seed)
        assert distance(a, b) == pytest.approx(distance(b, a), rel=1e-12)

    def test_positivity(self, distance, seed):
        a, b = samples(seed)
        assert distance(a, b) > 0
        assert distance(a, a + 0.1) > 0

    def test_weights_stand_for_repetition(self, distance, seed):
        a, b = samples(seed)
        counts = np.random.default_rng(seed).integers(0, 4, size=a.size)
        repeated = distance(np.repeat(a, counts), b)
        assert distance(a, b, a_weights=counts) == pytest.approx(repeated, rel=1e-9)
        assert distance(b, a, None, 2.5 * counts) == pytest.approx(repeated, rel=1e-9)


@EVERY
@pytest.mark.parametrize(
    ("a", "weights", "message"),
    [
        ([], None, "non-empty"),
        ([[1.0]], None, "1-d"),
        ([1.0, np.nan], None, "holds nan"),
        ([np.inf], None, "holds inf"),
        ([1.0, 2.0], [1.0], "one weight per value"),
        ([1.0, 2.0], [1.0, -1.0], "nonnegative"),
        ([1.0, 2.0], [0.0, 0.0], "not all 0"),
        ([1.0, 2.0], [1.0, np.nan], "finite"),
    ],
)
def test_bad_samples(distance, a, weights, message):
    with pytest.raises(ShapeError, match=message):
        distance(a, [0.0, 1.0], weights)
    with pytest.raises(ShapeError, match=message):
        distance([0.0, 1.0], a, None, weights)


@pytest.mark.parametrize("seed", range(5))
def test_ks_equals_scipy_also_with_ties(seed):
    a, b = (np.round(sample, 1) for sample in samples(seed))
    expected = scipy.stats.ks_2samp(a, b).statistic
    assert kolmogorov_smirnov(a, b) == pytest.approx(expected, rel=1e-12)


def test_wasserstein_is_the_area_between_quantile_curves():
    a = path_distribution(random_graph((4, 5, 3), 0)).weights
    b = path_distribution(random_graph((4, 5, 3), 1)).weights
    assert wasserstein(a, b) == pytest.approx(np.abs(a - b).mean(), rel=1e-12)
    assert wasserstein(a, a + 3) == pytest.approx(3)


@EVERY
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_laws_of_weighted_samples(distance, seed, ties):
    a, b, a_weights, b_weights = weighted(seed, ties)
    there = distance(a, b, a_weights, b_weights)
    assert there > 0
    assert distance(b, a, b_weights, a_weights) == pytest.approx(there, rel=1e-12)
    assert distance(a, a, a_weights, a_weights) == 0
    order = np.random.default_rng(seed).permutation(a.size)
    assert distance(a, a[order], a_weights, a_weights[order]) == pytest.approx(0, abs=1e-12)
    assert distance(a[order], b, a_weights[order], b_weights) == pytest.approx(there, rel=1e-12)


@EVERY
@pytest.mark.parametrize("scale", [1e300, 1e-300])
def test_weights_at_the_ends_of_float64(distance, scale):
    a, b, a_weights, b_weights = weighted(0)
    expected = distance(a, b, a_weights, b_weights)
    assert distance(a, b, scale * a_weights, b_weights) == pytest.approx(expected, rel=1e-12)
    many = np.full(10_000, 1e305)  # whose sum is beyond float64
    values = np.arange(10_000.0)
    assert distance(values, values, many) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("distance", METRICS)
@pytest.mark.parametrize("seed", range(5))
def test_triangle(distance, seed):
    a, b = samples(seed)
    c = a[:20] - 1
    assert distance(a, b) <= distance(a, c) + distance(c, b) + 1e-12


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_wasserstein_and_energy_equal_scipy(seed, ties):
    a, b, *weights = weighted(seed, ties)
    for given in (weights, (None, None), (weights[0], None)):
        expected = scipy.stats.wasserstein_distance(a, b, *given)
        assert wasserstein(a, b, *given) == pytest.approx(expected, rel=1e-12)
        expected = scipy.stats.energy_distance(a, b, *given)
        assert energy(a, b, *given) == pytest.approx(expected, rel=1e-12)


@EVERY
@pytest.mark.parametrize("piece", [1, 2, 7])
def test_pieces_do_not_show(distance, piece, monkeypatch):
    cases = [(*weighted(0, ties), ties) for ties in (False, True)]
    whole = [distance(*case[:4]) for case in cases]
    monkeypatch.setattr("sta.analysis.graph.likeness.cumulative.PIECE", piece)
    for (*case, ties), expected in zip(cases, whole, strict=True):
        assert len(list(steps(as_sample("a", case[0]), as_sample("b", case[1])))) > 1 + (not ties)
        assert distance(*case) == pytest.approx(expected, rel=1e-12)
        assert distance(case[0], case[0]) == 0
    assert distance([2.0] * 20, [2.0] * 3) == 0


def test_points_as_far_apart_as_float64_allows():
    far = [-1.6e308, 1.6e308]
    assert wasserstein(far, far) == 0
    assert wasserstein([0.0], [1.6e308]) == pytest.approx(1.6e308)
    assert wasserstein(far[:1], far[1:]) == math.inf


def bins_by_definition(a, b, bins):
    """Masses in bins of equal pooled mass, value by value."""
    masses = np.zeros((2, bins))
    for value in np.unique(np.concatenate([a, b])):
        below = ((a < value).mean() + (b < value).mean()) / 2
        upto = ((a <= value).mean() + (b <= value).mean()) / 2
        place = min(int(bins * (below + upto) / 2 + 1e-9), bins - 1)
        masses[:, place] += (a == value).mean(), (b == value).mean()
    return masses


@pytest.mark.parametrize("bins", [2, 7, 20, 300])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_jensen_shannon_equals_scipy_on_the_bins_of_its_definition(seed, ties, bins):
    a, b, *_ = weighted(seed, ties)
    p, q = bins_by_definition(a, b, bins)
    expected = scipy.spatial.distance.jensenshannon(p, q) ** 2
    assert jensen_shannon(a, b, bins=bins) == pytest.approx(expected, rel=1e-9)
    if not ties:
        assert (p + q).max() <= 2 / bins + 1 / 50 + 1 / 80


@pytest.mark.parametrize("seed", range(3))
def test_jensen_shannon_knows_only_the_order_of_values(seed):
    a, b, *weights = weighted(seed)
    value = jensen_shannon(a, b, *weights)
    assert 0 < value < math.log(2)
    assert jensen_shannon(np.exp(a), np.exp(b), *weights) == pytest.approx(value, rel=1e-12)
    assert jensen_shannon(a, a + 100) == pytest.approx(math.log(2), rel=1e-15)


def test_jensen_shannon_of_small_differences_is_the_quadratic_form():
    values = np.arange(2.0)
    for shift in (1e-3, 1e-6):
        p, q = np.array([0.5 + shift, 0.5 - shift]), np.array([0.5, 0.5])
        expected = np.sum((p - q) ** 2 / (p + q)) / 4
        assert jensen_shannon(values, values, p, q) == pytest.approx(expected, rel=1e-5)


def test_jensen_shannon_of_equal_distributions_has_the_stated_bias():
    rng = np.random.default_rng(0)
    draws = [jensen_shannon(rng.normal(size=300), rng.normal(size=500)) for _ in range(200)]
    assert np.mean(draws) == pytest.approx(19 * (1 / 300 + 1 / 500) / 8, rel=0.1)


def test_jensen_shannon_root_obeys_the_triangle_inequality_on_fixed_bins():
    rng = np.random.default_rng(0)
    values = np.arange(2.0)
    for p, q, r in rng.random((50, 3, 2)):
        ab, bc, ac = (
            math.sqrt(jensen_shannon(values, values, *pair))
            for pair in itertools.combinations((p, q, r), 2)
        )
        assert ab <= bc + ac + 1e-12


@pytest.mark.parametrize("bins", [1, 0, 10**7])
def test_jensen_shannon_needs_bins(bins):
    with pytest.raises(StaError, match=f"bins is {bins}"):
        jensen_shannon([0.0], [1.0], bins=bins)
