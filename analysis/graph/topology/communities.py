"""Cores and communities of the undirected graph, through igraph.

Both take every edge for a connection without direction: the in-coreness of a directed acyclic
graph is 0 for every unit. Signs have no part in them: cores take edges as they are, and
communities |w|, for modularity is not defined for negative weights. Bias units are left out.

References
----------
.. [1] Batagelj, Zaversnik, "An O(m) algorithm for cores decomposition of networks", 2003,
   arXiv:cs/0310049.
.. [2] Traag, Waltman, van Eck, "From Louvain to Leiden: guaranteeing well-connected
   communities", Scientific Reports 9, 5233 (2019).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np

from sta.analysis.graph.edges import FloatArray, IntArray, edge_list
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.errors import StaError

__all__ = ["LARGEST_EDGES", "Communities", "core_numbers", "leiden_communities"]

LARGEST_EDGES = 5_000_000
"""Edges above which no igraph object is made; one takes about 100 bytes each."""


@dataclass(frozen=True, eq=False)
class Communities:
    """A division of the units into communities.

    Attributes
    ----------
    membership : tuple of ndarray of int
        Community of every unit, one array per node layer; numbered by size from 0.
    sizes : tuple of int
        Units of each community, largest first.
    modularity : float or None
        Of the undirected graph of |w|; None where there are no edges.
    reason : str
        Why there is no modularity; empty otherwise.
    """

    membership: tuple[IntArray, ...]
    sizes: tuple[int, ...]
    modularity: float | None
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the values as plain Python objects."""
        return {
            "membership": [part.tolist() for part in self.membership],
            "sizes": list(self.sizes),
            "modularity": self.modularity,
            "reason": self.reason,
        }


def core_numbers(graph: LayeredGraph) -> tuple[IntArray, ...]:
    """Core number of every unit of the undirected graph, without weights.

    The k-core is the largest set of units of which each has k neighbours in the set; the core
    number of a unit is the largest k whose core holds it.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    tuple of ndarray of int
        One array per node layer, without bias units.

    Raises
    ------
    StaError
        If the graph has more than 5 million edges.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, 1.0], [1.0, 1.0]], [[1.0], [0.0]]])
    >>> [part.tolist() for part in core_numbers(graph)]
    [[2, 2], [2, 2], [1]]
    """
    bare = graph.without_bias()
    return _per_node_layer(bare, _undirected(bare)[0].coreness(mode="all"))


def leiden_communities(graph: LayeredGraph, *, seed: int = 0) -> Communities:
    """Communities of high modularity in the undirected graph of |w|, by the Leiden algorithm.

    The algorithm runs until an iteration changes nothing. It is a heuristic: another seed can
    give another division of nearly the same modularity.

    Parameters
    ----------
    graph : LayeredGraph
    seed : int, optional
        igraph draws from a generator of this seed, and from Python's own again afterwards.

    Returns
    -------
    Communities

    Raises
    ------
    StaError
        If the graph has more than 5 million edges.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[3.0, 0.0], [0.0, -3.0]]])
    >>> leiden_communities(graph).sizes
    (2, 2)
    """
    bare = graph.without_bias()
    undirected, weights = _undirected(bare)
    if weights.size == 0:
        alone = _per_node_layer(bare, range(bare.n_nodes))
        return Communities(alone, (1,) * bare.n_nodes, None, "the graph has no edges")
    scaled = (weights / weights.max()).tolist()  # modularity does not depend on the scale
    import igraph  # here, not above: the import takes longer than most analyses

    igraph.set_random_number_generator(random.Random(seed))  # noqa: S311
    try:
        found = undirected.community_leiden("modularity", weights=scaled, n_iterations=-1)
    finally:
        igraph.set_random_number_generator(random)
    sizes = np.array(found.sizes())
    order = np.argsort(-sizes, kind="stable")
    membership = np.argsort(order)[np.array(found.membership)]
    modularity = undirected.modularity(found.membership, weights=scaled)
    return Communities(
        _per_node_layer(bare, membership), tuple(sizes[order].tolist()), float(modularity)
    )


def _undirected(graph: LayeredGraph) -> tuple[Any, FloatArray]:
    """Return the igraph object, units numbered layer by layer, and |w| of its edges."""
    if graph.n_edges > LARGEST_EDGES:
        raise StaError(
            f"the graph has {graph.n_edges} edges and igraph is given at most {LARGEST_EDGES}; "
            "prune weak edges first"
        )
    first = np.concatenate([[0], np.cumsum(graph.widths)])
    ends: list[tuple[int, int]] = []
    weights = []
    for at, layer in enumerate(graph.layers):
        sources, targets, values = edge_list(layer)
        # igraph reads pairs of Python numbers faster than arrays
        ends += zip((sources + first[at]).tolist(), (targets + first[at + 1]).tolist(), strict=True)
        weights.append(np.abs(values))
    import igraph

    return igraph.Graph(n=graph.n_nodes, edges=ends), np.concatenate(weights)


def _per_node_layer(graph: LayeredGraph, values: Any) -> tuple[IntArray, ...]:
    cuts = np.cumsum(graph.widths)[:-1]
    return tuple(np.split(np.asarray(values, dtype=np.intp), cuts))
