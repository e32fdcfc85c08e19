"""Objectives compared over seeds: accuracy, prunable size, and distance to the teacher's graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sta.analysis.graph import LayeredGraph, balance, in_strength, path_distribution
from sta.analysis.graph.likeness.measures import weighted_distance
from sta.analysis.graph.strengths import of_units
from sta.analysis.graph.summary import path_std, positive_std, sample_distances
from sta.analysis.network_graph import graph_of
from sta.analysis.statistics import Estimate, bootstrap_mean, paired_difference
from sta.analysis.statistics.paired_difference import PairedDifference
from sta.checkpoint import load_single
from sta.spectral import Network, shrink
from sta.spectral.pruning import units_kept

Row = Mapping[str, Any]
BASELINE = "labels"


@dataclass(frozen=True)
class ObjectiveSummary:
    """Students of one objective.

    Attributes
    ----------
    objective : str
    seeds : int
    accuracy, accuracy_sd : float
        On the test set, mean and standard deviation over seeds.
    difference : PairedDifference or None
        To labels alone, seed by seed; None for labels themselves.
    wins : int or None
        Seeds that are better than with labels alone.
    adjusted_p : float or None
        Sign-flip p-value of the difference, corrected for the number of objectives (Holm).
    units_needed, effective_size : Estimate
        Units from which on the accuracy is within one point of the full one; units above the
        threshold. Means over seeds.
    more_units : PairedDifference or None
        Of units_needed, to labels alone.
    reconstruction_error : float or None
        Of the paraphraser, mean.
    """

    objective: str
    seeds: int
    accuracy: float
    accuracy_sd: float
    difference: PairedDifference | None
    wins: int | None
    adjusted_p: float | None
    units_needed: Estimate
    effective_size: Estimate
    more_units: PairedDifference | None
    reconstruction_error: float | None

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {
            name: value.to_dict() if hasattr(value, "to_dict") else value
            for name, value in plain.items()
        }


def summarize(rows: Sequence[Row], *, seed: int = 0) -> list[ObjectiveSummary]:
    """Compare objectives, each with labels alone on the same splits.

    Parameters
    ----------
    rows : sequence of mappings
        As `sta.transfer.study.run_study` returns them.
    seed : int
        Of the bootstrap.

    Returns
    -------
    list of ObjectiveSummary
        In the order of the rows.
    """
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["objective"], []).append(row)
    base = groups.get(BASELINE)
    found = [_summary(name, own, base, seed) for name, own in groups.items()]
    raw = {
        one.objective: one.difference.p_value
        for one in found
        if one.difference is not None and one.difference.p_value is not None
    }
    adjusted = holm(raw)
    return [
        ObjectiveSummary(
            **{name: getattr(one, name) for name in one.__dataclass_fields__}
            | {"adjusted_p": adjusted.get(one.objective)}
        )
        for one in found
    ]


def _summary(
    name: str, rows: Sequence[Row], base: Sequence[Row] | None, seed: int
) -> ObjectiveSummary:
    accuracy = np.array([row["test_accuracy"] for row in rows])
    other = None if name == BASELINE else base
    difference = _paired(rows, other, "test_accuracy", seed)
    wins = None
    if other is not None:
        known = {row["member"]: row["test_accuracy"] for row in other}
        wins = sum(row["test_accuracy"] > known.get(row["member"], np.inf) for row in rows)
    rebuilt = [row["reconstruction_error"] for row in rows]
    return ObjectiveSummary(
        name,
        len(rows),
        float(accuracy.mean()),
        float(accuracy.std(ddof=1)) if len(rows) > 1 else 0.0,
        difference,
        wins,
        None,
        _mean(rows, "units_needed", seed),
        _mean(rows, "effective_size", seed),
        _paired(rows, other, "units_needed", seed),
        None if rebuilt[0] is None else float(np.mean(rebuilt)),
    )


def _mean(rows: Sequence[Row], key: str, seed: int) -> Estimate:
    return bootstrap_mean(
        [float(row[key]) for row in rows], [row["member"] for row in rows], seed=seed
    )


def _paired(
    rows: Sequence[Row], other: Sequence[Row] | None, key: str, seed: int
) -> PairedDifference | None:
    if other is None:
        return None
    values = ([float(row[key]) for row in some] for some in (rows, other))
    labels = ([row["member"] for row in some] for some in (rows, other))
    (own, base), (own_labels, base_labels) = values, labels
    return paired_difference(own, own_labels, base, base_labels, seed=seed)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return p-values corrected for their number (Holm, Scand. J. Statist. 6, 65, 1979).

    Examples
    --------
    >>> holm({"a": 0.01, "b": 0.04, "c": 0.03})
    {'a': 0.03, 'c': 0.06, 'b': 0.06}
    """
    found, last = {}, 0.0
    for rank, (name, p) in enumerate(sorted(p_values.items(), key=lambda one: one[1])):
        last = min(1.0, max(last, (len(p_values) - rank) * p))
        found[name] = last
    return found


def graph_distances(folder: Path, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Measure how far pruned students are from their teachers as graphs.

    Each student keeps the units that it needs to stay within one point of its accuracy.

    Parameters
    ----------
    folder : Path
        Of a study, with students/<objective>.pt.
    rows : sequence of mappings
        Its rows.

    Returns
    -------
    list of dict
        objective, member, paths_wasserstein (of the signed path weights, each in units of its
        standard deviation), paths_scale (ratio of the standard deviations), in_strength_ks (of
        the first hidden layer's in-strengths, incoming weights of unit length; None with one
        input, where all are 1).
    """
    found = []
    for row in rows:
        kept = load_single(folder / "students" / f"{row['objective']}.pt", row["member"])
        student, teacher = kept.student.double(), kept.teacher
        if teacher is None:
            continue
        pruned = _pruned(student, max(1, int(row["units_needed"])))
        own, other = graph_of(pruned, "student"), graph_of(teacher.double(), "teacher")
        found.append({"objective": row["objective"], "member": row["member"], **_apart(own, other)})
    return found


def _pruned(network: Network, kept: int) -> Network:
    keep = units_kept(network, kept)
    return shrink(network, {number: units or [0] for number, units in keep.items()})


def _apart(student: LayeredGraph, teacher: LayeredGraph) -> dict[str, float | None]:
    notes: dict[str, str] = {}
    own, other = path_distribution(student), path_distribution(teacher)
    scales = positive_std(path_std(own)), positive_std(path_std(other))
    strengths = [
        of_units(graph, in_strength(balance(graph), weighting="signed"))[1]
        for graph in (student, teacher)
    ]
    unit = [
        path_distribution(_scaled(graph, scale))
        for graph, scale in zip((student, teacher), scales, strict=True)
    ]
    apart = sample_distances(*strengths, name="in_strength", notes=notes)["ks"]
    return {
        "paths_wasserstein": weighted_distance(unit[0], unit[1], "wasserstein", "count"),
        "paths_scale": scales[0] / scales[1],
        "in_strength_ks": None if student.widths[0] == 1 else apart,
    }


def _scaled(graph: LayeredGraph, scale: float) -> LayeredGraph:
    """Return a graph whose path weights are divided by `scale`: its last layer's weights are."""
    matrices = graph.dense()
    return LayeredGraph.from_arrays([*matrices[:-1], matrices[-1] / scale])
