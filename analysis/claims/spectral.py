"""Measures for the claims about spectral students (arXiv 2310.12612)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sta.analysis.claims.rules import Measurement
from sta.analysis.claims.workplace import Workplace
from sta.analysis.graph import in_strength, match_units, path_distribution
from sta.analysis.graph.likeness.distances import kolmogorov_smirnov
from sta.analysis.graph.likeness.measures import weighted_distance
from sta.analysis.graph.rescaling import balance
from sta.analysis.graph.strengths import of_units
from sta.analysis.graph.summary import path_std, positive_std
from sta.analysis.network_graph import graph_of
from sta.analysis.statistics import collapse_sweep
from sta.checkpoint import Checkpoint, take_member
from sta.data import copy_sweep
from sta.spectral import shrink
from sta.spectral.pruning import units_kept
from sta.sweep import SweepTables, config_from_table, read_plan, read_tables, run_sweep, shards_of

UNIT = "teacher draws"
COSINE = 0.9


@dataclass(frozen=True)
class Variant:
    """One way of doing the whole study again.

    Attributes
    ----------
    name : str
    input_width : int
    threshold : float
        Of the effective size.
    dtype : str
    """

    name: str = "as published"
    input_width: int = 10
    threshold: float = 0.05
    dtype: str = "float32"


VARIANTS = (
    Variant(),
    Variant("20 inputs", input_width=20),
    Variant("threshold 0.1", threshold=0.1),
    Variant("float64", dtype="float64"),
)


class SpectralStudy:
    """A sweep over teachers and widths, and what it says.

    Parameters
    ----------
    place : Workplace
    variant : Variant
    """

    def __init__(self, place: Workplace, variant: Variant = VARIANTS[0]) -> None:
        self.place, self.variant = place, variant
        self.widths: list[int] = place.choose([40, 80], [40, 80, 160])
        self.table: dict[str, Any] = {
            "seed": place.seed,
            "teacher": {
                "widths": [10], "input_width": variant.input_width,
                "draws": place.choose(4, 8),
            },
            "student": {"widths": self.widths, "trials": place.choose(1, 2)},
            "training": {"dtype": variant.dtype},
        }  # fmt: skip
        kind = f"d{variant.input_width}-{variant.dtype}"
        self.folder = place.folder / "spectral" / kind
        self.settings = {**self.table, "threshold": variant.threshold}

    @property
    def tables(self) -> SweepTables:
        """Tables of the sweep, which is run as far as it is missing."""
        return self.place.once(
            f"sweep of spectral students, {self.folder.name}",
            lambda: run_sweep(config_from_table(self.table), self.folder),
        )

    def sizes(self, kind: str) -> pd.DataFrame:
        """Return effective sizes of a kind, one row a student."""
        students = self.tables.students
        students = students[(students["kind"] == kind) & (students["status"] == "ok")].copy()
        students["size"] = [
            int(np.sum(np.asarray(one) > self.variant.threshold * np.max(one)))
            for one in students["importance"]
        ]
        return students

    def by_teacher(self, values: pd.Series, students: pd.DataFrame) -> tuple[float, ...]:
        """Return the mean of a column over the students of each teacher."""
        means = values.groupby([students["teacher_width"], students["teacher_seed"]]).mean()
        return tuple(float(one) for one in means)

    def measured(self, values: tuple[float, ...], note: str = "") -> Measurement:
        """Return values a teacher with the study's settings."""
        return Measurement(values, UNIT, self.settings, note)

    def ramps(self, kind: str) -> pd.DataFrame:
        """Return the cost of pruning over that of pruning all, for a kind."""
        ramps = self.tables.ramps
        ramps = ramps[ramps["kind"] == kind].copy()
        whole = ramps[ramps["n_kept"] == 0].set_index("student_id")["delta_mse"]
        ramps["cost"] = ramps["delta_mse"] / ramps["student_id"].map(whole)
        return ramps

    def cost_at(self, share: float) -> tuple[float, ...]:
        """Return the cost of keeping `share` times the teacher's width, a teacher."""
        ramps = self.ramps("spectral")
        kept = ramps[ramps["n_kept"] == (share * ramps["teacher_width"]).round()]
        return self.by_teacher(kept["cost"], kept)

    def areas(self) -> pd.DataFrame:
        """Return the area under each spectral ramp, in teacher widths: its scale."""
        ramps = self.ramps("spectral")
        keys = ["teacher_width", "teacher_seed", "student_width", "trial"]
        area = ramps.groupby(keys)["cost"].sum() / 1.0
        frame = area.reset_index()
        frame["cost"] /= frame["teacher_width"]
        return frame

    def pairs(self) -> list[dict[str, float]]:
        """Compare a spectral and a direct student of each teacher, cut to its width, as graphs."""
        return self.place.once(
            f"graphs of students, {self.folder.name}", lambda: list(_graphs(self))
        )


