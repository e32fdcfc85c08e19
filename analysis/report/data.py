"""What a report is made of: the sweep's tables, its networks as graphs, and its statistics."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from sta.analysis.figures import KindStyle, kind_styles
from sta.analysis.graph import (
    LayeredGraph,
    PathDistribution,
    compare_graphs,
    path_distribution,
)
from sta.analysis.network_graph import graph_of
from sta.analysis.statistics.collapse import collapse_sweep
from sta.analysis.statistics.ramp import mean_ramp
from sta.checkpoint import Checkpoint, take_member
from sta.errors import ShapeError
from sta.spectral import shrink, units_above
from sta.sweep import Plan, SweepTables, read_plan, read_tables, shards_of

GRAPHS_PER_GROUP = 10


@dataclass(frozen=True, eq=False)
class StudentGraph:
    """A pruned student and its teacher as graphs.

    Attributes
    ----------
    kind, student_width, teacher_width, teacher_seed, trial
        Address of the student.
    student, teacher : LayeredGraph
        The student without the units below the threshold, and its teacher.
    paths, teacher_paths : PathDistribution
        Their signed path weights.
    comparison : dict
        ``compare_graphs(...).to_dict()``: distances, matching, notes.
    """

    kind: str
    student_width: int
    teacher_width: int
    teacher_seed: int
    trial: int
    student: LayeredGraph
    teacher: LayeredGraph
    paths: PathDistribution
    teacher_paths: PathDistribution
    comparison: dict[str, Any]


@dataclass(frozen=True, eq=False)
class SweepData:
    """A sweep read for its report; what costs time is computed when first asked for.

    Attributes
    ----------
    folder : Path
        The sweep's directory.
    plan : Plan
        Its settings and students.
    tables : SweepTables
        Its measurements.
    seed : int
        Seed of all resampling.
    graphs_per_group : int
        Most students of a kind and of given widths whose graphs are measured.
    """

    folder: Path
    plan: Plan
    tables: SweepTables
    seed: int
    graphs_per_group: int

    @property
    def students(self) -> pd.DataFrame:
        """One row a student."""
        return self.tables.students

    @property
    def threshold(self) -> float:
        """Relative importance above which a unit counts."""
        return self.plan.config.training.threshold

    @cached_property
    def styles(self) -> dict[str, KindStyle]:
        """Colour, marker and dash of every kind, one choice for all figures."""
        return kind_styles(self.plan.config.kinds)

    @cached_property
    def collapse(self) -> dict[str, Any]:
        """The result of ``sta collapse`` on this sweep."""
        return collapse_sweep(
            self.students, self.tables.ramps, seed=self.seed, threshold=self.threshold
        ).to_dict()

    @cached_property
    def ramp(self) -> pd.DataFrame:
        """Mean normalised ramps with their bootstrap bands."""
        return mean_ramp(self.tables.ramps, self.students, seed=self.seed)

    @cached_property
    def history(self) -> pd.DataFrame:
        """Learning curves of the healthy students."""
        return history_table(self.folder, self.plan)

    @cached_property
    def graphs(self) -> list[StudentGraph]:
        """Graphs of the healthy students, at most `graphs_per_group` of each group."""
        return measure_graphs(
            self.folder, self.plan, threshold=self.threshold, per_group=self.graphs_per_group
        )

    @cached_property
    def recorded_versions(self) -> dict[str, str]:
        """Versions of the packages that trained the students."""
        content = json.loads((self.folder / "plan.json").read_bytes())
        return {str(name): str(value) for name, value in content.get("versions", {}).items()}


def read_sweep(
    folder: Path, *, seed: int = 0, graphs_per_group: int = GRAPHS_PER_GROUP
) -> SweepData:
    """Read a finished sweep.

    Raises
    ------
    FileFormatError
        If the folder is no sweep, is not finished, or is damaged.
    """
    return SweepData(folder, read_plan(folder), read_tables(folder), seed, graphs_per_group)


def history_table(folder: Path, plan: Plan | None = None) -> pd.DataFrame:
    """Return the learning curves of a sweep's healthy students from its shards.

    Parameters
    ----------
    folder : Path
        The sweep's directory.
    plan : Plan, optional
        Its plan; read from the folder unless given.

    Returns
    -------
    DataFrame
        One row a student and recorded epoch: student_id, kind, student_width, teacher_width,
        teacher_seed, trial, epoch, train_loss, test_loss, effective_size.

    Raises
    ------
    FileFormatError
        If a shard is damaged.
    ShapeError
        If no student is healthy.
    """
    plan = plan or read_plan(folder)
    parts = []
    for number, checkpoint in shards_of(folder, plan):
        history = {name: value.numpy() for name, value in checkpoint.metrics["history"].items()}
        rows = checkpoint.metrics["students"]
        for k, (student, row) in enumerate(zip(plan.shards[number], rows, strict=True)):
            if row["status"] == "ok":
                curves = {
                    name: history[name][:, k]
                    for name in ("train_loss", "test_loss", "effective_size")
                }
                head = {"student_id": student.name, **asdict(student), "epoch": history["epoch"]}
                parts.append(pd.DataFrame({**head, **curves}))
    if not parts:
        raise ShapeError(f"{folder} has no healthy student, so there is no learning curve")
    return pd.concat(parts, ignore_index=True)


def measure_graphs(
    folder: Path,
    plan: Plan | None = None,
    *,
    threshold: float = 0.05,
    per_group: int = GRAPHS_PER_GROUP,
) -> list[StudentGraph]:
    """Prune the healthy students of a sweep and compare each with its teacher.

    Parameters
    ----------
    folder : Path
        The sweep's directory.
    plan : Plan, optional
        Its plan; read from the folder unless given.
    threshold : float
        Relative importance L_i / max_i L_i above which a unit is kept.
    per_group : int
        Most students of each kind, teacher width and student width; the first by trial.

    Raises
    ------
    FileFormatError
        If a shard is damaged.
    ShapeError
        If no student is healthy.
    """
    plan = plan or read_plan(folder)
    taken: dict[tuple[str, int, int], int] = {}
    graphs = []
    for _, checkpoint in shards_of(folder, plan):
        for k, row in enumerate(checkpoint.metrics["students"]):
            group = (row["kind"], row["teacher_width"], row["student_width"])
            if row["status"] == "ok" and taken.get(group, 0) < per_group:
                taken[group] = taken.get(group, 0) + 1
                graphs.append(_measure(take_member(checkpoint, k), row, threshold))
    if not graphs:
        raise ShapeError(f"{folder} has no healthy student, so there is no graph to compare")
    return graphs


def _measure(checkpoint: Checkpoint, row: Mapping[str, Any], threshold: float) -> StudentGraph:
    network, teacher = checkpoint.student, checkpoint.teacher
    if teacher is None:
        raise ShapeError(f"student {row['student_id']} has no teacher to be compared with")
    pruned = graph_of(shrink(network, units_above(network, threshold)), "student")
    target = graph_of(teacher, "teacher")
    summed = network.readout == teacher.readout == "sum"
    return StudentGraph(
        kind=str(row["kind"]),
        student_width=int(row["student_width"]),
        teacher_width=int(row["teacher_width"]),
        teacher_seed=int(row["teacher_seed"]),
        trial=int(row["trial"]),
        student=pruned,
        teacher=target,
        paths=path_distribution(pruned),
        teacher_paths=path_distribution(target),
        comparison=compare_graphs(
            pruned, target, outputs="matched" if summed else "aligned"
        ).to_dict(),
    )
