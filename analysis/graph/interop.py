"""The graph as an igraph or networkx object, for what those libraries do better.

Nodes are the integers ``0 .. n_nodes - 1``, layer after layer. Node attributes: ``layer``
(0 for inputs), ``index`` (in the layer), ``kind`` (input, hidden, output), ``name``
("h1:17": unit 17 of hidden layer 1), ``orig_index`` (before pruning), and the graph's own.
Edge attributes: ``weight`` (signed) and ``layer`` (of the source). All values are plain
Python numbers, because writers of JSON, GML and GraphML stumble over numpy's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sta.analysis.graph.layered_graph import LayeredGraph
from sta.errors import StaError

if TYPE_CHECKING:
    import igraph
    import networkx

__all__ = ["NETWORKX_EDGE_LIMIT", "to_igraph", "to_networkx"]

NETWORKX_EDGE_LIMIT = 2_000_000
"""Edges above which :func:`to_networkx` asks for ``force=True`` (about 350 bytes each)."""


def to_igraph(graph: LayeredGraph) -> igraph.Graph:
    """Directed igraph graph with the node and edge attributes of this module.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    igraph.Graph

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, 0.0], [2.0, -3.0]]])
    >>> to_igraph(graph).es["weight"]
    [1.0, 2.0, -3.0]
    """
    import igraph  # here, not above: the import takes longer than most analyses

    edges, edge_attributes = _edges(graph)
    return igraph.Graph(
        n=graph.n_nodes,
        edges=edges,
        directed=True,
        vertex_attrs=_node_attributes(graph),
        edge_attrs=edge_attributes,
        graph_attrs={"role": graph.role},
    )


def to_networkx(graph: LayeredGraph, *, force: bool = False) -> networkx.DiGraph:
    """Directed networkx graph with the node and edge attributes of this module.

    Parameters
    ----------
    graph : LayeredGraph
    force : bool, optional
        Build it even above ``NETWORKX_EDGE_LIMIT`` edges.

    Returns
    -------
    networkx.DiGraph

    Raises
    ------
    StaError
        If the graph has more than ``NETWORKX_EDGE_LIMIT`` edges and ``force`` is False.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0], [2.0]], [[-3.0]]])
    >>> to_networkx(graph).nodes[2]["name"]
    'h1:0'
    """
    if graph.n_edges > NETWORKX_EDGE_LIMIT and not force:
        raise StaError(
            f"{graph.n_edges} edges take {graph.n_edges * 350 / 2**30:.1f} GiB in networkx; "
            "use to_igraph, or pass force=True"
        )
    import networkx

    edges, edge_attributes = _edges(graph)
    node_attributes = _node_attributes(graph)
    result = networkx.DiGraph(role=graph.role)
    for node, values in enumerate(zip(*node_attributes.values(), strict=True)):
        result.add_node(node, **dict(zip(node_attributes, values, strict=True)))
    result.add_edges_from(
        (source, target, {"weight": weight, "layer": layer})
        for (source, target), weight, layer in zip(
            edges, edge_attributes["weight"], edge_attributes["layer"], strict=True
        )
    )
    return result


def _edges(graph: LayeredGraph) -> tuple[list[tuple[int, int]], dict[str, list[Any]]]:
    offsets = np.cumsum((0, *graph.widths))
    sources, targets, weights, layers = [], [], [], []
    for layer, matrix in enumerate(graph.layers):
        source, target = np.nonzero(matrix)
        sources.append(source + offsets[layer])
        targets.append(target + offsets[layer + 1])
        weights.append(matrix[source, target])
        layers.append(np.full(source.size, layer))
    # igraph takes a list of int pairs more than twice as fast as an integer array
    pairs = zip(np.concatenate(sources).tolist(), np.concatenate(targets).tolist(), strict=True)
    attributes = {
        "weight": np.concatenate(weights).tolist(),
        "layer": np.concatenate(layers).tolist(),
    }
    return list(pairs), attributes


def _node_attributes(graph: LayeredGraph) -> dict[str, list[Any]]:
    units = [(layer, index) for layer, width in enumerate(graph.widths) for index in range(width)]
    last = graph.n_layers
    columns: dict[str, list[Any]] = {
        name: np.concatenate(values).tolist() for name, values in graph.attributes.items()
    }
    columns |= {
        "layer": [layer for layer, _ in units],
        "index": [index for _, index in units],
        "kind": [_kind(layer, last) for layer, _ in units],
        "name": [f"{_prefix(layer, last)}:{index}" for layer, index in units],
        "orig_index": np.concatenate(graph.unit_ids).tolist(),
    }
    return columns


def _kind(layer: int, last: int) -> str:
    return "input" if layer == 0 else "output" if layer == last else "hidden"


def _prefix(layer: int, last: int) -> str:
    return "in" if layer == 0 else "out" if layer == last else f"h{layer}"
