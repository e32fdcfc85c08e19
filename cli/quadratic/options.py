"""What the commands share: the system's options, numbers in lists, files of figures."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sta.quadratic import System

F = TypeVar("F", bound=Callable[..., Any])


def system_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a system; the command gets it as ``system``."""
    return _add_options(command, *WIDTHS, RATE, *REST)


def landscape_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a system without its learning rate, on which no landscape depends."""
    return _add_options(command, *WIDTHS, *REST[:3], REST[-1])


WIDTHS = (
    click.option("--p", type=int, required=True, help="Student units p."),
    click.option("--p-star", type=int, required=True, help="Teacher units p*."),
)
RATE = click.option("--eta", type=float, required=True, help="Learning rate.")
REST = (
    click.option("--a", type=float, help="Student's output scale; 1 / p if unset."),
    click.option("--b", type=float, help="Teacher's output scale; 1 / p* if unset."),
    click.option(
        "--teacher", help="Eigenvalues of T = W* W*^T / N such as 1.5,0.5; all 1 if unset."
    ),
    click.option(
        "--noise", type=float, default=0.0, show_default=True, help="Variance of the labels."
    ),
    click.option("--batch", type=int, default=1, show_default=True, help="Patterns a step."),
    click.option("--spherical", is_flag=True, help="Keep every |w_k|^2 = N."),
)


def _add_options(
    command: Callable[..., Any], *options: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> Callable[..., Any]:
    @wraps(command)
    def call(**given: Any) -> Any:
        return command(system=_system(given), **given)

    for option in reversed(options):
        call = option(call)
    return call


def _system(given: dict[str, Any]) -> System:
    from sta.quadratic import make_system

    teacher = given.pop("teacher")
    return make_system(
        given.pop("p"),
        given.pop("p_star"),
        given.pop("eta", 1.0),
        student_scale=given.pop("a"),
        teacher_scale=given.pop("b"),
        teacher_overlap=None if teacher is None else numbers(teacher, "--teacher"),
        label_noise=given.pop("noise", 0.0),
        batch=given.pop("batch", 1),
        spherical=given.pop("spherical"),
    )


def numbers(text: str, option: str) -> list[float]:
    """Return the numbers of an option such as "1.5,0.5"; a usage error where they are none."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise click.UsageError(f"{option} {text}: give numbers such as 1.5,0.5") from None


def check_figures(out: Path | None, *names: str) -> None:
    """Refuse a folder that has one of the figures already, before anything is computed."""
    from sta.files import refuse_existing

    if out is not None:
        for name in names:
            refuse_existing(out / f"{name}.svg")


def start_option(usual: str) -> Callable[[F], F]:
    """Add ``--start`` with a default."""
    return click.option(
        "--start",
        type=click.Choice(["random", "informed", "plateau"]),
        default=usual,
        show_default=True,
        help="Random weights; 0.4 of the teacher's unit in each; or the plateau and a random M.",
    )


def starting_overlaps(
    system: System, start: str, dimension: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Q and M of one start of the kind that ``--start`` names."""
    import numpy as np

    from sta.quadratic import informed_overlaps, plateau, random_overlaps

    rng = np.random.default_rng(seed)
    if start == "informed":
        student, mixed = informed_overlaps(system, dimension, 1, rng)
        return student[0], mixed[0]
    student, mixed = random_overlaps(system, dimension, 1, rng)
    if start == "plateau" and not system.spherical:
        norm = plateau(system).norm_sgd
        mixed = mixed * np.sqrt(norm)
        along = mixed[0] @ np.linalg.solve(system.teacher_overlap, mixed[0].T)
        return norm * np.eye(system.student_width) + along, mixed[0]
    return student[0], mixed[0]
