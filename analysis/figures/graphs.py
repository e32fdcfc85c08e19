"""Students against their teacher as weighted graphs: path weights and in-strengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

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
from sta.analysis.graph.layered_graph import FloatArray
from sta.errors import ConfigError, ShapeError, StaError

PathSign: TypeAlias = Literal["absolute", "positive", "negative"]

LEVELS = 401
BINWIDTH = 0.1
DECADES = 4.0
SIZES = {"absolute": "|p|", "positive": "p", "negative": "-p"}


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
        Pruned students, each with its path weights listed or counted in a histogram.
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
        If only the moments of a distribution are known.
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
def plot_path_tails(
    students: Mapping[str, Sequence[PathDistribution]],
    teachers: Sequence[PathDistribution],
    ax: Axes | None = None,
    *,
    sign: PathSign = "absolute",
    levels: int = LEVELS,
    decades: float = DECADES,
    styles: Styles | None = None,
) -> Axes:
    """Draw how many paths are stronger than t, against t, both axes logarithmic.

    Thick: mean over students at equal t; thin: single students; dashed: the teacher, or each of
    the teachers. Unlike quantiles, these numbers do not change when a student has weak paths
    beside the teacher's.

    Parameters
    ----------
    students, teachers
        As in `plot_path_quantiles`.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    sign : {"absolute", "positive", "negative"}
        Count the paths with abs(p), p, or -p above t.
    levels : int
        Number of thresholds t.
    decades : float
        How far t goes below the strongest path of all.
    styles : mapping of str to KindStyle, optional
        See `kind_styles`.

    Returns
    -------
    Axes

    Raises
    ------
    ConfigError
        If `sign` is another word, or `decades` is not positive.
    ShapeError
        If no network has a path of that sign.
    StaError
        If only the moments of a distribution are known, or its numbers exceed float64.
    """
    if sign not in SIZES:
        raise ConfigError(f"sign is {sign!r}; choose from {tuple(SIZES)}")
    if not decades > 0:
        raise ConfigError(f"decades is {decades}; choose a positive number")
    networks = [one for paths in (*students.values(), teachers) for one in paths]
    top = max((_strongest(one, sign) for one in networks), default=0.0)
    if top == 0:
        raise ShapeError(f"no path weight is {sign} in {len(networks)} networks; nothing to draw")
    ax = axes_or_new(ax)
    styles = styles or kind_styles(students)
    # at the strongest path itself the number is 0, where a logarithm ends
    t = np.geomspace(top * 10.0**-decades, np.nextafter(top, 0), levels)
    for kind, paths in students.items():
        if not paths:
            continue
        numbers, style = np.array([_number_above(one, t, sign) for one in paths]), styles[kind]
        if len(paths) > 1:
            ax.plot(t, _positive(numbers).T, color=style.color, linewidth=0.5, alpha=0.35)
        ax.plot(
            t, _positive(numbers.mean(0)), color=style.color, linestyle=style.dash,
            label=kind_label(kind), marker=style.marker, markevery=max(1, levels // 10),
        )  # fmt: skip
    for number, teacher in enumerate(teachers):
        ax.plot(
            t, _positive(_number_above(teacher, t, sign)), color=TEACHER_COLOUR,
            linestyle=TEACHER_DASH, linewidth=1.2, zorder=4, label="" if number else "teacher",
        )  # fmt: skip
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("path weight $t$")
    ax.set_ylabel(f"paths with ${SIZES[sign]} > t$")
    place_legend(ax)
    return ax


def _strongest(paths: PathDistribution, sign: PathSign) -> float:
    """Return the largest size of a path of a sign, 0 without one."""
    if paths.weights is None:
        raise StaError(f"no path weights to count: {paths.reason}")
    if paths.exponent:
        raise StaError("the number of paths is beyond float64; compare quantiles instead")
    low, high = (paths.weights[0], paths.weights[-1]) if paths.weights.size else (0.0, 0.0)
    return float(max(0.0, *_of_sign(-float(low), float(high), sign)))


def _number_above(paths: PathDistribution, t: FloatArray, sign: PathSign) -> FloatArray:
    """Count the paths of a sign that are stronger than each t."""
    weights, counts = np.asarray(paths.weights), paths.counts
    below, beyond = np.searchsorted(weights, -t), np.searchsorted(weights, t, side="right")
    if counts is None:
        return np.asarray(sum(_of_sign(below, weights.size - beyond, sign)), dtype=np.float64)
    # summed from either end: few strong paths would drown in differences of large numbers
    negative = np.append(0.0, counts.cumsum())[below]
    positive = np.append(counts[::-1].cumsum()[::-1], 0.0)[beyond]
    return np.asarray(sum(_of_sign(negative, positive, sign)))


def _of_sign(negative: Any, positive: Any, sign: PathSign) -> tuple[Any, ...]:
    return {"absolute": (negative, positive), "positive": (positive,), "negative": (negative,)}[
        sign
    ]


def _positive(numbers: FloatArray) -> FloatArray:
    """Return numbers with zeros, which have no logarithm, left out."""
    return np.where(numbers > 0, numbers, np.nan)


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
