"""Mean pruning ramps and the cost of pruning to the teacher's size.

A ramp is the signed change of the test error, Delta(n) = MSE(n units kept) - MSE(all kept).
It is divided by its value for the zero-unit predictor, after averaging over trials:
y(n) = <Delta(n)> / <Delta(0)>, so that no single noisy point sets the scale of a curve.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.integrate import trapezoid

from sta.analysis.statistics.checks import CELL, trial_labels, usable_ramps
from sta.analysis.statistics.curves import Curve, CurveSet, draw, mean_curve, pivot
from sta.analysis.statistics.resampling import (
    MIN_TRIALS,
    FloatArray,
    Seed,
    bootstrap_mean,
    small_sample_factor,
)
from sta.analysis.statistics.teachers import resampled_teachers, teacher_labels, teacher_note
from sta.analysis.statistics.variance_components import VarianceComponents, variance_components
from sta.errors import ConfigError, ShapeError

Abscissa = Literal["n/h_T", "n/h", "n"]


@dataclass(frozen=True)
class RampFamily:
    """The ramps of one kind of student of one teacher width.

    Attributes
    ----------
    kind, teacher_width
        The cell of the sweep.
    curves
        One curve a student width, on x = n_kept / teacher_width; its groups are the teachers if
        there are at least 3 of them.
    teachers
        The teacher of each trial, (teacher_width, teacher_seed).
    note
        That intervals do not cover other teachers, where there are fewer than 3; else empty.
    """

    kind: str
    teacher_width: int
    curves: CurveSet
    teachers: tuple[Hashable, ...] = ()
    note: str = ""

    @property
    def n_teachers(self) -> int:
        """Number of teachers behind the curves."""
        return len(set(self.teachers))


def ramp_families(ramps: pd.DataFrame, students: pd.DataFrame) -> tuple[RampFamily, ...]:
    """Arrange the ramps of usable students as curves over trials, and trials by teacher.

    Raises
    ------
    ShapeError
        If a column is missing, a value is not finite, or a ramp lacks n_kept = 0.
    """
    kept = usable_ramps(ramps, students)
    lowest = kept.groupby("student_id")["n_kept"].min()
    if (lowest != 0).any():
        student = lowest.index[lowest != 0][0]
        raise ShapeError(
            f"the ramp of student {student!r} has no n_kept = 0: add the zero-unit predictor"
        )
    families = []
    for (kind, teacher), group in kept.groupby(["kind", "teacher_width"], sort=True):
        of_trial = dict(zip(trial_labels(group), teacher_labels(group), strict=True))
        trials = tuple(sorted(of_trial, key=repr))
        teachers = tuple(of_trial[trial] for trial in trials)
        curves = tuple(
            _curve(cell, int(width), int(teacher), trials)
            for width, cell in group.groupby("student_width", sort=True)
        )
        curve_set = CurveSet(curves, trials, groups=resampled_teachers(teachers))
        families.append(
            RampFamily(str(kind), int(teacher), curve_set, teachers, teacher_note(teachers))
        )
    return tuple(families)


def mean_ramp(
    ramps: pd.DataFrame,
    students: pd.DataFrame,
    x: Abscissa = "n/h_T",
    *,
    seed: Seed = 0,
    resamples: int = 1000,
) -> pd.DataFrame:
    """Mean normalised ramp of each kind, teacher width and student width.

    Parameters
    ----------
    ramps, students
        The tables of a sweep; students whose status is not "ok" are left out.
    x
        Abscissa: "n/h_T" (units kept over the teacher's width), "n/h" or "n".
    seed, resamples
        Of the bootstrap over whole trials, by teacher if there are at least 3; it also renews the
        normaliser.

    Returns
    -------
    DataFrame
        kind, teacher_width, student_width, n_trials, n_teachers, n_kept, x, y, se, ci_low,
        ci_high; y is 1 at n_kept = 0. The last three are NaN below three trials, y too where the
        zero-unit predictor is no worse than the student. From 3 teachers of a family on the
        interval covers other teachers, else it is over trials of these teachers alone.

    Raises
    ------
    ConfigError
        If the abscissa is unknown.
    ShapeError
        As `ramp_families`.
    """
    if x not in ("n/h_T", "n/h", "n"):
        raise ConfigError(f"x is {x!r}: choose 'n/h_T', 'n/h' or 'n'")
    rng = np.random.default_rng(seed)
    parts = []
    for family in ramp_families(ramps, students):
        counts = draw(family.curves, resamples, rng)
        for curve in family.curves.curves:
            n_kept = np.round(curve.x * family.teacher_width)
            scale = {"n/h_T": family.teacher_width, "n/h": curve.size, "n": 1.0}[x]
            y = mean_curve(curve)[0]
            n_trials = int(curve.takes_part.sum())
            n_units = family.curves.units_of(curve)
            se, low, high = _band(y, mean_curve(curve, counts), n_units)
            columns = {
                "kind": family.kind,
                "teacher_width": family.teacher_width,
                "student_width": int(curve.size),
                "n_trials": n_trials,
                "n_teachers": family.n_teachers,
                "n_kept": n_kept.astype(int),
                "x": n_kept / scale,
                "y": y,
                "se": se,
                "ci_low": low,
                "ci_high": high,
            }
            parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def pruning_cost(
    ramps: pd.DataFrame, students: pd.DataFrame, *, seed: Seed = 0, resamples: int = 2000
) -> pd.DataFrame:
    """Cost of keeping as many units as the teacher has, by kind and widths.

    Parameters
    ----------
    ramps, students
        The tables of a sweep; students whose status is not "ok", and students narrower than
        their teacher, are left out.
    seed, resamples
        Of the bootstrap over whole trials, by teacher if a cell has at least 3.

    Returns
    -------
    DataFrame
        kind, teacher_width, student_width, n_students, n_trials, n_teachers; cost_median, cost_low,
        cost_high (quartiles), cost_min, cost_max, cost_mean, ci_low, ci_high (95 % interval of
        the mean) of Delta(h_T) / max_{n >= 1} Delta(n), the published scale; and
        error_ratio_median, the median of Delta(h_T) / MSE(all kept), the student's own scale.
        Zero by definition where the student is as wide as the teacher.

    Raises
    ------
    ShapeError
        As `ramp_families`.
    """
    kept = usable_ramps(ramps, students)
    above = kept[kept["n_kept"] >= 1]
    top = above.groupby("student_id")["delta_mse"].max().rename("top")
    cut = kept[kept["n_kept"] == kept["teacher_width"]].merge(
        top, left_on="student_id", right_index=True
    )
    cut = cut[cut["top"] > 0]
    # delta = mse - mse(all kept), so the difference is the error of the whole student
    whole = (cut["mse"] - cut["delta_mse"]).clip(lower=np.finfo(float).tiny)
    cut = cut.assign(cost=cut["delta_mse"] / cut["top"], error_ratio=cut["delta_mse"] / whole)
    rng = np.random.default_rng(seed)
    rows = [
        {**dict(zip(CELL, cell, strict=True)), **_cost_row(group, rng, resamples)}
        for cell, group in cut.groupby(list(CELL), sort=True)
    ]
    return pd.DataFrame(rows)


def ramp_components(family: RampFamily) -> dict[float, VarianceComponents]:
    """Variance between teachers, and between trials of one teacher, of the area under the ramp.

    Parameters
    ----------
    family
        The ramps of one kind and teacher width.

    Returns
    -------
    dict
        Student width to the components of a_t = integral of Delta_t(x) dx / <Delta(0)>, in units
        of x squared; <a> is the area under the mean ramp. Widths whose normaliser <Delta(0)> is
        not positive are left out.
    """
    found = {}
    for curve in family.curves.curves:
        part = np.flatnonzero(np.isfinite(curve.values).all(axis=1))
        norm = float(np.mean(curve.norm[part])) if part.size else 0.0
        teachers = [family.teachers[trial] for trial in part]
        if norm > 0.0:
            area = trapezoid(curve.values[part], curve.x, axis=1) / norm
            found[curve.size] = variance_components(area, teachers)
    return found


def _cost_row(
    group: pd.DataFrame, rng: np.random.Generator, resamples: int
) -> dict[str, float | None]:
    cost = group["cost"].to_numpy(dtype=float)
    labels, teachers = trial_labels(group), teacher_labels(group)
    mean = bootstrap_mean(
        cost, labels, seed=rng, resamples=resamples, groups=resampled_teachers(teachers)
    )
    low, high = mean.ci95 or (np.nan, np.nan)
    quartiles = np.quantile(cost, [0.25, 0.5, 0.75])
    return {
        "n_students": len(group),
        "n_trials": len(set(labels)),
        "n_teachers": len(set(teachers)),
        "cost_median": float(quartiles[1]),
        "cost_low": float(quartiles[0]),
        "cost_high": float(quartiles[2]),
        "cost_min": float(cost.min()),
        "cost_max": float(cost.max()),
        "cost_mean": mean.value,
        "ci_low": low,
        "ci_high": high,
        "error_ratio_median": float(np.median(group["error_ratio"])),
    }


def _curve(cell: pd.DataFrame, width: int, teacher: int, trials: tuple[Hashable, ...]) -> Curve:
    n_kept, values = pivot(
        trial_labels(cell),
        cell["n_kept"].to_numpy(dtype=float),
        cell["delta_mse"].to_numpy(dtype=float),
        trials,
    )
    return Curve(float(width), n_kept / teacher, values, values[:, 0])


def _band(
    y: FloatArray, replicates: FloatArray, n_units: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the standard error and 95 % interval of every point, NaN below three units."""
    if n_units < MIN_TRIALS:
        nothing = np.full_like(y, np.nan)
        return nothing, nothing, nothing
    stretch = small_sample_factor(n_units)
    low, high = np.quantile(replicates, [0.025, 0.975], axis=0)
    se = np.std(replicates, axis=0) * np.sqrt(n_units / (n_units - 1.0))
    return se, y - stretch * np.maximum(y - low, 0.0), y + stretch * np.maximum(high - y, 0.0)
