"""A trained network as a weighted, layered, directed acyclic graph.

Node layer 0 holds the inputs, node layer ``l`` the units behind ``l`` weight matrices.
Matrix ``l`` joins node layer ``l`` to node layer ``l + 1``; its entry ``[source, target]``
is the weight of one edge, and a weight of zero is no edge. Biases, where they are wanted, are
the weights of one more unit of the node layer before, at which paths may start.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sta.analysis.graph.biases import with_bias_units
from sta.analysis.graph.checks import (
    as_ids,
    as_indices,
    as_layer,
    check_attribute,
    check_bias_units,
    check_layers,
    check_properties,
    check_total,
    check_unit_ids,
    frozen,
    frozen_arrays,
    frozen_layer,
)
from sta.analysis.graph.edges import (
    FloatArray,
    IntArray,
    Layer,
    check_size,
    dense,
    edge_count,
    is_sparse,
    submatrix,
)
from sta.errors import ShapeError

__all__ = ["FloatArray", "IntArray", "Layer", "LayeredGraph", "Property"]

Property: TypeAlias = str | int | float | bool
BoolArray: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, repr=False)
class LayeredGraph:
    """Weighted directed acyclic graph whose edges join consecutive layers.

    Build it with :meth:`from_arrays`. All arrays are read-only copies, and so are the mappings;
    only arrays that are read-only already are kept as they are.

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
        layers = tuple(as_layer(layer, at) for at, layer in enumerate(self.layers))
        check_layers(layers)
        self._put("layers", layers)
        self._put("unit_ids", tuple(as_ids(ids, at) for at, ids in enumerate(self.unit_ids)))
        check_unit_ids(self.unit_ids, self.widths)
        named = {name: frozen_arrays(values) for name, values in self.attributes.items()}
        self._put("attributes", MappingProxyType(named))
        for name, values in named.items():
            check_attribute(name, values, self.widths)
        self._put("bias_units", frozen_arrays(self.bias_units, np.bool_))
        if self.bias_units:
            check_bias_units(self.bias_units, self.layers, self.widths)
        check_properties(self.properties)
        self._put("properties", MappingProxyType(dict(self.properties)))

    def _put(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)  # the only way in a frozen dataclass

    def __reduce__(self) -> tuple[Any, ...]:
        # unpickled arrays could be written, and the mappings cannot be pickled
        attributes, properties = dict(self.attributes), dict(self.properties)
        return LayeredGraph, (
            self.layers, self.unit_ids, self.role, attributes, self.bias_units, properties
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"LayeredGraph(role={self.role!r}, widths={self.widths}, n_edges={self.n_edges})"

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
            given NaN, or -1 where the values are whole numbers, unsigned ones as int64.
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
        check_total(layers)
        matrices = tuple(as_layer(layer, at) for at, layer in enumerate(layers))
        check_layers(matrices)
        widths = _widths(matrices)
        given = [None] * len(widths) if unit_ids is None else list(unit_ids)
        if len(given) != len(widths):
            raise ShapeError(
                f"unit_ids has {len(given)} entries but the graph has {len(widths)} node layers; "
                "give one per node layer, inputs first, None for unpruned"
            )
        ids = tuple(
            frozen(np.arange(width)) if entry is None else as_ids(entry, at)
            for at, (entry, width) in enumerate(zip(given, widths, strict=True))
        )
        named = {name: frozen_arrays(values) for name, values in (attributes or {}).items()}
        graph = cls(matrices, ids, role, named, properties=properties or {})
        return graph if biases is None else replace(graph, **with_bias_units(graph, biases))

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
        named = {name: frozen_arrays(values) for name, values in attributes.items()}
        return replace(self, attributes={**self.attributes, **named})

    def dense(self) -> tuple[FloatArray, ...]:
        """Return the weight matrices as ndarrays.

        Raises
        ------
        ShapeError
            If they would not fit in memory.
        """
        size = 8.0 * sum(math.prod(layer.shape) for layer in self.layers if is_sparse(layer))
        check_size(size, f"a graph of widths {self.widths} as dense matrices", "prune more first")
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
