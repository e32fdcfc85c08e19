"""`sta collapse`: order parameter, threshold and verdict of a sweep or of any table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sta.cli.options import (
    EXISTING_OR_NOT,
    interval,
    json_option,
    print_json,
    print_table,
    seed_option,
    threshold_option,
)

if TYPE_CHECKING:
    import pandas as pd


@click.command()
@click.argument("source", type=EXISTING_OR_NOT)
@click.option("--x", help="Column of the control parameter (tables).")
@click.option("--y", help="Column of the order parameter (tables).")
@click.option("--size", help="Column of the size (tables).")
@click.option("--trial", help="Column of the trial, the unit of replication (tables).")
@click.option("--error", help="Column of the standard error of y (tables).")
@click.option("--kind", help="Kind of student that gives the estimates (sweeps).")
@threshold_option
@seed_option
@json_option
def collapse(
    source: Path,
    x: str | None,
    y: str | None,
    size: str | None,
    trial: str | None,
    error: str | None,
    kind: str | None,
    threshold: float,
    seed: int,
    as_json: bool,
) -> None:
    """Say what the sweep in the folder SOURCE, or the table SOURCE, shows about a threshold.

    A table (csv, csv.gz or parquet) has one row a size, x and trial; name its columns.
    """
    from sta.analysis.statistics import collapse_sweep, collapse_table
    from sta.sweep import read_tables

    if source.is_dir():
        if any(column is not None for column in (x, y, size, trial, error)):
            raise click.UsageError("--x, --y, --size, --trial and --error are for tables")
        tables = read_tables(source)
        result = collapse_sweep(
            tables.students, tables.ramps, seed=seed, threshold=threshold, kind=kind
        )
    else:
        table = _read(source)
        if x is None or y is None or size is None:
            raise click.UsageError("a table needs --x, --y and --size, the names of its columns")
        result = collapse_table(table, x, y, size, trial, error, seed=seed)
    report = result.to_dict()
    if as_json:
        print_json(report)
    else:
        print_collapse(report)


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


def print_collapse(report: dict[str, Any]) -> None:
    """Print the estimates of `sta collapse`, the effective sizes, and the verdict."""
    sizes = report.get("effective_size", {}).get("by_width", [])
    if sizes:
        columns = ["kind", "h_T", "h", "students", "median", "mean", "sd", "gap after"]
        keys = ["kind", "teacher_width", "student_width", "n_students"]
        keys += ["median", "mean", "sd", "gap_rank"]
        rows = [[row[key] for key in keys] for row in sizes]
        print_table("effective size", columns, rows)
    known = {k: e for k, e in report["estimates"].items() if e["value"] is not None}
    if known:
        print_table("estimates [95 % interval]", list(known), [[*map(interval, known.values())]])
    for sentence in re.split(r"(?<=\.) (?=[A-Z])", report["verdict"]):
        click.echo(sentence)
    for note in report["notes"]:
        click.echo(f"note: {note}")
