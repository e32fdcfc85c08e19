"""A trained network as a weighted, layered, directed acyclic graph.

Node layer 0 holds the inputs, node layer ``l`` the units behind ``l`` weight matrices.
Matrix ``l`` joins node layer ``l`` to node layer ``l + 1``; its entry ``[source, target]``
is the weight of one edge, and a weight of zero is no edge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray

from sta.errors import ShapeError

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class LayeredGraph:
    """Weighted directed acyclic graph whose edges join consecutive layers.

    Build it with :meth:`from_arrays`; all arrays are read-only copies.

    Parameters
    ----------
    layers : tuple of ndarray
        Matrix ``l`` has shape ``(widths[l], widths[l + 1])``, entry ``[source, target]``, float64.
    unit_ids : tuple of ndarray
        For every node layer, the index each unit had before pruning.
    role : str
        What the network is, such as ``"student"`` or ``"teacher"``.
    attributes : mapping of str to tuple of ndarray
        Further per-node values: one 1-d array for every node layer, inputs included.

    Raises
    ------
    ShapeError
        If the matrices are not a finite, chained, non-empty list of 2-d arrays, or node
        attributes do not have one value per unit.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, 0.0], [2.0, -3.0]], [[4.0], [5.0]]])
    >>> graph.widths, graph.n_nodes, graph.n_edges
    ((2, 2, 1), 5, 5)
    >>> graph.keep(1, [1]).unit_ids[1]
    array([1])
    """

    layers: tuple[FloatArray, ...]
    unit_ids: tuple[IntArray, ...]
    role: str = ""
    attributes: Mapping[str, tuple[NDArray[Any], ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_layers(self.layers)
        _check_unit_ids(self.unit_ids, self.widths)
        for name, values in self.attributes.items():
            _check_attribute(name, values, self.widths)

    @classmethod
    def from_arrays(
        cls,
        layers: Sequence[ArrayLike],
        unit_ids: Sequence[ArrayLike | None] | None = None,
        *,
        role: str = "",
        attributes: Mapping[str, Sequence[ArrayLike]] | None = None,
    ) -> LayeredGraph:
        """Copy weight matrices into a graph.

        Parameters
        ----------
        layers : sequence of array_like or scipy.sparse array
            Weight matrices of shape ``(n_in, n_out)``; the transpose of torch's
            ``Linear.weight``. Sparse matrices are made dense.
        unit_ids : sequence of array_like or None, optional
            One entry per node layer, inputs first; None stands for ``0 .. width - 1``.
        role : str, optional
            What the network is.
        attributes : mapping, optional
            Further per-node values, one array per node layer under each name.

        Returns
        -------
        LayeredGraph

        Raises
        ------
        ShapeError
            If the arrays do not fit together or hold a NaN or an infinity.
        """
        matrices = tuple(_as_matrix(layer, number) for number, layer in enumerate(layers))
        _check_layers(matrices)
        widths = _widths(matrices)
        given = [None] * len(widths) if unit_ids is None else list(unit_ids)
        if len(given) != len(widths):
            raise ShapeError(
                f"unit_ids has {len(given)} entries but the graph has {len(widths)} node layers; "
                "give one per node layer, inputs first, None for unpruned"
            )
        ids = tuple(
            _frozen(np.arange(width) if entry is None else _as_ids(entry, number))
            for number, (entry, width) in enumerate(zip(given, widths, strict=True))
        )
        named = {
            name: tuple(_frozen(np.array(value)) for value in values)
            for name, values in (attributes or {}).items()
        }
        return cls(matrices, ids, role, named)

    @property
    def widths(self) -> tuple[int, ...]:
        """Number of units in every node layer, inputs first."""
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
        return sum(int(np.count_nonzero(layer)) for layer in self.layers)

    def keep(self, layer: int, units: ArrayLike) -> LayeredGraph:
        """Graph with only the given units of one node layer, in the given order.

        Parameters
        ----------
        layer : int
            Node layer, 0 for the inputs.
        units : array_like
            Distinct unit indices, or a boolean mask over the layer.

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
        chosen = _as_indices(units, self.widths[layer], layer)
        matrices = list(self.layers)
        if layer > 0:
            # C order, so that sums over sources round as they did before
            matrices[layer - 1] = _frozen(matrices[layer - 1].take(chosen, axis=1))
        if layer < self.n_layers:
            matrices[layer] = _frozen(matrices[layer][chosen])
        ids = list(self.unit_ids)
        ids[layer] = _frozen(ids[layer][chosen])
        attributes = {
            name: (*values[:layer], _frozen(values[layer][chosen]), *values[layer + 1 :])
            for name, values in self.attributes.items()
        }
        return LayeredGraph(tuple(matrices), tuple(ids), self.role, attributes)


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array


