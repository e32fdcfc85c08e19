"""A layered graph as columns, one entry per node or edge: what libraries and files hold.

Nodes are numbered ``0 .. n_nodes - 1``, layer after layer. Their columns are ``layer`` (0 for
inputs), ``index`` (in the layer), ``kind`` (input, hidden, output, bias), ``name`` ("h1:17":
unit 17 of hidden layer 1), ``orig_index`` (before pruning), and the graph's own attributes.
Facts about the graph are ``role``, ``widths`` ("3-5-2"), its properties, and ``schema``: the
types that a library or a file format would lose, as JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sta.analysis.graph.edges import IntArray, edge_list, is_sparse
from sta.analysis.graph.layered_graph import LayeredGraph, Property
from sta.errors import StaError

__all__ = [
    "FORMAT",
    "Columns",
    "check_names",
    "columns_of",
    "json_bytes",
    "node_columns",
    "plain",
    "records",
    "split_facts",
]

FORMAT = "sta.graph/1"
"""What an archive or a file of facts says it is."""
Column: TypeAlias = Sequence[Any] | NDArray[Any]
OWN_COLUMNS = ("layer", "index", "kind", "name", "orig_index")
FILE_COLUMNS = ("id", "label", "node", "node_for_adding", "self")
OWN_FACTS = ("role", "widths", "schema")
FILE_FACTS = (
    "directed", "edge", "edge_default", "id", "label", "multigraph", "node", "node_default"
)  # fmt: skip
LARGEST_EXACT = 2**53
"""Largest whole number up to which every one is a float64."""
_CASTS: dict[str, Callable[[Any], Property]] = {"bool": bool, "int": int, "float": float}


@dataclass(frozen=True, eq=False)
class Columns:
    """Nodes, edges and facts of a graph.

    Attributes
    ----------
    nodes : mapping of str to sequence
        One entry per node under each name; None or NaN where a node has none.
    sources, targets : ndarray, shape (n_edges,)
        Positions of nodes.
    weights : sequence of float
        Of the edges.
    facts : mapping
        Of the graph as a whole.
    names : sequence
        What to call the nodes in messages.
    """

    nodes: Mapping[str, Column]
    sources: IntArray
    targets: IntArray
    weights: Column
    facts: Mapping[str, Any]
    names: Sequence[object]

    def edge(self, number: int) -> str:
        """Return what to call an edge in messages."""
        source, target = self.sources[number], self.targets[number]
        return f"edge {self.names[source]!r} -> {self.names[target]!r}"


def columns_of(graph: LayeredGraph) -> Columns:
    """Return the columns of a graph, each an array.

    Raises
    ------
    StaError
        If an attribute or a property has a name or a type that a file could not keep.

    Examples
    --------
    >>> columns = columns_of(LayeredGraph.from_arrays([[[1.0, 0.0], [2.0, -3.0]]]))
    >>> columns.nodes["name"].tolist(), columns.targets.tolist()
    (['in:0', 'in:1', 'out:0', 'out:1'], [2, 2, 3])
    """
    starts = np.cumsum((0, *graph.widths))
    edges = [edge_list(layer) for layer in graph.layers]
    return Columns(
        node_columns(graph),
        np.concatenate([edge[0] + starts[number] for number, edge in enumerate(edges)]),
        np.concatenate([edge[1] + starts[number + 1] for number, edge in enumerate(edges)]),
        np.concatenate([edge[2] for edge in edges]),
        _facts(graph),
        range(graph.n_nodes),
    )


def plain(values: NDArray[Any]) -> list[Any]:
    """Return plain Python values with None for NaN: what graph libraries and JSON can hold."""
    if values.dtype.kind == "f" and np.isnan(values).any():
        return [None if value != value else value for value in values.tolist()]
    result: list[Any] = values.tolist()
    return result


def records(columns: Mapping[str, Column]) -> list[dict[str, Any]]:
    """Return one dict per node or edge, of plain Python values, without what it does not have.

    Examples
    --------
    >>> records({"a": np.array([1.0, np.nan]), "b": np.array([3, 4])})
    [{'a': 1.0, 'b': 3}, {'b': 4}]
    """
    lists = [plain(np.asarray(column)) for column in columns.values()]
    return [
        {name: value for name, value in zip(columns, values, strict=True) if value is not None}
        for values in zip(*lists, strict=True)
    ]


def json_bytes(value: object) -> bytes:
    """Return strict JSON, in which an infinity is the text "Infinity" or "-Infinity"."""
    return json.dumps(_finite(value), allow_nan=False).encode()


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def node_columns(graph: LayeredGraph) -> dict[str, NDArray[Any]]:
    """Return the node columns of a graph; StaError as :func:`columns_of`."""
    last = graph.n_layers
    layers = np.repeat(np.arange(last + 1), graph.widths)
    index = np.concatenate([np.arange(width) for width in graph.widths])
    kinds = np.where(layers == 0, "input", np.where(layers == last, "output", "hidden"))
    kinds[np.concatenate([graph.is_bias(layer) for layer in range(last + 1)])] = "bias"
    prefixes = {"input": "in", "output": "out"}
    names = [
        f"{prefixes.get(kind, f'{kind[0]}{layer}')}:{number}"
        for kind, layer, number in zip(kinds.tolist(), layers.tolist(), index.tolist(), strict=True)
    ]
    own = (layers, index, kinds, np.array(names), np.concatenate(graph.unit_ids))
    attributes = {name: _joined(name, values) for name, values in graph.attributes.items()}
    return dict(zip(OWN_COLUMNS, own, strict=True)) | attributes


def _joined(name: str, values: Sequence[NDArray[Any]]) -> NDArray[Any]:
    if name in OWN_COLUMNS + FILE_COLUMNS:
        raise StaError(f"attribute {name!r} has a name that graph files use themselves; rename it")
    if not isinstance(name, str) or not name:
        raise StaError(f"an attribute has the name {name!r}; give it one in letters")
    families = {"number" if v.dtype.kind in "iuf" else v.dtype.kind for v in values}
    long = families == {"number"} and max(v.dtype.itemsize for v in values) > 8
    if families not in ({"number"}, {"b"}, {"U"}) or long:
        types = ", ".join(dict.fromkeys(str(v.dtype) for v in values))
        raise StaError(
            f"attribute {name!r} has type {types}; graph files hold numbers, truth values or text"
        )
    joined = np.concatenate(values)
    whole = [v for v in values if v.dtype.kind in "iu"]
    if joined.dtype.kind == "f" and any(
        int(v.max()) > LARGEST_EXACT or int(v.min()) < -LARGEST_EXACT for v in whole
    ):
        types = ", ".join(dict.fromkeys(str(v.dtype) for v in values))
        raise StaError(
            f"attribute {name!r} has type {types} and whole numbers above 2**53, which one column "
            "cannot hold together; give all layers one type"
        )
    return joined


def check_names(graph: LayeredGraph) -> None:
    """Raise StaError if the role, or the name of a property, is no text."""
    if not isinstance(graph.role, str):
        raise StaError(f"the role is {graph.role!r}; give text, such as 'student'")
    for name in graph.properties:
        if not isinstance(name, str):
            raise StaError(f"a property has the name {name!r}; give it one in letters")


def _facts(graph: LayeredGraph) -> dict[str, Property]:
    check_names(graph)
    for name in graph.properties:
        if name in OWN_FACTS + FILE_FACTS:
            raise StaError(
                f"property {name!r} has a name that graph files use themselves; rename it"
            )
    properties = {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in graph.properties.items()
    }
    schema = {
        "storage": ["sparse" if is_sparse(layer) else "dense" for layer in graph.layers],
        "attributes": {
            name: [value.dtype.str if value.dtype.kind != "U" else "U" for value in values]
            for name, values in graph.attributes.items()
        },
        "properties": {name: type(value).__name__ for name, value in properties.items()},
    }
    widths = "-".join(map(str, graph.widths))
    return {"role": graph.role, "widths": widths, **properties, "schema": json.dumps(schema)}


def split_facts(facts: Mapping[str, Any]) -> tuple[str, dict[str, Property], dict[str, Any]]:
    """Return role, properties and schema; values that are no properties are left out."""
    schema: Any = {}
    if isinstance(facts.get("schema"), str):
        try:
            schema = json.loads(facts["schema"])
        except ValueError:
            schema = {}
    schema = schema if isinstance(schema, dict) else {}
    types = _mapping(schema, "properties")
    # GraphML has no empty text
    properties: dict[str, Property] = {name: "" for name, of in types.items() if of == "str"}
    for name, value in facts.items():
        if isinstance(value, str | int | float | bool) and value == value:
            properties[name] = _cast(value, types.get(name))
    for name in OWN_FACTS + FILE_FACTS:
        properties.pop(name, None)
    return str(facts.get("role") or ""), properties, schema


def _mapping(schema: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = schema.get(key)
    return value if isinstance(value, dict) else {}


def _cast(value: Property, kind: object) -> Property:
    """Give a value the type that it had, unless it is another value since."""
    cast = _CASTS.get(str(kind))
    if cast is None or (cast is bool and isinstance(value, str)):
        return value
    try:
        result = cast(value)
    except (ValueError, OverflowError):
        return value
    return result if isinstance(value, str) or result == value else value
