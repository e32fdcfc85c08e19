"""`sta distill map`: who wins over two parameters, and how far from the bounds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sta.cli.distill.options import NAMES, numbers, setting_options
from sta.cli.options import EXISTING_OR_NOT, json_option, print_json, print_table, progress_bar

if TYPE_CHECKING:
    from sta.distillation import Setting

AXES = click.Choice(NAMES)


@click.command("map")
@setting_options(alpha=3.0)
@click.option("--x", type=AXES, default="alpha", show_default=True, help="Across.")
@click.option("--x-values", default="0.3:8:20", show_default=True, help="As in `curve`.")
@click.option("--y", type=AXES, default="lam_teacher", show_default=True, help="Upwards.")
@click.option("--y-values", default="0.01:2:20", show_default=True)
@click.option(
    "-o", "--out", type=EXISTING_OR_NOT, required=True,
    help="Folder: map.json, from which an interrupted map goes on, and the figure.",
)  # fmt: skip
@json_option
def phase_diagram(
    setting: Setting, x: str, x_values: str, y: str, y_values: str, out: Path, as_json: bool
) -> None:
    """Map who has the least test error: the distilled student, or one of labels alone.

    The rivals know the same ridges: labels with the teacher's ridge, or with the student's own.
    """
    import numpy as np

    from sta.analysis.figures import save_figure
    from sta.analysis.figures.distillation import plot_map
    from sta.distillation import make_setting
    from sta.distillation.phase_map import gaps, phase_map

    if x == y:
        raise click.UsageError(f"--x {x} --y {y}: give two parameters")
    across, upwards = np.meshgrid(
        numbers(x_values, "--x-values"), numbers(y_values, "--y-values"), indexing="ij"
    )
    given = {name: np.full(across.shape, float(getattr(setting, name))) for name in NAMES}
    given |= {x: across, y: upwards}
    grid = make_setting(given.pop("alpha"), **given, loss=setting.loss, teacher=setting.teacher)
    with progress_bar("solving") as bar:
        rows = phase_map(
            grid, out / "map.json",
            on_progress=lambda done, total: bar.update(
                bar.task_ids[0], completed=done, total=total
            ),
        )  # fmt: skip
    figure = plot_map(rows, x, y, log=(":" in x_values, ":" in y_values))
    paths = save_figure(figure, out / "map", overwrite=True)
    unsolved = [row["reason"] for row in rows if row["winner"] is None]
    report: dict[str, Any] = {
        "format": "sta.distill.map/1", "points": len(rows), **gaps(rows), "x": x, "y": y,
        "rows": rows, "figures": [str(path) for path in paths],
        "notes": [f"{len(unsolved)} points did not converge, the first: {unsolved[0]}"]
        if unsolved else [],
    }  # fmt: skip
    if as_json:
        print_json(report)
        return
    told = [[name.replace("_", " "), value] for name, value in gaps(rows).items()]
    print_table(f"{len(rows)} points", ["", "value"], told)
    for line in [*report["notes"], *(f"figure: {path}" for path in paths)]:
        click.echo(line)
