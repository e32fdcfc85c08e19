import json
import warnings

import networkx
import numpy as np
import pytest
import scipy.sparse

from sta.analysis.graph import to_igraph, to_networkx
from sta.analysis.graph.formats import interop
from sta.analysis.graph.formats.interop import from_igraph, from_networkx, from_scipy, to_scipy
from sta.errors import ShapeError, StaError

from .graphs import FAMILY, awkward_graph, same, same_weights
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


def test_networkx_warns_above_hundreds_of_thousands_of_edges(graph, monkeypatch):
    monkeypatch.setattr(interop, "NETWORKX_EDGE_WARNING", 3)
    with pytest.warns(UserWarning, match="to_igraph is smaller"):
        to_networkx(graph)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        to_networkx(graph, force=True)


@pytest.mark.parametrize("name", FAMILY)
def test_both_libraries_give_the_graph_back_to_the_last_bit(name):
    graph = FAMILY[name]()
    same(from_networkx(to_networkx(graph)), graph)
    same(from_igraph(to_igraph(graph)), graph)


@pytest.mark.parametrize("name", FAMILY)
def test_scipy_gives_the_weights_back(name):
    graph = FAMILY[name]()
    adjacency, widths = to_scipy(graph)
    expected = networkx.to_numpy_array(to_networkx(graph), nodelist=range(graph.n_nodes))
    assert isinstance(adjacency, scipy.sparse.csr_array)
    assert np.array_equal(adjacency.toarray(), expected)
    same_weights(from_scipy(adjacency, widths), graph)
    same_weights(from_scipy(adjacency.toarray(), widths), graph)


def test_bias_units_and_missing_values():
    graph = awkward_graph()
    nodes = to_networkx(graph).nodes
    bias = [node for node in nodes if nodes[node]["kind"] == "bias"]
    assert [nodes[node]["name"] for node in bias] == ["b0:3", "b2:4"]
    assert [nodes[node]["orig_index"] for node in bias] == [-1, -1]
    assert "eigenvalue" not in nodes[0] and "nothing" not in nodes[5]
    assert to_igraph(graph).vs[0]["eigenvalue"] is None
    json.dumps(networkx.node_link_data(to_networkx(random_graph((2, 1))), edges="edges"))


def test_graph_attributes():
    graph = random_graph((2, 3, 1), role="teacher", properties={"threshold": 0.25})
    by_igraph, by_networkx = to_igraph(graph), to_networkx(graph).graph
    assert {name: by_igraph[name] for name in by_igraph.attributes()} == by_networkx
    del by_networkx["schema"]
    assert by_networkx == {"role": "teacher", "widths": "2-3-1", "threshold": 0.25}


def test_what_was_changed_in_networkx_is_kept():
    changed = to_networkx(
        random_graph(
            (2, 3, 1),
            properties={"whole": 3, "name": "x"},
            attributes={"size": [[1, 2], [3, 4, 5], [6]]},
        )
    )
    changed.graph |= {"whole": 2.5, "role": "teacher", "new": True, "position": (1, 2)}
    changed.nodes[4]["size"] = 0.5
    changed.nodes[1]["colour"] = "red"
    changed.edges[0, 2]["weight"] = 7
    changed.remove_node(3)
    graph = from_networkx(changed)
    assert graph.widths == (2, 2, 1) and graph.unit_ids[1].tolist() == [0, 2]
    assert graph.properties == {"whole": 2.5, "name": "x", "new": True} and graph.role == "teacher"
    assert [values.tolist() for values in graph.attributes["size"]] == [[1, 2], [3, 0.5], [6]]
    assert graph.attributes["colour"][0].tolist() == ["", "red"]
    assert graph.layers[0][0, 0] == 7


@pytest.mark.parametrize("convert", [to_igraph, to_networkx, to_scipy])
def test_names_of_our_own_are_refused(convert):
    with pytest.raises(StaError, match="attribute 'kind'"):
        convert(random_graph((2, 2), attributes={"kind": [[1, 2], [3, 4]]}))
    with pytest.raises(StaError, match="property 'widths'"):
        convert(random_graph((2, 2), properties={"widths": 3}))


def test_bad_adjacency_matrices():
    adjacency, widths = to_scipy(random_graph((2, 3, 1), 0))
    for wrong in ((2, 3), (2, 4, 0), (), (-1, 7)):
        with pytest.raises(ShapeError, match="does not fit the widths"):
            from_scipy(adjacency, wrong)
    with pytest.raises(StaError, match="edge 0 -> 2 leads from layer 0 to layer 0"):
        from_scipy(adjacency, (3, 2, 1))
    with pytest.raises(ShapeError, match="does not fit"):
        from_scipy(adjacency[:4], widths)
    shortcut = adjacency.toarray()
    shortcut[0, 5] = 1
    with pytest.raises(StaError, match="edge 0 -> 5 leads from layer 0 to layer 2"):
        from_scipy(shortcut, widths)
    shortcut[0, 5] = np.nan
    with pytest.raises(StaError):
        from_scipy(shortcut, widths)
