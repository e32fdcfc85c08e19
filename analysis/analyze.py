"""One student as a weighted graph, against its teacher: what `sta analyze` reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sta.analysis.graph import (
    GraphComparison,
    LayeredGraph,
    compare_graphs,
    measure,
    path_distribution,
    summarize_graph,
)
from sta.analysis.graph.summary import reasoned
from sta.analysis.network_graph import graph_of
from sta.analysis.statistics import effective_size_curve, largest_gap
from sta.analysis.untrained import untrained_graphs
from sta.checkpoint import Checkpoint
from sta.errors import StaError
from sta.evaluation import error_on, held_out_patterns, labelling_teacher
from sta.spectral import (
    Network,
    importance,
    relative_importance,
    shrink,
    spectral_layers,
    units_above,
)

FORMAT = "sta.analysis/1"
THRESHOLDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
NULL_SAMPLES = 99
COMPARED = ("distance", "matching", "subgraph", "duplicates")


@dataclass(frozen=True)
class StudentAnalysis:
    """A pruned student and its teacher as graphs, with the numbers.

    Attributes
    ----------
    student : LayeredGraph or None
        The student without the units below the threshold, None if none is above; a frozen
        all-ones readout is no part.
    teacher : LayeredGraph or None
        The teacher, None if there is none.
    report : dict
        The content of ``sta analyze --json``.
    comparison : GraphComparison or None
        Of the two graphs.
    """

    student: LayeredGraph | None
    teacher: LayeredGraph | None
    report: dict[str, Any]
    comparison: GraphComparison | None = None


def analyze(
    checkpoint: Checkpoint,
    teacher: Network | None = None,
    *,
    threshold: float = 0.05,
    seed: int = 0,
    metrics: Sequence[str] | None = None,
    null_samples: int = NULL_SAMPLES,
    bias: bool = False,
) -> StudentAnalysis:
    """Prune a student at a threshold and measure it, alone and against its teacher.

    Parameters
    ----------
    checkpoint : Checkpoint
        A single student.
    teacher : Network, optional
        Instead of the checkpoint's own teacher.
    threshold : float
        Relative importance L_i / max_i L_i above which a unit counts.
    seed : int
        Of fresh test patterns, where the checkpoint does not name its own, and of the random
        networks.
    metrics : sequence of str, optional
        Names in ``sta.analysis.graph.METRICS``; the standard ones if None.
    null_samples : int
        Number of random networks of each kind among which the distances to the teacher are
        placed; 0 for none.
    bias : bool
        Whether biases are units of the graphs, at which paths may start.

    Raises
    ------
    StaError
        If the threshold is not in [0, 1), the network has no hidden layer, or student and
        teacher read different inputs.
    """
    if not 0 <= threshold < 1:
        raise StaError(f"threshold {threshold} is out of range; choose from 0 up to below 1")
    network = checkpoint.student
    if not spectral_layers(network):
        raise StaError("the network has no hidden layer; there are no units to rank")
    keep = units_above(network, threshold)
    notes: dict[str, str] = {}
    student = _ranking(checkpoint, threshold, keep, notes)
    if checkpoint.kind.endswith("channels"):
        notes["graph.student.channels"] = (
            "units are channels, and weights the Frobenius norms of kernels: without sign"
        )
    if not bias and any(layer.bias is not None for layer in network.chain):
        notes["graph.student.bias"] = "biases are left out of the graph and of the paths"
    labeller = target = None
    if teacher is not None or checkpoint.teacher is not None:
        labeller = labelling_teacher(checkpoint, teacher)
        target = graph_of(labeller, "teacher", bias=bias)
        student |= _errors(checkpoint, labeller, teacher, seed, notes)
    pruned = None
    if all(keep.values()):
        pruned = graph_of(shrink(network, keep), "student", bias=bias)
    report: dict[str, Any] = {"format": FORMAT, "student": student}
    if pruned is None or target is None or labeller is None:
        report |= _apart(pruned, target, metrics, notes)
        return StudentAnalysis(pruned, target, _explained(report, notes))
    summed = network.readout == labeller.readout == "sum"
    comparison = compare_graphs(
        pruned, target, outputs="matched" if summed else "aligned", metrics=metrics,
        null_samples=null_samples, seed=seed,
        null_graphs=_before_training(checkpoint, keep, null_samples, seed, notes),
    )  # fmt: skip
    found = comparison.to_dict()
    notes |= found.pop("notes")
    return StudentAnalysis(pruned, target, _explained(report | found, notes), comparison)


def _explained(report: dict[str, Any], notes: dict[str, str]) -> dict[str, Any]:
    """Return the report with a note for every null, and the notes at its end."""
    return {**reasoned(report, notes), "notes": notes}


def _ranking(
    checkpoint: Checkpoint, threshold: float, keep: dict[int, list[int]], notes: dict[str, str]
) -> dict[str, Any]:
    network = checkpoint.student
    layers = spectral_layers(network)
    values = np.concatenate([importance(network.chain[i]).double().numpy() for i in layers])
    curve = _curve(relative_importance(network).double().numpy())
    if curve["largest_gap"] is None:
        notes["student.largest_gap"] = "fewer than two units of any importance have no gap"
    return {
        "widths": list(network.widths),
        "kind": checkpoint.kind,
        "readout": network.readout,
        "effective_size": sum(len(units) for units in keep.values()),
        "threshold": threshold,
        "importance": values.tolist(),
        **curve,
    }


def _apart(
    student: LayeredGraph | None,
    teacher: LayeredGraph | None,
    metrics: Sequence[str] | None,
    notes: dict[str, str],
) -> dict[str, Any]:
    """Report on a student or a teacher where the other one is missing."""
    missing = {
        "student": "a layer has no unit above the threshold: nothing is left of the student",
        "teacher": "the file holds no teacher; name one with --teacher FILE",
    }
    graphs: dict[str, Any] = {"student": None, "teacher": None}
    measured: dict[str, Any] = {"student": None, "teacher": None}
    for role, graph in (("student", student), ("teacher", teacher)):
        name = f"graph.{role}"
        if graph is None:
            notes[name] = notes[f"metrics.{role}"] = missing[role]
            continue
        paths = path_distribution(graph)
        graphs[role] = summarize_graph(graph, paths, notes=notes, name=name)
        measured[role], reasons = measure(graph, metrics)
        notes |= {f"metrics.{role}.{metric}": reason for metric, reason in reasons.items()}
    notes |= dict.fromkeys(COMPARED, missing["student" if student is None else "teacher"])
    return {"graph": graphs, "metrics": measured, **dict.fromkeys(COMPARED)}


def _before_training(
    checkpoint: Checkpoint,
    keep: dict[int, list[int]],
    samples: int,
    seed: int,
    notes: dict[str, str],
) -> dict[str, list[LayeredGraph]]:
    if samples == 0:
        return {}
    n_kept = {layer: len(units) for layer, units in keep.items()}
    try:
        return {"before training": untrained_graphs(checkpoint, n_kept, samples, seed=seed)}
    except StaError as error:
        notes["distance.nulls.before training"] = str(error)
        return {}


def _curve(relative: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, Any]:
    gap = largest_gap(relative)
    return {
        "effective_size_curve": {
            "thresholds": list(THRESHOLDS),
            "effective_size": effective_size_curve(relative, list(THRESHOLDS)).tolist(),
        },
        "largest_gap": None if gap is None else gap.to_dict(),
    }


def _errors(
    checkpoint: Checkpoint,
    labeller: Network,
    teacher: Network | None,
    seed: int,
    notes: dict[str, str],
) -> dict[str, float | None]:
    """Return the test error, also relative to the variance of the teacher's output."""
    if checkpoint.student.outputs != 1 or labeller.outputs != 1:
        notes["student.test_loss"] = "test errors are of networks with a single output"
        return {"test_loss": None, "relative_test_error": None}
    data = held_out_patterns(checkpoint, teacher, seed)
    loss, variance = error_on(checkpoint.student, data), float(data.y.var(correction=0))
    if variance == 0:
        notes["student.relative_test_error"] = "the teacher's output is constant"
    return {"test_loss": loss, "relative_test_error": loss / variance if variance > 0 else None}
