"""A finished sweep reduced to what is worth keeping: its tables, and a few of its students."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sta.checkpoint import Checkpoint, save_checkpoint
from sta.files import write_atomically, write_bytes
from sta.sweep.plan import Plan, StudentId, read_plan, refuse_foreign, shard_path
from sta.sweep.shard import join_stacks, select
from sta.sweep.tables import read_tables, shards_of

# Bits of a number's mantissa that are rounded away in the tables: 15 of 23 stay, 4.5 digits.
DROPPED_BITS = 8


def reduce_sweep(folder: Path, target: Path, *, kept: int = 3, widest: int = 500) -> Plan:
    """Write the tables and a few students of a finished sweep into another folder.

    The new folder is a sweep of its own, some of whose shards are missing: every command that
    needs the tables alone, or a few students of each kind and shape, works on it, and running
    the sweep there trains the missing ones.

    Parameters
    ----------
    folder : Path
        A finished sweep.
    target : Path
        A new or empty folder.
    kept : int
        Students of each kind and shape that stay: the first ones.
    widest : int
        Units of the widest student that stays.

    Returns
    -------
    Plan
        That of the new folder.

    Raises
    ------
    StaError
        If `folder` is not finished, or `target` cannot be written or is not empty.
    FileFormatError
        If a file is damaged.

    Notes
    -----
    Losses and importances are rounded to single precision with 15 bits of mantissa, a relative
    error of at most 1.5e-5; counts and labels are as they were.
    """
    plan, tables = read_plan(folder), read_tables(folder)
    refuse_foreign(target)
    groups = [list(students) for _, students in groupby(plan.students, _shape)]
    wanted = [g[:kept] if g[0].student_width <= widest else [] for g in groups]
    found = _find(folder, plan, {student for group in wanted for student in group})
    shards: list[tuple[StudentId, ...]] = []
    for group, some in zip(groups, wanted, strict=True):
        parts = [found[student] for student in some if student in found]
        if parts:
            save_checkpoint(join_stacks(parts), shard_path(target, len(shards)), overwrite=True)
            shards.append(tuple(some))
        if group[len(some) :]:
            shards.append(tuple(group[len(some) :]))
    for name, frame in (("students", tables.students), ("ramps", tables.ramps)):
        save: Callable[[Any], Any] = partial(
            _rounded(frame).to_parquet, index=False, compression="zstd", compression_level=19
        )
        write_atomically(target / f"{name}.parquet", save, overwrite=True)
    reduced = replace(plan, shards=tuple(shards))
    write_bytes(target / "plan.json", json.dumps(reduced.to_dict()).encode(), overwrite=True)
    return reduced


def _shape(student: StudentId) -> tuple[str, int, int]:
    return student.kind, student.teacher_width, student.student_width


def _find(folder: Path, plan: Plan, wanted: set[StudentId]) -> dict[StudentId, Checkpoint]:
    """Return the wanted students of the shards that are there, each as a stack of one."""
    found = {}
    for number, checkpoint in shards_of(folder, plan):
        for k, student in enumerate(plan.shards[number]):
            if student in wanted:
                found[student] = select(checkpoint, [k])
    return found


def _rounded(frame: pd.DataFrame) -> pd.DataFrame:
    result = frame.copy()
    for name in frame.columns:
        if frame[name].dtype == float:
            result[name] = round_mantissa(frame[name].to_numpy())
        elif name == "importance":
            result[name] = [round_mantissa(np.asarray(row, dtype=float)) for row in frame[name]]
    return result


def round_mantissa(values: NDArray[np.float64] | Sequence[float]) -> NDArray[np.float32]:
    """Return numbers in single precision whose last bits are zero, so that they pack well.

    Examples
    --------
    >>> float(round_mantissa([1.0001234])[0])
    1.0001220703125
    """
    single = np.array(values, dtype=np.float32)
    bits = single.view(np.uint32)
    finite = np.isfinite(single)
    bits[finite] += np.uint32(1 << (DROPPED_BITS - 1))
    bits[finite] &= ~np.uint32((1 << DROPPED_BITS) - 1)
    return single
