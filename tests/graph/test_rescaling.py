import numpy as np
import pytest
import scipy.sparse

from sta.analysis.graph import LayeredGraph, balance, in_strength, rescale
from sta.analysis.graph.edges import dense, is_sparse
from sta.analysis.graph.rescaling import balanced_weights, incoming_norms
from sta.errors import ShapeError

from .networks import random_graph
from .path_lists import listed_paths, random_family, sparse_copy


def _output(graph, x):
    """Forward pass of a ReLU network whose bias units are units of constant output 1."""
    for at, layer in enumerate(graph.dense()):
        x = np.where(graph.is_bias(at), 1.0, np.maximum(x, 0) if at else x)
        x = x @ layer
    return x


def _factors(graph, layer, rng):
    return np.where(graph.is_bias(layer), 1.0, np.exp(rng.normal(size=graph.widths[layer])))


def _moved(graph, rng):
    for layer in range(1, graph.n_layers):
        graph = rescale(graph, layer, _factors(graph, layer, rng))
    return graph


def _with_fixed_scales(n, seed):
    """Graphs whose hidden units all have input: without any, no length fixes a scale."""
    for graph in random_family(n, seed, depths=(2, 3, 4)):
        inputs = [np.abs(layer).sum(axis=0) for layer in graph.dense()[:-1]]
        if all(np.all((one > 0) | graph.is_bias(at)) for at, one in enumerate(inputs, start=1)):
            yield graph


def test_function_and_paths_stay_and_storage_too():
    rng = np.random.default_rng(1)
    for graph in random_family(40, seed=1, depths=(2, 3, 4)):
        x = rng.normal(size=(6, graph.widths[0]))
        paths = listed_paths(graph)
        for net in (_moved(graph, rng), balance(graph)):
            np.testing.assert_allclose(_output(net, x), _output(graph, x), rtol=1e-9, atol=1e-12)
            moved = listed_paths(net)
            assert moved.keys() == paths.keys()
            for units, weight in paths.items():
                assert moved[units] == pytest.approx(weight, rel=1e-12)
            for ours, layer in zip(net.layers, graph.layers, strict=True):
                assert is_sparse(ours) == is_sparse(layer)


def test_balance_is_the_same_for_all_rescalings():
    rng = np.random.default_rng(2)
    graphs = list(_with_fixed_scales(80, seed=2))
    assert sum(graph.has_bias for graph in graphs) > 10 < sum(not g.has_bias for g in graphs)
    for graph in graphs:
        expected = balance(graph)
        for at, layer in enumerate(balance(_moved(graph, rng)).layers):
            np.testing.assert_allclose(dense(layer), dense(expected.layers[at]), rtol=1e-12)
        for layer in expected.layers[:-1]:
            lengths = np.linalg.norm(dense(layer), axis=0)
            np.testing.assert_allclose(lengths[lengths > 0], 1, rtol=1e-14)


def test_all_else_is_kept():
    graph = LayeredGraph.from_arrays(
        [np.ones((2, 3)), np.ones((3, 1))],
        unit_ids=[None, [5, 7, 9], None],
        biases=[np.ones(3), [2.0]],
        role="teacher",
        attributes={"gain": [np.zeros(2), np.arange(3.0), np.zeros(1)]},
        properties={"threshold": 0.5},
    )
    for net in (rescale(graph, 1, [2, 3, 4]), balance(graph)):
        assert net.role == "teacher" and net.properties == {"threshold": 0.5}
        assert net.unit_ids[1].tolist() == [5, 7, 9, -1]
        assert net.attributes["gain"][1][:3].tolist() == [0, 1, 2]
        assert [net.is_bias(at).tolist() for at in range(3)] == [
            graph.is_bias(at).tolist() for at in range(3)
        ]
    assert rescale(graph, 1, [2, 3, 4]).layers[0][2].tolist() == [2, 3, 4, 0]
    assert rescale(graph, 1, [2, 4, 8, 1]).layers[1].ravel().tolist() == [0.5, 0.25, 0.125, 2]


