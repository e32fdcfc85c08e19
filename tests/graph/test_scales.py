"""Units of any scale: rescaled by up to 1e150 each, weights at the ends of float64, no paths."""

import math

import numpy as np
import pytest
import scipy.sparse

from sta.analysis.graph import (
    LayeredGraph,
    balance,
    count_paths,
    entropy_number,
    node_centrality,
    path_moments,
    path_shares,
    path_weights,
    rescale,
    signed_path_counts,
)
from sta.analysis.graph.edges import dense
from sta.analysis.graph.paths.enumeration import count_text
from sta.analysis.graph.rescaling import balanced_weights
from sta.analysis.graph.summary import path_std
from sta.errors import ShapeError, StaError

from .networks import random_graph
from .path_lists import listed_paths, random_family


def from_arrays(*layers, **options):
    return LayeredGraph.from_arrays(layers, **options)


def far_rescaled(graph, rng, largest=150):
    """Every hidden unit by its own factor of 10^U(-largest, largest)."""
    for layer in range(1, graph.n_layers):
        factors = 10.0 ** rng.uniform(-largest, largest, graph.widths[layer])
        graph = rescale(graph, layer, np.where(graph.is_bias(layer), 1.0, factors))
    return graph


def far_rescaled_family(n, seed):
    """Random graphs, and the same rescaled as far as float64 allows."""
    rng = np.random.default_rng(seed)
    for number, graph in enumerate(random_family(n, seed, depths=(2, 3, 4))):
        # two factors meet in a weight between hidden layers
        yield graph, far_rescaled(graph, rng, 150 if number % 2 else 50)


def test_no_rescaling_changes_a_sum_over_paths():
    for graph, moved in far_rescaled_family(60, seed=1):
        expected, ours = path_moments(graph), path_moments(moved)
        assert ours.count == expected.count
        for name in ("l1", "l2", "effective_number", "positive_mass", "negative_mass"):
            assert getattr(ours, name) == pytest.approx(getattr(expected, name), rel=1e-12), name
        assert ours.signed_sum == pytest.approx(expected.signed_sum, abs=1e-12 * expected.l1)
        assert entropy_number(moved) == pytest.approx(entropy_number(graph), rel=1e-11)


def test_no_rescaling_changes_a_listed_path():
    for graph, moved in far_rescaled_family(60, seed=2):
        expected = np.sort(path_weights(graph))
        np.testing.assert_allclose(np.sort(path_weights(moved)), expected, rtol=1e-12)


def test_balance_undoes_the_farthest_rescalings():
    for graph, moved in far_rescaled_family(60, seed=3):
        expected = balance(graph)
        pairs = zip(balance(moved).layers, expected.layers, strict=True)
        if all(np.all(np.abs(layer).sum(axis=0) > 0) for layer in graph.dense()[:-1]):
            for ours, layer in pairs:  # lengths fix all scales
                np.testing.assert_allclose(dense(ours), dense(layer), rtol=1e-11)
        for ours, layer in zip(balanced_weights(moved), balanced_weights(graph), strict=True):
            assert ours.shape == layer.shape and np.abs(ours).max() <= 1


def test_sums_over_paths_between_units_without_a_path():
    """A huge weight on a dead unit, and a tiny one that is on all paths."""
    graph = from_arrays([[1.0, 1e-200]], [[0.0], [1.0]])
    moments = path_moments(graph)
    assert (moments.count, moments.l1, moments.l2, moments.effective_number) == (
        1,
        1e-200,
        1e-200,
        1,
    )
    assert node_centrality(graph)[1].tolist() == [0, 1]
    assert path_weights(graph).tolist() == [1e-200]
    rng = np.random.default_rng(4)
    for kind in (np.asarray, scipy.sparse.csr_array):
        for _ in range(20):
            first, last = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
            plain = path_moments(from_arrays(first[:, :2], last[:2]))
            first[:, 2], last[2] = 1e300, 0  # unread
            first[:, 3], last[3] = 0, -1e300  # without input
            first, last = first * [1e-150, 1e-200, 1, 1], last * [[1e150], [1e200], [1], [1]]
            graph = from_arrays(kind(first), kind(last))
            ours = path_moments(graph)
            for name in ("l1", "l2", "signed_sum", "effective_number"):
                expected = pytest.approx(getattr(plain, name), rel=1e-11)
                assert getattr(ours, name) == expected
            assert np.all(node_centrality(graph)[1][2:] == 0)
            assert np.all(path_shares(graph)[1] == [0.5, 0.5, 0, 0])


def test_moderate_weights_may_add_up_to_extreme_sums():
    """Behind ten layers one unit's paths weigh 1e-500 and a dead one's 1e500."""
    layers = [np.diag([1e50, 0.0]), *[np.diag([1e50, 1.0])] * 9, *[np.diag([1e-50, 1e50])] * 10]
    moments = path_moments(from_arrays(*layers))
    assert (moments.count, moments.effective_number) == (1, 1)
    assert (moments.l1, moments.l2) == pytest.approx((1, 1), rel=1e-13)


