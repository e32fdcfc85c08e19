"""`sta collapse`: order parameter, threshold, scaling collapse and verdict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sta.cli.collapse_output import draw_result, print_collapse, print_oracle
from sta.cli.options import (
    EXISTING_OR_NOT,
    json_option,
    print_json,
    progress_bar,
    seed_option,
    threshold_option,
    whole_numbers,
)

if TYPE_CHECKING:
    import pandas as pd

    from sta.analysis.statistics import CollapseResult


@click.command()
@click.argument("source", type=EXISTING_OR_NOT, required=False)
@click.option("--x", help="Column of the control parameter (tables).")
@click.option("--y", help="Column of the order parameter (tables).")
@click.option(
    "--size",
    help="Column of the size (tables); teacher_width or student_width (sweeps).",
)
@click.option("--trial", help="Column of the trial, the unit of replication (tables).")
@click.option("--group", help="Column of the higher level, such as the teacher (tables).")
@click.option("--error", help="Column of the standard error of y (tables).")
@click.option("--kind", help="Kind of student that gives the estimates (sweeps).")
@click.option(
    "--nulls", is_flag=True, help="Also rank units at random and by magnitude, and prune teachers."
)
@click.option("--oracle", help="Run on generated data of this name, with known exponents.")
@click.option("--trials", type=click.IntRange(1), help="Trials a size (--oracle).")
@click.option("--sizes", help="Sizes, separated by commas (--oracle).")
@click.option(
    "--corrections",
    type=click.Choice(["auto", "yes", "no"]),
    default="auto",
    show_default=True,
    help="Whether to fit a correction to scaling; auto: with four sizes or more.",
)
@click.option(
    "--window",
    type=click.FloatRange(0, min_open=True),
    help="Largest |x - x_c| L^(1/nu) of the collapse; found by a scan if unset.",
)
@click.option("-o", "--out", type=EXISTING_OR_NOT, help="Folder for the figures.")
@threshold_option
@seed_option
@json_option
def collapse(source: Path | None, as_json: bool, seed: int, out: Path | None, **given: Any) -> None:
    """Say what the sweep in the folder SOURCE, or the table SOURCE, shows about a transition.

    A table (csv, csv.gz or parquet) has one row a size, x and trial; name its columns. With
    --oracle NAME there is no SOURCE: percolation, giant-component, order-statistics, linear,
    threshold, exponential, line, crossover, mock, mock-correlated or mock-correction.
    """
    if (source is None) == (given["oracle"] is None):
        raise click.UsageError("give either SOURCE or --oracle NAME")
    truth = None
    with progress_bar("fitting"):
        if source is None:
            result, truth = _oracle(given, seed)
        elif source.is_dir():
            result = _sweep(source, given, seed)
        else:
            result = _table(source, given, seed)
    files = draw_result(result, out) if out is not None else []
    report = result.to_dict()
    if truth is not None:
        report["oracle"] = {"name": given["oracle"], "truth": truth}
    if files:
        report["figures"] = [str(path) for path in files]
    if as_json:
        print_json(report)
        return
    if truth is not None:
        print_oracle(report)
    print_collapse(report)
    for path in files:
        click.echo(f"figure: {path}")


def _oracle(given: dict[str, Any], seed: int) -> tuple[CollapseResult, dict[str, float | None]]:
    from sta.analysis.statistics.oracles import generate_oracle
    from sta.analysis.statistics.table import collapse_curves

    options = {name: given[name] for name in ("trials",) if given[name] is not None}
    if given["sizes"] is not None:
        options["sizes"] = whole_numbers(given["sizes"], "--sizes")
    made = generate_oracle(given["oracle"], seed=seed, **options)
    result = collapse_curves(
        made.curves,
        f"{made.y_name} against {made.x_name}",
        corrections=given["corrections"],
        window=given["window"],
        seed=seed,
    )
    return result, dict(made.truth)


def _sweep(source: Path, given: dict[str, Any], seed: int) -> CollapseResult:
    from sta.analysis.statistics import collapse_sweep
    from sta.sweep import ranked_ramps, read_tables

    if any(given[name] is not None for name in ("x", "y", "trial", "error", "group")):
        raise click.UsageError("--x, --y, --trial, --error and --group are for tables")
    size = given["size"]
    if size not in (None, "teacher_width", "student_width"):
        raise click.UsageError(f"--size {size}: a sweep has teacher_width and student_width")
    tables = read_tables(source)
    rankings = None
    if given["nulls"]:
        rankings = ranked_ramps(source, ("random", "magnitude", "teacher"), seed=seed)
    return collapse_sweep(
        tables.students,
        tables.ramps,
        seed=seed,
        threshold=given["threshold"],
        kind=given["kind"],
        size=size,
        rankings=rankings,
        corrections=given["corrections"],
        window=given["window"],
    )


def _table(source: Path, given: dict[str, Any], seed: int) -> CollapseResult:
    from sta.analysis.statistics import collapse_table

    table = _read(source)
    names = [given[name] for name in ("x", "y", "size", "trial", "error", "group")]
    if any(name is None for name in names[:3]):
        raise click.UsageError("a table needs --x, --y and --size, the names of its columns")
    return collapse_table(
        table, *names, seed=seed, corrections=given["corrections"], window=given["window"]
    )


def _read(path: Path) -> pd.DataFrame:
    import pandas as pd

    from sta.errors import FileFormatError
    from sta.files import readable

    if path.suffix != ".parquet" and not path.name.endswith((".csv", ".csv.gz")) and path.exists():
        raise FileFormatError(f"{path} is neither a sweep nor a .csv, .csv.gz or .parquet table")
    with readable(path):
        try:
            return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
        except Exception as error:  # parsers of damaged files raise nearly anything
            raise FileFormatError(f"{path} is damaged or no table; write it again") from error
