r"""One-to-one matching of a student's units to its teacher's.

A hidden ReLU unit is known up to its place in the layer and a positive scale ``c`` that
multiplies its incoming weights and divides its outgoing ones. Two units are compared by

.. math:: \cos(in_s, in_t) \cdot \cos(out_s, out_t),

the cosine of their rank-one maps :math:`in \otimes out`, which no rescaling changes. The
inputs of both networks are the same, so the first hidden layer is comparable at once; any
other weight vector is comparable only when its far end is matched and rescaled. Hence a
coordinate ascent: a first pass matches each layer by incoming weights, then all layers are
revisited, each against its neighbours' present matching, until the total similarity stops
growing.

Student units that share one direction of incoming weights act as one unit with the sum of
their outgoing weights; such groups are compared as one, and represented by their member of
largest weight.

References
----------
.. [1] S. Ainsworth et al., "Git Re-Basin", ICLR 2023, arXiv:2209.04836 (coordinate ascent
   over layers of equal width).
.. [2] F. Martinelli et al., "Expand-and-Cluster", ICML 2024, arXiv:2304.12794 (duplicates).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sta.analysis.graph.layered_graph import FloatArray, IntArray, LayeredGraph

from sta.errors import ShapeError, StaError

__all__ = ["LayerMatching", "Outputs", "UnitMatching", "match_units"]

Outputs: TypeAlias = Literal["matched", "aligned"]

MAX_ROUNDS = 100
# A unit whose share of its layer's largest |in| |out| is below this carries no signal.
_DEAD = 1e-9


@dataclass(frozen=True, eq=False)
class LayerMatching:
    """Matching of one node layer; every array has one entry per teacher unit.

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

    @property
    def cosine(self) -> FloatArray:
        """The smaller of the incoming and outgoing cosine of every teacher unit."""
        return np.minimum(self.cosine_incoming, self.cosine_outgoing)

    def matched(self, cosine: float = 0.9) -> int:
        """Count the teacher units with both cosines at least ``cosine``."""
        return int(np.count_nonzero((self.student >= 0) & (self.cosine >= cosine)))

    def to_dict(self, cosine: float = 0.9) -> dict[str, Any]:
        """Plain Python values for JSON."""
        return {
            "layer": self.layer,
            "teacher_units": self.student.size,
            "matched": self.matched(cosine),
            "cosine_min": float(self.cosine.min()),
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
        Sum over all teacher units of the product of the two cosines.
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

    @property
    def cosine_min(self) -> float:
        """Smallest incoming or outgoing cosine over all matched layers."""
        return min(float(layer.cosine.min()) for layer in self.layers)

    def matched(self, cosine: float = 0.9) -> int:
        """Count the teacher units, over all layers, with both cosines at least ``cosine``."""
        return sum(layer.matched(cosine) for layer in self.layers)

    def to_dict(self, cosine: float = 0.9) -> dict[str, Any]:
        """Plain Python values for JSON.

        ``teacher_units``, ``matched`` and ``cosine_min`` speak of the hidden units, those
        with trained weights on both sides; ``layers`` holds every matched layer.
        """
        hidden = self.layers[:-1] if self.outputs == "matched" else self.layers
        counted = hidden or self.layers
        return {
            "teacher_units": sum(layer.student.size for layer in counted),
            "matched": sum(layer.matched(cosine) for layer in counted),
            "cosine_min": min(float(layer.cosine.min()) for layer in counted),
            "cosine_cutoff": cosine,
            "outputs": self.outputs,
            "total_similarity": self.total_similarity,
            "rounds": self.rounds,
            "converged": self.converged,
            "layers": [layer.to_dict(cosine) for layer in self.layers],
        }


@dataclass(frozen=True)
class _Assignment:
    """State of one node layer: shapes (n_student, n_teacher) unless said otherwise."""

    student: IntArray  # (n_teacher,)
    incoming: FloatArray  # (n_teacher,) cosines
    outgoing: FloatArray  # (n_teacher,) cosines
    group_size: IntArray  # (n_teacher,)
    as_sources: FloatArray  # sums student units into teacher units, scale undone
    as_targets: FloatArray  # reads teacher units off student units, scale undone

    @property
    def similarity(self) -> float:
        return float((self.incoming.clip(0) * self.outgoing.clip(0)).sum())


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
        With the same number of layers and the same inputs; widths may differ.
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
        If ``outputs`` is unknown.

    Examples
    --------
    >>> teacher = LayeredGraph.from_arrays([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0], [2.0, 0.0]]])
    >>> student = teacher.keep(1, [1, 0])
    >>> match_units(student, teacher).layers[0].student.tolist()
    [1, 0]
    """
    _check_comparable(student, teacher, outputs)
    last = student.n_layers
    n_matched = last if outputs == "matched" else last - 1
    inputs = _identity(student.widths[0])
    state: list[_Assignment | None] = [inputs] + [None] * last
    if outputs == "aligned":
        state[last] = _identity(student.widths[last])
    weights, teacher_weights = _scaled(student), _scaled(teacher)
    best: list[_Assignment] = []
    best_total, rounds, converged = -1.0, 0, False
    for rounds in range(MAX_ROUNDS + 1):
        for layer in range(1, n_matched + 1):
            state[layer] = _assign(weights, teacher_weights, layer, state, merge, first=rounds == 0)
        if rounds == 0:
            continue  # without outgoing weights the first pass has no comparable total
        present = [entry for entry in state[1 : n_matched + 1] if entry is not None]
        total = sum(entry.similarity for entry in present)
        if total <= best_total + 1e-12:
            converged = True
            break
        best, best_total = present, total
    layers = tuple(
        _report(entry, number + 1, student, teacher) for number, entry in enumerate(best)
    )
    return UnitMatching(layers, outputs, best_total, rounds, converged)


def _assign(
    student: tuple[FloatArray, ...],
    teacher: tuple[FloatArray, ...],
    layer: int,
    state: list[_Assignment | None],
    merge: float,
    *,
    first: bool,
) -> _Assignment:
    before = state[layer - 1]
    after = state[layer + 1] if layer < len(student) and not first else None
    assert before is not None  # noqa: S101 - layers are visited in order
    incoming = (before.as_sources.T @ student[layer - 1]).T
    teacher_incoming = teacher[layer - 1].T
    if after is None:
        outgoing = np.ones((incoming.shape[0], 1))
        teacher_outgoing = np.ones((teacher_incoming.shape[0], 1))
    else:
        outgoing = student[layer] @ after.as_targets
        teacher_outgoing = teacher[layer]
    return _match_vectors(
        incoming,
        outgoing,
        teacher_incoming,
        teacher_outgoing,
        merge=merge,
        fixed_scale=layer == len(student),
    )


def _match_vectors(
    incoming: FloatArray,
    outgoing: FloatArray,
    teacher_incoming: FloatArray,
    teacher_outgoing: FloatArray,
    *,
    merge: float,
    fixed_scale: bool,
) -> _Assignment:
    """Match one layer from weight vectors (rows) that are in the teacher's coordinates."""
    size, teacher_size = _norms(incoming), _norms(teacher_incoming)
    carried = outgoing * size[:, None]  # what a rescaling of the unit leaves unchanged
    weight = _norms(carried)
    live = _live(weight)[:, None] & _live(teacher_size * _norms(teacher_outgoing))
    cos_in = np.where(live, _cosines(incoming, teacher_incoming), 0.0)
    cos_out = np.where(live, _cosines(carried, teacher_outgoing), 0.0)

    groups = _nearest(cos_in, merge)
    score_out = np.where(groups, _group_cosines(groups, carried, teacher_outgoing), cos_out)
    chief = weight[:, None] == np.where(groups, weight[:, None], 0.0).max(axis=0)
    score = np.where(groups & ~chief, 0.0, cos_in.clip(0) * score_out.clip(0))
    # the small term decides between units that are all unlike the teacher's
    units, chosen = linear_sum_assignment(score + 1e-9 * (cos_in + cos_out), maximize=True)

    # a representative stays with the group it belongs to, if it is unlike its teacher unit
    moves = (cos_in[units, chosen] >= merge) | ~groups[units].any(axis=1)
    groups[units[moves]] = False
    groups[units[moves], chosen[moves]] = True
    in_group = groups[units, chosen]
    group_out = _group_cosines(groups, carried, teacher_outgoing)[chosen]

    n_teacher = teacher_size.size
    present = live[units, chosen]
    student = np.full(n_teacher, -1, dtype=np.intp)
    student[chosen] = units
    incoming_cosine, outgoing_cosine = np.zeros(n_teacher), np.zeros(n_teacher)
    incoming_cosine[chosen] = cos_in[units, chosen]
    outgoing_cosine[chosen] = np.where(
        present, np.where(in_group, group_out, cos_out[units, chosen]), 0.0
    )
    as_targets = groups.astype(np.float64)
    if not fixed_scale:
        as_targets = np.zeros(groups.shape)
        as_targets[units, chosen] = _ratio(teacher_size[chosen], size[units])
    return _Assignment(
        student,
        incoming_cosine,
        outgoing_cosine,
        group_size=np.count_nonzero(groups, axis=0),
        as_sources=groups * _ratio(size[:, None], teacher_size),
        as_targets=as_targets,
    )


