"""`sta sweep reference` and `sta sweep reduce`: sweeps that come along, and how they are made."""

from __future__ import annotations

from pathlib import Path

import click

from sta.cli.options import EXISTING_OR_NOT
from sta.data import copy_sweep, sweep_names
from sta.files import refuse_existing
from sta.sweep.reduced import reduce_sweep


@click.command()
@click.argument("out", type=EXISTING_OR_NOT)
@click.option(
    "--name",
    type=click.Choice(sweep_names()),
    default="reference",
    show_default=True,
    help="Which.",
)
def reference(out: Path, name: str) -> None:
    """Copy a finished sweep that comes with the package into the folder OUT.

    Its tables are whole; of its students a few of each kind and shape are there.
    """
    refuse_existing(out)
    copy_sweep(name, out)
    click.echo(f"{name} -> {out}")


@click.command()
@click.argument("folder", type=EXISTING_OR_NOT)
@click.argument("out", type=EXISTING_OR_NOT)
@click.option(
    "--keep", type=click.IntRange(0), default=3, show_default=True, help="Of each kind and shape."
)
@click.option("--widest", type=click.IntRange(1), default=500, show_default=True, help="Units, h.")
def reduce(folder: Path, out: Path, keep: int, widest: int) -> None:
    """Write the tables and a few students of the finished sweep in FOLDER into OUT.

    Losses and importances are rounded to 15 bits of mantissa, so that they pack well.
    """
    plan = reduce_sweep(folder, out, kept=keep, widest=widest)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    click.echo(f"{len(plan.students)} students -> {out}, {size / 1e6:.2f} MB")
