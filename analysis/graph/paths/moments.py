r"""Exact sums over all paths of a graph, without listing one.

With :math:`W^{\circ k}` the elementwise power, the sums over all paths of path weights p are

.. math::

    \sum_p |p|^k = \mathbf 1^T |W_0|^{\circ k} \cdots |W_{L-1}|^{\circ k} \mathbf 1 ,

and likewise for the signed sum: vector-matrix products, linear in the number of edges.

References
----------
.. [1] A. Gonon et al., "A path-norm toolkit for modern networks", ICLR 2024,
   arXiv:2310.01225 (path norms by one forward pass).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sta.analysis.graph.edges import FloatArray, Layer, edge_values, mapped
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.paths.enumeration import count_paths
from sta.analysis.graph.paths.starts import path_layers

__all__ = ["PathMoments", "entropy_number", "path_moments"]

# Squares of weights below 2**200 leave ample room for the width of any layer.
_SAFE_EXPONENT = 200


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

    Notes
    -----
    A norm beyond the range of float64 is ``inf``; ``effective_number`` stays exact then.
    """

    count: int
    signed_sum: float
    l1: float
    l2: float
    effective_number: float

    @property
    def positive_mass(self) -> float:
        """Sum of the positive path weights, (l1 + signed_sum) / 2."""
        return self.l1 / 2 + self.signed_sum / 2

    @property
    def negative_mass(self) -> float:
        """Sum of abs(p) over the negative path weights, (l1 - signed_sum) / 2."""
        return self.l1 / 2 - self.signed_sum / 2


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
    >>> graph = LayeredGraph.from_arrays([[[1.0, -1.0]], [[3.0], [4.0]]])
    >>> path_moments(graph)
    PathMoments(count=2, signed_sum=-1.0, l1=7.0, l2=5.0, effective_number=1.96)
    """
    signed, total, squares = _path_sums(graph)
    square_mantissa, square_exponent = squares
    odd = square_exponent % 2
    effective = 0.0
    if square_mantissa > 0:
        effective = _ldexp(total[0] ** 2 / square_mantissa, 2 * total[1] - square_exponent)
    return PathMoments(
        count=count_paths(graph),
        signed_sum=_ldexp(*signed),
        l1=_ldexp(*total),
        l2=_ldexp(math.sqrt(square_mantissa * 2**odd), (square_exponent - odd) // 2),
        effective_number=effective,
    )


def entropy_number(graph: LayeredGraph) -> float:
    r"""Effective number of paths by entropy, :math:`\exp(-\sum_p q_p \log q_p)`, q = abs(p) / l1.

    The Hill number of order 1, where the participation ratio is that of order 2 and the count
    that of order 0: the three fall in that order, and agree when all paths weigh the same.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    float
        Between 1 and the number of paths; 0 without paths.

    Examples
    --------
    >>> round(entropy_number(LayeredGraph.from_arrays([[[2.0] * 5] * 3])), 12)
    15.0
    """
    layers = path_layers(graph)
    mass = np.ones(layers[0].shape[0])
    weighted = np.zeros(mass.size)  # sum of |p| log|p|, in the scale of mass
    for layer in layers:
        exponent = _exponent(edge_values(layer))
        magnitudes = mapped(_shifted(layer, exponent), np.abs)
        weighted = weighted @ magnitudes + mass @ mapped(magnitudes, _times_log)
        mass = mass @ magnitudes
        drift = _exponent(mass)
        mass, weighted = np.ldexp(mass, -drift), np.ldexp(weighted, -drift)
        weighted -= mass * drift * math.log(2)
    total = float(mass.sum())
    return math.exp(math.log(total) - float(weighted.sum()) / total) if total > 0 else 0.0


def _times_log(weights: FloatArray) -> FloatArray:
    return weights * np.log(weights, out=np.zeros_like(weights), where=weights > 0)


def _path_sums(graph: LayeredGraph) -> list[tuple[float, int]]:
    """Sum p, abs(p) and p squared over all paths, each as a mantissa and a power of two.

    Powers of two are split off exactly after every layer, so that depth can neither
    overflow nor cost precision.
    """
    layers = path_layers(graph)
    vectors = [np.ones(layers[0].shape[0])] * 3
    exponents = [0, 0, 0]
    for layer in layers:
        shift = _exponent(edge_values(layer))
        if abs(shift) < _SAFE_EXPONENT:
            shift = 0
        scaled = _shifted(layer, shift)
        work = mapped(scaled, np.abs)
        products = [vectors[0] @ scaled, vectors[1] @ work]
        products.append(vectors[2] @ mapped(work, lambda weights: np.square(weights, out=weights)))
        for k, (product, power) in enumerate(zip(products, (1, 1, 2), strict=True)):
            drift = _exponent(product)
            vectors[k] = np.ldexp(product, -drift)
            exponents[k] += power * shift + drift
    return [(float(vector.sum()), e) for vector, e in zip(vectors, exponents, strict=True)]


def _shifted(layer: Layer, shift: int) -> Layer:
    return mapped(layer, lambda weights: np.ldexp(weights, -shift)) if shift else layer


def _exponent(array: FloatArray) -> int:
    if array.size == 0:
        return 0
    return math.frexp(max(float(array.max()), -float(array.min())))[1]


def _ldexp(mantissa: float, exponent: int) -> float:
    try:
        return math.ldexp(mantissa, exponent)
    except OverflowError:
        return math.copysign(math.inf, mantissa)
