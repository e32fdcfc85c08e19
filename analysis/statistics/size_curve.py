"""The effective size of each cell of a sweep over thresholds, and the threshold it justifies."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from sta.analysis.statistics.checks import CELL, finite_vector, trial_labels
from sta.analysis.statistics.importance import effective_size_curve
from sta.analysis.statistics.order_parameter import with_effective_size
from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.plateau import RESOLUTION, ThresholdGap, threshold_gap
from sta.analysis.statistics.resampling import Seed, bootstrap_mean
from sta.analysis.statistics.teachers import resampled_teachers, teacher_labels

THRESHOLDS = tuple(float(one) for one in np.round(np.geomspace(0.001, 0.9, 31), 5))


@dataclass(frozen=True)
class CellGap:
    """Which threshold the importances of one cell justify.

    Attributes
    ----------
    kind, teacher_width, student_width
        The cell of the sweep.
    gap
        The plateaus of its effective size.
    """

    kind: str
    teacher_width: int
    student_width: int
    gap: ThresholdGap

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def effective_size_curves(
    students: pd.DataFrame,
    thresholds: ArrayLike = THRESHOLDS,
    *,
    seed: Seed = 0,
    resamples: int = 1000,
) -> pd.DataFrame:
    """Mean effective size of each cell for every threshold.

    Parameters
    ----------
    students
        One row a student; students whose status is not "ok" are left out.
    thresholds
        Shares of a model's largest importance, shape (m,).
    seed, resamples
        Of the bootstrap over whole trials, by teacher if the cell has at least 3.

    Returns
    -------
    DataFrame
        kind, teacher_width, student_width, n_trials, n_teachers, threshold, mean, ci_low,
        ci_high (95 % interval of the mean, NaN below three trials) and unchanged, the share of
        students whose size is the same at the next higher threshold (NaN at the last).

    Raises
    ------
    ShapeError
        If a column is missing or an importance list is unusable.
    """
    kept = with_effective_size(students, 0.0)
    levels = np.sort(finite_vector(thresholds, "thresholds"))
    rng = np.random.default_rng(seed)
    parts = []
    for cell_key, cell in kept.groupby(list(CELL), sort=True):
        sizes = np.array([effective_size_curve(one, levels) for one in cell["importance"]])
        trials, teachers = trial_labels(cell), teacher_labels(cell)
        means = [
            bootstrap_mean(
                column, trials, seed=rng, resamples=resamples, groups=resampled_teachers(teachers)
            )
            for column in sizes.T
        ]
        intervals = np.array([one.ci95 or (np.nan, np.nan) for one in means])
        same = np.mean(sizes[:, 1:] == sizes[:, :-1], axis=0)
        columns = {
            **dict(zip(CELL, cell_key, strict=True)),
            "n_trials": len(set(trials)),
            "n_teachers": len(set(teachers)),
            "threshold": levels,
            "mean": [one.value for one in means],
            "ci_low": intervals[:, 0],
            "ci_high": intervals[:, 1],
            "unchanged": np.append(same, np.nan),
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def threshold_gaps(
    students: pd.DataFrame,
    *,
    floor: float = RESOLUTION,
    seed: int = 0,
    resamples: int = 1000,
    simulations: int = 2000,
) -> tuple[CellGap, ...]:
    """Find the threshold that the importances of each cell justify, if any.

    Parameters
    ----------
    students
        One row a student; students whose status is not "ok" are left out.
    floor, seed, resamples, simulations
        See `threshold_gap`; the seed is that of every cell.

    Returns
    -------
    tuple of CellGap
        By kind, teacher width and student width.

    Raises
    ------
    ShapeError, ConfigError
        As `threshold_gap`.
    """
    kept = with_effective_size(students, 0.0)
    return tuple(
        CellGap(
            str(kind),
            int(teacher),
            int(width),
            threshold_gap(
                list(cell["importance"]),
                teacher_labels(cell),
                floor=floor,
                seed=seed,
                resamples=resamples,
                simulations=simulations,
            ),
        )
        for (kind, teacher, width), cell in kept.groupby(list(CELL), sort=True)
    )
