"""Algebra of one weight matrix, dense or sparse, without asking which of the two it is.

A layer is a float64 array or a ``scipy.sparse.csr_array`` of shape (n_in, n_out); a weight of
zero is no edge in either. Every function returns a layer of the kind that it was given.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from sta.errors import ShapeError

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
Layer: TypeAlias = Any
"""float64 ``ndarray`` or ``scipy.sparse.csr_array``; scipy has no types to say so."""
LARGEST_ARRAYS = 2**33
"""Bytes above which arrays are refused before they are allocated."""


def check_size(n_bytes: float, what: str, mend: str) -> None:
    """Refuse arrays that would not fit in memory.

    Raises
    ------
    ShapeError
        Above ``LARGEST_ARRAYS``.

    Examples
    --------
    >>> check_size(1e12, "a weight matrix", "pass a scipy.sparse array")
    Traceback (most recent call last):
    sta.errors.ShapeError: a weight matrix would take 931.3 GiB; pass a scipy.sparse array
    """
    if n_bytes > LARGEST_ARRAYS:
        raise ShapeError(f"{what} would take {n_bytes / 2**30:.1f} GiB; {mend}")


def is_sparse(layer: Layer) -> bool:
    """Say whether a layer is stored as a sparse array."""
    return bool(scipy.sparse.issparse(layer))


def dense(layer: Layer) -> FloatArray:
    """Return a layer as an ndarray of shape (n_in, n_out).

    Raises
    ------
    ShapeError
        If that takes more than ``LARGEST_ARRAYS`` bytes.
    """
    if not is_sparse(layer):
        return np.asarray(layer)
    size = 8.0 * math.prod(int(side) for side in layer.shape)
    check_size(size, f"a sparse layer of shape {layer.shape} as a dense matrix", "prune more first")
    return np.asarray(layer.toarray())


def edge_values(layer: Layer) -> FloatArray:
    """Return the stored weights of a layer, which of a dense one may hold zeros.

    Examples
    --------
    >>> edge_values(scipy.sparse.csr_array([[0.0, 2.0]])).tolist()
    [2.0]
    """
    return np.asarray(layer.data if is_sparse(layer) else layer.ravel())


def edge_list(layer: Layer) -> tuple[IntArray, IntArray, FloatArray]:
    """Return sources, targets and weights of all edges, source by source.

    Examples
    --------
    >>> [part.tolist() for part in edge_list(np.array([[0.0, 2.0], [3.0, 0.0]]))]
    [[0, 1], [1, 0], [2.0, 3.0]]
    """
    if not is_sparse(layer):
        sources, targets = np.nonzero(layer)
        return sources, targets, layer[sources, targets]
    sources = np.repeat(np.arange(layer.shape[0]), np.diff(layer.indptr))
    return sources, layer.indices.astype(np.intp), layer.data


def edge_count(layer: Layer) -> int:
    """Return the number of nonzero weights."""
    return int(layer.nnz if is_sparse(layer) else np.count_nonzero(layer))


def edge_counts(layer: Layer, axis: int) -> IntArray:
    """Return the number of edges into every target (axis 0) or out of every source (axis 1).

    Examples
    --------
    >>> edge_counts(np.array([[0.0, 2.0], [0.0, 3.0]]), axis=0).tolist()
    [0, 2]
    """
    if is_sparse(layer):
        return np.asarray(layer.count_nonzero(axis=axis), dtype=np.intp)
    return np.asarray(np.count_nonzero(layer, axis=axis), dtype=np.intp)


def mapped(layer: Layer, function: Callable[[FloatArray], FloatArray]) -> Layer:
    """Apply an elementwise function with ``function(0) = 0`` to all weights.

    Examples
    --------
    >>> mapped(np.array([[-2.0, 0.0]]), np.abs).tolist()
    [[2.0, 0.0]]
    """
    if not is_sparse(layer):
        return function(layer)
    return scipy.sparse.csr_array(
        (function(layer.data), layer.indices, layer.indptr), shape=layer.shape
    )


def support(layer: Layer) -> Layer:
    """Return the layer with every weight replaced by 1.0."""
    return mapped(layer, lambda weights: (weights != 0).astype(np.float64))


def scaled(
    layer: Layer, rows: FloatArray | None = None, columns: FloatArray | None = None
) -> Layer:
    """Multiply the rows and the columns of a layer by factors, one per unit."""
    if not is_sparse(layer):
        product = layer if rows is None else layer * rows[:, None]
        return product if columns is None else product * columns
    sources, targets, weights = edge_list(layer)
    if rows is not None:
        weights = weights * rows[sources]
    if columns is not None:
        weights = weights * columns[targets]
    return scipy.sparse.csr_array((weights, layer.indices, layer.indptr), shape=layer.shape)


def divided(
    layer: Layer, rows: FloatArray | None = None, columns: FloatArray | None = None
) -> Layer:
    """Divide the rows and the columns of a layer by factors whose reciprocals may overflow."""
    if not is_sparse(layer):
        quotient = layer if rows is None else layer / rows[:, None]
        return quotient if columns is None else quotient / columns
    weights = layer.data
    if rows is not None:
        weights = weights / np.repeat(rows, np.diff(layer.indptr))
    if columns is not None:
        weights = weights / columns[layer.indices]
    return scipy.sparse.csr_array((weights, layer.indices, layer.indptr), shape=layer.shape)


def shifted(layer: Layer, powers: NDArray[np.int32]) -> Layer:
    """Multiply the rows of a layer by powers of two, exactly and from any to any scale.

    Examples
    --------
    >>> shifted(np.array([[1.0, 3.0]]), np.array([2], np.int32)).tolist()
    [[4.0, 12.0]]
    """
    if not is_sparse(layer):
        return np.ldexp(layer, powers[:, None])
    weights = np.ldexp(layer.data, np.repeat(powers, np.diff(layer.indptr)))
    return scipy.sparse.csr_array((weights, layer.indices, layer.indptr), shape=layer.shape)


def submatrix(layer: Layer, rows: IntArray | None = None, columns: IntArray | None = None) -> Layer:
    """Return the layer between some sources and some targets, in the order given.

    None stands for all of them, and is not copied.
    """
    if rows is not None:
        layer = layer[rows]
    if columns is not None:
        # C order, so that sums over sources round as they did before
        layer = layer[:, columns] if is_sparse(layer) else layer.take(columns, axis=1)
    if is_sparse(layer):
        layer.sort_indices()
    return layer