def _identity(width: int) -> _Assignment:
    ones = np.ones(width)
    same = np.arange(width)
    return _Assignment(
        same, ones, ones, np.ones(width, dtype=np.intp), np.eye(width), np.eye(width)
    )


def _nearest(cosines: FloatArray, merge: float) -> NDArray[np.bool_]:
    groups = np.zeros(cosines.shape, dtype=bool)
    units = np.arange(cosines.shape[0])
    groups[units, cosines.argmax(axis=1)] = cosines.max(axis=1) >= merge
    return groups


def _group_cosines(
    groups: NDArray[np.bool_], carried: FloatArray, teacher_outgoing: FloatArray
) -> FloatArray:
    """Cosine of the summed outgoing weights of every group with its teacher unit's."""
    joint = groups.T.astype(np.float64) @ carried
    dots = (joint * teacher_outgoing).sum(axis=1)
    return _ratio(dots, _norms(joint) * _norms(teacher_outgoing)).clip(-1, 1)


def _cosines(a: FloatArray, b: FloatArray) -> FloatArray:
    unit_a, unit_b = (_ratio(rows, _norms(rows)[:, None]) for rows in (a, b))
    return (unit_a @ unit_b.T).clip(-1, 1)


def _norms(rows: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.norm(rows, axis=1))


