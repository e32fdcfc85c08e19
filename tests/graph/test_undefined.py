"""Every claim of the table, on random layered graphs."""

import itertools

import igraph
import networkx
import numpy as np
import pytest

from sta.analysis.graph import to_networkx
from sta.analysis.graph.topology.null_models import degree_preserving
from sta.analysis.graph.topology.undefined import UNDEFINED, refuse
from sta.errors import StaError

from .networks import random_graph

GRAPHS = [
    random_graph(widths, seed, density)
    for seed, (widths, density) in enumerate(
        itertools.product([(3, 4, 2), (5, 4), (2, 3, 4, 3)], [0.4, 1.0])
    )
]


def adjacency(graph):
    return networkx.to_numpy_array(to_networkx(graph), nodelist=range(graph.n_nodes))


def as_igraph(graph):
    edges = np.argwhere(adjacency(graph)).tolist()
    return igraph.Graph(n=graph.n_nodes, edges=edges, directed=True)


def nilpotent(graph):
    return not np.linalg.matrix_power(adjacency(graph), graph.n_layers + 1).any()


def no_leading_eigenvector(graph):
    with pytest.raises((networkx.NetworkXException, ValueError)):
        networkx.eigenvector_centrality(to_networkx(graph), weight="weight")
    return nilpotent(graph)


def lengths_are_depths(graph):
    theirs = to_networkx(graph)
    layer_of = np.repeat(np.arange(graph.n_layers + 1), graph.widths)
    return all(
        steps == layer_of[end] - layer_of[start]
        for start, found in networkx.all_pairs_shortest_path_length(theirs)
        for end, steps in found.items()
    )


def no_feed_forward_loop(graph):
    return networkx.triadic_census(to_networkx(graph))["030T"] == 0


def no_triangle(graph):
    plain = networkx.Graph(to_networkx(graph).to_undirected())
    directed = networkx.clustering(networkx.DiGraph(to_networkx(graph)))
    return networkx.average_clustering(plain) == 0 and not any(directed.values())


def small_world_is_zero_over_zero(graph):
    return no_triangle(graph) and no_triangle(degree_preserving(graph, 0))


CLAIMS = {
    "adjacency_spectrum": nilpotent,
    "average_path_length": lengths_are_depths,
    "clustering": no_triangle,
    "cycle_count": lambda graph: networkx.is_directed_acyclic_graph(to_networkx(graph)),
    "diameter": lambda graph: not networkx.is_strongly_connected(to_networkx(graph)),
    "eigenvector_centrality": no_leading_eigenvector,
    "feed_forward_loops": no_feed_forward_loop,
    "in_coreness": lambda graph: not any(as_igraph(graph).coreness(mode="in")),
    "out_coreness": lambda graph: not any(as_igraph(graph).coreness(mode="out")),
    "reciprocity": lambda graph: as_igraph(graph).reciprocity() == 0,
    "small_world_omega": no_triangle,
    "small_world_sigma": small_world_is_zero_over_zero,
    "strongly_connected_components": lambda graph: (
        networkx.number_strongly_connected_components(to_networkx(graph)) == graph.n_nodes
    ),
    "transitivity": lambda graph: as_igraph(graph).transitivity_undirected() == 0,
}


@pytest.mark.parametrize("name", UNDEFINED)
def test_claim(name):
    for graph in GRAPHS:
        assert graph.n_edges > 0
        assert CLAIMS[name](graph)


@pytest.mark.parametrize("name", UNDEFINED)
def test_refusal_says_why_and_what_instead(name):
    with pytest.raises(StaError) as error:
        refuse(name)
    message = str(error.value)
    assert message.startswith(f"{name} of a layered graph: ")
    assert UNDEFINED[name].reason in message
    assert message.endswith(f"; use {UNDEFINED[name].instead}")
    assert "\n" not in message


def test_unknown_name():
    with pytest.raises(StaError, match="no undefined quantity 'strength'"):
        refuse("strength")
