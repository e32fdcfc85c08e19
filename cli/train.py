"""`sta train`: one student, as a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import torch

from sta import StaError
from sta.checkpoint import save_checkpoint, take_member
from sta.cli.options import (
    EXISTING_OR_NOT,
    follow_epochs,
    json_option,
    print_json,
    print_table,
    progress_bar,
)
from sta.files import refuse_existing
from sta.sweep import StudentId, load_config, train_students

MANY_UNITS = 1000  # below, threads bring nothing, and on a busy machine wait for each other


@click.command()
@click.argument("config", default="paper")
@click.option("-o", "--out", type=EXISTING_OR_NOT, default="student.pt", show_default=True)
@click.option("--kind", default="spectral", show_default=True, help="A recipe of CONFIG.")
@click.option("--width", type=click.IntRange(1), default=60, show_default=True, help="Units, h.")
@click.option("--teacher-width", type=click.IntRange(1), help="h_T; the first of CONFIG if unset.")
@click.option("--teacher-seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--trial", type=click.IntRange(0), default=0, show_default=True)
@click.option("--epochs", type=click.IntRange(0), help="Instead of CONFIG's.")
@click.option("--device", help="cpu, cuda or cuda:N, instead of CONFIG's.")
@click.option("--seed", type=click.IntRange(0), help="Instead of CONFIG's.")
@json_option
def train(
    config: str,
    out: Path,
    kind: str,
    width: int,
    teacher_width: int | None,
    teacher_seed: int,
    trial: int,
    epochs: int | None,
    device: str | None,
    seed: int | None,
    as_json: bool,
) -> None:
    """Train one student of CONFIG (a TOML file or a preset) and write a checkpoint.

    It is the student with that address in a sweep of CONFIG with the same seed, up to rounding.
    """
    refuse_existing(out)
    training = {k: v for k, v in {"epochs": epochs, "device": device}.items() if v is not None}
    overrides: dict[str, Any] = {"training": training, "student": {"kinds": [kind]}}
    if seed is not None:
        overrides["seed"] = seed
    settings = load_config(config, overrides)
    address = StudentId(
        kind, width, teacher_width or settings.teacher.widths[0], teacher_seed, trial
    )
    if width < MANY_UNITS:
        torch.set_num_threads(1)
    with progress_bar(f"training {address.name}") as bar:
        checkpoint = take_member(train_students(settings, [address], follow_epochs(bar)), 0)
    if checkpoint.metrics["status"] != "ok":
        raise StaError(
            f"student {address.name} diverged at epoch {checkpoint.metrics['diverged_at']}; "
            f"lower kinds.{kind}.learning_rate"
        )
    save_checkpoint(checkpoint, out)
    row = {k: v for k, v in checkpoint.metrics.items() if k != "importance"}
    if as_json:
        print_json({"format": "sta.train/1", "checkpoint": str(out), **row})
    else:
        keys = ("train_loss", "test_loss", "target_variance", "effective_size")
        print_table(f"{address.name} -> {out}", keys, [[row[key] for key in keys]])
