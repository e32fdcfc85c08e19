"""`sta quadratic hessian`: curvature of the loss, in closed form and by differentiation."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sta.cli.options import EXISTING_OR_NOT, cell, json_option, print_json, print_table
from sta.cli.quadratic.options import check_figures, landscape_options

if TYPE_CHECKING:
    from sta.quadratic import NumericHessian, System


@click.command()
@landscape_options
@click.option("--n", type=int, required=True, help="Input dimension N.")
@click.option(
    "--at",
    type=click.Choice(["plateau", "manifold"]),
    required=True,
    help="The plateau of gradient flow, or a solution.",
)
@click.option("-o", "--out", type=EXISTING_OR_NOT, help="Folder for the figure of both points.")
@json_option
def hessian(system: System, n: int, at: str, out: Path | None, as_json: bool) -> None:
    """Print the Hessian's spectrum in weights W / sqrt N, with multiplicities and meanings."""
    from sta.errors import StaError
    from sta.quadratic import critical_weights, numeric_hessian, zero_modes

    check_figures(out, "hessian")
    critical_weights(system, n, at)  # a wrong N or a missing solution ends here
    notes, numeric, zeros = [], None, None
    try:
        numeric = numeric_hessian(system, n, at)
        if at == "manifold" and not system.spherical:
            zeros = zero_modes(system, n)
    except StaError as error:
        notes.append(f"numeric_max_error: {error}")
    report = _report(system, n, at, numeric, notes)
    report["zero_modes"] = None if zeros is None else {
        "number": zeros.number, "orbit": zeros.orbit, "exponents": zeros.exponents.tolist(),
    }  # fmt: skip
    if out is not None:
        report["figures"] = _draw(system, n, out)
    if as_json:
        print_json(report)
        return
    print_table(f"Hessian at the {at}, p N = {system.student_width * n}",
                ["meaning", "eigenvalue", "multiplicity"],
                [[one["meaning"], one["eigenvalue"], one["multiplicity"]]
                 for one in report["modes"]])  # fmt: skip
    if numeric is not None:
        off = "no closed form" if numeric.max_error is None else f"{numeric.max_error:.2g}"
        click.echo(
            f"automatic differentiation: largest error {off},"
            f" |gradient| {numeric.gradient_norm:.2g}"
        )
    if zeros is not None:
        flat = ", ".join(cell(value) for value in zeros.exponents[:3])
        rest = f"; the loss off the orbit grows with exponents {flat}" if flat else ""
        click.echo(f"zero modes: {zeros.number}, of which rotations {zeros.orbit}{rest}")
    for line in [*notes, *(f"figure: {path}" for path in report.get("figures", []))]:
        click.echo(line)


def _report(
    system: System, n: int, at: str, numeric: NumericHessian | None, notes: list[str]
) -> dict[str, Any]:
    import numpy as np

    from sta.errors import StaError
    from sta.quadratic import Mode, hessian_modes, spectrum

    try:
        modes = hessian_modes(system, n, at)
    except StaError as error:
        notes.append(f"numeric_max_error: {error}")
        if numeric is None:
            raise
        values, counts = np.unique(np.round(numeric.eigenvalues, 9) + 0.0, return_counts=True)
        modes = [
            Mode(float(value), int(count), "by differentiation")
            for value, count in zip(values, counts, strict=True)
        ]
    return {
        "format": "sta.quadratic.hessian/1",
        "at": at,
        "spectrum": [
            {"eigenvalue": one.eigenvalue, "multiplicity": one.multiplicity}
            for one in spectrum(modes)
        ],
        "modes": [asdict(one) for one in modes],
        "numeric_max_error": None if numeric is None else numeric.max_error,
        "gradient_norm": None if numeric is None else numeric.gradient_norm,
        "notes": notes,
    }


def _draw(system: System, n: int, out: Path) -> list[str]:
    from sta.analysis.figures import save_figure
    from sta.analysis.figures.quadratic_landscape import draw_spectra
    from sta.errors import StaError
    from sta.quadratic import hessian_modes, numeric_hessian

    spectra = {}
    for at in ("plateau", "manifold"):
        try:
            numeric = numeric_hessian(system, n, at).eigenvalues
        except StaError:  # too many weights, or no solution
            numeric = None
        try:
            modes = hessian_modes(system, n, at)
        except StaError:  # no closed form
            modes = []
        if modes or numeric is not None:
            values = [(one.eigenvalue, one.multiplicity, one.meaning) for one in modes]
            spectra[at] = (values, numeric)
    return [str(path) for path in save_figure(draw_spectra(spectra), out / "hessian")]
