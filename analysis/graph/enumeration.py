"""Counting and listing the paths of a layered graph, exactly.

The count is exact at any depth; the list has one signed product per path and is made only
where it fits a stated limit.
"""

from __future__ import annotations

import numpy as np

from sta.analysis.graph.layered_graph import FloatArray, IntArray, LayeredGraph
from sta.errors import StaError

__all__ = ["ENUMERATION_LIMIT", "count_paths", "path_weights"]

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
    limbs = np.ones((1, graph.widths[0]))
    for matrix in graph.layers:
        if matrix.all():
            sums = np.tile(limbs.sum(axis=1, keepdims=True), matrix.shape[1])
        else:
            sums = limbs @ (matrix != 0).astype(np.float64)
        limbs = _carry(sums)
    totals = (int(limb.sum()) for limb in limbs)
    return sum(total << (_LIMB_BITS * place) for place, total in enumerate(totals))


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
            "five times that while sparse layers are expanded) or use method='moments'"
        )
    live = _live_units(graph)
    matrices = [
        matrix[np.ix_(sources, targets)]
        for matrix, sources, targets in zip(graph.layers, live[:-1], live[1:], strict=True)
    ]
    if count == 0:
        return np.empty(0)
    dense = all(matrix.all() for matrix in matrices)
    with np.errstate(over="ignore"):
        products = _dense_products(matrices) if dense else _sparse_products(matrices)
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


def _live_units(graph: LayeredGraph) -> list[IntArray]:
    """Units of every node layer on a whole path, so that no partial path is listed in vain."""
    reached = [np.ones(graph.widths[0], dtype=bool)]
    for matrix in graph.layers:
        reached.append((matrix[reached[-1]] != 0).any(axis=0))
    useful = [np.ones(graph.widths[-1], dtype=bool)]
    for matrix in reversed(graph.layers):
        useful.append((matrix[:, useful[-1]] != 0).any(axis=1))
    return [np.flatnonzero(a & b) for a, b in zip(reached, reversed(useful), strict=True)]


def _dense_products(matrices: list[FloatArray]) -> FloatArray:
    products = matrices[0]
    for matrix in matrices[1:]:
        products = (products[:, :, None] * matrix).reshape(-1, matrix.shape[1])
    return products.ravel()


def _sparse_products(matrices: list[FloatArray]) -> FloatArray:
    ends = np.arange(matrices[0].shape[0])
    products = np.ones(ends.size)
    for matrix in matrices:
        sources, targets = np.nonzero(matrix)
        degree = np.bincount(sources, minlength=matrix.shape[0])
        first = np.cumsum(degree) - degree
        # every partial path is repeated once for each edge that leaves its end
        copies = degree[ends]
        offset = first[ends] - (np.cumsum(copies) - copies)
        edge = np.arange(copies.sum()) + np.repeat(offset, copies)
        products = np.repeat(products, copies) * matrix[sources, targets][edge]
        ends = targets[edge]
    return products
