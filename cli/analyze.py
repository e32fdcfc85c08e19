"""`sta analyze`: one pruned student as a weighted graph, against its teacher."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from sta.analysis.analyze import StudentAnalysis
    from sta.analysis.graph import GraphComparison, LayeredGraph

DRAWN = {"paths.count.wasserstein": "paths", "units": "units"}
LONGEST_LIST = 4
SHOWN_ABOVE = ("edges", "paths", "effective paths", "path norm L1", "signed sum of paths")


@click.command()
@checkpoint_arguments
@threshold_option
@click.option(
    "--metrics",
    help="What else to measure of both graphs: names with commas between them, standard, all or "
    "none.  [default: none, with --json standard]",
)
@click.option(
    "--null-samples",
    type=click.IntRange(0),
    default=99,
    show_default=True,
    help="Other networks of each kind among which the distances to the teacher are placed.",
)
@click.option("--bias", is_flag=True, help="Biases as units of the graphs; paths may start there.")
@click.option("-o", "--out", type=EXISTING_OR_NOT, help="Folder for the figures.")
@seed_option
@json_option
def analyze(
    checkpoint: Path,
    member: int | None,
    teacher: Path | None,
    threshold: float,
    metrics: str | None,
    null_samples: int,
    bias: bool,
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
    unasked = "standard" if as_json else "none"
    analysis = analyze_student(
        student, target, threshold=threshold, seed=seed, metrics=_chosen(metrics or unasked),
        null_samples=null_samples, bias=bias,
    )  # fmt: skip
    if out is not None and analysis.student is not None:
        _draw(analysis, analysis.student, out, threshold, student.kind)
    if as_json:
        print_json(analysis.report)
    else:
        _print(checkpoint, analysis)


def _chosen(metrics: str) -> list[str] | None:
    """Return the names of metrics, None for the standard ones."""
    from sta.analysis.graph import METRICS, UNDEFINED

    given = [name.strip() for name in metrics.split(",") if name.strip()]
    words = {"standard": None, "none": [], "all": list(METRICS)}
    if len(given) == 1 and given[0] in words:
        return words[given[0]]
    for name in given:
        if name not in METRICS and name not in UNDEFINED:
            raise click.BadParameter(
                f"{name!r} is no metric; choose standard, all or none, or names from "
                f"{', '.join(METRICS)}",
                param_hint="--metrics",
            )
    return given


def _draw(
    analysis: StudentAnalysis, student: LayeredGraph, out: Path, threshold: float, kind: str
) -> None:
    from sta.analysis.figures import draw_student, save_figure

    comparison = analysis.comparison
    tests = {
        f"{DRAWN[name]}, {test.null}": test
        for name, test in (() if comparison is None else comparison.nulls)
        if name in DRAWN
    }
    figure = draw_student(
        analysis.report["student"]["importance"], student, analysis.teacher,
        matching=None if comparison is None else comparison.matching,
        tests=tests, threshold=threshold, kind=kind,
    )  # fmt: skip
    save_figure(figure, out / "student")
    if "motif_scores" in (analysis.report["metrics"]["student"] or {}):
        from sta.analysis.figures import plot_motif_scores
        from sta.analysis.graph import motif_scores

        beside = None if analysis.teacher is None else motif_scores(analysis.teacher)
        motifs = plot_motif_scores({kind: motif_scores(student)}, beside).get_figure(root=True)
        if motifs is not None:
            save_figure(motifs, out / "motifs")


def _print(path: Path, analysis: StudentAnalysis) -> None:
    report = analysis.report
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
    if analysis.comparison is not None:
        _print_comparison(analysis.comparison)
    _print_metrics(report["metrics"])
    notes = {name: reason for name, reason in report["notes"].items() if not name.endswith(".z")}
    for reason in dict.fromkeys(notes.values()):
        names = [name for name, given in notes.items() if given == reason]
        click.echo(f"note: {', '.join(names)}: {reason}")


def _print_metrics(metrics: dict[str, Any]) -> None:
    sides = [dict(_numbers(metrics[role] or {})) for role in ("student", "teacher")]
    names = list(dict.fromkeys([*sides[0], *sides[1]]))
    if names:
        rows = [[name, *(side.get(name) for side in sides)] for name in names]
        print_table("metrics (longer lists with --json)", ["", "student", "teacher"], rows)


def _numbers(values: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Numbers of nested dicts, and short lists of them, by their place."""
    if isinstance(values, dict):
        for key, part in values.items():
            yield from _numbers(part, f"{name} {key}".strip())
    elif isinstance(values, list) and not all(isinstance(one, int | float) for one in values):
        for number, part in enumerate(values, 1):
            yield from _numbers(part, f"{name} {number}")
    elif isinstance(values, list):
        if len(values) <= LONGEST_LIST:
            yield name, ", ".join(map(cell, values))
    elif not isinstance(values, str):
        yield name, values


def _print_comparison(comparison: GraphComparison) -> None:
    from sta.analysis.graph import comparison_table

    table = comparison_table(comparison).drop(index=list(SHOWN_ABOVE))
    rows = [
        [name, *(None if math.isnan(value) else value for value in row)]
        for name, *row in table.itertuples()
    ]
    print_table("student against teacher", ["", *table.columns], rows)
    if comparison.nulls:
        click.echo(
            "p: share of other networks as close to the teacher: random ones with its shape and"
            " weights drawn from its own, the student with its weights shuffled, untrained"
            " students; not corrected for the number of rows"
        )
