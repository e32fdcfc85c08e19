import networkx
import numpy as np
import pytest
import scipy.sparse

from sta.analysis.graph import (
    LayeredGraph,
    in_degree,
    in_strength,
    in_strength_histogram,
    out_degree,
    out_strength,
    scaled_in_strength,
    to_networkx,
)
from sta.analysis.graph.strengths import layer_fluctuation, node_strength
from sta.errors import ShapeError, StaError

from .networks import random_graph
from .path_lists import random_family, sparse_copy

WEIGHTINGS = {
    "signed": lambda w: w,
    "absolute": abs,
    "positive": lambda w: max(w, 0),
    "negative": lambda w: max(-w, 0),
}


@pytest.mark.parametrize("density", [1.0, 0.4])
def test_degrees_and_strengths_equal_networkx(density):
    graph = random_graph((4, 6, 3), 1, density)
    reference: networkx.DiGraph = to_networkx(graph)
    for ours, theirs in (
        (in_degree(graph), reference.in_degree()),
        (out_degree(graph), reference.out_degree()),
        (in_strength(graph, weighting="signed"), reference.in_degree(weight="weight")),
        (out_strength(graph, weighting="signed"), reference.out_degree(weight="weight")),
    ):
        assert [part.size for part in ours] == list(graph.widths)
        np.testing.assert_allclose(
            np.concatenate(ours), [value for _, value in sorted(theirs)], atol=1e-14
        )


def test_absolute_strengths():
    graph = LayeredGraph.from_arrays([[[1.0, -2.0], [-3.0, 4.0]]])
    assert in_strength(graph, weighting="absolute")[1].tolist() == [4, 6]
    assert out_strength(graph, weighting="absolute")[0].tolist() == [3, 7]


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_all_weightings_on_every_storage_equal_sums_edge_by_edge(weighting):
    for graph in random_family(40, seed=1):
        incoming = [np.zeros(width) for width in graph.widths]
        outgoing = [np.zeros(width) for width in graph.widths]
        for at, layer in enumerate(graph.dense()):
            for (i, j), weight in np.ndenumerate(layer):
                outgoing[at][i] += WEIGHTINGS[weighting](weight)
                incoming[at + 1][j] += WEIGHTINGS[weighting](weight)
        for ours, expected in (
            (in_strength(graph, weighting=weighting), incoming),
            (out_strength(graph, weighting=weighting), outgoing),
        ):
            for part, reference in zip(ours, expected, strict=True):
                assert type(part) is np.ndarray
                np.testing.assert_allclose(part, reference, atol=1e-14)


def test_degrees_of_sparse_layers_equal_those_of_dense_ones():
    for density in (1.0, 0.3, 0.0):
        graph = random_graph((5, 8, 3), 2, density)
        for degree in (in_degree, out_degree):
            for ours, expected in zip(degree(sparse_copy(graph)), degree(graph), strict=True):
                assert ours.dtype == np.intp
                assert np.array_equal(ours, expected)


def test_wide_sparse_layers_stay_sparse():
    n = 200_000  # 300 GB as a dense matrix
    layer = scipy.sparse.random_array((n, n), density=5 / n, rng=np.random.default_rng(3))
    graph = LayeredGraph.from_arrays([layer])
    assert in_degree(graph)[1].sum() == out_degree(graph)[0].sum() == graph.n_edges
    totals = [part.sum() for part in node_strength(graph)]
    assert totals == pytest.approx([layer.sum()] * 2)


def test_node_strength_equals_networkx_and_counts_biases_where_they_are():
    plain = random_graph((4, 6, 3), 4, 0.7)
    biases = [np.arange(6.0), [1.0, -2.0, 0.5]]
    for graph in (plain, LayeredGraph.from_arrays(plain.layers, biases=biases)):
        net = to_networkx(graph).degree(weight="weight")
        ours = np.concatenate(node_strength(graph))
        np.testing.assert_allclose(ours, [value for _, value in sorted(net)], atol=1e-14)
    biased = LayeredGraph.from_arrays(plain.layers, biases=biases)
    for layer in (1, 2):
        units = ~biased.is_bias(layer)
        gained = node_strength(biased)[layer][units] - node_strength(plain)[layer]
        np.testing.assert_allclose(gained, biases[layer - 1], atol=1e-14)


