"""Where paths start: at the inputs, and at the units that hold biases.

Every path algorithm follows whole paths from the first node layer. A path that starts at a
bias further on is given a beginning of weight 1, along one more unit in every layer before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse

from sta.analysis.graph.edges import Layer, is_sparse
from sta.analysis.graph.layered_graph import LayeredGraph

__all__ = ["path_layers"]


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


def _with_chain(layer: Layer, targets: Any, *, chained: bool) -> Layer:
    library: Any = scipy.sparse if is_sparse(layer) else np
    below = targets.astype(np.float64)[None, :]
    tall = library.vstack([layer, below])
    if chained:
        last = np.zeros((tall.shape[0], 1))
        last[-1] = 1.0
        tall = library.hstack([tall, last])
    return scipy.sparse.csr_array(tall) if is_sparse(layer) else tall
