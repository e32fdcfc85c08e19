"""What commands share: options, JSON on stdout, tables, and progress on stderr."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from sta.sweep.run import SweepProgress

F = TypeVar("F", bound=Callable[..., Any])

EXISTING_OR_NOT = click.Path(path_type=Path)


def json_option(command: F) -> F:
    """Add ``--json``."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON object on stdout, nothing else."
    )(command)


def seed_option(command: F) -> F:
    """Add ``--seed``."""
    return click.option(
        "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of all chance."
    )(command)


def threshold_option(command: F) -> F:
    """Add ``--threshold``."""
    return click.option(
        "--threshold",
        type=click.FloatRange(0, 1, max_open=True),
        default=0.05,
        show_default=True,
        help="Relative importance L_i / max L above which a unit counts.",
    )(command)


def checkpoint_arguments(command: F) -> F:
    """Add CHECKPOINT, ``--member`` and ``--teacher``."""
    options = (
        click.argument("checkpoint", type=EXISTING_OR_NOT),
        click.option("--member", type=click.IntRange(0), help="Which student of an ensemble."),
        click.option(
            "--teacher",
            type=EXISTING_OR_NOT,
            help="File of the teacher; of a checkpoint of sta, the student in it.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def print_json(value: object) -> None:
    """Print a value as JSON; numbers that are not finite become null."""
    click.echo(json.dumps(_finite(value), indent=2, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table on stdout."""
    table = Table(title=escape(title), title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*(escape(cell(value)) for value in row))
    width = None if sys.stdout.isatty() else 120
    Console(width=width).print(table)


def cell(value: object) -> str:
    """Return a cell: three significant digits, a dash for nothing."""
    if value is None:
        return "-"
    if isinstance(value, float):
        if not math.isfinite(value):
            return "-"
        return f"{value:.0f}" if 1e3 <= abs(value) < 1e6 else f"{value:.3g}"
    return str(value)


def whole_numbers(text: str, option: str, least: int = 1) -> tuple[int, ...]:
    """Return the numbers of an option such as "20,8,5"; a usage error where they are none."""
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise click.UsageError(f"{option} {text}: give whole numbers such as 20,8,5") from None
    if min(numbers) < least:
        raise click.UsageError(f"{option} {text}: each must be at least {least}")
    return numbers


def interval(estimate: dict[str, Any] | None) -> str:
    """Return an estimate as "value [low, high]"."""
    if estimate is None or estimate.get("value") is None:
        return "-"
    low, high = estimate["ci95"] or (None, None)
    text = cell(estimate["value"])
    return text if low is None else f"{text} [{cell(low)}, {cell(high)}]"


@contextmanager
def progress_bar(label: str) -> Iterator[Progress]:
    """Show a bar on stderr while a long call runs, if stderr is a terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        bar.add_task(label, total=None)
        yield bar


def follow_sweep(bar: Progress) -> Callable[[SweepProgress], None]:
    """Return a callback that moves the bar of `progress_bar`."""
    told: list[int] = []

    def follow(state: SweepProgress) -> None:
        text = f"{state.students_done}/{state.students} students"
        if state.steps_per_second:
            text += f", {cell(state.steps_per_second)} student-steps/s"
        for number in state.damaged[len(told) :]:
            told.append(number)
            bar.console.print(f"shard {number} was damaged; it is set aside and trained again")
        bar.update(bar.task_ids[0], description=text, total=state.work, completed=state.work_done)

    return follow


def follow_epochs(bar: Progress) -> Callable[[int, int], None]:
    """Return a callback for training that moves the bar of `progress_bar`."""
    return lambda done, total: bar.update(bar.task_ids[0], completed=done, total=total)
