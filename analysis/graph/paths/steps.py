"""Layers of a network in whole numbers: the rounded logarithm and the sign of every edge.

What :mod:`sta.analysis.graph.paths.shifted_sums` adds along.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sta.analysis.graph.edges import (
    FloatArray,
    Layer,
    edge_count,
    edge_counts,
    edge_list,
    edge_values,
    is_sparse,
)

__all__ = ["Step", "rounded_step"]

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
