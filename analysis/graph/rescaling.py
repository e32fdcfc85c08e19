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
        If the layer is not hidden, or a factor is missing, not positive or not finite.
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
        norms = np.linalg.norm(graph.layers[layer - 1], axis=0)
        graph = rescale(graph, layer, 1 / np.where(norms > 0, norms, 1.0))
    return graph
