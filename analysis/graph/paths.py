r"""Paths from the inputs to the last layer, and the distribution of their weights.

A path chooses one unit in every node layer, joined by edges; its weight is the signed
product :math:`p = \prod_l w^{(l)}_{i_l i_{l+1}}`. Path weights do not change under the
permutation of hidden units nor under the positive rescaling of ReLU units. Their sums
follow from matrix products without listing a path; with :math:`W^{\circ k}` the elementwise
power, and count, signed sum, :math:`L_1` and :math:`L_2` for all paths together,

.. math::

    \sum_p |p|^k = \mathbf 1^T |W_0|^{\circ k} \cdots |W_{L-1}|^{\circ k} \mathbf 1 .

References
----------
.. [1] "How a student becomes a teacher: learning and forgetting through spectral methods",
   NeurIPS 2023, arXiv:2310.12612 (the path distribution).
.. [2] A. Gonon et al., "A path-norm toolkit for modern networks", ICLR 2024,
   arXiv:2310.01225 (path norms by one forward pass).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from sta.analysis.graph.enumeration import ENUMERATION_LIMIT, count_paths, path_weights
from sta.analysis.graph.layered_graph import FloatArray, LayeredGraph
from sta.errors import StaError

__all__ = [
    "PathDistribution",
    "PathMethod",
    "PathMoments",
    "path_distribution",
    "path_moments",
]

# Squares of weights below 2**200 leave ample room for the width of any layer.
_SAFE_EXPONENT = 200

PathMethod: TypeAlias = Literal["auto", "exact", "moments"]


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


@dataclass(frozen=True, eq=False)
class PathDistribution(PathMoments):
    """Exact sums over all paths, and the path weights where they can be listed.

    Attributes
    ----------
    method : str
        ``"exact"`` if all path weights were listed, ``"moments"`` if only their sums are known.
    log_error_bound : float
        Largest error of any log(abs(p)) in ``weights``; 0 for an exact list.
    weights : ndarray, shape (count,), or None
        Signed path weights in ascending order.
    reason : str
        Why ``weights`` is None; empty otherwise.
    """

    method: str
    log_error_bound: float
    weights: FloatArray | None
    reason: str = ""

    def quantiles(self, q: ArrayLike) -> FloatArray:
        """Empirical quantile function of the signed path weights.

        The k-th smallest of N weights sits at ``q = k / (N - 1)``, k from 0, with straight
        lines between: the curve that the paper draws as the path distribution.

        Parameters
        ----------
        q : array_like
            Levels between 0 and 1.

        Returns
        -------
        ndarray
            Path weights, in the shape of ``q``.

        Raises
        ------
        StaError
            If the weights are not known, there is no path, or a level lies outside [0, 1].

        Examples
        --------
        >>> graph = LayeredGraph.from_arrays([[[1.0, 2.0]], [[1.0], [2.0]]])
        >>> path_distribution(graph).quantiles([0, 0.5, 1]).tolist()
        [1.0, 2.5, 4.0]
        """
        levels = np.asarray(q, dtype=np.float64)
        if self.weights is None:
            raise StaError(f"no quantiles without path weights: {self.reason}")
        if self.weights.size == 0:
            raise StaError("no quantiles of 0 paths; the graph joins no input to its last layer")
        outside = ~((levels >= 0) & (levels <= 1))
        if outside.any():
            raise StaError(f"quantile level {levels[outside].flat[0]} is not between 0 and 1")
        rank = levels * (self.weights.size - 1)
        low = np.floor(rank).astype(np.intp)
        high = np.minimum(low + 1, self.weights.size - 1)
        below, above = self.weights[low], self.weights[high]
        return np.asarray(below + (rank - low) * (above - below))


def path_moments(graph: LayeredGraph) -> PathMoments:
    """Count, signed sum, L1 and L2 norm and effective number of all paths.

    Vector-matrix products only: linear in the number of edges, for any depth.

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


def path_distribution(
    graph: LayeredGraph, method: PathMethod = "auto", *, limit: float = ENUMERATION_LIMIT
) -> PathDistribution:
    """Distribution of the signed path weights, with its exact sums.

    Parameters
    ----------
    graph : LayeredGraph
    method : {"auto", "exact", "moments"}, optional
        ``"exact"`` lists all path weights, ``"moments"`` computes their sums only, and
        ``"auto"`` lists them where it can and says in ``reason`` why it could not.
    limit : float, optional
        Largest number of path weights to list, 8 bytes each.

    Returns
    -------
    PathDistribution

    Raises
    ------
    StaError
        If ``method`` is unknown, or ``"exact"`` meets more than ``limit`` paths or a path
        weight beyond float64.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, -1.0]], [[3.0], [4.0]]])
    >>> path_distribution(graph).weights.tolist()
    [-4.0, 3.0]
    """
    if method not in ("auto", "exact", "moments"):
        raise StaError(f"path method is {method!r}; choose 'auto', 'exact' or 'moments'")
    moments = path_moments(graph)
    if method == "moments":
        return _without_weights(moments, "moments were asked for; use method='auto'")
    try:
        weights = path_weights(graph, limit=limit)
    except StaError as error:
        if method == "exact":
            raise
        return _without_weights(moments, str(error))
    weights.sort()
    weights.setflags(write=False)
    return PathDistribution(**vars(moments), method="exact", log_error_bound=0.0, weights=weights)


def _without_weights(moments: PathMoments, reason: str) -> PathDistribution:
    return PathDistribution(
        **vars(moments), method="moments", log_error_bound=0.0, weights=None, reason=reason
    )


def _path_sums(graph: LayeredGraph) -> list[tuple[float, int]]:
    """Sum p, abs(p) and p squared over all paths, each as a mantissa and a power of two.

    Powers of two are split off exactly after every layer, so that depth can neither
    overflow nor cost precision.
    """
    vectors = [np.ones(graph.widths[0])] * 3
    exponents = [0, 0, 0]
    for matrix in graph.layers:
        shift = _exponent(matrix)
        if abs(shift) < _SAFE_EXPONENT:
            shift = 0
        scaled = np.ldexp(matrix, -shift) if shift else matrix
        work = np.abs(scaled)
        products = [vectors[0] @ scaled, vectors[1] @ work]
        products.append(vectors[2] @ np.square(work, out=work))
        for k, (product, power) in enumerate(zip(products, (1, 1, 2), strict=True)):
            drift = _exponent(product)
            vectors[k] = np.ldexp(product, -drift)
            exponents[k] += power * shift + drift
    return [(float(vector.sum()), e) for vector, e in zip(vectors, exponents, strict=True)]


def _exponent(array: FloatArray) -> int:
    return math.frexp(max(float(array.max()), -float(array.min())))[1]


def _ldexp(mantissa: float, exponent: int) -> float:
    try:
        return math.ldexp(mantissa, exponent)
    except OverflowError:
        return math.copysign(math.inf, mantissa)
