"""Positive rescaling of ReLU units, which changes weights but not the function.

For a unit with activation ``relu(z) = max(z, 0)`` and any ``c > 0``,
``relu(c z) = c relu(z)``: incoming weights times ``c`` and outgoing weights over ``c`` give
the same network, the same path weights, and other strengths. A bias is one of the incoming
weights, that of an edge from a bias unit; a bias unit itself has nothing to rescale, because
its output is 1 by definition.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray

from sta.analysis.graph.edges import (
    FloatArray,
    Layer,
    dense,
    divided,
    edge_count,
    edge_counts,
    edge_list,
    edge_values,
    is_sparse,
    scaled,
    shifted,
)
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.paths.scaled_sums import ScaledSums, edge_products
from sta.errors import ShapeError

__all__ = ["balance", "rescale"]


def rescale(graph: LayeredGraph, layer: int, scale: ArrayLike) -> LayeredGraph:
    """Multiply incoming weights of hidden units by ``scale`` and divide the outgoing ones.

    Parameters
    ----------
    graph : LayeredGraph
    layer : int
        Hidden node layer, from 1 to ``n_layers - 1``.
    scale : array_like, shape (widths[layer],)
        Positive, finite factor of every unit; 1 for bias units, which may be left out.

    Returns
    -------
    LayeredGraph
        With all else as it was.

    Raises
    ------
    ShapeError
        If the layer is not hidden, a factor is missing, not positive, not finite, or not 1 for
        a bias unit, or a rescaled weight is beyond float64, infinite or 0.
    """
    if not 0 < layer < graph.n_layers:
        raise ShapeError(
            f"node layer {layer} is not hidden; choose one from 1 to {graph.n_layers - 1}"
        )
    factors = _factors(graph, layer, scale)
    matrices = list(graph.layers)
    with np.errstate(over="ignore"):  # an infinite weight is refused below
        matrices[layer - 1] = scaled(matrices[layer - 1], columns=factors)
        matrices[layer] = divided(matrices[layer], factors)
    for at in (layer - 1, layer):
        _check_edges(graph, at, matrices[at], f"factors of {factors.min():g} to {factors.max():g}")
    return replace(graph, layers=tuple(matrices))


def balance(graph: LayeredGraph) -> LayeredGraph:
    """Give every hidden unit incoming weights of unit length, pushing the scale forward.

    The standard member of a network's family of ReLU rescalings: two networks that differ
    by rescaling alone have the same balanced graph. Units without input are left alone.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    LayeredGraph

    Raises
    ------
    ShapeError
        If a weight of the balanced graph is beyond float64, infinite or 0.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[0.0], [5.0]], [[2.0]]])
    >>> [layer.tolist() for layer in balance(graph).layers]
    [[[0.0], [1.0]], [[10.0]]]
    """
    if graph.n_layers == 1:
        return graph
    matrices, powers = _balanced_layers(graph)
    with np.errstate(over="ignore"):
        matrices[-1] = _transposed(shifted(_transposed(matrices[-1]), powers))
    for at, matrix in enumerate(matrices):
        _check_edges(graph, at, matrix, "incoming weights of hidden units at length 1")
    return replace(graph, layers=tuple(matrices))


def incoming_norms(matrix: Layer) -> FloatArray:
    """Euclidean length of every column of a weight matrix; 1 for columns of zeros.

    Parameters
    ----------
    matrix : ndarray or scipy.sparse.csr_array, shape (n_in, n_out)

    Returns
    -------
    ndarray, shape (n_out,)
    """
    if is_sparse(matrix):
        _, targets, weights = edge_list(matrix)
        largest = np.zeros(matrix.shape[1])
        np.maximum.at(largest, targets, np.abs(weights))
        squares = np.square(weights / largest[targets])  # in range, as those below
        norms = largest * np.sqrt(np.bincount(targets, squares, minlength=largest.size))
    else:
        largest = np.abs(matrix).max(axis=0)
        largest[largest == 0] = 1.0
        norms = largest * np.linalg.norm(matrix / largest, axis=0)
    return np.asarray(np.where(norms > 0, norms, 1.0))


def balanced_weights(graph: LayeredGraph) -> tuple[FloatArray, ...]:
    """Weights of the balanced graph, every layer over its largest, in range at any scale.

    Without a fixed scale of the teacher's units, a cosine one layer further would depend on it.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    tuple of ndarray
        Of the shapes of ``graph.layers``, dense also where these are sparse.
    """
    matrices, powers = _balanced_layers(graph)
    matrices[-1] = _transposed(shifted(_transposed(matrices[-1]), powers - powers.max()))
    return tuple(_over_largest(dense(matrix)) for matrix in matrices)


def _balanced_layers(graph: LayeredGraph) -> tuple[list[Layer], NDArray[np.int32]]:
    """Layers of the balanced graph, the columns of the last over powers of two, and these.

    The length of a unit's incoming weights is passed on with a power of two of its own.
    """
    matrices: list[Layer] = []
    sources = ScaledSums.ones(graph.widths[0])
    for layer in graph.layers:
        products, powers = edge_products(_transposed(layer), sources)
        matrices.append(_transposed(products))
        if len(matrices) == graph.n_layers:
            break
        lengths = incoming_norms(matrices[-1])
        with_input = edge_counts(matrices[-1], axis=0) > 0
        matrices[-1] = divided(matrices[-1], columns=lengths)
        sources = ScaledSums.of(lengths, np.where(with_input, powers, 0))
    return matrices, powers


def _transposed(layer: Layer) -> Layer:
    return scipy.sparse.csr_array(layer.T) if is_sparse(layer) else layer.T


def _check_edges(graph: LayeredGraph, at: int, matrix: Layer, what: str) -> None:
    """Refuse weights that left float64: a weight of 0 would be an edge less."""
    values = edge_values(matrix)
    lost = edge_count(graph.layers[at]) - np.count_nonzero(values)
    infinite = np.count_nonzero(~np.isfinite(values))
    if lost or infinite:
        raise ShapeError(
            f"with {what}, {lost} weights of layer {at} would be 0 and {infinite} infinite; scale "
            "the weights of the layers nearer to 1"
        )


def _factors(graph: LayeredGraph, layer: int, scale: ArrayLike) -> FloatArray:
    given = np.asarray(scale, dtype=np.float64)
    bias = graph.is_bias(layer)
    factors = np.ones(bias.size)
    if given.shape == factors.shape:
        factors[:] = given
    elif given.shape == (np.count_nonzero(~bias),):
        factors[~bias] = given
    else:
        raise ShapeError(
            f"scale has shape {given.shape} but node layer {layer} has "
            f"{graph.widths[layer]} units; give one factor per unit"
        )
    wrong = ~(np.isfinite(factors) & (factors > 0))
    if wrong.any():
        raise ShapeError(f"scale holds {factors[wrong][0]}; factors must be positive and finite")
    if np.any(factors[bias] != 1):
        raise ShapeError(
            f"scale holds {factors[bias][factors[bias] != 1][0]} for a bias unit of node layer "
            f"{layer}; leave bias units out"
        )
    return factors


def _over_largest(matrix: FloatArray) -> FloatArray:
    largest = float(np.abs(matrix).max())
    return matrix / largest if largest > 0 else matrix
