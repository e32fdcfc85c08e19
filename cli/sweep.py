"""`sta sweep`: hundreds of students."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from sta.cli.options import (
    EXISTING_OR_NOT,
    cell,
    follow_sweep,
    json_option,
    print_json,
    print_table,
    progress_bar,
)
from sta.cli.sweep_copy import reduce, reference
from sta.cli.sweep_view import show, watch
from sta.sweep import (
    SweepProgress,
    SweepStatus,
    SweepTables,
    load_config,
    run_part,
    run_sweep,
    sweep_status,
)


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
@click.option("--scheduler", help="Address of a dask scheduler whose workers train instead.")
@click.option("--shard", metavar="I/N", help="Train only the I-th of N parts, in a job array.")
@json_option
def run(
    config: str,
    out: Path,
    workers: int | None,
    trials: int | None,
    epochs: int | None,
    seed: int | None,
    device: str | None,
    scheduler: str | None,
    shard: str | None,
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
    part = None if shard is None else _part(shard)
    if part and scheduler:
        raise click.UsageError("--shard and --scheduler share out the work each in its own way")
    settings = load_config(config, overrides)
    started, seen = time.monotonic(), list[SweepProgress]()
    with progress_bar("starting") as bar, _stopped_in_order():
        follow = follow_sweep(bar)

        def progress(state: SweepProgress) -> None:
            seen[:] = [state]
            follow(state)

        if part is not None:
            state = run_part(settings, out, part, workers=workers, progress=progress)
            _print_status(state, as_json)
            return
        result = run_sweep(settings, out, workers=workers, scheduler=scheduler, progress=progress)
    seconds = time.monotonic() - started
    rate = seen[-1].steps_per_second if seen else 0.0
    if as_json:
        speed = {"seconds": seconds, "student_steps_per_second": rate}
        print_json({"format": "sta.sweep/1", "folder": str(out), **_counts(result), **speed})
    else:
        print_summary(result)
        click.echo(f"{seconds:.3g} s, {cell(rate)} student-steps/s")


def _part(text: str) -> tuple[int, int]:
    try:
        number, count = (int(part) for part in text.split("/"))
    except ValueError:
        raise click.UsageError(f"--shard {text}: give it as 2/8, the second of eight") from None
    return number, count


@contextlib.contextmanager
def _stopped_in_order() -> Iterator[None]:
    """Let a batch system's SIGTERM end the run as Ctrl-C does: workers first, locks freed."""

    def stop(number: int, frame: object) -> None:  # noqa: ARG001 - the signal module's signature
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt as error:
        raise click.ClickException(
            "stopped; finished shards are kept, and those in training lose half a minute at most: "
            "run again with the same settings to go on"
        ) from error
    finally:
        signal.signal(signal.SIGTERM, before)


@sweep.command("status")
@click.argument("folder", type=EXISTING_OR_NOT)
@json_option
def status(folder: Path, as_json: bool) -> None:
    """Say how much of the sweep in FOLDER is done, from the files that are there."""
    _print_status(sweep_status(folder), as_json)


def _print_status(state: SweepStatus, as_json: bool) -> None:
    if as_json:
        print_json({"format": "sta.status/1", **asdict(state)})
        return
    tables = "written" if state.tables else "not written yet"
    click.echo(
        f"{state.students_done} of {state.students} students in {state.shards_done} of "
        f"{state.shards} shards; tables {tables}"
    )


sweep.add_command(watch)
sweep.add_command(show)
sweep.add_command(reference)
sweep.add_command(reduce)


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
