"""The tables of a report: rows of text with a title and a caption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sta.analysis.report.data import StudentGraph, SweepData
from sta.analysis.report.numbers import MISSING, count, interval, number, sample, spread

Rows = list[list[str]]


@dataclass(frozen=True)
class Table:
    """A table as text.

    Attributes
    ----------
    title, caption : str
        Heading, and what the columns are.
    columns : tuple of str
        Names of the columns.
    rows : list of list of str
        Cells.
    labels : int
        How many columns at the left name the row.
    text : tuple of str
        Names of the columns that hold words, and may be broken into lines.
    """

    title: str
    caption: str
    columns: tuple[str, ...]
    rows: Rows
    labels: int = 3
    text: tuple[str, ...] = ("remark", "parameters [95 %]", "value")


HEAD = ("kind", "h_T", "h")


def size_table(data: SweepData) -> Table:
    """Effective sizes by kind and width."""
    rows = [
        [
            *head(row),
            number(row["n_students"]),
            spread(row["mean"], row["sd"]),
            interval(row["mean"], row["ci_low"], row["ci_high"]),
            f"{row['min']} to {row['max']}",
            number(row["share"], 2),
            count(row["gap_rank"]),
            number(row["gap_ratio"], 2),
            number(row["relative_error"], 2),
        ]
        for row in ordered(data, data.collapse["effective_size"]["by_width"])
    ]
    columns = (
        *HEAD, "students", "mean ± sd", "mean [95 %]", "range", "share of h", "gap after",
        "factor", "rel. test error",
    )  # fmt: skip
    caption = (
        f"Effective size at threshold {data.threshold:g}: mean and standard deviation over"
        " students, 95 % bootstrap interval of the mean over whole trials, smallest and largest."
        " Gap after: median rank of the unit after which importance falls by the largest factor,"
        " and that factor; a factor below 1.5 is no clear gap. Relative test error: median of MSE"
        " over the variance of the teacher's output."
    )
    return Table("Effective size", caption, columns, rows)


def loss_table(data: SweepData) -> Table:
    """Errors by kind and width, with the students that diverged."""
    rows = []
    for cell, group in data.students.groupby(["kind", "teacher_width", "student_width"]):
        kept = group[group["status"] == "ok"]
        relative = kept["test_loss"] / kept["target_variance"]
        rows.append(
            {
                "kind": cell[0], "teacher_width": cell[1], "student_width": cell[2],
                "cells": [
                    number(len(kept)), number(len(group) - len(kept)),
                    sample(kept["train_loss"]), sample(kept["test_loss"]), sample(relative),
                    number(float(group["zero_loss"].mean())),
                ],
            }
        )  # fmt: skip
    columns = (
        *HEAD, "healthy", "diverged", "training MSE", "test MSE", "test MSE / variance",
        "MSE of predicting 0",
    )  # fmt: skip
    caption = (
        "Mean squared errors of the whole students after training, mean ± standard deviation over"
        " healthy students. The test patterns are fresh; predicting 0 is the student with no unit."
    )
    cells = [[*head(row), *row["cells"]] for row in ordered(data, rows)]
    return Table("Errors", caption, columns, cells)


def cost_table(data: SweepData) -> Table:
    """Cost of pruning to the teacher's width."""
    records = data.collapse["ramp"]["pruning_cost"]
    rows = [
        [
            *head(row),
            number(row["n_students"]),
            number(row["cost_median"], 2),
            f"{number(row['cost_low'], 2)} to {number(row['cost_high'], 2)}",
            interval(row["cost_mean"], row["ci_low"], row["ci_high"]),
            number(row["error_ratio_median"], 2),
        ]
        for row in ordered(data, records)
    ]
    columns = (
        *HEAD, "students", "cost, median", "quartiles", "cost, mean [95 %]",
        "cost / own error, median",
    )  # fmt: skip
    caption = (
        "Keeping exactly h_T units: ΔMSE(h_T) divided by the largest ΔMSE of the ramp at n ≥ 1, as"
        " published, and divided by the student's own test error. The first is small even where the"
        " error has doubled; the second says what it means for this student. Zero by definition"
        " where h = h_T."
    )
    return Table("Cost of pruning to the teacher's width", caption, columns, rows)


