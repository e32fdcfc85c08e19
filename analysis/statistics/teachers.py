"""The higher level of a sweep: trials of one teacher, and when teachers can be resampled."""

from collections.abc import Hashable, Sequence

import pandas as pd

from sta.analysis.statistics.estimate import MIN_TRIALS


def teacher_labels(table: pd.DataFrame) -> list[Hashable]:
    """Return one label a row for the teacher, (teacher_width, teacher_seed)."""
    return list(zip(table["teacher_width"], table["teacher_seed"], strict=True))


def resampled_teachers(labels: Sequence[Hashable]) -> tuple[Hashable, ...]:
    """Return the labels if there are at least 3 teachers, else nothing.

    Examples
    --------
    >>> resampled_teachers(["a", "a", "b"])
    ()
    """
    return tuple(labels) if len(set(labels)) >= MIN_TRIALS else ()


def teacher_note(labels: Sequence[Hashable]) -> str:
    """Say what intervals do not cover when there are too few teachers; empty otherwise.

    Examples
    --------
    >>> teacher_note(["a", "a", "b"])
    '2 teachers: intervals are over trials of these teachers and do not cover other teachers'
    """
    n_teachers = len(set(labels))
    if n_teachers >= MIN_TRIALS:
        return ""
    one = n_teachers == 1
    return (
        f"{n_teachers} teacher{'' if one else 's'}: intervals are over trials of"
        f" {'this teacher' if one else 'these teachers'} and do not cover other teachers"
    )