def _graphs(study: SpectralStudy) -> list[dict[str, float]]:
    plan = read_plan(study.folder)
    width = study.widths[-1]
    found: dict[tuple[int, str], Checkpoint] = {}
    _ = study.tables
    for number, checkpoint in shards_of(study.folder, plan):
        for k, one in enumerate(plan.shards[number]):
            if one.student_width == width and one.trial == 0:
                found[one.teacher_seed, one.kind] = take_member(checkpoint, k)
    rows = []
    for seed in sorted({seed for seed, _ in found}):
        rows.append(
            {
                f"{kind}.{name}": value
                for kind in ("spectral", "direct")
                for name, value in _compared(found[seed, kind]).items()
            }
        )
    return rows


def _compared(kept: Checkpoint) -> dict[str, float]:
    if kept.teacher is None:
        raise AssertionError("students of a sweep have their teacher")
    student, teacher = kept.student.double(), kept.teacher.double()
    pruned = shrink(student, units_kept(student, teacher.widths[1]))
    graphs = graph_of(pruned, "student"), graph_of(teacher, "teacher")
    first = match_units(*graphs).layers[0]
    paths = [path_distribution(graph) for graph in graphs]
    apart = weighted_distance(paths[0], paths[1], "wasserstein", "count")
    strengths = [of_units(g, in_strength(balance(g), weighting="signed"))[1] for g in graphs]
    width = teacher.widths[1]
    return {
        "matched": first.matched(COSINE) / width,
        "paths": apart / positive_std(path_std(paths[1])),
        "degree": kolmogorov_smirnov(*strengths),
    }


def effective_size(study: SpectralStudy) -> Measurement:
    """Effective size over the teacher's width."""
    students = study.sizes("spectral")
    return study.measured(study.by_teacher(students["size"] / students["teacher_width"], students))


def width(study: SpectralStudy) -> Measurement:
    """Relative change of the effective size for each doubling of the student's width."""
    students = study.sizes("spectral")
    slopes = []
    for _, own in students.groupby(["teacher_width", "teacher_seed"]):
        slope = np.polyfit(np.log2(own["student_width"]), own["size"], 1)[0]
        slopes.append(float(slope / own["size"].mean()))
    return study.measured(tuple(slopes))


def conventional(study: SpectralStudy) -> Measurement:
    """Effective size of conventional students over the teacher's width."""
    students = study.sizes("direct")
    return study.measured(study.by_teacher(students["size"] / students["teacher_width"], students))


def free(study: SpectralStudy) -> Measurement:
    """Cost of keeping as many units as the teacher, over that of keeping none."""
    return study.measured(study.cost_at(1.0))


def costly(study: SpectralStudy) -> Measurement:
    """Cost of keeping half as many units as the teacher."""
    return study.measured(study.cost_at(0.5))


