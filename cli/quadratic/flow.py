"""`sta quadratic flow`: the motion of the overlaps, and runs of SGD from the same start."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sta.cli.options import (
    EXISTING_OR_NOT,
    json_option,
    print_json,
    print_table,
    progress_bar,
    seed_option,
)
from sta.cli.quadratic.options import check_figures, start_option, starting_overlaps, system_options

if TYPE_CHECKING:
    from sta.quadratic import Flow, Simulation, System

ROWS = 10
FOUND = 0.9  # order parameter from which on the end of training is looked at


@click.command()
@system_options
@click.option("--alpha", type=float, help="Last time, steps over N; past the escape if unset.")
@start_option("random")
@click.option("--n", type=int, default=1000, show_default=True, help="N of start and runs.")
@click.option(
    "--runs", type=click.IntRange(0), default=20, show_default=True, help="Runs of SGD beside it."
)
@click.option("-o", "--out", type=EXISTING_OR_NOT, help="Folder for the figure.")
@seed_option
@json_option
def flow(
    system: System,
    alpha: float | None,
    start: str,
    n: int,
    runs: int,
    out: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Integrate the overlaps from plateau to solution, beside runs of SGD from the same start."""
    from sta.quadratic import check_learning_rate, integrate_flow, plateau

    check_figures(out, "flow", "tail")
    check_learning_rate(system)
    student, mixed = starting_overlaps(system, start, n, seed)
    resting = plateau(system)
    end = alpha if alpha is not None else _past_the_escape(resting.growth_rate, n)
    theory = integrate_flow(system, student, mixed, end)
    smooth = integrate_flow(system, student, mixed, end, gradient_flow=True)
    done = _simulated(system, theory, n, runs, seed) if runs else None
    report = _report(theory, resting.loss, done)
    ratio = report["late_loss_ratio"] = _late_ratio(smooth)
    if out is not None:
        from sta.analysis.figures import save_figure
        from sta.analysis.figures.quadratic_dynamics import draw_course

        names = ("SGD, N to infinity", "gradient flow")
        figure = draw_course(
            theory.alpha,
            dict(zip(names, (theory.loss, smooth.loss), strict=True)),
            dict(zip(names, (theory.order_parameter, smooth.order_parameter), strict=True)),
            plateau_loss=resting.loss,
            simulated=None if done is None else (done.alpha, done.loss, done.order_parameter),
        )
        paths = save_figure(figure, out / "flow")
        if ratio is not None:
            paths += _draw_tail(theory, smooth, out)
        report["figures"] = [str(path) for path in paths]
    if as_json:
        print_json(report)
        return
    rows = report["times"][:: max(1, len(report["times"]) // ROWS)]
    columns = ["alpha", "loss", "m2", "loss, SGD", "m2, SGD"]
    print_table(
        f"{theory.message}; plateau at loss {resting.loss:.4g}", columns,
        [[row["alpha"], row["loss"], row["order_parameter"], row.get("sgd_loss"),
          row.get("sgd_order_parameter")] for row in rows],
    )  # fmt: skip
    if done is not None:
        click.echo(f"SGD: medians of {runs} runs from the same start at N = {n}")
        if start != "informed":
            click.echo("Runs leave the plateau apart: it amplifies noise of order N^(-1/2).")
    if ratio is not None:
        click.echo(f"gradient flow's loss over its asymptote ~ alpha^-2 at the end: {ratio:.4f}")
    for path in report.get("figures", []):
        click.echo(f"figure: {path}")


def _late_ratio(smooth: Flow) -> float | None:
    """Return gradient flow's last loss over its asymptote, if there is one and it was come near."""
    from sta.errors import ConfigError
    from sta.quadratic import late_loss

    if smooth.order_parameter[-1] < FOUND or smooth.system.label_noise > 0.0:
        return None
    try:
        return float(smooth.loss[-1] / late_loss(smooth.system, smooth.alpha[-1]))
    except ConfigError:
        return None


def _draw_tail(theory: Flow, smooth: Flow, out: Path) -> list[Path]:
    import numpy as np

    from sta.analysis.figures import save_figure
    from sta.analysis.figures.quadratic_dynamics import plot_tail
    from sta.quadratic import late_loss, population_loss

    times = np.geomspace(1.0, smooth.alpha[-1], 300)
    losses = {
        name: population_loss(one.system, *one.at(times))
        for name, one in (("SGD, N to infinity", theory), ("gradient flow", smooth))
    }
    figure = plot_tail(times, losses, late_loss(smooth.system, times)).get_figure(root=True)
    return [] if figure is None else save_figure(figure, out / "tail")


def _past_the_escape(rate: float, dimension: int) -> float:
    import math

    return (math.log(dimension) + 10.0) / (2.0 * rate)


def _simulated(system: System, theory: Flow, n: int, runs: int, seed: int) -> Simulation:
    import numpy as np

    from sta.quadratic import OverlapChain, simulate

    student, mixed = (np.repeat(one[:1], runs, axis=0) for one in (theory.student, theory.mixed))
    with progress_bar("training") as bar:
        bar.update(bar.task_ids[0], total=float(theory.alpha[-1]))
        return simulate(
            OverlapChain(system, student, mixed, n, seed=seed), theory.alpha[1:],
            on_progress=lambda alpha: bar.update(bar.task_ids[0], completed=alpha),
        )  # fmt: skip


def _report(theory: Flow, plateau_loss: float, done: Simulation | None) -> dict[str, Any]:
    import numpy as np

    values = np.linalg.svd(theory.mixed, compute_uv=False)
    times: list[dict[str, Any]] = [
        {
            "alpha": float(alpha),
            "loss": float(theory.loss[k]),
            "order_parameter": float(theory.order_parameter[k]),
            "singular_values": values[k].tolist(),
        }
        for k, alpha in enumerate(theory.alpha)
    ]
    if done is not None:
        for row, loss, order in zip(times[1:], done.loss, done.order_parameter, strict=False):
            row["sgd_loss"] = float(np.median(loss))
            row["sgd_order_parameter"] = float(np.median(order))
    return {
        "format": "sta.quadratic.flow/1",
        "stop": theory.stop,
        "message": theory.message,
        "plateau_loss": plateau_loss,
        "times": times,
    }
