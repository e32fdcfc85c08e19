"""The result of `sta collapse`, and its verdict in plain words.

A sentence states what was measured on these students and with what interval; it names a
preference between models only where the trials decide, and says what was not tested.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from sta.analysis.statistics.curves import FLOOR
from sta.analysis.statistics.importance import CLEAR_GAP
from sta.analysis.statistics.order_parameter import WidthSlope
from sta.analysis.statistics.plain import plain
from sta.analysis.statistics.resampling import Estimate

FORMAT = "sta.collapse/1"
SMOOTH_NAMES = {
    "exponential": "an exponential",
    "stretched": "a stretched exponential",
    "crossover": "a logistic crossover",
}
SMOOTH = ", ".join(SMOOTH_NAMES.values())
ROUNDING = 1e-12
NO_EVIDENCE = f"no evidence for a sharp threshold above {FLOOR:.0%} of the curve's range"
NO_COLLAPSE = (
    "inv_nu and beta_over_nu: not estimated, because no scaling collapse is fitted here; the"
    " sizes are fitted with one x_c and no finite-size rounding, from which beta can be told but"
    " the separate exponents cannot"
)
NOT_ESTIMATED = Estimate(reason="no scaling collapse is fitted")


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


def show(estimate: Estimate, digits: int = 3) -> str:
    """Write an estimate as "value [low, high]".

    Examples
    --------
    >>> show(Estimate(1.0934, 0.01, (1.071, 1.1159)))
    '1.09 [1.07, 1.12]'
    """
    if estimate.value is None:
        return "unknown"
    text = number(estimate.value, digits)
    if estimate.ci95 is None:
        return f"{text} (no interval)"
    return f"{text} [{number(estimate.ci95[0], digits)}, {number(estimate.ci95[1], digits)}]"


def number(value: float, digits: int = 3) -> str:
    """Write a number to some significant digits, without an exponent where it is readable.

    Examples
    --------
    >>> number(672.4, 2), number(0.00123, 2), number(4.2e-6, 2), number(-3e-18)
    ('670', '0.0012', '4.2e-06', '0')
    """
    if abs(value) < ROUNDING:
        return "0"
    if 1e-3 <= abs(value) < 1e6:
        return np.format_float_positional(
            float(value), precision=digits, unique=False, fractional=False, trim="-"
        )
    return f"{value:.{digits}g}"


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
