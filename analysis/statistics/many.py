"""Sweeps of very many trials: batches of trials for means, the first of them for distributions."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# More trials of a teacher's width than this are put into batches; the others stay as they are.
MOST_TRIALS = 2000
# Batches of trials, or of whole teachers, that are made of them: units enough for any interval.
MOST_UNITS = 400

_RAMP = ["kind", "student_width", "teacher_width", "teacher_seed", "trial", "n_kept"]


@dataclass(frozen=True)
class Arranged:
    """The tables of a sweep, arranged so that no step grows with the square of the trials.

    Attributes
    ----------
    students, ramps
        The tables; of very many trials each label, teacher_seed and trial, is that of a batch.
    mean_ramps
        One ramp a batch and cell: the mean of its students'.
    first_students, first_ramps
        The first trials alone, with their own labels: for spreads, which batches would narrow.
    note
        What was done; empty if nothing was.
    """

    students: pd.DataFrame
    ramps: pd.DataFrame
    mean_ramps: pd.DataFrame
    first_students: pd.DataFrame
    first_ramps: pd.DataFrame
    note: str = ""


def arrange(students: pd.DataFrame, ramps: pd.DataFrame) -> Arranged:
    """Put trials into batches where there are more than `MOST_TRIALS` of one teacher width.

    Batches hold whole trials, of every kind and width, and trials of one teacher; where teachers
    are very many, whole teachers. The mean over batches of one size is that over trials, and so
    is its standard error, since batches are independent.
    """
    if not {"teacher_width", "teacher_seed", "trial", "student_id"} <= set(students.columns):
        return Arranged(students, ramps, ramps, students, ramps)  # refused with a reason later
    key = _key(students)
    largest = max(key.drop_duplicates().groupby("teacher_width").size(), default=0)
    if largest <= MOST_TRIALS:
        return Arranged(students, ramps, ramps, students, ramps)
    batches = _batches(key.drop_duplicates().sort_values(list(key.columns)))
    labelled = students.drop(columns=["teacher_seed", "trial"]).assign(
        **_labels(key, batches, ["seed_batch", "trial_batch"])
    )
    by_student = labelled.set_index("student_id")[["teacher_seed", "trial"]]
    place = by_student.index.get_indexer(ramps["student_id"])
    found = {name: by_student[name].to_numpy()[place] for name in by_student.columns}
    relabelled = ramps.assign(**found)
    means = relabelled.groupby(_RAMP, sort=True, as_index=False).agg(
        student_id=("student_id", "first"), mse=("mse", "mean"), delta_mse=("delta_mse", "mean")
    )
    order = batches.set_index(list(key.columns))["order"]
    first = students[order.loc[pd.MultiIndex.from_frame(key)].to_numpy() < MOST_TRIALS]
    note = (
        f"{largest} trials: means are over {MOST_UNITS} batches of them or fewer, and spreads over "
        f"the first {MOST_TRIALS}"
    )
    return Arranged(
        labelled,
        relabelled,
        means,
        first,
        ramps[ramps["student_id"].isin(first["student_id"])],
        note,
    )


def _key(students: pd.DataFrame) -> pd.DataFrame:
    return students[["teacher_width", "teacher_seed", "trial"]].reset_index(drop=True)


def _batches(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials with the batch of their teacher, their own batch, and their order."""
    parts = []
    for _, group in trials.groupby("teacher_width", sort=True):
        teacher = pd.factorize(group["teacher_seed"])[0]
        n_teachers = int(teacher.max()) + 1
        within = group.groupby("teacher_seed").cumcount().to_numpy()
        size = group.groupby("teacher_seed")["trial"].transform("size").to_numpy()
        if n_teachers > MOST_UNITS:
            seed_batch = teacher * MOST_UNITS // n_teachers
            trial_batch = np.zeros(len(group), dtype=int)
        else:
            seed_batch = teacher
            number = np.minimum(size, max(3, MOST_UNITS // n_teachers))
            trial_batch = within * number // size
        parts.append(
            group.assign(
                seed_batch=seed_batch, trial_batch=trial_batch, order=np.arange(len(group))
            )
        )
    return pd.concat(parts)


def _labels(
    key: pd.DataFrame, batches: pd.DataFrame, columns: list[str]
) -> dict[str, NDArray[np.int64]]:
    found = batches.set_index(list(key.columns))[columns].loc[pd.MultiIndex.from_frame(key)]
    names = ("teacher_seed", "trial")
    return {
        name: found[column].to_numpy().astype(np.int64)
        for name, column in zip(names, columns, strict=True)
    }
