"""Make a finished sweep of very many students without training them.

    python made_sweep.py FOLDER DRAWS TRIALS

Four widths and two kinds, 8 x DRAWS x TRIALS students. Ramps fall exponentially, those of
spectral students from the teacher's width on below noise; a few students are really trained.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from sta.checkpoint import save_checkpoint
from sta.sweep import config_from_table, make_plan, train_students
from sta.sweep.plan import Plan, shard_path

WIDTHS, TEACHER = (10, 20, 40, 80), 5


def main() -> None:
    folder, draws, trials = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    config = config_from_table(
        {
            "teacher": {"widths": [TEACHER], "later_widths": [5], "draws": draws},
            "student": {"widths": list(WIDTHS), "trials": trials},
            "data": {"train_patterns": 500, "test_patterns": 500},
            "training": {"epochs": 50, "ensemble": 128},
        }
    )
    plan = make_plan(config)
    shards: list = []
    students, ramps = [], []
    rng = np.random.default_rng(0)
    for kind in config.kinds:
        for width in WIDTHS:
            group = [s for s in plan.students if s.kind == kind and s.student_width == width]
            shards += [tuple(group[:3]), tuple(group[3:])]
            save_checkpoint(train_students(config, group[:3]), shard_path(folder, len(shards) - 2))
            students.append(rows(group, width, kind, rng))
            ramps.append(curves(group, width, kind, rng))
    for name, frames in (("students", students), ("ramps", ramps)):
        pd.concat(frames, ignore_index=True).to_parquet(folder / f"{name}.parquet", index=False)
    plan = Plan(config, tuple(shards))
    (folder / "plan.json").write_text(json.dumps(plan.to_dict()))
    sys.stdout.write(f"{len(plan.students)} students\n")


def labels(group) -> pd.DataFrame:
    return pd.DataFrame([{"student_id": one.name, **asdict(one)} for one in group])


def rows(group, width, kind, rng) -> pd.DataFrame:
    frame = labels(group)
    number = len(frame)
    core = TEACHER if kind == "spectral" else width
    size = np.minimum(width, core + rng.poisson(0.5, number))
    importance = rng.uniform(0.5, 1, (number, width))
    importance[np.arange(width) >= size[:, None]] *= 0.01
    frame["status"], frame["diverged_at"] = "ok", -1
    frame["train_loss"] = rng.gamma(20, 0.01 / 20, number)
    frame["test_loss"] = 1.2 * frame["train_loss"]
    frame["effective_size"] = pd.array(size, dtype="Int64")
    frame["zero_loss"] = rng.gamma(50, 4 / 50, number)
    frame["target_variance"] = 0.9 * frame["zero_loss"]
    frame["importance"] = list(importance)
    return frame


def curves(group, width, kind, rng) -> pd.DataFrame:
    frame = labels(group)
    number, n = len(frame), np.arange(width + 1)
    rate = rng.normal(6.0 if kind == "spectral" else 2.0, 0.4, (number, 1))
    fall = np.exp(-rate * n / TEACHER)
    noise = 0.05 * np.cumsum(rng.normal(size=fall.shape), axis=1) / np.sqrt(width)
    delta = 4.0 * fall * (1 + noise)
    delta -= delta[:, -1:]
    result = frame.loc[frame.index.repeat(width + 1)].reset_index(drop=True)
    result["n_kept"] = np.tile(n, number)
    result["mse"] = (delta + 0.01).ravel()
    result["delta_mse"] = delta.ravel()
    return result


if __name__ == "__main__":
    main()
