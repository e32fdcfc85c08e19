"""`sta sweep watch` and `sta sweep show`: a sweep in training, and one student of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.live import Live
from rich.table import Table

from sta import StaError
from sta.cli.options import EXISTING_OR_NOT, cell, json_option, print_json, print_table
from sta.sweep import SweepStatus, read_plan, shards_of, sweep_status
from sta.sweep.partial import Glance, read_glances

COLUMNS = (
    "kind", "h_T", "h", "students", "epoch", "train loss", "test loss", "effective size", "steps/s",
)  # fmt: skip


@click.command()
@click.argument("folder", type=EXISTING_OR_NOT)
@click.option("--once", is_flag=True, help="Show the state once and leave.")
@click.option(
    "--every",
    type=click.FloatRange(min=0.1),
    default=2.0,
    show_default=True,
    help="Seconds between two looks.",
)
@click.option(
    "--tensorboard",
    type=EXISTING_OR_NOT,
    help="Folder for event files of the same curves (needs the extra 'tensorboard').",
)
def watch(folder: Path, once: bool, every: float, tensorboard: Path | None) -> None:
    """Follow a sweep in FOLDER while it trains, from this or any other machine that sees it.

    Each line is an ensemble in training: medians over its students at the last record.
    """
    write = _event_writer(tensorboard) if tensorboard else None
    state, glances = sweep_status(folder), read_glances(folder / "shards")
    console = Console(width=None if sys.stdout.isatty() else 120)
    with Live(console=console, auto_refresh=False) as live:
        while True:
            live.update(_view(folder, state, glances), refresh=True)
            for glance in glances if write else ():
                write(glance)  # type: ignore[misc]
            if once or state.tables:
                return
            time.sleep(every)
            state, glances = sweep_status(folder), read_glances(folder / "shards")


def _view(folder: Path, state: SweepStatus, glances: Sequence[Glance]) -> Table:
    title = (
        f"{folder}: {state.students_done} of {state.students} students, "
        f"{state.shards_done} of {state.shards} shards done, {len(glances)} in training"
    )
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(COLUMNS):
        table.add_column(column, justify="left" if number == 0 else "right")
    for one in glances:
        quiet = time.time() - one.updated > 60
        row = (
            one.kind, one.teacher_width, one.student_width, one.students,
            f"{one.epoch}/{one.epochs}", one.train_loss, one.test_loss, one.effective_size,
            "quiet" if quiet else one.student_steps_per_second,
        )  # fmt: skip
        table.add_row(*(cell(value) for value in row), style="dim" if quiet else None)
    return table


def _event_writer(folder: Path) -> Callable[[Glance], None]:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise StaError(
            "--tensorboard needs the package tensorboard; install it with: "
            "pip install '.[tensorboard]'"
        ) from error
    writers: dict[str, Any] = {}

    def write(one: Glance) -> None:
        name = f"{one.kind}-t{one.teacher_width}-h{one.student_width}-{one.shard}"
        if name not in writers:
            writers[name] = SummaryWriter(str(folder / name))
        for curve in ("train_loss", "test_loss", "effective_size", "student_steps_per_second"):
            writers[name].add_scalar(curve, getattr(one, curve), one.epoch)
        writers[name].flush()

    return write


@click.command()
@click.argument("folder", type=EXISTING_OR_NOT)
@click.argument("student")
@json_option
def show(folder: Path, student: str, as_json: bool) -> None:
    """Show one student of the sweep in FOLDER by its student_id: numbers and learning curve.

    The tables list the ids, such as spectral-h60-t20.0-1: kind, h, h_T, teacher's draw, trial.
    """
    plan = read_plan(folder)
    names = [one.name for one in plan.students]
    if student not in names:
        raise StaError(f"{folder} has no student {student!r}; its first is {names[0]!r}")
    number = next(
        n for n, shard in enumerate(plan.shards) if student in {one.name for one in shard}
    )
    member = [one.name for one in plan.shards[number]].index(student)
    checkpoint = next((one for n, one in shards_of(folder, plan, [number])), None)
    path = folder / "shards" / f"{number:04d}.pt"
    if checkpoint is None:
        raise StaError(f"student {student!r} is not there: {path} is missing; run the sweep")
    row = dict(checkpoint.metrics["students"][member])
    history = {name: value.numpy() for name, value in checkpoint.metrics["history"].items()}
    curves = {k: history[k][:, member] for k in ("train_loss", "test_loss", "effective_size")}
    curves = {"epoch": history["epoch"], **curves}
    if as_json:
        print_json(
            {
                "format": "sta.student/1",
                **row,
                "checkpoint": str(path),
                "member": member,
                "history": {name: values.tolist() for name, values in curves.items()},
            }
        )
        return
    keys = ("status", "train_loss", "test_loss", "target_variance", "effective_size")
    print_table(f"{student}: {path} --member {member}", keys, [[row[key] for key in keys]])
    some = np.unique(np.linspace(0, len(curves["epoch"]) - 1, 11).round().astype(int))
    rows = [[values[k].item() for values in curves.values()] for k in some]
    print_table("learning curve", [name.replace("_", " ") for name in curves], rows)
