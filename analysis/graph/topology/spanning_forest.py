"""Maximum spanning forest of a layer, taken as an undirected bipartite graph of |w|.

A dense layer takes Boruvka's algorithm on whole matrices: a merge of components is a largest
over rows, and over columns, and the first one leaves at most half of the units. A sparse one
takes scipy's.

References
----------
.. [1] Nesetril, Milkova, Nesetrilova, "Otakar Boruvka on minimum spanning tree problem",
   Discrete Mathematics 233, 3 (2001).
"""

from __future__ import annotations

import numpy as np
import scipy.sparse
from scipy.sparse import csgraph

from sta.analysis.graph.edges import FloatArray, IntArray, Layer, edge_list, is_sparse

__all__ = ["spanning_forest_weights"]


def spanning_forest_weights(layer: Layer) -> FloatArray:
    """Absolute weights of the maximum spanning forest of a layer, largest first.

    Their number is that of the units less that of the connected components.

    Parameters
    ----------
    layer : ndarray or scipy.sparse.csr_array, shape (n_in, n_out)
        Zeros are no edges.

    Returns
    -------
    ndarray, shape (n_edges_of_the_forest,)

    Examples
    --------
    >>> spanning_forest_weights(np.array([[1.0, -3.0], [2.0, 0.0]])).tolist()
    [3.0, 2.0, 1.0]
    """
    weights = _sparse_forest(layer) if is_sparse(layer) else _dense_forest(np.abs(layer))
    return np.sort(weights)[::-1]


def _dense_forest(weights: FloatArray) -> FloatArray:
    """Boruvka's algorithm: all components take their heaviest edge at once, and are merged."""
    n_in, n_out = weights.shape
    to_target, to_source = weights.argmax(axis=1), weights.argmax(axis=0)
    best = np.concatenate(
        [weights[np.arange(n_in), to_target], weights[to_source, np.arange(n_out)]]
    )
    forest, labels = _joined(best, np.concatenate([n_in + to_target, to_source]))
    found = [forest]
    size = int(labels.max()) + 1
    merged = _between(weights, labels[:n_in], labels[n_in:], size)
    while forest.size:
        np.maximum(merged, merged.T, out=merged)
        np.fill_diagonal(merged, 0.0)
        chosen = merged.argmax(axis=1)
        forest, labels = _joined(merged[np.arange(size), chosen], chosen)
        found.append(forest)
        size = int(labels.max()) + 1
        merged = _between(merged, labels, labels, size)
    return np.concatenate(found)


def _joined(best: FloatArray, neighbour: IntArray) -> tuple[FloatArray, IntArray]:
    """Weights of the edges that merge components, and the component each one is now in.

    Every merged component holds one edge too many, because the choices that lead around end
    in a cycle; all edges of that cycle are equal, and none of the component is heavier.
    """
    count = best.size
    edges = np.flatnonzero(best)
    chosen = scipy.sparse.csr_array(
        (np.ones(edges.size), (edges, neighbour[edges])), shape=(count, count)
    )
    labels = csgraph.connected_components(chosen, directed=False)[1].astype(np.intp)
    order = np.lexsort((best, labels))
    heaviest = order[np.append(np.diff(labels[order]) > 0, True)]
    kept = best > 0
    kept[heaviest] = False
    return best[kept], labels


def _between(weights: FloatArray, rows: IntArray, columns: IntArray, size: int) -> FloatArray:
    """Largest weight from one component to another, of shape (size, size)."""
    largest = np.zeros((size, size))
    by_row = _largest_rows(weights, rows)
    largest[np.ix_(np.unique(rows), np.unique(columns))] = _largest_rows(by_row.T, columns).T
    return largest


def _largest_rows(weights: FloatArray, labels: IntArray) -> FloatArray:
    """Elementwise largest of the rows of each label, in the order of the labels."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    sizes = np.diff(starts, append=labels.size)
    by_size = np.argsort(-sizes, kind="stable")  # so that labels with more rows come first
    starts = starts[by_size]
    largest = weights[order[starts]]
    for nth in range(1, int(sizes.max())):
        more = int(np.count_nonzero(sizes > nth))
        np.maximum(largest[:more], weights[order[starts[:more] + nth]], out=largest[:more])
    return largest[np.argsort(by_size)]


def _sparse_forest(layer: Layer) -> FloatArray:
    n_in, n_out = layer.shape
    sources, targets, weights = edge_list(layer)
    sizes, ranks = np.unique(-np.abs(weights), return_inverse=True)
    # ranks from 1, for csgraph takes a weight of 0 as no edge, and whole numbers are exact
    shape = (n_in + n_out, n_in + n_out)
    bipartite = scipy.sparse.csr_array((ranks + 1.0, (sources, n_in + targets)), shape=shape)
    tree = csgraph.minimum_spanning_tree(bipartite)
    return np.asarray(-sizes[tree.data.astype(np.intp) - 1])
