"""`sta quadratic escape`: when runs of SGD leave the plateau, and when they should."""

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
from sta.cli.quadratic.options import check_figures, system_options

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sta.quadratic import EscapePrediction, System

LONGEST = 6.0  # standard deviations beyond the predicted mean


@click.command()
@system_options
@click.option("--n", default="1000", show_default=True, help="N, or several with commas.")
@click.option("--runs", type=click.IntRange(2), default=200, show_default=True, help="Runs each.")
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.5,
    show_default=True,
    help="Order parameter m2 that counts as escaped.",
)
@click.option("-o", "--out", type=EXISTING_OR_NOT, help="Folder for the figure.")
@seed_option
@json_option
def escape(
    system: System,
    n: str,
    runs: int,
    threshold: float,
    out: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Train runs from random weights until they leave the plateau, and compare with the theory.

    With several N: the rate from the slope against log N, whether the law of the delay depends on
    N, and what a power law in N would make of it.
    """
    from sta.quadratic import check_learning_rate, predict_escape

    check_figures(out, "escape")
    check_learning_rate(system)
    sizes = sorted(whole_numbers(n, "--n"))
    predicted = [predict_escape(system, one, threshold=threshold, seed=seed) for one in sizes]
    times = _times(system, sizes, runs, threshold, predicted, seed)
    report = _report(sizes, times, predicted, seed)
    if out is not None:
        report["figures"] = _draw(system, times, predicted[-1], out)
    if as_json:
        print_json(report)
        return
    columns = ["N", "runs", "mean", "standard error", "predicted", "std", "predicted"]
    print_table("escape time alpha", columns, [
        [str(row["n"]), f"{row['escaped']}/{runs}", row["mean"], row["standard_error"],
         row["predicted_mean"], row["std"], row["predicted_std"]]
        for row in report["sizes"]
    ])  # fmt: skip
    for line in _lines(report):
        click.echo(line)


def _times(
    system: System, sizes: list[int], runs: int, threshold: float,
    predicted: list[EscapePrediction], seed: int,
) -> dict[int, NDArray[np.float64]]:  # fmt: skip
    import numpy as np

    from sta.quadratic import OverlapChain, escape_times, random_overlaps

    found = {}
    with progress_bar("on the plateau") as bar:
        for number, (size, one) in enumerate(zip(sizes, predicted, strict=True)):
            start, patterns = np.random.SeedSequence([seed, number]).spawn(2)
            rng = np.random.default_rng(start)
            chain = OverlapChain(
                system, *random_overlaps(system, size, runs, rng), size, seed=patterns
            )

            def follow(alpha: float, left: int, size: int = size) -> None:  # noqa: ARG001
                text = f"N = {size}: {left} of {runs} runs on the plateau"
                bar.update(bar.task_ids[0], description=text, total=runs, completed=runs - left)

            found[size] = escape_times(
                chain, one.mean + LONGEST * one.std, threshold=threshold, on_progress=follow
            )
    return found


def _report(
    sizes: list[int], times: dict[int, NDArray[np.float64]], predicted: list[EscapePrediction],
    seed: int,
) -> dict[str, Any]:  # fmt: skip
    import numpy as np

    from sta.errors import StaError

    rows, notes = [], []
    for size, one in zip(sizes, predicted, strict=True):
        seen = times[size][np.isfinite(times[size])]
        if len(seen) < len(times[size]):
            notes.append(f"N = {size}: {len(times[size]) - len(seen)} runs did not escape")
        rows.append(
            {
                "n": size,
                "escaped": len(seen),
                "mean": float(seen.mean()) if len(seen) else None,
                "standard_error": float(seen.std(ddof=1) / np.sqrt(len(seen)))
                if len(seen) > 1 else None,
                "std": float(seen.std(ddof=1)) if len(seen) > 1 else None,
                "predicted_mean": one.mean,
                "predicted_std": one.std,
                "noise_to_signal": one.noise_to_signal,
                "times": seen.tolist(),
            }
        )  # fmt: skip
    last = {key: value for key, value in rows[-1].items() if key != "times"}
    report = {"format": "sta.quadratic.escape/1", **last, "growth_rate": predicted[-1].growth_rate,
              "sizes": rows, "scaling": None, "notes": notes}  # fmt: skip
    if len(sizes) > 1:
        from sta.analysis.statistics.transition.escapes import escape_scaling

        try:
            report["scaling"] = escape_scaling(times, seed=seed).to_dict()
        except StaError as error:
            notes.append(f"scaling: {error}")
    return report


def _lines(report: dict[str, Any]) -> list[str]:
    from sta.cli.options import cell, interval

    rate = report["growth_rate"]
    lines = [f"growth rate lambda = {cell(rate)}, kappa_c = 1 / (2 lambda) = {cell(0.5 / rate)}"]
    found = report["scaling"]
    if found is not None:
        lines[0] += f"; from the slope against log N: {interval(found['rate'])}"
        lines.append(f"{found['message']}.")
        share = ", ".join(f"{100 * one:.0f} %" for one in found["fraction_at_critical"])
        lines.append(
            f"the law of the delay is one for all N with p = {cell(found['shape_p_value'])};"
            f" escaped by kappa_c log N: {share}"
        )
        if found["power_law"] is not None:
            lines.append(f"a scaling collapse says: {found['power_law']['verdict']}")
    lines += report["notes"]
    return lines + [f"figure: {path}" for path in report.get("figures", [])]


def _draw(
    system: System, times: dict[int, NDArray[np.float64]], predicted: EscapePrediction, out: Path
) -> list[str]:
    from sta.analysis.figures import save_figure
    from sta.analysis.figures.quadratic_escape import draw_escape, sample_of_prediction

    sample = predicted.times
    if sample is None:
        degrees = system.student_width * system.teacher_width
        sample = sample_of_prediction(predicted.mean, predicted.growth_rate, degrees)
    figure = draw_escape(times, sample, rate=predicted.growth_rate)
    return [str(path) for path in save_figure(figure, out / "escape")]
