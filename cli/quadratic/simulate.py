"""`sta quadratic simulate`: SGD at finite N against the motion of the overlaps."""

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
    whole_numbers,
)
from sta.cli.quadratic.options import check_figures, start_option, starting_overlaps, system_options

if TYPE_CHECKING:
    from sta.quadratic import Deviation, System

POINTS = 60


@click.command()
@system_options
@click.option("--n", default="250,1000,4000", show_default=True, help="N, separated by commas.")
@click.option("--runs", type=click.IntRange(2), default=100, show_default=True, help="Runs each.")
@click.option("--alpha", type=float, default=20.0, show_default=True, help="Last time.")
@start_option("informed")
@click.option(
    "--method",
    type=click.Choice(["chain", "vectors"]),
    default="chain",
    show_default=True,
    help="The exact chain of the overlaps, or weight vectors.",
)
@click.option("-o", "--out", type=EXISTING_OR_NOT, help="Folder for the figures.")
@seed_option
@json_option
def simulate(
    system: System,
    n: str,
    runs: int,
    alpha: float,
    start: str,
    method: str,
    out: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Train runs from one start and measure how far they are from the theory for large N.

    The start is the same for all N. Deviations are in units of b / a.
    """
    from sta.quadratic import check_learning_rate

    check_figures(out, "course", "deviations")
    check_learning_rate(system)
    sizes = whole_numbers(n, "--n")
    found = _deviations(system, sizes, runs, alpha, start, method, seed)
    report = _report(found)
    if out is not None:
        report["figures"] = _draw(found, report, out)
    if as_json:
        print_json(report)
        return
    columns = ["N", "largest deviation x sqrt N, median [95 %]", "97.5 % of runs", "bias [95 %]"]
    print_table(f"{runs} runs up to alpha = {alpha:g}", columns, [
        [str(row["n"]), _span(row["scaled_median"], row["scaled_median_ci95"]),
         row["scaled_97.5"], _span(row["bias"], row["bias_ci95"])]
        for row in report["sizes"]
    ])  # fmt: skip
    if report["slope"] is not None:
        click.echo(f"deviation ~ N^{report['slope']:.2f}")
    for path in report.get("figures", []):
        click.echo(f"figure: {path}")


def _deviations(
    system: System, sizes: tuple[int, ...], runs: int, alpha: float, start: str, method: str,
    seed: int,
) -> list[Deviation]:  # fmt: skip
    import numpy as np

    from sta.errors import ConfigError
    from sta.quadratic import deviation

    if not alpha > 0.0:
        raise ConfigError(f"alpha = {alpha:g}: give a positive time")
    times = np.linspace(0.0, alpha, POINTS + 1)[1:]
    student, mixed = starting_overlaps(system, start, min(sizes), seed)
    with progress_bar("training") as bar:
        bar.update(bar.task_ids[0], total=alpha * sum(sizes))
        found, before = [], 0.0
        for size in sorted(sizes):

            def follow(at: float, size: int = size, before: float = before) -> None:
                bar.update(bar.task_ids[0], completed=before + at * size)

            found.append(
                deviation(
                    system, student, mixed, size, runs, times, method=method, seed=seed,
                    on_progress=follow,
                )
            )  # fmt: skip
            before += alpha * size
    return found


def _report(found: list[Deviation]) -> dict[str, Any]:
    import numpy as np
    from scipy.stats import bootstrap

    rows = []
    for one in found:
        scaled = one.largest * np.sqrt(one.dimension)
        interval = bootstrap((scaled,), np.median, rng=np.random.default_rng(0)).confidence_interval
        reach = 1.96 * one.bias_error
        rows.append(
            {
                "n": one.dimension,
                "scaled_median": float(np.median(scaled)),
                "scaled_median_ci95": [float(interval.low), float(interval.high)],
                "scaled_97.5": float(np.quantile(scaled, 0.975)),
                "bias": one.bias,
                "bias_ci95": [max(0.0, one.bias - reach), one.bias + reach],
            }
        )
    slope = None
    if len(found) > 1:
        medians = [np.median(one.largest) for one in found]
        sizes = [one.dimension for one in found]
        slope = float(np.polyfit(np.log(sizes), np.log(medians), 1)[0])
    return {"format": "sta.quadratic.simulate/1", "sizes": rows, "slope": slope}


def _draw(found: list[Deviation], report: dict[str, Any], out: Path) -> list[str]:
    import numpy as np

    from sta.analysis.figures import save_figure
    from sta.analysis.figures.quadratic_dynamics import draw_course, plot_deviations

    largest = found[-1]
    done = largest.simulation
    course = draw_course(
        largest.flow.alpha,
        {"N to infinity": largest.flow.loss},
        {"N to infinity": largest.flow.order_parameter},
        simulated=(done.alpha, done.loss, done.order_parameter),
    )
    paths = save_figure(course, out / "course")
    if len(found) > 1:
        ax = plot_deviations(
            np.array([one.dimension for one in found]), [one.largest for one in found],
            slope=report["slope"],
        )  # fmt: skip
        figure = ax.get_figure(root=True)
        if figure is not None:
            paths += save_figure(figure, out / "deviations")
    return [str(path) for path in paths]


def _span(value: float, ends: list[float]) -> str:
    return f"{value:.3g} [{ends[0]:.3g}, {ends[1]:.3g}]"
