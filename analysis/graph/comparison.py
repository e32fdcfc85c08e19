"""A student's graph against its teacher's, as plain values for a report.

One quantity that cannot be computed does not lose the others: it is None, and the reason
stands under its name in ``notes``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from sta.analysis.graph.distances import kolmogorov_smirnov, wasserstein
from sta.analysis.graph.enumeration import ENUMERATION_LIMIT
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.matching import Outputs, UnitMatching, match_units
from sta.analysis.graph.paths import PathDistribution, path_distribution
from sta.analysis.graph.rescaling import balance
from sta.analysis.graph.strengths import in_strength
from sta.errors import StaError

__all__ = ["GraphComparison", "compare_graphs", "sample_distances", "summarize_graph"]

Notes: TypeAlias = dict[str, str]
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class GraphComparison:
    """Graph of a student, graph of its teacher, and how far apart they are.

    Attributes
    ----------
    student, teacher : dict
        Summaries by :func:`summarize_graph`.
    paths : dict
        ``wasserstein``, ``wasserstein_over_std`` (over the standard deviation of the
        teacher's path weights), ``ks``, each a float or None; signed path weights, every
        path counted once.
    in_strength, in_strength_balanced : list of dict
        The same three for the signed in-strengths of node layers 1, 2, ...; of the graphs
        as they are, and with hidden units scaled to incoming weights of unit length.
    matching : UnitMatching or None
    cosine : float
        Cosine from which a teacher unit counts as matched.
    notes : dict of str to str
        Reason for every None, under the name of the quantity.
    """

    student: dict[str, Any]
    teacher: dict[str, Any]
    paths: dict[str, float | None]
    in_strength: list[dict[str, Any]]
    in_strength_balanced: list[dict[str, Any]]
    matching: UnitMatching | None
    cosine: float
    notes: Notes

    def to_dict(self) -> dict[str, Any]:
        """Plain values under the keys of ``sta analyze``: graph, distance, matching, notes."""
        return {
            "graph": {"student": self.student, "teacher": self.teacher},
            "distance": {
                "paths": self.paths,
                "in_strength": self.in_strength,
                "in_strength_balanced": self.in_strength_balanced,
            },
            "matching": None if self.matching is None else self.matching.to_dict(self.cosine),
            "notes": self.notes,
        }


def compare_graphs(
    student: LayeredGraph,
    teacher: LayeredGraph,
    *,
    outputs: Outputs = "matched",
    cosine: float = 0.9,
    path_limit: float = ENUMERATION_LIMIT,
) -> GraphComparison:
    """Path and in-strength distances and the matching of units of two networks.

    Parameters
    ----------
    student, teacher : LayeredGraph
    outputs : {"matched", "aligned"}, optional
        Whether the units of the last node layer may be permuted; see :func:`match_units`.
    cosine : float, optional
        Cosine from which a teacher unit counts as matched.
    path_limit : float, optional
        Largest number of paths to list; above it the path distances are None.

    Returns
    -------
    GraphComparison

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, 2.0]], [[1.0], [3.0]]])
    >>> compare_graphs(graph, graph).paths
    {'wasserstein': 0.0, 'wasserstein_over_std': 0.0, 'ks': 0.0}
    """
    notes: Notes = {}
    student_paths = path_distribution(student, limit=path_limit)
    teacher_paths = path_distribution(teacher, limit=path_limit)
    layers = range(1, max(student.n_layers, teacher.n_layers) + 1)
    return GraphComparison(
        student=summarize_graph(student, student_paths, notes=notes, name="graph.student"),
        teacher=summarize_graph(teacher, teacher_paths, notes=notes, name="graph.teacher"),
        paths=_path_distances(student_paths, teacher_paths, notes),
        in_strength=[
            _strength_distances(student, teacher, layer, "distance.in_strength", notes)
            for layer in layers
        ],
        in_strength_balanced=_balanced_distances(student, teacher, layers, notes),
        matching=_attempt(
            lambda: match_units(student, teacher, outputs=outputs), "matching", notes
        ),
        cosine=cosine,
        notes=notes,
    )


def summarize_graph(
    graph: LayeredGraph,
    distribution: PathDistribution | None = None,
    *,
    notes: Notes | None = None,
    name: str = "graph",
) -> dict[str, Any]:
    """Sizes and path sums of one graph as plain values.

    Parameters
    ----------
    graph : LayeredGraph
    distribution : PathDistribution, optional
        Of this graph, where it is known already; computed without path weights otherwise.
    notes : dict, optional
        Receives the reason for every None.
    name : str, optional
        What the graph is called in ``notes``.

    Returns
    -------
    dict
        ``nodes``, ``edges``, ``widths``, ``role`` and ``paths``: ``count``, ``signed_sum``,
        ``l1``, ``l2``, ``effective_number``, ``method``, ``log_error_bound``.

    Examples
    --------
    >>> summarize_graph(LayeredGraph.from_arrays([[[1.0, -1.0]], [[3.0], [4.0]]]))["paths"]["l1"]
    7.0
    """
    paths = path_distribution(graph, "moments") if distribution is None else distribution
    notes = {} if notes is None else notes
    sums = {
        key: _finite(getattr(paths, key), f"{name}.paths.{key}", notes)
        for key in ("signed_sum", "l1", "l2", "effective_number", "log_error_bound")
    }
    return {
        "role": graph.role,
        "nodes": graph.n_nodes,
        "edges": graph.n_edges,
        "widths": list(graph.widths),
        "paths": {"count": paths.count, **sums, "method": paths.method},
    }


def sample_distances(
    student: ArrayLike, teacher: ArrayLike, *, name: str, notes: Notes
) -> dict[str, float | None]:
    """Distances between two samples, each None with a reason in ``notes`` where it fails.

    Parameters
    ----------
    student, teacher : array_like, 1-d
    name : str
        What the samples are called in ``notes``.
    notes : dict
        Receives the reason for every None.

    Returns
    -------
    dict
        ``wasserstein``, ``wasserstein_over_std`` (standard deviation of ``teacher``), ``ks``.
    """

    def over_std() -> float:
        std = float(np.asarray(teacher, dtype=np.float64).std())
        if std == 0:
            raise StaError("the teacher's values are all equal; their standard deviation is 0")
        return wasserstein(student, teacher) / std

    metrics: dict[str, Callable[[], float]] = {
        "wasserstein": lambda: wasserstein(student, teacher),
        "wasserstein_over_std": over_std,
        "ks": lambda: kolmogorov_smirnov(student, teacher),
    }
    result: dict[str, float | None] = {}
    for key, metric in metrics.items():
        value = _attempt(metric, f"{name}.{key}", notes)
        result[key] = None if value is None else _finite(value, f"{name}.{key}", notes)
    return result


def _path_distances(
    student: PathDistribution, teacher: PathDistribution, notes: Notes
) -> dict[str, float | None]:
    if student.weights is None or teacher.weights is None:
        who, paths = ("student", student) if student.weights is None else ("teacher", teacher)
        notes["distance.paths"] = f"of the {who}: {paths.reason}"
        return {"wasserstein": None, "wasserstein_over_std": None, "ks": None}
    return sample_distances(student.weights, teacher.weights, name="distance.paths", notes=notes)


def _strength_distances(
    student: LayeredGraph, teacher: LayeredGraph, layer: int, name: str, notes: Notes
) -> dict[str, Any]:
    entry: dict[str, Any] = {"layer": layer}
    if layer > min(student.n_layers, teacher.n_layers):
        notes[f"{name}.{layer}"] = f"only one of the two networks has a node layer {layer}"
        return entry | {"wasserstein": None, "wasserstein_over_std": None, "ks": None}
    samples = (in_strength(graph, weighting="signed")[layer] for graph in (student, teacher))
    return entry | sample_distances(*samples, name=f"{name}.{layer}", notes=notes)


def _balanced_distances(
    student: LayeredGraph, teacher: LayeredGraph, layers: range, notes: Notes
) -> list[dict[str, Any]]:
    name = "distance.in_strength_balanced"
    pair = _attempt(lambda: (balance(student), balance(teacher)), name, notes)
    if pair is None:
        return []
    return [_strength_distances(*pair, layer, name, notes) for layer in layers]


def _attempt(compute: Callable[[], T], name: str, notes: Notes) -> T | None:
    try:
        return compute()
    except (StaError, ArithmeticError, ValueError, MemoryError) as error:
        notes[name] = str(error) or type(error).__name__
        return None


def _finite(value: float, name: str, notes: Notes) -> float | None:
    if math.isfinite(value):
        return value
    notes[name] = f"{value} is beyond the range of float64; rescale the weights"
    return None
