"""Coordinate ascent that matches a student's units to its teacher's, layer by layer.

The loop of :mod:`sta.analysis.graph.likeness.matching`, where it is explained, with all that it
knows in the end: how each layer of the student is read in the teacher's coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from sta.analysis.graph.edges import FloatArray, IntArray
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.likeness.assignment import Assignment, identity_assignment, match_vectors
from sta.analysis.graph.rescaling import balanced_weights
from sta.errors import ShapeError, StaError

__all__ = ["Alignment", "Outputs", "align", "real_units"]

Outputs: TypeAlias = Literal["matched", "aligned"]

MAX_ROUNDS = 100


@dataclass(frozen=True, eq=False)
class Alignment:
    """Where the ascent ended.

    Attributes
    ----------
    assignments : tuple of Assignment
        One per node layer from the inputs to the last matched one, bias units left out.
    similarity : float
        Sum over all teacher units of the similarity of the matching.
    rounds : int
        Number of visits to all layers after the first pass.
    converged : bool
        False if the similarity still grew when the rounds ran out.
    """

    assignments: tuple[Assignment, ...]
    similarity: float
    rounds: int
    converged: bool


def real_units(graph: LayeredGraph, layer: int) -> IntArray:
    """Find the units of a node layer that are not bias units."""
    return np.flatnonzero(~graph.is_bias(layer))


def align(
    student: LayeredGraph, teacher: LayeredGraph, *, outputs: Outputs, merge: float
) -> Alignment:
    """Revisit all layers, each against its neighbours' matching, until nothing improves.

    Parameters
    ----------
    student, teacher : LayeredGraph
    outputs : {"matched", "aligned"}
        See :func:`~sta.analysis.graph.match_units`.
    merge : float
        Incoming cosine from which student units are compared as one.

    Returns
    -------
    Alignment

    Raises
    ------
    ShapeError
        If the numbers of layers, the inputs or (aligned) the outputs differ, or there is
        nothing to match.
    StaError
        If ``outputs`` is unknown, or ``merge`` is not positive.
    """
    student, teacher = student.without_bias(), teacher.without_bias()
    _check_comparable(student, teacher, outputs)
    if not merge > 0:
        raise StaError(f"merge is {merge}; choose a positive cosine, or above 1 for no merging")
    last = student.n_layers
    n_matched = last if outputs == "matched" else last - 1
    state = {0: identity_assignment(student.widths[0])}
    if outputs == "aligned":
        state[last] = identity_assignment(student.widths[last])
    weights, teacher_weights = balanced_weights(student), balanced_weights(teacher)
    best: tuple[Assignment, ...] = ()
    best_total, rounds, converged = -1.0, 0, False
    for rounds in range(MAX_ROUNDS + 1):
        for layer in range(1, n_matched + 1):
            state[layer] = _assign(weights, teacher_weights, layer, state, merge, first=rounds == 0)
        if rounds == 0:
            continue  # without outgoing weights the first pass has no comparable total
        present = tuple(state[layer] for layer in range(n_matched + 1))
        total = sum(entry.similarity for entry in present[1:])
        if total <= best_total + 1e-12:
            converged = True
            break
        best, best_total = present, total
    return Alignment(best, best_total, rounds, converged)


def _assign(
    student: tuple[FloatArray, ...],
    teacher: tuple[FloatArray, ...],
    layer: int,
    state: dict[int, Assignment],
    merge: float,
    *,
    first: bool,
) -> Assignment:
    after = None if first else state.get(layer + 1)
    incoming = (state[layer - 1].as_sources.T @ student[layer - 1]).T
    teacher_incoming = teacher[layer - 1].T
    if after is None:
        outgoing = np.ones((incoming.shape[0], 1))
        teacher_outgoing = np.ones((teacher_incoming.shape[0], 1))
    else:
        outgoing = student[layer] @ after.as_targets
        teacher_outgoing = teacher[layer]
    return match_vectors(
        incoming,
        outgoing,
        teacher_incoming,
        teacher_outgoing,
        merge=merge,
        fixed_scale=layer == len(student),
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
        raise ShapeError("1 layer of weights has no hidden units to match")
    if outputs == "aligned" and not np.array_equal(student.unit_ids[-1], teacher.unit_ids[-1]):
        raise ShapeError(
            f"the student has {student.widths[-1]} outputs and the teacher "
            f"{teacher.widths[-1]}, or their unit_ids[-1] differ; as outputs they must be the same"
        )
