"""Algebra of one weight matrix, dense or sparse, without asking which of the two it is.

A layer is a float64 array or a ``scipy.sparse.csr_array`` of shape (n_in, n_out); a weight of
zero is no edge in either. Every function returns a layer of the kind that it was given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
Layer: TypeAlias = Any
"""float64 ``ndarray`` or ``scipy.sparse.csr_array``; scipy has no types to say so."""


def is_sparse(layer: Layer) -> bool:
    """Say whether a layer is stored as a sparse array."""
    return bool(scipy.sparse.issparse(layer))


def dense(layer: Layer) -> FloatArray:
    """Return a layer as an ndarray of shape (n_in, n_out)."""
    return np.asarray(layer.toarray() if is_sparse(layer) else layer)


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
