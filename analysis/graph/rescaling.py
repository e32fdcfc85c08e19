"""Positive rescaling of ReLU units, which changes weights but not the function.

For a unit with activation ``relu(z) = max(z, 0)`` and any ``c > 0``,
``relu(c z) = c relu(z)``: incoming weights times ``c`` and outgoing weights over ``c`` give
the same network, the same path weights, and other strengths.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from sta.analysis.graph.layered_graph import FloatArray, LayeredGraph
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
        Positive, finite factor of every unit.

    Returns
    -------
    LayeredGraph

    Raises
    ------
    ShapeError
        If the layer is not hidden, a factor is missing, not positive or not finite, or a
        rescaled weight is beyond float64.
    """
    if not 0 < layer < graph.n_layers:
        raise ShapeError(
            f"node layer {layer} is not hidden; choose one from 1 to {graph.n_layers - 1}"
        )
    factors = np.asarray(scale, dtype=np.float64)
    if factors.shape != (graph.widths[layer],):
        raise ShapeError(
            f"scale has shape {factors.shape} but node layer {layer} has "
            f"{graph.widths[layer]} units; give one factor per unit"
        )
    wrong = ~(np.isfinite(factors) & (factors > 0))
    if wrong.any():
        raise ShapeError(f"scale holds {factors[wrong][0]}; factors must be positive and finite")
    matrices: list[FloatArray] = list(graph.layers)
    with np.errstate(over="ignore"):  # an infinite weight is refused below
        matrices[layer - 1] = matrices[layer - 1] * factors
        matrices[layer] = matrices[layer] / factors[:, None]
    return LayeredGraph.from_arrays(
        matrices, graph.unit_ids, role=graph.role, attributes=graph.attributes
    )


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


def incoming_norms(matrix: FloatArray) -> FloatArray:
    """Euclidean length of every column of a weight matrix; 1 for columns of zeros.

    Parameters
    ----------
    matrix : ndarray, shape (n_in, n_out)

    Returns
    -------
    ndarray, shape (n_out,)
    """
    largest = np.abs(matrix).max(axis=0)
    largest[largest == 0] = 1.0
    norms = largest * np.linalg.norm(matrix / largest, axis=0)  # squares stay in range
    return np.asarray(np.where(norms > 0, norms, 1.0))


def balanced_weights(graph: LayeredGraph) -> tuple[FloatArray, ...]:
    """Weights with incoming vectors of hidden units at length one, and layers at largest one.

    Without a fixed scale of the teacher's units, a cosine one layer further would depend on
    it. The layers are scaled because that keeps products of extreme weights in range.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    tuple of ndarray
        Of the shapes of ``graph.layers``.
    """
    first, *others = graph.layers
    matrices = [_over_largest(first)]
    for matrix in others:
        norms = incoming_norms(matrices[-1])
        matrices[-1] = matrices[-1] / norms
        matrices.append(_over_largest(_over_largest(matrix) * norms[:, None]))
    return tuple(matrices)


def _over_largest(matrix: FloatArray) -> FloatArray:
    largest = float(np.abs(matrix).max())
    return matrix / largest if largest > 0 else matrix
