"""Effective size of the students of a sweep, and how it grows with their width.

References
----------
L. Giambagli et al., How a student becomes a teacher: learning and forgetting through spectral
methods, arXiv:2310.12612.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from sta.analysis.statistics.checks import (
    CELL,
    fraction,
    require_columns,
    trial_labels,
    usable_students,
)
from sta.analysis.statistics.estimate import transformed
from sta.analysis.statistics.importance import effective_size_curve, largest_gap
from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.resampling import (
    Estimate,
    FloatArray,
    Seed,
    bootstrap,
    bootstrap_mean,
    trial_groups,
)
from sta.analysis.statistics.teachers import resampled_teachers, teacher_labels, teacher_note
from sta.analysis.statistics.variance_components import VarianceComponents, variance_components
from sta.errors import ShapeError

_NOT_MADE = Estimate(reason="no slope was fitted")


@dataclass(frozen=True)
class WidthSlope:
    """Growth of the effective size with the student's width.

    Attributes
    ----------
    kind, teacher_width
        The cell of the sweep.
    slope
        Units gained per doubling of the student's width.
    student_widths
        The widths that entered.
    n_trials
        Number of whole trials behind it.
    exponent
        Slope of log(effective size) against log(width): 0 if the size does not depend on the
        width, 1 if it is a fixed share of it.
    ratio
        2^exponent, the factor by which the size grows per doubling of the width.
    n_teachers
        Number of teachers; from 3 on the intervals cover other teachers.
    note
        That the intervals do not cover other teachers, where there are fewer; else empty.
    """

    kind: str
    teacher_width: int
    slope: Estimate
    student_widths: tuple[int, ...]
    n_trials: int
    exponent: Estimate = _NOT_MADE
    ratio: Estimate = _NOT_MADE
    n_teachers: int = 1
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def effective_size_by_width(
    students: pd.DataFrame, threshold: float = 0.05, *, seed: Seed = 0, resamples: int = 2000
) -> pd.DataFrame:
    """Effective size of the students of each kind, teacher width and student width.

    Parameters
    ----------
    students
        One row a student; students whose status is not "ok" are left out.
    threshold
        Share of a model's largest importance above which a unit counts.
    seed, resamples
        Of the bootstrap over whole trials, by teacher if the cell has at least 3.

    Returns
    -------
    DataFrame
        One row a cell: kind, teacher_width, student_width; n_students, n_trials, n_teachers;
        median, mean, sd (NaN for one student), min, max of the effective size; ci_low, ci_high, the
        95 % BCa interval of the mean (NaN below three trials); share, the mean divided by the
        student's width; gap_rank and gap_ratio, medians of `largest_gap` (NaN where there is
        none); relative_error, median of test_loss / target_variance (NaN without them).

    Raises
    ------
    ShapeError
        If a column is missing or an importance list is unusable.
    ConfigError
        If the threshold is outside [0, 1).
    """
    kept = with_effective_size(students, threshold)
    rng = np.random.default_rng(seed)
    rows = []
    for (kind, teacher, width), cell in kept.groupby(list(CELL), sort=True):
        sizes = cell["size_now"].to_numpy(dtype=float)
        teachers = teacher_labels(cell)
        mean = bootstrap_mean(
            sizes,
            trial_labels(cell),
            seed=rng,
            resamples=resamples,
            groups=resampled_teachers(teachers),
        )
        low, high = mean.ci95 or (np.nan, np.nan)
        rows.append(
            {
                "kind": kind,
                "teacher_width": int(teacher),
                "student_width": int(width),
                "n_students": len(cell),
                "n_trials": len(set(trial_labels(cell))),
                "n_teachers": len(set(teachers)),
                "median": float(np.median(sizes)),
                "mean": mean.value,
                "sd": float(np.std(sizes, ddof=1)) if len(cell) > 1 else np.nan,
                "min": int(sizes.min()),
                "max": int(sizes.max()),
                "ci_low": low,
                "ci_high": high,
                "share": float(np.mean(sizes)) / int(width),
                **_gap_medians(cell["importance"]),
                "relative_error": _relative_error(cell),
            }
        )
    return pd.DataFrame(rows)


def width_slope(
    students: pd.DataFrame, threshold: float = 0.05, *, seed: Seed = 0, resamples: int = 2000
) -> tuple[WidthSlope, ...]:
    """Slope of the effective size against log2 of the student's width.

    Ordinary least squares over students, per kind and teacher width, of the size and of its
    logarithm; the interval is from a bootstrap that draws a trial with all its widths, and
    teachers with their trials if there are at least 3.  Students narrower than their teacher
    are left out: their effective size is capped by their own width.

    Raises
    ------
    ShapeError, ConfigError
        As `effective_size_by_width`.
    """
    kept = with_effective_size(students, threshold)
    kept = kept[kept["student_width"] >= kept["teacher_width"]]
    rng = np.random.default_rng(seed)
    slopes = []
    for (kind, teacher), cell in kept.groupby(["kind", "teacher_width"], sort=True):
        widths = tuple(sorted({int(width) for width in cell["student_width"]}))
        labels, teachers = trial_labels(cell), teacher_labels(cell)
        groups = resampled_teachers(teachers)
        octave = np.log2(cell["student_width"].to_numpy(dtype=float))
        size = cell["size_now"].to_numpy(dtype=float)
        slope = _slope(octave, size, labels, groups, rng, resamples)
        exponent = ratio = Estimate(reason="a student has effective size 0: no logarithm")
        if (size > 0).all():
            exponent = _slope(octave, np.log2(size), labels, groups, rng, resamples)
            ratio = transformed(exponent, lambda value: 2.0**value)
        slopes.append(
            WidthSlope(
                str(kind),
                int(teacher),
                slope,
                widths,
                len(set(labels)),
                exponent,
                ratio,
                len(set(teachers)),
                teacher_note(teachers),
            )
        )
    return tuple(slopes)


def effective_size_components(
    students: pd.DataFrame, threshold: float = 0.05
) -> dict[tuple[str, int, int], VarianceComponents]:
    """Variance of the effective size between teachers and between trials of one teacher.

    Parameters
    ----------
    students, threshold
        As `effective_size_by_width`.

    Returns
    -------
    dict
        (kind, teacher_width, student_width) to the components, in units squared; they are
        Estimates with a reason where a cell has one teacher or one trial a teacher.

    Raises
    ------
    ShapeError, ConfigError
        As `effective_size_by_width`.
    """
    kept = with_effective_size(students, threshold)
    return {
        (str(kind), int(teacher), int(width)): variance_components(
            cell["size_now"].to_numpy(dtype=float), teacher_labels(cell)
        )
        for (kind, teacher, width), cell in kept.groupby(list(CELL), sort=True)
    }


def with_effective_size(students: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Return the usable students with a column `size_now`, their effective size at `threshold`."""
    threshold = fraction(threshold, "threshold")
    require_columns(students, ("importance",), "students")
    kept = usable_students(students)
    sizes = []
    for student, importance in zip(kept["student_id"], kept["importance"], strict=True):
        try:
            sizes.append(int(effective_size_curve(importance, [threshold])[0]))
        except ShapeError as error:
            raise ShapeError(f"student {student!r}: {error}") from None
    return kept.assign(size_now=sizes)


