"""A trained network as a weighted, layered, directed acyclic graph.

Node layer 0 holds the inputs, node layer ``l`` the units behind ``l`` weight matrices.
Matrix ``l`` joins node layer ``l`` to node layer ``l + 1``; its entry ``[source, target]``
is the weight of one edge, and a weight of zero is no edge. Biases, where they are wanted, are
the weights of one more unit of the node layer before, at which paths may start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray

from sta.analysis.graph.checks import (
    as_ids,
    as_indices,
    as_layer,
    check_attribute,
    check_bias_units,
    check_layers,
    check_properties,
    check_unit_ids,
    frozen,
    frozen_layer,
)
from sta.analysis.graph.edges import (
    FloatArray,
    IntArray,
    Layer,
    dense,
    edge_count,
    is_sparse,
    submatrix,
)
from sta.errors import ShapeError

__all__ = ["FloatArray", "IntArray", "Layer", "LayeredGraph", "Property"]

Property: TypeAlias = str | int | float | bool
BoolArray: TypeAlias = NDArray[np.bool_]
BIAS_ID = -1
"""Entry of ``unit_ids`` of a bias unit, which is no unit of the network."""
_MISSING: dict[str, Any] = {"f": np.nan, "U": "", "b": False}


@dataclass(frozen=True, eq=False)
class LayeredGraph:
    """Weighted directed acyclic graph whose edges join consecutive layers.

    Build it with :meth:`from_arrays`; all arrays are read-only copies.

    Parameters
    ----------
    layers : tuple of ndarray or scipy.sparse.csr_array
        Matrix ``l`` has shape ``(widths[l], widths[l + 1])``, entry ``[source, target]``, float64.
    unit_ids : tuple of ndarray
        For every node layer, the index each unit had before pruning.
    role : str
        What the network is, such as ``"student"`` or ``"teacher"``.
    attributes : mapping of str to tuple of ndarray
        Further per-node values: one 1-d array for every node layer, inputs included; NaN where
        a unit has none.
    bias_units : tuple of ndarray of bool
        For every node layer, which of its units hold biases; empty if none does.
    properties : mapping of str to str, int, float or bool
        Facts about the whole network, such as a pruning threshold.

    Raises
    ------
    ShapeError
        If the matrices are not a finite, chained, non-empty list of 2-d arrays, node
        attributes do not have one value per unit, or a bias unit has incoming weights.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, 0.0], [2.0, -3.0]], [[4.0], [5.0]]])
    >>> graph.widths, graph.n_nodes, graph.n_edges
    ((2, 2, 1), 5, 5)
    >>> graph.keep(1, [1]).unit_ids[1]
    array([1])
    """

    layers: tuple[Layer, ...]
    unit_ids: tuple[IntArray, ...]
    role: str = ""
    attributes: Mapping[str, tuple[NDArray[Any], ...]] = field(default_factory=dict)
    bias_units: tuple[BoolArray, ...] = ()
    properties: Mapping[str, Property] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_layers(self.layers)
        check_unit_ids(self.unit_ids, self.widths)
        for name, values in self.attributes.items():
            check_attribute(name, values, self.widths)
        if self.bias_units:
            check_bias_units(self.bias_units, self.layers, self.widths)
        check_properties(self.properties)

    @classmethod
    def from_arrays(
        cls,
        layers: Sequence[ArrayLike],
        unit_ids: Sequence[ArrayLike | None] | None = None,
        *,
        biases: Sequence[ArrayLike | None] | None = None,
        role: str = "",
        attributes: Mapping[str, Sequence[ArrayLike]] | None = None,
        properties: Mapping[str, Property] | None = None,
    ) -> LayeredGraph:
        """Copy weight matrices into a graph.

        Parameters
        ----------
        layers : sequence of array_like or scipy.sparse array
            Weight matrices of shape ``(n_in, n_out)``; the transpose of torch's
            ``Linear.weight``. Sparse matrices stay sparse.
        unit_ids : sequence of array_like or None, optional
            One entry per node layer, inputs first; None stands for ``0 .. width - 1``.
        biases : sequence of array_like or None, optional
            One entry per matrix, of shape ``(n_out,)``: it becomes the weights of a further
            unit at the end of node layer l, with ``unit_ids`` -1.
        role : str, optional
            What the network is.
        attributes : mapping, optional
            Further per-node values, one array per node layer under each name; bias units are
            given NaN, or -1 where the values are whole numbers.
        properties : mapping, optional
            Facts about the whole network.

        Returns
        -------
        LayeredGraph

        Raises
        ------
        ShapeError
            If the arrays do not fit together or hold a NaN or an infinity.
        """
        matrices = tuple(as_layer(layer, number) for number, layer in enumerate(layers))
        check_layers(matrices)
        widths = _widths(matrices)
        given = [None] * len(widths) if unit_ids is None else list(unit_ids)
        if len(given) != len(widths):
            raise ShapeError(
                f"unit_ids has {len(given)} entries but the graph has {len(widths)} node layers; "
                "give one per node layer, inputs first, None for unpruned"
            )
        ids = tuple(
            frozen(np.arange(width) if entry is None else as_ids(entry, number))
            for number, (entry, width) in enumerate(zip(given, widths, strict=True))
        )
        named = {
            name: tuple(frozen(np.array(value)) for value in values)
            for name, values in (attributes or {}).items()
        }
        graph = cls(matrices, ids, role, named, properties=dict(properties or {}))
        return graph if biases is None else _with_biases(graph, biases)

    @property
    def widths(self) -> tuple[int, ...]:
        """Number of units in every node layer, inputs first, bias units included."""
        return _widths(self.layers)

    @property
    def n_layers(self) -> int:
        """Number of weight matrices (one less than the number of node layers)."""
        return len(self.layers)

    @property
    def n_nodes(self) -> int:
        """Number of units, inputs included."""
        return sum(self.widths)

    @property
    def n_edges(self) -> int:
        """Number of nonzero weights."""
        return sum(edge_count(layer) for layer in self.layers)

    @property
    def has_bias(self) -> bool:
        """Whether any unit holds biases."""
        return any(mask.any() for mask in self.bias_units)

    def is_bias(self, layer: int) -> BoolArray:
        """Which units of a node layer hold biases."""
        if not self.bias_units:
            return np.zeros(self.widths[layer], dtype=bool)
        return self.bias_units[layer]

    def keep(self, layer: int, units: ArrayLike) -> LayeredGraph:
        """Graph with only the given units of one node layer, in the given order.

        Parameters
        ----------
        layer : int
            Node layer, 0 for the inputs.
        units : array_like
            Distinct unit indices, or a boolean mask over the layer. Bias units stay, at the
            end of the layer if they are not named.

        Returns
        -------
        LayeredGraph
            Its ``unit_ids`` still name the units as they were before any pruning.

        Raises
        ------
        ShapeError
            If the layer does not exist, or units are missing, repeated or none.
        """
        if not 0 <= layer <= self.n_layers:
            raise ShapeError(f"no node layer {layer}; choose one from 0 to {self.n_layers}")
        bias = np.flatnonzero(self.is_bias(layer))
        width = self.widths[layer]
        mask = np.asarray(units)
        if bias.size and mask.dtype == np.bool_ and mask.shape == (width - bias.size,):
            units = np.delete(np.arange(width), bias)[mask]
        chosen = as_indices(units, width, layer)
        return self._select(layer, np.concatenate([chosen, np.setdiff1d(bias, chosen)]))

    def without_bias(self) -> LayeredGraph:
        """Graph without its bias units."""
        graph = self
        for layer in range(self.n_layers) if self.has_bias else ():
            if graph.is_bias(layer).any():
                graph = graph._select(layer, np.flatnonzero(~graph.is_bias(layer)))
        return replace(graph, bias_units=())

    def with_attributes(self, **attributes: Sequence[ArrayLike]) -> LayeredGraph:
        """Graph with further per-node values, one array per node layer under each name."""
        named = {
            name: tuple(frozen(np.array(value)) for value in values)
            for name, values in attributes.items()
        }
        return replace(self, attributes={**self.attributes, **named})

    def dense(self) -> tuple[FloatArray, ...]:
        """Return the weight matrices as ndarrays."""
        return tuple(dense(layer) for layer in self.layers)

    def _select(self, layer: int, chosen: IntArray) -> LayeredGraph:
        matrices = list(self.layers)
        if layer > 0:
            matrices[layer - 1] = frozen_layer(submatrix(matrices[layer - 1], columns=chosen))
        if layer < self.n_layers:
            matrices[layer] = frozen_layer(submatrix(matrices[layer], rows=chosen))

        def cut(values: tuple[NDArray[Any], ...]) -> tuple[NDArray[Any], ...]:
            return (*values[:layer], frozen(values[layer][chosen]), *values[layer + 1 :])

        return replace(
            self,
            layers=tuple(matrices),
            unit_ids=cut(self.unit_ids),
            attributes={name: cut(values) for name, values in self.attributes.items()},
            bias_units=cut(self.bias_units) if self.bias_units else (),
        )


def _widths(matrices: Sequence[Layer]) -> tuple[int, ...]:
    return (matrices[0].shape[0], *(matrix.shape[1] for matrix in matrices))


def _with_biases(graph: LayeredGraph, biases: Sequence[ArrayLike | None]) -> LayeredGraph:
    if len(biases) != graph.n_layers:
        raise ShapeError(
            f"biases has {len(biases)} entries but the graph has {graph.n_layers} matrices; "
            "give one per matrix, None for no bias"
        )
    present = [bias is not None for bias in biases] + [False]
    matrices = [
        _bordered(layer, bias, number, column=present[number + 1])
        for number, (layer, bias) in enumerate(zip(graph.layers, biases, strict=True))
    ]

    def extended(values: NDArray[Any], at: int) -> NDArray[Any]:
        missing = _MISSING.get(values.dtype.kind, BIAS_ID)
        return frozen(np.append(values, missing).astype(values.dtype)) if present[at] else values

    return LayeredGraph(
        tuple(frozen_layer(matrix) for matrix in matrices),
        tuple(extended(ids, at) for at, ids in enumerate(graph.unit_ids)),
        graph.role,
        {
            name: tuple(extended(one, at) for at, one in enumerate(values))
            for name, values in graph.attributes.items()
        },
        tuple(
            frozen(np.arange(width + there) == width)
            for width, there in zip(graph.widths, present, strict=True)
        ),
        graph.properties,
    )


def _bordered(layer: Layer, bias: ArrayLike | None, number: int, *, column: bool) -> Layer:
    """Append a row of biases, and an empty column where the targets include a bias unit."""
    rows = [layer]
    if bias is not None:
        row = np.asarray(as_layer(np.atleast_2d(np.asarray(bias)), number))
        if row.shape != (1, layer.shape[1]):
            raise ShapeError(
                f"bias {number} has shape {np.shape(bias)} but its layer has "
                f"{layer.shape[1]} targets; give one bias per target"
            )
        rows.append(row)
    library: Any = scipy.sparse if is_sparse(layer) else np
    tall = library.vstack(rows)
    if column:
        nothing = np.zeros((tall.shape[0], 1))
        tall = library.hstack([tall, nothing])
    return as_layer(tall, number)
