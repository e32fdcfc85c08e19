"""Checks of the tables and arrays that enter this room."""

from collections.abc import Hashable, Iterable, Sequence
from difflib import get_close_matches

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sta.errors import ConfigError, ShapeError

CELL = ("kind", "teacher_width", "student_width")
TRIAL = ("teacher_seed", "trial")
STUDENT_COLUMNS = ("student_id", *CELL, *TRIAL, "status")
RAMP_COLUMNS = ("student_id", *CELL, *TRIAL, "n_kept", "mse", "delta_mse")


def require_columns(table: pd.DataFrame, columns: Iterable[str], name: str) -> None:
    """Refuse a table that lacks a column, and name the nearest one it has.

    Raises
    ------
    ShapeError
        Naming the first missing column.
    """
    present = [str(column) for column in table.columns]
    for column in columns:
        if column not in present:
            near = get_close_matches(column, present, n=1, cutoff=0.0)
            hint = f"; did you mean {near[0]!r}?" if near else "; it has no columns"
            raise ShapeError(f"the {name} table has no column {column!r}{hint}")


def usable_students(students: pd.DataFrame) -> pd.DataFrame:
    """Return the students with status "ok", in a fresh table.

    Raises
    ------
    ShapeError
        If a column is missing, an id occurs twice, or no student is left.
    """
    require_columns(students, STUDENT_COLUMNS, "students")
    twice = students["student_id"][students["student_id"].duplicated()]
    if len(twice):
        raise ShapeError(f"student_id {twice.iloc[0]!r} occurs twice: give each student one row")
    kept = students[students["status"] == "ok"].reset_index(drop=True)
    if kept.empty:
        raise ShapeError(
            f"none of the {len(students)} students has status 'ok': train again, perhaps with a"
            " smaller learning rate"
        )
    return kept


def usable_ramps(ramps: pd.DataFrame, students: pd.DataFrame) -> pd.DataFrame:
    """Return the ramp rows of usable students, in a fresh table.

    Raises
    ------
    ShapeError
        If a column is missing, a ramp belongs to no student of the table, a value is not
        finite, or nothing is left.
    """
    require_columns(ramps, RAMP_COLUMNS, "ramps")
    require_columns(students, STUDENT_COLUMNS, "students")
    stray = ~ramps["student_id"].isin(students["student_id"])
    if stray.any():
        raise ShapeError(
            f"ramp of {ramps['student_id'][stray].iloc[0]!r} has no row in the students table:"
            " pass both tables of one sweep"
        )
    good = usable_students(students)["student_id"]
    kept = ramps[ramps["student_id"].isin(good)].reset_index(drop=True)
    if kept.empty:
        raise ShapeError("the ramps table has no row of a student with status 'ok'")
    for column in ("n_kept", "mse", "delta_mse"):
        wrong = ~np.isfinite(kept[column].to_numpy(dtype=float))
        if wrong.any():
            row = kept[wrong].iloc[0]
            raise ShapeError(
                f"{column} of student {row['student_id']!r} at n_kept {row['n_kept']} is"
                f" {row[column]}: mark the student diverged or remove the row"
            )
    return kept


def trial_labels(table: pd.DataFrame) -> list[Hashable]:
    """One label a row for the unit of replication, (teacher_width, teacher_seed, trial)."""
    keys = zip(table["teacher_width"], table["teacher_seed"], table["trial"], strict=True)
    return list(keys)


def fraction(value: float, name: str) -> float:
    """Return `value` if it lies in [0, 1).

    Raises
    ------
    ConfigError
        If it does not.
    """
    if not 0.0 <= value < 1.0:
        raise ConfigError(f"{name} is {value}: choose a fraction at least 0 and below 1")
    return float(value)


def finite_vector(values: ArrayLike | Sequence[float], name: str) -> NDArray[np.float64]:
    """Return `values` as a finite float vector.

    Raises
    ------
    ShapeError
        If it is empty, not one-dimensional, not numeric or not finite.
    """
    try:
        vector = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise ShapeError(f"{name} is not a list of numbers") from None
    if vector.ndim != 1 or vector.size == 0:
        raise ShapeError(f"{name} has shape {vector.shape}: give one non-empty list of numbers")
    if not np.isfinite(vector).all():
        first = int(np.flatnonzero(~np.isfinite(vector))[0])
        raise ShapeError(f"{name}[{first}] is {vector[first]}: only finite numbers can be ranked")
    return vector
