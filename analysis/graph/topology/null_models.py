"""Random graphs in the likeness of one: the chance against which it is measured.

Every null model takes a graph and a seed and returns a graph of the same widths, role, unit
ids and bias units, whose layers are drawn independently of each other; ``NULL_MODELS`` names
them all. None keeps attributes or properties, which describe the graph that was measured.

=================  ==========================================  =========================
name               places of the edges                         weights
=================  ==========================================  =========================
degree_preserving  random, degrees of all units kept           permuted within the layer
erdos_renyi        random, number of edges of each layer kept  permuted within the layer
shuffled_weights   kept                                        permuted within the layer
resampled_weights  kept                                        drawn from the layer's own
gaussian_like      kept                                        normal, mean square kept
=================  ==========================================  =========================

Permuted weights do not ride along on their edges: riding ones would keep part of every unit's
strength and signs, and hide how the signs of a network are placed.

A bias unit takes part as a unit of its layer; no edge is made to enter one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import scipy.sparse

from sta.analysis.graph.checks import frozen_layer
from sta.analysis.graph.edges import FloatArray, IntArray, Layer, edge_list, is_sparse
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.errors import StaError

__all__ = [
    "NULL_MODELS",
    "NullModel",
    "degree_preserving",
    "erdos_renyi",
    "gaussian_like",
    "null_model",
    "resampled_weights",
    "shuffled_weights",
]

Seed: TypeAlias = int | np.random.Generator
NullModel: TypeAlias = Callable[[LayeredGraph, Seed], LayeredGraph]

SWEEPS = 20
"""Global trades of ``degree_preserving``; in each, every unit trades with another one."""


def degree_preserving(graph: LayeredGraph, seed: Seed, *, sweeps: int = SWEEPS) -> LayeredGraph:
    """Draw a graph uniformly among those with the same in- and out-degree of every unit.

    Every layer is randomised by global curveball trades: in a sweep the units of its narrower
    side are paired at random, and each pair shuffles the neighbours that only one of the two
    has. The chain is symmetric and reaches every graph of these degrees, so that its limit is
    uniform; a complete layer has one graph only and keeps its places. Weights are permuted
    within each layer.

    Parameters
    ----------
    graph : LayeredGraph
    seed : int or numpy.random.Generator
    sweeps : int, optional
        Number of global trades.

    Returns
    -------
    LayeredGraph

    References
    ----------
    .. [1] Strona et al., "A fast and unbiased procedure to randomize ecological binary
       matrices with fixed row and column totals", Nature Communications 5, 4114 (2014).
    .. [2] Carstens, Hamann, Meyer, Penschuck, Tran, Wagner, "Parallel and I/O-efficient
       randomisation of massive networks using global curveball trades", ESA 2018,
       arXiv:1804.08487.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]]])
    >>> drawn = degree_preserving(graph, 0).layers[0] != 0
    >>> drawn.sum(axis=0).tolist(), drawn.sum(axis=1).tolist()
    ([1, 1, 1], [2, 1])
    """
    rng = np.random.default_rng(seed)
    drawn = []
    for layer in graph.layers:
        sources, targets, weights = edge_list(layer)
        n_in, n_out = layer.shape
        if n_in <= n_out:
            sources, targets = _traded(sources, targets, layer.shape, rng, sweeps)
        else:
            targets, sources = _traded(targets, sources, (n_out, n_in), rng, sweeps)
        drawn.append(_placed(layer, sources, targets, _permuted(weights, rng)))
    return _with_layers(graph, drawn)


def erdos_renyi(graph: LayeredGraph, seed: Seed) -> LayeredGraph:
    """Put the edges of every layer at places drawn uniformly, and permute their weights.

    Parameters
    ----------
    graph : LayeredGraph
    seed : int or numpy.random.Generator

    Returns
    -------
    LayeredGraph

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]]])
    >>> erdos_renyi(graph, 0).n_edges
    3
    """
    rng = np.random.default_rng(seed)
    drawn = []
    for number, layer in enumerate(graph.layers):
        weights = edge_list(layer)[2]
        free = np.flatnonzero(~graph.is_bias(number + 1))
        places = rng.choice(layer.shape[0] * free.size, weights.size, replace=False, shuffle=False)
        sources, targets = np.divmod(places, free.size)
        drawn.append(_placed(layer, sources, free[targets], _permuted(weights, rng)))
    return _with_layers(graph, drawn)


def shuffled_weights(graph: LayeredGraph, seed: Seed) -> LayeredGraph:
    """Permute the weights within every layer, and leave the edges where they are.

    Biases are permuted among themselves.

    Parameters
    ----------
    graph : LayeredGraph
    seed : int or numpy.random.Generator

    Returns
    -------
    LayeredGraph
    """
    rng = np.random.default_rng(seed)
    return _reweighted(graph, lambda weights: _permuted(weights, rng))


def resampled_weights(graph: LayeredGraph, seed: Seed) -> LayeredGraph:
    """Draw every weight, with replacement, from those of its layer, and leave the edges there.

    A bootstrap: random networks whose weights follow the graph's own law, whatever it is.
    Biases are drawn from biases.

    Parameters
    ----------
    graph : LayeredGraph
    seed : int or numpy.random.Generator

    Returns
    -------
    LayeredGraph
    """
    rng = np.random.default_rng(seed)
    return _reweighted(graph, lambda weights: rng.choice(weights, weights.size))


def gaussian_like(graph: LayeredGraph, seed: Seed) -> LayeredGraph:
    r"""Replace the weights by independent normal ones, and leave the edges where they are.

    In every layer their variance is the mean of :math:`w^2` over its edges, their mean 0;
    biases have a variance of their own.

    Parameters
    ----------
    graph : LayeredGraph
    seed : int or numpy.random.Generator

    Returns
    -------
    LayeredGraph
    """
    rng = np.random.default_rng(seed)

    def drawn(weights: FloatArray) -> FloatArray:
        largest = float(np.abs(weights).max(initial=0.0)) or 1.0  # squares stay in range
        spread = largest * float(np.sqrt(np.sum((weights / largest) ** 2) / max(weights.size, 1)))
        return spread * rng.standard_normal(weights.size)

    return _reweighted(graph, drawn)


NULL_MODELS: dict[str, NullModel] = {
    "degree_preserving": degree_preserving,
    "erdos_renyi": erdos_renyi,
    "shuffled_weights": shuffled_weights,
    "resampled_weights": resampled_weights,
    "gaussian_like": gaussian_like,
}
"""Every null model by the name it has in reports."""


def null_model(name: str) -> NullModel:
    """Look up a null model by name.

    Parameters
    ----------
    name : str
        A key of ``NULL_MODELS``.

    Returns
    -------
    callable
        A function ``(graph, seed) -> LayeredGraph``.

    Raises
    ------
    StaError
        If there is none of that name.
    """
    if name not in NULL_MODELS:
        raise StaError(f"no null model {name!r}; choose one of {', '.join(NULL_MODELS)}")
    return NULL_MODELS[name]


def _traded(
    rows: IntArray,
    columns: IntArray,
    shape: tuple[int, int],
    rng: np.random.Generator,
    sweeps: int,
) -> tuple[IntArray, IntArray]:
    """Edges after global curveball trades between rows; the degrees of both sides stay."""
    n_rows, n_columns = shape
    if n_rows < 2 or rows.size in (0, n_rows * n_columns):
        return rows, columns
    for _ in range(sweeps):
        order = rng.permutation(n_rows)
        rank = np.argsort(order)[rows]
        # an edge of a pair of rows in one number: pair, column, which of the two rows
        keys = np.sort(((rank >> 1) * n_columns + columns) << 1 | rank & 1)
        cells, second = keys >> 1, keys & 1
        common = np.concatenate([[False], cells[1:] == cells[:-1]])
        common[:-1] |= common[1:]
        own = ~common
        pairs = cells // n_columns
        shuffled = rng.integers(2**38, size=int(own.sum())) << 1 | second[own]
        second[own] = np.sort(pairs[own] << 39 | shuffled) & 1
        rows, columns = order[pairs << 1 | second], cells % n_columns
    return rows, columns


def _permuted(weights: FloatArray, rng: np.random.Generator) -> FloatArray:
    return weights[rng.permutation(weights.size)]


def _placed(layer: Layer, sources: IntArray, targets: IntArray, weights: FloatArray) -> Layer:
    """Layer of the shape and kind of another, with the given edges."""
    if is_sparse(layer):
        return scipy.sparse.csr_array((weights, (sources, targets)), shape=layer.shape)
    matrix = np.zeros(layer.shape)
    matrix[sources, targets] = weights
    return matrix


def _reweighted(graph: LayeredGraph, function: Callable[[FloatArray], FloatArray]) -> LayeredGraph:
    """Change the weights of every layer, and of its biases apart."""
    changed = []
    for at, layer in enumerate(graph.layers):
        sources, targets, weights = edge_list(layer)
        weights, bias = weights.copy(), graph.is_bias(at)[sources]
        for part in (~bias, bias):
            if part.any():
                weights[part] = function(weights[part])
        changed.append(_placed(layer, sources, targets, weights))
    return _with_layers(graph, changed)


def _with_layers(graph: LayeredGraph, layers: list[Layer]) -> LayeredGraph:
    frozen = tuple(frozen_layer(layer) for layer in layers)
    return replace(graph, layers=frozen, attributes={}, properties={})
