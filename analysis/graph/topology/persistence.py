r"""Neural persistence: how a layer falls into connected pieces as weak edges are left out.

Take the weights of a layer as :math:`|w| / \max |w|`, the maximum over the whole network, and
add its edges in the order of decreasing weight. All units are there from the beginning, at 1;
an edge of weight :math:`w` that joins two components ends one of them. These edges are the
maximum spanning forest, and every one is a point :math:`(1, w)` of the persistence diagram.

Where all weights are in, at 0, everything is joined: components that no edge joins, such as a
unit without edges, are points :math:`(1, 0)`, as they would be with edges of a vanishing weight.
One class of every layer is never joined, the essential one: ``essential="omit"`` leaves it out,
so that a layer of n units has n - 1 points; ``essential="zero"`` lets it end at weight 0 too, a
persistence of 1 more, as the published code does.

Neural persistence depends on the sizes of weights, and a rescaling of ReLU units that leaves
the function alone changes it; take it of :func:`~sta.analysis.graph.balance`-d graphs to
compare networks. A permutation of units does not. Bias units are left out.

References
----------
.. [1] Rieck et al., "Neural persistence: a complexity measure for deep neural networks using
   algebraic topology", ICLR 2019, arXiv:1812.09764.
.. [2] Girrbach, Christensen, Winther, Akata, Koepke, "Addressing caveats of neural persistence
   with deep graph persistence", TMLR 2023, arXiv:2307.10865.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal, TypeAlias

import numpy as np

from sta.analysis.graph.edges import (
    FloatArray,
    Layer,
    check_size,
    dense,
    edge_list,
    edge_values,
    mapped,
)
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.topology.spanning_forest import spanning_forest_weights
from sta.errors import ShapeError, StaError

__all__ = [
    "Essential",
    "NeuralPersistence",
    "bottleneck_product",
    "deep_graph_persistence",
    "neural_persistence",
]

Essential: TypeAlias = Literal["omit", "zero"]
CHUNK = 2**22
"""Bytes of the temporary arrays of a bottleneck product."""
LARGEST_PRODUCT = 2**30
"""Bytes of one dense matrix above which deep graph persistence is refused."""


@dataclass(frozen=True)
class NeuralPersistence:
    """Neural persistence of a network.

    Attributes
    ----------
    layers : tuple of float
        p-norm of the persistences, for every weight matrix.
    normalised : tuple of float
        The same over ``(n_in + n_out - 1) ** (1 / order)``: at most 1 if the essential class is
        omitted.
    mean : float
        Mean of ``normalised``, the neural persistence of the network.
    essential : {"omit", "zero"}
    order : float
        The p of the norm.
    """

    layers: tuple[float, ...]
    normalised: tuple[float, ...]
    mean: float
    essential: Essential
    order: float

    def to_dict(self) -> dict[str, Any]:
        """Return the values as plain Python objects."""
        return {
            "layers": list(self.layers),
            "normalised": list(self.normalised),
            "mean": self.mean,
            "essential": self.essential,
            "order": self.order,
        }


def neural_persistence(
    graph: LayeredGraph, *, essential: Essential, order: float = 2.0
) -> NeuralPersistence:
    r"""Zero-dimensional neural persistence of every layer, and its mean.

    .. math:: NP_p = \Big(\sum_{w \in \text{forest}} (1 - w)^p\Big)^{1/p}

    plus 1 in the sum for every component that no edge joins to another, but for the last one if
    ``essential="omit"``.

    Parameters
    ----------
    graph : LayeredGraph
        Its |w| are used.
    essential : {"omit", "zero"}
        Leave the essential class out, or let it end at weight 0.
    order : float, optional
        The p of the norm, at least 1.

    Returns
    -------
    NeuralPersistence

    Raises
    ------
    StaError
        If ``essential`` or ``order`` is none of these.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, -0.5], [0.5, 0.25]]])
    >>> neural_persistence(graph, essential="omit").layers  # of 1, 1/2 and 1/2
    (0.7071067811865476,)
    """
    if essential not in ("omit", "zero"):
        raise StaError(f"essential is {essential!r}; choose 'omit' or 'zero'")
    if not 1 <= order < math.inf:
        raise StaError(f"order is {order}; choose a finite one of at least 1")
    layers = graph.without_bias().layers
    largest = max(_largest(layer) for layer in layers) or 1.0
    values, normalised = [], []
    for layer in layers:
        units = sum(layer.shape)
        persistence = 1 - spanning_forest_weights(layer) / largest
        unpaired = units - persistence.size - (essential == "omit")
        values.append(float((np.sum(persistence**order) + unpaired) ** (1 / order)))
        normalised.append(values[-1] / (units - 1) ** (1 / order))
    mean = math.fsum(normalised) / len(normalised)
    return NeuralPersistence(tuple(values), tuple(normalised), mean, essential, order)


def deep_graph_persistence(
    graph: LayeredGraph, *, essential: Essential, order: float = 2.0
) -> NeuralPersistence:
    r"""Neural persistence of the strongest paths from inputs to outputs.

    The weights of each layer are standardised, :math:`|w - \bar w| / \sigma`, the mean and
    standard deviation taken over its edges. The strength of a path is its weakest edge, and
    :math:`S_{ij}` that of the strongest path from input i to output j. The result is the
    neural persistence of the one layer S. As in the paper for complete layers; in a pruned
    layer a missing edge stays missing, and an edge of exactly the mean weight is as one.

    Parameters
    ----------
    graph : LayeredGraph
    essential : {"omit", "zero"}
    order : float, optional
        As in :func:`neural_persistence`.

    Returns
    -------
    NeuralPersistence
        Of one layer.

    Raises
    ------
    StaError
        If the weights of a layer are all equal, ``essential`` or ``order`` is unknown, or a
        dense matrix of the widths takes more than 1 GiB.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, 5.0]], [[-3.0, 1.0], [3.0, -1.0]]])
    >>> deep_graph_persistence(graph, essential="omit").layers  # of 1 and 1 / sqrt(5)
    (0.5527864045000421,)
    """
    bare = graph.without_bias()
    for number, width in enumerate(bare.widths[1:], start=1):
        for size in (bare.widths[0], bare.widths[number - 1]):
            if 8 * size * width > LARGEST_PRODUCT:
                raise StaError(
                    f"a dense matrix of {size} by {width} units takes "
                    f"{8 * size * width / 2**30:.1f} GiB; prune units to stay below "
                    f"{LARGEST_PRODUCT // 2**30} GiB"
                )
    standard = (dense(_standardised(layer, number)) for number, layer in enumerate(bare.layers))
    strengths = reduce(bottleneck_product, standard)
    summary = LayeredGraph.from_arrays([strengths])
    return neural_persistence(summary, essential=essential, order=order)


def bottleneck_product(a: FloatArray, b: FloatArray) -> FloatArray:
    r"""Max-min product of two nonnegative matrices, :math:`S_{ij} = \max_k \min(a_{ik}, b_{kj})`.

    Row by row, with k in the order of decreasing :math:`a_{ik}`, until no further one can
    raise any entry; of independent random entries a tenth of the work remains. Temporary
    arrays take 4 MiB, or one row of b.

    Parameters
    ----------
    a : ndarray, shape (n, k)
    b : ndarray, shape (k, m)

    Returns
    -------
    ndarray, shape (n, m)

    Raises
    ------
    ShapeError
        If the matrices do not chain, or their product would not fit in memory.

    Examples
    --------
    >>> bottleneck_product(np.array([[1.0, 3.0]]), np.array([[5.0], [2.0]])).tolist()
    [[2.0]]
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise ShapeError(
            f"matrices of shape {a.shape} and {b.shape} do not chain; give (n, k) and (k, m)"
        )
    check_size(
        8.0 * a.shape[0] * b.shape[1],
        f"a product of {a.shape[0]} by {b.shape[1]} units",
        "prune units",
    )
    block = max(1, min(64, CHUNK // (8 * b.shape[1])))
    product = np.zeros((a.shape[0], b.shape[1]))
    for row, best in zip(a, product, strict=True):
        order = np.argsort(-row, kind="stable")
        for start in range(0, order.size, block):
            chosen = order[start : start + block]
            if row[chosen[0]] <= best.min():
                break
            reach = np.minimum(row[chosen, None], b[chosen]).max(axis=0)
            np.maximum(best, reach, out=best)
    return product


def _largest(layer: Layer) -> float:
    return float(np.abs(edge_values(layer)).max(initial=0.0))


def _standardised(layer: Layer, number: int) -> Layer:
    weights = edge_list(layer)[2]
    if weights.size == 0:
        return layer
    if weights.min() == weights.max():
        raise StaError(
            f"the {weights.size} edges of layer {number} all weigh {weights[0]:g} and cannot be "
            "standardised; leave the layer out"
        )
    scale = float(np.abs(weights).max())  # squares stay in range
    centre, spread = float(np.mean(weights / scale)), float(np.std(weights / scale))

    def standardise(values: FloatArray) -> FloatArray:
        return np.where(values != 0, np.abs(values / scale - centre) / spread, 0.0)

    return mapped(layer, standardise)
