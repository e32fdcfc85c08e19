"""Which panels a figure has: the widths shown, their titles, and the kinds drawn together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import pandas as pd

from sta.analysis.figures.style import kind_label
from sta.analysis.report.data import StudentGraph, SweepData

Cell: TypeAlias = tuple[int, int]
"""Teacher width and student width."""

MOST_CELLS = 12
KINDS_TOGETHER = 3


def healthy_students(data: SweepData) -> pd.DataFrame:
    """Return the rows of the students that did not diverge."""
    return data.students[data.students["status"] == "ok"]


def shown_cells(data: SweepData) -> list[tuple[str, Cell]]:
    """Return titles and widths of the panels; of too many, the ends and the middle a teacher."""
    present = healthy_students(data)[["teacher_width", "student_width"]].drop_duplicates()
    every = sorted((int(teacher), int(width)) for teacher, width in present.to_numpy())
    if len(every) > MOST_CELLS:
        chosen: list[Cell] = []
        for teacher in sorted({teacher for teacher, _ in every}):
            widths = [width for owner, width in every if owner == teacher]
            ends = {widths[0], widths[len(widths) // 2], widths[-1]}
            chosen += [(teacher, width) for width in sorted(ends)]
        every = chosen[:MOST_CELLS]
    return [(cell_title(data, cell), cell) for cell in every]


def all_cells_shown(data: SweepData) -> bool:
    """Say whether no width had to be left out of the figures."""
    present = healthy_students(data)[["teacher_width", "student_width"]].drop_duplicates()
    return len(present) <= MOST_CELLS


def widest_cells(table: pd.DataFrame) -> list[Cell]:
    """Return each teacher width (at most six) with its largest student width."""
    widest = table.groupby("teacher_width", sort=True)["student_width"].max()
    return [(int(str(teacher)), int(width)) for teacher, width in widest.items()][:6]


def cell_title(data: SweepData, cell: Cell) -> str:
    """Name the widths of a panel, the teacher's only where there are several."""
    teacher = "" if len(data.plan.config.teacher.widths) == 1 else f"$h_T = {cell[0]}$, "
    return f"{teacher}$h = {cell[1]}$"


def kind_title(data: SweepData, kind: str, teacher_width: int) -> str:
    """Name the kind of a panel, with the teacher's width where there are several."""
    name = kind_label(kind)
    return name if len(data.plan.config.teacher.widths) == 1 else f"{name}, $h_T = {teacher_width}$"


def kinds_at(table: pd.DataFrame, cell: Cell) -> set[str]:
    """Return the kinds that have students of these widths."""
    here = (table["teacher_width"] == cell[0]) & (table["student_width"] == cell[1])
    return {str(kind) for kind in table[here]["kind"]}


def few_kinds(data: SweepData, present: set[str]) -> list[list[str]]:
    """Cut the kinds into groups that can share a panel of histograms."""
    kinds = [kind for kind in data.styles if kind in present]
    return [kinds[i : i + KINDS_TOGETHER] for i in range(0, len(kinds), KINDS_TOGETHER)]


def graphs_at(data: SweepData, cell: Cell) -> list[StudentGraph]:
    """Return the graphs of the students of these widths."""
    return [one for one in data.graphs if (one.teacher_width, one.student_width) == cell]


def widest_graphs(data: SweepData, teacher_width: int) -> list[StudentGraph]:
    """Return the graphs of the widest students of a teacher's width that have any."""
    here = [one for one in data.graphs if one.teacher_width == teacher_width]
    return [one for one in here if one.student_width == max(o.student_width for o in here)]


def one_per_teacher(graphs: Iterable[StudentGraph]) -> list[StudentGraph]:
    """Return the first graph of every draw of the teacher."""
    return list({(one.teacher_width, one.teacher_seed): one for one in graphs}.values())
