import json
import math

import numpy as np
import pytest
import scipy.sparse

from sta.analysis.graph import LayeredGraph
from sta.analysis.graph.paths.strongest import strongest_paths
from sta.errors import StaError

from .networks import random_graph
from .path_lists import listed_paths, random_family, sparse_copy

SIGNS = {None: lambda _: True, "positive": lambda w: w > 0, "negative": lambda w: w < 0}


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("k", [1, 4, 10**9])
def test_strongest_paths_equal_enumeration(sign, k):
    for graph in random_family(60, seed=1):
        paths = {units: w for units, w in listed_paths(graph).items() if SIGNS[sign](w)}
        expected = sorted(paths, key=lambda units: -abs(paths[units]))[:k]
        ours = strongest_paths(graph, k, sign)
        assert ours.units.shape == (len(expected), graph.n_layers + 1)
        assert [tuple(row) for row in ours.units.tolist()] == expected
        weights = np.array([paths[units] for units in expected])
        np.testing.assert_allclose(ours.weights, weights, rtol=1e-13)
        np.testing.assert_allclose(ours.log_abs, np.log(np.abs(weights)), atol=1e-13)


def test_equal_weights_come_in_order_of_units_from_the_last_layer_back():
    rng = np.random.default_rng(2)
    for _ in range(20):
        layers = [rng.integers(-1, 2, size=(4, 4)) * 1.0 for _ in range(3)]
        graph = LayeredGraph.from_arrays(layers)
        expected = sorted(listed_paths(graph), key=lambda units: units[::-1])
        for k in (1, 3, 7):
            for net in (graph, sparse_copy(graph)):
                assert strongest_paths(net, k).units.tolist() == list(map(list, expected[:k]))


@pytest.mark.parametrize("scale", [1e-30, 1e30])
@pytest.mark.parametrize("sign", SIGNS)
def test_depth_30_beyond_float64(scale, sign):
    rng = np.random.default_rng(3)
    small = LayeredGraph.from_arrays([rng.normal(size=(5, 5)) for _ in range(31)])
    graph = LayeredGraph.from_arrays([layer * scale for layer in small.layers])
    ours, expected = strongest_paths(graph, 6, sign), strongest_paths(small, 6, sign)
    assert np.array_equal(ours.units, expected.units)
    np.testing.assert_allclose(ours.log_abs, expected.log_abs + 31 * math.log(scale), rtol=1e-14)
    products = [
        np.prod([layer[i, j] for layer, i, j in zip(small.layers, u, u[1:], strict=False)])
        for u in expected.units
    ]
    np.testing.assert_allclose(expected.weights, products, rtol=1e-13)
    assert np.array_equal(np.sign(expected.weights), np.sign(products))
    assert np.all(np.abs(ours.weights) == (0 if scale < 1 else math.inf))
    report = json.loads(json.dumps(ours.to_dict(), allow_nan=False))
    assert report["weights"] == [None] * 6 and "beyond" in report["reason"]


def test_products_out_of_range_on_the_way_only():
    graph = LayeredGraph.from_arrays([[[1e200]], [[-1e200]], [[1e-300]]])
    assert strongest_paths(graph).weights == pytest.approx([-1e100])
    assert "reason" not in strongest_paths(graph).to_dict()


def test_large_k_equals_the_sorted_sizes_of_all_paths():
    """Lists longer than a chunk's sources, against products by broadcasting."""
    graph = random_graph((12, 20, 20, 6), 4)
    a, b, c = graph.layers
    products = (a[:, :, None, None] * b[:, :, None] * c).ravel()
    ours = strongest_paths(graph, 2000)
    expected = np.sort(np.abs(products))[::-1][:2000]
    np.testing.assert_allclose(np.abs(ours.weights), expected, rtol=1e-12)
    np.testing.assert_allclose(
        ours.weights, products.reshape(12, 20, 20, 6)[tuple(ours.units.T)], rtol=1e-13
    )


def test_wide_sparse_layers_with_a_hub():
    """The best path equals scipy's shortest one along the lengths max(log|w|) - log|w|."""
    n = 20_000
    rng = np.random.default_rng(5)
    layers = []
    for _ in range(3):
        layer = scipy.sparse.random_array((n, n), density=2 / n, rng=rng, format="lil")
        layer[:, 0] = rng.random((n, 1))
        layers.append(scipy.sparse.csr_array(layer))
    ours = strongest_paths(LayeredGraph.from_arrays(layers), 3)
    blocks = [[None] * 4 for _ in range(4)]
    for at, layer in enumerate(layers):
        length = layer.copy()
        length.data = 1 - np.log(layer.data)  # weights below 1: every length is positive
        blocks[at][at + 1] = length
        blocks[at][at] = scipy.sparse.csr_array((n, n))
    blocks[3][3] = scipy.sparse.csr_array((n, n))
    lengths = scipy.sparse.csgraph.dijkstra(
        scipy.sparse.block_array(blocks, format="csr"), indices=np.arange(n), min_only=True
    )
    assert ours.log_abs[0] == pytest.approx(3 - lengths[3 * n :].min(), abs=1e-10)
    assert np.all(np.diff(ours.log_abs) <= 0)


@pytest.mark.parametrize("k", [0, -1, 1.5, "3"])
def test_bad_k(k):
    with pytest.raises(StaError, match="k is"):
        strongest_paths(random_graph((2, 2)), k)


def test_bad_sign():
    with pytest.raises(StaError, match="'both'"):
        strongest_paths(random_graph((2, 2)), sign="both")


def test_lists_that_would_fill_the_memory_are_refused():
    graph = LayeredGraph.from_arrays([np.ones((64, 64))] * 40)
    with pytest.raises(StaError, match="lists of the 1000000 best paths of all units would take"):
        strongest_paths(graph, 10**6)
    assert len(strongest_paths(random_graph((5, 4, 3)), 10**12).units) == 60
