"""`sta distill claims`: what the paper claims, measured and judged; and where it errs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from sta.cli.options import (
    cell,
    interval,
    json_option,
    print_json,
    print_table,
    progress_bar,
    seed_option,
)


@click.command()
@click.option("--n", type=click.IntRange(2), default=1000, show_default=True, help="N of the runs.")
@click.option(
    "--seeds", type=click.IntRange(3), default=32, show_default=True, help="Draws of patterns."
)
@seed_option
@json_option
def claims(n: int, seeds: int, seed: int, as_json: bool) -> None:
    """Judge the paper's three claims, with intervals over draws, and list its errata."""
    from sta.analysis.claims import distillation_claims, distillation_errata

    with progress_bar("measuring") as bar:
        found = distillation_claims(
            dimension=n, seeds=seeds, seed=seed,
            on_progress=lambda done, total: bar.update(
                bar.task_ids[0], completed=done, total=total
            ),
        )  # fmt: skip
    errata = distillation_errata(dimension=n, seeds=seeds, seed=seed)
    report: dict[str, Any] = {
        "format": "sta.distill.claims/1", "n": n, "seeds": seeds,
        "claims": [one.to_dict() for one in found],
        "errata": [
            asdict(one) | {"runs": None if one.runs is None else one.runs.to_dict()}
            for one in errata
        ],
    }  # fmt: skip
    if as_json:
        print_json(report)
        return
    for claim in found:
        rows: list[list[object]] = [
            [one.name, one.theory, "-" if one.runs is None else interval(one.runs.to_dict())]
            for one in claim.measured
        ]
        title = f"{claim.sentence}: {claim.verdict}"
        print_table(title, ["", "large N", f"N = {n}, {seeds} draws"], rows)
        click.echo(f"{claim.reason}\n")
    for one in errata:
        click.echo(
            f"{one.where}: not {one.printed}, but {one.right}. {one.quantity}:"
            f" {one.as_printed:.4f} as printed, {one.as_right:.4f} as corrected"
            + ("" if one.published is None else f", {one.published:.4f} in the figure")
            + ("" if one.runs is None else f", {_four(one.runs.to_dict())} in runs")
        )


def _four(estimate: dict[str, Any]) -> str:
    if estimate["ci95"] is None:
        return cell(estimate["value"])
    low, high = estimate["ci95"]
    return f"{estimate['value']:.4f} [{low:.4f}, {high:.4f}]"
