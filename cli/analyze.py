"""`sta analyze`: one pruned student as a weighted graph, against its teacher."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sta.cli.options import (
    EXISTING_OR_NOT,
    cell,
    checkpoint_arguments,
    json_option,
    print_json,
    print_table,
    seed_option,
    threshold_option,
)


@click.command()
@checkpoint_arguments
@threshold_option
@click.option("-o", "--out", type=EXISTING_OR_NOT, help="Folder for the figures.")
@seed_option
@json_option
def analyze(
    checkpoint: Path,
    member: int | None,
    teacher: Path | None,
    threshold: float,
    out: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Measure the student in CHECKPOINT: units, paths, strengths, and its teacher's.

    CHECKPOINT is a checkpoint of sta, a state_dict (.pt, .safetensors), or an npz file of the
    published code or of plain matrices w1, w2, ... of shape (n_in, n_out).
    """
    from sta.analysis.analyze import analyze as analyze_student
    from sta.checkpoint import load_single

    student = load_single(checkpoint, member)
    target = None if teacher is None else load_single(teacher).student
    analysis = analyze_student(student, target, threshold=threshold, seed=seed)
    if out is not None and analysis.student is not None:
        from sta.analysis.figures import draw_student, save_figure

        values = analysis.report["student"]["importance"]
        figure = draw_student(
            values, analysis.student, analysis.teacher, threshold=threshold, kind=student.kind
        )
        save_figure(figure, out / "student")
    if as_json:
        print_json(analysis.report)
    else:
        _print(checkpoint, analysis.report)


def _print(path: Path, report: dict[str, Any]) -> None:
    student = report["student"]
    widths = "-".join(map(str, student["widths"]))
    lines = [
        f"{path}: {student['kind']} student {widths}",
        f"effective size {student['effective_size']} of {len(student['importance'])} units "
        f"(threshold {student['threshold']:g})",
    ]
    gap = student["largest_gap"]
    if gap is not None:
        lines.append(
            f"largest gap in the sorted importances after unit {gap['rank']} "
            f"(a factor {gap['ratio']:.2g}; the next largest {gap['runner_up']:.2g})"
        )
    if student.get("test_loss") is not None:
        lines.append(
            f"test error {student['test_loss']:.3g}, "
            f"{cell(student['relative_test_error'])} of the variance of the teacher's output"
        )
    click.echo("\n".join(lines))
    graphs = {name: graph for name, graph in report["graph"].items() if graph is not None}
    keys = ("count", "signed_sum", "l1", "l2", "effective_number")
    rows = [
        [name, graph["nodes"], graph["edges"], *(graph["paths"][key] for key in keys)]
        for name, graph in graphs.items()
    ]
    print_table(
        "graphs (the student pruned at the threshold)",
        ["", "nodes", "edges", "paths", "signed sum", "L1", "L2", "effective paths"],
        rows,
    )
    if report["distance"] is not None:
        paths = report["distance"]["paths"]
        click.echo(
            "paths against the teacher's: "
            f"Wasserstein {cell(paths['wasserstein'])} "
            f"({cell(paths['wasserstein_over_std'])} standard deviations), "
            f"Kolmogorov-Smirnov {cell(paths['ks'])}"
        )
    matching = report["matching"]
    if matching is not None:
        click.echo(
            f"{matching['matched']} of {matching['teacher_units']} teacher units matched; "
            f"smallest cosine of incoming weights {cell(matching['cosine_min'])}"
        )
    for name, reason in report["notes"].items():
        click.echo(f"note: {name}: {reason}")