def test_zeros_beside_the_smallest_weights_take_no_share():
    tiny = np.array([[5e-324, 0.0], [0.0, 5e-324]])
    graph = from_arrays(tiny, tiny, tiny[:, :1], biases=[None, [0.0, 5e-324], None])
    paths = listed_paths(from_arrays(tiny > 0, tiny > 0, tiny[:, :1] > 0))
    assert list(paths) == [(0, 0, 0, 0)]
    assert node_centrality(graph)[2].tolist() == [1, 0]
    assert path_moments(graph).effective_number == 1 == entropy_number(graph)


@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_array])
def test_products_out_of_range_on_the_way_are_listed(kind):
    for first, second, third in ((1e-200, 1e-200, 1e300), (1e200, -1e200, 1e-300)):
        graph = from_arrays(*(kind([[weight]]) for weight in (first, second, third)))
        assert path_weights(graph) == pytest.approx([first * third * second], rel=1e-12)
    for weight in (1e-200, 1e200):
        with pytest.raises(StaError, match="beyond the range of float64"):
            path_weights(from_arrays(kind([[weight]]), kind([[weight]])))


def test_negative_paths_do_not_drown_in_positive_ones():
    moments = path_moments(from_arrays([[1e16, -1.0]]))
    assert (moments.positive_mass, moments.negative_mass) == (1e16, 1.0)
    for graph in random_family(40, seed=5):
        weights = np.array(list(listed_paths(graph).values()))
        moments = path_moments(graph)
        assert moments.positive_mass == pytest.approx(weights[weights > 0].sum(), rel=1e-13)
        assert moments.negative_mass == pytest.approx(-weights[weights < 0].sum(), rel=1e-13)


def test_effective_numbers_lie_between_one_and_the_count():
    for seed in range(40):
        rng = np.random.default_rng(seed)
        layers = [np.full((3, 7), rng.normal()), np.full((7, 11), rng.normal())]
        for graph in (from_arrays(*layers), random_graph((3, 1, 1), seed).keep(0, [1])):
            for number in (path_moments(graph).effective_number, entropy_number(graph)):
                assert 1 <= number <= count_paths(graph)


def test_counts_beyond_float64():
    graph = from_arrays(*[np.full((64, 64), 1 / 64)] * 200)
    assert count_paths(graph) == 64**201
    with pytest.raises(StaError, match=r"^1\.102e\+363 paths exceed"):
        path_weights(graph)
    assert count_text(25_000) == "2.5e+04" and count_text(24) == "24"
    assert path_std(path_moments(graph)) == 0
    assert entropy_number(graph) == math.inf == path_moments(graph).effective_number
    signs = np.where(np.arange(64) % 2, 0.5, -0.5)[:, None] * np.ones((64, 64))
    spread = from_arrays(signs, *[np.full((64, 64), 0.5)] * 199)  # all weigh +- 2^-200
    assert path_std(path_moments(spread)) == pytest.approx(2.0**-200, rel=1e-12)


def test_standard_deviation_equals_that_of_the_list():
    for graph in random_family(40, seed=6):
        weights = np.array(list(listed_paths(graph).values()))
        if weights.size > 1:
            assert path_std(path_moments(graph)) == pytest.approx(weights.std(), rel=1e-9)
    equal = from_arrays(np.full((3, 3), 0.1), np.full((3, 3), 0.7))
    assert path_std(path_moments(equal)) == 0  # rounding is not a spread
    with pytest.raises(StaError, match="more than float64 holds"):
        path_std(path_moments(from_arrays(*[np.full((2, 2), 1e200)] * 2)))


def test_counts_through_wide_layers_are_exact():
    """The widest sum, of 2^21 + 3 counts of 2^32 - 1, is odd and above 2^53."""
    wide = 2**21 + 3
    layers = [np.ones((1, 2**16 + 1)), np.ones((2**16 + 1, 1)), np.ones((1, 2**16 - 1))]
    layers += [np.ones((2**16 - 1, 1)), np.ones((1, wide)), np.ones((wide, 1))]
    graph = from_arrays(*layers)
    assert count_paths(graph) == (2**32 - 1) * wide
    assert signed_path_counts(graph) == ((2**32 - 1) * wide, 0)


@pytest.mark.parametrize("weight", [1e-120, 1e120])
def test_what_cannot_be_balanced_is_refused(weight):
    graph = from_arrays(*[np.full((2, 2), weight)] * 4)
    with pytest.raises(ShapeError, match=r"length 1, \d weights of layer 3 would be 0 and"):
        balance(graph)
    assert count_paths(graph) == 32
    inside = from_arrays(*[np.full((2, 2), weight)] * 3, np.full((2, 2), weight**-2))
    np.testing.assert_allclose(balance(inside).layers[3], weight * 2**1.5, rtol=1e-12)
