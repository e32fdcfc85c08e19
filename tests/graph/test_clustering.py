import itertools

import networkx
import numpy as np
import pytest
import scipy.sparse

from sta.analysis.graph import LayeredGraph
from sta.analysis.graph.topology.clustering import robins_alexander_clustering

from .networks import permuted, random_graph


def brute_force(layer):
    """Cycles of four and paths of three edges by trying all units."""
    there = layer != 0
    n_in, n_out = there.shape
    cycles = sum(
        there[np.ix_(pair, other)].all()
        for pair in itertools.combinations(range(n_in), 2)
        for other in itertools.combinations(range(n_out), 2)
    )
    paths = sum(
        there[i, j] and there[k, j] and there[k, m]
        for i, k in itertools.permutations(range(n_in), 2)
        for j, m in itertools.permutations(range(n_out), 2)
    )
    return cycles, paths


@pytest.mark.parametrize("density", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_equals_brute_force_and_networkx(density):
    for seed, widths in enumerate([(5, 6, 4), (1, 4, 3), (8, 2), (3, 3, 3, 3)]):
        graph = random_graph(widths, seed, density)
        sparse = LayeredGraph.from_arrays([scipy.sparse.csr_array(m) for m in graph.layers])
        clustering = robins_alexander_clustering(graph)
        assert robins_alexander_clustering(sparse) == clustering
        for at, layer in enumerate(graph.layers):
            assert (clustering.cycles[at], clustering.paths[at]) == brute_force(layer)
            theirs = networkx.bipartite.from_biadjacency_matrix(scipy.sparse.csr_array(layer))
            expected = networkx.bipartite.robins_alexander_clustering(theirs)
            assert (clustering.coefficients[at] or 0) == pytest.approx(expected)


def test_complete_layer_tree_and_no_path():
    star, path = np.ones((1, 5)), np.array([[1.0, 1.0], [0.0, 1.0]])
    layers = [star, np.ones((5, 2)), path, np.zeros((2, 3))]
    clustering = robins_alexander_clustering(LayeredGraph.from_arrays(layers))
    assert clustering.coefficients == (None, 1, 0, None)
    assert [bool(reason) for reason in clustering.reasons] == [True, False, False, True]
    assert clustering.to_dict()["coefficients"] == [None, 1, 0, None]


def test_invariance():
    graph = random_graph((6, 7, 5), 0, 0.5)
    clustering = robins_alexander_clustering(graph)
    assert robins_alexander_clustering(permuted(graph, 1)) == clustering
    biased = LayeredGraph.from_arrays(graph.layers, biases=[np.ones(7), np.ones(5)])
    assert robins_alexander_clustering(biased) == clustering


def test_large_layer_is_exact():
    side = 1500
    clustering = robins_alexander_clustering(LayeredGraph.from_arrays([np.ones((side, side))]))
    assert clustering.paths == (side**2 * (side - 1) ** 2,)
    assert clustering.coefficients == (1,)
