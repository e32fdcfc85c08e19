"""Where paths run, how far a student is from chance, and spectra of weight matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from sta.analysis.figures.style import (
    GUIDE_COLOUR,
    TEACHER_COLOUR,
    TEACHER_DASH,
    Dash,
    Styles,
    axes_or_new,
    grey_guide,
    kind_label,
    kind_styles,
    place_legend,
    themed,
)
from sta.analysis.graph import LayeredGraph, balance
from sta.analysis.graph.edges import FloatArray
from sta.analysis.graph.likeness.significance import DistanceTest
from sta.analysis.graph.paths.centrality import node_centrality
from sta.analysis.graph.strengths import of_units
from sta.analysis.graph.topology.spectra import layer_spectra
from sta.errors import ShapeError, StaError

BINS = 24
FAR, LINEAR = 8.0, 4.0
"""Standard deviations from which on the scale of distances bends, and up to which it does not."""
RIDGE = 0.6
MOST_LABELLED = 200.0


@themed
def plot_centrality(
    students: Mapping[str, Sequence[LayeredGraph]],
    teachers: Sequence[LayeredGraph],
    ax: Axes | None = None,
    *,
    layer: int = 1,
    styles: Styles | None = None,
) -> Axes:
    """Draw the shares of path mass of a layer's units in falling order, on a logarithmic scale.

    The share of a unit is the sum of abs(p) over the paths p through it, over that of all paths;
    no rescaling of ReLU units changes it. Thick: mean over students at equal rank; thin: single
    students; dashed: the teacher, or each of the teachers. Units without any path are left out;
    the mean ends where the first student does.

    Parameters
    ----------
    students : mapping from kind to sequence of LayeredGraph
    teachers : sequence of LayeredGraph
        The distinct teachers of these students.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    layer : int
        Node layer, 1 for the first hidden one.
    styles : mapping of str to KindStyle, optional
        See `kind_styles`.

    Returns
    -------
    Axes

    Raises
    ------
    ShapeError
        If a graph has no such layer, or there is none.
    StaError
        If a graph has no path.
    """
    curves = {
        kind: [_falling(_at(_shares(one), layer)) for one in graphs]
        for kind, graphs in students.items()
    }
    dashed = [_falling(_at(_shares(one), layer)) for one in teachers]
    ax = _rank_curves(curves, dashed, ax, styles)
    ax.set_xlabel("rank of the unit")
    ax.set_ylabel("share of the path mass")
    return ax


@themed
def plot_singular_values(
    students: Mapping[str, Sequence[LayeredGraph]],
    teachers: Sequence[LayeredGraph],
    ax: Axes | None = None,
    *,
    layer: int = 0,
    balanced: bool = True,
    styles: Styles | None = None,
) -> Axes:
    """Draw the singular values of one weight matrix in falling order, on a logarithmic scale.

    Lines as in `plot_centrality`.

    Parameters
    ----------
    students, teachers, ax, styles
        As in `plot_centrality`.
    layer : int
        Weight matrix, 0 for the one behind the inputs.
    balanced : bool
        Whether hidden units are rescaled to incoming weights of unit length first; singular
        values change under such a rescaling, the network does not.

    Returns
    -------
    Axes

    Raises
    ------
    ShapeError
        If a graph has no such matrix, or there is none.
    StaError
        If a matrix is too large for a dense decomposition.
    """

    def spectrum(graph: LayeredGraph) -> FloatArray:
        spectra = layer_spectra(balance(graph) if balanced else graph)
        values = _at([one.singular_values for one in spectra], layer)
        # what rounding leaves of a singular value of zero is none
        floor = values.max(initial=0.0) * max(graph.widths) * np.finfo(np.float64).eps
        return np.asarray(values[values > floor])

    curves = {kind: [spectrum(one) for one in graphs] for kind, graphs in students.items()}
    ax = _rank_curves(curves, [spectrum(one) for one in teachers], ax, styles)
    ax.set_xlabel("rank")
    ax.set_ylabel("singular value" + (", balanced" if balanced else ""))
    return ax


@themed
def plot_null_distances(
    tests: Mapping[str, DistanceTest],
    ax: Axes | None = None,
    *,
    kind: str = "student",
    styles: Styles | None = None,
) -> Axes:
    """Draw the distances of other networks from the teacher, and the student's among them.

    One row a test, from above: the histogram of the null distances, a diamond at the student's
    distance, and its p-value. All are in standard deviations of the null distances from their
    mean; at the left of 0 the student is closer to its teacher than the others are. Tests whose
    null distances are all equal have no row.

    Parameters
    ----------
    tests : mapping from name to DistanceTest
        The name says which distance it is, and against which null model.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    kind : str
        Name of the student in the legend.
    styles : mapping of str to KindStyle, optional
        See `kind_styles`.

    Returns
    -------
    Axes

    Raises
    ------
    ShapeError
        If there is no test.
    StaError
        If the null distances do not vary.
    """
    if not tests:
        raise ShapeError("no distance was placed among those of other networks")
    drawn = [(name, test, test.z) for name, test in tests.items() if test.z is not None]
    if not drawn:
        reason = next(iter(tests.values())).reason
        raise StaError(f"no scale to draw the distances on: {reason}")
    ax = axes_or_new(ax)
    colour = (styles or kind_styles([kind]))[kind].color
    for row, (name, test, z) in enumerate(drawn):
        null = test.null_distances
        heights, edges = np.histogram((null - null.mean()) / null.std(ddof=1), BINS)
        base, first = -float(row), row == 0
        ax.stairs(
            base + RIDGE * heights / heights.max(), edges, baseline=base, fill=True,
            color=GUIDE_COLOUR, alpha=0.6, lw=0, label="null networks" if first else "",
        )  # fmt: skip
        ax.plot(
            [z], [base + 0.1], color=colour, marker="D", markersize=5, linestyle="",
            zorder=4, label=f"{kind_label(kind)}, observed" if first else "",
        )  # fmt: skip
        label = ax.text(
            0.02, base + 0.9, f"{kind_label(name)}, p = {test.p_value:.2g}", va="top",
            transform=ax.get_yaxis_transform(), fontsize="small",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.6},
        )  # fmt: skip
        label.set_in_layout(False)  # a long name must not squeeze the panels beside it
    grey_guide(ax, x=0.0, label="mean of null networks")
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_ylim(0.95 - len(drawn), 1.0)
    ax.margins(x=0.08)
    if max(abs(z) for _, _, z in drawn) > FAR:  # else it would squeeze the others into a line
        ax.set_xscale("symlog", linthresh=LINEAR, linscale=2)
        low, high = ax.get_xlim()
        marks = [m for m in (-1000, -100, -10, 0, 10, 100, 1000) if low <= m <= high]
        ax.set_xticks(marks, [str(mark) for mark in marks])
        ax.set_xticks([], minor=True)
    ax.set_xlabel("distance, s.d. from chance")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return ax


def _shares(graph: LayeredGraph) -> Sequence[FloatArray]:
    return of_units(graph, node_centrality(graph))


def _at(values: Sequence[FloatArray], layer: int) -> FloatArray:
    if not 0 <= layer < len(values):
        raise ShapeError(f"a graph has no layer {layer}; choose one from 0 to {len(values) - 1}")
    return values[layer]


def _falling(values: FloatArray) -> FloatArray:
    """Return positive values, largest first; zeros have no logarithm."""
    return -np.sort(-values[values > 0])


def _rank_curves(
    students: Mapping[str, Sequence[FloatArray]],
    teachers: Sequence[FloatArray],
    ax: Axes | None,
    styles: Styles | None,
) -> Axes:
    """Draw falling values against their rank; the mean ends where the first student does."""
    if not teachers and not any(students.values()):
        raise ShapeError("0 networks have nothing to draw; give at least a student or a teacher")
    ax = axes_or_new(ax)
    styles = styles or kind_styles(students)
    for kind, curves in students.items():
        style = styles[kind]
        if len(curves) > 1:
            for one in curves:
                _rank_curve(ax, one, style.color, "-", lw=0.5, alpha=0.35)
        if curves:
            shortest = min(one.size for one in curves)
            mean = np.mean([one[:shortest] for one in curves], axis=0)
            _rank_curve(
                ax, mean, style.color, style.dash, label=kind_label(kind), marker=style.marker,
                markevery=max(1, shortest // 20), markersize=3.5, zorder=3,
            )  # fmt: skip
    for number, one in enumerate(teachers):
        _rank_curve(
            ax, one, TEACHER_COLOUR, TEACHER_DASH, lw=1.2, zorder=4,
            label="" if number else "teacher",
        )  # fmt: skip
    _short_log_axis(ax)
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=True))
    place_legend(ax)
    return ax


def _short_log_axis(ax: Axes) -> None:
    """Make the ordinate logarithmic, its labels plain decimals: 0.02 and not 2 x 10^-2."""
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_locator(LogLocator(subs=(2.0, 5.0)))
    narrow = high < MOST_LABELLED * low
    ax.yaxis.set_minor_formatter(StrMethodFormatter("{x:g}") if narrow else NullFormatter())


def _rank_curve(ax: Axes, values: FloatArray, color: str, dash: Dash, **line: object) -> None:
    ax.plot(np.arange(1, values.size + 1), values, color=color, linestyle=dash, **line)  # type: ignore[arg-type]