def _widths(matrices: Sequence[FloatArray]) -> tuple[int, ...]:
    return (matrices[0].shape[0], *(matrix.shape[1] for matrix in matrices))


def _as_matrix(layer: ArrayLike, number: int) -> FloatArray:
    dense: Any = layer
    if scipy.sparse.issparse(dense):
        dense = dense.toarray()
    try:
        raw = np.asarray(dense)
        if np.iscomplexobj(raw):
            raise TypeError("complex weights")
        return _frozen(np.array(raw, dtype=np.float64))
    except (TypeError, ValueError, RuntimeError) as error:
        raise ShapeError(
            f"layer {number} is not a matrix of real numbers ({error}); pass a 2-d numpy array"
        ) from error


def _as_ids(entry: ArrayLike, number: int) -> IntArray:
    ids = np.array(entry)
    if ids.dtype.kind not in "iu":
        raise ShapeError(
            f"unit_ids of node layer {number} have type {ids.dtype}; give whole numbers"
        )
    return ids.astype(np.intp)


def _as_indices(units: ArrayLike, width: int, layer: int) -> IntArray:
    chosen = np.asarray(units)
    if chosen.dtype == np.bool_ and chosen.shape == (width,):
        chosen = np.flatnonzero(chosen)
    if chosen.size == 0:
        raise ShapeError(f"no unit of node layer {layer} would be left; keep at least one")
    if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
        raise ShapeError(
            f"units of node layer {layer} have shape {chosen.shape} and type {chosen.dtype}; "
            f"give a list of indices or a boolean mask of length {width}"
        )
    if chosen.min() < 0 or chosen.max() >= width:
        wrong = chosen[(chosen < 0) | (chosen >= width)][0]
        raise ShapeError(f"node layer {layer} has no unit {wrong}; it has units 0 to {width - 1}")
    if np.unique(chosen).size < chosen.size:
        raise ShapeError(f"units of node layer {layer} repeat; name each unit once")
    return chosen.astype(np.intp)


def _check_layers(matrices: Sequence[FloatArray]) -> None:
    if len(matrices) == 0:
        raise ShapeError("a graph of 0 weight matrices has no edges; give at least one layer")
    for number, matrix in enumerate(matrices):
        if matrix.ndim != 2:
            raise ShapeError(
                f"layer {number} has shape {matrix.shape}; give a matrix of shape (n_in, n_out)"
            )
        if matrix.size == 0:
            raise ShapeError(
                f"layer {number} has shape {matrix.shape}; every layer needs at least one unit"
            )
        if not np.isfinite(matrix).all():
            source, target = (int(i) for i in np.argwhere(~np.isfinite(matrix))[0])
            raise ShapeError(
                f"layer {number} holds {matrix[source, target]} at source {source}, "
                f"target {target}; weights must be finite"
            )
        if number and matrix.shape[0] != matrices[number - 1].shape[1]:
            raise ShapeError(
                f"layer {number} has {matrix.shape[0]} sources but layer {number - 1} has "
                f"{matrices[number - 1].shape[1]} targets; transpose torch weights "
                "(n_out, n_in) or reorder the layers"
            )


def _check_unit_ids(unit_ids: Sequence[IntArray], widths: Sequence[int]) -> None:
    _check_attribute("unit_ids", unit_ids, widths)
    for number, ids in enumerate(unit_ids):
        if np.unique(ids).size < ids.size:
            raise ShapeError(f"unit_ids of node layer {number} repeat; name each unit once")


def _check_attribute(name: str, values: Sequence[NDArray[Any]], widths: Sequence[int]) -> None:
    shapes = [np.shape(value) for value in values]
    if shapes != [(width,) for width in widths]:
        raise ShapeError(
            f"{name} has arrays of shape {shapes} but the node layers hold {list(widths)} units; "
            "give one value per unit"
        )
