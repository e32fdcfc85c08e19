"""Degrees and strengths of units, layer by layer.

The strength of a unit is the sum of its edges' weights under one weighting, which the caller
names:

==========  ============================================
signed      :math:`w`
absolute    :math:`|w|`
positive    :math:`w` where :math:`w > 0`, 0 elsewhere
negative    :math:`|w|` where :math:`w < 0`, 0 elsewhere
==========  ============================================

so that absolute = positive + negative and signed = positive - negative. The weights of bias
units count like all others where the graph has such units. Strengths change under the
rescaling of ReLU units that leaves a network's function alone; take them of
:func:`~sta.analysis.graph.balance`-d graphs to compare networks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sta.analysis.graph.edges import FloatArray, IntArray, edge_counts, mapped
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.errors import ShapeError, StaError

__all__ = [
    "StrengthHistogram",
    "Weighting",
    "in_degree",
    "in_strength",
    "in_strength_histogram",
    "layer_fluctuation",
    "node_strength",
    "of_units",
    "out_degree",
    "out_strength",
    "scaled_in_strength",
]

Weighting: TypeAlias = Literal["signed", "absolute", "positive", "negative"]

_WEIGHTINGS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "signed": lambda weights: weights,
    "absolute": np.abs,
    "positive": lambda weights: np.maximum(weights, 0.0),
    "negative": lambda weights: np.maximum(-weights, 0.0),
}
# Ranges below this share of the largest strength are the rounding of sums.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class StrengthHistogram:
    """Histogram of scaled in-strengths on bins common to all graphs.

    Attributes
    ----------
    edges : ndarray, shape (n_bins + 1,)
        Bin edges, multiples of the bin width; in units of the pooled range.
    percent : tuple of ndarray, shape (n_bins,)
        For every graph, the percentage of its units in each bin.
    """

    edges: FloatArray
    percent: tuple[FloatArray, ...]


def in_strength(graph: LayeredGraph, *, weighting: Weighting) -> tuple[FloatArray, ...]:
    r"""Sum of incoming weights of every unit, :math:`s_j = \sum_i w_{ij}`.

    Parameters
    ----------
    graph : LayeredGraph
    weighting : {"signed", "absolute", "positive", "negative"}
        What is summed, as this module's table says.

    Returns
    -------
    tuple of ndarray
        One array per node layer; zeros for inputs and bias units, which have no incoming edge.

    Raises
    ------
    StaError
        If ``weighting`` is none of the four, or a sum is beyond float64.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, 0.0], [2.0, -3.0]]])
    >>> in_strength(graph, weighting="signed")[1].tolist()
    [3.0, -3.0]
    """
    return (np.zeros(graph.widths[0]), *_sums(graph, weighting, axis=0))


def out_strength(graph: LayeredGraph, *, weighting: Weighting) -> tuple[FloatArray, ...]:
    r"""Sum of outgoing weights of every unit, :math:`s_i = \sum_j w_{ij}`.

    Parameters
    ----------
    graph : LayeredGraph
    weighting : {"signed", "absolute", "positive", "negative"}
        What is summed, as this module's table says.

    Returns
    -------
    tuple of ndarray
        One array per node layer; zeros for the last, which has no outgoing edge.

    Raises
    ------
    StaError
        If ``weighting`` is none of the four, or a sum is beyond float64.
    """
    return (*_sums(graph, weighting, axis=1), np.zeros(graph.widths[-1]))


def of_units(
    graph: LayeredGraph, values: Sequence[NDArray[Any]], first: int = 0
) -> list[NDArray[Any]]:
    """Leave bias units, which nothing enters, out of one value per unit.

    Parameters
    ----------
    graph : LayeredGraph
    values : sequence of ndarray
        For the node layers from ``first`` on.
    first : int, optional
        1 for values that inputs do not have.

    Returns
    -------
    list of ndarray
    """
    return [value[~graph.is_bias(at)] for at, value in enumerate(values, first)]


def in_degree(graph: LayeredGraph) -> tuple[IntArray, ...]:
    """Count the nonzero incoming weights of every unit, one array per node layer."""
    counts = (edge_counts(layer, axis=0) for layer in graph.layers)
    return (np.zeros(graph.widths[0], dtype=np.intp), *counts)


def out_degree(graph: LayeredGraph) -> tuple[IntArray, ...]:
    """Count the nonzero outgoing weights of every unit, one array per node layer."""
    counts = (edge_counts(layer, axis=1) for layer in graph.layers)
    return (*counts, np.zeros(graph.widths[-1], dtype=np.intp))


def node_strength(graph: LayeredGraph) -> tuple[FloatArray, ...]:
    r"""Sum of incoming and outgoing signed weights, :math:`s_k = \sum_i w_{ik} + \sum_j w_{kj}`.

    Parameters
    ----------
    graph : LayeredGraph
        Its biases are counted among the incoming weights if it has bias units.

    Returns
    -------
    tuple of ndarray
        One array per node layer; inputs have outgoing weights only, the last layer incoming.

    Notes
    -----
    The published code adds 1 to every input and output for edges from and to outside the
    network; the graph has no such edges, and nothing is added here.

    References
    ----------
    .. [1] E. La Malfa et al., "Characterizing learning dynamics of deep neural networks via
       complex networks", ICTAI 2021, arXiv:2110.02628.
    .. [2] E. La Malfa et al., "Deep neural networks via complex network theory: a
       perspective", 2024, arXiv:2404.11172.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, 0.0], [2.0, -3.0]], [[4.0], [5.0]]])
    >>> [strengths.tolist() for strengths in node_strength(graph)]
    [[1.0, -1.0], [7.0, 2.0], [9.0]]
    """
    incoming = in_strength(graph, weighting="signed")
    outgoing = out_strength(graph, weighting="signed")
    with np.errstate(over="ignore"):
        sums = [before + behind for before, behind in zip(incoming, outgoing, strict=True)]
    for layer, strengths in enumerate(sums):
        _check_finite(strengths, f"strength of node layer {layer}")
    return tuple(sums)


def layer_fluctuation(graph: LayeredGraph) -> FloatArray:
    r"""Spread of the node strengths in every layer.

    :math:`Y_l = (\frac{1}{n_l} \sum_k (s_k - \bar s_l)^2)^{1/2}` over the :math:`n_l` units of
    node layer l, bias units not among them.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    ndarray, shape (n_layers + 1,)
        In the unit of the weights.

    References
    ----------
    .. [1] As :func:`node_strength`, whose note on the published code applies.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, 0.0], [2.0, -3.0]], [[4.0], [5.0]]])
    >>> layer_fluctuation(graph).tolist()
    [1.0, 2.5, 0.0]
    """
    return np.array(
        [
            strengths[~graph.is_bias(layer)].std()
            for layer, strengths in enumerate(node_strength(graph))
        ]
    )


def scaled_in_strength(graphs: Sequence[LayeredGraph], *, layer: int = 1) -> tuple[FloatArray, ...]:
    r"""Signed in-strengths over their range pooled across graphs, as the paper plots them.

    :math:`k_j = s_j / (\max s - \min s)`, the maximum and minimum taken over the units of
    all graphs together, bias units not among them.

    Parameters
    ----------
    graphs : sequence of LayeredGraph
        Such as all trials of one student.
    layer : int, optional
        Node layer, 1 for the first hidden one.

    Returns
    -------
    tuple of ndarray
        One array per graph, without unit.

    Raises
    ------
    ShapeError
        If there is no graph, or a graph has no such layer.
    StaError
        If all in-strengths are equal, up to rounding, so that there is no range to divide by,
        or it is beyond float64.

    References
    ----------
    .. [1] "How a student becomes a teacher: learning and forgetting through spectral
       methods", NeurIPS 2023, arXiv:2310.12612, code ``network_analysis.py``.
    """
    if len(graphs) == 0:
        raise ShapeError("0 graphs have no in-strength; give at least one")
    for graph in graphs:
        if not 1 <= layer <= graph.n_layers:
            raise ShapeError(
                f"node layer {layer} has no incoming weights; use 1 to {graph.n_layers}"
            )
    strengths = tuple(
        in_strength(graph, weighting="signed")[layer][~graph.is_bias(layer)] for graph in graphs
    )
    pooled = np.concatenate(strengths)
    with np.errstate(over="ignore"):
        span = float(np.ptp(pooled))
    _check_finite(np.array([span]), f"range of the in-strengths of node layer {layer}")
    if span <= _ROUNDING * np.abs(pooled).max():
        raise StaError(
            f"all in-strengths of node layer {layer} equal {pooled[0]:g}; "
            "their range is 0 up to rounding and cannot scale them"
        )
    return tuple(strength / span for strength in strengths)


def in_strength_histogram(
    graphs: Sequence[LayeredGraph], *, layer: int = 1, binwidth: float = 0.1
) -> StrengthHistogram:
    """Percentages of units by scaled in-strength, on bins common to all graphs.

    Parameters
    ----------
    graphs : sequence of LayeredGraph
    layer : int, optional
        Node layer, 1 for the first hidden one.
    binwidth : float, optional
        Width of a bin in units of the pooled range; 0.1 in the paper.

    Returns
    -------
    StrengthHistogram

    Raises
    ------
    ShapeError, StaError
        As :func:`scaled_in_strength`, and if ``binwidth`` is not between 1e-4 and 1.
    """
    if not 1e-4 <= binwidth <= 1:
        raise StaError(f"binwidth is {binwidth}; choose one between 1e-4 and 1")
    scaled = scaled_in_strength(graphs, layer=layer)
    bins = [np.floor(values / binwidth).astype(np.int64) for values in scaled]
    first, last = min(part.min() for part in bins), max(part.max() for part in bins)
    counts = [np.bincount(part - first, minlength=int(last - first) + 1) for part in bins]
    return StrengthHistogram(
        edges=np.arange(first, last + 2) * binwidth,
        percent=tuple(100 * count / count.sum() for count in counts),
    )


def _sums(graph: LayeredGraph, weighting: Weighting, axis: int) -> list[FloatArray]:
    """Sum the weights of every layer over its sources (axis 0) or its targets (axis 1)."""
    if weighting not in _WEIGHTINGS:
        raise StaError(
            f"weighting is {weighting!r}; choose 'signed', 'absolute', 'positive' or 'negative'"
        )
    sums = []
    for number, layer in enumerate(graph.layers):
        with np.errstate(over="ignore", invalid="ignore"):
            sums.append(np.asarray(mapped(layer, _WEIGHTINGS[weighting]).sum(axis=axis)))
        _check_finite(sums[-1], f"strength of node layer {number + 1 - axis}")
    return sums


def _check_finite(values: FloatArray, what: str) -> None:
    if not np.isfinite(values).all():
        raise StaError(f"a {what} is beyond the range of float64; scale the weights down")
