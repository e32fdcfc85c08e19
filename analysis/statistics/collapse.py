"""From the tables of a sweep to order parameter, threshold and verdict."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sta.analysis.statistics.checks import CELL, usable_students
from sta.analysis.statistics.importance import effective_size_curve
from sta.analysis.statistics.order_parameter import (
    WidthSlope,
    effective_size_by_width,
    width_slope,
)
from sta.analysis.statistics.ramp import mean_ramp, pruning_cost, ramp_families
from sta.analysis.statistics.resampling import MIN_TRIALS, Estimate
from sta.analysis.statistics.sweep_fits import SweepFit, fit_sweep, preferred_threshold
from sta.analysis.statistics.verdict import (
    NO_COLLAPSE,
    NOT_ESTIMATED,
    CollapseResult,
    cost_sentence,
    first_kind_first,
    null_notes,
    size_sentence,
    threshold_sentence,
)
from sta.errors import ConfigError

CURVE_THRESHOLDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
UNDERFIT = 0.02


def collapse_sweep(
    students: pd.DataFrame,
    ramps: pd.DataFrame,
    *,
    seed: int = 0,
    threshold: float = 0.05,
    kind: str | None = None,
    resamples: int = 400,
) -> CollapseResult:
    """Measure the effective size, the ramps and the threshold of a sweep.

    Parameters
    ----------
    students, ramps
        The tables of a sweep; students whose status is not "ok" are left out and counted.
    seed
        Seed of all resampling.
    threshold
        Share of a model's largest importance above which a unit counts.
    kind
        The kind of student whose ramps give `estimates` and `threshold`; "spectral" if there
        is one, else the first by name.
    resamples
        Bootstrap resamples of whole trials for every fit.

    Returns
    -------
    CollapseResult
        With the added keys effective_size, ramp, fits (each student width alone) and pooled
        (one shape for all widths of a kind and teacher width); x is n_kept / teacher_width.

    Raises
    ------
    ShapeError
        If a column is missing, a value unusable, or no student is left.
    ConfigError
        If the threshold or the kind is not possible.
    """
    kept = usable_students(students)
    sizes = effective_size_by_width(students, threshold, seed=seed)
    slopes = width_slope(students, threshold, seed=seed)
    families = ramp_families(ramps, students)
    kind = _chosen_kind([family.kind for family in families], kind)
    cost = pruning_cost(ramps, students, seed=seed)
    fits = fit_sweep(families, seed=seed, resamples=resamples)

    found = preferred_threshold(kind, fits)
    estimates = {
        "x_c": found["x_c"],
        "inv_nu": NOT_ESTIMATED,
        "beta_over_nu": NOT_ESTIMATED,
        "beta": found["beta"],
    }
    details = {
        "effective_size": {
            "threshold": threshold,
            "by_width": sizes,
            "slope_per_octave": slopes,
            "curve": _size_curves(kept),
        },
        "ramp": {
            "x": "n_kept / teacher_width",
            "y": "mean delta_mse / mean delta_mse at n_kept = 0",
            "pruning_cost": cost,
            "mean": _ramp_arrays(mean_ramp(ramps, students, seed=seed)),
        },
        "fits": [row for one in fits for row in one.rows()],
        "pooled": list(fits),
    }
    return CollapseResult(
        estimates=estimates,
        identified=False,
        quality=_quality(students, kept, kind, fits),
        threshold=found,
        verdict=_verdict(kind, sizes, slopes, cost, fits),
        notes=tuple(_notes(students, kept, sizes, kind, fits, estimates)),
        details=details,
    )


def _chosen_kind(kinds: Sequence[str], wanted: str | None) -> str:
    known = sorted(set(kinds))
    if wanted is None:
        return "spectral" if "spectral" in known else known[0]
    if wanted not in known:
        raise ConfigError(f"kind is {wanted!r}: this sweep has ramps of {', '.join(known)}")
    return wanted


def _quality(
    students: pd.DataFrame, kept: pd.DataFrame, kind: str, fits: Sequence[SweepFit]
) -> dict[str, Any]:
    mine = [one for one in fits if one.family.kind == kind]
    return {
        "collapse": None,
        "n_students": len(kept),
        "n_excluded": len(students) - len(kept),
        "n_trials": min(one.family.curves.n_trials for one in mine),
        "r_squared": {
            str(one.family.teacher_width): {
                name: fit.r_squared for name, fit in one.fits.pooled.fits.items()
            }
            for one in mine
        },
    }


def _notes(
    students: pd.DataFrame,
    kept: pd.DataFrame,
    sizes: pd.DataFrame,
    kind: str,
    fits: Sequence[SweepFit],
    estimates: dict[str, Estimate],
) -> list[str]:
    notes = [NO_COLLAPSE, "quality.collapse: no scaling collapse is fitted"]
    notes += null_notes({name: estimates[name] for name in ("x_c", "beta")})
    lost = students[students["status"] != "ok"]
    for (name, status), group in lost.groupby(["kind", "status"], sort=True):
        notes.append(f"{len(group)} {name} students left out: status {status!r}")
    silent = set(kept["kind"]) - {one.family.kind for one in fits}
    notes += [f"{name} students have no ramps" for name in sorted(silent)]
    few = min(one.family.curves.n_trials for one in fits)
    if few < MIN_TRIALS:
        notes.append(f"some cells have {few} trials: no intervals below {MIN_TRIALS}")
    poor = sizes[sizes["relative_error"] > UNDERFIT]
    for _, row in poor.iterrows():
        notes.append(
            f"{row['kind']} students of width {row['student_width']} (teacher"
            f" {row['teacher_width']}) have a relative test error of"
            f" {row['relative_error']:.2g}: an effective size of underfitted students may not"
            " measure the teacher"
        )
    for one in fits:
        for test in one.fits.agreements:
            if test.outcome == "differ" and one.family.kind == kind:
                notes.append(
                    f"{kind} students of teacher width {one.family.teacher_width}: {test.parameter}"
                    f" differs between student widths (p = {test.p_value:.2g}), so one value for"
                    " all of them is a summary, not a law"
                )
        if one.family.kind == kind and len(one.family.curves.curves) == 1:
            notes.append(
                f"{kind} students of teacher width {one.family.teacher_width} have one width:"
                " nothing is said about other widths"
            )
    return notes


def _verdict(
    kind: str,
    sizes: pd.DataFrame,
    slopes: Sequence[WidthSlope],
    cost: pd.DataFrame,
    fits: Sequence[SweepFit],
) -> str:
    slope_of = {(one.kind, one.teacher_width): one for one in slopes}
    sentences = [
        size_sentence(rows, slope_of.get((name, int(teacher))))
        for name in first_kind_first(set(sizes["kind"]), kind)
        for teacher, rows in sizes[sizes["kind"] == name].groupby("teacher_width", sort=True)
    ]
    sentences.append(cost_sentence(cost, kind))
    for name in first_kind_first({one.family.kind for one in fits}, kind):
        mine = [one.family.curves.n_trials for one in fits if one.family.kind == name]
        found = preferred_threshold(name, fits)
        sentences.append(threshold_sentence(f"Ramp of {name} students", found, min(mine)))
    sentences.append("Separate exponents 1/nu and beta/nu are not estimated.")
    return " ".join(sentence for sentence in sentences if sentence)


def _size_curves(kept: pd.DataFrame) -> list[dict[str, Any]]:
    """Mean effective size of each cell over thresholds."""
    curves = []
    for cell, group in kept.groupby(list(CELL), sort=True):
        counts = [effective_size_curve(one, CURVE_THRESHOLDS) for one in group["importance"]]
        curves.append(
            {
                **dict(zip(CELL, cell, strict=True)),
                "thresholds": CURVE_THRESHOLDS,
                "mean": np.mean(counts, axis=0),
            }
        )
    return curves


def _ramp_arrays(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Mean ramps as one record of arrays a cell."""
    columns = ["n_kept", "x", "y", "se", "ci_low", "ci_high"]
    return [
        {
            **dict(zip(CELL, cell, strict=True)),
            "n_trials": int(group["n_trials"].iloc[0]),
            **{name: group[name].to_numpy() for name in columns},
        }
        for cell, group in table.groupby(list(CELL), sort=True)
    ]
