r"""Exact sums over all paths of a graph, without listing one.

With :math:`W^{\circ k}` the elementwise power, the sums over all paths of path weights p are

.. math::

    \sum_p |p|^k = \mathbf 1^T |W_0|^{\circ k} \cdots |W_{L-1}|^{\circ k} \mathbf 1 ,

matrix-vector products, linear in the number of edges. Positive and negative paths are summed
apart, in the graph that holds every unit twice, once for each sign of the product behind it.

References
----------
.. [1] A. Gonon et al., "A path-norm toolkit for modern networks", ICLR 2024,
   arXiv:2310.01225 (path norms by one forward pass).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sta.analysis.graph.edges import FloatArray, Layer, mapped
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.paths.enumeration import count_paths
from sta.analysis.graph.paths.scaled_sums import (
    ScaledSums,
    carried,
    is_moderate,
    times_power_of_two,
)
from sta.analysis.graph.paths.starts import path_layers
from sta.analysis.graph.paths.transitions import path_transitions, unit_masses

__all__ = ["PathMoments", "entropy_number", "path_moments"]


@dataclass(frozen=True)
class PathMoments:
    """Exact sums over all paths of a graph.

    Attributes
    ----------
    count : int
        Number of paths with nonzero weights, exact.
    signed_sum : float
        Sum of the path weights p.
    l1 : float
        Sum of abs(p), the path norm.
    l2 : float
        Square root of the sum of p squared.
    effective_number : float
        Participation ratio l1^2 / l2^2, between 1 and ``count``; 0 without paths.
    positive_mass : float
        Sum of the positive path weights.
    negative_mass : float
        Sum of abs(p) over the negative path weights.

    Notes
    -----
    A norm beyond the range of float64 is ``inf`` or 0; ``effective_number`` stays exact then.
    """

    count: int
    signed_sum: float
    l1: float
    l2: float
    effective_number: float
    positive_mass: float
    negative_mass: float


def path_moments(graph: LayeredGraph) -> PathMoments:
    """Count, signed sum, L1 and L2 norm and effective number of all paths.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    PathMoments

    Examples
    --------
    >>> moments = path_moments(LayeredGraph.from_arrays([[[1.0, -1.0]], [[3.0], [4.0]]]))
    >>> moments.count, moments.signed_sum, moments.l1, moments.l2, moments.effective_number
    (2, -1.0, 7.0, 5.0, 1.96)
    >>> moments.positive_mass, moments.negative_mass
    (3.0, 4.0)
    """
    by_sign, squares = _path_sums(path_layers(graph))
    (positive, negative), power = by_sign.common()
    (square,), square_power = squares.common()
    odd = square_power % 2
    count = count_paths(graph)
    effective = 0.0
    if square > 0:
        ratio = float(positive + negative) ** 2 / square
        effective = _clipped(times_power_of_two(ratio, 2 * power - square_power), count)
    return PathMoments(
        count=count,
        signed_sum=times_power_of_two(positive - negative, power),
        l1=times_power_of_two(positive + negative, power),
        l2=times_power_of_two(math.sqrt(square * 2**odd), (square_power - odd) // 2),
        effective_number=effective,
        positive_mass=times_power_of_two(positive, power),
        negative_mass=times_power_of_two(negative, power),
    )


def entropy_number(graph: LayeredGraph) -> float:
    r"""Effective number of paths by entropy, :math:`\exp(-\sum_p q_p \log q_p)`, q = abs(p) / l1.

    The Hill number of order 1, where the participation ratio is that of order 2 and the count
    that of order 0: the three fall in that order, and agree when all paths weigh the same. The
    entropy is that of a path's start plus those of its steps, as of every Markov chain.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    float
        Between 1 and the number of paths; 0 without paths, ``inf`` beyond float64.

    Examples
    --------
    >>> round(entropy_number(LayeredGraph.from_arrays([[[2.0] * 5] * 3])), 12)
    15.0
    """
    count = count_paths(graph)
    if count == 0:
        return 0.0
    start, steps = path_transitions(path_layers(graph))
    entropy = float(_surprise(start).sum())
    for step, masses in zip(steps, unit_masses(start, steps), strict=False):
        entropy += float(masses @ np.asarray(mapped(step, _surprise).sum(axis=1)))
    try:
        return _clipped(math.exp(entropy), count)
    except OverflowError:
        return math.inf


def _surprise(shares: FloatArray) -> FloatArray:
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    return np.asarray(-shares * logs)


def _clipped(number: float, count: int) -> float:
    """Undo the rounding that puts an effective number outside 1 to ``count``."""
    if math.isinf(number) or 1 <= number <= count:
        return number
    return 1.0 if number < 1 else float(count)


def _path_sums(layers: Sequence[Layer]) -> tuple[ScaledSums, ScaledSums]:
    """Add up the positive p and abs(p) of the negative, and the squares of all."""
    n_out = layers[-1].shape[1]
    positive = squares = ScaledSums.ones(n_out)
    negative = ScaledSums.of(np.zeros(n_out), positive.powers)
    for layer in reversed(layers):
        plain = is_moderate(layer)
        plus = mapped(layer, lambda weights: np.maximum(weights, 0.0))
        minus = mapped(layer, lambda weights: np.maximum(-weights, 0.0))
        positive, negative = (
            carried(plus, positive, plain=plain) + carried(minus, negative, plain=plain),
            carried(plus, negative, plain=plain) + carried(minus, positive, plain=plain),
        )
        squares = carried(layer, squares, plain=plain, squared=True)
    return positive.total().joined(negative.total()), squares.total()
