"""`sta coverage`: how often the intervals of this package hold the truth."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sta.cli.options import (
    EXISTING_OR_NOT,
    json_option,
    print_json,
    print_table,
    seed_option,
    whole_numbers,
)

if TYPE_CHECKING:
    import pandas as pd

STUDIES = ("collapse", "threshold", "claims")


@click.command()
@click.argument("study", type=click.Choice(STUDIES), default="collapse")
@click.option(
    "--repeats", type=click.IntRange(2), default=200, show_default=True, help="Data sets a case."
)
@click.option("--trials", help="Trials a data set, separated by commas; 20,8,5 if unset.")
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=os.cpu_count() or 1,
    help="Processes of the study of the collapse; one a core if unset.",
)
@click.option("-o", "--out", type=EXISTING_OR_NOT, help="The table as a csv file.")
@seed_option
@json_option
def coverage(
    study: str,
    repeats: int,
    trials: str | None,
    workers: int,
    out: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Simulate data with known truth and count how often STUDY's answers are right.

    collapse: intervals of x_c, 1/nu and beta/nu, beside those of the usual fit (Houdayer and
    Hartmann's S with errors from its curvature). threshold: intervals of x_c and beta of the
    threshold fit. claims: how often a threshold is claimed, with and without one.
    """
    numbers = whole_numbers(trials, "--trials", least=3) if trials else None
    table = _run(study, repeats, numbers, workers, seed)
    if out is not None:
        from sta.files import write_bytes

        write_bytes(out, table.to_csv(index=False).encode())
    records = table.to_dict(orient="records")
    if as_json:
        print_json({"format": "sta.coverage/1", "study": study, "rows": records})
    else:
        shown = [str(column) for column in table.columns if column not in ("bias", "mean_se")]
        rows = [[row[column] for column in shown] for row in records]
        print_table(f"{study}, {repeats} data sets a case", shown, rows)


def _run(
    study: str, repeats: int, trials: tuple[int, ...] | None, workers: int, seed: int
) -> pd.DataFrame:
    if study == "collapse":
        from sta.analysis.statistics.scaling.coverage import collapse_coverage

        return collapse_coverage(repeats, trials=trials or (20, 8, 5), seed=seed, workers=workers)
    from sta.analysis.statistics.threshold.coverage import threshold_coverage, threshold_power

    if study == "threshold":
        return threshold_coverage(repeats, trials or (20, 8, 5), seed=seed)
    return threshold_power(repeats, trials or (10, 20), seed=seed)
