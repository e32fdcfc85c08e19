"""`sta distill curve`: test errors against one parameter, theory as lines, simulation as points."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sta.cli.distill.options import NUMBERS, setting_options
from sta.cli.options import (
    EXISTING_OR_NOT,
    json_option,
    print_json,
    print_table,
    progress_bar,
    seed_option,
)
from sta.files import refuse_existing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sta.distillation import Setting, Theory

NAMES = [name.replace("-", "_") for name in NUMBERS]


@click.command()
@setting_options
@click.option("--over", type=click.Choice(NAMES), default="alpha", show_default=True)
@click.option(
    "--values", required=True, help="Of the parameter: 0.5,1,2 or FIRST:LAST:NUMBER, log spaced."
)
@click.option("--n", type=click.IntRange(2), default=500, show_default=True, help="N of the runs.")
@click.option("--seeds", type=click.IntRange(0), default=0, show_default=True, help="Runs a value.")
@click.option("-o", "--out", type=EXISTING_OR_NOT, help="Folder for the figure.")
@seed_option
@json_option
def curve(
    setting: Setting,
    over: str,
    values: str,
    n: int,
    seeds: int,
    out: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Follow the test errors of teacher, distilled student and direct student."""
    import numpy as np

    from sta.distillation import make_setting
    from sta.distillation import theory as solve

    if out is not None:
        refuse_existing(out / "curve.svg")
    grid = _values(values)
    given = {name: np.full(grid.shape, float(getattr(setting, name))) for name in NAMES}
    given[over] = grid
    alpha = given.pop("alpha")
    along = make_setting(alpha, **given, loss=setting.loss, teacher=setting.teacher)
    found, direct = solve(along), solve(replace(along, chi=np.zeros_like(grid)))
    runs = _runs(along, n, seeds, seed) if seeds else []
    report = _report(over, grid, found, direct, runs)
    if out is not None:
        from sta.analysis.figures import save_figure
        from sta.analysis.figures.distillation import plot_curve

        figure = plot_curve(over, report["rows"], log=":" in values).get_figure(root=True)
        paths = [] if figure is None else save_figure(figure, out / "curve")
        report["figures"] = [str(path) for path in paths]
    if as_json:
        print_json(report)
        return
    columns = [over, "teacher", "student", "direct student", "Bayes", "student, runs", "± s.e."]
    keys = [over, "teacher", "student", "direct", "bayes", "simulated", "simulated_error"]
    print_table("test error", columns, [[row.get(key) for key in keys] for row in report["rows"]])
    for path in report.get("figures", []):
        click.echo(f"figure: {path}")


def _values(text: str) -> NDArray[np.float64]:
    import numpy as np

    try:
        if ":" in text:
            first, last, number = text.split(":")
            return np.geomspace(float(first), float(last), int(number))
        return np.array([float(part) for part in text.split(",")])
    except ValueError:
        raise click.UsageError(f"--values {text}: give 0.5,1,2 or 0.1:10:20") from None


def _runs(along: Setting, n: int, seeds: int, seed: int) -> list[NDArray[np.float64]]:
    from sta.distillation import simulate_distillation

    found = []
    with progress_bar("training") as bar:
        for k in range(len(along.alpha)):
            point = along.take(slice(k, k + 1))
            found.append(simulate_distillation(point, n, seeds, seed=seed).student["test_error"])
            bar.update(bar.task_ids[0], completed=k + 1, total=len(along.alpha))
    return found


def _report(
    over: str, grid: NDArray[np.float64], found: Theory, direct: Theory,
    runs: list[NDArray[np.float64]],
) -> dict[str, Any]:  # fmt: skip
    rows = []
    for k, value in enumerate(grid):
        row = {
            over: float(value),
            "teacher": float(found.teacher.test_error[k]),
            "student": float(found.student.test_error[k]),
            "direct": float(direct.student.test_error[k]),
            "bayes": float(found.bayes_student[k]),
        }
        if runs:
            spread = float(runs[k].std(ddof=1)) if len(runs[k]) > 1 else 0.0
            row["simulated"] = float(runs[k].mean())
            row["simulated_error"] = spread / len(runs[k]) ** 0.5
        rows.append(row)
    return {"format": "sta.distill.curve/1", "over": over, "rows": rows}
