"""Threshold fits of any tidy table: one row a size, x and trial."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from sta.analysis.statistics.batches import batched, first_trials
from sta.analysis.statistics.checks import require_columns
from sta.analysis.statistics.claim import Claim, claim_transition
from sta.analysis.statistics.curves import Curve, CurveSet, pivot, thin
from sta.analysis.statistics.estimate import quotable
from sta.analysis.statistics.plain import plain
from sta.analysis.statistics.resampling import MIN_TRIALS, FloatArray
from sta.analysis.statistics.scaling.master import Corrections
from sta.analysis.statistics.scaling.universality import compare_groups
from sta.analysis.statistics.scaling_nulls import scaling_nulls
from sta.analysis.statistics.single_thread import single_threaded
from sta.analysis.statistics.teachers import resampled_teachers
from sta.analysis.statistics.threshold.family import fit_family
from sta.analysis.statistics.threshold.reflection import falls, mirrored, reflected
from sta.analysis.statistics.transition.cumulants import cumulants
from sta.analysis.statistics.transition.spread import pseudo_critical_scaling
from sta.analysis.statistics.verdict import (
    CollapseResult,
    null_notes,
    threshold_sentence,
)
from sta.errors import ShapeError

ONE_CURVE = "0"
MOST_TRIALS = 400
MOST_FOR_DISTRIBUTIONS = 2000


def collapse_table(
    table: pd.DataFrame,
    x: str,
    y: str,
    size: str,
    trial: str | None = None,
    error: str | None = None,
    group: str | None = None,
    *,
    corrections: Corrections = "auto",
    window: float | None = None,
    seed: int = 0,
    resamples: int = 400,
) -> CollapseResult:
    """Fit thresholds and a scaling collapse to curves y(x) of several sizes.

    Parameters
    ----------
    table
        One row a size, x and trial; rows with a missing number are left out and counted.
    x, y, size
        Names of the columns. A y that rises with x is fitted in -x, and x_c given in x.
    trial
        Column of the unit of replication; without it there is one curve a size.
    error
        Column of standard errors of y; they weigh the points, and without trials they also
        give the intervals, as if the points were independent.
    group
        Column of the higher level, such as the teacher, to which a trial belongs: it is resampled
        first (from 3 groups on), and whether groups share their exponents is tested.
    corrections, window
        Of the collapse; see `fit_collapse`.
    seed, resamples
        Of the bootstrap over whole trials.

    Returns
    -------
    CollapseResult
        With the added keys transition, tests, collapse, order, pseudo_critical, fits (each size
        alone), pooled (one shape for all sizes) and universality (of the groups).

    Raises
    ------
    ShapeError
        If a column is missing or not numeric, a size, x and trial occurs twice, an error is
        negative, or no row is left.
    """
    notes: list[str] = []
    rows = _rows(table, {"x": x, "y": y, "size": size, "error": error}, trial, group, notes)
    curves = _curves(rows, trial is not None, notes)
    if not falls(curves):
        notes.append(f"{y} rises with {x}: thresholds are fitted in -{x} and given in {x}")
    result = collapse_curves(
        curves, f"{y} against {x}", corrections=corrections, window=window, seed=seed,
        resamples=resamples,
    )  # fmt: skip
    quality = {**result.quality, "n_rows": len(rows), "n_excluded": len(table) - len(rows)}
    details, verdict = result.details, result.verdict
    if group is not None:
        parts = {str(name): part for name, part in rows.groupby("group", sort=True)}
        each = {name: _curves(part, trial is not None, []) for name, part in parts.items()}
        shared, sentence = compare_groups(each, corrections=corrections, seed=seed)
        details, verdict = {**details, "universality": shared}, f"{verdict} {sentence}"
    notes += [*result.notes, *_cautions(curves)]
    return replace(result, quality=quality, details=details, verdict=verdict, notes=tuple(notes))


@single_threaded
def collapse_curves(
    curves: CurveSet,
    name: str,
    *,
    corrections: Corrections = "auto",
    window: float | None = None,
    seed: int = 0,
    resamples: int = 400,
) -> CollapseResult:
    """Fit thresholds and a scaling collapse to curves, and say what may be claimed.

    Parameters
    ----------
    curves
        Curves of one or more sizes; y may fall or rise with x.
    name
        What the curves are, for the verdict.
    corrections, window
        Of the collapse; see `fit_collapse`.
    seed, resamples
        Of the bootstrap over whole trials.

    Notes
    -----
    More than 400 trials are averaged in batches, which are trials again; what hangs on the
    distribution over trials, such as cumulants, is measured on the first 2000.
    """
    some, curves = first_trials(curves, MOST_FOR_DISTRIBUTIONS), batched(curves, MOST_TRIALS)
    falling = falls(curves)
    fits = fit_family(curves if falling else mirrored(curves), seed=seed, resamples=resamples)
    if not falling:
        fits = reflected(fits)
    choice = fits.choice
    found = {
        "model": choice.preferred,
        "x_c": quotable(fits.parameter("x_c")),
        "beta": quotable(fits.parameter("beta")),
        "message": choice.message,
    }
    claim = claim_transition(
        curves, found, corrections=corrections, window=window, seed=seed, distribution=some
    )
    rounding = pseudo_critical_scaling(some, seed=seed)
    return CollapseResult(
        estimates=claim.estimates,
        identified=claim.identified,
        quality={
            "collapse": None if claim.collapse is None else claim.collapse.quality,
            "n_trials": curves.n_trials,
            "r_squared": {model: fit.r_squared for model, fit in fits.pooled.fits.items()},
        },
        threshold=found,
        verdict=" ".join([claim.sentence, *_about_threshold(claim, name, found, curves)]),
        notes=(
            *null_notes(claim.estimates),
            *(() if claim.collapse is None else claim.collapse.cautions),
        ),
        details={
            "transition": claim.transition,
            "tests": claim.tests,
            "collapse": claim.collapse,
            "logarithm": claim.logarithm,
            "order": claim.order,
            "pseudo_critical": rounding,
            "cumulants": cumulants(some, seed=seed),
            "scaling_nulls": scaling_nulls(claim, rounding, seed=seed),
            "fits": [{"size": size, **plain(fit)} for size, fit in fits.by_size.items()],
            "pooled": {"sizes": list(fits.by_size), **fits.to_dict()},
        },
    )


def _rows(
    table: pd.DataFrame,
    names: dict[str, str | None],
    trial: str | None,
    group: str | None,
    notes: list[str],
) -> pd.DataFrame:
    """Numeric columns x, y, size, error, and trial and group, of the rows that are complete."""
    given = {role: name for role, name in names.items() if name is not None}
    labels = {"trial": trial, "group": group}
    require_columns(table, [*given.values(), *(name for name in labels.values() if name)], "input")
    rows = pd.DataFrame({role: _numbers(table[name], name) for role, name in given.items()})
    for role, name in labels.items():
        rows[role] = table[name].to_numpy() if name else ONE_CURVE
    complete = np.isfinite(rows[list(given)].to_numpy()).all(axis=1)
    complete &= (rows["trial"].notna() & rows["group"].notna()).to_numpy()
    if not complete.all():
        notes.append(f"{int((~complete).sum())} of {len(rows)} rows left out: a value is missing")
    rows = rows[complete].reset_index(drop=True)
    if rows.empty:
        raise ShapeError(f"no row of {len(table)} has a number in each of {', '.join(given)}")
    if group is not None:
        rows["trial"] = list(zip(rows["group"], rows["trial"], strict=True))
    twice = rows[rows.duplicated(["size", "x", "trial"])]
    if len(twice):
        where = f"size {twice['size'].iloc[0]:g}, x {twice['x'].iloc[0]:g}"
        mend = "average them" if trial else "name the column that tells trials apart"
        raise ShapeError(f"{where} occurs twice in a trial: {mend}")
    if "error" in rows and (rows["error"] < 0).any():
        raise ShapeError(f"{given['error']} {rows['error'].min():g} is negative: give sd of y")
    return rows


def _numbers(column: pd.Series, name: str) -> FloatArray:
    try:
        return np.asarray(column.to_numpy(dtype=float, na_value=np.nan), dtype=float)
    except (TypeError, ValueError):
        wrong = column[pd.to_numeric(column, errors="coerce").isna() & column.notna()]
        example = wrong.iloc[0] if len(wrong) else column.iloc[0]
        raise ShapeError(f"column {name!r} holds {example!r}: give numbers") from None


def _about_threshold(
    claim: Claim, name: str, found: Mapping[str, Any], curves: CurveSet
) -> list[str]:
    """Say what the threshold fits found, unless sizes collapse, which rounds any threshold."""
    if claim.ground in ("collapse", "logarithm"):
        return []
    return [threshold_sentence(name, found, curves.n_trials)]


def _curves(rows: pd.DataFrame, replicated: bool, notes: list[str]) -> CurveSet:
    trials = tuple(sorted(rows["trial"].unique().tolist(), key=repr))
    curves = []
    for size, cell in rows.groupby("size", sort=True):
        where, labels = cell["x"].to_numpy(), cell["trial"].tolist()
        grid, values = pivot(labels, where, cell["y"].to_numpy(), trials)
        there = np.isfinite(values)
        error = None
        if "error" in cell:
            _, spread = pivot(labels, where, cell["error"].to_numpy() ** 2, trials)
            error = np.sqrt(np.nansum(spread, axis=0)) / there.sum(axis=0)
        norm = np.where(there.any(axis=1), 1.0, np.nan)
        curve = Curve(float(size), grid, values, norm, error)
        curves.append(curve.select(thin(grid.size, grid.size)))
        if replicated and there.mean() < 0.5 * there.any(axis=1).mean():
            notes.append(f"size {size:g}: trials hardly share values of x; intervals are rough")
    owner = dict(zip(rows["trial"], rows["group"], strict=True))
    groups = resampled_teachers([owner[label] for label in trials]) if replicated else ()
    return CurveSet(tuple(curves), trials, replicated, groups)


def _cautions(curves: CurveSet) -> list[str]:
    notes = []
    if not curves.replicated:
        if all(curve.error is not None for curve in curves.curves):
            notes.append("no trials: intervals take the points of a curve as independent")
        else:
            notes.append("no trials and no errors: no intervals, and models are not compared")
    elif curves.n_trials < MIN_TRIALS:
        notes.append(f"{curves.n_trials} trials at some size: no intervals below {MIN_TRIALS}")
    if len(curves.curves) == 1:
        notes.append("one size: nothing is said about other sizes")
    return notes
