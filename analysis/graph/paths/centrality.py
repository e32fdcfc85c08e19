r"""Share of the paths that pass every unit and every edge.

Draw one path with probability proportional to :math:`|p|`. With :math:`f_j` and
:math:`b_j` the sums of :math:`|p|` over the paths from the starts to unit j and from unit j
to the last layer, and :math:`Z` the sum over whole paths, it passes

.. math::

    \text{unit } j \text{ with probability } f_j b_j / Z, \qquad
    \text{edge } ij \text{ with probability } f_i |w_{ij}| b_j / Z .

The second is :math:`\partial \log Z / \partial \log |w_{ij}|`, the SynFlow saliency over
:math:`Z`. The path goes on from i to j with probability :math:`|w_{ij}| b_j / b_i`, and this
is how both are computed: with a power of two split off every :math:`b_j`, no depth and no
rescaling of ReLU units overflows, and none changes a centrality.

References
----------
.. [1] H. Tanaka et al., "Pruning neural networks without any data by iteratively conserving
   synaptic flow", NeurIPS 2020, arXiv:2006.05467.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sta.analysis.graph.edges import FloatArray, Layer, edge_count, scaled, submatrix, support
from sta.analysis.graph.layered_graph import BoolArray, LayeredGraph
from sta.analysis.graph.paths.enumeration import count_paths
from sta.analysis.graph.paths.starts import live_units, path_layers
from sta.analysis.graph.paths.transitions import path_transitions, unit_masses

__all__ = [
    "EffectiveSize",
    "edge_centrality",
    "effective_size",
    "effective_units",
    "node_centrality",
    "path_shares",
]


@dataclass(frozen=True)
class EffectiveSize:
    """What is left of a graph without the units and edges that are on no whole path.

    Attributes
    ----------
    effective_nodes : int
        Units on at least one path, bias units not counted.
    effective_edges : int
        Edges on at least one path, those of bias units counted.
    effective_paths : int
        Number of paths, exact.
    nodes_by_layer : tuple of int
        ``effective_nodes`` in every node layer.
    """

    effective_nodes: int
    effective_edges: int
    effective_paths: int
    nodes_by_layer: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as plain Python values."""
        return {**asdict(self), "nodes_by_layer": list(self.nodes_by_layer)}


def node_centrality(graph: LayeredGraph) -> tuple[FloatArray, ...]:
    r"""Path-mass centrality of units, :math:`c_j = f_j b_j / Z` of this module.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    tuple of ndarray
        One array per node layer. Each sums to 1; with bias units behind a layer, to the share
        of :math:`Z` that belongs to paths which start at this layer or before it.

    Raises
    ------
    StaError
        If the graph has no path, so that :math:`Z = 0`.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, -1.0]], [[3.0], [1.0]]])
    >>> node_centrality(graph)[1].tolist()
    [0.75, 0.25]
    """
    start, steps = path_transitions(path_layers(graph))
    masses = zip(unit_masses(start, steps), graph.widths, strict=True)
    return tuple(mass[:width] for mass, width in masses)


def edge_centrality(graph: LayeredGraph) -> tuple[Layer, ...]:
    r"""Path-mass centrality of edges, :math:`c_{ij} = f_i |w_{ij}| b_j / Z` of this module.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    tuple of ndarray or scipy.sparse.csr_array
        In the shapes and storage of ``graph.layers``; a sparse one stores a value for every
        edge of the graph, in the same order. The sum over a layer is that of
        :func:`node_centrality` over its sources.

    Raises
    ------
    StaError
        If the graph has no path, so that :math:`Z = 0`.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, -1.0]], [[3.0, 0.0], [0.0, 1.0]]])
    >>> edge_centrality(graph)[1].tolist()
    [[0.75, 0.0], [0.0, 0.25]]
    """
    start, steps = path_transitions(path_layers(graph))
    masses = unit_masses(start, steps)[:-1]
    return tuple(
        scaled(step, rows=mass)[: layer.shape[0], : layer.shape[1]]
        for step, mass, layer in zip(steps, masses, graph.layers, strict=True)
    )


def path_shares(graph: LayeredGraph) -> tuple[FloatArray, ...]:
    """Share of the number of paths that passes every unit, whatever their weights.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    tuple of ndarray
        One array per node layer, with the sums of :func:`node_centrality`. Shares, because
        the counts themselves leave float64 in deep networks; the count of all paths is that
        of :func:`~sta.analysis.graph.count_paths`.

    Raises
    ------
    StaError
        If the graph has no path.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, -1.0]], [[3.0, 5.0], [0.0, 1.0]]])
    >>> [round(share, 3) for share in path_shares(graph)[1].tolist()]
    [0.667, 0.333]
    """
    start, steps = path_transitions([support(layer) for layer in path_layers(graph)])
    masses = zip(unit_masses(start, steps), graph.widths, strict=True)
    return tuple(mass[:width] for mass, width in masses)


def effective_units(graph: LayeredGraph) -> tuple[BoolArray, ...]:
    """Mark the units on at least one path from a start to the last layer.

    Pruning away the others changes no path; hidden ones among them are dead or unread.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    tuple of ndarray of bool
        One mask per node layer.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, 0.0, 2.0]], [[3.0], [4.0], [0.0]]])
    >>> effective_units(graph)[1].tolist()
    [True, False, False]
    """
    masks = zip(live_units(path_layers(graph)), graph.widths, strict=True)
    return tuple(mask[:width] for mask, width in masks)


def effective_size(graph: LayeredGraph) -> EffectiveSize:
    """Count effective nodes, edges and paths, as papers on pruning report them.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    EffectiveSize
        All zero for a graph without paths.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, 0.0, 2.0]], [[3.0], [4.0], [0.0]]])
    >>> size = effective_size(graph)
    >>> size.effective_nodes, size.effective_edges, size.effective_paths
    (3, 2, 1)
    """
    masks = effective_units(graph)
    units = [np.flatnonzero(mask) for mask in masks]
    joined = zip(graph.layers, units[:-1], units[1:], strict=True)
    nodes = tuple(
        int(np.count_nonzero(mask & ~graph.is_bias(layer))) for layer, mask in enumerate(masks)
    )
    return EffectiveSize(
        effective_nodes=sum(nodes),
        effective_edges=sum(edge_count(submatrix(*entry)) for entry in joined),
        effective_paths=count_paths(graph),
        nodes_by_layer=nodes,
    )