def _live(weight: FloatArray) -> NDArray[np.bool_]:
    return np.asarray((weight > 0) & (weight >= _DEAD * weight.max()))


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Quotient, 0 where the denominator is 0."""
    shape = np.broadcast_shapes(numerator.shape, denominator.shape)
    return np.divide(numerator, denominator, out=np.zeros(shape), where=denominator > 0)


def _report(
    entry: _Assignment, layer: int, student: LayeredGraph, teacher: LayeredGraph
) -> LayerMatching:
    ids = student.unit_ids[layer][entry.student]
    return LayerMatching(
        layer=layer,
        student=entry.student,
        student_ids=np.where(entry.student >= 0, ids, -1),
        teacher_ids=teacher.unit_ids[layer],
        cosine_incoming=entry.incoming,
        cosine_outgoing=entry.outgoing,
        group_size=entry.group_size,
    )


def _scaled(graph: LayeredGraph) -> tuple[FloatArray, ...]:
    """Weights of every layer over their largest, which no cosine notices and nothing overflows."""
    largest = (float(np.abs(matrix).max()) for matrix in graph.layers)
    return tuple(
        matrix / top if top > 0 else matrix
        for matrix, top in zip(graph.layers, largest, strict=True)
    )


def _check_comparable(student: LayeredGraph, teacher: LayeredGraph, outputs: Outputs) -> None:
    if outputs not in ("matched", "aligned"):
        raise StaError(f"outputs is {outputs!r}; choose 'matched' or 'aligned'")
    if student.n_layers != teacher.n_layers:
        raise ShapeError(
            f"the student has {student.n_layers} layers but the teacher {teacher.n_layers}; "
            "units match layer by layer, so compare networks of one depth"
        )
    if not np.array_equal(student.unit_ids[0], teacher.unit_ids[0]):
        raise ShapeError(
            f"the student has {student.widths[0]} inputs and the teacher {teacher.widths[0]}, "
            "or their unit_ids[0] differ; both must read the same inputs in the same order"
        )
    if outputs == "aligned" and student.n_layers == 1:
        raise ShapeError("1 layer has no hidden units to match; use outputs='matched'")
    if outputs == "aligned" and not np.array_equal(student.unit_ids[-1], teacher.unit_ids[-1]):
        raise ShapeError(
            f"the student has {student.widths[-1]} outputs and the teacher "
            f"{teacher.widths[-1]}, or their unit_ids[-1] differ; use outputs='matched'"
        )
