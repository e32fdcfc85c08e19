"""Counting and listing the paths of a layered graph, exactly.

The count is exact at any depth; the list has one signed product per path and is made only
where it fits a stated limit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sta.analysis.graph.edges import (
    FloatArray,
    Layer,
    edge_list,
    is_sparse,
    mapped,
    submatrix,
    support,
)
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.paths.starts import path_layers
from sta.errors import StaError

__all__ = ["ENUMERATION_LIMIT", "count_paths", "live_layers", "path_weights", "signed_path_counts"]

ENUMERATION_LIMIT = 2e7
"""Number of paths up to which all path weights are listed (160 MB)."""

# Sums of at most 2**21 limbs below 2**32 are whole numbers that float64 holds exactly.
_LIMB_BITS = 32
_LIMB_MASK = np.int64(2**_LIMB_BITS - 1)


def count_paths(graph: LayeredGraph) -> int:
    """Exact number of paths from an input to the last layer along nonzero weights.

    Parameters
    ----------
    graph : LayeredGraph
        With at most 2**21 units in a layer.

    Returns
    -------
    int
        A Python integer, without overflow or rounding at any depth.

    Examples
    --------
    >>> dense = LayeredGraph.from_arrays([[[1.0] * 512] * 512] * 30)
    >>> count_paths(dense) == 512**31
    True
    """
    layers = path_layers(graph)
    limbs = np.ones((1, layers[0].shape[0]))
    for layer in layers:
        if not is_sparse(layer) and layer.all():
            sums = np.tile(limbs.sum(axis=1, keepdims=True), layer.shape[1])
        else:
            sums = limbs @ support(layer)
        limbs = _carry(sums)
    return _whole(limbs)


def signed_path_counts(graph: LayeredGraph) -> tuple[int, int]:
    """Exact numbers of paths of positive and of negative weight.

    Parameters
    ----------
    graph : LayeredGraph
        With at most 2**20 units in a layer.

    Returns
    -------
    positive, negative : int

    Examples
    --------
    >>> signed_path_counts(LayeredGraph.from_arrays([[[1.0, -1.0]], [[3.0], [4.0]]]))
    (1, 1)
    """
    layers = path_layers(graph)
    positive, negative = np.ones((1, layers[0].shape[0])), np.zeros((1, layers[0].shape[0]))
    for layer in layers:
        plus = mapped(layer, lambda weights: (weights > 0).astype(np.float64))
        minus = mapped(layer, lambda weights: (weights < 0).astype(np.float64))
        positive, negative = (
            _carry(positive @ plus + negative @ minus),
            _carry(positive @ minus + negative @ plus),
        )
        positive, negative = _of_equal_length(positive, negative)
    return _whole(positive), _whole(negative)


def path_weights(graph: LayeredGraph, *, limit: float = ENUMERATION_LIMIT) -> FloatArray:
    """Signed products of the weights along every path with nonzero weights.

    Parameters
    ----------
    graph : LayeredGraph
    limit : float, optional
        Largest number of paths to list; checked before anything is allocated.

    Returns
    -------
    ndarray, shape (count,)
        In no particular order.

    Raises
    ------
    StaError
        If the graph has more than ``limit`` paths, or one weighs more than float64 can hold.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, 2.0]], [[3.0, 0.0], [0.0, -1.0]]])
    >>> path_weights(graph).tolist()
    [3.0, -2.0]
    """
    count = count_paths(graph)
    if count > limit:
        raise StaError(
            f"{count:.4g} paths exceed the limit of {limit:.4g}; raise limit (8 bytes a path, "
            "five times that while sparse layers are expanded) or use method='dp'"
        )
    if count == 0:
        return np.empty(0)
    layers = live_layers(graph)
    full = all(not is_sparse(layer) and layer.all() for layer in layers)
    with np.errstate(over="ignore"):
        products = _dense_products(layers) if full else _sparse_products(layers)
    if not np.isfinite(products).all():
        raise StaError("a path weight is beyond the range of float64; scale the weights down")
    return products


def _carry(limbs: FloatArray) -> FloatArray:
    """Bring base-2**32 digits, shape (places, units), least significant first, below 2**32."""
    digits = limbs.astype(np.int64)
    rows = []
    carry = np.zeros(digits.shape[1], dtype=np.int64)
    for digit in digits:
        total = digit + carry
        rows.append(total & _LIMB_MASK)
        carry = total >> _LIMB_BITS
    if carry.any():
        rows.append(carry)
    return np.array(rows, dtype=np.float64)


def live_layers(graph: LayeredGraph) -> list[Layer]:
    """Weight matrices between the units that are on a whole path.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    list of ndarray or scipy.sparse.csr_array
        Those of `path_layers` without their other units; empty if there is no path.
    """
    layers = path_layers(graph)
    reached = [np.ones(layers[0].shape[0], dtype=bool)]
    for layer in layers:
        reached.append(_touched(layer, reached[-1], axis=0))
    useful = [np.ones(layers[-1].shape[1], dtype=bool)]
    for layer in reversed(layers):
        useful.append(_touched(layer, useful[-1], axis=1))
    live = [a & b for a, b in zip(reached, reversed(useful), strict=True)]
    if not live[0].any():
        return []
    chosen = [None if mask.all() else np.flatnonzero(mask) for mask in live]
    return [
        submatrix(layer, sources, targets)
        for layer, sources, targets in zip(layers, chosen[:-1], chosen[1:], strict=True)
    ]


def _touched(layer: Layer, units: NDArray[np.bool_], *, axis: int) -> NDArray[np.bool_]:
    """Targets (axis 0) or sources (axis 1) with an edge from or to some units."""
    if is_sparse(layer):
        pattern = support(layer)
        return np.asarray((units @ pattern if axis == 0 else pattern @ units) > 0)
    edges = layer != 0
    if not units.all():
        edges = edges[units] if axis == 0 else edges[:, units]
    return np.asarray(edges.any(axis=axis))


def _whole(limbs: FloatArray) -> int:
    return sum(int(limb.sum()) << (_LIMB_BITS * place) for place, limb in enumerate(limbs))


def _of_equal_length(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    places = max(len(a), len(b))
    padded_a, padded_b = (np.pad(x, ((0, places - len(x)), (0, 0))) for x in (a, b))
    return padded_a, padded_b


def _dense_products(matrices: list[Layer]) -> FloatArray:
    products = matrices[0]
    for matrix in matrices[1:]:
        products = (products[:, :, None] * matrix).reshape(-1, matrix.shape[1])
    return np.array(products).ravel()


def _sparse_products(layers: list[Layer]) -> FloatArray:
    ends = np.arange(layers[0].shape[0])
    products = np.ones(ends.size)
    for layer in layers:
        sources, targets, weights = edge_list(layer)
        degree = np.bincount(sources, minlength=layer.shape[0])
        first = np.cumsum(degree) - degree
        # every partial path is repeated once for each edge that leaves its end
        copies = degree[ends]
        offset = first[ends] - (np.cumsum(copies) - copies)
        edge = np.arange(copies.sum()) + np.repeat(offset, copies)
        products = np.repeat(products, copies) * weights[edge]
        ends = targets[edge]
    return products
