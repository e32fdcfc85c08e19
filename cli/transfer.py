"""`sta transfer`: students of several objectives, their accuracy, prunable size and graph."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sta.cli.options import (
    EXISTING_OR_NOT,
    cell,
    interval,
    json_option,
    print_json,
    print_table,
    progress_bar,
    seed_option,
    threshold_option,
)

if TYPE_CHECKING:
    from sta.analysis.transfer import ObjectiveSummary
    from sta.transfer.study import Study

MAIN = "labels,soft,factor,factor+soft"
CONTROLS = ("random-paraphraser", "hint", "pseudo-labels")


@click.command()
@click.option(
    "--dataset",
    default="digits",
    show_default=True,
    help="digits, synthetic, or a file .npz or .pt with x and y.",
)
@click.option(
    "--teacher",
    default="dense:128,20",
    show_default=True,
    help="dense:WIDTHS, conv:CHANNELS, or a file.",
)
@click.option(
    "--student",
    default="spectral:128",
    show_default=True,
    help="spectral:WIDTHS, dense:WIDTHS, conv:CHANNELS or spectral-conv:CHANNELS.",
)
@click.option(
    "--objective",
    "names",
    default=MAIN,
    show_default=True,
    help="Also: random-paraphraser, hint, pseudo-labels, attention.",
)
@click.option(
    "--controls/--no-controls",
    default=True,
    show_default=True,
    help="Whether controls are trained beside: a paraphraser that is not trained, none"
    " at all, and the teacher's classes as labels.",
)
@click.option(
    "--labels",
    default="50",
    show_default=True,
    help="Labels that students see; several (10,50,all) make one study each.",
)
@click.option(
    "--transfer-set",
    type=click.Choice(["same", "all"]),
    default="same",
    show_default=True,
    help="Patterns on which the teacher is heard.",
)
@click.option("--seeds", type=click.IntRange(1), default=8, show_default=True)
@click.option("--steps", type=click.IntRange(1), default=1500, show_default=True)
@click.option(
    "--learning-rate", type=click.FloatRange(0, min_open=True), default=5e-3, show_default=True
)
@click.option("--l2-eigenvalues", type=click.FloatRange(0), default=0.01, show_default=True)
@click.option("--l2-phi", type=click.FloatRange(0), default=0.01, show_default=True)
@click.option(
    "--rate",
    type=float,
    default=0.5,
    show_default=True,
    help="Channels of the factor over those of the teacher.",
)
@click.option("--reconstruction", type=click.Choice(["l1", "mse"]), default="l1", show_default=True)
@threshold_option
@click.option(
    "-o",
    "--out",
    type=EXISTING_OR_NOT,
    help="Folder: runs, checkpoints, figures; an interrupted run goes on there.",
)
@seed_option
@json_option
def transfer(names: str, controls: bool, out: Path | None, as_json: bool, **given: Any) -> None:
    """Train students on labels, soft labels and factors of a teacher, and compare them.

    Prints a JSON line a run, then a table over seeds: differences are to labels alone on the same
    split; p-values are of sign flips, corrected for the number of objectives.
    """
    from sta.analysis.transfer import graph_distances, summarize
    from sta.transfer.objectives import objectives_named
    from sta.transfer.study import run_study

    wanted = [name.strip() for name in names.split(",")]
    wanted += [name for name in CONTROLS if controls and name not in wanted]
    objectives, studies = objectives_named(wanted), _studies(given)
    rows, reports = [], []
    for label, study in studies.items():
        folder = None if out is None else (out if len(studies) == 1 else out / f"labels-{label}")
        with progress_bar("training") as bar:
            own = run_study(
                study, objectives, folder,
                on_progress=lambda done, total: bar.update(
                    bar.task_ids[0], completed=done, total=total
                ),
            )  # fmt: skip
        distances = [] if folder is None else graph_distances(folder, own)
        rows += own
        reports.append((label, summarize(own, seed=study.seed), distances))
    figures = [] if out is None else _drawn(rows, out, several=len(studies) > 1)
    if as_json:
        print_json(
            {
                "format": "sta.transfer/1",
                "rows": rows,
                "summaries": [
                    {"labels": label, "objectives": [one.to_dict() for one in summary],
                     "graph_distances": distances}
                    for label, summary, distances in reports
                ],
                "figures": figures,
            }
        )  # fmt: skip
        return
    for row in rows:
        click.echo(json.dumps({key: row[key] for key in row if key != "accuracy_of_units"}))
    for label, summary, distances in reports:
        _tell(f"{label} labels, {given['seeds']} seeds", summary, distances)
    for path in figures:
        click.echo(f"figure: {path}")


def _studies(given: dict[str, Any]) -> dict[str, Study]:
    from sta.transfer.students import Training
    from sta.transfer.study import Study

    training = Training(
        steps=given.pop("steps"), learning_rate=given.pop("learning_rate"),
        l2_eigenvalues=given.pop("l2_eigenvalues"), l2_phi=given.pop("l2_phi"),
    )  # fmt: skip
    labels = [part.strip() for part in given["labels"].split(",")]
    try:
        counts = [None if part == "all" else int(part) for part in labels]
    except ValueError:
        raise click.UsageError(f"--labels {given['labels']}: give 50, all, or 10,50,all") from None
    first = Study(
        given["dataset"], given["teacher"], given["student"], counts[0], given["transfer_set"],
        given["seeds"], given["seed"], given["rate"], given["reconstruction"], training,
        threshold=given["threshold"],
    )  # fmt: skip
    return {part: replace(first, labels=n) for part, n in zip(labels, counts, strict=True)}


def _drawn(rows: list[dict[str, Any]], out: Path, *, several: bool) -> list[str]:
    from sta.analysis.figures import save_figure
    from sta.analysis.figures.transfer import plot_accuracy_of_labels, plot_accuracy_of_units

    draw, name = (
        (plot_accuracy_of_labels, "accuracy_of_labels")
        if several
        else (plot_accuracy_of_units, "accuracy_of_units")
    )
    figure = draw(rows).get_figure(root=True)
    if figure is None:
        return []
    return [str(path) for path in save_figure(figure, out / name, overwrite=True)]


def _tell(title: str, summary: list[ObjectiveSummary], distances: list[dict[str, Any]]) -> None:
    rows: list[list[object]] = []
    for one in summary:
        found = one.to_dict()
        gain = found["difference"]
        rows.append(
            [
                one.objective,
                f"{100 * one.accuracy:.1f} ± {100 * one.accuracy_sd:.1f}",
                "-" if gain is None else _points(gain["difference"]),
                "-" if one.wins is None else f"{one.wins}/{one.seeds}",
                one.adjusted_p,
                interval(found["units_needed"]),
                cell(one.effective_size.value),
            ]
        )
    columns = ["objective", "accuracy %", "to labels", "wins", "p", "units needed", "eff. size"]
    print_table(title, columns, rows)
    if distances:
        print_table("pruned students against their teachers", *_distance_table(distances))


def _points(estimate: dict[str, Any]) -> str:
    if estimate["ci95"] is None:
        return f"{100 * estimate['value']:+.1f}"
    low, high = estimate["ci95"]
    return f"{100 * estimate['value']:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"


def _distance_table(distances: list[dict[str, Any]]) -> tuple[list[str], list[list[object]]]:
    import numpy as np

    keys = ("paths_wasserstein", "paths_scale", "in_strength_ks")
    rows: list[list[object]] = []
    for name in dict.fromkeys(one["objective"] for one in distances):
        line: list[object] = [name]
        for key in keys:
            values = np.array([one[key] for one in distances if one["objective"] == name], float)
            spread = f" ± {values.std(ddof=1):.2g}" if len(values) > 1 else ""
            known = bool(np.isfinite(values).all())
            line.append(f"{values.mean():.3g}{spread}" if known else "-")
        rows.append(line)
    return ["objective", "path shape, Wasserstein", "path scale", "in-strength, KS"], rows
