"""The figures of the networks: path weights, in-strengths, and the networks themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from sta.analysis.figures import (
    draw_panels,
    plot_dag_pair,
    plot_in_strength,
    plot_path_quantiles,
    shared_legend,
    theme,
)
from sta.analysis.figures.style import kind_label, new_figure
from sta.analysis.graph import LayeredGraph, balance
from sta.analysis.report.cells import (
    few_kinds,
    graphs_at,
    one_per_teacher,
    shown_cells,
    widest_cells,
    widest_graphs,
)
from sta.analysis.report.chance import NULLS
from sta.analysis.report.closeness import group_chance
from sta.analysis.report.data import StudentGraph, SweepData
from sta.analysis.report.numbers import number, sample
from sta.errors import ShapeError

PATH_RANGE = 1.5
PANEL = (3.1, 2.7)
SMALL = 6.5
HEIGHT_OF_LINE = 0.06
MOST_EDGES = 400
"""Of a network that is drawn."""
Panel = tuple[str, Callable[[Axes], object]]
Groups = Mapping[str, Sequence[StudentGraph]]


def draw_paths(data: SweepData) -> Figure:
    """Path weights of pruned students and teacher, a panel a width."""
    panels: list[Panel] = []
    for title, cell in shown_cells(data):
        here = [one for one in graphs_at(data, cell) if one.paths.weights is not None]
        groups = {kind: [one for one in here if one.kind == kind] for kind in data.styles}
        if here:
            panels.append((title, partial(_paths, data, groups)))
    return draw_panels(panels, size=PANEL)


def _paths(data: SweepData, groups: Groups, ax: Axes) -> None:
    students = {kind: [one.paths for one in group] for kind, group in groups.items()}
    every = [one for group in groups.values() for one in group]
    teachers = [one.teacher_paths for one in one_per_teacher(every)]
    plot_path_quantiles(students, teachers, ax, limit=PATH_RANGE, styles=data.styles)
    _write_distances(ax, groups, "paths")


def draw_strengths(data: SweepData) -> Figure:
    """In-strengths of pruned students and teacher, at most three kinds in a panel."""
    return _strength_panels(data, "in-strength", lambda graph: graph)


def draw_balanced_strengths(data: SweepData) -> Figure:
    """In-strengths after incoming weights were scaled to unit length."""
    return _strength_panels(data, "in-strength, balanced", balance)


def _strength_panels(
    data: SweepData, name: str, change: Callable[[LayeredGraph], LayeredGraph]
) -> Figure:
    panels: list[Panel] = []
    for title, cell in shown_cells(data):
        here = graphs_at(data, cell)
        for kinds in few_kinds(data, {one.kind for one in here}):
            groups = {kind: [one for one in here if one.kind == kind] for kind in kinds}
            panels.append((title, partial(_strengths, data, groups, name, change)))
    return draw_panels(panels, size=PANEL)


def _strengths(
    data: SweepData,
    groups: Groups,
    name: str,
    change: Callable[[LayeredGraph], LayeredGraph],
    ax: Axes,
) -> None:
    every = [one for group in groups.values() for one in group]
    alike = [one for one in every if one.teacher.n_layers == one.student.n_layers]
    students = {kind: [change(one.student) for one in group] for kind, group in groups.items()}
    teachers = [change(one.teacher) for one in one_per_teacher(alike)]
    plot_in_strength(students, teachers, ax, styles=data.styles)
    _write_distances(ax, groups, name)


def _write_distances(ax: Axes, groups: Groups, name: str) -> None:
    """Write the distances to the teacher, and the p-values, above the curves of the kinds."""
    lines = {
        kind_label(kind): _in_short(group, name) for kind, group in groups.items() if len(group) > 0
    }
    handles, labels = ax.get_legend_handles_labels()
    named = {
        label: handle
        for handle, label in zip(handles, labels, strict=True)
        if label in lines
    }  # fmt: skip
    low, high = ax.get_ylim()
    # the writing stands above the data, however many kinds there are
    above = HEIGHT_OF_LINE * (1 + len(named))
    ax.set_ylim(low, low + (high - low) / (1 - above))
    ax.add_artist(
        Legend(
            ax, list(named.values()), [lines[label] for label in named], loc="upper left",
            title=f"W₁/σ;  p: {' · '.join(NULLS)}", fontsize=SMALL, title_fontsize=SMALL,
            alignment="left", frameon=False, borderpad=0.0, borderaxespad=0.1, labelspacing=0.15,
            handlelength=2.2,
        )
    )  # fmt: skip


def _in_short(group: Sequence[StudentGraph], name: str) -> str:
    """Write the distances of a group and its median p-values in one line."""
    found = [group_chance(group, name, null) for null in NULLS]
    text = sample([one.distances[name] for one in group])
    if not any(found):
        return text
    values = (number(None if one is None else one.p_median, 2) for one in found)
    return f"{text};  {' · '.join(values)}"


def draw_networks(data: SweepData) -> Figure:
    """Draw the first student of the first two kinds at the largest width, with their teacher."""
    teacher, _ = widest_cells(data.students[data.students["status"] == "ok"])[0]
    here = {one.kind: one for one in reversed(widest_graphs(data, teacher))}
    shown = [here[kind] for kind in data.styles if kind in here][:2]
    if not shown:
        raise ShapeError("no student of the largest width was measured")
    with theme():
        figure = new_figure(7.2, 3.7 * len(shown) + 0.45)
        for (left, right), one in zip(
            figure.subplots(len(shown), 2, squeeze=False), shown, strict=True
        ):
            plot_dag_pair(
                (left, right), one.student, one.teacher, one.matching, max_edges=MOST_EDGES
            )
            left.set_title("teacher")
            right.set_title(f"{kind_label(one.kind)}, $h = {one.student_width}$, pruned")
        shared_legend(figure)
    return figure
