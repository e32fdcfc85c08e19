r"""Many-to-one: the student units that do the work of one teacher unit, and their merger.

An oversized student often holds a teacher unit several times, each copy with a part of its
outgoing weights. Student units whose incoming weights point the same way as a teacher unit's
form its group. A hidden ReLU unit of incoming weights :math:`n u` (length n, direction u) and
outgoing weights v does what the unit (u, n v) does, so that a group acts as one unit with

.. math:: u = \sum_i a_i u_i, \quad v = \sum_i n_i v_i, \quad a_i \propto n_i |v_i| .

For exact copies this changes neither the function of the network nor the sum of path weights
of any input and output. Units of a last layer that a readout of ones sums have no outgoing
weights to add up: their incoming weights are added.

References
----------
.. [1] F. Martinelli et al., "Expand-and-Cluster: parameter recovery of neural networks",
   ICML 2024, arXiv:2304.12794.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from sta.analysis.graph.checks import as_layer
from sta.analysis.graph.edges import FloatArray, IntArray, Layer
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.likeness.alignment import Outputs, align, real_units
from sta.analysis.graph.likeness.assignment import Assignment
from sta.analysis.graph.paths.centrality import node_centrality
from sta.analysis.graph.rescaling import incoming_norms
from sta.errors import ShapeError, StaError

__all__ = ["LayerGroups", "UnitGroups", "group_duplicates", "merge_duplicates"]


@dataclass(frozen=True, eq=False)
class LayerGroups:
    """Groups of one node layer.

    Attributes
    ----------
    layer : int
        Node layer, 1 for the first hidden one.
    group : ndarray of int, shape (n_student,)
        Teacher unit of every student unit, -1 for those in no group and for bias units.
    cosine : ndarray, shape (n_student,)
        Incoming cosine with that teacher unit, or the largest with any; 0 for dead units.
    group_size : ndarray of int
        Number of student units of every teacher unit but bias units.
    n_leftover : int
        Student units in no group, bias units not counted.
    leftover_mass : float or None
        Share of the path norm L1 on paths through those; None if there is no path.
    reason : str
        Why ``leftover_mass`` is None; empty otherwise.
    """

    layer: int
    group: IntArray
    cosine: FloatArray
    group_size: IntArray
    n_leftover: int
    leftover_mass: float | None
    reason: str = ""

    @property
    def coverage(self) -> float:
        """Share of the teacher units that have a group."""
        return float(np.mean(self.group_size > 0))

    def to_dict(self) -> dict[str, Any]:
        """Plain Python values for JSON."""
        return {
            "layer": self.layer,
            "coverage": self.coverage,
            "leftover": self.n_leftover,
            "leftover_mass": self.leftover_mass,
            "group_size": self.group_size.tolist(),
            "group": self.group.tolist(),
            "cosine": self.cosine.tolist(),
            "reason": self.reason,
        }


@dataclass(frozen=True, eq=False)
class UnitGroups:
    """Groups of all node layers that are matched.

    Attributes
    ----------
    layers : tuple of LayerGroups
        Node layers from 1 on; the last node layer only if its units were matched.
    outputs : str
        How the last node layer was treated, ``"matched"`` or ``"aligned"``.
    cutoff : float
        Cosine from which a student unit belongs to a group.
    """

    layers: tuple[LayerGroups, ...]
    outputs: Outputs
    cutoff: float

    @property
    def coverage(self) -> float:
        """Share of the teacher units of all layers that have a group."""
        sizes = np.concatenate([layer.group_size for layer in self.layers])
        return float(np.mean(sizes > 0))

    def to_dict(self) -> dict[str, Any]:
        """Plain Python values for JSON."""
        return {
            "coverage": self.coverage,
            "cosine_cutoff": self.cutoff,
            "outputs": self.outputs,
            "layers": [layer.to_dict() for layer in self.layers],
        }


def group_duplicates(
    student: LayeredGraph,
    teacher: LayeredGraph,
    *,
    outputs: Outputs = "matched",
    cosine: float = 0.9,
) -> UnitGroups:
    """Group the student units by the teacher unit whose incoming weights they share.

    A unit belongs to the teacher unit that it is matched to, or else to the nearest, if their
    incoming cosine is at least ``cosine``; bias units take no part.

    Parameters
    ----------
    student, teacher : LayeredGraph
        With the same number of layers and the same inputs; widths may differ.
    outputs : {"matched", "aligned"}, optional
        See :func:`~sta.analysis.graph.match_units`.
    cosine : float, optional
        Smallest incoming cosine of a group, above 0 and up to 1.

    Returns
    -------
    UnitGroups

    Raises
    ------
    ShapeError
        If the networks cannot be compared layer by layer.
    StaError
        If ``outputs`` is unknown, or ``cosine`` is out of range.

    Examples
    --------
    >>> teacher = LayeredGraph.from_arrays([[[1.0, 0.0], [0.0, 1.0]], [[3.0], [4.0]]])
    >>> student = LayeredGraph.from_arrays(
    ...     [[[1.0, 0.0, 2.0, 1.0], [0.0, 1.0, 0.0, -1.0]], [[1.0], [4.0], [1.0], [3.0]]])
    >>> layer = group_duplicates(student, teacher, outputs="aligned").layers[0]
    >>> layer.group.tolist(), layer.coverage, round(layer.leftover_mass, 3)
    ([0, 1, 0, -1], 1.0, 0.462)
    """
    if not 0 < cosine <= 1:
        raise StaError(f"cosine is {cosine}; choose one above 0 and up to 1")
    found = align(student, teacher, outputs=outputs, merge=cosine)
    masses, reason = _masses(student)
    layers = tuple(
        _layer_groups(entry, layer, student, teacher, cosine, masses, reason)
        for layer, entry in enumerate(found.assignments)
        if layer > 0
    )
    return UnitGroups(layers, outputs, cosine)


def merge_duplicates(
    student: LayeredGraph, groups: UnitGroups, *, keep_leftover: bool = True
) -> LayeredGraph:
    """Replace every group of student units by one unit that does the same.

    Parameters
    ----------
    student : LayeredGraph
        The graph that was grouped.
    groups : UnitGroups
    keep_leftover : bool, optional
        Whether units in no group stay as they are or are left out.

    Returns
    -------
    LayeredGraph
        In every node layer the merged units, in the teacher's order, then the others. A merged
        unit has the id, the attributes and the length of incoming weights of the member that
        carries most.

    Raises
    ------
    ShapeError
        If the groups are not of this graph, or no unit of a layer would be left.

    Examples
    --------
    >>> student = LayeredGraph.from_arrays([[[1.0, 2.0]], [[3.0], [4.0]]])
    >>> teacher = LayeredGraph.from_arrays([[[1.0]], [[1.0]]])
    >>> merged = merge_duplicates(student, group_duplicates(student, teacher, outputs="aligned"))
    >>> [layer.tolist() for layer in merged.layers]
    [[[2.0]], [[5.5]]]
    """
    graph = student
    for entry in groups.layers:
        if entry.layer > student.n_layers or entry.group.size != student.widths[entry.layer]:
            raise ShapeError(
                f"groups of {entry.group.size} units in node layer {entry.layer} are not those "
                f"of a graph of widths {student.widths}; group this graph"
            )
        bias, labels = graph.is_bias(entry.layer), entry.group
        if not keep_leftover:
            kept = np.flatnonzero((labels >= 0) | bias)
            graph, labels, bias = graph.keep(entry.layer, kept), labels[kept], bias[kept]
        alone = np.arange(labels.size) + labels.max(initial=0) + 1
        graph = _merged(graph, entry.layer, np.where(labels < 0, alone, labels))
    return graph


def _merged(graph: LayeredGraph, layer: int, labels: NDArray[Any]) -> LayeredGraph:
    """Graph with one unit in place of those that share a label."""
    _, group = np.unique(labels, return_inverse=True)
    size = incoming_norms(graph.layers[layer - 1])
    carried = size / size.max()
    if layer < graph.n_layers:
        onward = incoming_norms(_transposed(graph.layers[layer]))
        carried = np.maximum(carried * (onward / onward.max()), np.finfo(np.float64).tiny)
    by_group = np.lexsort((-carried, group))
    chiefs = by_group[np.unique(group[by_group], return_index=True)[1]]
    kept = graph.keep(layer, chiefs)
    matrices = list(kept.layers)
    shape, units = (group.size, chiefs.size), np.arange(group.size)
    if layer == graph.n_layers:
        into = np.ones(group.size)
    else:
        scale = size / size[chiefs][group]
        into = carried / np.bincount(group, carried)[group] / scale
        onto = scipy.sparse.csr_array((scale, (group, units)), shape=shape[::-1])
        matrices[layer] = as_layer(onto @ graph.layers[layer], layer)
    columns = scipy.sparse.csr_array((into, (units, group)), shape=shape)
    matrices[layer - 1] = as_layer(graph.layers[layer - 1] @ columns, layer - 1)
    return replace(kept, layers=tuple(matrices))


def _layer_groups(
    entry: Assignment,
    layer: int,
    student: LayeredGraph,
    teacher: LayeredGraph,
    cutoff: float,
    masses: tuple[FloatArray, ...] | None,
    reason: str,
) -> LayerGroups:
    members = entry.groups & (entry.cosines >= cutoff)
    grouped = members.any(axis=1)
    units, width = real_units(student, layer), student.widths[layer]
    group, cosine = np.full(width, -1, dtype=np.intp), np.zeros(width)
    group[units[grouped]] = real_units(teacher, layer)[members.argmax(axis=1)[grouped]]
    cosine[units] = np.where(
        grouped, np.where(members, entry.cosines, 0.0).max(axis=1), entry.cosines.max(axis=1)
    )
    return LayerGroups(
        layer,
        group,
        cosine,
        group_size=np.count_nonzero(members, axis=0),
        n_leftover=int(np.count_nonzero(~grouped)),
        leftover_mass=None if masses is None else float(masses[layer][~grouped].sum()),
        reason=reason,
    )


def _masses(student: LayeredGraph) -> tuple[tuple[FloatArray, ...] | None, str]:
    try:
        return node_centrality(student.without_bias()), ""
    except StaError as error:
        return None, str(error)


def _transposed(layer: Layer) -> Layer:
    return layer.T.tocsr() if scipy.sparse.issparse(layer) else layer.T
