"""Matching of one layer's units from weight vectors that are already comparable.

The inner step of :mod:`sta.analysis.graph.likeness.matching`: rows are units, and the columns of
student and teacher mean the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from sta.analysis.graph.edges import FloatArray, IntArray, check_size

__all__ = ["Assignment", "identity_assignment", "match_vectors"]

# A unit whose |in| |out| is below this share of its layer's largest carries no signal.
_DEAD = 1e-9


@dataclass(frozen=True)
class Assignment:
    """State of one node layer.

    Attributes
    ----------
    student : ndarray of int, shape (n_teacher,)
        Student unit of every teacher unit, or -1.
    incoming, outgoing : ndarray, shape (n_teacher,)
        Cosines.
    cosines : ndarray, shape (n_student, n_teacher)
        Cosines of incoming weights, 0 where either unit carries nothing.
    groups : ndarray of bool, shape (n_student, n_teacher)
        Which student units are compared as one with the teacher unit.
    as_sources : ndarray, shape (n_student, n_teacher)
        Sums what student units send into what teacher units send, scale undone.
    as_targets : ndarray, shape (n_student, n_teacher)
        Reads what teacher units receive off what student units receive, scale undone.
    """

    student: IntArray
    incoming: FloatArray
    outgoing: FloatArray
    cosines: FloatArray
    groups: NDArray[np.bool_]
    as_sources: FloatArray
    as_targets: FloatArray

    @property
    def group_size(self) -> IntArray:
        """Number of student units compared as one with every teacher unit."""
        return np.asarray(np.count_nonzero(self.groups, axis=0))

    @property
    def similarity(self) -> float:
        """Sum over teacher units of cos_in (1 + cos_out) / 2, cos_in below 0 counting as 0."""
        return float((self.incoming.clip(0) * (1 + self.outgoing) / 2).sum())


def match_vectors(
    incoming: FloatArray,
    outgoing: FloatArray,
    teacher_incoming: FloatArray,
    teacher_outgoing: FloatArray,
    *,
    merge: float,
    fixed_scale: bool,
) -> Assignment:
    """Match one layer from weight vectors that are in the teacher's coordinates.

    Parameters
    ----------
    incoming, outgoing : ndarray, shape (n_student, n_sources), (n_student, n_targets)
    teacher_incoming, teacher_outgoing : ndarray, shape (n_teacher, ...)
        With the same columns.
    merge : float
        Incoming cosine from which student units are compared as one.
    fixed_scale : bool
        The units cannot be rescaled; those compared as one are summed as targets.

    Returns
    -------
    Assignment
    """
    size, teacher_size = _norms(incoming), _norms(teacher_incoming)
    carried = outgoing * size[:, None]  # what a rescaling of the unit leaves unchanged
    weight = _norms(carried)
    live = _live(weight)[:, None] & _live(teacher_size * _norms(teacher_outgoing))
    cos_in = np.where(live, _cosines(incoming, teacher_incoming), 0.0)
    cos_out = np.where(live, _cosines(carried, teacher_outgoing), 0.0)
    groups = _nearest(cos_in, merge)
    joint_out = np.where(groups, _group_cosines(groups, carried, teacher_outgoing), cos_out)
    units, chosen = linear_sum_assignment(_scores(cos_in, joint_out, groups, weight), maximize=True)

    # a unit unlike the teacher unit it was left with stays in the group it belongs to
    present = live[units, chosen]
    moves = (cos_in[units, chosen] >= merge) | ~groups[units].any(axis=1)
    groups[units[moves]] = False
    groups[units[moves & present], chosen[moves & present]] = True
    joint_out = np.where(groups, _group_cosines(groups, carried, teacher_outgoing), cos_out)

    n_teacher = teacher_size.size
    student = np.full(n_teacher, -1, dtype=np.intp)
    student[chosen] = np.where(present, units, -1)
    cosines_in, cosines_out = np.zeros(n_teacher), np.zeros(n_teacher)
    cosines_in[chosen] = cos_in[units, chosen]
    cosines_out[chosen] = np.where(present, joint_out[units, chosen], 0.0)
    as_targets = groups.astype(np.float64)
    if not fixed_scale:
        as_targets = np.zeros(groups.shape)
        as_targets[units, chosen] = _ratio(teacher_size[chosen], size[units])
    return Assignment(
        student,
        cosines_in,
        cosines_out,
        cos_in,
        groups,
        as_sources=groups * _ratio(size[:, None], teacher_size),
        as_targets=as_targets,
    )


def identity_assignment(width: int) -> Assignment:
    """Units that are known to be the same in both networks, such as the inputs."""
    check_size(16.0 * width**2, f"a table of {width} by {width} units", "compare fewer units")
    ones, same = np.ones(width), np.eye(width)
    return Assignment(np.arange(width), ones, ones, same, same > 0, same, same)


def _scores(
    cos_in: FloatArray, cos_out: FloatArray, groups: NDArray[np.bool_], weight: FloatArray
) -> FloatArray:
    """Similarities, with only the weightiest unit of a group standing for it."""
    chief = weight[:, None] == np.where(groups, weight[:, None], 0.0).max(axis=0)
    similarity = np.where(groups & ~chief, 0.0, cos_in.clip(0) * (1 + cos_out) / 2)
    # the small term decides between units that are all unlike the teacher's
    return np.asarray(similarity + 1e-9 * (cos_in + cos_out))


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
