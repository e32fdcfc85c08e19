"""Sums of histograms that every edge moves by a whole number of bins.

The inner step of :mod:`sta.analysis.graph.paths.histogram`: paths fall into bins by the sum of
their edges' rounded logarithms, and into two classes by the product of their signs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse
from numpy.typing import DTypeLike, NDArray

from sta.analysis.graph.edges import (
    FloatArray,
    Layer,
    edge_count,
    edge_counts,
    edge_list,
    edge_values,
    is_sparse,
)

__all__ = ["Histograms", "Step", "joined", "rounded_step", "summed"]

_LARGEST = {np.uint16: 2.0**16 - 1, np.float32: 2.0**24}
_CEILING = 2.0**400
# Edges that share a shift, on average, per target: with fewer, clearing the sums costs more
# than adding to them.
_EDGES_PER_SUM = 16
_EDGES_AT_ONCE = 2**21
_SUMS_AT_ONCE = 2**24
# Bytes of histograms to add from at once: what a share of the processor's cache holds.
_CACHE = 2**22
_LEAST_BINS = 32
_VALUES_AT_ONCE = 2**18

_Ints: TypeAlias = NDArray[np.int32] | NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Step:
    """One layer, to be crossed forwards or backwards.

    Attributes
    ----------
    layer : ndarray or scipy.sparse.csr_array
        Every unit of it is on a path.
    bin_width : float
        h; weights are rounded to k = rint(log(abs(w)) / h).
    backward : bool
        Whether sums run from the layer's targets to its sources.
    first, span : int
        Smallest k, and number of whole numbers up to the largest.
    n_edges : int
    """

    layer: Layer
    bin_width: float
    backward: bool
    first: int
    span: int
    n_edges: int

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of units that the sums leave and at which they arrive."""
        rows, columns = self.layer.shape
        return (columns, rows) if self.backward else (rows, columns)

    def edges(
        self, sources: slice = slice(None), targets: slice = slice(None)
    ) -> tuple[_Ints, _Ints, _Ints, _Ints]:
        """Return sources, targets, k - first, and which weights are negative.

        Of the edges from some sources into some targets, which are numbered from 0 then; in
        arrays of one shape, or that broadcast to it.
        """
        part = self.layer[targets, sources] if self.backward else self.layer[sources, targets]
        rows, columns, weights = _entries(part)
        shifts = _rounded(np.abs(weights), self.bin_width)
        shifts -= self.first
        # the logarithm of a lone number may differ from the same one's in a long array
        np.clip(shifts, 0, self.span - 1, out=shifts)
        start, end = (columns, rows) if self.backward else (rows, columns)
        return start, end, shifts, weights < 0

    def largest_degree(self) -> int:
        """Return the largest number of edges into a target."""
        return int(edge_counts(self.layer, axis=1 if self.backward else 0).max())


@dataclass(frozen=True, eq=False)
class Histograms:
    """Histograms of all units of a node layer.

    Attributes
    ----------
    counts : ndarray, shape (n_units, 2, n_bins)
        Numbers of positive and of negative paths, over ``2**exponent``.
    first : int
        Sum of rounded logarithms in the first bin.
    exponent : int
    """

    counts: NDArray[np.generic]
    first: int
    exponent: int = 0


def _rounded(magnitudes: FloatArray, bin_width: float) -> NDArray[np.int32]:
    logs = np.log(magnitudes)
    logs /= bin_width
    return np.rint(logs, out=logs).astype(np.int32)


def _entries(part: Layer) -> tuple[_Ints, _Ints, FloatArray]:
    """Rows, columns and weights of all edges; a full matrix needs no list of them."""
    if not is_sparse(part) and part.all():
        rows, columns = (np.arange(side, dtype=np.int32) for side in part.shape)
        return rows[:, None], columns, part
    listed_rows, listed_columns, weights = edge_list(part)
    return listed_rows.astype(np.int32), listed_columns.astype(np.int32), weights


