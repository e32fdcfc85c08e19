"""The graph as an igraph, networkx or scipy object, for what those libraries do better, and back.

Node attributes and graph attributes are the columns and the facts of
:mod:`sta.analysis.graph.formats.columns`; edges have ``weight`` (signed) and ``layer`` (of the
source). All values are plain Python numbers, because writers of JSON, GML and GraphML stumble over
numpy's; a unit without a value has no such attribute in networkx, None in igraph.

What ``to_networkx`` and ``to_igraph`` make, ``from_networkx`` and ``from_igraph`` turn back
into the same graph, every bit of it; scipy's matrix holds the weights alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse

from sta.analysis.graph.edges import Layer
from sta.analysis.graph.formats.assembly import graph_from_columns
from sta.analysis.graph.formats.columns import Columns, columns_of, plain, records
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.errors import ShapeError, StaError

if TYPE_CHECKING:
    import igraph
    import networkx

__all__ = [
    "NETWORKX_EDGE_LIMIT",
    "NETWORKX_EDGE_WARNING",
    "from_igraph",
    "from_networkx",
    "from_scipy",
    "to_igraph",
    "to_networkx",
    "to_scipy",
]

NETWORKX_EDGE_LIMIT = 2_000_000
"""Edges above which :func:`to_networkx` asks for ``force=True`` (about 350 bytes each)."""
NETWORKX_EDGE_WARNING = 200_000
"""Edges above which :func:`to_networkx` warns, unless forced."""


def to_igraph(graph: LayeredGraph) -> igraph.Graph:
    """Directed igraph graph with the attributes of this module.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    igraph.Graph

    Raises
    ------
    StaError
        If an attribute or a property has a name that this module uses itself.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, 0.0], [2.0, -3.0]]])
    >>> to_igraph(graph).es["weight"]
    [1.0, 2.0, -3.0]
    """
    import igraph  # here, not above: the import takes longer than most analyses

    columns = columns_of(graph)
    # pairs one at a time: several times as fast as an integer array, and no list of tuples
    edges = zip(columns.sources.tolist(), columns.targets.tolist(), strict=True)
    return igraph.Graph(
        n=graph.n_nodes,
        edges=edges,
        directed=True,
        vertex_attrs={name: plain(np.asarray(column)) for name, column in columns.nodes.items()},
        edge_attrs=_edge_attributes(columns),
        graph_attrs=dict(columns.facts),
    )


def to_networkx(graph: LayeredGraph, *, force: bool = False) -> networkx.DiGraph:
    """Directed networkx graph with the attributes of this module.

    Parameters
    ----------
    graph : LayeredGraph
    force : bool, optional
        Build it even above ``NETWORKX_EDGE_LIMIT`` edges, and without a warning above
        ``NETWORKX_EDGE_WARNING``.

    Returns
    -------
    networkx.DiGraph

    Raises
    ------
    StaError
        If the graph has more than ``NETWORKX_EDGE_LIMIT`` edges and ``force`` is False, or an
        attribute or a property has a name that this module uses itself.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0], [2.0]], [[-3.0]]])
    >>> to_networkx(graph).nodes[2]["name"]
    'h1:0'
    """
    size = f"{graph.n_edges} edges take {graph.n_edges * 350 / 2**30:.1f} GiB in networkx"
    if graph.n_edges > NETWORKX_EDGE_LIMIT and not force:
        raise StaError(f"{size}; use to_igraph, or pass force=True")
    if graph.n_edges > NETWORKX_EDGE_WARNING and not force:
        warnings.warn(f"{size}; to_igraph is smaller and faster", stacklevel=2)
    import networkx

    columns = columns_of(graph)
    edges = _edge_attributes(columns)
    result = networkx.DiGraph()
    result.graph.update(columns.facts)
    result.add_nodes_from(enumerate(records(columns.nodes)))
    result.add_edges_from(
        (source, target, {"weight": weight, "layer": layer})
        for source, target, weight, layer in zip(
            columns.sources.tolist(), columns.targets.tolist(), *edges.values(), strict=True
        )
    )
    return result


def from_networkx(
    graph: networkx.DiGraph, *, layer: str = "layer", weight: str = "weight"
) -> LayeredGraph:
    """Layered graph of a directed networkx graph.

    Parameters
    ----------
    graph : networkx.DiGraph
        Every edge leads from a layer to the next one. Node attributes ``index``,
        ``orig_index`` and ``kind`` mean what they do in this module, other ones are kept.
    layer : str, optional
        Node attribute that holds the layer. If no node has it, layers are inferred from the
        edges, which takes a connected graph.
    weight : str, optional
        Edge attribute that holds the weight; an edge of weight 0 is none.

    Returns
    -------
    LayeredGraph
        Units of a layer in the order of ``index`` if there is one, else of the nodes.

    Raises
    ------
    StaError
        If the graph is undirected, layers cannot be told, an edge does not lead to the next
        layer, is parallel to another, or has no finite weight.

    Examples
    --------
    >>> import networkx
    >>> edges = [("a", "c", 1.0), ("b", "c", -2.0), ("c", "d", 3.0)]
    >>> graph = networkx.DiGraph()
    >>> graph.add_weighted_edges_from(edges)
    >>> [matrix.tolist() for matrix in from_networkx(graph).layers]
    [[[1.0], [-2.0]], [[3.0]]]
    """
    if not graph.is_directed():
        raise StaError("the graph is undirected; give every edge a direction (networkx.DiGraph)")
    position = {node: number for number, node in enumerate(graph)}
    edges = list(graph.edges(data=weight))
    data = [values for _, values in graph.nodes(data=True)]
    found = dict.fromkeys(name for values in data for name in values if isinstance(name, str))
    columns = Columns(
        {name: [values.get(name) for values in data] for name in found},
        np.array([position[source] for source, _, _ in edges], dtype=np.intp),
        np.array([position[target] for _, target, _ in edges], dtype=np.intp),
        [value for _, _, value in edges],
        graph.graph,
        list(graph),
    )
    return graph_from_columns(columns, layer=layer)


def from_igraph(
    graph: igraph.Graph, *, layer: str = "layer", weight: str = "weight"
) -> LayeredGraph:
    """Layered graph of a directed igraph graph.

    Parameters
    ----------
    graph : igraph.Graph
    layer, weight : str, optional
        As in :func:`from_networkx`.

    Returns
    -------
    LayeredGraph

    Raises
    ------
    StaError
        As :func:`from_networkx`.
    """
    if not graph.is_directed():
        raise StaError("the graph is undirected; give igraph.Graph(directed=True)")
    pairs = np.array(graph.get_edgelist(), dtype=np.intp).reshape(-1, 2)
    named = "name" in graph.vs.attributes()
    columns = Columns(
        {name: graph.vs[name] for name in graph.vs.attributes()},
        pairs[:, 0],
        pairs[:, 1],
        graph.es[weight] if weight in graph.es.attributes() else [None] * len(pairs),
        {name: graph[name] for name in graph.attributes()},
        graph.vs["name"] if named else range(graph.vcount()),
    )
    return graph_from_columns(columns, layer=layer)


def to_scipy(graph: LayeredGraph) -> tuple[Layer, tuple[int, ...]]:
    """Adjacency matrix of all nodes, layer after layer, with the widths that cut it up again.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    adjacency : scipy.sparse.csr_array, shape (n_nodes, n_nodes)
        Entry ``[source, target]`` is a weight.
    widths : tuple of int

    Examples
    --------
    >>> adjacency, widths = to_scipy(LayeredGraph.from_arrays([[[1.0, -2.0]]]))
    >>> adjacency.toarray().tolist(), widths
    ([[0.0, 1.0, -2.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]], (1, 2))
    """
    columns = columns_of(graph)
    shape = (graph.n_nodes, graph.n_nodes)
    entries = (columns.weights, (columns.sources, columns.targets))
    return scipy.sparse.coo_array(entries, shape=shape).tocsr(), graph.widths


def from_scipy(adjacency: Layer, widths: Sequence[int]) -> LayeredGraph:
    """Layered graph of an adjacency matrix of all nodes, layer after layer.

    Parameters
    ----------
    adjacency : scipy.sparse array or array_like, shape (n_nodes, n_nodes)
        Entry ``[source, target]`` is a weight, between consecutive layers; 0 is no edge.
    widths : sequence of int
        Number of units in every node layer, inputs first.

    Returns
    -------
    LayeredGraph

    Raises
    ------
    ShapeError
        If the widths do not add up to the size of the matrix.
    StaError
        If an entry does not lead to the next layer or is not finite.
    """
    matrix = scipy.sparse.csr_array(adjacency, copy=True)
    sizes = [int(width) for width in widths]
    if matrix.shape != (sum(sizes), sum(sizes)) or min(sizes, default=0) < 1:
        raise ShapeError(
            f"an adjacency matrix of shape {matrix.shape} does not fit the widths {sizes}; "
            "it needs one row and one column per unit"
        )
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    entries = matrix.tocoo()
    columns = Columns(
        {"layer": np.repeat(np.arange(len(sizes)), sizes)},
        entries.row.astype(np.intp),
        entries.col.astype(np.intp),
        entries.data,
        {},
        range(sum(sizes)),
    )
    return graph_from_columns(columns)


def _edge_attributes(columns: Columns) -> dict[str, list[Any]]:
    layers = np.asarray(columns.nodes["layer"])[columns.sources]
    return {"weight": np.asarray(columns.weights).tolist(), "layer": layers.tolist()}
