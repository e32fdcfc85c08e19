"""`sta prune`: a smaller student."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

from sta.checkpoint import load_single, save_checkpoint
from sta.cli.options import (
    EXISTING_OR_NOT,
    checkpoint_arguments,
    json_option,
    print_json,
    seed_option,
    threshold_option,
)
from sta.evaluation import prune as prune_student
from sta.files import refuse_existing


@click.command()
@checkpoint_arguments
@click.option("-o", "--out", type=EXISTING_OR_NOT, required=True, help="The smaller checkpoint.")
@click.option("--keep", type=click.IntRange(1), help="Number of units kept.")
@threshold_option
@seed_option
@json_option
def prune(
    checkpoint: Path,
    member: int | None,
    teacher: Path | None,
    out: Path,
    keep: int | None,
    threshold: float,
    seed: int,
    as_json: bool,
) -> None:
    """Write the student in CHECKPOINT without its least important units.

    Keeps the units above the threshold, or the --keep most important ones, without retraining;
    the original numbers of the units are kept in the file.
    """
    refuse_existing(out)
    source = click.get_current_context().get_parameter_source("threshold")
    if keep is not None and source is not ParameterSource.DEFAULT:
        raise click.UsageError("--keep and --threshold both say what is kept; give one of them")
    student = load_single(checkpoint, member)
    target = None if teacher is None else load_single(teacher).student
    pruned = prune_student(student, n_kept=keep, threshold=threshold, teacher=target, seed=seed)
    save_checkpoint(pruned.checkpoint, out)
    before, after = pruned.mse_before, pruned.mse_after
    delta = None if before is None or after is None else after - before
    report = {
        "format": "sta.prune/1",
        "checkpoint": str(out),
        "widths": list(load_single(out).student.widths),
        "units": pruned.units,
        "units_kept": pruned.units_kept,
        "unit_ids": pruned.checkpoint.student.unit_ids,
        "mse_before": pruned.mse_before,
        "mse_after": pruned.mse_after,
        "delta_mse": delta,
        "notes": {"mse": pruned.note} if pruned.note else {},
    }
    if as_json:
        print_json(report)
        return
    click.echo(f"{out}: {pruned.units_kept} of {pruned.units} units kept")
    click.echo(
        f"note: {pruned.note}"
        if pruned.note
        else f"test error {before:.4g} before, {after:.4g} after, difference {delta:.3g}"
    )
