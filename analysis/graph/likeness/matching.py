r"""One-to-one matching of a student's units to its teacher's.

A hidden ReLU unit is known up to its place in the layer and a positive scale ``c`` that
multiplies its incoming weights and divides its outgoing ones. Two units are compared by

.. math:: \cos(in_s, in_t) \; (1 + \cos(out_s, out_t)) / 2 ,

which no rescaling changes. Outgoing weights count for less than in the plain product of
cosines, because they are only as well known as the next layer: a trained student often has
every first-layer unit of its teacher and quite other units behind them. The inputs of both
networks are the same, so the first hidden layer is comparable at once; any other weight
vector is comparable only when its far end is matched and rescaled. Hence a coordinate
ascent: a first pass matches each layer by incoming weights, then all layers are revisited,
each against its neighbours' present matching, until the total similarity stops growing.
Both networks are taken with incoming vectors of unit length, so that no ReLU rescaling of
either changes the result.

Student units that share one direction of incoming weights act as one unit with the sum of
their outgoing weights; such groups are compared as one, and represented by their member of
largest weight. Student units that resemble no teacher unit are left out of all vectors.

References
----------
.. [1] S. Ainsworth et al., "Git Re-Basin", ICLR 2023, arXiv:2209.04836 (coordinate ascent
   over layers of equal width).
.. [2] F. Martinelli et al., "Expand-and-Cluster", ICML 2024, arXiv:2304.12794 (duplicates).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from sta.analysis.graph.layered_graph import FloatArray, IntArray, LayeredGraph
from sta.analysis.graph.likeness.alignment import Outputs, align, real_units
from sta.analysis.graph.likeness.assignment import Assignment
from sta.errors import StaError

__all__ = ["LayerMatching", "Outputs", "Side", "UnitMatching", "mark_matched", "match_units"]

Side: TypeAlias = Literal["incoming", "outgoing", "both"]


@dataclass(frozen=True, eq=False)
class LayerMatching:
    """Matching of one node layer; every array has one entry per teacher unit but bias units.

    Attributes
    ----------
    layer : int
        Node layer, 1 for the first hidden one.
    student : ndarray of int
        Index of the student unit, -1 where the student has none left.
    student_ids, teacher_ids : ndarray of int
        The same units as they were numbered before pruning, -1 where there is none.
    cosine_incoming, cosine_outgoing : ndarray
        Between -1 and 1; both 0 for units without incoming or outgoing weights. The units
        of a last layer that is summed by ones have ``cosine_outgoing`` 1.
    group_size : ndarray of int
        Number of student units compared as one with the teacher unit.
    """

    layer: int
    student: IntArray
    student_ids: IntArray
    teacher_ids: IntArray
    cosine_incoming: FloatArray
    cosine_outgoing: FloatArray
    group_size: IntArray

    def cosine(self, by: Side = "incoming") -> FloatArray:
        """Cosine of every teacher unit; for ``"both"`` the smaller of the two."""
        if by == "incoming":
            return self.cosine_incoming
        if by == "outgoing":
            return self.cosine_outgoing
        if by == "both":
            return np.minimum(self.cosine_incoming, self.cosine_outgoing)
        raise StaError(f"by is {by!r}; choose 'incoming', 'outgoing' or 'both'")

    def matched(self, cosine: float = 0.9, by: Side = "incoming") -> int:
        """Count the teacher units whose cosine is at least ``cosine``."""
        return int(np.count_nonzero((self.student >= 0) & (self.cosine(by) >= cosine)))

    def cosine_min(self, by: Side = "incoming") -> float:
        """Smallest cosine over the teacher units."""
        return float(self.cosine(by).min())

    def to_dict(self, cosine: float = 0.9) -> dict[str, Any]:
        """Plain Python values for JSON."""
        return {
            "layer": self.layer,
            **_headline([self], cosine),
            "student": self.student.tolist(),
            "student_ids": self.student_ids.tolist(),
            "teacher_ids": self.teacher_ids.tolist(),
            "cosine_incoming": self.cosine_incoming.tolist(),
            "cosine_outgoing": self.cosine_outgoing.tolist(),
            "group_size": self.group_size.tolist(),
        }


@dataclass(frozen=True, eq=False)
class UnitMatching:
    """Matching of all layers.

    Attributes
    ----------
    layers : tuple of LayerMatching
        Node layers from 1 on; the last node layer only if its units were matched.
    outputs : str
        How the last node layer was treated, ``"matched"`` or ``"aligned"``.
    total_similarity : float
        Sum over all teacher units of the similarity defined in this module.
    rounds : int
        Number of visits to all layers after the first pass.
    converged : bool
        False if the total still grew when the rounds ran out.
    """

    layers: tuple[LayerMatching, ...]
    outputs: Outputs
    total_similarity: float
    rounds: int
    converged: bool

    def matched(self, cosine: float = 0.9, by: Side = "incoming") -> int:
        """Count the teacher units, over all layers, whose cosine is at least ``cosine``."""
        return sum(layer.matched(cosine, by) for layer in self.layers)

    def cosine_min(self, by: Side = "incoming") -> float:
        """Smallest cosine over the teacher units of all layers."""
        return min(layer.cosine_min(by) for layer in self.layers)

    def to_dict(self, cosine: float = 0.9) -> dict[str, Any]:
        """Plain Python values for JSON.

        ``teacher_units``, ``matched`` and ``cosine_min`` speak of the hidden units, those
        with trained weights on both sides, and of their incoming weights; ``both`` holds
        the same for the smaller of the two cosines, ``layers`` every matched layer.
        """
        hidden = self.layers[:-1] if self.outputs == "matched" else self.layers
        return {
            **_headline(hidden or self.layers, cosine),
            "cosine_cutoff": cosine,
            "outputs": self.outputs,
            "total_similarity": self.total_similarity,
            "rounds": self.rounds,
            "converged": self.converged,
            "layers": [layer.to_dict(cosine) for layer in self.layers],
        }


def match_units(
    student: LayeredGraph,
    teacher: LayeredGraph,
    *,
    outputs: Outputs = "matched",
    merge: float = 0.9,
) -> UnitMatching:
    """Match every teacher unit to one student unit, one to one, up to ReLU rescaling.

    Parameters
    ----------
    student, teacher : LayeredGraph
        With the same number of layers and the same inputs; widths may differ. Bias units
        take no part.
    outputs : {"matched", "aligned"}, optional
        ``"matched"``: the last node layer holds ReLU units that a frozen readout sums with
        ones, so they may be permuted but not rescaled. ``"aligned"``: it holds real
        outputs, unit k of one network being unit k of the other.
    merge : float, optional
        Student units whose incoming cosine with the same teacher unit is at least this are
        compared as one. A value above 1 turns merging off.

    Returns
    -------
    UnitMatching

    Raises
    ------
    ShapeError
        If the numbers of layers, the inputs or (aligned) the outputs differ, or there is
        nothing to match.
    StaError
        If ``outputs`` is unknown, or ``merge`` is not positive.

    Examples
    --------
    >>> teacher = LayeredGraph.from_arrays([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0], [2.0, 0.0]]])
    >>> student = teacher.keep(1, [1, 0])
    >>> match_units(student, teacher).layers[0].student.tolist()
    [1, 0]
    """
    found = align(student, teacher, outputs=outputs, merge=merge)
    layers = tuple(
        _report(entry, layer, student, teacher)
        for layer, entry in enumerate(found.assignments)
        if layer > 0
    )
    return UnitMatching(layers, outputs, found.similarity, found.rounds, found.converged)


def mark_matched(
    student: LayeredGraph, matching: UnitMatching, *, cosine: float = 0.9
) -> LayeredGraph:
    """Give every unit of a student the node attribute ``match``.

    Parameters
    ----------
    student : LayeredGraph
    matching : UnitMatching
        Of this student.
    cosine : float, optional
        Smallest incoming cosine of a match.

    Returns
    -------
    LayeredGraph
        ``match`` is the id of the teacher's unit, -1 for a unit without one; inputs, and
        outputs that are known to be the teacher's, have their own ids.

    Examples
    --------
    >>> teacher = LayeredGraph.from_arrays([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0], [2.0, 0.0]]])
    >>> student = teacher.keep(1, [1, 0])
    >>> mark_matched(student, match_units(student, teacher)).attributes["match"][1].tolist()
    [1, 0]
    """
    match = [ids.copy() for ids in student.unit_ids]
    for layer in matching.layers:
        match[layer.layer][:] = -1
        found = (layer.student >= 0) & (layer.cosine_incoming >= cosine)
        match[layer.layer][layer.student[found]] = layer.teacher_ids[found]
    return student.with_attributes(match=match)


def _headline(layers: Sequence[LayerMatching], cosine: float) -> dict[str, Any]:
    def counted(by: Side) -> dict[str, Any]:
        return {
            "matched": sum(layer.matched(cosine, by) for layer in layers),
            "cosine_min": min(layer.cosine_min(by) for layer in layers),
        }

    units = sum(layer.student.size for layer in layers)
    return {"teacher_units": units, **counted("incoming"), "both": counted("both")}


def _report(
    entry: Assignment, layer: int, student: LayeredGraph, teacher: LayeredGraph
) -> LayerMatching:
    places = real_units(student, layer)
    chosen = np.where(entry.student >= 0, places[entry.student], -1)
    return LayerMatching(
        layer=layer,
        student=chosen,
        student_ids=np.where(chosen >= 0, student.unit_ids[layer][chosen], -1),
        teacher_ids=teacher.unit_ids[layer][real_units(teacher, layer)],
        cosine_incoming=entry.incoming,
        cosine_outgoing=entry.outgoing,
        group_size=entry.group_size,
    )
