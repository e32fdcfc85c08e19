"""`sta quadratic select`: which of all solutions training ends at."""

from __future__ import annotations

from dataclasses import replace
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
from sta.cli.quadratic.options import check_figures, system_options

if TYPE_CHECKING:
    from sta.quadratic import Selection, System

SAME = 0.99  # median overlap at which a solution counts as selected


@click.command()
@system_options
@click.option("--n", type=int, default=1000, show_default=True, help="N of the random starts.")
@click.option(
    "--starts", type=click.IntRange(4), default=100, show_default=True, help="Random starts."
)
@click.option("-o", "--out", type=EXISTING_OR_NOT, help="Folder for the figure.")
@seed_option
@json_option
def select(system: System, n: int, starts: int, out: Path | None, seed: int, as_json: bool) -> None:
    """Say whether training ends at the solution closest to its start.

    Solutions are rotations R of student units, W = (b / a)^(1/2) R W*. Overlap: tr(R_1^T R_2) / p*.
    Closest: the polar factor of M at the start. Sequential: Gram-Schmidt of M in the order of the
    teacher's eigenvalues.
    """
    import numpy as np

    from sta.errors import ConfigError
    from sta.quadratic import (
        check_learning_rate,
        noise_overlap,
        random_overlaps,
        select_by_flow,
        select_by_sgd,
    )

    if system.spherical:
        raise ConfigError("rotations change the lengths of a spherical student's units; train free")
    check_figures(out, "selection")
    check_learning_rate(system)
    overlaps = random_overlaps(system, n, starts, np.random.default_rng(seed))
    found = {
        "gradient flow": select_by_flow(system, *overlaps),
        "SGD, N to infinity": select_by_flow(system, *overlaps, gradient_flow=False),
    }
    with progress_bar("training") as bar:
        bar.update(bar.task_ids[0], total=starts)
        found[f"SGD, N = {n}"] = select_by_sgd(
            system, n, starts, seed=seed,
            on_progress=lambda _, left: bar.update(bar.task_ids[0], completed=starts - left),
        )  # fmt: skip
    report = _report(system, found)
    report["conserved"] = _conserved(system, *overlaps)
    if system.student_width == 1:
        report["predicted_sgd"] = noise_overlap(system)
    if out is not None:
        report["figures"] = _draw(system, n, starts, seed, out)
    if as_json:
        print_json(report)
        return
    print_table(
        f"overlap of the selected solution, {starts} starts at N = {n}",
        ["", "with the closest", "mean [95 %]", "with the sequential", "mean [95 %]"],
        [[row["motion"], row["closest"]["median"], _span(row["closest"]),
          row["sequential"]["median"], _span(row["sequential"])] for row in report["rows"]],
    )  # fmt: skip
    if "predicted_sgd" in report:
        click.echo(f"SGD's mean overlap with the closest, predicted: {report['predicted_sgd']:.3g}")
    kept = report["conserved"]
    click.echo(
        f"gradient flow conserves J = E Mᵀ(Q − M T⁻¹ Mᵀ)⁻¹ M E, E = exp(−4abηTα), to"
        f" {kept['matrix']:.1g}, SGD's motion to {kept['matrix_sgd']:.1g} (relative)"
    )
    click.echo(report["verdict"])
    for path in report.get("figures", []):
        click.echo(f"figure: {path}")


def _conserved(system: System, student: Any, mixed: Any) -> dict[str, float]:
    """Return how far J moves along the first start's path until its teacher begins to show."""
    import numpy as np

    from sta.quadratic import conserved_matrix, integrate_flow, plateau

    times = np.linspace(0.0, 4.0 / plateau(system).growth_rate, 21)
    moved = []
    for gradient_flow in (True, False):
        flow = integrate_flow(
            system, student[0], mixed[0], times, gradient_flow=gradient_flow, rtol=1e-11, atol=1e-14
        )
        kept = conserved_matrix(system, flow.student, flow.mixed, times)
        moved.append(float(np.abs(kept - kept[0]).max() / np.abs(kept[0]).max()))
    return {"matrix": moved[0], "matrix_sgd": moved[1]}


def _report(system: System, found: dict[str, Selection]) -> dict[str, Any]:
    rows = [
        {"motion": name, "closest": _summary(one.closest), "sequential": _summary(one.sequential)}
        for name, one in found.items()
    ]
    return {"format": "sta.quadratic.select/1", "rows": rows, "verdict": _verdict(system, rows)}


def _summary(overlaps: Any) -> dict[str, Any]:
    import numpy as np

    reach = 1.96 * float(np.std(overlaps, ddof=1) / np.sqrt(len(overlaps)))
    mean = float(np.mean(overlaps))
    return {
        "median": float(np.median(overlaps)),
        "mean": mean,
        "ci95": [mean - reach, mean + reach],
    }


def _verdict(system: System, rows: list[dict[str, Any]]) -> str:
    flow, sgd = rows[0], rows[-1]
    if flow["closest"]["median"] >= SAME:
        text = "Gradient flow selects the closest solution"
    elif flow["sequential"]["median"] >= SAME and not system.isotropic:
        text = (
            "Gradient flow does not select the closest solution: with unequal teacher eigenvalues"
            " directions escape one after the other, and it selects the sequential one"
        )
    else:
        text = "Gradient flow selects neither the closest solution nor the sequential one"
    kind = "closest" if flow["closest"]["median"] >= SAME else "sequential"
    if sgd[kind]["ci95"][1] >= SAME:
        return f"{text}, and so does SGD."
    return (
        f"{text}; SGD at g = {system.gain:.3g} does so only in part (mean overlap"
        f" {sgd[kind]['mean']:.3g}): the plateau's noise turns the overlaps before they grow."
    )


def _draw(system: System, n: int, starts: int, seed: int, out: Path) -> list[str]:
    import numpy as np

    from sta.analysis.figures import save_figure
    from sta.analysis.figures.quadratic_selection import draw_selection
    from sta.quadratic import selection_by_gain, selection_by_start

    p, q = system.student_width, system.teacher_width
    teachers = {"this teacher": system}
    if q > 1 and system.isotropic:
        unequal = replace(system, teacher_overlap=np.diag(np.linspace(1.5, 0.5, q)))
        teachers = {"T = I": system, "T from 1.5 to 0.5": unequal}
    figure = draw_selection(
        {
            name: selection_by_start(one, starts=min(starts, 40), seed=seed)
            for name, one in teachers.items()
        },
        selection_by_gain(sorted({q, p, 4 * q}), q, n, starts, largest=system.gain, seed=seed),
    )
    return [str(path) for path in save_figure(figure, out / "selection")]


def _span(row: dict[str, Any]) -> str:
    low, high = row["ci95"]
    return f"{row['mean']:.3f} [{low:.3f}, {high:.3f}]"
