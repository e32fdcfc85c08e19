"""`sta sweep`: hundreds of students."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from sta.cli.options import (
    EXISTING_OR_NOT,
    follow_sweep,
    json_option,
    print_json,
    print_table,
    progress_bar,
)
from sta.sweep import SweepTables, load_config, run_sweep, sweep_status


@click.group()
def sweep() -> None:
    """Train many students, as batched ensembles in a pool of processes."""


@sweep.command("run")
@click.argument("config")
@click.argument("out", type=EXISTING_OR_NOT)
@click.option("--workers", type=click.IntRange(1), help="Processes; one a core if unset.")
@click.option("--trials", type=click.IntRange(1), help="Instead of CONFIG's.")
@click.option("--epochs", type=click.IntRange(0), help="Instead of CONFIG's.")
@click.option("--seed", type=click.IntRange(0), help="Instead of CONFIG's.")
@click.option("--device", help="cpu, cuda or cuda:N, instead of CONFIG's.")
@json_option
def run(
    config: str,
    out: Path,
    workers: int | None,
    trials: int | None,
    epochs: int | None,
    seed: int | None,
    device: str | None,
    as_json: bool,
) -> None:
    """Train the students of CONFIG (a TOML file or a preset) into the folder OUT.

    Interrupted and run again with the same settings, it does only what is missing.
    """
    tables: dict[str, dict[str, Any]] = {
        "student": {"trials": trials},
        "training": {"epochs": epochs, "device": device},
    }
    overrides: dict[str, Any] = {
        name: {key: value for key, value in table.items() if value is not None}
        for name, table in tables.items()
    }
    if seed is not None:
        overrides["seed"] = seed
    settings = load_config(config, overrides)
    with progress_bar("starting") as bar:
        result = run_sweep(settings, out, workers=workers, progress=follow_sweep(bar))
    if as_json:
        print_json({"format": "sta.sweep/1", "folder": str(out), **_counts(result)})
    else:
        print_summary(result)


@sweep.command("status")
@click.argument("folder", type=EXISTING_OR_NOT)
@json_option
def status(folder: Path, as_json: bool) -> None:
    """Say how much of the sweep in FOLDER is done."""
    state = sweep_status(folder)
    if as_json:
        print_json({"format": "sta.status/1", **asdict(state)})
        return
    tables = "written" if state.tables else "not written yet"
    click.echo(
        f"{state.students_done} of {state.students} students in {state.shards_done} of "
        f"{state.shards} shards; tables {tables}"
    )


def _counts(tables: SweepTables) -> dict[str, int]:
    diverged = int((tables.students["status"] == "diverged").sum())
    return {"students": len(tables.students), "diverged": diverged}


def print_summary(tables: SweepTables) -> None:
    """Print one row a kind and width."""
    healthy = tables.students[tables.students["status"] == "ok"]
    keys = ["kind", "teacher_width", "student_width"]
    rows = [
        [
            *key,
            len(group),
            float(group["effective_size"].median()),
            f"{group['effective_size'].min()} to {group['effective_size'].max()}",
            float(group["test_loss"].median()),
        ]
        for key, group in healthy.groupby(keys, sort=False)
    ]
    columns = ["kind", "h_T", "h", "students", "effective size", "range", "test loss"]
    print_table("students (medians)", columns, rows)
    diverged = _counts(tables)["diverged"]
    if diverged:
        click.echo(f"{diverged} students diverged and are left out")
