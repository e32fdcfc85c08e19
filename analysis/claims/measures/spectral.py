"""Measures for the claims about spectral students (arXiv 2310.12612)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from sta.analysis.claims.rules import Measurement
from sta.analysis.claims.workplace import VARIANTS, Workplace
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
TEACHER = ["teacher_width", "teacher_seed"]
COSINE = 0.9
SMOOTH = ("exponential", "stretched", "crossover")


class SpectralStudy:
    """A sweep over draws of a teacher and widths of students, and what it says.

    Parameters
    ----------
    place : Workplace
    """

    def __init__(self, place: Workplace) -> None:
        self.place, variant = place, place.variant
        # Three widths for what the paper did, two for its variants, to keep a full run in an hour.
        wide = place.full and variant in (VARIANTS[0], VARIANTS[2])
        self.widths: list[int] = [40, 80, 160] if wide else [40, 80]
        self.table: dict[str, Any] = {
            "seed": place.seed,
            "teacher": {
                "widths": [10], "input_width": variant.input_width, "draws": place.choose(6, 10),
            },
            "student": {"widths": self.widths, "trials": 1},
            "training": {"dtype": variant.dtype},
        }  # fmt: skip
        self.folder = place.folder / "spectral" / f"{variant.input_width}-{variant.dtype}"
        self.settings = {**self.table, "threshold": variant.threshold}

    def once(self, what: str, make: Any) -> Any:
        """Return what is made once for all claims about this study's students."""
        return self.place.once(f"{what}, {self.folder.name}", make)

    @property
    def tables(self) -> SweepTables:
        """Tables of the sweep, which is run as far as it is missing."""
        found: SweepTables = self.once(
            "sweep of students", lambda: run_sweep(config_from_table(self.table), self.folder)
        )
        return found

    @property
    def many_teachers(self) -> tuple[SweepTables, dict[str, Any]]:
        """Tables with the most teachers at hand, and their settings.

        The full run of the published variant reads the sweep of 640 students of 32 teachers, of 5
        to 40 units, that comes with the package.
        """
        if not self.place.full or self.place.variant != VARIANTS[0]:
            return self.tables, self.settings
        folder = self.place.folder / "spectral" / "transition"
        if not folder.exists():
            copy_sweep("transition", folder)
        return read_tables(folder), {"sweep": "transition"}

    def sizes(self, kind: str) -> pd.DataFrame:
        """Return the students of a kind with their effective size over the teacher's width."""
        students = self.tables.students
        students = students[(students["kind"] == kind) & (students["status"] == "ok")].copy()
        threshold = self.place.variant.threshold
        counts = [int(np.sum(one > threshold * np.max(one))) for one in students["importance"]]
        students["size"] = counts / students["teacher_width"]
        return students

    def costs(self, kind: str, tables: SweepTables | None = None) -> pd.DataFrame:
        """Return the ramps of a kind with the rise of the error over that of pruning all."""
        ramps = (tables or self.tables).ramps
        ramps = ramps[ramps["kind"] == kind].copy()
        whole = ramps[ramps["n_kept"] == 0].set_index("student_id")["delta_mse"]
        ramps["cost"] = ramps["delta_mse"] / ramps["student_id"].map(whole)
        return ramps

    def cost_at(self, share: float) -> Measurement:
        """Return the cost of keeping `share` times the teacher's width."""
        ramps = self.costs("spectral")
        kept = ramps[ramps["n_kept"] == (share * ramps["teacher_width"]).round()]
        return self.measured(kept.groupby(TEACHER)["cost"].mean())

    def scales(self, tables: SweepTables | None = None) -> pd.Series:
        """Return log2 of the area under each spectral ramp, over the teacher's width."""
        ramps = self.costs("spectral", tables)
        area = ramps.groupby([*TEACHER, "student_width", "trial"])["cost"].sum()
        return np.log2(area / area.index.get_level_values("teacher_width"))

    def pairs(self) -> list[dict[str, float]]:
        """Compare a spectral and a direct student of each teacher, cut to its width, as graphs."""
        found: list[dict[str, float]] = self.once("graphs of students", lambda: _graphs(self))
        return found

    def difference(self, name: str) -> Measurement:
        """Return the distance of direct students less that of spectral ones."""
        return self.measured(
            [one[f"direct.{name}"] - one[f"spectral.{name}"] for one in self.pairs()]
        )

    def measured(self, values: Any) -> Measurement:
        """Return values, one a teacher, with the study's settings."""
        return Measurement(tuple(float(one) for one in values), UNIT, self.settings)


def _graphs(study: SpectralStudy) -> list[dict[str, float]]:
    _ = study.tables
    plan, found = read_plan(study.folder), dict[tuple[int, str], Checkpoint]()
    for number, checkpoint in shards_of(study.folder, plan):
        for k, one in enumerate(plan.shards[number]):
            if one.student_width == study.widths[-1] and one.trial == 0:
                found[one.teacher_seed, one.kind] = take_member(checkpoint, k)
    return [
        {
            f"{kind}.{name}": value
            for kind in ("spectral", "direct")
            for name, value in _compared(found[seed, kind]).items()
        }
        for seed in sorted({seed for seed, _ in found})
    ]


