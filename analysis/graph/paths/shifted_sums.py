"""Sums of histograms that every edge moves by a whole number of bins.

The inner step of :mod:`sta.analysis.graph.paths.histogram`: paths fall into bins by the sum of
their edges' rounded logarithms, and into two classes by the product of their signs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
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
)

__all__ = ["Histograms", "Step", "joined", "rounded_step", "summed"]

_LARGEST = {np.uint16: 2.0**16 - 1, np.float32: 2.0**24}
_CEILING = 2.0**400
# Edges that share a shift, on average, per target: with fewer, clearing the sums costs more
# than adding to them.
_EDGES_PER_SUM = 16
_EDGES_AT_ONCE = 4e6
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

    def edges(self, targets: slice = slice(None)) -> tuple[_Ints, _Ints, _Ints, _Ints]:
        """Return sources, targets, k - first, and which weights are negative.

        Of the edges into some of the targets, which are numbered from 0 then.
        """
        part = self.layer[targets] if self.backward else self.layer[:, targets]
        rows, columns, weights = edge_list(part)
        shifts = _rounded(np.abs(weights), self.bin_width)
        shifts -= self.first
        # the logarithm of a lone number may differ from the same one's in a long array
        np.clip(shifts, 0, self.span - 1, out=shifts)
        start, end = (columns, rows) if self.backward else (rows, columns)
        return start.astype(np.int32), end.astype(np.int32), shifts, weights < 0

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
    n_out = step.shape[1]
    counts = np.zeros((n_out, 2, step.span), np.intp)
    for block in _blocks(step):
        _, targets, shifts, negative = step.edges(block)
        part = counts[block]
        slot = (2 * targets.astype(np.intp) + negative) * step.span + shifts
        part += np.bincount(slot, minlength=part.size).reshape(part.shape)
    return Histograms(counts, step.first)


def _blocks(step: Step) -> list[slice]:
    """Targets in blocks of about as many edges as keep the lists of edges small."""
    n_out = step.shape[1]
    size = max(1, int(n_out * _EDGES_AT_ONCE / step.n_edges))
    return [slice(start, start + size) for start in range(0, n_out, size)]


def _moved(state: Histograms, step: Step, memory: float) -> Histograms:
    """Carry histograms across one more layer."""
    n_in, _, bins = state.counts.shape
    n_out = step.shape[1]
    kind: DTypeLike = np.float64
    if state.exponent == 0:  # whole numbers
        kind = _smallest_type(float(state.counts.max()) * step.largest_degree())
    copies = _copies(step, n_in * bins * np.dtype(kind).itemsize, memory)
    groups = -(-step.span // copies)
    # a negative edge reads the histograms with the signs exchanged
    moved = np.zeros((copies, 2, n_in, 2, bins + copies - 1), kind)
    for shift in range(copies):
        moved[shift, 0, :, :, shift : shift + bins] = state.counts
        moved[shift, 1, :, :, shift : shift + bins] = state.counts[:, ::-1]
    sums = np.zeros((n_out, 2, groups * copies + bins - 1), kind)
    for block in _blocks(step):
        _add_edges(sums[block], moved, step.edges(block))
    return _trimmed(Histograms(sums, state.first + step.first, state.exponent))


def _add_edges(
    sums: NDArray[Any], moved: NDArray[Any], edges: tuple[_Ints, _Ints, _Ints, _Ints]
) -> None:
    """Add to every target the histograms of its sources, moved along by its edges.

    Edges of equal shift are one sparse matrix; a few neighbouring shifts are done at once, on
    copies of the histograms moved by 0, 1, ... bins.
    """
    sources, targets, shifts, negative = edges
    copies, _, n_in, _, width = moved.shape
    n_out = sums.shape[0]
    groups = (sums.shape[2] - width) // copies + 1
    flat = moved.reshape(copies * 2 * n_in, 2 * width)
    group, shifts = np.divmod(shifts, copies)
    rows = group.astype(np.int64) * n_out + targets
    columns = (2 * shifts + negative) * n_in + sources
    matrix = scipy.sparse.coo_array(
        (np.ones(rows.size, moved.dtype), (rows, columns)), shape=(groups * n_out, flat.shape[0])
    )
    matrix.has_canonical_format = True  # every edge is there once; their order does not matter
    by_group = matrix.tocsr()
    for number in range(groups):
        product = by_group[number * n_out : (number + 1) * n_out] @ flat
        at = number * copies
        sums[:, :, at : at + width] += product.reshape(n_out, 2, width)


def _trimmed(state: Histograms) -> Histograms:
    """Leave out bins at either end that are empty in all units."""
    filled = np.flatnonzero(state.counts.any(axis=(0, 1)))
    low, high = int(filled[0]), int(filled[-1]) + 1
    return Histograms(state.counts[:, :, low:high], state.first + low, state.exponent)


def _copies(step: Step, size: int, memory: float) -> int:
    """Neighbouring shifts to do at once: enough edges a sum, in the memory there is."""
    wanted = _EDGES_PER_SUM * step.span * step.shape[1] / step.n_edges
    return int(max(1, min(wanted, memory / (8 * size), 16, step.span)))


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