def distance_table(data: SweepData) -> Table:
    """Distances between pruned student and teacher."""
    rows = []
    for names, group in groups_of(data):
        samples = [[one.comparison["distance"]["paths"] for one in group]]
        for name in ("in_strength", "in_strength_balanced"):
            samples.append([_first(one.comparison["distance"][name]) for one in group])
        values = [
            sample([record.get(key) for record in records])
            for records in samples
            for key in ("wasserstein_over_std", "ks")
        ]
        rows.append([*names, number(len(group)), *values])
    columns = (
        *HEAD, "students", "paths W₁/σ", "paths KS", "in-strength W₁/σ", "in-strength KS",
        "balanced W₁/σ", "balanced KS",
    )  # fmt: skip
    caption = (
        f"Pruned student (L > {data.threshold:g} of the largest) against its own teacher, mean ±"
        " standard deviation over students. W₁/σ: Wasserstein-1 distance over the standard"
        " deviation of the teacher's values; KS: Kolmogorov-Smirnov distance, 0 to 1. Balanced:"
        " in-strengths after the weights into each hidden unit are scaled to length one, which"
        " leaves the function of a ReLU network alone; the in-strength of the first hidden layer"
        f" otherwise depends on that scale. At most {data.graphs_per_group} students a row."
    )
    return Table("Distance to the teacher", caption, columns, rows)


def matching_table(data: SweepData) -> Table:
    """How many of the teacher's hidden units the pruned students hold."""
    rows = []
    for names, group in groups_of(data):
        found = [one.comparison["matching"] for one in group if one.comparison["matching"]]
        if found:
            counts = [int(one["matched"]) for one in found]
            rows.append(
                [
                    *names,
                    number(len(found)),
                    count(np.mean([one.student.widths[1] for one in group])),
                    str(found[0]["teacher_units"]),
                    sample(counts),
                    f"{min(counts)} to {max(counts)}",
                    sample([one["cosine_min"] for one in found]),
                ]
            )
        else:
            reason = next(iter(group[0].comparison["notes"].values()), "no matching")
            rows.append([*names, "0", MISSING, MISSING, MISSING, MISSING, reason])
    columns = (
        *HEAD, "students", "units kept", "teacher units", "matched", "range", "smallest cosine",
    )  # fmt: skip
    caption = (
        "Each hidden unit of the teacher is matched to one unit of the pruned student, one to one,"
        " up to the positive scale that ReLU units allow; it counts as matched if the cosine of"
        " their incoming weights is at least 0.9. Smallest cosine: of the incoming weights of the"
        " worst unit, mean ± standard deviation over students. A student that keeps more units has"
        " more chances of a match. The second layer, and so the outgoing weights, need not agree."
    )
    return Table("Matching of units", caption, columns, rows)


def head(row: Mapping[str, Any]) -> list[str]:
    """Return the cells that name a row: kind, teacher width, student width."""
    return [str(row["kind"]), str(row["teacher_width"]), str(row["student_width"])]


def ordered(data: SweepData, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Sort records as the plan lists the kinds, then by widths."""
    place = {kind: number for number, kind in enumerate(data.styles)}
    return sorted(
        rows,
        key=lambda row: (
            row["teacher_width"], place.get(row["kind"], len(place)), row.get("student_width", 0),
        ),
    )  # fmt: skip


def groups_of(data: SweepData) -> list[tuple[list[str], list[StudentGraph]]]:
    """Return the measured students of every kind and width, under the cells that name them."""
    groups: dict[tuple[int, int, int], list[StudentGraph]] = {}
    place = {kind: number for number, kind in enumerate(data.styles)}
    for one in data.graphs:
        key = (one.teacher_width, place[one.kind], one.student_width)
        groups.setdefault(key, []).append(one)
    return [([own[0].kind, str(key[0]), str(key[2])], own) for key, own in sorted(groups.items())]


def _first(records: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the record of the first hidden layer, or nothing."""
    return next((record for record in records if record["layer"] == 1), {})