def _compared(kept: Checkpoint) -> dict[str, float]:
    if kept.teacher is None:
        raise AssertionError("students of a sweep have their teacher")
    student, teacher = kept.student.double(), kept.teacher.double()
    width = teacher.widths[1]
    pruned = shrink(student, units_kept(student, width))
    graphs = graph_of(pruned, "student"), graph_of(teacher, "teacher")
    paths = [path_distribution(graph) for graph in graphs]
    apart = weighted_distance(paths[0], paths[1], "wasserstein", "count")
    strengths = [of_units(g, in_strength(balance(g), weighting="signed"))[1] for g in graphs]
    return {
        "matched": match_units(*graphs).layers[0].matched(COSINE) / width,
        "paths": apart / positive_std(path_std(paths[1])),
        "degree": kolmogorov_smirnov(*strengths),
    }


def effective_size(place: Workplace) -> Measurement:
    """Effective size of spectral students over the teacher's width."""
    study = SpectralStudy(place)
    return study.measured(study.sizes("spectral").groupby(TEACHER)["size"].mean())


def width(place: Workplace) -> Measurement:
    """Relative change of the effective size for each doubling of the student's width."""
    study = SpectralStudy(place)
    slopes = []
    for _, own in study.sizes("spectral").groupby(TEACHER):
        slope = np.polyfit(np.log2(own["student_width"]), own["size"], 1)[0]
        slopes.append(float(slope / own["size"].mean()))
    return study.measured(slopes)


def conventional(place: Workplace) -> Measurement:
    """Effective size of conventional students over the teacher's width."""
    study = SpectralStudy(place)
    return study.measured(study.sizes("direct").groupby(TEACHER)["size"].mean())


def free(place: Workplace) -> Measurement:
    """Cost of keeping as many units as the teacher, over that of keeping none."""
    return SpectralStudy(place).cost_at(1.0)


def costly(place: Workplace) -> Measurement:
    """Cost of keeping half as many units as the teacher."""
    return SpectralStudy(place).cost_at(0.5)


def accuracy(place: Workplace) -> Measurement:
    """log2 of the test error of spectral over conventional students, same teacher and width."""
    study = SpectralStudy(place)
    students = study.tables.students
    error = np.log2(students.groupby(["kind", *TEACHER, "student_width"])["test_loss"].mean())
    return study.measured((error["spectral"] - error["direct"]).groupby(TEACHER).mean())


def units(place: Workplace) -> Measurement:
    """Share of the teacher's first units with a partner of cosine 0.9 in the pruned student."""
    study = SpectralStudy(place)
    return study.measured([one["spectral.matched"] for one in study.pairs()])


def paths(place: Workplace) -> Measurement:
    """Path distance of pruned conventional students less that of spectral ones."""
    return SpectralStudy(place).difference("paths")


def degree(place: Workplace) -> Measurement:
    """Distance of in-strengths of pruned conventional students less that of spectral ones."""
    return SpectralStudy(place).difference("degree")


def universal_widths(place: Workplace) -> Measurement:
    """log2 of the ramp's scale at the widest over that at the narrowest students."""
    study = SpectralStudy(place)
    scales = study.scales().groupby([*TEACHER, "student_width"]).mean()
    wide, narrow = (scales.xs(study.widths[k], level="student_width") for k in (-1, 0))
    return study.measured(wide - narrow)


def universal_teachers(place: Workplace) -> Measurement:
    """Variance of the ramp's scale over teachers, less what students of one teacher account for.

    The mean of n' (d_t^2 - (1 - 1 / n) s_t^2 / k), n' = n / (n - 1), has as its expectation the
    variance between teachers: d_t is a teacher's deviation from the mean of n, s_t^2 the variance
    of its k students.
    """
    study = SpectralStudy(place)
    tables, settings = study.many_teachers
    groups = study.scales(tables).groupby(TEACHER)
    means, spread, count = groups.mean(), groups.var(), groups.size()
    n = len(means)
    own = (means - means.mean()) ** 2 - (1.0 - 1.0 / n) * spread / count
    values = (own * n / (n - 1)).tolist()
    return Measurement(tuple(values), UNIT, settings, f"{n} teachers")


def second_order(place: Workplace) -> Measurement:
    """Return what calibrated tests say of a transition of second order: see `order_of`."""
    tables, settings = SpectralStudy(place).many_teachers
    found = collapse_sweep(tables.students, tables.ramps, seed=place.seed).to_dict()
    order = found["order"] or {}
    told = ". ".join([found["threshold"]["message"], *filter(None, [order.get("message")])])
    return Measurement((order_of(found),), "", settings, told)


def order_of(found: dict[str, Any]) -> float:
    """Return 1, 0 or -1 of a collapse's JSON: continuous transition, undecided, or against it.

    Against it is a transition of first order, and a smooth ramp that predicts unseen trials better
    than a threshold.
    """
    if found["transition"]:
        outcome = (found["order"] or {}).get("outcome", "undecided")
        return {"continuous": 1.0, "first order": -1.0}.get(outcome, 0.0)
    return -1.0 if found["threshold"]["model"] in SMOOTH else 0.0


def cost(place: Workplace) -> Measurement:
    """Multiplications that the eigenvalues add to a training step, over those of the layer itself.

    w = lambda phi and its gradients by phi and by lambda take 3 h d; forward pass and the
    gradient by w take 2 B h d for B patterns.
    """
    batch = config_from_table(SpectralStudy(place).table).kinds["spectral"].batch_size
    return Measurement((3.0 / (2.0 * batch),), "", {"batch_size": batch})