def test_bias_units_are_not_rescaled():
    graph = LayeredGraph.from_arrays([[[1.0, 2.0]], [[1.0], [1.0]]], biases=[None, [1.0]])
    with pytest.raises(ShapeError, match=r"holds 3\.0 for a bias unit of node layer 1"):
        rescale(graph, 1, [1.0, 2.0, 3.0])
    with pytest.raises(ShapeError, match="3 units"):
        rescale(graph, 1, [1.0])


@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_array])
def test_weights_beyond_float64_are_refused(kind):
    graph = LayeredGraph.from_arrays([kind([[1e-300, 1e300]]), kind([[1e300], [1.0]])])
    with pytest.raises(ShapeError, match="0 weights of layer 0 would be 0 and 1 infinite"):
        rescale(graph, 1, [1.0, 1e10])
    with pytest.raises(ShapeError, match="0 weights of layer 1 would be 0 and 1 infinite"):
        rescale(graph, 1, [1e-10, 1.0])
    graph = LayeredGraph.from_arrays([kind([[1e-300, 1e300]]), kind([[1.0], [1.0]])])
    with pytest.raises(ShapeError, match="factors of 1e-100 to 1e-10, 1 weights of layer 0 would"):
        rescale(graph, 1, [1e-100, 1e-10])
    assert rescale(graph, 1, [1e-20, 1e-10]).n_edges == 4


def test_sparse_strengths_after_balance_equal_dense_ones():
    graph = random_graph((6, 8, 5), 3, 0.4)
    sparse = balance(sparse_copy(graph))
    for ours, expected in zip(
        in_strength(sparse, weighting="signed"),
        in_strength(balance(graph), weighting="signed"),
        strict=True,
    ):
        np.testing.assert_allclose(ours, expected, atol=1e-14)


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_incoming_norms_equal_hypot(scale):
    for density in (1.0, 0.3, 0.0):
        matrix = random_graph((7, 9), 4, density).layers[0] * scale
        expected = np.hypot.reduce(matrix, axis=0)
        expected[expected == 0] = 1
        for kind in (np.asarray, scipy.sparse.csr_array):
            np.testing.assert_allclose(incoming_norms(kind(matrix)), expected, rtol=1e-14)


@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_array])
def test_columns_of_zeros_have_no_length(kind):
    matrix = np.array([[3.0, 0.0], [4.0, 0.0]])
    with np.errstate(all="raise"):
        assert incoming_norms(kind(matrix)).tolist() == [5, 1]


def test_balanced_weights_are_balanced_layers_over_their_largest():
    """Up to one factor per layer, with which bias units go along as with all sources."""
    rng = np.random.default_rng(5)
    for graph in _with_fixed_scales(80, seed=5):
        expected = balance(graph).dense()
        for net in (graph, _moved(graph, rng)):
            ours = balanced_weights(net)
            assert [matrix.shape for matrix in ours] == [layer.shape for layer in graph.layers]
            for matrix, reference in zip(ours, expected, strict=True):
                over = np.abs(reference).max() / (np.abs(matrix).max() or 1)
                np.testing.assert_allclose(matrix * over, reference, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("scale", [1e-250, 1e250])
def test_balanced_weights_of_extreme_layers_keep_biases_in_proportion(scale):
    """Layers times c and the bias behind l of them times c^l: the same network, scaled."""
    rng = np.random.default_rng(6)
    layers = [rng.normal(size=(3, 3)) for _ in range(3)]
    biases = [None, rng.normal(size=3), None]
    plain = LayeredGraph.from_arrays(layers, biases=biases)
    moved = LayeredGraph.from_arrays(
        [layers[0] * scale, layers[1], layers[2] / scale], biases=[None, biases[1] * scale, None]
    )
    for ours, expected in zip(balanced_weights(moved), balanced_weights(plain), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-11)
