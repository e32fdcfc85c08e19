"""Kinds of student compared over pairs of one teacher, width and trial."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from sta.analysis.statistics.checks import trial_labels
from sta.analysis.statistics.order_parameter import with_effective_size
from sta.analysis.statistics.paired_difference import PairedDifference, paired_difference
from sta.analysis.statistics.plain import plain_fields

MEASURES = ("effective size", "test error", "cost of keeping h_T")


@dataclass(frozen=True)
class KindPair:
    """One kind less another, in one cell of the sweep.

    Attributes
    ----------
    first, second
        The kinds; differences are first minus second.
    teacher_width, student_width
        The cell.
    differences
        Effective size; test error; and (MSE(h_T kept) - MSE(all)) / (MSE(0 kept) - MSE(all)).
    """

    first: str
    second: str
    teacher_width: int
    student_width: int
    differences: dict[str, PairedDifference]

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def kind_pairs(
    students: pd.DataFrame, ramps: pd.DataFrame, first: str, threshold: float, *, seed: int = 0
) -> tuple[KindPair, ...]:
    """Compare one kind with every other, trial by trial, wherever both were trained.

    A pair starts from the same random numbers and learns from the same patterns.

    Parameters
    ----------
    students, ramps
        The tables of a sweep.
    first
        The kind that is compared.
    threshold
        Of the effective size.
    seed
        Of bootstrap and sign flips.
    """
    measured = _measured(students, ramps, threshold)
    found = []
    for (teacher, width), cell in measured.groupby(["teacher_width", "student_width"], sort=True):
        mine = cell[cell["kind"] == first]
        for second in sorted(set(cell["kind"]) - {first}):
            other = cell[cell["kind"] == second]
            tests = _differences(mine, other, seed)
            if tests:
                found.append(KindPair(first, str(second), int(teacher), int(width), tests))
    return tuple(found)


def _measured(students: pd.DataFrame, ramps: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """One row a student with the three measures; NaN where a ramp does not give the cost."""
    kept = with_effective_size(students, threshold)
    at_teacher = ramps[ramps["n_kept"] == ramps["teacher_width"]].set_index("student_id")
    at_zero = ramps[ramps["n_kept"] == 0].set_index("student_id")
    cost = at_teacher["delta_mse"] / at_zero["delta_mse"].where(at_zero["delta_mse"] > 0)
    loss = kept["test_loss"] if "test_loss" in kept else float("nan")
    return kept.assign(
        **{
            MEASURES[0]: kept["size_now"].astype(float),
            MEASURES[1]: loss,
            MEASURES[2]: kept["student_id"].map(cost),
        }
    )


def _differences(mine: pd.DataFrame, other: pd.DataFrame, seed: int) -> dict[str, PairedDifference]:
    tests = {}
    for name in MEASURES:
        a, b = mine[mine[name].notna()], other[other[name].notna()]
        labels_a, labels_b = trial_labels(a), trial_labels(b)
        if not set(labels_a) & set(labels_b):
            continue
        teachers = {label: label[:2] for label in (*labels_a, *labels_b)}  # type: ignore[index]
        tests[name] = paired_difference(
            a[name].to_numpy(), labels_a, b[name].to_numpy(), labels_b, groups=teachers, seed=seed
        )
    return tests