def rounded_step(layer: Layer, bin_width: float) -> Step:
    """Find the range of a layer's rounded logarithms."""
    weights = edge_values(layer)
    ends = np.array([np.inf, 0.0])
    for start in range(0, weights.size, _VALUES_AT_ONCE):
        magnitudes = np.abs(weights[start : start + _VALUES_AT_ONCE])
        magnitudes = magnitudes[magnitudes > 0]
        ends[0] = min(ends[0], magnitudes.min(initial=np.inf))
        ends[1] = max(ends[1], magnitudes.max(initial=0.0))
    first, last = (int(end) for end in _rounded(ends, bin_width))
    return Step(layer, bin_width, False, first, last - first + 1, edge_count(layer))


def summed(steps: Sequence[Step], memory: float) -> Histograms:
    """Count the paths through one or more layers, by the unit at which they arrive."""
    state = _first(steps[0])
    for step in steps[1:]:
        state = _moved(_in_range(state), step, memory)
    return state


def _first(step: Step) -> Histograms:
    n_in, n_out = step.shape
    counts = np.zeros((n_out, 2, step.span), np.intp)
    for _, block in _tiles(step, n_in):
        _, targets, shifts, negative = step.edges(targets=block)
        part = counts[block]
        slot = (2 * targets.astype(np.intp) + negative) * step.span + shifts
        part += np.bincount(slot.ravel(), minlength=part.size).reshape(part.shape)
    return Histograms(counts, step.first)


def _tiles(step: Step, size: int) -> Iterator[tuple[slice, slice]]:
    """Blocks of so many sources, and of targets of about as many edges as keep lists small."""
    n_in, n_out = step.shape
    edges = max(1.0, step.n_edges * size / (n_in * n_out))  # into a target
    width = int(max(1, min(_EDGES_AT_ONCE / edges, _SUMS_AT_ONCE / step.span)))
    for target in range(0, n_out, width):
        for source in range(0, n_in, size):
            yield slice(source, source + size), slice(target, target + width)


