import itertools
import math

import networkx
import numpy as np
import pytest

from sta.analysis.graph import (
    LayeredGraph,
    count_paths,
    entropy_number,
    in_strength,
    path_distribution,
    path_moments,
    path_weights,
    rescale,
    to_igraph,
    to_networkx,
)
from sta.errors import StaError

from .networks import brute_force_paths, papers_curve, papers_paths, permuted, random_graph

SHAPES = [
    ((4, 3), 1.0),
    ((4, 3), 0.5),
    ((1, 1, 1), 1.0),
    ((5, 6, 4), 1.0),
    ((5, 6, 4), 0.4),
    ((3, 4, 5, 2), 0.5),
    ((2, 3, 3, 3, 2), 0.6),
    ((4, 4, 4), 0.05),
]


@pytest.mark.parametrize(("widths", "density"), SHAPES)
@pytest.mark.parametrize("seed", range(3))
def test_paths_equal_brute_force(widths, density, seed):
    graph = random_graph(widths, seed, density)
    expected = brute_force_paths(graph)
    paths = path_distribution(graph, "exact")
    np.testing.assert_allclose(paths.weights, expected, rtol=1e-13)
    assert paths.count == expected.size == count_paths(graph)
    assert (paths.method, paths.log_error_bound, paths.reason) == ("exact", 0.0, "")
    np.testing.assert_allclose(paths.signed_sum, expected.sum(), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(paths.l1, np.abs(expected).sum(), rtol=1e-12)
    np.testing.assert_allclose(paths.l2, np.sqrt((expected**2).sum()), rtol=1e-12)
    if expected.size:
        np.testing.assert_allclose(
            paths.effective_number, np.abs(expected).sum() ** 2 / (expected**2).sum(), rtol=1e-12
        )
        assert 1 - 1e-12 <= paths.effective_number <= paths.count * (1 + 1e-12)


@pytest.mark.parametrize(("widths", "density"), [((4, 5, 3), 1.0), ((4, 5, 4, 3), 0.5)])
def test_paths_equal_networkx_and_igraph(widths, density):
    graph = random_graph(widths, 2, density)
    expected = path_distribution(graph).weights
    nx_graph, ig_graph = to_networkx(graph), to_igraph(graph)
    starts = range(widths[0])
    ends = range(graph.n_nodes - widths[-1], graph.n_nodes)
    by_networkx = [
        math.prod(nx_graph.edges[edge]["weight"] for edge in path)
        for start in starts
        for path in networkx.all_simple_edge_paths(nx_graph, start, ends)
    ]
    by_igraph = [
        math.prod(ig_graph.es[ig_graph.get_eids(list(itertools.pairwise(path)))]["weight"])
        for start in starts
        for path in ig_graph.get_all_simple_paths(start, to=list(ends))
    ]
    np.testing.assert_allclose(np.sort(by_networkx), expected, rtol=1e-13)
    np.testing.assert_allclose(np.sort(by_igraph), expected, rtol=1e-13)


def test_two_layer_net_has_d_n_h2_paths():
    paths = path_distribution(random_graph((10, 27, 20)))
    assert paths.count == paths.weights.size == 10 * 27 * 20
    np.testing.assert_allclose(np.abs(paths.weights).sum(), paths.l1, rtol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(paths.weights), paths.l2, rtol=1e-12)
    np.testing.assert_allclose(paths.weights.sum(), paths.signed_sum, rtol=1e-12)


def test_transposed_arrays_are_the_same_network():
    """torch's weights arrive as transposes of arrays in C order."""
    graph = random_graph((6, 7, 5), 4)
    turned = LayeredGraph.from_arrays([np.ascontiguousarray(w.T).T for w in graph.layers])
    assert path_moments(turned) == path_moments(graph)
    np.testing.assert_array_equal(path_weights(turned), path_weights(graph))


def test_equal_weights_make_every_path_effective():
    graph = LayeredGraph.from_arrays([np.full((3, 4), -2.0), np.full((4, 5), 0.5)])
    moments = path_moments(graph)
    assert (moments.count, moments.signed_sum, moments.l1) == (60, -60.0, 60.0)
    assert moments.effective_number == pytest.approx(60, rel=1e-14)


@pytest.mark.parametrize("seed", range(4))
def test_permutation_and_rescaling_leave_paths_and_change_strengths(seed):
    graph = random_graph((6, 7, 5, 3), seed)
    moved = permuted(permuted(graph, 1, seed), 2, seed + 1)
    factors = np.random.default_rng(seed).uniform(0.1, 10, size=7)
    moved = rescale(moved, 1, factors)
    before, after = path_distribution(graph), path_distribution(moved)
    np.testing.assert_allclose(after.weights, before.weights, rtol=1e-12)
    assert after.effective_number == pytest.approx(before.effective_number, rel=1e-12)
    strengths = [np.sort(in_strength(net, weighting="absolute")[1]) for net in (graph, moved)]
    assert np.abs(strengths[0] - strengths[1]).max() > 0.5


@pytest.mark.parametrize("widths", [(10, 20, 20), (4, 3, 2), (1, 1, 1)])
def test_quantiles_equal_the_papers_curve(widths):
    graph = random_graph(widths, 3)
    weights = papers_paths(*graph.layers)
    paths = path_distribution(graph)
    np.testing.assert_array_equal(paths.weights, weights)
    for n_points in (1, 2, 7, weights.size, 5400):
        curve = paths.quantiles(np.linspace(0, 1, n_points))
        np.testing.assert_allclose(curve, papers_curve(weights, n_points), rtol=1e-9, atol=1e-12)


def test_quantiles_keep_shape_and_ends():
    paths = path_distribution(random_graph((3, 4, 2)))
    assert paths.quantiles(0.5).shape == ()
    assert paths.quantiles([[0, 1]]).tolist() == [[paths.weights[0], paths.weights[-1]]]


def test_quantiles_of_the_largest_weights_do_not_overflow():
    paths = path_distribution(LayeredGraph.from_arrays([[[-1.7e308, 1.7e308]]]))
    assert paths.quantiles([0, 0.25, 0.5, 1]).tolist() == pytest.approx(
        [-1.7e308, -0.85e308, 0, 1.7e308], rel=1e-15
    )
    equal = path_distribution(LayeredGraph.from_arrays([[[0.1] * 7]]))
    assert np.all(equal.quantiles(np.linspace(0, 1, 1001)) == 0.1)


def test_listed_weights_cannot_be_written():
    with pytest.raises(ValueError, match="read-only"):
        path_distribution(random_graph((2, 2))).weights[0] = 1


@pytest.mark.parametrize("level", [-0.1, 1.1, np.nan])
def test_quantile_levels_outside_the_unit_interval(level):
    with pytest.raises(StaError, match="not between 0 and 1"):
        path_distribution(random_graph((3, 4, 2))).quantiles([0.5, level])


def test_deep_net_counts_and_norms_stay_exact():
    rng = np.random.default_rng(0)
    layer, first, last = (rng.normal(size=shape) for shape in ((512, 512), (64, 512), (512, 10)))
    graph = LayeredGraph.from_arrays([first, *[layer] * 30, last])
    paths = path_distribution(graph, "moments")
    assert paths.count == 64 * 512**31 * 10
    assert np.isfinite([paths.signed_sum, paths.l1, paths.l2, paths.effective_number]).all()
    mean = math.sqrt(2 / math.pi)
    assert paths.l1 == pytest.approx(float(paths.count) * mean**32, rel=0.2)
    assert 1 < paths.effective_number < paths.count
    assert paths.method == "moments" and paths.weights is None
    with pytest.raises(StaError, match="moments were asked for"):
        paths.quantiles(0.5)


def test_deep_net_is_counted_in_bins():
    rng = np.random.default_rng(0)
    graph = LayeredGraph.from_arrays([rng.normal(size=(100, 100)) / 10 for _ in range(30)])
    paths = path_distribution(graph)
    assert paths.method == "dp" and paths.reason == ""
    assert paths.counts.sum() == pytest.approx(float(paths.count), rel=1e-13)
    assert np.isfinite(paths.quantiles([0.0, 0.25, 0.5, 1.0])).all()
    from_bins = (paths.counts * np.abs(paths.weights)).sum()
    assert abs(math.log(from_bins / paths.l1)) <= paths.log_error_bound


def entropy(weights):
    share = np.abs(weights) / np.abs(weights).sum()
    return math.exp(-(share * np.log(share)).sum())


@pytest.mark.parametrize(("widths", "density"), SHAPES)
def test_entropy_number_and_masses_equal_brute_force(widths, density):
    graph = random_graph(widths, 7, density)
    weights, moments = brute_force_paths(graph), path_moments(graph)
    expected = entropy(weights) if weights.size else 0.0
    assert entropy_number(graph) == pytest.approx(expected, rel=1e-12)
    assert moments.positive_mass == pytest.approx(weights[weights > 0].sum(), abs=1e-12)
    assert moments.negative_mass == pytest.approx(-weights[weights < 0].sum(), abs=1e-12)
    if weights.size:  # Hill numbers fall with their order
        bound = moments.count * (1 + 1e-12)
        assert moments.effective_number <= entropy_number(graph) * (1 + 1e-12) <= bound


def test_entropy_number_at_depth_thirty():
    graph = LayeredGraph.from_arrays([np.full((7, 7), 1e-12)] * 30)
    assert entropy_number(graph) == pytest.approx(7.0**31, rel=1e-11)


def test_sparse_deep_count_equals_python_integers():
    graph = random_graph((40,) * 31, 1, 0.5)
    vector = np.ones(40, dtype=object)
    for layer in graph.layers:
        vector = vector @ (layer != 0).astype(int).astype(object)
    assert count_paths(graph) == sum(int(entry) for entry in vector) > 2**53


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1e30, 1e150])
def test_scale_neither_overflows_nor_costs_precision(scale):
    graph = random_graph((4, 5, 3, 2), 1)
    scaled = LayeredGraph.from_arrays(
        [graph.layers[0] * scale, graph.layers[1], graph.layers[2] / scale]
    )
    a, b = path_moments(graph), path_moments(scaled)
    assert (b.l1, b.l2) == pytest.approx((a.l1, a.l2), rel=1e-13)
    assert b.effective_number == pytest.approx(a.effective_number, rel=1e-13)


