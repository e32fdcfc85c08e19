"""Sums of histograms that every edge moves by a whole number of bins.

The inner step of :mod:`sta.analysis.graph.paths.histogram`: paths fall into bins by the sum of
their edges' rounded logarithms, and into two classes by the product of their signs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import DTypeLike, NDArray

from sta.analysis.graph.edges import FloatArray, IntArray, Layer
from sta.analysis.graph.paths.steps import Step

__all__ = ["Histograms", "joined", "summed"]

_LARGEST = {np.uint16: 2.0**16 - 1, np.float32: 2.0**24}
_CEILING = 2.0**400
# Edges that share a shift, on average, per target: with fewer, clearing the sums costs more
# than adding to them.
_EDGES_PER_SUM = 8
_EDGES_AT_ONCE = 2**21
_SUMS_AT_ONCE = 2**22
# Bytes of histograms to add from at once: what a share of the processor's cache holds.
_CACHE = 2**22
_LEAST_BINS = 32
_LEAST_SOURCES = 2**10
# Edges of which it pays to leave out those from sources without counts in the present bins.
_EDGES_WORTH_SORTING = 2**17


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
        by_shift = _by_shift(step, sources, targets, copies)
        _add_edges(sums[targets], replace(state, counts=state.counts[sources]), by_shift, copies)
    return _trimmed(Histograms(sums, state.first + step.first, state.exponent))


def _sources_and_copies(step: Step, memory: float) -> tuple[int, int]:
    """Choose how many sources and neighbouring shifts to do at once: enough edges a sum.

    The shifts are a power of two, and more than one only if all sources are.
    """
    n_in, n_out = step.shape
    wanted = _EDGES_PER_SUM * step.span * n_out / step.n_edges  # all sources at once would have 1
    if wanted < 1:
        return min(n_in, max(_LEAST_SOURCES, math.ceil(n_in * wanted))), 1
    room = memory / (4 * n_in * 4 * _LEAST_BINS * 8)
    return n_in, 2 ** int(math.log2(max(1, min(wanted, room, 16, step.span))))


def _by_shift(step: Step, sources: slice, targets: slice, copies: int) -> Layer:
    """Edges as a matrix with a block of rows for every group of so many neighbouring shifts.

    A row of a block is a target; a column is a source, its histograms moved on by the shift
    within the group and, for a negative edge, with the signs exchanged.
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
    return matrix.tocsr()


def _groups(by_shift: Layer, n_out: int) -> list[tuple[slice | IntArray, Layer]]:
    """Blocks of rows with the targets they belong to, few if most have no edges."""
    groups: list[tuple[slice | IntArray, Layer]] = []
    for start in range(0, by_shift.shape[0], n_out):
        block = by_shift[start : start + n_out]
        filled = np.flatnonzero(np.diff(block.indptr))
        if 2 * filled.size > n_out:
            groups.append((slice(None), block))
            continue
        ends = np.append(block.indptr[filled], block.nnz)
        shape = (filled.size, block.shape[1])
        groups.append(
            (filled, scipy.sparse.csr_array((block.data, block.indices, ends), shape=shape))
        )
    return groups


def _add_edges(sums: NDArray[Any], state: Histograms, by_shift: Layer, copies: int) -> None:
    """Add to every target the histograms of its sources, moved along by its edges.

    A few bins after the other, which stay in the cache while all edges read them, and in the
    smallest type that holds what is added up before it joins the sums.
    """
    n_in, _, bins = state.counts.shape
    all_groups = _groups(by_shift, sums.shape[0])
    degree = int(np.diff(by_shift.indptr).max())

    def kind_for(counts: NDArray[Any]) -> DTypeLike:
        whole = state.exponent == 0
        return _smallest_type(float(counts.max()) * degree) if whole else np.float64

    bin_bytes = 4 * copies * n_in * np.dtype(kind_for(state.counts)).itemsize
    size = max(_LEAST_BINS, 4 * copies, _CACHE // bin_bytes)
    for first in range(0, bins, size):
        counts = state.counts[:, :, first : first + size]
        filled = counts.any(axis=(1, 2))
        groups = all_groups
        if by_shift.nnz > _EDGES_WORTH_SORTING and 2 * np.count_nonzero(filled) < n_in:
            counts = counts[filled]
            groups = _groups(by_shift[:, np.tile(filled, 2 * copies)], sums.shape[0])
        if not counts.size:
            continue
        moved = _copied(counts, copies, kind_for(counts))
        width = moved.shape[-1]
        flat = moved.reshape(-1, 2 * width)
        for at, (targets, matrix) in zip(range(first, sums.shape[2], copies), groups, strict=False):
            if matrix.nnz:
                product = (matrix @ flat).reshape(-1, 2, width)
                sums[targets, :, at : at + width] += product


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
