"""`sta report`: one self-contained HTML page of a sweep."""

from __future__ import annotations

from pathlib import Path

import click

from sta.cli.options import EXISTING_OR_NOT, json_option, print_json, seed_option


@click.command()
@click.argument("folder", type=EXISTING_OR_NOT)
@click.option("-o", "--out", type=EXISTING_OR_NOT, help="The page; FOLDER/report.html if unset.")
@click.option("--figures", type=EXISTING_OR_NOT, help="Folder for the figures as files.")
@click.option("--overwrite", is_flag=True, help="Replace an existing page.")
@click.option(
    "--null-samples",
    type=click.IntRange(0),
    default=39,
    show_default=True,
    help="Other networks of each kind among which every student's distances are placed.",
)
@seed_option
@json_option
def report(
    folder: Path,
    out: Path | None,
    figures: Path | None,
    overwrite: bool,
    null_samples: int,
    seed: int,
    as_json: bool,
) -> None:
    """Write figures, tables, settings and verdict of the sweep in FOLDER as one HTML page."""
    from sta.analysis.report import write_report

    page = out or folder / "report.html"
    write_report(
        folder, page, seed=seed, overwrite=overwrite, figures=figures, null_samples=null_samples
    )
    if as_json:
        print_json({"format": "sta.report/1", "report": str(page)})
    else:
        click.echo(f"report: {page}")
