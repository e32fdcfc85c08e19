"""Positive rescaling of ReLU units, which changes weights but not the function.

For a unit with activation ``relu(z) = max(z, 0)`` and any ``c > 0``,
``relu(c z) = c relu(z)``: incoming weights times ``c`` and outgoing weights over ``c`` give
the same network, the same path weights, and other strengths. A bias is one of the incoming
weights, that of an edge from a bias unit; a bias unit itself has nothing to rescale, because
its output is 1 by definition.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike

from sta.analysis.graph.checks import as_layer
from sta.analysis.graph.edges import FloatArray, Layer, dense, edge_list, is_sparse, scaled
from sta.analysis.graph.layered_graph import LayeredGraph
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
        a bias unit, or a rescaled weight is beyond float64.
    """
    if not 0 < layer < graph.n_layers:
        raise ShapeError(
            f"node layer {layer} is not hidden; choose one from 1 to {graph.n_layers - 1}"
        )
    factors = _factors(graph, layer, scale)
    matrices = list(graph.layers)
    with np.errstate(over="ignore"):  # an infinite weight is refused below
        matrices[layer - 1] = as_layer(scaled(matrices[layer - 1], columns=factors), layer - 1)
        matrices[layer] = as_layer(_over_rows(matrices[layer], factors), layer)
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

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[0.0], [5.0]], [[2.0]]])
    >>> [layer.tolist() for layer in balance(graph).layers]
    [[[0.0], [1.0]], [[10.0]]]
    """
    for layer in range(1, graph.n_layers):
        graph = rescale(graph, layer, 1 / incoming_norms(graph.layers[layer - 1]))
    return graph


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
    """Weights with incoming vectors of hidden units at length one, and layers at largest one.

    Without a fixed scale of the teacher's units, a cosine one layer further would depend on
    it. The layers are scaled because that keeps products of extreme weights in range; what a
    layer lost is given back to the bias units of the next, whose weights it does not touch.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    tuple of ndarray
        Of the shapes of ``graph.layers``, dense also where these are sparse.
    """
    first, log_lost = _over_largest(dense(graph.layers[0]))
    matrices = [first]
    for at, layer in enumerate(graph.layers[1:], start=1):
        norms = incoming_norms(matrices[-1])
        matrices[-1] = matrices[-1] / norms
        factors = norms
        if graph.is_bias(at).any():
            common = max(0.0, -log_lost)
            bias = math.exp(-log_lost - common)
            factors = np.where(graph.is_bias(at), bias, norms * math.exp(-common))
            log_lost += common
        matrix, log_own = _over_largest(dense(layer))
        matrix, log_pushed = _over_largest(matrix * factors[:, None])
        log_lost += log_own + log_pushed
        matrices.append(matrix)
    return tuple(matrices)


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


def _over_rows(layer: Layer, factors: FloatArray) -> Layer:
    if not is_sparse(layer):
        return layer / factors[:, None]
    sources, _, weights = edge_list(layer)
    return scipy.sparse.csr_array(
        (weights / factors[sources], layer.indices, layer.indptr), shape=layer.shape
    )


def _over_largest(matrix: FloatArray) -> tuple[FloatArray, float]:
    """Divide by the largest size of an entry, and return its logarithm too."""
    largest = float(np.abs(matrix).max())
    return (matrix / largest, math.log(largest)) if largest > 0 else (matrix, 0.0)