def test_norms_beyond_float64_are_infinite_but_the_effective_number_is_not():
    moments = path_moments(LayeredGraph.from_arrays([np.full((2, 2), -1e200)] * 3))
    assert (moments.signed_sum, moments.l1, moments.l2) == (-math.inf, math.inf, math.inf)
    assert moments.effective_number == pytest.approx(16)


def test_path_weights_beyond_float64_are_not_listed():
    huge = LayeredGraph.from_arrays([np.full((2, 2), 1e200)] * 2)
    with pytest.raises(StaError, match="beyond the range of float64"):
        path_distribution(huge, "exact")
    paths = path_distribution(huge)
    assert (paths.method, paths.weights, paths.count) == ("moments", None, 8)
    assert "float64" in paths.reason


def test_no_path():
    graph = LayeredGraph.from_arrays([[[1.0, 0.0]], [[0.0], [1.0]]])
    paths = path_distribution(graph)
    assert (paths.count, paths.l1, paths.l2, paths.effective_number) == (0, 0, 0, 0)
    assert paths.weights.size == 0
    with pytest.raises(StaError, match="0 paths"):
        paths.quantiles(0.5)


def test_dead_ends_are_not_expanded():
    """2e9 partial paths lead nowhere; the two that arrive are listed at once."""
    blind = np.zeros((2000, 2))
    blind[0] = 1
    first = np.zeros((1000, 1000))
    first[0, 0] = 1
    graph = LayeredGraph.from_arrays([first, np.ones((1000, 2000)), blind])
    assert path_weights(graph).tolist() == [1.0, 1.0]


def test_limit():
    graph = random_graph((3, 4, 2))
    assert path_distribution(graph, limit=24).method == "exact"
    assert path_distribution(graph, limit=23).method == "dp"
    for attempt in (path_distribution, path_weights):
        options = {"method": "exact"} if attempt is path_distribution else {}
        with pytest.raises(StaError, match="24 paths exceed the limit of 23"):
            attempt(graph, limit=23, **options)


def test_methods():
    graph = random_graph((3, 4, 2))
    assert path_distribution(graph, "moments").weights is None
    with pytest.raises(StaError, match="path method is 'monte'"):
        path_distribution(graph, "monte")
