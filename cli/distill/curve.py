"""`sta distill curve`: test errors against one parameter, theory as lines, simulation as points."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sta.cli.distill.options import NAMES, numbers, setting_options
from sta.cli.options import (
    EXISTING_OR_NOT,
    json_option,
    print_json,
    print_table,
    progress_bar,
    seed_option,
    whole_numbers,
)
from sta.files import refuse_existing, write_bytes

if TYPE_CHECKING:
    import pandas as pd

    from sta.distillation import Setting


@click.command()
@setting_options(alpha=3.0)
@click.option("--over", type=click.Choice(NAMES), default="alpha", show_default=True)
@click.option(
    "--values", required=True, help="Of the parameter: 0.5,1,2 or FIRST:LAST:NUMBER, log spaced."
)
@click.option(
    "--n", default="500", show_default=True, help="N of the runs, one or several: 250,500."
)
@click.option("--seeds", type=click.IntRange(0), default=0, show_default=True, help="Runs a value.")
@click.option("-o", "--out", type=EXISTING_OR_NOT, help="Folder for the figure and runs.csv.")
@seed_option
@json_option
def curve(
    setting: Setting, over: str, values: str, n: str, seeds: int, out: Path | None, seed: int,
    as_json: bool,
) -> None:  # fmt: skip
    """Follow the test errors of teacher, distilled student and direct student.

    Over alpha, the peaks of the distilled student's error are searched for. The table runs.csv has
    one row a run, for `sta collapse runs.csv --x alpha --y test_error --size n --trial seed`.
    """
    import numpy as np

    from sta.distillation import error_curve, error_peaks, make_setting

    if out is not None:
        refuse_existing(out / "curve.svg")
        refuse_existing(out / "runs.csv")
    grid, sizes = numbers(values, "--values"), whole_numbers(n, "--n", 2)
    given = {name: np.full(grid.shape, float(getattr(setting, name))) for name in NAMES}
    given[over] = grid
    alpha = given.pop("alpha")
    along = make_setting(alpha, **given, loss=setting.loss, teacher=setting.teacher)
    rows = error_curve(along, over)
    report: dict[str, Any] = {"format": "sta.distill.curve/1", "over": over, "rows": rows}
    if over == "alpha" and len(grid) > 2:
        low, high = float(grid.min()), float(grid.max())
        report["peaks"] = [asdict(one) for one in error_peaks(setting, low=low, high=high)]
    table = _runs(along, over, sizes, seeds, seed) if seeds else None
    report["runs"] = [] if table is None else _means(table, over)
    if out is not None:
        report["figures"] = _drawn(report, out, log=":" in values)
        if table is not None:
            write_bytes(out / "runs.csv", table.to_csv(index=False).encode())
    if as_json:
        print_json(report)
        return
    _tell(report, over)


def _runs(along: Setting, over: str, sizes: tuple[int, ...], seeds: int, seed: int) -> pd.DataFrame:
    import pandas as pd

    from sta.distillation import simulate_distillation

    parts, total = [], len(sizes) * len(along.alpha)
    with progress_bar("training") as bar:
        for size in sizes:
            for k, value in enumerate(getattr(along, over)):
                # Every point and size has draws of its own, so that they are independent.
                own = _seed_of(seed, size, k)
                done = simulate_distillation(along.take(slice(k, k + 1)), size, seeds, seed=own)
                parts.append(
                    pd.DataFrame(
                        {
                            "n": size, over: float(value), "seed": range(seeds),
                            "test_error": done.student["test_error"],
                        }
                    )
                )  # fmt: skip
                bar.update(bar.task_ids[0], completed=len(parts), total=total)
    return pd.concat(parts, ignore_index=True)


def _seed_of(*words: int) -> int:
    """Return a seed of its own for each tuple of numbers."""
    import numpy as np

    return int(np.random.SeedSequence(words).generate_state(1)[0])


def _means(table: pd.DataFrame, over: str) -> list[dict[str, float]]:
    found = table.groupby(["n", over])["test_error"].agg(["mean", "sem"]).reset_index()
    return [
        {"n": int(n), over: float(x), "mean": float(mean), "standard_error": float(error)}
        for n, x, mean, error in found.itertuples(index=False)
    ]


def _drawn(report: dict[str, Any], out: Path, *, log: bool) -> list[str]:
    from sta.analysis.figures import save_figure
    from sta.analysis.figures.distillation import plot_curve

    figure = plot_curve(report["over"], report["rows"], report["runs"], log=log).get_figure(
        root=True
    )
    return [] if figure is None else [str(path) for path in save_figure(figure, out / "curve")]


def _tell(report: dict[str, Any], over: str) -> None:
    columns = [over, "teacher", "student", "direct student", "Bayes"]
    keys = [over, "teacher", "student", "direct", "bayes"]
    rows = [[row[key] for key in keys] for row in report["rows"]]
    for size in sorted({run["n"] for run in report["runs"]}):
        columns += [f"student, N = {size}", "± s.e."]
        own = {run[over]: run for run in report["runs"] if run["n"] == size}
        for line, row in zip(rows, report["rows"], strict=True):
            line += [own[row[over]]["mean"], own[row[over]]["standard_error"]]
    print_table("test error", columns, rows)
    for peak in report.get("peaks", []):
        click.echo(
            f"the student's error peaks at alpha = {peak['alpha']:.4g}: {peak['test_error']:.4f},"
            f" {peak['prominence']:.4f} above the valley beside it"
        )
    for path in report.get("figures", []):
        click.echo(f"figure: {path}")
