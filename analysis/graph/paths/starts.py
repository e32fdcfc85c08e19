"""Where paths start: at the inputs, and at the units that hold biases; and what they pass.

Every path algorithm follows whole paths from the first node layer. A path that starts at a
bias further on is given a beginning of weight 1, along one more unit in every layer before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from sta.analysis.graph.edges import Layer, is_sparse, submatrix, support
from sta.analysis.graph.layered_graph import LayeredGraph

__all__ = ["live_layers", "live_units", "path_layers"]


def path_layers(graph: LayeredGraph) -> tuple[Layer, ...]:
    """Weight matrices whose paths from the first node layer are all the paths of the graph.

    Without bias units behind the inputs these are the graph's own. Otherwise every node layer
    before the last of them has one more unit, at its end, joined by weights of 1 into a chain
    and to the bias units of the layer behind; path weights are unchanged.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    tuple of ndarray or scipy.sparse.csr_array

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[2.0]], [[3.0]]], biases=[None, [5.0]])
    >>> [layer.tolist() for layer in path_layers(graph)]
    [[[2.0, 0.0], [0.0, 1.0]], [[3.0], [5.0]]]
    """
    later = [at for at in range(1, graph.n_layers) if graph.is_bias(at).any()]
    if not later:
        return graph.layers
    return tuple(
        _with_chain(layer, graph.is_bias(at + 1), chained=at + 1 < later[-1])
        if at < later[-1]
        else layer
        for at, layer in enumerate(graph.layers)
    )


def live_units(layers: Sequence[Layer]) -> list[NDArray[np.bool_]]:
    """Mark the units on at least one path from the first node layer to the last.

    Parameters
    ----------
    layers : sequence of ndarray or scipy.sparse.csr_array
        Such as those of :func:`path_layers`.

    Returns
    -------
    list of ndarray of bool
        One mask per node layer.
    """
    reached = [np.ones(layers[0].shape[0], dtype=bool)]
    for layer in layers:
        reached.append(_touched(layer, reached[-1], axis=0))
    useful = [np.ones(layers[-1].shape[1], dtype=bool)]
    for layer in reversed(layers):
        useful.append(_touched(layer, useful[-1], axis=1))
    return [a & b for a, b in zip(reached, reversed(useful), strict=True)]


def live_layers(graph: LayeredGraph) -> list[Layer]:
    """Weight matrices between the units that are on a whole path.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    list of ndarray or scipy.sparse.csr_array
        Those of :func:`path_layers` without their other units; empty if there is no path.
    """
    layers = path_layers(graph)
    live = live_units(layers)
    if not live[0].any():
        return []
    chosen = [None if mask.all() else np.flatnonzero(mask) for mask in live]
    return [
        submatrix(layer, sources, targets)
        for layer, sources, targets in zip(layers, chosen[:-1], chosen[1:], strict=True)
    ]


def _with_chain(layer: Layer, targets: Any, *, chained: bool) -> Layer:
    library: Any = scipy.sparse if is_sparse(layer) else np
    below = targets.astype(np.float64)[None, :]
    tall = library.vstack([layer, below])
    if chained:
        last = np.zeros((tall.shape[0], 1))
        last[-1] = 1.0
        tall = library.hstack([tall, last])
    return scipy.sparse.csr_array(tall) if is_sparse(layer) else tall


def _touched(layer: Layer, units: NDArray[np.bool_], *, axis: int) -> NDArray[np.bool_]:
    """Targets (axis 0) or sources (axis 1) with an edge from or to some units."""
    if is_sparse(layer):
        pattern = support(layer)
        return np.asarray((units @ pattern if axis == 0 else pattern @ units) > 0)
    edges = layer != 0
    if not units.all():
        edges = edges[units] if axis == 0 else edges[:, units]
    return np.asarray(edges.any(axis=axis))
