import json
import warnings

import igraph
import networkx
import numpy as np
import pytest
import scipy.sparse

from sta.analysis.graph import LayeredGraph, to_igraph, to_networkx
from sta.analysis.graph.formats import assembly, interop
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


def diamond(**options):
    graph = networkx.DiGraph(**options)
    graph.add_weighted_edges_from(
        [("z", "b", -1.0), ("z", "a", 2.0), ("b", "end", 3.0), ("a", "end", 4.0), ("y", "a", 5.0)]
    )
    return graph


def test_layers_are_inferred_relative_to_each_other():
    """An input that comes late, and one reached against its edge, find their layers."""
    graph = diamond()
    graph.add_edge("late", "end", weight=6.0)  # a source beside a and b
    layered = from_networkx(graph)
    assert layered.widths == (2, 3, 1)
    assert layered.layers[0].tolist() == [[-1.0, 2.0, 0.0], [0.0, 5.0, 0.0]]
    assert layered.layers[1].tolist() == [[3.0], [4.0], [6.0]]
    same(from_igraph(to_ig(graph)), layered)


@pytest.mark.parametrize("seed", range(20))
def test_inferred_layers_are_the_true_ones(seed):
    rng = np.random.default_rng(seed)
    widths = tuple(rng.integers(1, 6, rng.integers(2, 6)))
    graph = random_graph(widths, seed, 0.8)
    bare = networkx.DiGraph()
    whole = to_networkx(graph)
    bare.add_nodes_from(whole)
    bare.add_edges_from((s, t, {"w": d["weight"]}) for s, t, d in whole.edges(data=True))
    if networkx.is_weakly_connected(bare):
        same_weights(from_networkx(bare, weight="w"), graph)
    else:
        with pytest.raises(StaError, match="set the node attribute 'layer'"):
            from_networkx(bare, weight="w")


@pytest.mark.parametrize("convert", [from_networkx, lambda g: from_igraph(to_ig(g))])
def test_layers_by_another_name_with_gaps_and_as_text(convert):
    graph = diamond()
    graph.add_node("alone")
    layers = {"z": 1, "y": "1", "a": 2.0, "b": 2, "end": 3, "alone": 3}
    networkx.set_node_attributes(graph, layers, "layer")
    assert convert(graph).widths == (2, 2, 2), "layers may start at 1"
    graph.nodes["alone"]["layer"] = 5
    with pytest.raises(StaError, match="no node is in layer 3"):
        convert(graph)
    del graph.nodes["alone"]["layer"]
    with pytest.raises(StaError, match="'alone' has no 'layer'"):
        convert(graph)
    graph.nodes["alone"]["layer"] = 2.5
    with pytest.raises(StaError, match=r"'alone' has the layer 2\.5"):
        convert(graph)


def to_ig(graph):
    result = igraph.Graph.from_networkx(graph)
    result.vs["name"] = result.vs["_nx_name"]
    del result.vs["_nx_name"]
    return result


def test_another_attribute_may_hold_the_layer():
    graph = networkx.complete_multipartite_graph(2, 3)
    graph = networkx.DiGraph((s, t, {"w": 1}) for s, t in graph.edges)
    networkx.set_node_attributes(graph, {n: int(n > 1) for n in graph}, "subset")
    layered = from_networkx(graph, layer="subset", weight="w")
    assert layered.layers[0].tolist() == [[1.0] * 3] * 2 and not layered.attributes


def test_order_in_a_layer_is_by_index_else_by_appearance():
    graph = diamond()
    assert from_networkx(graph).layers[1].tolist() == [[3.0], [4.0]]
    for node, index in {"z": 5, "y": 1, "a": 0, "b": 9, "end": 0}.items():
        graph.nodes[node]["index"] = index
    assert from_networkx(graph).layers[1].tolist() == [[4.0], [3.0]]


def with_edge(*edge, **values):
    graph = diamond()
    graph.add_edge(*edge, **values)
    return graph


def zigzag():
    """Edges of unequal number on two ways from a to d, none of them longer than a step."""
    edges = [("a", "b"), ("b", "c"), ("e", "c"), ("e", "f"), ("g", "f"), ("g", "a"), ("h", "g")]
    graph = networkx.DiGraph(edges)
    networkx.set_edge_attributes(graph, 1.0, "weight")
    return graph


