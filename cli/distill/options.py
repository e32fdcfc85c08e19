"""What the commands share: the model's parameters."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sta.distillation import Setting

NUMBERS: dict[str, tuple[float | None, str]] = {
    "alpha": (None, "Training patterns over N."),
    "rho": (0.2, "Weight of the positive cluster."),
    "delta": (1.0, "Variance of the clusters."),
    "eta": (0.5, "The student's share of the weights."),
    "lam-teacher": (0.1, "Ridge of the teacher."),
    "lam": (1e-5, "Ridge of the student."),
    "chi": (1.0, "Share of the teacher's outputs in the student's loss."),
    "temperature": (1.0, "T of the teacher's outputs."),
}


def setting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a setting; the command gets it as ``setting``."""

    @wraps(command)
    def call(**given: Any) -> Any:
        return command(setting=_setting(given), **given)

    options = [
        click.option(
            f"--{name}", type=float, default=usual, required=usual is None,
            show_default=usual is not None, help=text,
        )
        for name, (usual, text) in NUMBERS.items()
    ]  # fmt: skip
    options += [
        click.option(
            "--loss", type=click.Choice(["logistic", "square"]), default="logistic",
            show_default=True, help="Of teacher and student.",
        ),
        click.option(
            "--teacher", type=click.Choice(["erm", "bayes", "hebb"]), default="erm",
            show_default=True,
            help="Trained on the student's patterns; optimal, from others; or optimal, from them.",
        ),
    ]  # fmt: skip
    for option in reversed(options):
        call = option(call)
    return call


def _setting(given: dict[str, Any]) -> Setting:
    from sta.distillation import make_setting

    values = {name: given.pop(name) for name in ("loss", "teacher")}
    numbers = {name.replace("-", "_"): given.pop(name.replace("-", "_")) for name in NUMBERS}
    return make_setting(numbers.pop("alpha"), **numbers, **values)
