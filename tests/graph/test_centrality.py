import itertools

import networkx
import numpy as np
import pytest
import scipy.sparse

from sta.analysis.graph import LayeredGraph, count_paths, rescale, to_networkx
from sta.analysis.graph.edges import dense, is_sparse
from sta.analysis.graph.paths.centrality import (
    edge_centrality,
    effective_size,
    effective_units,
    node_centrality,
    path_shares,
)
from sta.errors import StaError

from .networks import random_graph
from .path_lists import listed_paths, random_family


def _shares(graph, size):
    """Share of the paths through every unit and edge, path by path."""
    paths = listed_paths(graph)
    nodes = [np.zeros(width) for width in graph.widths]
    edges = [np.zeros(layer.shape) for layer in graph.layers]
    for units, weight in paths.items():
        for at, unit in enumerate(units):
            if unit >= 0:
                nodes[at][unit] += size(weight)
        for at, (i, j) in enumerate(itertools.pairwise(units)):
            if i >= 0:
                edges[at][i, j] += size(weight)
    total = sum(size(weight) for weight in paths.values())
    return [node / total for node in nodes], [edge / total for edge in edges]


def test_shares_equal_enumeration():
    checked = 0
    for graph in random_family(80, seed=1):
        if not listed_paths(graph):
            for undefined in (node_centrality, edge_centrality, path_shares):
                with pytest.raises(StaError, match="no path"):
                    undefined(graph)
            continue
        checked += 1
        nodes, edges = _shares(graph, abs)
        for ours, expected in zip(node_centrality(graph), nodes, strict=True):
            np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-15)
        for ours, expected, layer in zip(edge_centrality(graph), edges, graph.layers, strict=True):
            assert is_sparse(ours) == is_sparse(layer)
            np.testing.assert_allclose(dense(ours), expected, rtol=1e-12, atol=1e-15)
            if is_sparse(layer):
                assert ours.indices.tolist() == layer.indices.tolist()
        counts, _ = _shares(graph, lambda _: 1)
        for ours, expected in zip(path_shares(graph), counts, strict=True):
            np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-15)
    assert checked > 50


def test_layers_sum_to_one_or_to_the_mass_started():
    graph = random_graph((5, 7, 6, 3), 2, 0.6)
    for parts in (node_centrality(graph), edge_centrality(graph), path_shares(graph)):
        assert [part.sum() for part in parts] == pytest.approx([1] * len(parts))
    biased = LayeredGraph.from_arrays(graph.layers, biases=[None, np.ones(6), None])
    paths = listed_paths(biased)
    early = sum(abs(weight) for units, weight in paths.items() if units[0] >= 0)
    share = early / sum(map(abs, paths.values()))
    assert [part.sum() for part in node_centrality(biased)] == pytest.approx([share, 1, 1, 1])
    assert [part.sum() for part in edge_centrality(biased)] == pytest.approx([share, 1, 1])


def test_edge_centrality_is_the_synflow_saliency():
    """d log Z / d log|w| by central differences, Z the product of the absolute layers."""
    graph = random_graph((3, 4, 4, 2), 3, 0.8)

    def log_z(layers):
        z = np.ones(layers[0].shape[0])
        for layer in layers:
            z = z @ np.abs(layer)
        return np.log(z.sum())

    for at, ours in enumerate(edge_centrality(graph)):
        for i, j in np.ndindex(*ours.shape):
            ends = []
            for step in (1e-4, -1e-4):
                layers = [layer.copy() for layer in graph.layers]
                layers[at][i, j] *= np.exp(step)
                ends.append(log_z(layers))
            assert ours[i, j] == pytest.approx((ends[0] - ends[1]) / 2e-4, abs=1e-8)


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200, 5e-320])
def test_depth_and_scale_cannot_overflow(scale):
    rng = np.random.default_rng(4)
    small = LayeredGraph.from_arrays([np.abs(rng.normal(size=(6, 6))) + 1 for _ in range(40)])
    if scale == 5e-320:  # subnormal, of a few bits: the same for all
        graph = LayeredGraph.from_arrays([np.full((6, 6), scale)] * 40)
        expected = [np.full(6, 1 / 6)] * 41
    else:
        graph = LayeredGraph.from_arrays([layer * scale for layer in small.layers])
        expected = node_centrality(small)
    for nodes, reference in zip(node_centrality(graph), expected, strict=True):
        np.testing.assert_allclose(nodes, reference, rtol=1e-12)
    for edges in edge_centrality(graph):
        assert edges.sum() == pytest.approx(1)


