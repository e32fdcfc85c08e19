"""What a report is made of: the sweep's tables, its networks as graphs, and its statistics."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from sta.analysis.figures import KindStyle, kind_styles
from sta.analysis.graph import (
    LayeredGraph,
    PathDistribution,
    UnitMatching,
    compare_graphs,
    path_distribution,
)
from sta.analysis.graph.likeness.matching import Outputs
from sta.analysis.graph.summary import Notes
from sta.analysis.network_graph import graph_of
from sta.analysis.report.chance import (
    NULL_SAMPLES,
    Tests,
    chance_tests,
    draw_befores,
    measure_distances,
)
from sta.analysis.statistics.collapse import collapse_sweep
from sta.analysis.statistics.ramp import mean_ramp
from sta.analysis.statistics.verdict import CollapseResult
from sta.checkpoint import Checkpoint, take_member
from sta.errors import ShapeError, StaError
from sta.spectral import shrink, units_above
from sta.sweep import Plan, SweepTables, read_plan, read_tables, shards_of
from sta.sweep.ensemble import available_cores

GRAPHS_PER_GROUP = 10
# Rows of ramps from which a collapse takes longer than starting a process.
LARGE = 50_000


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
    matching : UnitMatching or None
        Partners of the teacher's units.
    distances : mapping from str to float or None
        See `chance.distances_to`.
    tests : mapping from (str, str) to DistanceTest
        Those distances among the ones that chance gives, by distance and null.
    notes : mapping from str to str
        Reasons for the distances and tests that are missing.
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
    matching: UnitMatching | None
    distances: Mapping[str, float | None]
    tests: Tests
    notes: Mapping[str, str]


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
    null_samples : int
        Networks of each other kind among which a student's distances to its teacher are placed.
    """

    folder: Path
    plan: Plan
    tables: SweepTables
    seed: int
    graphs_per_group: int
    null_samples: int = NULL_SAMPLES

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
    def collapse_result(self) -> CollapseResult:
        """The result of ``sta collapse`` on this sweep."""
        return self._collapse_job()

    @cached_property
    def collapse(self) -> dict[str, Any]:
        """The same as plain values."""
        return self.collapse_result.to_dict()

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
        return self._graphs_job()

    @property
    def _collapse_job(self) -> Callable[[], CollapseResult]:
        return partial(
            collapse_sweep, self.students, self.tables.ramps,
            seed=self.seed, threshold=self.threshold,
        )  # fmt: skip

    @property
    def _graphs_job(self) -> Callable[[], list[StudentGraph]]:
        return partial(
            measure_graphs, self.folder, self.plan, threshold=self.threshold,
            per_group=self.graphs_per_group, null_samples=self.null_samples, seed=self.seed,
        )  # fmt: skip

    def compute(self) -> None:
        """Compute the two longest parts side by side, if a second process is worth its start."""
        if len(self.tables.ramps) < LARGE or available_cores() < 2:
            return
        jobs = (self._collapse_job, self._graphs_job)
        try:
            collapse, graphs = Parallel(n_jobs=2)(delayed(job)() for job in jobs)
        except StaError:  # whichever it is says so when it is asked for
            return
        self.__dict__.update(collapse_result=collapse, graphs=graphs)

    @cached_property
    def recorded_versions(self) -> dict[str, str]:
        """Versions of the packages that trained the students."""
        content = json.loads((self.folder / "plan.json").read_bytes())
        return {str(name): str(value) for name, value in content.get("versions", {}).items()}


def read_sweep(
    folder: Path,
    *,
    seed: int = 0,
    graphs_per_group: int = GRAPHS_PER_GROUP,
    null_samples: int = NULL_SAMPLES,
) -> SweepData:
    """Read a finished sweep.

    Raises
    ------
    FileFormatError
        If the folder is no sweep, is not finished, or is damaged.
    """
    plan, tables = read_plan(folder), read_tables(folder)
    return SweepData(folder, plan, tables, seed, graphs_per_group, null_samples)


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
    null_samples: int = 0,
    seed: int = 0,
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
    null_samples : int
        Networks of each other kind among which their distances are placed; 0 for no test.
    seed : int
        Of those networks.

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
                one = take_member(checkpoint, k)
                graphs.append(_measure(one, row, threshold, null_samples, seed))
    if not graphs:
        raise ShapeError(f"{folder} has no healthy student, so there is no graph to compare")
    return graphs


def _measure(
    checkpoint: Checkpoint, row: Mapping[str, Any], threshold: float, null_samples: int, seed: int
) -> StudentGraph:
    network, teacher = checkpoint.student, checkpoint.teacher
    if teacher is None:
        raise ShapeError(f"student {row['student_id']} has no teacher to be compared with")
    keep = units_above(network, threshold)
    pruned = graph_of(shrink(network, keep), "student")
    target = graph_of(teacher, "teacher")
    summed = network.readout == teacher.readout == "sum"
    outputs: Outputs = "matched" if summed else "aligned"
    comparison = compare_graphs(pruned, target, outputs=outputs)
    notes: Notes = {}
    rng = np.random.default_rng([seed, *str(row["student_id"]).encode()])
    n_kept = {layer: len(units) for layer, units in keep.items()}
    befores = draw_befores(checkpoint, n_kept, null_samples, rng, notes)
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
        comparison=comparison.to_dict(),
        matching=comparison.matching,
        distances=measure_distances(pruned, target, outputs=outputs, notes=notes),
        tests=chance_tests(
            pruned, target, befores, outputs=outputs, samples=null_samples, rng=rng, notes=notes
        ),
        notes=notes,
    )