def test_layer_fluctuation_is_the_published_formula_over_units():
    graph = LayeredGraph.from_arrays(random_graph((4, 6, 3), 5).layers, biases=[[9.0] * 6, None])
    expected = []
    for layer, strengths in enumerate(node_strength(graph)):
        units = [s for s, bias in zip(strengths, graph.is_bias(layer), strict=True) if not bias]
        mean = sum(units) / len(units)
        expected.append((sum((s - mean) ** 2 for s in units) / len(units)) ** 0.5)
    np.testing.assert_allclose(layer_fluctuation(graph), expected, rtol=1e-13)
    # equal biases shift all strengths of a layer alike
    np.testing.assert_allclose(layer_fluctuation(graph.without_bias()), expected, rtol=1e-13)


def test_weighting_is_explicit():
    graph = random_graph((2, 2))
    with pytest.raises(TypeError):
        in_strength(graph)
    with pytest.raises(StaError, match="'squared'"):
        out_strength(graph, weighting="squared")


def test_scaled_in_strength_equals_the_published_formula():
    trials = [random_graph((10, 20, 20), seed) for seed in range(3)]
    sums = [trial.layers[0].sum(axis=0) for trial in trials]
    span = np.max(np.concatenate(sums)) - np.min(np.concatenate(sums))
    for ours, expected in zip(scaled_in_strength(trials), sums, strict=True):
        np.testing.assert_allclose(ours, expected / span, rtol=1e-14)


def test_bias_units_have_no_scaled_in_strength():
    graph = LayeredGraph.from_arrays([np.eye(3), np.eye(3)], biases=[[1.0, 2.0, 3.0], np.ones(3)])
    assert scaled_in_strength([graph])[0].tolist() == [1.0, 1.5, 2.0]


def test_histogram_shares_bins_and_sums_to_100():
    trials = [random_graph((10, 20 + seed, 20), seed) for seed in range(3)]
    histogram = in_strength_histogram(trials, layer=2)
    np.testing.assert_allclose(np.diff(histogram.edges), 0.1)
    for percent in histogram.percent:
        assert percent.size == histogram.edges.size - 1
        assert percent.sum() == pytest.approx(100)


def test_bad_histograms():
    graph = random_graph((3, 4, 2))
    with pytest.raises(ShapeError, match="at least one"):
        scaled_in_strength([])
    for layer in (0, 3):
        with pytest.raises(ShapeError, match="no incoming weights"):
            scaled_in_strength([graph], layer=layer)
    with pytest.raises(StaError, match="range is 0"):
        scaled_in_strength([LayeredGraph.from_arrays([np.ones((3, 2))])])
    with pytest.raises(StaError, match="binwidth"):
        in_strength_histogram([graph], binwidth=0)


def test_ranges_that_are_rounding_are_refused():
    for layer in ([[1.0, 1.0 + 2.3e-16]], [[1e300, 1e300 * (1 + 1e-13)]], [[0.1, 0.3], [0.2, 0.0]]):
        with pytest.raises(StaError, match="their range is 0 up to rounding"):
            in_strength_histogram([LayeredGraph.from_arrays([layer])])


@pytest.mark.parametrize("layer", [[[1.7e308], [1.7e308]], [[1.7e308, -1.7e308]]])
def test_strengths_beyond_float64_are_refused(layer):
    graph = LayeredGraph.from_arrays([layer])
    with pytest.raises(StaError, match="beyond the range of float64"):
        scaled_in_strength([graph])
    with pytest.raises(StaError, match="strength of node layer"):
        if len(layer) == 2:
            in_strength(graph, weighting="signed")
        else:
            out_strength(graph, weighting="absolute")
    middle = LayeredGraph.from_arrays([[[1.7e308]], [[1.7e308]]])
    with pytest.raises(StaError, match="strength of node layer 1"):
        node_strength(middle)


@pytest.mark.parametrize("binwidth", [0.003, 0.03, 0.1, 0.7, 1.0])
def test_every_unit_is_in_its_bin(binwidth):
    rng = np.random.default_rng(7)
    for _ in range(10):
        # whole tenths: many strengths lie on the edge of a bin, up to rounding
        layers = [rng.integers(-9, 9, size=(1, 12)) / 10 for _ in range(3)]
        graphs = [LayeredGraph.from_arrays([layer]) for layer in layers]
        histogram = in_strength_histogram(graphs, binwidth=binwidth)
        for percent, scaled in zip(histogram.percent, scaled_in_strength(graphs), strict=True):
            assert percent.sum() == pytest.approx(100, rel=1e-12)
            cumulative = np.concatenate([[0], np.cumsum(percent)])
            for edge, below in zip(histogram.edges, cumulative, strict=True):
                clear = 100 * np.mean(scaled < edge - 1e-9), 100 * np.mean(scaled < edge + 1e-9)
                assert clear[0] - 1e-9 <= below <= clear[1] + 1e-9
