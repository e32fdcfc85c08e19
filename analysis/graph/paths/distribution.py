r"""Paths from the inputs to the last layer, and the distribution of their weights.

A path chooses one unit in every node layer, joined by edges; its weight is the signed
product :math:`p = \prod_l w^{(l)}_{i_l i_{l+1}}`. Path weights do not change under the
permutation of hidden units nor under the positive rescaling of ReLU units.

References
----------
.. [1] "How a student becomes a teacher: learning and forgetting through spectral methods",
   NeurIPS 2023, arXiv:2310.12612 (the path distribution).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from sta.analysis.graph.edges import FloatArray
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.paths.enumeration import ENUMERATION_LIMIT, path_weights
from sta.analysis.graph.paths.histogram import MEMORY_LIMIT, PathHistogram, path_histogram
from sta.analysis.graph.paths.moments import PathMoments, path_moments
from sta.errors import StaError

__all__ = ["PathDistribution", "PathMethod", "path_distribution"]

PathMethod: TypeAlias = Literal["auto", "exact", "dp", "moments"]
_METHODS = ("auto", "exact", "dp", "moments")


@dataclass(frozen=True, eq=False)
class PathDistribution(PathMoments):
    """Exact sums over all paths, and the distribution of their weights.

    Attributes
    ----------
    method : str
        ``"exact"`` if all path weights were listed, ``"dp"`` if they were counted in bins of
        log(abs(p)) by dynamic programming, ``"moments"`` if only their sums are known.
    log_error_bound : float
        Largest error of any log(abs(p)) in ``weights``; 0 for an exact list.
    weights : ndarray, shape (n,), or None
        Signed path weights in ascending order; of bins, their centres.
    counts : ndarray, shape (n,), or None
        Number of paths at every entry of ``weights``, over ``2**exponent``; None stands for
        one each.
    exponent : int
        0 unless the counts exceed the range of float64.
    reason : str
        Why ``weights`` is None; empty otherwise.
    """

    method: str
    log_error_bound: float
    weights: FloatArray | None
    counts: FloatArray | None = None
    exponent: int = 0
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
        last = (self.weights.size if self.counts is None else self.counts.sum()) - 1
        low = np.floor(levels * last)
        below, above = (
            _at_rank(self.weights, self.counts, rank) for rank in (low, np.minimum(low + 1, last))
        )
        share = levels * last - low
        # a difference could overflow, and rounding leave the interval
        return np.clip((1 - share) * below + share * above, below, above)


def path_distribution(
    graph: LayeredGraph,
    method: PathMethod = "auto",
    *,
    limit: float = ENUMERATION_LIMIT,
    bin_width: float | None = None,
    memory: float = MEMORY_LIMIT,
) -> PathDistribution:
    """Distribution of the signed path weights, with its exact sums, at any size.

    Parameters
    ----------
    graph : LayeredGraph
    method : {"auto", "exact", "dp", "moments"}, optional
        ``"exact"`` lists all path weights; ``"dp"`` counts them, exactly, in bins of the
        logarithm of their magnitude; ``"moments"`` computes their sums only. ``"auto"`` lists
        them where they are few enough, counts them otherwise, and where that fails too says why
        in ``reason``.
    limit : float, optional
        Largest number of path weights to list, 8 bytes each.
    bin_width : float, optional
        h of ``"dp"``, chosen by :func:`path_histogram` if None; no log(abs(p)) of L layers errs
        by more than L h / 2.
    memory : float, optional
        Largest number of bytes for the histograms of ``"dp"``.

    Returns
    -------
    PathDistribution

    Raises
    ------
    StaError
        If ``method`` is unknown, ``"exact"`` meets more than ``limit`` paths, a path weight is
        beyond float64, or the histograms would exceed ``memory``.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, -1.0]], [[3.0], [4.0]]])
    >>> path_distribution(graph).weights.tolist()
    [-4.0, 3.0]
    >>> path_distribution(graph, "dp").counts.tolist()
    [1.0, 1.0]
    """
    if method not in _METHODS:
        raise StaError(f"path method is {method!r}; choose one of {', '.join(_METHODS)}")
    moments = path_moments(graph)
    if method == "moments":
        return _sums_only(moments, "moments were asked for; use method='auto'")
    listed = method == "exact" or (method == "auto" and moments.count <= limit)
    try:
        if listed:
            return _listed(moments, path_weights(graph, limit=limit))
        return _counted(moments, path_histogram(graph, bin_width, memory=memory))
    except StaError as error:
        if method != "auto":
            raise
        return _sums_only(moments, str(error))


def _listed(moments: PathMoments, weights: FloatArray) -> PathDistribution:
    weights.sort()
    weights.setflags(write=False)
    return PathDistribution(**vars(moments), method="exact", log_error_bound=0.0, weights=weights)


def _counted(moments: PathMoments, paths: PathHistogram) -> PathDistribution:
    weights, counts = paths.sample()
    return PathDistribution(
        **vars(moments),
        method="dp",
        log_error_bound=paths.log_error_bound,
        weights=weights,
        counts=counts,
        exponent=paths.exponent,
    )


def _sums_only(moments: PathMoments, reason: str) -> PathDistribution:
    return PathDistribution(
        **vars(moments), method="moments", log_error_bound=0.0, weights=None, reason=reason
    )


def _at_rank(weights: FloatArray, counts: FloatArray | None, rank: FloatArray) -> FloatArray:
    """Weights of paths by their rank from 0 on."""
    if counts is None:
        return np.asarray(weights[rank.astype(np.intp)])
    place = np.searchsorted(counts.cumsum(), rank, side="right")
    return np.asarray(weights[place.clip(max=weights.size - 1)])
