import itertools

import networkx
import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
from scipy.sparse import csgraph

from sta.analysis.graph import LayeredGraph
from sta.analysis.graph.rescaling import rescale
from sta.analysis.graph.topology.persistence import (
    bottleneck_product,
    deep_graph_persistence,
    neural_persistence,
)
from sta.analysis.graph.topology.spanning_forest import spanning_forest_weights
from sta.errors import ShapeError, StaError

from .networks import permuted, random_graph


def family():
    """Random layers: complete, pruned, of few distinct weights, in blocks, and without edges."""
    rng = np.random.default_rng(0)
    for shape in [(1, 1), (1, 7), (6, 1), (5, 5), (9, 4), (20, 31)]:
        for density in (0.0, 0.1, 0.3, 1.0):
            kept = rng.random(shape) < density
            yield rng.normal(size=shape) * kept
            yield rng.integers(-2, 3, size=shape) * kept.astype(np.float64)
            yield np.sign(rng.normal(size=shape)) * kept
            yield np.outer(rng.normal(size=shape[0]), rng.normal(size=shape[1])) * kept
    yield scipy.linalg.block_diag(rng.normal(size=(3, 4)), np.ones((2, 2)), np.zeros((2, 1)))
    yield 1e-200 * rng.normal(size=(4, 5))


def scipys_forest(layer):
    """Minimum spanning forest of 2 - |w| / max |w|, for csgraph takes 0 as no edge."""
    n_in, n_out = layer.shape
    sources, targets = np.nonzero(layer)
    largest = np.abs(layer).max() or 1.0
    cost = 2 - np.abs(layer[sources, targets]) / largest
    size = n_in + n_out
    graph = scipy.sparse.csr_array((cost, (sources, n_in + targets)), shape=(size, size))
    return np.sort((2 - csgraph.minimum_spanning_tree(graph).data) * largest)[::-1]


def test_forest_equals_scipys_and_networkxs():
    for layer in family():
        weights = spanning_forest_weights(layer)
        np.testing.assert_array_equal(
            spanning_forest_weights(scipy.sparse.csr_array(layer)), weights
        )
        largest = np.abs(layer).max()
        np.testing.assert_allclose(weights, scipys_forest(layer), rtol=0, atol=1e-15 * largest)
        graph = networkx.bipartite.from_biadjacency_matrix(scipy.sparse.csr_array(np.abs(layer)))
        tree = networkx.maximum_spanning_tree(graph)
        theirs = sorted((w for *_, w in tree.edges(data="weight")), reverse=True)
        np.testing.assert_array_equal(weights, theirs)


def test_large_forest_equals_scipys():
    rng = np.random.default_rng(0)
    for layer in (rng.normal(size=(120, 150)), rng.integers(0, 4, (150, 90)).astype(float)):
        np.testing.assert_allclose(spanning_forest_weights(layer), scipys_forest(layer), atol=1e-15)


@pytest.mark.parametrize("order", [1, 2, 3.5])
def test_persistence_follows_its_definition(order):
    graph = random_graph((5, 8, 6, 3), 0, 0.4)
    largest = max(np.abs(layer).max() for layer in graph.layers)
    omitted = neural_persistence(graph, essential="omit", order=order)
    zero = neural_persistence(graph, essential="zero", order=order)
    for at, layer in enumerate(graph.layers):
        units = sum(layer.shape)
        points = 1 - scipys_forest(layer) / largest
        never_joined = np.ones(units - points.size)
        rest = np.append(points, never_joined[1:])
        assert omitted.layers[at] == pytest.approx(np.linalg.norm(rest, order))
        whole = np.append(points, never_joined)
        assert zero.layers[at] == pytest.approx(np.linalg.norm(whole, order))
        share = omitted.layers[at] / (units - 1) ** (1 / order)
        assert omitted.normalised[at] == pytest.approx(share)
        assert share <= 1
    assert omitted.mean == pytest.approx(np.mean(omitted.normalised))
    assert omitted.to_dict()["essential"] == "omit"


def test_components_that_no_edge_joins():
    isolated = LayeredGraph.from_arrays([[[1.0, 0.0], [0.0, 0.0]]])
    # of four units one pair is joined at 1: three components stay, one of them for ever
    assert neural_persistence(isolated, essential="omit").layers == (pytest.approx(2**0.5),)
    assert neural_persistence(isolated, essential="zero").layers == (pytest.approx(3**0.5),)
    nothing = LayeredGraph.from_arrays([np.zeros((2, 3))])
    assert neural_persistence(nothing, essential="omit").layers == (2.0,)
    assert neural_persistence(nothing, essential="zero").layers == (pytest.approx(5**0.5),)


@pytest.mark.parametrize("essential", ["omit", "zero"])
def test_zero_weights_are_as_edges_of_vanishing_weight(essential):
    layer = random_graph((6, 7), 0, 0.3).layers[0]
    for dead in (layer, np.where(np.arange(7) < 3, layer, 0.0)):
        faint = np.where(dead == 0, 1e-12, dead)
        sparse = neural_persistence(LayeredGraph.from_arrays([dead]), essential=essential)
        full = neural_persistence(LayeredGraph.from_arrays([faint]), essential=essential)
        assert sparse.mean == pytest.approx(full.mean, rel=1e-9)