NOT_LAYERED = {
    "shortcut": (lambda: with_edge("z", "end", weight=1.0), "edge 'z' -> 'end' skips a layer"),
    "cycle": (lambda: with_edge("end", "z", weight=1.0), "edge '.*' -> '.*' is part of a cycle"),
    "two-cycle": (
        lambda: with_edge("b", "z", weight=1.0),
        "edge '[zb]' -> '[zb]' is part of a cycle",
    ),
    "loop": (lambda: with_edge("a", "a", weight=1.0), "edge 'a' -> 'a' is part of a cycle"),
    "late": (lambda: with_edge("y", "z", weight=1.0), "edge 'y' -> 'a' skips a layer"),
    "zigzag": (zigzag, "edge '.' -> '.' leads from layer"),
    "undirected": (lambda: diamond().to_undirected(), "undirected"),
    "no weight": (lambda: with_edge("y", "b"), "'y' -> 'b' has no weight.*weight=NAME"),
    "NaN": (lambda: with_edge("y", "b", weight=float("nan")), "'y' -> 'b' has weight nan"),
    "infinite": (lambda: with_edge("y", "b", weight=-np.inf), "'y' -> 'b' has weight -inf"),
    "text": (lambda: with_edge("y", "b", weight="1.0"), "'y' -> 'b' has weight '1.0'"),
    "vector": (lambda: with_edge("y", "b", weight=[1.0]), "has weight"),
    "complex": (lambda: with_edge("y", "b", weight=1j), "has weight 1j"),
    "huge": (lambda: with_edge("y", "b", weight=10**400), "finite"),
    "no nodes": (networkx.DiGraph, "no nodes"),
    "one node": (lambda: networkx.DiGraph({"a": []}), "no edges"),
    "two parts": (lambda: with_edge("p", "q", weight=1.0), "2 unconnected parts"),
}


@pytest.mark.parametrize("name", NOT_LAYERED)
def test_what_is_not_layered_is_refused_by_name(name):
    make, message = NOT_LAYERED[name]
    with pytest.raises(StaError, match=message) as caught:
        from_networkx(make())
    assert "\n" not in str(caught.value)
    if name not in ("no nodes", "one node", "huge"):
        with pytest.raises(StaError, match=message):
            from_igraph(to_ig(make()))


def test_parallel_edges():
    graph = networkx.MultiDiGraph(diamond())
    same(from_networkx(graph), from_networkx(diamond()))
    graph.add_edge("z", "b", weight=1.0)
    with pytest.raises(StaError, match="edge 'z' -> 'b' is there more than once"):
        from_networkx(graph)
    with pytest.raises(StaError, match="edge 0 -> 1 is there more than once"):
        from_igraph(igraph.Graph([(0, 1), (0, 1)], directed=True, edge_attrs={"weight": [1, 2]}))


def test_a_bias_unit_with_incoming_edges_is_refused():
    graph = diamond()
    networkx.set_node_attributes(graph, {"a": "bias"}, "kind")
    with pytest.raises(ShapeError, match="bias unit"):
        from_networkx(graph)


def test_zero_weights_are_no_edges():
    graph = with_edge("y", "b", weight=0)
    assert from_networkx(graph).n_edges == 5


def test_attributes_that_no_array_holds_are_left_out_with_a_warning():
    graph = diamond()
    networkx.set_node_attributes(graph, dict.fromkeys(graph, (0, 1)), "pos")
    with pytest.warns(UserWarning, match="'pos' is left out"):
        assert not from_networkx(graph).attributes


@pytest.mark.parametrize("convert", [to_igraph, to_networkx, to_scipy])
def test_names_of_our_own_are_refused(convert):
    with pytest.raises(StaError, match="attribute 'kind'"):
        convert(random_graph((2, 2), attributes={"kind": [[1, 2], [3, 4]]}))
    with pytest.raises(StaError, match="property 'widths'"):
        convert(random_graph((2, 2), properties={"widths": 3}))


def test_large_thin_layers_become_sparse(monkeypatch):
    monkeypatch.setattr(assembly, "LARGEST_SMALL_LAYER", 100)
    graph = LayeredGraph.from_arrays([np.eye(11), np.ones((11, 11)), np.ones((11, 2))])
    adjacency, widths = to_scipy(graph)
    sparse = [scipy.sparse.issparse(layer) for layer in from_scipy(adjacency, widths).layers]
    assert sparse == [True, False, False]
    same(from_networkx(to_networkx(graph)), graph)
    monkeypatch.setattr(assembly, "LARGEST_REMEMBERED", 100)
    assert scipy.sparse.issparse(from_networkx(to_networkx(graph)).layers[0])


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
