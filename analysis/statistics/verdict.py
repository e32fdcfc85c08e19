"""The result of `sta collapse`, and its verdict in plain words.

A sentence states what was measured on these students and with what interval; it names a
preference between models only where the trials decide, and says what was not tested.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from sta.analysis.statistics.agreement import Agreement
from sta.analysis.statistics.curves import FLOOR
from sta.analysis.statistics.importance import CLEAR_GAP
from sta.analysis.statistics.kind_pairs import MEASURES, KindPair
from sta.analysis.statistics.order_parameter import WidthSlope
from sta.analysis.statistics.paired_difference import PairedDifference
from sta.analysis.statistics.plain import plain
from sta.analysis.statistics.ranking_nulls import RankingNull
from sta.analysis.statistics.resampling import Estimate
from sta.analysis.statistics.size_curve import CellGap
from sta.analysis.statistics.sweep_scaling import TeacherAgreement
from sta.analysis.statistics.words import number, show

FORMAT = "sta.collapse/1"
SMOOTH_NAMES = {
    "exponential": "an exponential",
    "stretched": "a stretched exponential",
    "crossover": "a logistic crossover",
}
SMOOTH = ", ".join(SMOOTH_NAMES.values())
NO_EVIDENCE = f"no evidence for a sharp threshold above {FLOOR:.0%} of the curve's range"


@dataclass(frozen=True)
class CollapseResult:
    """What `sta collapse` prints.

    Attributes
    ----------
    estimates
        x_c, beta, inv_nu and beta_over_nu of y = L^(-beta/nu) F((x - x_c) L^(1/nu)), x_c in the
        unit of x (units kept over the teacher's width, for a sweep).
    identified
        Whether the exponents 1/nu and beta/nu are told apart by the data.
    quality
        Numbers by which to judge the data and the fits.
    threshold
        The preferred model of the curves ("threshold", "exponential", "stretched",
        "crossover", "none" if no threshold lies in the window, "undecided"), x_c and beta.
    verdict
        Plain words.
    notes
        Reasons for every null, and cautions.
    details
        Further keys of `to_dict`.
    """

    estimates: Mapping[str, Estimate]
    identified: bool
    quality: Mapping[str, Any]
    threshold: Mapping[str, Any]
    verdict: str
    notes: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object of format "sta.collapse/1": plain values, no NaN."""
        converted: dict[str, Any] = plain(
            {
                "format": FORMAT,
                "estimates": self.estimates,
                "identified": self.identified,
                "quality": self.quality,
                "threshold": self.threshold,
                "verdict": self.verdict,
                "notes": self.notes,
                **self.details,
            }
        )
        return converted


def null_notes(estimates: Mapping[str, Estimate]) -> list[str]:
    """Return a note for every estimate that lacks a value or an interval."""
    return [f"{name}: {one.reason}" for name, one in estimates.items() if one.reason]


def first_kind_first(kinds: Collection[str], first: str) -> list[str]:
    """Sort the kinds by name, `first` before all others."""
    return sorted(kinds, key=lambda kind: (kind != first, kind))


def size_sentence(table: pd.DataFrame, slope: WidthSlope | None) -> str:
    """Say how many units the students of one kind and teacher width keep.

    Parameters
    ----------
    table
        The rows of `effective_size_by_width` of this kind and teacher width.
    slope
        Its `width_slope`, if any.
    """
    first = table.iloc[0]
    teacher = int(first["teacher_width"])
    wide = table[table["student_width"] >= teacher]
    rows = wide if len(wide) else table
    name = str(first["kind"])
    who = f"{name[:1].upper()}{name[1:]} students of a teacher of {teacher}"
    spans = _span(rows["student_width"].to_numpy(), "h = ")
    if (rows["share"] >= 0.8).all():
        share = _span((100 * rows["share"]).round().to_numpy())
        text = f"{who} keep {share} % of their h units ({spans})"
    else:
        text = f"{who} keep {_means(rows)} ({spans})"
    if slope is not None and slope.slope.value is not None:
        text += f", {show(slope.slope, 2)} more per doubling of h"
    ratio = float(rows["gap_ratio"].median())
    if ratio >= CLEAR_GAP:
        text += (
            f"; importance falls most after unit {_span(rows['gap_rank'].to_numpy())}"
            f" (factor {ratio:.2g})"
        )
    error = rows["relative_error"].to_numpy(dtype=float)
    if np.isfinite(error).any():
        text += f"; relative test error {_span(error, digits=2)}"
    return text + "."


def cost_sentence(table: pd.DataFrame, first: str) -> str:
    """Say what pruning to the teacher's size costs; nothing if no student is wider."""
    wider = table[table["student_width"] > table["teacher_width"]] if len(table) else table
    parts = []
    for kind in first_kind_first(set(wider["kind"]), first) if len(wider) else ():
        rows = wider[wider["kind"] == kind]
        cost = _span(rows["cost_median"].to_numpy(), digits=2)
        ratio = _span(rows["error_ratio_median"].to_numpy(), digits=2)
        parts.append(f"{cost} of the ramp for {kind} students ({ratio} times their own error)")
    return f"Pruning to the teacher's size costs {', '.join(parts)}." if parts else ""


def threshold_sentence(who: str, threshold: Mapping[str, Any], n_trials: int) -> str:
    """Say which model describes the curves, and no more than the trials support."""
    model, x_c, beta = threshold["model"], threshold["x_c"], threshold["beta"]
    numbers = f"x_c = {show(x_c)}, beta = {show(beta)}"
    if model == "threshold":
        return (
            f"{who}: a threshold at {numbers} predicts unseen trials better than each smooth"
            f" model that was tried ({SMOOTH}; {n_trials} trials)."
        )
    if model in SMOOTH_NAMES:
        return (
            f"{who}: {SMOOTH_NAMES[model]} predicts unseen trials better than a threshold:"
            f" {NO_EVIDENCE}."
        )
    if model == "none":
        return f"{who}: {threshold['message']}."
    held = f"; if there is one, {numbers}" if x_c.value is not None else ""
    return (
        f"{who}: undecided between a threshold and a smooth model ({threshold['message']}):"
        f" {NO_EVIDENCE}{held}."
    )


def teacher_sentences(
    teachers: Sequence[TeacherAgreement], widths: Agreement | None, kind: str
) -> list[str]:
    """Say whether teachers of one width, and teacher widths, share the rate of the exponential."""
    sentences = []
    mine = [one for one in teachers if one.kind == kind and one.rate.p_value is not None]
    if mine:
        parts = [
            f"{_span(one.rate.values)} for h_T = {one.teacher_width} (p = {one.rate.p_value:.2g})"
            for one in mine
        ]
        differ = [one for one in mine if one.rate.outcome == "differ"]
        words = "differ" if differ else "are not told apart"
        sentences.append(f"Teachers of one width {words}: the rate b is {', '.join(parts)}.")
    if widths is not None and widths.p_value is not None:
        words = "differ in b" if widths.outcome == "differ" else "are not told apart by b"
        sentences.append(f"Teacher widths {words} (p = {widths.p_value:.2g}).")
    return sentences


def pair_sentences(pairs: Sequence[KindPair]) -> list[str]:
    """Say by how much kinds differ in effective size, trial by trial, at the widest students."""
    widest = {(one.second, one.teacher_width): one for one in pairs}
    parts: dict[str, list[str]] = {}
    for one in widest.values():
        size = one.differences.get(MEASURES[0])
        if size is not None and size.p_value is not None:
            parts.setdefault(f"{one.first} minus {one.second}", []).append(
                f"{show(size.difference, 2)} units for h_T = {one.teacher_width},"
                f" h = {one.student_width} ({_p_words(size)})"
            )
    return [
        f"Effective size, {who}, paired by trial: {'; '.join(found)}."
        for who, found in parts.items()
    ]


def _p_words(test: PairedDifference) -> str:
    least = test.p_value is not None and test.p_value == test.smallest_p
    units = f"{test.n_groups} teachers" if test.level == "group" else f"{test.n_pairs} pairs"
    return f"p = {test.p_value:.2g}" + (f", the least that {units} can give" if least else "")


def gap_sentence(gaps: Sequence[CellGap], kind: str) -> str:
    """Say where a gap in the importances of one kind justifies a threshold."""
    mine = [one for one in gaps if one.kind == kind]
    found = [one for one in mine if one.gap.recommended is not None]
    if not found:
        return f"No gap in the importances of {kind} students justifies a threshold."
    parts = []
    for one in found:
        plateau = one.gap.recommended
        if plateau is not None:
            parts.append(
                f"{show(plateau.size, 2)} for h_T = {one.teacher_width}, h = {one.student_width}"
            )
    return (
        f"Gaps in the importances justify a threshold in {len(found)} of {len(mine)} cells of"
        f" {kind} students, with effective sizes {'; '.join(parts)}."
    )


def null_sentences(nulls: Sequence[RankingNull]) -> list[str]:
    """Say which models describe the ramps under other rankings, over teacher widths."""
    models: dict[str, list[str]] = {}
    for one in nulls:
        models.setdefault(one.who, []).append(f"{one.model} (h_T = {one.teacher_width})")
    return [f"{who[:1].upper()}{who[1:]}: {', '.join(found)}." for who, found in models.items()]


def _means(rows: pd.DataFrame) -> str:
    if len(rows) == 1:
        row = rows.iloc[0]
        low, high = row["ci_low"], row["ci_high"]
        ci95 = (low, high) if np.isfinite(low) else None
        return f"{show(Estimate(float(row['mean']), None, ci95))} units"
    return f"{_span(rows['mean'].to_numpy())} units on average"


def _span(values: Sequence[float] | np.ndarray, prefix: str = "", digits: int = 3) -> str:
    numbers = np.asarray(values, dtype=float)
    numbers = numbers[np.isfinite(numbers)]
    low, high = number(numbers.min(), digits), number(numbers.max(), digits)
    return f"{prefix}{low}" if low == high else f"{prefix}{low} to {high}"
