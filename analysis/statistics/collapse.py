"""From the tables of a sweep to order parameter, threshold and verdict."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sta.analysis.statistics.checks import CELL, usable_students
from sta.analysis.statistics.claim import Claim, claim_transition
from sta.analysis.statistics.importance import effective_size_curve
from sta.analysis.statistics.kind_pairs import kind_pairs
from sta.analysis.statistics.many import arrange
from sta.analysis.statistics.order_parameter import (
    WidthSlope,
    effective_size_by_width,
    width_slope,
)
from sta.analysis.statistics.ramp import mean_ramp, pruning_cost, ramp_families
from sta.analysis.statistics.ranking_nulls import ranking_nulls
from sta.analysis.statistics.resampling import MIN_TRIALS
from sta.analysis.statistics.scaling.master import Corrections
from sta.analysis.statistics.scaling_nulls import scaling_nulls
from sta.analysis.statistics.single_thread import single_threaded
from sta.analysis.statistics.size_curve import threshold_gaps
from sta.analysis.statistics.sweep_fits import SweepFit, fit_sweep, preferred_threshold
from sta.analysis.statistics.sweep_scaling import (
    Size,
    scaling_curves,
    scaling_size,
    size_agreement,
    teacher_agreements,
)
from sta.analysis.statistics.transition.cumulants import cumulants
from sta.analysis.statistics.transition.spread import pseudo_critical_scaling
from sta.analysis.statistics.verdict import (
    CollapseResult,
    cost_sentence,
    first_kind_first,
    gap_sentence,
    null_notes,
    null_sentences,
    pair_sentences,
    size_sentence,
    teacher_sentences,
    threshold_sentence,
)
from sta.errors import ConfigError

CURVE_THRESHOLDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
UNDERFIT = 0.02


@single_threaded
def collapse_sweep(
    students: pd.DataFrame,
    ramps: pd.DataFrame,
    *,
    seed: int = 0,
    threshold: float = 0.05,
    kind: str | None = None,
    resamples: int = 400,
    size: Size | None = None,
    rankings: pd.DataFrame | None = None,
    corrections: Corrections = "auto",
    window: float | None = None,
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
    size
        What is the size L of the scaling collapse, "teacher_width" or "student_width"; the
        teacher's width if the sweep has several.
    rankings
        Ramps of the same students whose units are removed in other orders, and of the teachers
        themselves, as `sta.sweep.ranked_ramps` makes them: the null hypotheses.
    corrections, window
        Of the collapse; see `fit_collapse`.

    Returns
    -------
    CollapseResult
        With the added keys effective_size, ramp, fits (each student width alone) and pooled
        (one shape for all widths of a kind and teacher width), transition, tests, collapse and
        order (see `Claim`), pseudo_critical, scaling_nulls, teachers, teacher_widths, nulls, pairs
        and cumulants; x is n_kept / teacher_width.

    Raises
    ------
    ShapeError
        If a column is missing, a value unusable, or no student is left.
    ConfigError
        If the threshold or the kind is not possible.
    """
    arranged = arrange(students, ramps)
    students, ramps, means = arranged.students, arranged.ramps, arranged.mean_ramps
    first, first_ramps = arranged.first_students, arranged.first_ramps
    kept = usable_students(students)
    sizes = effective_size_by_width(students, threshold, seed=seed)
    slopes = width_slope(students, threshold, seed=seed)
    families = ramp_families(means, students)
    kind = _chosen_kind([family.kind for family in families], kind)
    cost = pruning_cost(ramps, students, seed=seed)
    fits = fit_sweep(families, seed=seed, resamples=resamples)

    found = preferred_threshold(kind, fits)
    size = scaling_size(families, kind, size)
    curves = scaling_curves(families, kind, size)
    claim = claim_transition(curves, found, corrections=corrections, window=window, seed=seed)
    alone = families if means is ramps else ramp_families(first_ramps, first)
    scatter = scaling_curves(alone, kind, size)
    rounding = pseudo_critical_scaling(scatter, seed=seed)
    nulls = () if rankings is None else ranking_nulls(rankings, seed=seed, resamples=resamples)
    details = {
        "size": size,
        "transition": claim.transition,
        "tests": claim.tests,
        "collapse": claim.collapse,
        "logarithm": claim.logarithm,
        "order": claim.order,
        "pseudo_critical": rounding,
        "scaling_nulls": scaling_nulls(claim, rounding, seed=seed),
        "teachers": teacher_agreements(families, seed=seed, resamples=resamples),
        "teacher_widths": size_agreement(fits, kind),
        "nulls": nulls,
        "pairs": kind_pairs(kept, ramps, kind, threshold, seed=seed),
        "cumulants": cumulants(scatter, seed=seed),
        "effective_size": {
            "threshold": threshold,
            "by_width": sizes,
            "slope_per_octave": slopes,
            "curve": _size_curves(kept),
            "gaps": threshold_gaps(first, seed=seed),
        },
        "ramp": {
            "x": "n_kept / teacher_width",
            "y": "mean delta_mse / mean delta_mse at n_kept = 0",
            "pruning_cost": cost,
            "mean": _ramp_arrays(mean_ramp(means, students, seed=seed)),
        },
        "fits": [row for one in fits for row in one.rows()],
        "pooled": list(fits),
    }
    return CollapseResult(
        estimates=claim.estimates,
        identified=claim.identified,
        quality={
            **_quality(students, kept, kind, fits),
            "collapse": None if claim.collapse is None else claim.collapse.quality,
        },
        threshold=found,
        verdict=_verdict(kind, sizes, slopes, cost, fits, details, claim),
        notes=(
            *_notes(students, kept, sizes, kind, fits, claim),
            *filter(None, [arranged.note]),
        ),
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
    claim: Claim,
) -> list[str]:
    notes = null_notes(claim.estimates)
    if claim.collapse is None:
        notes.append("quality.collapse: no scaling collapse could be fitted")
    else:
        notes += claim.collapse.cautions
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
    details: Mapping[str, Any],
    claim: Claim,
) -> str:
    slope_of = {(one.kind, one.teacher_width): one for one in slopes}
    sentences = [
        size_sentence(rows, slope_of.get((name, int(teacher))))
        for name in first_kind_first(set(sizes["kind"]), kind)
        for teacher, rows in sizes[sizes["kind"] == name].groupby("teacher_width", sort=True)
    ]
    sentences.append(gap_sentence(details["effective_size"]["gaps"], kind))
    sentences += pair_sentences(details["pairs"])
    sentences.append(cost_sentence(cost, kind))
    for name in first_kind_first({one.family.kind for one in fits}, kind):
        mine = [one.family.curves.n_trials for one in fits if one.family.kind == name]
        found = preferred_threshold(name, fits)
        sentences.append(threshold_sentence(f"Ramp of {name} students", found, min(mine)))
    sentences.append(claim.sentence)
    sentences += teacher_sentences(details["teachers"], details["teacher_widths"], kind)
    sentences += null_sentences(details["nulls"])
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
