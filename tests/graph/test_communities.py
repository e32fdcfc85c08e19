import random

import networkx
import numpy as np
import pytest
import scipy.linalg
import scipy.sparse

from sta.analysis.graph import LayeredGraph
from sta.analysis.graph.topology import communities
from sta.analysis.graph.topology.communities import core_numbers, leiden_communities
from sta.errors import StaError

from .networks import permuted, random_graph


def undirected(graph):
    theirs = networkx.Graph()
    theirs.add_nodes_from(range(graph.n_nodes))
    first = np.cumsum([0, *graph.widths])
    for at, layer in enumerate(graph.dense()):
        for i, j in np.argwhere(layer):
            ends = int(first[at] + i), int(first[at + 1] + j)
            theirs.add_edge(*ends, weight=abs(layer[i, j]))
    return theirs


def family():
    for seed, widths in enumerate([(4, 6, 3), (1, 1), (9, 2), (3, 5, 4, 6, 2)]):
        for density in (0.0, 0.3, 1.0):
            graph = random_graph(widths, seed, density)
            yield graph
            yield LayeredGraph.from_arrays([scipy.sparse.csr_array(m) for m in graph.layers])


def test_core_numbers_equal_networkxs():
    for graph in family():
        cores = core_numbers(graph)
        assert [part.size for part in cores] == list(graph.widths)
        theirs = networkx.core_number(undirected(graph))
        assert np.concatenate(cores).tolist() == [theirs[unit] for unit in range(graph.n_nodes)]


def test_modularity_equals_networkxs():
    for graph in family():
        found = leiden_communities(graph)
        membership = np.concatenate(found.membership)
        assert np.bincount(membership).tolist() == list(found.sizes)
        assert sorted(found.sizes, reverse=True) == list(found.sizes)
        if graph.n_edges == 0:
            assert (found.modularity, found.reason) == (None, "the graph has no edges")
            continue
        groups = [np.flatnonzero(membership == number) for number in range(len(found.sizes))]
        theirs = networkx.community.modularity(undirected(graph), groups)
        assert found.modularity == pytest.approx(theirs)
        assert found.to_dict()["modularity"] == found.modularity


def test_modularity_is_at_least_that_of_networkxs_communities():
    for seed in range(5):
        graph = random_graph((6, 8, 5), seed, 0.3)
        theirs = undirected(graph)
        groups = networkx.community.greedy_modularity_communities(theirs, weight="weight")
        floor = networkx.community.modularity(theirs, groups)
        assert leiden_communities(graph).modularity >= floor - 1e-3


def test_planted_blocks_are_found():
    blocks = [np.full((4, 5), -1.0), np.full((4, 5), 1.0), np.full((3, 2), -1e-3)]
    layer = scipy.linalg.block_diag(*blocks)
    graph = LayeredGraph.from_arrays([layer])
    found = leiden_communities(graph)
    assert found.sizes == (9, 9, 5)
    for rows, columns in ((slice(0, 4), slice(0, 5)), (slice(8, 11), slice(10, 12))):
        names = {*found.membership[0][rows].tolist(), *found.membership[1][columns].tolist()}
        assert len(names) == 1
    assert leiden_communities(permuted(graph, 0)).modularity == pytest.approx(found.modularity)


def test_seed_and_the_state_of_random():
    graph = random_graph((20, 30, 20), 0, 0.2)
    random.seed(7)
    before = random.getstate()
    first = leiden_communities(graph, seed=3)
    assert random.getstate() == before
    random.random()
    again = leiden_communities(graph, seed=3)
    assert first.to_dict() == again.to_dict()
    others = {leiden_communities(graph, seed=seed).modularity for seed in range(5)}
    assert len(others) > 1


def test_signs_and_biases_are_left_out():
    graph = random_graph((6, 7, 5), 0, 0.5)
    positive = LayeredGraph.from_arrays([1e-200 * np.abs(layer) for layer in graph.layers])
    biased = LayeredGraph.from_arrays(graph.layers, biases=[np.ones(7), np.ones(5)])
    for other in (positive, biased):
        theirs, ours = leiden_communities(other), leiden_communities(graph)
        assert [part.tolist() for part in theirs.membership] == [
            part.tolist() for part in ours.membership
        ]
        assert [part.tolist() for part in core_numbers(other)] == [
            part.tolist() for part in core_numbers(graph)
        ]


def test_too_many_edges(monkeypatch):
    monkeypatch.setattr(communities, "LARGEST_EDGES", 10)
    for function in (core_numbers, leiden_communities):
        with pytest.raises(StaError, match="12 edges and igraph is given at most 10"):
            function(random_graph((3, 4)))
