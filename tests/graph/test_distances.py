import numpy as np
import pytest
import scipy.stats

from sta.analysis.graph import DISTANCES, kolmogorov_smirnov, path_distribution, wasserstein
from sta.errors import ShapeError

from .networks import random_graph

EVERY = pytest.mark.parametrize("distance", DISTANCES.values(), ids=list(DISTANCES))


def samples(seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=50), rng.normal(0.3, 2, size=80)


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

    def test_triangle(self, distance, seed):
        a, b = samples(seed)
        c = a[:20] - 1
        assert distance(a, b) <= distance(a, c) + distance(c, b) + 1e-12

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
