"""Graphs of other programs: whose layers are told from edges, and which of them are none."""

import igraph
import networkx
import numpy as np
import pytest
import scipy.sparse

from sta.analysis.graph import LayeredGraph, to_networkx
from sta.analysis.graph.formats import assembly
from sta.analysis.graph.formats.interop import from_igraph, from_networkx, from_scipy, to_scipy
from sta.errors import ShapeError, StaError

from .graphs import same, same_weights
from .networks import random_graph


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


def test_large_thin_layers_become_sparse(monkeypatch):
    monkeypatch.setattr(assembly, "LARGEST_SMALL_LAYER", 100)
    graph = LayeredGraph.from_arrays([np.eye(11), np.ones((11, 11)), np.ones((11, 2))])
    adjacency, widths = to_scipy(graph)
    sparse = [scipy.sparse.issparse(layer) for layer in from_scipy(adjacency, widths).layers]
    assert sparse == [True, False, False]
    same(from_networkx(to_networkx(graph)), graph)
    monkeypatch.setattr(assembly, "LARGEST_THIN", 100)
    monkeypatch.setattr(assembly, "LARGEST_GROWTH", 0)
    assert scipy.sparse.issparse(from_networkx(to_networkx(graph)).layers[0])
