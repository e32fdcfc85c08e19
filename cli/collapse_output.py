"""What `sta collapse` prints and draws."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sta.cli.options import interval, print_table

if TYPE_CHECKING:
    from sta.analysis.statistics import CollapseResult


def print_collapse(report: dict[str, Any]) -> None:
    """Print the estimates of `sta collapse`, the effective sizes, the verdict and its tests."""
    sizes = report.get("effective_size", {}).get("by_width", [])
    if sizes:
        columns = ["kind", "h_T", "h", "students", "median", "mean", "sd", "gap after"]
        keys = ["kind", "teacher_width", "student_width", "n_students"]
        keys += ["median", "mean", "sd", "gap_rank"]
        rows = [[row[key] for key in keys] for row in sizes]
        print_table("effective size", columns, rows)
    known = {k: e for k, e in report["estimates"].items() if e["value"] is not None}
    if known:
        columns = ["", "value [95 % interval]", "standard error", "systematic"]
        rows = [[k, _precise(e), e["se"], e["systematic"]] for k, e in known.items()]
        print_table("estimates", columns, rows)
    nulls = report.get("nulls") or []
    if nulls:
        columns = ["ranking", "kind", "h_T", "networks", "model", "b", "Delta(h_T) / Delta(0)"]
        keys = ["ranking", "kind", "teacher_width", "n_trials", "model"]
        rows = [
            [*(one[key] for key in keys), interval(one["rate"]), one["at_teacher_size"]]
            for one in nulls
        ]
        print_table("other rankings", columns, rows)
    for sentence in re.split(r"(?<=\.) (?=[A-Z])", report["verdict"]):
        click.echo(sentence)
    for test in report.get("tests", ()):
        click.echo(f"test: {test}")
    for note in report["notes"]:
        click.echo(f"note: {note}")


def print_oracle(report: dict[str, Any]) -> None:
    """Print each estimate beside the truth and their distance in standard errors."""
    truth = report["oracle"]["truth"]
    rows = []
    for name, estimate in report["estimates"].items():
        exact, value, se = truth.get(name), estimate["value"], estimate["se"]
        known = exact is not None and value is not None
        z = f"{(value - exact) / se:+.2f}" if known and se else None
        off = f"{100 * (value / exact - 1):+.2f} %" if known and exact else None
        rows.append([name, _exact(exact), _precise(estimate), z, off])
    columns = ["", "truth", "estimate [95 % interval]", "z", "relative error"]
    print_table(f"oracle {report['oracle']['name']}", columns, rows)


def draw_result(result: CollapseResult, folder: Path) -> list[Path]:
    """Draw the collapse and the other rankings as files of a folder, whose paths are returned."""
    from sta.analysis.figures import NullRow, draw_collapse, plot_nulls, save_figure

    files: list[Path] = []
    scaling = result.details.get("collapse")
    if scaling is not None:
        files += save_figure(draw_collapse(scaling), folder / "collapse")
    nulls = result.details.get("nulls") or ()
    if nulls:
        rows = []
        for one in nulls:
            low, high = one.rate.ci95 or (None, None)
            label = f"{one.who}, h_T = {one.teacher_width}: {one.model}"
            rows.append(NullRow(label, one.rate.value, low, high, reason=one.rate.reason))
        axes = plot_nulls(rows, x_label="rate $b$ of the exponential")
        figure = axes.get_figure(root=True)
        if figure is not None:
            files += save_figure(figure, folder / "rankings")
    return files


def _precise(estimate: dict[str, Any]) -> str:
    """Return an estimate with digits enough to tell its interval from its value."""
    from sta.analysis.statistics.estimate import Estimate
    from sta.analysis.statistics.words import show

    if estimate["value"] is None:
        return "-"
    ci95 = estimate["ci95"]
    return show(Estimate(estimate["value"], estimate["se"], tuple(ci95) if ci95 else None))


def _exact(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"
