"""Largest component of graphs that grow in steps.

A percolation model costs one labelling of the first point of its curve, after which only the
few nodes and links that appear later have to be followed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

IntArray = NDArray[np.int64]

# Graphs that are followed together, to share the overhead of a call.
BATCH = 32


@dataclass(frozen=True)
class GrowingGraph:
    """A graph whose links appear in steps 0, 1, ...

    Attributes
    ----------
    weights
        Weight of each node, shape (n,): 1, or the size of the cluster it stands for.
    first, second
        The nodes that each link joins, shape (m,).
    step
        Step at which a link appears, shape (m,).
    born
        First step at which the graph has any node.
    """

    weights: IntArray
    first: IntArray
    second: IntArray
    step: IntArray
    born: int = 0


def largest_components(graphs: Iterable[GrowingGraph], steps: int) -> IntArray:
    """Return the heaviest component of each graph after each step, shape (graphs, steps)."""
    graphs = iter(graphs)
    batches = iter(lambda: list(islice(graphs, BATCH)), [])
    return np.concatenate([largest_by_step(batch, steps) for batch in batches])


def largest_by_step(graphs: Sequence[GrowingGraph], steps: int) -> IntArray:
    """Return the weight of the heaviest component after each step, shape (graphs, steps).

    Notes
    -----
    Nodes without links keep their weight, so only the others are followed; after each step
    the components become the nodes of the next one.

    Examples
    --------
    >>> weights, first, second, step = map(np.array, ([2, 1, 1], [0, 1], [1, 2], [0, 2]))
    >>> largest_by_step([GrowingGraph(weights, first, second, step)], 3).tolist()
    [[3, 3, 4]]
    """
    offset = np.concatenate([[0], np.cumsum([graph.weights.size for graph in graphs])])
    pairs = zip(graphs, offset[:-1], strict=True)
    ends = np.hstack([np.stack([one.first, one.second]) + start for one, start in pairs])
    step = np.concatenate([one.step for one in graphs])
    order = np.argsort(step, kind="stable")
    cuts = np.searchsorted(step[order], np.arange(steps + 1))

    linked, place = np.unique(ends[:, order], return_inverse=True)
    ends = place.reshape(2, -1)
    weight = np.concatenate([one.weights for one in graphs])[linked]
    owner = np.searchsorted(offset, linked, side="right") - 1
    label = np.arange(linked.size)
    heaviest = np.array([one.weights.max(initial=0) for one in graphs])
    largest = np.empty((len(graphs), steps), dtype=np.int64)
    for now in range(steps):
        new = label[ends[:, cuts[now] : cuts[now + 1]]]
        merged = components(weight.size, new[0], new[1])
        weight, before = np.bincount(merged, weights=weight).astype(np.int64), owner
        owner = np.zeros(weight.size, dtype=np.int64)
        owner[merged] = before
        label = merged[label]
        np.maximum.at(heaviest, owner, weight)
        largest[:, now] = heaviest
    born = np.array([one.born for one in graphs])
    return np.where(np.arange(steps) < born[:, None], 0, largest)


def components(n_nodes: int, first: ArrayLike, second: ArrayLike) -> IntArray:
    """Label the components of an undirected graph given by its links, shape (n_nodes,)."""
    ends = (np.asarray(first), np.asarray(second))
    links = coo_array((np.ones(ends[0].size), ends), shape=(n_nodes, n_nodes))
    _, label = connected_components(links, directed=False)
    return np.asarray(label, dtype=np.int64)
