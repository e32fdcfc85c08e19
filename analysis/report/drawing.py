"""The figures of a report, each a function from the sweep's data to a figure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from matplotlib.figure import Figure

from sta.analysis.figures import (
    draw_collapse,
    draw_panels,
    plot_effective_size,
    plot_importance_histogram,
    plot_importance_ranks,
    plot_learning_curve,
    plot_losses,
    plot_path_quantiles,
    plot_ramp,
    plot_ramp_fits,
    plot_ramp_widths,
    plot_size_over_threshold,
)
from sta.analysis.report.cells import (
    MOST_CELLS,
    cell_title,
    few_kinds,
    healthy_students,
    kind_title,
    kinds_at,
    one_per_teacher,
    shown_cells,
    widest_cells,
    widest_graphs,
)
from sta.analysis.report.data import SweepData
from sta.analysis.report.graph_drawing import (
    PATH_RANGE,
    Panel,
    draw_balanced_strengths,
    draw_networks,
    draw_paths,
    draw_strengths,
)
from sta.errors import ShapeError

MARGIN = 3


@dataclass(frozen=True)
class FigureSpec:
    """A figure of the report.

    Attributes
    ----------
    name : str
        Name of its files and of its caption.
    title : str
        Heading on the page.
    draw : callable
        From the sweep's data to the figure.
    """

    name: str
    title: str
    draw: Callable[[SweepData], Figure]


def draw_overview(data: SweepData) -> Figure:
    """Effective size, ramp and path weights of the first two kinds, for the first teacher."""
    kinds = list(data.styles)[:2]
    students = data.students[data.students["kind"].isin(kinds)]
    ramp = data.ramp[data.ramp["kind"].isin(kinds)]
    teacher, width = widest_cells(ramp)[0]
    panels: list[Panel] = [
        (
            "effective size",
            partial(
                plot_effective_size, students, teacher_width=teacher, threshold=data.threshold,
                styles=data.styles,
            ),
        ),
        (
            f"cost of pruning, $h = {width}$",
            partial(
                plot_ramp, ramp, teacher_width=teacher, student_width=width, log=True,
                styles=data.styles,
            ),
        ),
    ]  # fmt: skip
    here = [one for one in widest_graphs(data, teacher) if one.paths.weights is not None]
    paths = {kind: [one.paths for one in here if one.kind == kind] for kind in kinds}
    if all(paths.values()):
        teachers = [one.teacher_paths for one in one_per_teacher(here)]
        draw = partial(plot_path_quantiles, paths, teachers, limit=PATH_RANGE, styles=data.styles)
        panels.append((f"path weights, $h = {here[0].student_width}$", draw))
    return draw_panels(panels, size=(3.1, 2.7))


def draw_sizes(data: SweepData) -> Figure:
    """Effective size against student width, a panel a teacher width."""
    panels: list[Panel] = []
    for teacher, _ in widest_cells(healthy_students(data)):
        draw = partial(
            plot_effective_size, data.students, teacher_width=teacher, threshold=data.threshold,
            styles=data.styles,
        )  # fmt: skip
        panels.append((f"teacher of width $h_T = {teacher}$", draw))
    return draw_panels(panels, columns=2)


def draw_thresholds(data: SweepData) -> Figure:
    """Effective size against the threshold, a panel a width."""
    panels: list[Panel] = []
    for title, (teacher, width) in shown_cells(data):
        draw = partial(
            plot_size_over_threshold, data.students, teacher_width=teacher, student_width=width,
            marked=data.threshold, styles=data.styles,
        )  # fmt: skip
        panels.append((title, draw))
    return draw_panels(panels)


def draw_histograms(data: SweepData) -> Figure:
    """Histograms of the importances, at most three kinds in a panel."""
    panels: list[Panel] = []
    for title, (teacher, width) in shown_cells(data):
        for kinds in few_kinds(data, kinds_at(healthy_students(data), (teacher, width))):
            some = data.students[data.students["kind"].isin(kinds)]
            draw = partial(
                plot_importance_histogram, some, teacher_width=teacher, student_width=width,
                styles=data.styles,
            )  # fmt: skip
            panels.append((title, draw))
    return draw_panels(panels)


def draw_ranks(data: SweepData) -> Figure:
    """Sorted importances, a panel a width."""
    panels: list[Panel] = []
    for title, (teacher, width) in shown_cells(data):
        draw = partial(
            plot_importance_ranks, data.students, teacher_width=teacher, student_width=width,
            max_rank=MARGIN * teacher, threshold=data.threshold, styles=data.styles,
        )  # fmt: skip
        panels.append((title, draw))
    return draw_panels(panels, share_y=True)


def draw_losses(data: SweepData) -> Figure:
    """Errors against student width, a panel a teacher width."""
    panels: list[Panel] = []
    for teacher, _ in widest_cells(healthy_students(data)):
        draw = partial(plot_losses, data.students, teacher_width=teacher, styles=data.styles)
        panels.append((f"teacher of width $h_T = {teacher}$", draw))
    return draw_panels(panels, columns=2)


def draw_learning(data: SweepData) -> Figure:
    """Test error and effective size in the course of training, of the widest students there."""
    panels: list[Panel] = []
    for teacher, width in widest_cells(data.history):
        for quantity in ("test_loss", "effective_size"):
            draw = partial(
                plot_learning_curve, data.history, quantity=quantity, teacher_width=teacher,
                student_width=width, styles=data.styles,
            )  # fmt: skip
            panels.append((cell_title(data, (teacher, width)), draw))
    return draw_panels(panels, columns=2)


def draw_ramps(data: SweepData) -> Figure:
    """Ramps of all kinds at the largest width, linear and logarithmic."""
    panels: list[Panel] = []
    for teacher, width in widest_cells(data.ramp):
        for log in (False, True):
            draw = partial(
                plot_ramp, data.ramp, teacher_width=teacher, student_width=width, log=log,
                styles=data.styles,
            )  # fmt: skip
            panels.append((cell_title(data, (teacher, width)), draw))
    return draw_panels(panels, columns=2)


def draw_ramp_widths(data: SweepData) -> Figure:
    """Ramps of all widths, a panel a kind that has more than one width."""
    panels: list[Panel] = []
    for kind in data.styles:
        rows = data.ramp[data.ramp["kind"] == kind]
        for teacher, own in rows.groupby("teacher_width", sort=True):
            if own["student_width"].nunique() > 1:
                draw = partial(plot_ramp_widths, own, kind=kind, log=True)
                panels.append((kind_title(data, kind, int(str(teacher))), draw))
    if not panels:
        raise ShapeError("every kind has one student width; there are no widths to compare")
    return draw_panels(panels[:MOST_CELLS], columns=2, share_y=True)


def draw_ramp_fits(data: SweepData) -> Figure:
    """Models fitted to the ramp of every kind at its largest width."""
    widest: dict[tuple[str, int], dict[str, Any]] = {}
    for fit in data.collapse["fits"]:
        key = (fit["kind"], fit["teacher_width"])
        if key not in widest or fit["student_width"] > widest[key]["student_width"]:
            widest[key] = fit
    panels: list[Panel] = []
    for kind, teacher in sorted(widest, key=lambda key: (list(data.styles).index(key[0]), key[1])):
        fit = widest[kind, teacher]
        draw = partial(
            plot_ramp_fits, data.ramp, fit, kind=kind, teacher_width=teacher,
            student_width=fit["student_width"], log=True, styles=data.styles,
        )  # fmt: skip
        panels.append((f"{kind_title(data, kind, teacher)}, $h = {fit['student_width']}$", draw))
    return draw_panels(panels[:MOST_CELLS], columns=2 if len(panels) < 3 else 3, share_y=True)


def draw_scaling(data: SweepData) -> Figure:
    """Scaling collapse over the sizes of the sweep, with its plateaus and profiles."""
    result = data.collapse_result
    scaling = result.details["collapse"]
    if scaling is None:
        raise ShapeError(str(result.estimates["inv_nu"].reason))
    return draw_collapse(scaling, x_label="$n / h_T$", y_label=r"$\Delta$MSE, normalised")


FIGURES = (
    FigureSpec("overview", "At a glance", draw_overview),
    FigureSpec("size", "Effective size", draw_sizes),
    FigureSpec("ranks", "Importances in falling order", draw_ranks),
    FigureSpec("threshold", "Effective size over the threshold", draw_thresholds),
    FigureSpec("histogram", "Histograms of importance", draw_histograms),
    FigureSpec("losses", "Training and test error", draw_losses),
    FigureSpec("learning", "Learning curves", draw_learning),
    FigureSpec("ramp", "Cost of pruning", draw_ramps),
    FigureSpec("ramp_widths", "Cost of pruning across student widths", draw_ramp_widths),
    FigureSpec("ramp_fits", "Is there a threshold?", draw_ramp_fits),
    FigureSpec("collapse", "Do the sizes collapse?", draw_scaling),
    FigureSpec("paths", "Path weights", draw_paths),
    FigureSpec("strength", "In-strengths", draw_strengths),
    FigureSpec("strength_balanced", "In-strengths, balanced", draw_balanced_strengths),
    FigureSpec("networks", "Students beside their teacher", draw_networks),
)
