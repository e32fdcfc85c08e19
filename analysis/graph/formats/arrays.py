"""A layered graph as named arrays, the content of its npz file; numpy alone reads it.

``graph``: JSON text with ``format``, ``role``, ``properties``, the names of ``attributes`` and
the ``storage`` of every layer. ``weights_0``, ``weights_1``, ...: the matrices, ``[source,
target]``; of a sparse one ``weights_0_data``, ``weights_0_indices`` and ``weights_0_indptr`` (as
in ``scipy.sparse.csr_array``) and ``weights_0_shape``. ``unit_ids_0``, ... and, where there are
some, ``bias_units_0``, ... for every node layer; ``attribute_2_0`` is the third attribute's
values in node layer 0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from sta.analysis.graph.checks import frozen
from sta.analysis.graph.edges import Layer, is_sparse
from sta.analysis.graph.formats.columns import FORMAT, check_names, node_columns
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.errors import FileFormatError

__all__ = ["KEY", "arrays_of", "graph_from_arrays"]

KEY = "graph"
"""Array that a graph's archive has and no other of sta's does."""
_PARTS = ("data", "indices", "indptr", "shape")


def arrays_of(graph: LayeredGraph) -> dict[str, NDArray[Any]]:
    """Return the arrays of a graph.

    Raises
    ------
    StaError
        If an attribute has a type that a file could not keep, or a name is no text.

    Examples
    --------
    >>> sorted(arrays_of(LayeredGraph.from_arrays([[[1.0, 0.0], [2.0, -3.0]]])))
    ['graph', 'unit_ids_0', 'unit_ids_1', 'weights_0']
    """
    check_names(graph)
    node_columns(graph)  # refuses what a file could not keep
    facts = {
        "format": FORMAT,
        "role": graph.role,
        "properties": dict(graph.properties),
        "attributes": list(graph.attributes),
        "storage": ["sparse" if is_sparse(layer) else "dense" for layer in graph.layers],
    }
    arrays: dict[str, NDArray[Any]] = {KEY: np.array(json.dumps(facts))}
    for number, layer in enumerate(graph.layers):
        name = f"weights_{number}"
        if is_sparse(layer):
            arrays |= {f"{name}_{part}": np.asarray(getattr(layer, part)) for part in _PARTS}
        else:
            arrays[name] = layer
    per_node = {"unit_ids": graph.unit_ids, "bias_units": graph.bias_units}
    per_node |= {f"attribute_{at}": one for at, one in enumerate(graph.attributes.values())}
    for name, values in per_node.items():
        arrays |= {f"{name}_{number}": value for number, value in enumerate(values)}
    return arrays


def graph_from_arrays(arrays: Mapping[str, NDArray[Any]]) -> LayeredGraph:
    """Return the graph of some arrays, each of which is read once, and no other.

    Raises
    ------
    FileFormatError
        If they are of another version, there are others among them, or one has another type.
    KeyError, TypeError, ValueError, StaError
        If one is missing or does not fit the others.
    """
    facts = json.loads(str(arrays[KEY]))
    if facts["format"] != FORMAT:
        raise FileFormatError(f"its format is {facts['format']!r}; this sta reads {FORMAT}")
    storage, attributes = facts["storage"], list(facts["attributes"])
    has_bias = "bias_units_0" in arrays
    _refuse_strangers(arrays, storage, len(attributes), has_bias=has_bias)

    def per_node(name: str, kind: type | None = None) -> list[NDArray[Any]]:
        names = [f"{name}_{number}" for number in range(len(storage) + 1)]
        return [arrays[one] if kind is None else _of_type(arrays, one, kind) for one in names]

    graph = LayeredGraph.from_arrays(
        [_matrix(arrays, at, sparse=kind == "sparse") for at, kind in enumerate(storage)],
        per_node("unit_ids", np.int64),
        role=facts["role"],
        attributes={name: per_node(f"attribute_{n}") for n, name in enumerate(attributes)},
        properties=facts["properties"],
    )
    if not has_bias:
        return graph
    masks = tuple(frozen(mask) for mask in per_node("bias_units", np.bool_))
    return replace(graph, bias_units=masks)


def _refuse_strangers(
    arrays: Mapping[str, object], storage: list[str], n_attributes: int, *, has_bias: bool
) -> None:
    """Refuse arrays that are no part of the graph, before any of them is unpacked."""
    expected = {KEY}
    for number, kind in enumerate(storage):
        name = f"weights_{number}"
        expected |= {f"{name}_{part}" for part in _PARTS} if kind == "sparse" else {name}
    per_node = ["unit_ids", *(["bias_units"] if has_bias else [])]
    per_node += [f"attribute_{number}" for number in range(n_attributes)]
    expected |= {f"{name}_{number}" for name in per_node for number in range(len(storage) + 1)}
    strangers = sorted(set(arrays) - expected)
    if strangers:
        raise FileFormatError(f"{strangers[0]!r} is no part of the graph; write it again")


def _of_type(arrays: Mapping[str, NDArray[Any]], name: str, kind: type) -> NDArray[Any]:
    """Return an array; one of a smaller type would take several times its size here."""
    array = arrays[name]
    if array.dtype != kind:
        raise FileFormatError(f"{name!r} has type {array.dtype}, not {np.dtype(kind)}")
    return array


def _matrix(arrays: Mapping[str, NDArray[Any]], number: int, *, sparse: bool) -> Layer:
    name = f"weights_{number}"
    if not sparse:
        return _of_type(arrays, name, np.float64)
    data = _of_type(arrays, f"{name}_data", np.float64)
    indices, indptr, shape = (arrays[f"{name}_{part}"] for part in _PARTS[1:])
    matrix = scipy.sparse.csr_array((data, indices, indptr), shape=tuple(map(int, shape)))
    matrix.check_format(full_check=True)  # indices out of range would read foreign memory
    return matrix
