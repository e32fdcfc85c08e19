"""`sta quadratic plateau`: fixed point, growth rates, and what more units change."""

from __future__ import annotations

from dataclasses import asdict
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
from sta.cli.quadratic.options import check_figures, system_options

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sta.quadratic import Overparameterization, System


@click.command()
@system_options
@click.option(
    "--widths", help="Also compare students of these p, such as 1,2,4,8, at the same g = a b eta."
)
@click.option(
    "--runs", type=click.IntRange(0), default=0, show_default=True, help="Runs of each of --widths."
)
@click.option("--n", type=int, default=200, show_default=True, help="N of the runs.")
@click.option("-o", "--out", type=EXISTING_OR_NOT, help="Folder for the figure of --widths.")
@seed_option
@json_option
def plateau(
    system: System,
    widths: str | None,
    runs: int,
    n: int,
    out: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Describe the plateau: its fixed point, its loss, and how fast students leave it.

    --widths shows what overparameterization changes: free students, T = I, no label noise.
    """
    from sta.quadratic import check_learning_rate, critical_learning_rate
    from sta.quadratic import plateau as plateau_of

    if widths is None and (out is not None or runs):
        raise click.UsageError("-o and --runs belong to the comparison of widths: give --widths")
    check_figures(out, "overparameterization")
    check_learning_rate(system)
    found = plateau_of(system)
    rows = _compared(system, widths) if widths else []
    simulated = _simulated(rows, system, n, runs, seed) if runs else {}
    report: dict[str, Any] = {
        "format": "sta.quadratic.plateau/1",
        "q0": found.norm,
        "loss": found.loss,
        "growth_rate_gradient_flow": found.growth_rate_gradient_flow,
        "growth_rate": found.growth_rate,
        "growth_rates": found.growth_rates.tolist(),
        "q0_sgd": found.norm_sgd,
        "noise_to_signal": found.noise_to_signal.tolist(),
        "critical_learning_rate": critical_learning_rate(system),
        "gain": system.gain,
        "widths": [{**asdict(row), **simulated.get(row.student_width, {})} for row in rows],
    }
    if out is not None:
        from sta.analysis.figures import save_figure

        paths = save_figure(_figure(rows, simulated, system), out / "overparameterization")
        report["figures"] = [str(path) for path in paths]
    if as_json:
        print_json(report)
        return
    _print(report)


def _compared(system: System, widths: str) -> list[Overparameterization]:
    import numpy as np

    from sta.quadratic import overparameterization

    plain = np.allclose(system.teacher_overlap, np.eye(system.teacher_width))
    usual = system.student_scale * system.student_width == 1.0 and not system.spherical
    if not plain or not usual or system.label_noise > 0.0 or system.batch > 1:
        raise click.UsageError(
            "--widths compares free students with a = 1 / p, T = I, no label noise and batch 1"
        )
    compared = whole_numbers(widths, "--widths")
    return overparameterization(compared, system.teacher_width, system.gain)


def _simulated(
    rows: list[Overparameterization], system: System, n: int, runs: int, seed: int
) -> dict[int, dict[str, float]]:
    """Measure K_p and the spread of 2 lambda alpha of runs."""
    import numpy as np

    from sta.quadratic import (
        OverlapChain,
        escape_times,
        make_system,
        predict_escape,
        random_overlaps,
    )

    found = {}
    with progress_bar("escaping") as bar:
        for row in rows:
            wide = make_system(row.student_width, system.teacher_width, row.learning_rate)
            rng = np.random.default_rng([seed, row.student_width])
            chain = OverlapChain(wide, *random_overlaps(wide, n, runs, rng), n, seed=seed)
            predicted = predict_escape(wide, n)

            def follow(_: float, left: int, p: int = row.student_width) -> None:
                text = f"p = {p}: {left} of {runs} runs on the plateau"
                bar.update(bar.task_ids[0], description=text, total=runs, completed=runs - left)

            times = escape_times(
                chain, predicted.mean + 8.0 * predicted.std + 20.0 / row.growth_rate,
                on_progress=follow,
            )  # fmt: skip
            scaled = 2.0 * row.growth_rate * times[np.isfinite(times)]
            found[row.student_width] = {
                "simulated_delay": float(scaled.mean() - np.log(n)),
                "simulated_delay_error": float(scaled.std(ddof=1) / np.sqrt(len(scaled))),
                "simulated_std": float(scaled.std(ddof=1)),
            }
    return found


def _print(report: dict[str, Any]) -> None:
    names = {
        "q0": "Q = q I: q of gradient flow",
        "q0_sgd": "Q = q I: q of SGD",
        "loss": "loss",
        "growth_rate_gradient_flow": "growth rate of M, gradient flow",
        "growth_rate": "growth rate of M, SGD",
        "critical_learning_rate": "critical learning rate",
        "gain": "g = a b eta",
    }
    print_table("plateau", ["", ""], [[text, report[key]] for key, text in names.items()])
    if report["widths"]:
        columns = [
            "p",
            "rate / 4g",
            "prefactor",
            "K_p flow",
            "K_p SGD",
            "K_p runs",
            "std",
            "std runs",
        ]
        cells = [
            [str(row["student_width"]), row["growth_rate"] / row["growth_rate_gradient_flow"],
             row["prefactor"], row["delay_gradient_flow"], row["delay"], _measured(row),
             row["std"], row.get("simulated_std")]
            for row in report["widths"]
        ]  # fmt: skip
        print_table("what more student units change at the same g", columns, cells)
        click.echo(
            "prefactor: N (L_plateau - L) exp(-2 rate alpha), mean over starts. "
            "K_p: 2 rate E[alpha] - log N at m2 = 1/2. std: of 2 rate alpha over starts."
        )
    for path in report.get("figures", []):
        click.echo(f"figure: {path}")


def _measured(row: dict[str, Any]) -> str | None:
    if "simulated_delay" not in row:
        return None
    return f"{row['simulated_delay']:.3g} ± {row['simulated_delay_error']:.2g}"


def _figure(
    rows: list[Overparameterization], simulated: dict[int, dict[str, float]], system: System
) -> Figure:
    import numpy as np

    from sta.analysis.figures.quadratic_escape import draw_overparameterization
    from sta.quadratic import overparameterization, typical_escapes

    widths = [row.student_width for row in rows]
    shares = {
        gain: np.array([
            row.growth_rate / row.growth_rate_gradient_flow
            for row in overparameterization(widths, system.teacher_width, gain)
        ])
        for gain in (system.gain / 4.0, system.gain, 1.5 * system.gain)
    }  # fmt: skip
    return draw_overparameterization(
        widths,
        typical_escapes(widths, system.teacher_width, system.gain),
        {
            "gradient flow": np.array([row.delay_gradient_flow for row in rows]),
            "SGD": np.array([row.delay for row in rows]),
        },
        shares,
        np.array([row.std for row in rows]),
        simulated={
            p: (one["simulated_delay"], one["simulated_delay_error"], one["simulated_std"])
            for p, one in simulated.items()
        },
    )
