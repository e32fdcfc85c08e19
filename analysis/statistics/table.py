"""Threshold fits of any tidy table: one row a size, x and trial."""

from dataclasses import replace

import numpy as np
import pandas as pd

from sta.analysis.statistics.checks import require_columns
from sta.analysis.statistics.curves import Curve, CurveSet, pivot, thin
from sta.analysis.statistics.family import FamilyFits, fit_family
from sta.analysis.statistics.plain import plain
from sta.analysis.statistics.resampling import MIN_TRIALS, Estimate, FloatArray
from sta.analysis.statistics.threshold import ModelFit, ModelFits
from sta.analysis.statistics.verdict import (
    NO_COLLAPSE,
    NOT_ESTIMATED,
    CollapseResult,
    null_notes,
    threshold_sentence,
)
from sta.errors import ShapeError

ONE_CURVE = "0"


def collapse_table(
    table: pd.DataFrame,
    x: str,
    y: str,
    size: str,
    trial: str | None = None,
    error: str | None = None,
    *,
    seed: int = 0,
    resamples: int = 400,
) -> CollapseResult:
    """Fit a threshold and smooth models to curves y(x) of several sizes.

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
    seed, resamples
        Of the bootstrap over whole trials.

    Returns
    -------
    CollapseResult
        With the added keys fits (each size alone) and pooled (one shape for all sizes).

    Raises
    ------
    ShapeError
        If a column is missing or not numeric, a size, x and trial occurs twice, an error is
        negative, or no row is left.
    """
    notes = [NO_COLLAPSE, "quality.collapse: no scaling collapse is fitted"]
    rows = _rows(table, {"x": x, "y": y, "size": size, "error": error}, trial, notes)
    sign = _direction(rows)
    if sign < 0:
        notes.append(f"{y} rises with {x}: fitted in -{x}, parameters given in {x}")
    curves = _curves(rows, sign, trial is not None, notes)
    fits = fit_family(curves, seed=seed, resamples=resamples)
    if sign < 0:
        fits = _reflected(fits)

    choice = fits.choice
    x_c, beta = fits.parameter("x_c"), fits.parameter("beta")
    found = {"model": choice.preferred, "x_c": x_c, "beta": beta, "message": choice.message}
    estimates = {
        "x_c": x_c,
        "inv_nu": NOT_ESTIMATED,
        "beta_over_nu": NOT_ESTIMATED,
        "beta": beta,
    }
    notes += null_notes({"x_c": x_c, "beta": beta})
    notes += _cautions(curves)
    return CollapseResult(
        estimates=estimates,
        identified=False,
        quality={
            "collapse": None,
            "n_rows": len(rows),
            "n_excluded": len(table) - len(rows),
            "n_trials": curves.n_trials,
            "r_squared": {name: fit.r_squared for name, fit in fits.pooled.fits.items()},
        },
        threshold=found,
        verdict=threshold_sentence(f"{y} against {x}", found, curves.n_trials)
        + " Separate exponents 1/nu and beta/nu are not estimated.",
        notes=tuple(notes),
        details={
            "fits": [{"size": size, **plain(fit)} for size, fit in fits.by_size.items()],
            "pooled": {"sizes": list(fits.by_size), **fits.to_dict()},
        },
    )


def _rows(
    table: pd.DataFrame, names: dict[str, str | None], trial: str | None, notes: list[str]
) -> pd.DataFrame:
    """Numeric columns x, y, size, error, and trial, of the rows that are complete."""
    given = {role: name for role, name in names.items() if name is not None}
    require_columns(table, [*given.values(), *([trial] if trial else [])], "input")
    rows = pd.DataFrame({role: _numbers(table[name], name) for role, name in given.items()})
    rows["trial"] = table[trial].to_numpy() if trial else ONE_CURVE
    complete = np.isfinite(rows[list(given)].to_numpy()).all(axis=1) & rows["trial"].notna()
    if not complete.all():
        notes.append(f"{int((~complete).sum())} of {len(rows)} rows left out: a value is missing")
    rows = rows[complete].reset_index(drop=True)
    if rows.empty:
        raise ShapeError(f"no row of {len(table)} has a number in each of {', '.join(given)}")
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


def _direction(rows: pd.DataFrame) -> int:
    """+1 if y falls with x, -1 if it rises: the sign of the mean within-size covariance."""
    centred = rows[["x", "y"]] - rows.groupby("size")[["x", "y"]].transform("mean")
    return -1 if float((centred["x"] * centred["y"]).sum()) > 0.0 else 1


def _curves(rows: pd.DataFrame, sign: int, replicated: bool, notes: list[str]) -> CurveSet:
    trials = tuple(sorted(rows["trial"].unique().tolist(), key=repr))
    curves = []
    for size, cell in rows.groupby("size", sort=True):
        where, labels = sign * cell["x"].to_numpy(), cell["trial"].tolist()
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
    return CurveSet(tuple(curves), trials, replicated)


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


def _reflected(fits: FamilyFits) -> FamilyFits:
    """Return the same fits with x in place of -x."""
    turned = []
    for one in fits.agreements:
        if one.parameter == "x_c":
            common, values = _negative(one.common), tuple(-value for value in one.values)
            turned.append(replace(one, common=common, values=values))
        else:
            turned.append(one)
    return replace(
        fits,
        by_size={size: _reflected_models(one) for size, one in fits.by_size.items()},
        pooled=_reflected_models(fits.pooled),
        agreements=tuple(turned),
    )


def _reflected_models(models: ModelFits) -> ModelFits:
    return replace(models, fits={name: _reflected_fit(fit) for name, fit in models.fits.items()})


def _reflected_fit(fit: ModelFit) -> ModelFit:
    swap = {"x_c high": "x_c low", "x_c low": "x_c high", "x_m high": "x_m low"}
    places = {"x_c", "x_m"}
    return replace(
        fit,
        parameters={
            name: _negative(one) if name in places else one for name, one in fit.parameters.items()
        },
        pinned=tuple(swap.get(name, name) for name in fit.pinned),
        x_range=None if fit.x_range is None else (-fit.x_range[1], -fit.x_range[0]),
        replicates={
            name: -draws if name in places else draws for name, draws in fit.replicates.items()
        },
    )


def _negative(estimate: Estimate) -> Estimate:
    ci95 = None if estimate.ci95 is None else (-estimate.ci95[1], -estimate.ci95[0])
    value = None if estimate.value is None else -estimate.value
    return replace(estimate, value=value, ci95=ci95)
