"""Biases of a graph as the weights of one more unit of every node layer before them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray

from sta.analysis.graph.checks import as_layer, as_matrix
from sta.analysis.graph.edges import Layer, is_sparse
from sta.errors import ShapeError

if TYPE_CHECKING:
    from sta.analysis.graph.layered_graph import LayeredGraph

__all__ = ["with_bias_units"]

_BIAS_ID = -1
_MISSING: dict[str, Any] = {"f": np.nan, "U": "", "b": False}


def with_bias_units(graph: LayeredGraph, biases: Sequence[ArrayLike | None]) -> dict[str, Any]:
    """Fields of a graph that change when it is given bias units.

    Parameters
    ----------
    graph : LayeredGraph
        Without any.
    biases : sequence of array_like or None
        One entry per matrix, of shape ``(n_out,)``.

    Returns
    -------
    dict
        ``layers``, ``unit_ids``, ``attributes`` and ``bias_units``.

    Raises
    ------
    ShapeError
        If a bias does not fit its layer, is not finite, or an attribute cannot hold -1.
    """
    if len(biases) != graph.n_layers:
        raise ShapeError(
            f"biases has {len(biases)} entries but the graph has {graph.n_layers} matrices; "
            "give one per matrix, None for no bias"
        )
    present = [bias is not None for bias in biases] + [False]

    def extended(name: str, values: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        pairs = zip(values, present, strict=True)
        return tuple(_appended(one, name) if there else one for one, there in pairs)

    return {
        "layers": tuple(
            _bordered(layer, bias, number, column=present[number + 1])
            for number, (layer, bias) in enumerate(zip(graph.layers, biases, strict=True))
        ),
        "unit_ids": extended("unit_ids", graph.unit_ids),
        "attributes": {name: extended(name, one) for name, one in graph.attributes.items()},
        "bias_units": tuple(
            np.arange(width + there) == width
            for width, there in zip(graph.widths, present, strict=True)
        ),
    }


def _appended(values: NDArray[Any], name: str) -> NDArray[Any]:
    """Append what stands for the value of a bias unit."""
    if values.dtype.kind == "u":
        if int(values.max()) > np.iinfo(np.int64).max:
            raise ShapeError(f"{name} holds {values.max()} beside -1 of a bias unit; use float64")
        values = values.astype(np.int64)
    return np.append(values, _MISSING.get(values.dtype.kind, _BIAS_ID)).astype(values.dtype)


def _bordered(layer: Layer, bias: ArrayLike | None, number: int, *, column: bool) -> Layer:
    """Append a row of biases, and an empty column where the targets include a bias unit."""
    rows = [layer]
    if bias is not None:
        row = np.asarray(as_matrix(np.atleast_2d(np.asarray(bias)), f"bias {number}"))
        if row.shape != (1, layer.shape[1]):
            raise ShapeError(
                f"bias {number} has shape {np.shape(bias)} but its layer has "
                f"{layer.shape[1]} targets; give one bias per target"
            )
        if not np.isfinite(row).all():
            wrong = int(np.flatnonzero(~np.isfinite(row))[0])
            raise ShapeError(
                f"bias {number} holds {row[0, wrong]} at target {wrong}; biases must be finite"
            )
        rows.append(row)
    library: Any = scipy.sparse if is_sparse(layer) else np
    tall = library.vstack(rows)
    if column:
        nothing = np.zeros((tall.shape[0], 1))
        tall = library.hstack([tall, nothing])
    return as_layer(tall, number)
