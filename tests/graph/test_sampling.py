import collections

import numpy as np
import pytest
import scipy.sparse
import scipy.stats

from sta.analysis.graph import LayeredGraph
from sta.analysis.graph.paths.centrality import node_centrality, path_shares
from sta.analysis.graph.paths.sampling import sample_paths
from sta.errors import StaError

from .networks import random_graph
from .path_lists import listed_paths, random_family


@pytest.mark.parametrize("by", ["count", "mass"])
def test_frequencies_fit_the_enumerated_paths(by):
    """Chi-square tests on many graphs; their p-values are uniform if the sampler is exact."""
    p_values = []
    for number, graph in enumerate(random_family(60, seed=1)):
        paths = listed_paths(graph)
        if len(paths) < 2:
            continue
        sample = sample_paths(graph, 4000, seed=number, by=by)
        drawn = collections.Counter(map(tuple, sample.units.tolist()))
        assert set(drawn) <= set(paths)
        sizes = np.array([1.0 if by == "count" else abs(w) for w in paths.values()])
        expected = 4000 * sizes / sizes.sum()
        seen = np.array([drawn[units] for units in paths])
        rare = expected < 5  # pooled: the statistic is chi-square for common paths only
        if rare.any():
            seen = np.append(seen[~rare], seen[rare].sum())
            expected = np.append(expected[~rare], expected[rare].sum())
        if seen.size > 1 and expected.min() >= 1:
            p_values.append(scipy.stats.chisquare(seen, expected).pvalue)
    assert len(p_values) > 30
    assert scipy.stats.kstest(p_values, "uniform").pvalue > 1e-3
    assert min(p_values) > 1e-5


def test_weights_are_those_of_the_paths():
    for graph in random_family(20, seed=2):
        paths = listed_paths(graph)
        if not paths:
            with pytest.raises(StaError, match="no path"):
                sample_paths(graph, 3, seed=0)
            continue
        sample = sample_paths(graph, 50, seed=0)
        expected = [paths[tuple(units)] for units in sample.units.tolist()]
        np.testing.assert_allclose(sample.weights, expected, rtol=1e-13)
        np.testing.assert_allclose(sample.log_abs, np.log(np.abs(expected)), atol=1e-13)


@pytest.mark.parametrize(("by", "shares"), [("count", path_shares), ("mass", node_centrality)])
@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_depth_30_beyond_float64(by, shares, scale):
    graph = random_graph([6] * 32, 3, 0.5)
    layers = [layer * scale for layer in graph.layers]
    if scale > 1:
        layers = [scipy.sparse.csr_array(layer) for layer in layers]
    graph = LayeredGraph.from_arrays(layers)
    sample = sample_paths(graph, 20_000, seed=4, by=by)
    assert np.isfinite(sample.log_abs).all()
    assert np.all(sample.weights == (0 if scale < 1 else np.copysign(np.inf, sample.weights)))
    for at, share in enumerate(shares(graph)):
        frequency = np.bincount(sample.units[:, at], minlength=6) / 20_000
        assert np.abs(frequency - share).max() < 5 * 0.5 / np.sqrt(20_000)
        assert not frequency[share == 0].any()


def test_mean_over_a_sample_estimates_the_sum_over_paths():
    graph = random_graph((20, 30, 30, 5), 5, 0.3)
    total = np.ones(20)
    for layer in graph.layers:
        total = total @ np.abs(layer)
    signed = np.ones(20)
    for layer in graph.layers:
        signed = signed @ layer
    by_mass = sample_paths(graph, 40_000, seed=6, by="mass")
    assert np.sign(by_mass.weights).mean() == pytest.approx(
        signed.sum() / total.sum(), abs=5 / np.sqrt(40_000)
    )


def test_seed_decides_and_generators_move_on():
    graph = random_graph((5, 6, 4), 7)
    draw = [sample_paths(graph, 100, seed=8).units for _ in range(2)]
    assert np.array_equal(*draw)
    rng = np.random.default_rng(8)
    moving = [sample_paths(graph, 100, seed=rng).units for _ in range(2)]
    assert np.array_equal(moving[0], draw[0]) and not np.array_equal(*moving)
    sparse = LayeredGraph.from_arrays([scipy.sparse.csr_array(layer) for layer in graph.layers])
    assert np.array_equal(sample_paths(sparse, 100, seed=8).units, draw[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"n": 0}, "n is 0"), ({"n": 2.5}, "n is 2.5"), ({"n": 1, "by": "weight"}, "'weight'")],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(StaError, match=message):
        sample_paths(random_graph((2, 2)), seed=0, **arguments)


def test_samples_that_would_fill_the_memory_are_refused():
    with pytest.raises(StaError, match="a sample of 1000000000000 paths would take"):
        sample_paths(random_graph((2, 2)), 10**12, seed=0)


class EndOfTheUnitInterval(np.random.Generator):
    """A generator whose numbers are all the largest below 1."""

    def __init__(self):
        super().__init__(np.random.PCG64(0))

    def random(self, size):
        return np.full(size, np.nextafter(1.0, 0.0))


@pytest.mark.parametrize("by", ["count", "mass"])
def test_rounding_at_the_end_of_a_row_meets_a_possible_step(by):
    """Shares of rows are added up over a whole layer, where the last digits are lost."""
    rng = np.random.default_rng(9)
    for kind in (np.asarray, scipy.sparse.csr_array):
        first, last = rng.normal(size=(40, 40)), rng.normal(size=(40, 3))
        first[:, 30:] = 0
        last[5:30] = 0
        graph = LayeredGraph.from_arrays([kind(first), kind(last)])
        sample = sample_paths(graph, 30, EndOfTheUnitInterval(), by)
        assert np.isfinite(sample.log_abs).all()
        assert set(sample.units[:, 1]) <= set(range(5))
        assert set(sample.units[:, 0]) == {39}
