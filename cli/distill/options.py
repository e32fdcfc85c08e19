"""What the commands share: the model's parameters."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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


NAMES = [name.replace("-", "_") for name in NUMBERS]


def setting_options(
    alpha: float | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the options of a setting; the command gets it as ``setting``.

    Without a usual `alpha` the user must give one.
    """

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def call(**given: Any) -> Any:
            return command(setting=_setting(given), **given)

        usual = {name: value for name, (value, _) in NUMBERS.items()} | {"alpha": alpha}
        options = [
            click.option(
                f"--{name}", type=float, default=usual[name], required=usual[name] is None,
                show_default=usual[name] is not None, help=text,
            )
            for name, (_, text) in NUMBERS.items()
        ]  # fmt: skip
        options += [
            click.option(
                "--loss", type=click.Choice(["logistic", "square"]), default="logistic",
                show_default=True, help="Of teacher and student.",
            ),
            click.option(
                "--teacher", type=click.Choice(["erm", "bayes", "hebb"]), default="erm",
                show_default=True,
                help="Trained on the student's patterns; optimal, from others; or optimal, from"
                " them.",
            ),
        ]  # fmt: skip
        for option in reversed(options):
            call = option(call)
        return call

    return add


def numbers(text: str, option: str) -> NDArray[np.float64]:
    """Return the numbers of "0.5,1,2", or of "FIRST:LAST:NUMBER", evenly in their logarithm."""
    import numpy as np

    try:
        if ":" in text:
            first, last, number = text.split(":")
            found = np.geomspace(float(first), float(last), int(number))
        else:
            found = np.array([float(part) for part in text.split(",")])
        if not len(found) or not np.all(np.isfinite(found)):
            raise ValueError
        return found
    except ValueError:
        raise click.UsageError(f"{option} {text}: give 0.5,1,2 or 0.1:10:20") from None


def _setting(given: dict[str, Any]) -> Setting:
    from sta.distillation import make_setting

    values = {name: given.pop(name) for name in ("loss", "teacher")}
    chosen = {name.replace("-", "_"): given.pop(name.replace("-", "_")) for name in NUMBERS}
    return make_setting(chosen.pop("alpha"), **chosen, **values)
