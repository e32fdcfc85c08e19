"""Students against their teacher as weighted graphs: path weights and in-strengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from sta.analysis.figures.style import (
    BAND_ALPHA,
    TEACHER_COLOUR,
    TEACHER_DASH,
    Dash,
    Styles,
    axes_or_new,
    kind_label,
    kind_styles,
    place_legend,
    themed,
)
from sta.analysis.graph import LayeredGraph, PathDistribution, in_strength, scaled_in_strength
from sta.errors import ConfigError, ShapeError

LEVELS = 401
BINWIDTH = 0.1


@themed
def plot_path_quantiles(
    students: Mapping[str, Sequence[PathDistribution]],
    teachers: Sequence[PathDistribution],
    ax: Axes | None = None,
    *,
    levels: int = LEVELS,
    limit: float | None = None,
    styles: Styles | None = None,
) -> Axes:
    """Draw the path weights in ascending order against their rank, scaled to [0, 1].

    Line: mean over students at equal rank; band: plus and minus one standard deviation;
    dashed: the teacher, or each of the teachers. Paths run from the inputs to the last trained
    layer, with signed products of weights; every path counts once.

    Parameters
    ----------
    students : mapping from kind to sequence of PathDistribution
        Pruned students, each with its path weights listed.
    teachers : sequence of PathDistribution
        The distinct teachers of these students.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    levels : int
        Number of ranks at which the curves are interpolated.
    limit : float, optional
        Height of the panel in units of the teachers' range; students that reach beyond run out
        of it. Without it everything is shown.
    styles : mapping of str to KindStyle, optional
        See `kind_styles`.

    Returns
    -------
    Axes

    Raises
    ------
    ShapeError
        If there is neither a student nor a teacher.
    StaError
        If the weights of a distribution were not listed.
    """
    if not teachers and not any(students.values()):
        raise ShapeError("0 networks have no paths; give at least a student or a teacher")
    ax = axes_or_new(ax)
    styles = styles or kind_styles(students)
    rank = np.linspace(0, 1, levels)
    for kind, paths in students.items():
        if not paths:
            continue
        curves, style = np.array([one.quantiles(rank) for one in paths]), styles[kind]
        mean = curves.mean(0)
        sd = curves.std(0, ddof=1) if len(curves) > 1 else np.zeros_like(mean)
        ax.fill_between(rank, mean - sd, mean + sd, color=style.color, alpha=BAND_ALPHA, lw=0)
        ax.plot(
            rank, mean, color=style.color, linestyle=style.dash, label=kind_label(kind),
            marker=style.marker, markevery=max(1, levels // 10),
        )  # fmt: skip
    for number, teacher in enumerate(teachers):
        ax.plot(
            rank, teacher.quantiles(rank), color=TEACHER_COLOUR, linestyle=TEACHER_DASH,
            linewidth=1.2, zorder=4, label="" if number else "teacher",
        )  # fmt: skip
    ax.set_xlabel("rank of the path, scaled to [0, 1]")
    ax.set_ylabel("path weight")
    if limit is not None and teachers:
        ends = [float(end) for one in teachers for end in one.quantiles([0, 1])]
        middle, half = 0.5 * (max(ends) + min(ends)), 0.5 * (max(ends) - min(ends))
        ax.set_ylim(middle - limit * half, middle + limit * half)
    place_legend(ax)
    return ax


@themed
def plot_in_strength(
    students: Mapping[str, Sequence[LayeredGraph]],
    teachers: Sequence[LayeredGraph],
    ax: Axes | None = None,
    *,
    layer: int = 1,
    binwidth: float = BINWIDTH,
    styles: Styles | None = None,
) -> Axes:
    """Draw the histogram of in-strengths, each set divided by its range, as the paper does.

    k_j = s_j / (max s - min s) with s_j the sum of the signed weights into unit j; the range is
    taken over all units of all students of a kind, and over all teachers.

    Parameters
    ----------
    students : mapping from kind to sequence of LayeredGraph
        Pruned students.
    teachers : sequence of LayeredGraph
        The distinct teachers of these students.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    layer : int
        Node layer, 1 for the first hidden one.
    binwidth : float
        Width of a bin; the paper's is 0.1.
    styles : mapping of str to KindStyle, optional
        See `kind_styles`.

    Returns
    -------
    Axes

    Raises
    ------
    ConfigError
        If the width of a bin is not in (0, 1].
    ShapeError
        If a graph has no such layer.

    Notes
    -----
    A set whose in-strengths are all equal has no range; its entry in the legend says so.
    """
    if not 0 < binwidth <= 1:
        raise ConfigError(f"binwidth is {binwidth}; choose one above 0 and at most 1")
    ax = axes_or_new(ax)
    styles = styles or kind_styles(students)
    for kind, graphs in students.items():
        style = styles[kind]
        _stairs(ax, graphs, layer, binwidth, style.color, style.dash, kind_label(kind))
    _stairs(ax, teachers, layer, binwidth, TEACHER_COLOUR, TEACHER_DASH, "teacher", fill=False)
    ax.set_xlabel(r"in-strength $k_j = s_j / (s_{\max} - s_{\min})$")
    ax.set_ylabel("units (%)")
    place_legend(ax)
    return ax


def _stairs(
    ax: Axes,
    graphs: Sequence[LayeredGraph],
    layer: int,
    binwidth: float,
    color: str,
    dash: Dash,
    label: str,
    *,
    fill: bool = True,
) -> None:
    """Draw the histogram of one set, or say in the legend that all its values are one."""
    if not graphs:
        return
    if not all(1 <= layer <= graph.n_layers for graph in graphs):
        raise ShapeError(f"a graph has no node layer {layer} with incoming weights; choose another")
    strengths = [in_strength(graph, weighting="signed")[layer] for graph in graphs]
    if np.ptp(np.concatenate(strengths)) == 0:
        ax.plot([], [], color=color, linestyle=dash, label=f"{label} (all equal, no range)")
        return
    values = np.concatenate(scaled_in_strength(graphs, layer=layer))
    low = np.floor(values.min() / binwidth)
    edges = np.arange(low, np.floor(values.max() / binwidth) + 2) * binwidth
    percent = 100.0 * np.histogram(values, edges)[0] / values.size
    if fill:
        ax.stairs(percent, edges, fill=True, color=color, alpha=0.15, lw=0)
    ax.stairs(percent, edges, color=color, linestyle=dash, linewidth=1.4, label=label, zorder=3)