def accuracy(study: SpectralStudy) -> Measurement:
    """log2 of the test error of spectral over conventional students, same teacher and width."""
    students = study.tables.students
    keys = ["teacher_width", "teacher_seed", "student_width"]
    error = students.groupby(["kind", *keys])["test_loss"].mean()
    ratio = np.log2(error["spectral"] / error["direct"]).groupby(keys[:2]).mean()
    return study.measured(tuple(float(one) for one in ratio))


def units(study: SpectralStudy) -> Measurement:
    """Share of the teacher's first units with a partner of cosine 0.9 in the pruned student."""
    return study.measured(tuple(row["spectral.matched"] for row in study.pairs()))


def paths(study: SpectralStudy) -> Measurement:
    """Path distance of pruned conventional students less that of spectral ones."""
    rows = study.pairs()
    return study.measured(tuple(row["direct.paths"] - row["spectral.paths"] for row in rows))


def degree(study: SpectralStudy) -> Measurement:
    """Distance of in-strengths of pruned conventional students less that of spectral ones."""
    rows = study.pairs()
    return study.measured(tuple(row["direct.degree"] - row["spectral.degree"] for row in rows))


def universal_widths(study: SpectralStudy) -> Measurement:
    """log2 of the ramp's scale at the widest over that at the narrowest students."""
    areas = study.areas().groupby(["teacher_width", "teacher_seed", "student_width"])["cost"].mean()
    wide = areas.xs(study.widths[-1], level="student_width")
    narrow = areas.xs(study.widths[0], level="student_width")
    return study.measured(tuple(float(one) for one in np.log2(wide / narrow)))


def universal_teachers(study: SpectralStudy) -> Measurement:
    """|log2| of the ramp's scale of each teacher over the mean of all."""
    areas = study.areas()
    scale = np.log2(areas.groupby(["teacher_width", "teacher_seed"])["cost"].mean())
    return study.measured(tuple(float(one) for one in (scale - scale.mean()).abs()))


def second_order(study: SpectralStudy) -> Measurement:
    """1 if calibrated tests claim a transition of second order, -1 if a smooth curve is preferred.

    The full run reads the sweep of 640 students that comes with the package.
    """
    place = study.place

    def judged() -> Measurement:
        if place.full:
            folder = place.folder / "spectral" / "transition"
            if not folder.exists():
                copy_sweep("transition", folder)
            tables, settings = read_tables(folder), {"sweep": "transition"}
        else:
            tables, settings = study.tables, study.settings
        found = collapse_sweep(tables.students, tables.ramps, seed=place.seed).to_dict()
        model, told = found["threshold"]["model"], found["threshold"]["message"]
        if found["transition"]:
            order = found.get("order") or {}
            return Measurement((1.0 if order else 0.0,), "", settings, found["verdict"][-400:])
        smooth = model in ("exponential", "stretched", "crossover")
        return Measurement((-1.0 if smooth else 0.0,), "", settings, f"no transition: {told}")

    return place.once(f"tests for a transition, {study.folder.name}", judged)


def cost(study: SpectralStudy) -> Measurement:
    """Products that the eigenvalues add to a training step, over those of the layer itself.

    w = lambda phi, its gradient by phi and by lambda take 3 h d products; forward pass and the
    gradient by w take 2 B h d for B patterns.
    """
    config = config_from_table(study.table)
    batch = config.kinds["spectral"].batch_size
    return Measurement((3.0 / (2.0 * batch),), "", {"batch_size": batch})


MEASURES = {
    "spectral.size": effective_size,
    "spectral.width": width,
    "spectral.conventional": conventional,
    "spectral.free": free,
    "spectral.costly": costly,
    "spectral.accuracy": accuracy,
    "spectral.units": units,
    "spectral.paths": paths,
    "spectral.degree": degree,
    "spectral.second_order": second_order,
    "spectral.universal_widths": universal_widths,
    "spectral.universal_teachers": universal_teachers,
    "spectral.cost": cost,
}
