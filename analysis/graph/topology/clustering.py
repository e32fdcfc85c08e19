r"""Clustering of a layer, which as a bipartite graph has cycles of four edges at the shortest.

The ordinary clustering coefficient counts triangles, and a layered graph has none. The
bipartite one of Robins and Alexander is the share of paths of three edges that a fourth
closes,

.. math:: C = 4 C_4 / L_3, \qquad L_3 = \sum_{(i, j)} (k_i - 1)(k_j - 1),

with :math:`C_4` the number of cycles of four edges, each of which holds four of the paths, and
:math:`L_3` that of paths of three edges, summed over the edge in their middle. A complete
layer has C = 1, a forest 0. Weights are not used; bias units are left out.

References
----------
.. [1] Robins, Alexander, "Small worlds among interlocking directors: network structure and
   distance in bipartite graphs", Computational & Mathematical Organization Theory 10, 69
   (2004).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sta.analysis.graph.edges import Layer, support
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.topology.motifs import bifan_count

__all__ = ["BipartiteClustering", "robins_alexander_clustering"]


@dataclass(frozen=True)
class BipartiteClustering:
    """Robins-Alexander clustering, one entry per weight matrix.

    Attributes
    ----------
    coefficients : tuple of float or None
        Between 0 and 1; None where the layer has no path of three edges.
    cycles, paths : tuple of int
        Cycles of four edges and paths of three edges.
    """

    coefficients: tuple[float | None, ...]
    cycles: tuple[int, ...]
    paths: tuple[int, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why a layer has no coefficient; empty where it has one."""
        return tuple("" if count else "no path of three edges to close" for count in self.paths)

    def to_dict(self) -> dict[str, Any]:
        """Return the values as plain Python objects."""
        return {
            "coefficients": list(self.coefficients),
            "cycles": list(self.cycles),
            "paths": list(self.paths),
            "reasons": list(self.reasons),
        }


def robins_alexander_clustering(graph: LayeredGraph) -> BipartiteClustering:
    """Share of the paths of three edges that are closed to cycles of four, layer by layer.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    BipartiteClustering

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]], [[1.0]] * 3])
    >>> clustering = robins_alexander_clustering(graph)
    >>> clustering.coefficients, clustering.reasons[1]
    ((0.6666666666666666, None), 'no path of three edges to close')
    """
    layers = graph.without_bias().layers
    cycles = tuple(bifan_count(layer) for layer in layers)
    paths = tuple(_three_edge_paths(layer) for layer in layers)
    coefficients = tuple(
        4 * closed / count if count else None for closed, count in zip(cycles, paths, strict=True)
    )
    return BipartiteClustering(coefficients, cycles, paths)


def _three_edge_paths(layer: Layer) -> int:
    ones = support(layer)
    out_degree, in_degree = ones.sum(axis=1), ones.sum(axis=0)
    further = (out_degree - 1) @ ones  # at most the number of edges of a unit's neighbours
    return int(further.astype(np.int64) @ (in_degree - 1).astype(np.int64))
