r"""The paths of largest weight, without listing the others.

A path maximises :math:`|p|` if it maximises :math:`\sum_l \log |w^{(l)}|`, a sum that a unit's
best paths inherit from the best paths of its sources (Viterbi's recursion, with lists of the
k best instead of one). Paths of one sign are the paths of a graph that holds every unit
twice, once for each sign of the product so far.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from sta.analysis.graph.edges import (
    FloatArray,
    IntArray,
    Layer,
    check_size,
    dense,
    edge_counts,
    edge_list,
)
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.paths.starts import path_layers
from sta.errors import StaError

__all__ = ["PathSign", "StrongestPaths", "path_products", "strongest_paths", "units_of_graph"]

PathSign: TypeAlias = Literal["positive", "negative"]

_CHUNK = 2**19
"""Candidates compared at a time, about 50 bytes each."""


@dataclass(frozen=True, eq=False)
class StrongestPaths:
    """Paths in descending order of the size of their weights.

    Attributes
    ----------
    units : ndarray of int, shape (n_paths, n_layers + 1)
        The unit that a path passes in every node layer; -1 before a start at a bias unit.
    weights : ndarray, shape (n_paths,)
        Signed products; infinite or 0 where they are beyond the range of float64.
    log_abs : ndarray, shape (n_paths,)
        log(abs(weight)), finite for every path.
    """

    units: IntArray
    weights: FloatArray
    log_abs: FloatArray

    def to_dict(self) -> dict[str, Any]:
        """Return the paths as plain Python values, None for weights beyond float64."""
        inside = np.isfinite(self.weights) & (self.weights != 0)
        pairs = zip(self.weights.tolist(), inside.tolist(), strict=True)
        report: dict[str, Any] = {
            "units": self.units.tolist(),
            "weights": [weight if known else None for weight, known in pairs],
            "log_abs": self.log_abs.tolist(),
        }
        if not inside.all():
            report["reason"] = "some weights are beyond the range of float64; see log_abs"
        return report


def strongest_paths(
    graph: LayeredGraph, k: int = 1, sign: PathSign | None = None
) -> StrongestPaths:
    r"""Find the k paths with the largest :math:`|p|`.

    Parameters
    ----------
    graph : LayeredGraph
    k : int, optional
        Number of paths; fewer are returned if the graph has fewer.
    sign : {"positive", "negative"}, optional
        Look among the paths with :math:`p > 0` or :math:`p < 0` only.

    Returns
    -------
    StrongestPaths

    Raises
    ------
    StaError
        If k is not a positive whole number or ``sign`` is unknown, or the lists of the best
        paths of all units would not fit in memory.

    Notes
    -----
    Among paths of equal size those with lower unit indices come first, compared from the
    last node layer back. Sizes are compared as sums of logarithms, so that paths whose
    weights agree to about 12 digits may change places. For E edges and n units the cost is
    O(E + n k^2) and the memory O(n k).

    References
    ----------
    .. [1] N. Seshadri and C.-E. Sundberg, "List Viterbi decoding algorithms with
       applications", IEEE Transactions on Communications 42, 1994.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, -2.0]], [[3.0], [4.0]]])
    >>> strongest_paths(graph, k=2).weights.tolist()
    [-8.0, 3.0]
    >>> strongest_paths(graph, sign="positive").units.tolist()
    [[0, 0, 0]]
    """
    if sign not in (None, "positive", "negative"):
        raise StaError(f"sign is {sign!r}; choose 'positive', 'negative' or None for both")
    if not isinstance(k, int | np.integer) or k < 1:
        raise StaError(f"k is {k!r}; ask for 1 path or more")
    layers = path_layers(graph)
    widths = [layers[0].shape[0], *(layer.shape[1] for layer in layers)]
    _check_lists(layers, widths, int(k))
    logs = np.zeros((widths[0], 1))
    if sign is not None:
        logs = np.vstack([logs, np.full_like(logs, -np.inf)])
    pointers = []
    for layer in layers:
        matrix = scipy.sparse.csc_array(layer) if sign is None else _signed_cover(layer)
        try:
            logs, *back = _advance(logs, matrix, int(k))
        except MemoryError as error:
            raise StaError(
                f"the {k} strongest paths do not fit in memory; ask for fewer"
            ) from error
        pointers.append(back)
    if sign == "positive":
        logs[widths[-1] :] = -np.inf
    elif sign == "negative":
        logs[: widths[-1]] = -np.inf
    units = _backtrack(logs, pointers, int(k)) % np.array(widths)
    weights, log_abs = path_products(layers, units)
    order = np.argsort(-log_abs, kind="stable")
    return StrongestPaths(units_of_graph(units[order], graph), weights[order], log_abs[order])


def _check_lists(layers: Sequence[Layer], widths: Sequence[int], k: int) -> None:
    """Refuse lists of the k best that are too long, before they are made."""
    length, total, largest = 1, 0, 0
    for layer, width in zip(layers, widths[1:], strict=True):
        degree = int(edge_counts(layer, axis=0).max())
        largest = max(largest, min(k, degree) * length)
        length = min(k, length * degree)
        total += width * length
    # twice as many with a sign; a log and two pointers each, and the candidates of one unit
    size = 2 * 24.0 * total + 56.0 * largest
    check_size(size, f"the lists of the {k} best paths of all units", "ask for fewer paths")


def path_products(layers: tuple[Layer, ...], units: IntArray) -> tuple[FloatArray, FloatArray]:
    """Signed products of the weights along given paths, and the logarithms of their sizes.

    Parameters
    ----------
    layers : tuple of ndarray or scipy.sparse.csr_array
    units : ndarray of int, shape (n_paths, n_layers + 1)
        Along edges of ``layers``.

    Returns
    -------
    weights, log_abs : ndarray, shape (n_paths,)
        Weights beyond the range of float64 are infinite or 0; the logarithms are not.
    """
    mantissas, powers = np.ones(len(units)), np.zeros(len(units), dtype=np.int64)
    for layer, sources, targets in zip(layers, units.T[:-1], units.T[1:], strict=True):
        parts, exponents = np.frexp(dense(layer[sources, targets]).ravel())
        mantissas, drift = np.frexp(mantissas * parts)
        powers += exponents + drift
    with np.errstate(over="ignore", under="ignore"):
        weights = np.ldexp(mantissas, powers)
    return weights, np.log(np.abs(mantissas)) + powers * np.log(2)


def units_of_graph(units: IntArray, graph: LayeredGraph) -> IntArray:
    """Name the units of paths of ``path_layers(graph)`` as the graph does.

    Parameters
    ----------
    units : ndarray of int, shape (n_paths, n_layers + 1)
    graph : LayeredGraph

    Returns
    -------
    ndarray of int, shape (n_paths, n_layers + 1)
        With -1 for the beginnings that ``path_layers`` put before bias units.
    """
    return np.where(units < np.array(graph.widths), units, -1)


def _signed_cover(layer: Layer) -> Any:
    """Join every unit and its copy for negative products; negative weights change sides."""
    n_in, n_out = layer.shape
    sources, targets, weights = edge_list(layer)
    negative = weights < 0
    rows = np.concatenate([sources, sources + n_in])
    columns = np.concatenate([targets + n_out * negative, targets + n_out * ~negative])
    values = np.concatenate([weights, weights])
    return scipy.sparse.csc_array((values, (rows, columns)), shape=(2 * n_in, 2 * n_out))


def _advance(logs: FloatArray, matrix: Any, k: int) -> tuple[FloatArray, IntArray, IntArray]:
    """Give the lists of the targets, and the source and place that every entry came from."""
    length = logs.shape[1]
    degrees = np.diff(matrix.indptr)
    steps = np.log(np.abs(matrix.data))
    shape = (matrix.shape[1], max(1, min(k, length * int(degrees.max()))))
    best = np.full(shape, -np.inf)
    origins, places = np.zeros(shape, dtype=np.intp), np.zeros(shape, dtype=np.intp)
    for targets in _chunks(degrees, k, length):
        column = np.arange(degrees[targets[0]])
        inside = column < degrees[targets][:, None]
        at = np.where(inside, matrix.indptr[targets][:, None] + column, 0)
        source, step = matrix.indices[at], np.where(inside, steps[at], -np.inf)
        # a source whose best candidate is not among the k best has none among them
        chosen = _largest(logs[source, 0] + step, min(k, column.size))
        source, step = (np.take_along_axis(array, chosen, 1) for array in (source, step))
        candidates = (logs[source] + step[:, :, None]).reshape(targets.size, -1)
        kept = _descending(candidates, min(k, candidates.shape[1]))
        filled = targets[:, None], np.arange(kept.shape[1])
        best[filled] = np.take_along_axis(candidates, kept, 1)
        origins[filled] = np.take_along_axis(source, kept // length, 1)
        places[filled] = kept % length
    return best, origins, places


def _chunks(degrees: NDArray[Any], k: int, length: int) -> Iterator[IntArray]:
    """Targets of similar degree together, largest first, with a bounded number of candidates."""
    order = np.argsort(-degrees, kind="stable")
    descending = -degrees[order]
    start, end = 0, int(np.searchsorted(descending, 0))
    while start < end:
        degree = -int(descending[start])
        # padding a target to more than twice its edges would cost more than another round
        similar = int(np.searchsorted(descending, -(degree // 2), side="right"))
        stop = start + max(1, _CHUNK // max(degree, min(k, degree) * length))
        yield order[start : min(stop, similar, end)]
        start = min(stop, similar, end)


def _largest(values: FloatArray, count: int) -> IntArray:
    """Columns of the largest entries of every row, in ascending order; of equals the first."""
    n_rows, n_columns = values.shape
    if count >= n_columns:
        return np.broadcast_to(np.arange(n_columns), values.shape)
    place = n_columns - count
    bound = np.partition(values, place, axis=1)[:, [place]]
    above, equal = values > bound, values == bound
    missing = count - above.sum(axis=1, keepdims=True)
    chosen = above | (equal & (np.cumsum(equal, axis=1) <= missing))
    return np.nonzero(chosen)[1].reshape(n_rows, count)


def _descending(values: FloatArray, count: int) -> IntArray:
    """Columns of the largest entries of every row, largest first; of equals the first."""
    chosen = _largest(values, count)
    order = np.argsort(-np.take_along_axis(values, chosen, 1), axis=1, kind="stable")
    return np.take_along_axis(chosen, order, 1)


def _backtrack(logs: FloatArray, pointers: list[list[IntArray]], k: int) -> IntArray:
    flat = logs.reshape(1, -1)
    best = _descending(flat, min(k, flat.size))[0]
    best = best[np.isfinite(flat[0, best])]
    unit, place = best // logs.shape[1], best % logs.shape[1]
    columns = [unit]
    for origins, places in reversed(pointers):
        unit, place = origins[unit, place], places[unit, place]
        columns.append(unit)
    return np.stack(columns[::-1], axis=1)
