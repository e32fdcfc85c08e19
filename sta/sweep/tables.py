"""The tables of a sweep: one row a student, and one row a point of a ramp."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sta.checkpoint import Checkpoint, load_checkpoint
from sta.errors import FileFormatError
from sta.files import readable, write_atomically
from sta.sweep.plan import Plan, StudentId, read_plan, shard_path

COUNTS = ("student_width", "teacher_width", "teacher_seed", "trial", "diverged_at")


@dataclass(frozen=True)
class SweepTables:
    """The measurements of a sweep.

    Attributes
    ----------
    students : DataFrame
        One row a student: student_id, kind, student_width, teacher_width, teacher_seed, trial,
        status (``ok`` or ``diverged``), diverged_at (epoch, -1 if healthy), train_loss,
        test_loss (mean squared errors), effective_size (units above the threshold), zero_loss
        (test error of predicting 0), target_variance, importance (list of L_i).
    ramps : DataFrame
        student_id, kind, student_width, teacher_width, teacher_seed, trial, n_kept, mse,
        delta_mse (signed, mse(n) - mse(h)); healthy students alone.
    """

    students: pd.DataFrame
    ramps: pd.DataFrame


def shards_of(
    folder: Path, plan: Plan, numbers: Sequence[int] | None = None
) -> Iterator[tuple[int, Checkpoint]]:
    """Yield the number and the content of every finished shard, or of every one of some.

    Raises
    ------
    FileFormatError
        If a shard is damaged or belongs to another plan.
    """
    for number in range(len(plan.shards)) if numbers is None else numbers:
        students, path = plan.shards[number], shard_path(folder, number)
        if not path.exists():
            continue
        try:
            checkpoint = load_checkpoint(path)
        except FileFormatError as error:
            raise FileFormatError(f"{error}; remove it and run the sweep again") from error
        names = [row.get("student_id") for row in checkpoint.metrics.get("students", [])]
        if names != [student.name for student in students]:
            raise FileFormatError(f"{path} belongs to another sweep; remove it and run again")
        yield number, checkpoint


def gather_tables(folder: Path, plan: Plan | None = None) -> SweepTables:
    """Return the tables of all finished shards."""
    plan = plan or read_plan(folder)
    rows: list[dict[str, Any]] = []
    ramps = []
    for number, checkpoint in shards_of(folder, plan):
        rows += checkpoint.metrics["students"]
        healthy = [row["status"] == "ok" for row in checkpoint.metrics["students"]]
        mse = checkpoint.metrics["ramp"]["mse"].numpy()[healthy]
        students = [one for one, well in zip(plan.shards[number], healthy, strict=True) if well]
        ramps.append(_ramps(students, mse))
    if not rows:
        raise FileFormatError(f"{folder} has no finished shard yet; run the sweep first")
    students = pd.DataFrame(rows)
    students["effective_size"] = students["effective_size"].astype("Int64")
    for name in ("train_loss", "test_loss"):
        students[name] = students[name].astype(float)
    filled = [frame for frame in ramps if len(frame)]  # an empty one has no types
    return SweepTables(students, pd.concat(filled or ramps[:1], ignore_index=True))


def _ramps(students: Sequence[StudentId], mse: NDArray[np.float64]) -> pd.DataFrame:
    """Return the ramps of students of one width, mse of shape (K, h + 1), one row a point."""
    points = mse.shape[1]
    labels = pd.DataFrame(
        [{"student_id": one.name, **asdict(one)} for one in students],
        columns=["student_id", *StudentId.__dataclass_fields__],
    )
    frame = labels.loc[labels.index.repeat(points)].reset_index(drop=True)
    frame["n_kept"] = np.tile(np.arange(points), len(students))
    frame["mse"] = mse.ravel()
    frame["delta_mse"] = (mse - mse[:, -1:]).ravel()
    return frame


def write_tables(folder: Path, plan: Plan) -> SweepTables:
    """Write ``students.parquet`` and ``ramps.parquet`` atomically and return them."""
    tables = gather_tables(folder, plan)
    for name, frame in (("students", tables.students), ("ramps", tables.ramps)):
        save = partial(frame.to_parquet, index=False)
        write_atomically(folder / f"{name}.parquet", save, overwrite=True)
    return tables


def read_tables(folder: Path) -> SweepTables:
    """Read the tables of a sweep's folder.

    Raises
    ------
    FileFormatError
        If the folder is no sweep, or its tables are missing or damaged.
    """
    read_plan(folder)
    frames = []
    for name in ("students", "ramps"):
        path = folder / f"{name}.parquet"
        if not path.exists():
            raise FileFormatError(
                f"{folder} has no {name}.parquet yet; finish it with: sta sweep run CONFIG {folder}"
            )
        with readable(path):
            try:
                frame = pd.read_parquet(path)
                single = frame.columns[frame.dtypes == np.float32]
                frames.append(frame.astype(dict.fromkeys(single, float)))
            except Exception as error:  # parsers of damaged files raise nearly anything
                raise FileFormatError(f"{path} is damaged; run the sweep again") from error
        if "student_id" not in frames[-1]:
            raise FileFormatError(f"{path} is no table of a sweep; run the sweep again")
    return SweepTables(*frames)
