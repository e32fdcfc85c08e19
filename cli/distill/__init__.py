"""`sta distill`: the solvable model of knowledge distillation, theory beside simulation."""

from __future__ import annotations

import click

from sta.cli.distill.claims import claims
from sta.cli.distill.curve import curve
from sta.cli.distill.map import phase_diagram
from sta.cli.distill.optimum import optimum
from sta.cli.distill.simulate import simulate
from sta.cli.distill.theory import theory


@click.group()
def distill() -> None:
    """Distil a teacher of N weights into a student of eta N, on two Gaussian clusters.

    Defaults are those of the paper: rho = 0.2, Delta = 1, eta = 0.5, logistic loss.
    """


for command in (claims, curve, optimum, phase_diagram, simulate, theory):
    distill.add_command(command)
