"""`sta quadratic plateau`: fixed point, growth rates, and what more units change."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sta.cli.options import EXISTING_OR_NOT, json_option, print_json, print_table, whole_numbers
from sta.cli.quadratic.options import check_figures, system_options

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sta.quadratic import Overparameterization, System


@click.command()
@system_options
@click.option(
    "--widths", help="Also compare students of these p, such as 1,2,4,8, at the same g = a b eta."
)
@click.option("-o", "--out", type=EXISTING_OR_NOT, help="Folder for the figure of --widths.")
@json_option
def plateau(system: System, widths: str | None, out: Path | None, as_json: bool) -> None:
    """Describe the plateau: its fixed point, its loss, and how fast students leave it."""
    from sta.quadratic import critical_learning_rate, overparameterization
    from sta.quadratic import plateau as plateau_of

    if out is not None and widths is None:
        raise click.UsageError("-o draws the comparison of widths: give --widths")
    check_figures(out, "overparameterization")
    found = plateau_of(system)
    compared = whole_numbers(widths, "--widths") if widths else ()
    rows = overparameterization(compared, system.teacher_width, system.gain) if compared else []
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
        "widths": [asdict(row) for row in rows],
    }
    if out is not None:
        from sta.analysis.figures import save_figure

        figure = _figure(rows, system)
        report["figures"] = [
            str(path) for path in save_figure(figure, out / "overparameterization")
        ]
    if as_json:
        print_json(report)
        return
    _print(report, rows)


def _print(report: dict[str, Any], rows: list[Overparameterization]) -> None:
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
    if rows:
        columns = ["p", "rate", "rate / 4g", "prefactor", "K_p flow", "K_p SGD", "std"]
        cells = [
            [row.student_width, row.growth_rate, row.growth_rate / row.growth_rate_gradient_flow,
             row.prefactor, row.delay_gradient_flow, row.delay, row.std]
            for row in rows
        ]  # fmt: skip
        print_table("what more student units change at the same g", columns, cells)
        click.echo(
            "prefactor: N (L_plateau - L) exp(-2 rate alpha), mean over starts. "
            "K_p: 2 rate E[alpha] - log N at m2 = 1/2. std: of 2 rate alpha over starts."
        )
    for path in report.get("figures", []):
        click.echo(f"figure: {path}")


def _figure(rows: list[Overparameterization], system: System) -> Figure:
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
    )