def _slope(
    x: FloatArray,
    y: FloatArray,
    labels: Sequence[Hashable],
    groups: Sequence[Hashable],
    rng: np.random.Generator,
    resamples: int,
) -> Estimate:
    if np.ptp(x) == 0.0:
        return Estimate(reason=f"one student width ({2.0 ** x[0]:.0f}): a slope needs two")
    order = {label: place for place, label in enumerate(dict.fromkeys(labels))}
    index = np.array([order[label] for label in labels], dtype=np.intp)
    return bootstrap(
        lambda counts: _weighted_slope(x, y, counts[:, index]),
        len(order),
        seed=rng,
        resamples=resamples,
        method="percentile",
        groups=trial_groups(labels, groups),
    )


def _weighted_slope(x: FloatArray, y: FloatArray, weights: ArrayLike) -> FloatArray:
    w = np.asarray(weights, dtype=float)
    total = w.sum(axis=1)
    dx = x - ((w @ x) / total)[:, None]
    dy = y - ((w @ y) / total)[:, None]
    spread = np.sum(w * dx**2, axis=1)
    # a resample may hold a single width, and rounding must not turn that into a slope
    safe = np.where(spread > 1e-9 * total, spread, np.nan)
    slope: FloatArray = np.sum(w * dx * dy, axis=1) / safe
    return slope


def _gap_medians(importances: pd.Series) -> dict[str, float]:
    gaps = [gap for gap in map(largest_gap, importances) if gap is not None]
    if not gaps:
        return {"gap_rank": np.nan, "gap_ratio": np.nan}
    return {
        "gap_rank": float(np.median([gap.rank for gap in gaps])),
        "gap_ratio": float(np.median([gap.ratio for gap in gaps])),
    }


def _relative_error(cell: pd.DataFrame) -> float:
    if not {"test_loss", "target_variance"} <= set(cell.columns):
        return float("nan")
    # A dead teacher's output does not vary, and no error is relative to it.
    variance = cell["target_variance"].replace(0.0, np.nan).to_numpy(dtype=float)
    return float(np.median(cell["test_loss"].to_numpy(dtype=float) / variance))
