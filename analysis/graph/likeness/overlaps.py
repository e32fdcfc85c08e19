r"""Overlap matrices of a student's and a teacher's weight vectors, the order parameters.

With the incoming weights of the K student units as rows of J, those of the M teacher units
as rows of B, and N sources:

.. math:: Q = J J^T / N, \quad R = J B^T / N, \quad T = B B^T / N .

For the first hidden layer, inputs of independent entries of variance 1 have these matrices
as covariances of the preactivations (over :math:`\sqrt N`), and in the theory of online
learning they determine the error.

Behind the first layer two weight vectors are comparable only once their sources are. There,
the student's are read in the teacher's coordinates: a student source that is matched to a
teacher unit sends what that unit sends, times the ratio of the lengths of their incoming
weights, and any other source sends nothing. N is the number of teacher sources then, and Q
the overlap of what is left of the student.

References
----------
.. [1] D. Saad and S. A. Solla, "On-line learning in soft committee machines", Physical
   Review E 52, 4225 (1995).
.. [2] S. Goldt et al., "Dynamics of stochastic gradient descent for two-layer neural
   networks in the teacher-student setup", J. Stat. Mech. 124010 (2020), arXiv:1906.08632.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sta.analysis.graph.edges import FloatArray, IntArray, Layer, check_size, dense
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.likeness.alignment import Alignment, Outputs, align
from sta.analysis.graph.rescaling import incoming_norms
from sta.errors import ShapeError

__all__ = ["Overlaps", "overlaps"]


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Overlaps of the incoming weight vectors of one node layer.

    Attributes
    ----------
    layer : int
        Node layer, 1 for the first hidden one.
    n_sources : int
        Number N of sources by which the sums are divided.
    Q : ndarray, shape (n_student, n_student)
        Student with student.
    R : ndarray, shape (n_student, n_teacher)
        Student with teacher.
    T : ndarray, shape (n_teacher, n_teacher)
        Teacher with teacher.
    student_ids, teacher_ids : ndarray of int
        The units of the rows, as they were numbered before pruning; no bias units.
    """

    layer: int
    n_sources: int
    Q: FloatArray
    R: FloatArray
    T: FloatArray
    student_ids: IntArray
    teacher_ids: IntArray

    def cosines(self) -> Overlaps:
        """Overlaps of the same vectors at unit length; 0 for vectors of zeros.

        Examples
        --------
        >>> student = LayeredGraph.from_arrays([[[3.0], [4.0]], [[1.0]]])
        >>> teacher = LayeredGraph.from_arrays([[[0.0], [2.0]], [[1.0]]])
        >>> overlaps(student, teacher).cosines().R.round(9).tolist()
        [[0.8]]
        """
        (rows, q), (columns, t) = _unit_lengths(self.Q), _unit_lengths(self.T)
        return replace(
            self, n_sources=1, Q=q, R=(self.R * rows[:, None] * columns).clip(-1, 1), T=t
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain Python values for JSON."""
        return {
            "layer": self.layer,
            "n_sources": self.n_sources,
            "Q": self.Q.tolist(),
            "R": self.R.tolist(),
            "T": self.T.tolist(),
            "student_ids": self.student_ids.tolist(),
            "teacher_ids": self.teacher_ids.tolist(),
        }


def overlaps(
    student: LayeredGraph,
    teacher: LayeredGraph,
    *,
    layer: int = 1,
    outputs: Outputs = "matched",
    merge: float = 0.9,
) -> Overlaps:
    """Overlap matrices Q, R and T of one node layer.

    Parameters
    ----------
    student, teacher : LayeredGraph
        With the same inputs, and behind the first layer with the same number of layers;
        bias units take no part.
    layer : int, optional
        Node layer, 1 for the first hidden one.
    outputs, merge : optional
        See :func:`~sta.analysis.graph.match_units`; used behind the first layer only.

    Returns
    -------
    Overlaps

    Raises
    ------
    ShapeError
        If a network has no such layer, or their sources cannot be compared.
    StaError
        If ``outputs`` is unknown, or ``merge`` is not positive.

    Examples
    --------
    >>> student = LayeredGraph.from_arrays([[[3.0], [4.0]], [[1.0]]])
    >>> teacher = LayeredGraph.from_arrays([[[0.0], [2.0]], [[1.0]]])
    >>> found = overlaps(student, teacher)
    >>> found.Q.tolist(), found.R.tolist(), found.T.tolist()
    ([[12.5]], [[4.0]], [[2.0]])
    """
    deepest = min(student.n_layers, teacher.n_layers)
    if not 1 <= layer <= deepest:
        raise ShapeError(
            f"node layer {layer} has no incoming weights in both networks; use 1 to {deepest}"
        )
    student, teacher = student.without_bias(), teacher.without_bias()
    if layer == 1:
        if not np.array_equal(student.unit_ids[0], teacher.unit_ids[0]):
            raise ShapeError(
                f"the student has {student.widths[0]} inputs and the teacher "
                f"{teacher.widths[0]}, or their unit_ids[0] differ; overlaps need the same inputs"
            )
        vectors, teacher_vectors = student.layers[0], teacher.layers[0]
    else:
        found = align(student, teacher, outputs=outputs, merge=merge)
        vectors, teacher_vectors = (
            _translated(student, teacher, layer, found),
            teacher.layers[layer - 1],
        )
    return Overlaps(
        layer,
        teacher_vectors.shape[0],
        _products(vectors, vectors),
        _products(vectors, teacher_vectors),
        _products(teacher_vectors, teacher_vectors),
        student.unit_ids[layer],
        teacher.unit_ids[layer],
    )


def _products(columns: Layer, others: Layer) -> FloatArray:
    shape = (columns.shape[1], others.shape[1])
    check_size(8.0 * shape[0] * shape[1], f"an overlap matrix of shape {shape}", "prune more first")
    return np.asarray(dense(columns.T @ others) / columns.shape[0])


def _translated(
    student: LayeredGraph, teacher: LayeredGraph, layer: int, found: Alignment
) -> FloatArray:
    """Weights from teacher units into the student units of a node layer."""
    vectors = dense(student.layers[0])
    for before in range(1, layer):
        lengths, others = incoming_norms(vectors), incoming_norms(teacher.layers[before - 1])
        sources = found.assignments[before].groups * (lengths[:, None] / others)
        vectors = sources.T @ student.layers[before]
    return vectors


def _unit_lengths(products: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Reciprocal lengths of vectors from their products, and the products of unit vectors."""
    lengths = np.sqrt(np.diag(products))
    scale = np.divide(1.0, lengths, out=np.zeros(lengths.size), where=lengths > 0)
    return scale, (products * scale[:, None] * scale).clip(-1, 1)
