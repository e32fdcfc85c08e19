import json

import networkx
import numpy as np
import pytest

from sta.analysis.graph import interop, to_igraph, to_networkx
from sta.errors import StaError

from .networks import random_graph


@pytest.fixture
def graph():
    whole = random_graph(
        (3, 5, 4, 2), 1, 0.6, role="student", attributes={"bias": [range(n) for n in (3, 5, 4, 2)]}
    )
    return whole.keep(1, [4, 0, 2])


def test_both_libraries_hold_the_same_graph(graph):
    by_igraph, by_networkx = to_igraph(graph), to_networkx(graph)
    assert by_igraph.is_directed() and by_networkx.is_directed()
    assert by_igraph.vcount() == by_networkx.number_of_nodes() == graph.n_nodes
    assert by_igraph.ecount() == by_networkx.number_of_edges() == graph.n_edges
    assert list(by_networkx.nodes) == list(range(graph.n_nodes))
    for node, attributes in by_networkx.nodes(data=True):
        assert by_igraph.vs[node].attributes() == attributes
    for edge in by_igraph.es:
        assert by_networkx.edges[edge.tuple] == edge.attributes()


def test_edges_hold_signed_python_floats(graph):
    offsets = np.cumsum((0, *graph.widths))
    for source, target, edge in to_networkx(graph).edges(data=True):
        layer = edge["layer"]
        matrix = graph.layers[layer]
        assert edge["weight"] == matrix[source - offsets[layer], target - offsets[layer + 1]]
        assert type(edge["weight"]) is float and type(layer) is int


def test_node_attributes(graph):
    nodes = to_networkx(graph).nodes
    assert nodes[0] == {
        "layer": 0, "index": 0, "kind": "input", "name": "in:0", "orig_index": 0, "bias": 0
    }  # fmt: skip
    assert nodes[3]["name"] == "h1:0" and nodes[3]["orig_index"] == 4 == nodes[3]["bias"]
    assert (nodes[9]["name"], nodes[9]["kind"]) == ("h2:3", "hidden")
    assert (nodes[11]["name"], nodes[11]["kind"]) == ("out:1", "output")


def test_networkx_graph_is_plain_json_and_a_layered_dag(graph):
    result = to_networkx(graph)
    json.dumps(networkx.node_link_data(result, edges="edges"), allow_nan=False)
    assert networkx.is_directed_acyclic_graph(result)
    assert result.graph["role"] == "student" == to_igraph(graph)["role"]


def test_networkx_refuses_millions_of_edges(graph, monkeypatch):
    monkeypatch.setattr(interop, "NETWORKX_EDGE_LIMIT", 3)
    with pytest.raises(StaError, match="force=True"):
        to_networkx(graph)
    assert to_networkx(graph, force=True).number_of_edges() == graph.n_edges