def _moved(state: Histograms, step: Step, memory: float) -> Histograms:
    """Carry histograms across one more layer."""
    bins = state.counts.shape[2]
    size, copies = _sources_and_copies(step, memory)
    groups = -(-step.span // copies)
    kind: DTypeLike = np.float64
    if state.exponent == 0:  # whole numbers
        kind = _smallest_type(float(state.counts.max()) * step.largest_degree())
    sums = np.zeros((step.shape[1], 2, groups * copies + bins - 1), kind)
    for sources, targets in _tiles(step, size):
        by_group = _by_group(step, sources, targets, copies)
        _add_edges(sums[targets], replace(state, counts=state.counts[sources]), by_group, copies)
    return _trimmed(Histograms(sums, state.first + step.first, state.exponent))


def _sources_and_copies(step: Step, memory: float) -> tuple[int, int]:
    """Sources, and neighbouring shifts a power of two, to do at once: enough edges a sum."""
    n_in, n_out = step.shape
    wanted = _EDGES_PER_SUM * step.span * n_out / step.n_edges  # all sources at once would have 1
    if wanted < 1:
        return math.ceil(n_in * wanted), 1
    room = memory / (4 * n_in * 4 * _LEAST_BINS * 8)
    return n_in, 2 ** int(math.log2(max(1, min(wanted, room, 16, step.span))))


def _by_group(step: Step, sources: slice, targets: slice, copies: int) -> list[Layer]:
    """Edges as matrices, one for every group of so many neighbouring shifts.

    A row is a target; a column is a source, its histograms moved on by the shift within the
    group and, for a negative edge, with the signs exchanged.
    """
    start, end, shifts, negative = step.edges(sources, targets)
    n_in, n_out = (
        len(range(*part.indices(side)))
        for part, side in zip((sources, targets), step.shape, strict=True)
    )
    groups = -(-step.span // copies)
    rows = shifts // copies * n_out + end
    columns = (2 * (shifts & (copies - 1)) + negative) * n_in + start
    matrix = scipy.sparse.coo_array(
        (np.ones(rows.size, np.uint8), (rows.ravel(), columns.ravel())),
        shape=(groups * n_out, copies * 2 * n_in),
    )
    matrix.has_canonical_format = True  # every edge is there once; their order does not matter
    by_shift = matrix.tocsr()
    return [by_shift[number * n_out : (number + 1) * n_out] for number in range(groups)]


def _add_edges(
    sums: NDArray[Any], state: Histograms, by_group: Sequence[Layer], copies: int
) -> None:
    """Add to every target the histograms of its sources, moved along by its edges.

    A few bins after the other, which stay in the cache while all edges read them, and in the
    smallest type that holds what is added up before it joins the sums.
    """
    n_in, _, bins = state.counts.shape
    degree = max(int(np.diff(matrix.indptr).max()) for matrix in by_group)

    def kind_for(counts: NDArray[Any]) -> DTypeLike:
        whole = state.exponent == 0
        return _smallest_type(float(counts.max()) * degree) if whole else np.float64

    bin_bytes = 4 * copies * n_in * np.dtype(kind_for(state.counts)).itemsize
    size = max(_LEAST_BINS, _CACHE // bin_bytes)
    for first in range(0, bins, size):
        counts = state.counts[:, :, first : first + size]
        moved = _copied(counts, copies, kind_for(counts))
        width = moved.shape[-1]
        flat = moved.reshape(-1, 2 * width)
        for at, matrix in zip(range(first, sums.shape[2], copies), by_group, strict=False):
            if matrix.nnz:
                sums[:, :, at : at + width] += (matrix @ flat).reshape(-1, 2, width)


def _copied(counts: NDArray[Any], copies: int, kind: DTypeLike) -> NDArray[Any]:
    """Histograms moved on by 0, 1, ... bins, as they are and with the signs exchanged."""
    n_in, _, bins = counts.shape
    moved = np.zeros((copies, 2, n_in, 2, bins + copies - 1), kind)
    for shift in range(copies):
        moved[shift, 0, :, :, shift : shift + bins] = counts
        moved[shift, 1, :, :, shift : shift + bins] = counts[:, ::-1]
    return moved


def _trimmed(state: Histograms) -> Histograms:
    """Leave out bins at either end that are empty in all units."""
    filled = np.flatnonzero(state.counts.any(axis=(0, 1)))
    low, high = int(filled[0]), int(filled[-1]) + 1
    return Histograms(state.counts[:, :, low:high], state.first + low, state.exponent)


def _smallest_type(largest: float) -> DTypeLike:
    for kind, limit in _LARGEST.items():
        if largest <= limit:
            return kind
    return np.float64


def _in_range(state: Histograms) -> Histograms:
    """Split a power of two off counts that a further layer could carry beyond float64."""
    largest = float(state.counts.max())
    if largest <= _CEILING:
        return state
    drift = math.frexp(largest)[1]
    counts = np.ldexp(state.counts.astype(np.float64), -drift)
    return Histograms(counts, state.first, state.exponent + drift)


def joined(sides: Sequence[Histograms]) -> Histograms:
    """Count whole paths.

    Parameters
    ----------
    sides : sequence of Histograms
        Beginnings and ends of paths, by the unit at which they meet; or whole paths alone.

    Returns
    -------
    Histograms
        Of a single unit, float64.
    """
    if len(sides) == 1:
        whole = sides[0].counts.sum(axis=0, dtype=np.float64)
        return Histograms(whole[None], sides[0].first, sides[0].exponent)
    a, b = (_in_range(state) for state in sides)
    n_units, _, width_b = b.counts.shape
    flat_b = b.counts.reshape(n_units, -1).astype(np.float64)
    width_a = a.counts.shape[2]
    whole = np.zeros((2, width_a + width_b - 1))
    block = max(1, 2**19 // width_b)
    for start in range(0, width_a, block):
        part = a.counts[:, :, start : start + block].astype(np.float64)
        rows = part.shape[2]
        pairs = (part.reshape(n_units, -1).T @ flat_b).reshape(2, rows, 2, width_b)
        same, other = pairs[0, :, 0] + pairs[1, :, 1], pairs[0, :, 1] + pairs[1, :, 0]
        for sign, table in enumerate((same, other)):
            whole[sign, start : start + rows + width_b - 1] += _antidiagonals(table)
    return Histograms(whole[None], a.first + b.first, a.exponent + b.exponent)


def _antidiagonals(table: FloatArray) -> FloatArray:
    """Sum of all entries with equal row + column."""
    rows, columns = table.shape
    skewed = np.zeros((rows, columns + rows))
    skewed[:, :columns] = table
    return np.asarray(skewed.ravel()[: rows * (columns + rows - 1)].reshape(rows, -1).sum(axis=0))
