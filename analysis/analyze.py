"""One student as a weighted graph, against its teacher: what `sta analyze` reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sta.analysis.graph import LayeredGraph, compare_graphs, path_distribution, summarize_graph
from sta.analysis.statistics import effective_size_curve, largest_gap
from sta.checkpoint import Checkpoint, weights
from sta.errors import StaError
from sta.evaluation import held_out_patterns, labelling_teacher
from sta.spectral import (
    Network,
    importance,
    mean_squared_error,
    relative_importance,
    shrink,
    spectral_layers,
    units_above,
)

FORMAT = "sta.analysis/1"
THRESHOLDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)


@dataclass(frozen=True)
class StudentAnalysis:
    """A pruned student and its teacher as graphs, with the numbers.

    Attributes
    ----------
    student : LayeredGraph
        The student without the units below the threshold; a frozen all-ones readout is no part.
    teacher : LayeredGraph or None
        The teacher, None if there is none.
    report : dict
        The content of ``sta analyze --json``.
    """

    student: LayeredGraph
    teacher: LayeredGraph | None
    report: dict[str, Any]


def analyze(
    checkpoint: Checkpoint,
    teacher: Network | None = None,
    *,
    threshold: float = 0.05,
    seed: int = 0,
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
        Of fresh test patterns, where the checkpoint does not name its own.

    Raises
    ------
    StaError
        If the threshold is not in [0, 1), or student and teacher read different inputs.
    """
    if not 0 <= threshold < 1:
        raise StaError(f"threshold {threshold} is out of range; choose from 0 up to below 1")
    network = checkpoint.student
    notes: dict[str, str] = {}
    values = np.concatenate(
        [importance(network.chain[i]).double().numpy() for i in spectral_layers(network)]
    )
    if any(layer.bias is not None for layer in network.chain):
        notes["graph.student.bias"] = "biases are left out of the graph and of the paths"
    pruned = graph_of(shrink(network, units_above(network, threshold)), "student")
    report: dict[str, Any] = {
        "format": FORMAT,
        "student": {
            "widths": list(network.widths),
            "kind": checkpoint.kind,
            "readout": network.readout,
            "effective_size": int((relative_importance(network) > threshold).sum()),
            "threshold": threshold,
            "importance": values.tolist(),
            **_curve(relative_importance(network).double().numpy()),
        },
    }
    if teacher is None and checkpoint.teacher is None:
        notes["graph.teacher"] = "the file holds no teacher; name one with --teacher FILE"
        summary = summarize_graph(pruned, path_distribution(pruned), notes=notes)
        report |= {"graph": {"student": summary, "teacher": None}}
        report |= {"distance": None, "matching": None, "notes": notes}
        return StudentAnalysis(pruned, None, report)
    labeller = labelling_teacher(checkpoint, teacher)
    target = graph_of(labeller, "teacher")
    summed = network.readout == labeller.readout == "sum"
    comparison = compare_graphs(
        pruned, target, outputs="matched" if summed else "aligned"
    ).to_dict()
    report["student"] |= _errors(checkpoint, teacher, seed, notes)
    report |= comparison
    report["notes"] = {**notes, **comparison["notes"]}
    return StudentAnalysis(pruned, target, report)


def graph_of(network: Network, role: str) -> LayeredGraph:
    """Return a network as a weighted graph, from its inputs to its last trained layer."""
    return LayeredGraph.from_arrays(weights(network), [None, *network.unit_ids], role=role)


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
    checkpoint: Checkpoint, teacher: Network | None, seed: int, notes: dict[str, str]
) -> dict[str, float | None]:
    """Return the test error, also relative to the variance of the teacher's output."""
    data = held_out_patterns(checkpoint, teacher, seed)
    data = data.to(data.x.device, next(checkpoint.student.parameters()).dtype)
    loss = float(mean_squared_error(checkpoint.student, data))
    variance = float(data.y.double().var(correction=0))
    if variance == 0:
        notes["student.relative_test_error"] = "the teacher's output is constant"
    relative = loss / variance if variance > 0 else None
    return {"test_loss": loss, "relative_test_error": relative}