def test_extreme_rescaling_changes_no_centrality():
    """Path sums of one layer that differ by 1e600 fit no common scale."""
    graph = random_graph((4, 5, 5, 3), 5)
    factors = np.array([1e-300, 1e300, 1, 1e-150, 1e150])
    moved = rescale(rescale(graph, 1, factors), 2, factors[::-1] ** 0.01)
    for ours, expected in zip(node_centrality(moved), node_centrality(graph), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-12)


def test_counts_of_a_deep_network_are_shares():
    layers = [np.ones((64, 512)), *[np.ones((512, 512))] * 29, np.ones((512, 10))]
    layers[5] = np.where(np.arange(512) > 0, 1.0, 0.0) * layers[5]  # 1e84 paths, none through it
    shares = path_shares(LayeredGraph.from_arrays(layers))
    assert shares[6][0] == 0
    np.testing.assert_allclose(shares[6][1:], 1 / 511, rtol=1e-13)
    np.testing.assert_allclose(shares[3], 1 / 512, rtol=1e-13)


def test_effective_units_are_those_of_the_paths():
    for graph in random_family(40, seed=6):
        paths = listed_paths(graph)
        masks = effective_units(graph)
        on_paths = [{units[at] for units in paths} - {-1} for at in range(graph.n_layers + 1)]
        assert [set(np.flatnonzero(mask)) for mask in masks] == on_paths
        size = effective_size(graph)
        bias = [set(np.flatnonzero(graph.is_bias(at))) for at in range(graph.n_layers + 1)]
        nodes = [len(units - bias[at]) for at, units in enumerate(on_paths)]
        edges = {
            (at, *pair)
            for units in paths
            for at, pair in enumerate(itertools.pairwise(units))
            if pair[0] >= 0
        }
        assert size.to_dict() == {
            "effective_nodes": sum(nodes),
            "effective_edges": len(edges),
            "effective_paths": len(paths),
            "nodes_by_layer": nodes,
        }


def test_effective_units_equal_networkx_reachability():
    graph = random_graph((20, 30, 30, 5), 7, 0.05)
    net: networkx.DiGraph = to_networkx(graph)
    ends = [node for node, layer in net.nodes(data="layer") if layer in (0, 3)]
    inputs = [node for node in ends if node < 20]
    outputs = [node for node in ends if node >= 80]
    behind = set(inputs).union(*(networkx.descendants(net, node) for node in inputs))
    before = set(outputs).union(*(networkx.ancestors(net, node) for node in outputs))
    ours = np.flatnonzero(np.concatenate(effective_units(graph)))
    assert set(ours.tolist()) == behind & before
    size = effective_size(graph)
    assert size.effective_edges == net.subgraph(behind & before).number_of_edges()
    assert size.effective_paths == count_paths(graph)


def test_wide_sparse_layers_stay_sparse():
    """20 000 units in a layer would take 3 GB as a dense matrix."""
    n = 20_000
    rng = np.random.default_rng(8)
    layers = [scipy.sparse.random_array((n, n), density=2 / n, rng=rng) for _ in range(3)]
    graph = LayeredGraph.from_arrays(layers)
    nodes, edges = node_centrality(graph), edge_centrality(graph)
    assert [part.sum() for part in nodes] == pytest.approx([1] * 4)
    assert [part.nnz for part in edges] == [layer.nnz for layer in graph.layers]
    np.testing.assert_allclose(edges[1].sum(axis=0), nodes[2], rtol=1e-12, atol=1e-20)
    masks = effective_units(graph)
    for mask, share in zip(masks, nodes, strict=True):
        assert np.array_equal(mask, share > 0)
