"""A student against its teacher: every distance, the matching, and what chance would give.

A part that cannot be computed is None with the reason in ``notes``, and loses nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sta.analysis.graph.chance import chance_tests
from sta.analysis.graph.graph_distances import GRAPH_DISTANCES
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.likeness.distances import DISTANCES
from sta.analysis.graph.likeness.duplicates import (
    UnitGroups,
    group_duplicates,
    merge_duplicates,
)
from sta.analysis.graph.likeness.matching import Outputs, UnitMatching, match_units
from sta.analysis.graph.likeness.measures import MEASURES, weighted_distance
from sta.analysis.graph.likeness.significance import DistanceTest
from sta.analysis.graph.likeness.subgraph import matched_subgraph
from sta.analysis.graph.metrics import measure
from sta.analysis.graph.paths.distribution import PathDistribution, path_distribution
from sta.analysis.graph.paths.enumeration import ENUMERATION_LIMIT
from sta.analysis.graph.rescaling import balance
from sta.analysis.graph.strengths import in_strength, of_units
from sta.analysis.graph.summary import (
    Notes,
    attempt,
    number,
    path_std,
    positive_std,
    sample_distances,
    summarize_graph,
)

__all__ = ["GraphComparison", "compare_graphs"]


@dataclass(frozen=True, eq=False)
class GraphComparison:
    """Graph of a student, graph of its teacher, and how far apart they are.

    Attributes
    ----------
    student, teacher : dict
        Summaries by :func:`summarize_graph`.
    distance : dict
        ``paths``: distances of the signed path weights, every path counted once;
        ``wasserstein_over_std`` is in units of the standard deviation of the teacher's;
        ``number`` and ``mass`` hold the same for the other two measures. ``in_strength`` and
        ``in_strength_balanced``: a list over node layers 1, 2, ..., of the graphs as they are,
        and with hidden units scaled to incoming weights of unit length. Other keys are those
        of ``GRAPH_DISTANCES``.
    nulls : tuple of (str, DistanceTest)
        Distances, by their names in ``GRAPH_DISTANCES``, among those that chance gives; and
        ``units``, the share of the teacher's hidden units that the student does not match.
    matching : UnitMatching or None
    subgraph, duplicates : dict or None
        The teacher's edges found in the student, and the student's units that share one of the
        teacher's.
    metrics : dict
        ``student`` and ``teacher``: what was asked for, by name.
    cosine : float
        Cosine from which a teacher unit counts as matched.
    notes : dict of str to str
        Reason for every None, under the name of the quantity.
    """

    student: dict[str, Any]
    teacher: dict[str, Any]
    distance: dict[str, Any]
    nulls: tuple[tuple[str, DistanceTest], ...]
    matching: UnitMatching | None
    subgraph: dict[str, Any] | None
    duplicates: dict[str, Any] | None
    metrics: dict[str, Any]
    cosine: float
    notes: Notes

    def to_dict(self) -> dict[str, Any]:
        """Plain values under the keys of ``sta analyze``."""
        nulls = [{"name": name, **test.to_dict()} for name, test in self.nulls]
        return {
            "graph": {"student": self.student, "teacher": self.teacher},
            "distance": {**self.distance, "nulls": nulls},
            "matching": None if self.matching is None else self.matching.to_dict(self.cosine),
            "subgraph": self.subgraph,
            "duplicates": self.duplicates,
            "metrics": self.metrics,
            "notes": self.notes,
        }


def compare_graphs(
    student: LayeredGraph,
    teacher: LayeredGraph,
    *,
    outputs: Outputs = "matched",
    cosine: float = 0.9,
    path_limit: float = ENUMERATION_LIMIT,
    metrics: Sequence[str] | None = (),
    null_samples: int = 0,
    null_graphs: Mapping[str, Sequence[LayeredGraph]] | None = None,
    seed: int = 0,
) -> GraphComparison:
    """Compare two networks in every way that this package knows.

    Parameters
    ----------
    student, teacher : LayeredGraph
    outputs : {"matched", "aligned"}, optional
        Whether the units of the last node layer may be permuted; see :func:`match_units`.
    cosine : float, optional
        Cosine from which a teacher unit counts as matched.
    path_limit : float, optional
        Largest number of paths to list; above it they are counted in bins.
    metrics : sequence of str or None, optional
        Names in ``METRICS`` to compute of both; None for the standard ones.
    null_samples : int, optional
        Number of other networks of each kind among which the distances are placed: random
        ones with the teacher's shape and weights like its own, and the student with its weights
        shuffled. See :mod:`sta.analysis.graph.chance`.
    null_graphs : mapping of str to sequence of LayeredGraph, optional
        Further networks to place them among, such as students before training.
    seed : int, optional
        Of the random networks.

    Returns
    -------
    GraphComparison

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, 2.0]], [[1.0], [3.0]]])
    >>> compare_graphs(graph, graph).distance["paths"]["wasserstein"]
    0.0
    """
    notes: Notes = {}
    student_paths = path_distribution(student, limit=path_limit)
    teacher_paths = path_distribution(teacher, limit=path_limit)
    matching = attempt(lambda: match_units(student, teacher, outputs=outputs), "matching", notes)
    return GraphComparison(
        student=summarize_graph(student, student_paths, notes=notes, name="graph.student"),
        teacher=summarize_graph(teacher, teacher_paths, notes=notes, name="graph.teacher"),
        distance={
            "paths": _path_distances(student_paths, teacher_paths, notes),
            **_strengths(student, teacher, notes),
            **_other_distances(student, teacher, notes),
        },
        nulls=chance_tests(
            student, teacher, samples=null_samples, graphs=null_graphs, outputs=outputs,
            cosine=cosine, seed=seed, notes=notes,
        ),
        matching=matching,
        **_matched_parts(student, teacher, matching, outputs, cosine, notes),
        metrics=_metrics(student, teacher, metrics, notes),
        cosine=cosine,
        notes=notes,
    )  # fmt: skip


def _matched_parts(
    student: LayeredGraph,
    teacher: LayeredGraph,
    matching: UnitMatching | None,
    outputs: Outputs,
    cosine: float,
    notes: Notes,
) -> dict[str, dict[str, Any] | None]:
    if matching is None:
        notes |= dict.fromkeys(("subgraph", "duplicates"), "no units were matched")
        return {"subgraph": None, "duplicates": None}
    subgraph = attempt(
        lambda: matched_subgraph(student, teacher, matching, cosine=cosine).to_dict(),
        "subgraph", notes,
    )  # fmt: skip
    groups = attempt(
        lambda: group_duplicates(student, teacher, outputs=outputs, cosine=cosine),
        "duplicates", notes,
    )  # fmt: skip
    if groups is None:
        return {"subgraph": subgraph, "duplicates": None}
    return {
        "subgraph": subgraph,
        "duplicates": groups.to_dict() | {"paths": _merged_paths(student, teacher, groups, notes)},
    }


def _merged_paths(
    student: LayeredGraph, teacher: LayeredGraph, groups: UnitGroups, notes: Notes
) -> dict[str, float | None] | None:
    """Path distances of the student with every group of duplicate units as one."""
    name = "duplicates.paths"
    merged = attempt(lambda: path_distribution(merge_duplicates(student, groups)), name, notes)
    if merged is None:
        return None
    target = path_distribution(teacher)
    w1 = number(lambda: weighted_distance(merged, target), f"{name}.wasserstein", notes)
    key = f"{name}.wasserstein_over_std"
    return {"wasserstein": w1, "wasserstein_over_std": _over_std(w1, target, key, notes)}


def _path_distances(
    student: PathDistribution, teacher: PathDistribution, notes: Notes
) -> dict[str, Any]:
    found: dict[str, dict[str, float | None]] = {
        kind: {
            name: number(
                partial(weighted_distance, student, teacher, name, kind),
                f"distance.paths.{name}" if kind == "count" else f"distance.paths.{kind}.{name}",
                notes,
            )
            for name in DISTANCES
            if (kind, name) != ("number", "jensen_shannon")
        }
        for kind in MEASURES
    }
    count = found.pop("count")
    w1 = count["wasserstein"]
    over_std = _over_std(w1, teacher, "distance.paths.wasserstein_over_std", notes)
    return {"wasserstein": w1, "wasserstein_over_std": over_std, **count, **found}


def _over_std(w1: float | None, teacher: PathDistribution, name: str, notes: Notes) -> float | None:
    if w1 is None:
        notes[name] = "the Wasserstein distance is not known"
        return None
    return number(lambda: w1 / positive_std(path_std(teacher)), name, notes)


def _strengths(student: LayeredGraph, teacher: LayeredGraph, notes: Notes) -> dict[str, Any]:
    layers = range(1, max(student.n_layers, teacher.n_layers) + 1)
    name = "distance.in_strength"
    plain = [_strength_distances(student, teacher, layer, name, notes) for layer in layers]
    name = "distance.in_strength_balanced"
    pair = attempt(lambda: (balance(student), balance(teacher)), name, notes)
    balanced = [_strength_distances(*pair, layer, name, notes) for layer in layers] if pair else []
    return {"in_strength": plain, "in_strength_balanced": balanced}


def _strength_distances(
    student: LayeredGraph, teacher: LayeredGraph, layer: int, name: str, notes: Notes
) -> dict[str, Any]:
    entry: dict[str, Any] = {"layer": layer}
    if layer > min(student.n_layers, teacher.n_layers):
        notes[f"{name}.{layer - 1}"] = f"only one of the two networks has a node layer {layer}"
        return entry | {"wasserstein": None, "wasserstein_over_std": None, "ks": None}
    samples = (
        of_units(graph, in_strength(graph, weighting="signed"))[layer]
        for graph in (student, teacher)
    )
    return entry | sample_distances(*samples, name=f"{name}.{layer - 1}", notes=notes)


def _other_distances(student: LayeredGraph, teacher: LayeredGraph, notes: Notes) -> dict[str, Any]:
    names = [name for name in GRAPH_DISTANCES if not name.startswith(("paths", "in_strength"))]
    return {
        name: number(partial(GRAPH_DISTANCES[name], student, teacher), f"distance.{name}", notes)
        for name in names
    }


def _metrics(
    student: LayeredGraph, teacher: LayeredGraph, names: Sequence[str] | None, notes: Notes
) -> dict[str, Any]:
    found = {}
    for role, graph in (("student", student), ("teacher", teacher)):
        found[role], reasons = measure(graph, names)
        notes.update({f"metrics.{role}.{name}": reason for name, reason in reasons.items()})
    return found
