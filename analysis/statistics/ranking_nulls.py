"""Ramps under other rankings: what a threshold in the students' own ramps is compared with."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sta.analysis.statistics.checks import RAMP_COLUMNS, require_columns
from sta.analysis.statistics.curves import Curve, CurveSet, pivot
from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.resampling import Estimate
from sta.analysis.statistics.threshold.fit import fit_models

REACH = 2.0


@dataclass(frozen=True)
class RankingNull:
    """The ramps of one kind of network whose units are removed in one order.

    Attributes
    ----------
    who
        In words, without the teacher's width.
    ranking, kind, teacher_width
        Which ramps.
    model
        The model that the trials prefer; "undecided" below 3 trials.
    rate, x_c, beta
        b of the exponential; x_c and beta of the threshold.
    at_teacher_size
        Mean of Delta(h_T) / mean of Delta(0).
    n_trials
        Networks.
    """

    who: str
    ranking: str
    kind: str
    teacher_width: int
    model: str
    rate: Estimate
    x_c: Estimate
    beta: Estimate
    at_teacher_size: float | None
    n_trials: int

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def ranking_nulls(
    rankings: pd.DataFrame, *, seed: int = 0, resamples: int = 200
) -> tuple[RankingNull, ...]:
    """Fit the models to the mean ramp of every ranking, kind and teacher width.

    Parameters
    ----------
    rankings
        Ramps with a column ranking; see `sta.sweep.ranked_ramps`.  Of several student widths
        the widest is taken.
    seed, resamples
        Of the bootstrap over whole trials.

    Raises
    ------
    ShapeError
        If a column is missing.
    """
    require_columns(rankings, [*RAMP_COLUMNS, "ranking"], "rankings")
    found = []
    for (ranking, kind, teacher), cell in rankings.groupby(
        ["ranking", "kind", "teacher_width"], sort=True
    ):
        widest = cell[cell["student_width"] == cell["student_width"].max()]
        curves = _curves(widest, int(teacher))
        found.append(_null(str(ranking), str(kind), int(teacher), curves, seed, resamples))
    return tuple(found)


def _curves(cell: pd.DataFrame, teacher: int) -> CurveSet:
    labels: list[Hashable] = list(zip(cell["teacher_seed"], cell["trial"], strict=True))
    trials = tuple(sorted(set(labels), key=repr))
    n_kept, values = pivot(
        labels,
        cell["n_kept"].to_numpy(dtype=float),
        cell["delta_mse"].to_numpy(dtype=float),
        trials,
    )
    curve = Curve(float(teacher), n_kept / teacher, values, values[:, 0])
    return CurveSet((curve.select(curve.x <= REACH + 1e-9),), trials)


def _null(
    ranking: str, kind: str, teacher: int, curves: CurveSet, seed: int, resamples: int
) -> RankingNull:
    fits = fit_models(curves, resamples=resamples, seed=seed)
    curve = curves.curves[0]
    at = np.flatnonzero(np.isclose(curve.x, 1.0))
    mean = np.nanmean(curve.values, axis=0) / np.nanmean(curve.norm)
    who = "teachers' own units" if ranking == "teacher" else f"{kind} students, {ranking} ranking"
    nothing = Estimate(reason="the model could not be fitted")
    sharp, smooth = fits.fits["threshold"], fits.fits["exponential"]
    return RankingNull(
        who,
        ranking,
        kind,
        teacher,
        fits.comparison.preferred,
        smooth.parameters.get("b", nothing),
        sharp.parameters.get("x_c", nothing),
        sharp.parameters.get("beta", nothing),
        float(mean[at[0]]) if at.size else None,
        curves.n_trials,
    )
