"""`sta demo`: the whole chain on a small problem."""

from __future__ import annotations

from pathlib import Path

import click

from sta.cli.collapse_output import print_collapse
from sta.cli.options import (
    EXISTING_OR_NOT,
    follow_sweep,
    json_option,
    print_json,
    progress_bar,
    seed_option,
)
from sta.sweep import load_config, run_sweep


@click.command()
@click.argument("out", type=EXISTING_OR_NOT, default="demo")
@seed_option
@json_option
def demo(out: Path, seed: int, as_json: bool) -> None:
    """Train, prune, compare and report on a small problem, into the folder OUT.

    Takes about a minute on two cores. Run again, it does only what is missing.
    """
    from sta.analysis.report import write_report
    from sta.analysis.statistics import collapse_sweep

    with progress_bar("starting") as bar:
        tables = run_sweep(load_config("demo", {"seed": seed}), out, progress=follow_sweep(bar))
    report = collapse_sweep(tables.students, tables.ramps, seed=seed).to_dict()
    page = out / "report.html"
    write_report(out, page, seed=seed, overwrite=True)
    if as_json:
        print_json({**report, "report": str(page)})
    else:
        print_collapse(report)
        click.echo(f"report: {page}")
