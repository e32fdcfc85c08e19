"""A layered graph from columns of nodes and edges, whoever made them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph

from sta.analysis.graph.checks import frozen
from sta.analysis.graph.edges import FloatArray, IntArray, Layer
from sta.analysis.graph.formats.columns import Column, Columns, split_facts
from sta.analysis.graph.formats.values import attribute_arrays, whole_number
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.errors import StaError

__all__ = ["graph_from_columns"]

LARGEST_SMALL_LAYER = 10**6
"""Entries up to which a layer is dense, unless it is known to have been sparse."""
THIN = 0.1
"""Share of nonzero weights below which a larger layer is sparse."""
LARGEST_THIN = 2**26
"""Bytes up to which thin layers of a graph are dense, all of them together."""
LARGEST_GROWTH = 64
"""The same, as a multiple of the bytes of all weights, so that no small file takes much memory."""


def graph_from_columns(columns: Columns, *, layer: str = "layer") -> LayeredGraph:
    """Return the graph of some columns.

    Parameters
    ----------
    columns : Columns
        Units of a layer come in the order of the column ``index`` if there is one, else as
        they appear.
    layer : str, optional
        Column that holds the node layer of every node. Without it layers are inferred: every
        edge leads to the next one.

    Raises
    ------
    StaError
        If a node or an edge does not fit, with its name.
    """
    nodes, names = columns.nodes, columns.names
    if len(names) == 0:
        raise StaError("the graph has no nodes; a layered graph needs two layers of them")
    layers = _layers(columns, layer)
    index = _whole_column(nodes, "index", names)
    order = np.lexsort((np.arange(layers.size) if index is None else index, layers))
    widths = np.bincount(layers)
    groups = np.split(order, np.cumsum(widths)[:-1])
    place = np.empty_like(order)
    place[order] = np.concatenate([np.arange(width) for width in widths])
    role, properties, schema = split_facts(columns.facts)
    ids = _whole_column(nodes, "orig_index", names)
    named = {name: column for name, column in nodes.items() if name != layer}
    attributes, left_out = attribute_arrays(named, groups, _types(schema))
    for name in left_out:
        warnings.warn(
            f"node attribute {name!r} is left out: it is neither numbers nor truth values nor text",
            stacklevel=3,
        )
    graph = LayeredGraph.from_arrays(
        _matrices(columns, layers, place, widths, schema.get("storage")),
        None if ids is None else [ids[group] for group in groups],
        role=role,
        attributes=attributes,
        properties=properties,
    )
    bias = np.array([kind == "bias" for kind in nodes.get("kind", [None] * layers.size)])
    if not bias.any():
        return graph
    return replace(graph, bias_units=tuple(frozen(bias[group]) for group in groups))


def _types(schema: dict[str, Any]) -> dict[str, Any]:
    types = schema.get("attributes")
    return types if isinstance(types, dict) else {}


def _layers(columns: Columns, name: str) -> IntArray:
    """Return the node layer of every node, from 0; refuse edges that skip or go back."""
    known = _whole_column(columns.nodes, name, columns.names)
    layers: IntArray = _inferred_layers(columns, name) if known is None else known.copy()
    layers -= layers.min()
    steps = layers[columns.targets] - layers[columns.sources]
    if (steps != 1).any():
        wrong = int(np.flatnonzero(steps != 1)[0])
        start, end = layers[columns.sources[wrong]], layers[columns.targets[wrong]]
        raise StaError(
            f"{columns.edge(wrong)} leads from layer {start} to layer {end}; every edge must "
            "lead to the next layer"
        )
    present = np.unique(layers)
    empty = np.flatnonzero(present != np.arange(present.size))
    if empty.size:
        raise StaError(f"no node is in layer {empty[0]}; number the layers without gaps")
    return layers


def _inferred_layers(columns: Columns, name: str) -> IntArray:
    size = len(columns.names)
    adjacency = scipy.sparse.csr_array(
        (np.ones(columns.sources.size), (columns.sources, columns.targets)), shape=(size, size)
    )
    graphs = scipy.sparse.csgraph
    order, before = graphs.breadth_first_order(adjacency, 0, directed=False)
    if order.size < size:
        parts, _ = graphs.connected_components(adjacency, directed=True, connection="weak")
        raise StaError(
            f"the layers of {parts} unconnected parts cannot be told from the edges; "
            f"set the node attribute {name!r}"
        )
    others = order[1:]
    forward = np.zeros(size, dtype=bool)
    if others.size:
        forward[others] = adjacency[before[others], others] != 0
    layers = np.zeros(size, dtype=np.intp)
    for node in others:
        layers[node] = layers[before[node]] + (1 if forward[node] else -1)
    if (layers[columns.targets] - layers[columns.sources] != 1).any():
        _refuse_contradiction(columns, adjacency)
    return layers


def _refuse_contradiction(columns: Columns, adjacency: Layer) -> None:
    """Name an edge in a cycle, else one that skips a layer; any edge on the way is at odds."""
    sources, targets = columns.sources, columns.targets
    parts = scipy.sparse.csgraph.connected_components(adjacency, connection="strong")[1]
    circular = np.flatnonzero(parts[sources] == parts[targets])
    if circular.size:
        raise StaError(
            f"{columns.edge(int(circular[0]))} is part of a cycle; remove one edge of it"
        )
    depth = np.zeros(len(columns.names), dtype=np.intp)
    while (depth[targets] <= depth[sources]).any():
        np.maximum.at(depth, targets, depth[sources] + 1)
    steps = depth[targets] - depth[sources]
    # a source may come late, unless another edge or an input says where it is
    placed = np.isin(sources, sources[steps == 1]) | np.isin(sources, targets)
    skipping = np.flatnonzero((steps > 1) & placed)
    if skipping.size:
        raise StaError(
            f"{columns.edge(int(skipping[0]))} skips a layer; every edge must lead to the next one"
        )


def _whole_column(nodes: Any, name: str, names: Sequence[object]) -> IntArray | None:
    """Return a column of whole numbers, None if no node has one.

    They come back as floats from igraph's files and as text from others.
    """
    values: Column | None = nodes.get(name)
    if values is None:
        return None
    if isinstance(values, np.ndarray) and values.dtype.kind == "i":
        return values.astype(np.intp)
    absent = [value is None or (isinstance(value, float) and value != value) for value in values]
    if all(absent):
        return None
    numbers = []
    for node, value, nothing in zip(names, values, absent, strict=True):
        if nothing:
            raise StaError(f"node {node!r} has no {name!r} but others have; give it to all or none")
        try:
            numbers.append(np.int64(whole_number(value)))
        except (TypeError, ValueError, OverflowError) as error:
            raise StaError(
                f"node {node!r} has the {name} {value!r}; give a whole number of 64 bits"
            ) from error
    return np.array(numbers, dtype=np.intp)


def _matrices(
    columns: Columns, layers: IntArray, place: IntArray, widths: IntArray, storage: object
) -> list[Layer]:
    weights, starts = _weights(columns), layers[columns.sources]
    kinds = storage if isinstance(storage, list) and len(storage) == widths.size - 1 else None
    cuts = np.cumsum(np.bincount(starts, minlength=widths.size))[: max(widths.size - 2, 0)]
    allowance = max(LARGEST_THIN, LARGEST_GROWTH * weights.nbytes)
    matrices: list[Layer] = []
    for number, chosen in enumerate(np.split(np.argsort(starts, kind="stable"), cuts)):
        if number + 1 == widths.size:
            break
        rows, targets = place[columns.sources[chosen]], place[columns.targets[chosen]]
        _refuse_parallel(columns, chosen, rows * widths[number + 1] + targets)
        shape = (int(widths[number]), int(widths[number + 1]))
        matrix = scipy.sparse.coo_array((weights[chosen], (rows, targets)), shape=shape).tocsr()
        kind, size = kinds[number] if kinds else None, shape[0] * shape[1]
        thin = matrix.nnz < THIN * size
        wanted = kind == "dense" or size <= LARGEST_SMALL_LAYER
        if kind == "sparse" or (thin and not (wanted and 8 * size <= allowance)):
            matrices.append(matrix)
        else:
            allowance -= 8 * size * thin
            matrices.append(matrix.toarray())
    return matrices


def _refuse_parallel(columns: Columns, chosen: IntArray, pairs: IntArray) -> None:
    _, first = np.unique(pairs, return_index=True)
    if first.size < pairs.size:
        again = np.setdiff1d(np.arange(pairs.size), first)[0]
        raise StaError(
            f"{columns.edge(int(chosen[again]))} is there more than once; merge parallel edges"
        )


def _weights(columns: Columns) -> FloatArray:
    if isinstance(columns.weights, np.ndarray) and columns.weights.dtype.kind in "iuf":
        finite = np.isfinite(columns.weights)
        if finite.all():
            return columns.weights.astype(np.float64)
    given = columns.weights
    weights = []
    for number, weight in enumerate(given.tolist() if isinstance(given, np.ndarray) else given):
        if weight is None:
            raise StaError(
                f"{columns.edge(number)} has no weight; name the edge attribute with "
                "weight=NAME or --weight-attribute NAME"
            )
        try:
            real = isinstance(weight, int | float | np.integer | np.floating)
            fits = real and bool(np.isfinite(float(weight)))
        except OverflowError:
            fits = False
        if not fits:
            raise StaError(f"{columns.edge(number)} has weight {weight!r}; give a finite number")
        weights.append(float(weight))
    return np.array(weights, dtype=np.float64)
