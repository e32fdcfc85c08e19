"""Where the units of a network are drawn: one column a node layer, matched units level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sta.analysis.graph import LayeredGraph, UnitMatching
from sta.analysis.graph.layered_graph import FloatArray, IntArray
from sta.errors import ShapeError

LARGEST_PITCH = 1 / 6
GAP = 0.07
UNMATCHED_HEIGHT = 0.35


@dataclass(frozen=True, eq=False)
class Column:
    """The units shown of one node layer, one entry each in all arrays.

    Attributes
    ----------
    units : ndarray of int
        Index in the graph.
    heights : ndarray
        Ordinates: those of matched units and inputs within [0, 1], of unmatched ones below,
        of bias units above.
    pitch : ndarray
        Distance to the next unit.
    cosines : ndarray or None
        Cosine to the partner, NaN for a unit that has none; None where no unit is matched.
    bias : ndarray of bool
        Whether the unit holds biases.
    total : int
        Number of units of the node layer, bias units left out.
    """

    units: IntArray
    heights: FloatArray
    pitch: FloatArray
    cosines: FloatArray | None
    bias: NDArray[np.bool_]
    total: int

    @property
    def alone(self) -> NDArray[np.bool_]:
        """Which units have no partner, in a layer whose units are matched."""
        if self.cosines is None:
            return np.zeros(self.units.size, dtype=bool)
        return np.isnan(self.cosines) & ~self.bias

    @property
    def shown(self) -> int:
        """Number of units shown, bias units left out."""
        return int((~self.bias).sum())


def rows_of(
    graph: LayeredGraph, matching: UnitMatching | None = None, *, teacher: bool = False
) -> tuple[list[IntArray], list[FloatArray | None]]:
    """Return the unit in every row of every node layer, -1 for none, and its cosine if matched.

    A row holds a unit of the teacher and its partner in the student; where nothing is matched,
    units stand in their own order.

    Parameters
    ----------
    graph : LayeredGraph
    matching : UnitMatching, optional
    teacher : bool
        Whether the graph is the teacher of the matching.

    Raises
    ------
    ShapeError
        If the matching is of another network.
    """
    rows = [np.flatnonzero(~graph.is_bias(layer)) for layer in range(graph.n_layers + 1)]
    cosines: list[FloatArray | None] = [None] * len(rows)
    for entry in () if matching is None else matching.layers:
        there = entry.layer <= graph.n_layers
        width = graph.widths[entry.layer] if there else 0
        fits = (
            there and entry.student.size == rows[entry.layer].size
            if teacher
            else entry.student.max() < width
        )
        if not fits:
            raise ShapeError(
                f"the matching of node layer {entry.layer} is of another network than one with "
                f"{width} units there; pass the matching of these two"
            )
        if not teacher:
            rows[entry.layer] = entry.student
        cosines[entry.layer] = np.where(entry.student >= 0, entry.cosine_incoming, np.nan)
    return rows, cosines


def mass_of_rows(rows: IntArray, mass: FloatArray) -> FloatArray:
    """Return the mass of the unit in every row, 0 where there is none."""
    return np.where(rows >= 0, mass[rows], 0.0)


def columns_of(
    graph: LayeredGraph,
    rows: Sequence[IntArray],
    cosines: Sequence[FloatArray | None],
    masses: Sequence[FloatArray],
    row_masses: Sequence[FloatArray],
    max_units: int,
) -> list[Column]:
    """Place the units of every node layer.

    Parameters
    ----------
    graph : LayeredGraph
    rows, cosines : sequence of ndarray
        Of `rows_of`.
    masses : sequence of ndarray
        Of every unit; the largest stay where not all unmatched units can be shown.
    row_masses : sequence of ndarray
        Of every row; the largest stay where not all rows can be shown.
    max_units : int
        Most rows of a column, and twice the most unmatched units below them.
    """
    return [
        _column(graph.is_bias(layer), rows[layer], cosines[layer], mass, row_mass, max_units)
        for layer, (mass, row_mass) in enumerate(zip(masses, row_masses, strict=True))
    ]


def _column(
    bias: NDArray[np.bool_],
    row: IntArray,
    cosines: FloatArray | None,
    mass: FloatArray,
    row_mass: FloatArray,
    max_units: int,
) -> Column:
    """Place the rows at the middle of [0, 1], the other units below and bias units above."""
    kept = largest(row_mass, max_units)
    there = row[kept] >= 0
    pitch = min(1 / max(kept.size, 1), LARGEST_PITCH)
    heights = 0.5 + pitch * ((kept.size - 1) / 2 - np.arange(kept.size))
    free = np.setdiff1d(np.flatnonzero(~bias), row)
    below = free[largest(mass[free], max(1, max_units // 2))]
    low_pitch = min(pitch, UNMATCHED_HEIGHT / max(below.size, 1))
    low = -GAP - low_pitch * np.arange(below.size)
    above = np.flatnonzero(bias)
    high = 1 + GAP * (1 + np.arange(above.size))
    sizes = [int(there.sum()), below.size, above.size]
    if cosines is not None:
        cosines = np.append(cosines[kept][there], np.full(below.size + above.size, np.nan))
    return Column(
        units=np.concatenate([row[kept][there], below, above]),
        heights=np.concatenate([heights[there], low, high]),
        pitch=np.repeat([pitch, low_pitch, GAP], sizes),
        cosines=cosines,
        bias=np.repeat([False, False, True], sizes),
        total=bias.size - above.size,
    )


def largest(values: FloatArray, number: int) -> IntArray:
    """Return the places of the largest values, in ascending order of place.

    Examples
    --------
    >>> largest(np.array([3.0, 1.0, 2.0]), 2).tolist()
    [0, 2]
    """
    return np.sort(np.argsort(-values, kind="stable")[:number])


def shares(counts: Sequence[int], total: int) -> list[int]:
    """Share out a number among claims as evenly as they allow.

    Examples
    --------
    >>> shares([2, 50, 50], 42)
    [2, 20, 20]
    """
    given = [0] * len(counts)
    order = sorted(range(len(counts)), key=lambda at: counts[at])
    for position, at in enumerate(order):
        given[at] = min(counts[at], total // (len(counts) - position))
        total -= given[at]
    return given
