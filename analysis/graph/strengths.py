"""Degrees and strengths of units, layer by layer.

The strength of a unit is the sum of the weights of its edges, signed or absolute as the
caller says. Strengths change under the rescaling of ReLU units that leaves a network's
function alone; take them of :func:`~sta.analysis.graph.balance`-d graphs to compare networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from sta.analysis.graph.layered_graph import FloatArray, IntArray, LayeredGraph
from sta.errors import ShapeError, StaError

__all__ = [
    "StrengthHistogram",
    "Weighting",
    "in_degree",
    "in_strength",
    "in_strength_histogram",
    "out_degree",
    "out_strength",
    "scaled_in_strength",
]

Weighting: TypeAlias = Literal["signed", "absolute"]


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
    weighting : {"signed", "absolute"}
        Sum :math:`w` or :math:`|w|`.

    Returns
    -------
    tuple of ndarray
        One array per node layer; zeros for the inputs, which have no incoming edge.

    Raises
    ------
    StaError
        If ``weighting`` is neither of the two.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, 0.0], [2.0, -3.0]]])
    >>> in_strength(graph, weighting="signed")[1].tolist()
    [3.0, -3.0]
    """
    sums = (matrix.sum(axis=0) for matrix in _weighted(graph, weighting))
    return (np.zeros(graph.widths[0]), *sums)


def out_strength(graph: LayeredGraph, *, weighting: Weighting) -> tuple[FloatArray, ...]:
    r"""Sum of outgoing weights of every unit, :math:`s_i = \sum_j w_{ij}`.

    Parameters
    ----------
    graph : LayeredGraph
    weighting : {"signed", "absolute"}
        Sum :math:`w` or :math:`|w|`.

    Returns
    -------
    tuple of ndarray
        One array per node layer; zeros for the last, which has no outgoing edge.

    Raises
    ------
    StaError
        If ``weighting`` is neither of the two.
    """
    sums = (matrix.sum(axis=1) for matrix in _weighted(graph, weighting))
    return (*sums, np.zeros(graph.widths[-1]))


def in_degree(graph: LayeredGraph) -> tuple[IntArray, ...]:
    """Count the nonzero incoming weights of every unit, one array per node layer."""
    counts = (np.count_nonzero(matrix, axis=0) for matrix in graph.layers)
    return (np.zeros(graph.widths[0], dtype=np.intp), *counts)


def out_degree(graph: LayeredGraph) -> tuple[IntArray, ...]:
    """Count the nonzero outgoing weights of every unit, one array per node layer."""
    counts = (np.count_nonzero(matrix, axis=1) for matrix in graph.layers)
    return (*counts, np.zeros(graph.widths[-1], dtype=np.intp))


def scaled_in_strength(graphs: Sequence[LayeredGraph], *, layer: int = 1) -> tuple[FloatArray, ...]:
    r"""Signed in-strengths over their range pooled across graphs, as the paper plots them.

    :math:`k_j = s_j / (\max s - \min s)`, the maximum and minimum taken over the units of
    all graphs together.

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
        If all in-strengths are equal, so that there is no range to divide by.

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
    strengths = tuple(in_strength(graph, weighting="signed")[layer] for graph in graphs)
    span = float(np.ptp(np.concatenate(strengths)))
    if span == 0:
        raise StaError(
            f"all in-strengths of node layer {layer} equal {strengths[0][0]:g}; "
            "their range is 0 and cannot scale them"
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
    pooled = np.concatenate(scaled) / binwidth
    edges = np.arange(np.floor(pooled.min()), np.floor(pooled.max()) + 2) * binwidth
    percent = tuple(100 * np.histogram(values, edges)[0] / values.size for values in scaled)
    return StrengthHistogram(edges, percent)


def _weighted(graph: LayeredGraph, weighting: Weighting) -> tuple[FloatArray, ...]:
    if weighting == "signed":
        return graph.layers
    if weighting == "absolute":
        return tuple(np.abs(matrix) for matrix in graph.layers)
    raise StaError(f"weighting is {weighting!r}; choose 'signed' or 'absolute'")
