"""`sta distill simulate`: the same networks trained at finite N."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sta.cli.distill.options import setting_options
from sta.cli.options import json_option, print_json, print_table, progress_bar, seed_option

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sta.distillation import Setting


@click.command()
@setting_options()
@click.option("--n", type=click.IntRange(2), default=1000, show_default=True, help="N.")
@click.option(
    "--seeds", type=click.IntRange(2), default=8, show_default=True, help="Independent draws."
)
@seed_option
@json_option
def simulate(setting: Setting, n: int, seeds: int, seed: int, as_json: bool) -> None:
    """Draw patterns, train teacher and student on them, and compare with the theory."""
    from sta.distillation import simulate_distillation
    from sta.distillation import theory as solve

    found = solve(setting)
    with progress_bar("training") as bar:
        done = simulate_distillation(
            setting, n, seeds, seed=seed,
            on_progress=lambda one, total: bar.update(
                bar.task_ids[0], completed=one, total=total
            ),
        )  # fmt: skip
    report: dict[str, Any] = {
        "format": "sta.distill.simulate/1",
        "n": n,
        "seeds": seeds,
        "teacher": {name: _mean(values) for name, values in done.teacher.items()},
        "student": {name: _mean(values) for name, values in done.student.items()},
        "theory": {
            "teacher": {name: float(getattr(found.teacher, name)) for name in done.teacher},
            "student": {name: float(getattr(found.student, name)) for name in done.student},
        },
    }
    if as_json:
        print_json(report)
        return
    rows = []
    for level in ("teacher", "student"):
        for name, one in report[level].items():
            exact, error = report["theory"][level][name], one["standard_error"]
            score = f"{(one['mean'] - exact) / error:+.2f}" if error > 0.0 else None
            rows.append([f"{level}, {name}", exact, one["mean"], error, score])
    print_table(f"{seeds} draws at N = {n}", ["", "theory", "mean", "standard error", "z"], rows)


def _mean(values: NDArray[np.float64]) -> dict[str, float]:
    return {
        "mean": float(values.mean()),
        "standard_error": float(values.std(ddof=1) / len(values) ** 0.5),
    }
