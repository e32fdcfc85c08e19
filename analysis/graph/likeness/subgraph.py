r"""How much of the teacher's graph stands in the student, with the matching of units fixed.

The graph edit distance is out of reach for all but tiny graphs; once every teacher unit is
matched to a student unit, or to none, edges are compared one by one. Both networks are taken
with hidden units at incoming weights of unit length, which no ReLU rescaling changes. With
:math:`B_l` the teacher's weights of layer l, :math:`J_l` the student's between the units
matched to them, 0 where there is none, and supports of the weights above a share of the
largest in their layer,

.. math::

    precision = \frac{|J \cap B|}{|J|}, \quad recall = \frac{|J \cap B|}{|B|}, \quad
    Jaccard = \frac{|J \cap B|}{|J \cup B|}, \quad error = \frac{\|J - B\|_F}{\|B\|_F} .

Matching is one to one: of a group of duplicate units only one is seen, with its part of the
weights. Compare :func:`~sta.analysis.graph.likeness.duplicates.merge_duplicates` of the student, if
groups are to count as one unit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sta.analysis.graph.edges import FloatArray, IntArray, dense
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.likeness.alignment import real_units
from sta.analysis.graph.likeness.matching import UnitMatching
from sta.analysis.graph.rescaling import balance
from sta.errors import ShapeError, StaError

__all__ = ["EdgeScore", "SubgraphScore", "matched_subgraph"]


@dataclass(frozen=True)
class EdgeScore:
    """Edges of one layer, or of all; None stands for what is not defined.

    Attributes
    ----------
    teacher_edges : int
        Edges of the teacher, those of unmatched units included.
    student_edges : int
        Edges of the student between matched units.
    shared_edges : int
        Those that both have.
    extra_edges : int
        Edges of the student from or to other units.
    precision, recall, jaccard : float or None
        Of the student's edges between matched units; None without any edge to divide by.
    correlation : float or None
        Pearson correlation of the weights over the edges that either has; None below two
        edges or without spread.
    error : float or None
        Relative error of all weights, in the Frobenius norm; None if the teacher has none.
    reason : str
        Why something above is None; empty otherwise.
    """

    teacher_edges: int
    student_edges: int
    shared_edges: int
    extra_edges: int
    precision: float | None
    recall: float | None
    jaccard: float | None
    correlation: float | None
    error: float | None
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Plain Python values for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class SubgraphScore:
    """Scores of a matched subgraph.

    Attributes
    ----------
    total : EdgeScore
        Of all edges together. Every layer has its own unit of weight: its correlation is over
        weights in units of the root mean square of the teacher's edges in their layer, and
        its error the root mean square of those of the layers.
    layers : tuple of EdgeScore
        One per weight matrix.
    threshold : float
        Share of the largest weight in its layer that an edge exceeds.
    cosine : float
        Incoming cosine from which a teacher unit counts as matched.
    """

    total: EdgeScore
    layers: tuple[EdgeScore, ...]
    threshold: float
    cosine: float

    def to_dict(self) -> dict[str, Any]:
        """Plain Python values for JSON."""
        return {
            **self.total.to_dict(),
            "threshold": self.threshold,
            "cosine_cutoff": self.cosine,
            "layers": [layer.to_dict() for layer in self.layers],
        }


@dataclass(frozen=True, eq=False)
class _Edges:
    """Weights of both networks at the edges that either has, and how many there are."""

    student: FloatArray
    teacher: FloatArray
    counts: IntArray  # of the teacher, of the student, shared, extra
    squared_error: float | None


def matched_subgraph(
    student: LayeredGraph,
    teacher: LayeredGraph,
    matching: UnitMatching,
    *,
    threshold: float = 0.05,
    cosine: float = 0.9,
) -> SubgraphScore:
    """Precision, recall and weight error of the teacher's edges in the student.

    Parameters
    ----------
    student, teacher : LayeredGraph
        Bias units take no part.
    matching : UnitMatching
        Of these two, by :func:`~sta.analysis.graph.match_units`.
    threshold : float, optional
        An edge is a weight of more than this share of the largest in its layer of its own
        network, once hidden units have incoming weights of unit length; 0 takes all edges.
    cosine : float, optional
        Smallest incoming cosine of a matched unit. Teacher units below are missing from the
        student, with all their edges; -1 takes every unit that was matched at all.

    Returns
    -------
    SubgraphScore

    Raises
    ------
    ShapeError
        If the matching is not of these graphs.
    StaError
        If the threshold is not from 0 to below 1.

    Examples
    --------
    >>> from sta.analysis.graph import match_units
    >>> teacher = LayeredGraph.from_arrays([[[1.0, 0.0], [0.0, 1.0]], [[1.0], [2.0]]])
    >>> student = LayeredGraph.from_arrays([[[0.0], [3.0]], [[1.0]]])
    >>> matching = match_units(student, teacher, outputs="aligned")
    >>> score = matched_subgraph(student, teacher, matching).total
    >>> score.precision, score.recall, score.shared_edges
    (1.0, 0.5, 2)
    """
    if not 0 <= threshold < 1:
        raise StaError(f"threshold is {threshold}; choose one from 0 to below 1")
    places = _places(student, teacher, matching, cosine)
    pairs = zip(
        balance(student.without_bias()).layers, balance(teacher.without_bias()).layers, strict=True
    )
    layers = [
        _edges(dense(own), dense(other), places[at], places[at + 1], threshold)
        for at, (own, other) in enumerate(pairs)
    ]
    return SubgraphScore(
        _score(_together(layers)), tuple(_score(layer) for layer in layers), threshold, cosine
    )


def _places(
    student: LayeredGraph, teacher: LayeredGraph, matching: UnitMatching, cosine: float
) -> list[IntArray]:
    """For every node layer the student unit of each teacher unit, or -1; no bias units."""
    places = [np.arange(np.count_nonzero(~teacher.is_bias(0)))]
    for entry in matching.layers:
        layer = entry.layer
        units = real_units(student, layer) if layer <= student.n_layers else np.zeros(0, np.intp)
        present = (entry.student >= 0) & (entry.cosine_incoming >= cosine)
        if (
            layer > teacher.n_layers
            or entry.student.size != real_units(teacher, layer).size
            or not np.isin(entry.student[present], units).all()
        ):
            raise ShapeError(
                f"the matching of node layer {layer} is not one of widths {student.widths} "
                f"to {teacher.widths}; match these graphs"
            )
        places.append(np.where(present, np.searchsorted(units, entry.student), -1))
    if matching.outputs == "aligned":
        places.append(np.arange(teacher.widths[-1]))
    if not len(places) == student.n_layers + 1 == teacher.n_layers + 1:
        raise ShapeError(
            f"the matching has {len(matching.layers)} layers but the graphs have "
            f"{student.n_layers} and {teacher.n_layers}; match these graphs"
        )
    return places


def _edges(
    own: FloatArray, teacher: FloatArray, rows: IntArray, columns: IntArray, threshold: float
) -> _Edges:
    scale = float(np.abs(teacher).max()) or 1.0  # squares stay in range
    own, teacher = own / scale, teacher / scale
    student = np.zeros(teacher.shape)
    there = np.ix_(rows >= 0, columns >= 0)
    student[there] = own[np.ix_(rows[rows >= 0], columns[columns >= 0])]
    floor = threshold * float(np.abs(own).max())
    has, wanted = np.abs(student) > floor, np.abs(teacher) > threshold * np.abs(teacher).max()
    extra = np.count_nonzero(np.abs(own) > floor) - np.count_nonzero(has)
    counts = [np.count_nonzero(one) for one in (wanted, has, has & wanted)]
    unit = float(np.sqrt(np.mean(teacher[wanted] ** 2))) if wanted.any() else 1.0
    norm = float(np.linalg.norm(teacher))
    error = (float(np.linalg.norm(student - teacher)) / norm) ** 2 if norm > 0 else None
    either = has | wanted
    return _Edges(student[either] / unit, teacher[either] / unit, np.array([*counts, extra]), error)


def _together(layers: Sequence[_Edges]) -> _Edges:
    errors = [layer.squared_error for layer in layers if layer.squared_error is not None]
    return _Edges(
        np.concatenate([layer.student for layer in layers]),
        np.concatenate([layer.teacher for layer in layers]),
        np.sum([layer.counts for layer in layers], axis=0),
        sum(errors) / len(errors) if errors else None,
    )


def _score(edges: _Edges) -> EdgeScore:
    wanted, has, shared, extra = edges.counts.tolist()
    either = wanted + has - shared
    error = edges.squared_error
    correlation = _correlation(edges.student, edges.teacher)
    reasons = {
        "the teacher has no edge": wanted == 0,
        "the student has no edge between matched units": has == 0,
        "fewer than two different weights have no correlation": correlation is None,
    }
    return EdgeScore(
        wanted,
        has,
        shared,
        extra,
        precision=shared / has if has else None,
        recall=shared / wanted if wanted else None,
        jaccard=shared / either if either else None,
        correlation=correlation,
        error=None if error is None else math.sqrt(error),
        reason="; ".join(reason for reason, holds in reasons.items() if holds),
    )


def _correlation(a: FloatArray, b: FloatArray) -> float | None:
    if a.size < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])
