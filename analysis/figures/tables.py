"""The part of a sweep's table that one panel shows."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from sta.errors import ShapeError


def healthy(students: pd.DataFrame, columns: Iterable[str] = ()) -> pd.DataFrame:
    """Return the rows of students that did not diverge, if the table has a status.

    Raises
    ------
    ShapeError
        If a column is missing or no student is left.
    """
    for column in ("kind", "student_width", "teacher_width", *columns):
        if column not in students:
            raise ShapeError(f"the table has no column {column!r}; pass a table of a sweep")
    kept = students[students["status"] == "ok"] if "status" in students else students
    if kept.empty:
        raise ShapeError(f"none of {len(students)} rows is of a healthy student; nothing to draw")
    return kept


def one_width(table: pd.DataFrame, column: str, width: int | None) -> tuple[pd.DataFrame, int]:
    """Return the rows of one teacher or student width, and the width.

    Parameters
    ----------
    table : DataFrame
        Rows of students or of ramps.
    column : {"teacher_width", "student_width"}
        Which width.
    width : int or None
        The width wanted; None for the only one.

    Raises
    ------
    ShapeError
        If there are several and none is named, or there is none like it.
    """
    present = sorted({int(value) for value in table[column]})
    if width is None and len(present) == 1:
        width = present[0]
    if width is None:
        raise ShapeError(f"the table has {column} {present}; name the one to draw")
    if width not in present:
        raise ShapeError(f"no healthy student has {column} {width}; choose from {present}")
    return table[table[column] == width], width


def kinds_of(table: pd.DataFrame, order: Iterable[str] = ()) -> list[str]:
    """Return the kinds of a table, those named in `order` first and in that order."""
    present = [str(kind) for kind in pd.unique(table["kind"])]
    return [kind for kind in dict.fromkeys([*order, *present]) if kind in present]
