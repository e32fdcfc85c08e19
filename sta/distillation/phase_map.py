"""Maps of who wins over long grids of parameters, kept in a file from which they go on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sta.distillation.comparison import RIVALS, compare
from sta.distillation.setting import Setting
from sta.distillation.student import POINTS_AT_ONCE
from sta.errors import FileFormatError, StaError
from sta.files import readable, write_bytes

FORMAT = "sta.distill.map/1"
PARAMETERS = ("alpha", "rho", "delta", "eta", "lam_teacher", "lam", "chi", "temperature")
ERRORS = (*RIVALS, "best_direct", "bayes")


def phase_map(
    setting: Setting,
    path: Path | None = None,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[dict[str, Any]]:
    """Compare students at every point of a grid; a file keeps what is done.

    Parameters
    ----------
    setting : Setting
        Of any shape.
    path : Path, optional
        JSON file, written anew every 32 points. If it exists, only what is missing is solved.
    on_progress : callable, optional
        Called with the points done and their number.

    Returns
    -------
    list of dict
        One a point in the order of the flat grid: the parameters, the test errors of
        `Comparison`, best_ridge, and winner. Where a fixed point did not converge they are None,
        and "reason" says why.

    Raises
    ------
    FileFormatError
        If the file is none of this grid.
    """
    flat = setting.ravel()
    size = len(flat.alpha)
    points = [{name: float(getattr(flat, name)[k]) for name in PARAMETERS} for k in range(size)]
    head = {"format": FORMAT, "loss": flat.loss, "teacher": flat.teacher}
    rows = [] if path is None or not path.exists() else _read(path, head, points)
    while len(rows) < size:
        if on_progress is not None:
            on_progress(len(rows), size)
        which = slice(len(rows), len(rows) + POINTS_AT_ONCE)
        solved = _solved(flat.take(which))
        rows += [one | errors for one, errors in zip(points[which], solved, strict=True)]
        if path is not None:
            write_bytes(path, json.dumps(head | {"rows": rows}).encode(), overwrite=True)
    if on_progress is not None:
        on_progress(size, size)
    return rows


def _solved(portion: Setting) -> list[dict[str, Any]]:
    """Solve some points, one by one if they do not converge together."""
    size = len(portion.alpha)
    try:
        found = compare(portion)
    except StaError as error:
        if size == 1:
            empty: dict[str, Any] = dict.fromkeys((*ERRORS, "best_ridge", "winner"))
            return [empty | {"reason": str(error)}]
        return [_solved(portion.take(slice(k, k + 1)))[0] for k in range(size)]
    winner = found.winner
    return [
        {name: float(getattr(found, name)[k]) for name in (*ERRORS, "best_ridge")}
        | {"winner": str(winner[k])}
        for k in range(size)
    ]


def _read(path: Path, head: dict[str, Any], points: list[dict[str, float]]) -> list[dict[str, Any]]:
    with readable(path):
        content = path.read_bytes()
    try:
        whole = json.loads(content)
        rows = whole["rows"]
        same = all(whole[name] == value for name, value in head.items())
        same = same and len(rows) <= len(points)
        same = same and all(
            row[name] == point[name]
            for row, point in zip(rows, points, strict=False)
            for name in PARAMETERS
        )
        same = same and all({*ERRORS, "best_ridge", "winner"} <= set(row) for row in rows)
    except (ValueError, KeyError, TypeError) as error:
        raise FileFormatError(f"{path} is no map of sta; choose another folder") from error
    if not same:
        raise FileFormatError(f"{path} is the map of another grid; choose another folder")
    return list(rows)


def gaps(rows: list[dict[str, Any]]) -> dict[str, float | None]:
    """Return what a map says in numbers.

    Returns
    -------
    dict
        Share of points that each of `RIVALS` wins; the least and the median of the distilled
        student's excess over the best direct one and over the Bayes bound.
    """
    solved = [row for row in rows if row["winner"] is not None]
    if not solved:
        return {}
    found: dict[str, float | None] = {
        f"won_by_{name}": float(np.mean([row["winner"] == name for row in solved]))
        for name in RIVALS
    }
    for other in ("best_direct", "bayes"):
        away = [row["distilled"] - row[other] for row in solved]
        found[f"least_excess_over_{other}"] = float(np.min(away))
        found[f"median_excess_over_{other}"] = float(np.median(away))
    return found