def test_a_complete_layer_equals_the_published_count():
    """n - 1 edges of the spanning tree, all of (1, w), over sqrt(n - 1): arXiv:1812.09764."""
    layer = np.random.default_rng(5).uniform(0.1, 1, (9, 12))
    tree = scipys_forest(layer)
    assert tree.size == 20
    value = neural_persistence(LayeredGraph.from_arrays([layer]), essential="omit")
    assert value.mean == pytest.approx(np.linalg.norm(1 - tree / layer.max()) / np.sqrt(20))


@pytest.mark.parametrize("measure", [neural_persistence, deep_graph_persistence])
@pytest.mark.parametrize("essential", ["omit", "zero"])
def test_invariance(measure, essential):
    graph = random_graph((6, 7, 5), 0, 0.8)
    value = measure(graph, essential=essential)
    for at in range(3):
        assert measure(permuted(graph, at), essential=essential).mean == pytest.approx(value.mean)
    tripled = LayeredGraph.from_arrays([-3 * layer for layer in graph.layers])
    assert measure(tripled, essential=essential).mean == pytest.approx(value.mean)
    biased = LayeredGraph.from_arrays(graph.layers, biases=[np.full(7, 9.0), np.full(5, 9.0)])
    assert measure(biased, essential=essential) == value
    sparse = LayeredGraph.from_arrays([scipy.sparse.csr_array(m) for m in graph.layers])
    assert measure(sparse, essential=essential).mean == pytest.approx(value.mean)
    rescaled = rescale(graph, 1, np.linspace(0.2, 5, 7))
    assert abs(measure(rescaled, essential=essential).mean - value.mean) > 1e-3


def test_bottleneck_product_equals_the_triple_loop():
    rng = np.random.default_rng(0)
    for n, k, m in itertools.product([1, 3, 8], [1, 5, 150], [1, 4, 9]):
        for density in (0.0, 0.3, 1.0):
            a = np.abs(rng.normal(size=(n, k))) * (rng.random((n, k)) < density)
            b = rng.integers(0, 3, (k, m)) * rng.random((k, m)).round(1)
            expected = [
                [max(min(a[i, h], b[h, j]) for h in range(k)) for j in range(m)] for i in range(n)
            ]
            np.testing.assert_array_equal(bottleneck_product(a, b), expected)


def test_deep_graph_persistence_is_that_of_the_strongest_paths():
    graph = random_graph((4, 5, 6, 3), 1)
    standard = [np.abs(layer - layer.mean()) / layer.std() for layer in graph.layers]
    strengths = np.zeros((4, 3))
    for units in itertools.product(range(4), range(5), range(6), range(3)):
        weakest = min(
            m[i, j] for m, (i, j) in zip(standard, itertools.pairwise(units), strict=True)
        )
        strengths[units[0], units[-1]] = max(strengths[units[0], units[-1]], weakest)
    deep = deep_graph_persistence(graph, essential="omit")
    points = 1 - scipys_forest(strengths) / strengths.max()
    assert deep.layers == (pytest.approx(np.linalg.norm(points)),)
    assert deep.mean == pytest.approx(np.linalg.norm(points) / np.sqrt(4 + 3 - 1))


def test_a_missing_edge_stays_missing():
    graph = LayeredGraph.from_arrays([[[1.0, 0.0], [2.0, 4.0]], [[0.0], [3.0]]])
    with pytest.raises(StaError, match="the 1 edges of layer 1 all weigh 3"):
        deep_graph_persistence(graph, essential="omit")
    graph = LayeredGraph.from_arrays([[[1.0, 0.0], [2.0, 4.0]], [[0.0, 0.0], [3.0, 5.0]]])
    deep = deep_graph_persistence(graph, essential="zero")
    # input 0 reaches no output: it stays for ever, as does the component of the others
    strength = 1.0  # of both edges of layer 1, and of the weaker ends of the paths
    last = (4 - 7 / 3) / np.std([1, 2, 4])
    assert last > strength
    assert deep.layers == (pytest.approx(2**0.5),)


def test_bad_requests():
    graph = random_graph((3, 4, 2))
    for measure in (neural_persistence, deep_graph_persistence):
        with pytest.raises(TypeError, match="essential"):
            measure(graph)
        with pytest.raises(StaError, match="choose 'omit' or 'zero'"):
            measure(graph, essential="one")
        with pytest.raises(StaError, match="order is"):
            measure(graph, essential="omit", order=0.5)
    with pytest.raises(ShapeError, match="do not chain"):
        bottleneck_product(np.ones((2, 3)), np.ones((2, 3)))
    wide = scipy.sparse.csr_array(([1.0, 2.0], ([0, 1], [0, 1])), shape=(20_000, 20_000))
    with pytest.raises(StaError, match=r"3\.0 GiB"):
        deep_graph_persistence(LayeredGraph.from_arrays([wide]), essential="omit")
    value = neural_persistence(LayeredGraph.from_arrays([wide]), essential="omit").layers[0]
    assert value == pytest.approx((0.25 + 39_997) ** 0.5)
