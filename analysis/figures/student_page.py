"""One page of a student beside its teacher: networks, units, paths, strengths, and chance."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from string import ascii_lowercase

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from numpy.typing import ArrayLike

from sta.analysis.figures.dag import plot_dag, plot_dag_pair
from sta.analysis.figures.graphs import plot_in_strength, plot_path_quantiles, plot_path_tails
from sta.analysis.figures.panels import Draw, shared_legend
from sta.analysis.figures.student import plot_sorted_importance
from sta.analysis.figures.style import kind_styles, new_figure, themed
from sta.analysis.figures.topology import (
    plot_centrality,
    plot_null_distances,
    plot_singular_values,
)
from sta.analysis.graph import (
    LayeredGraph,
    UnitMatching,
    balance,
    match_units,
    path_distribution,
)
from sta.analysis.graph.likeness.significance import DistanceTest
from sta.errors import StaError

PAGE = (7.5, 10.0)
HEIGHTS = (1.0, 2.0)
LETTERS_A_LINE = 30


@themed
def draw_student(
    importance: ArrayLike,
    student: LayeredGraph,
    teacher: LayeredGraph | None = None,
    *,
    matching: UnitMatching | None = None,
    tests: Mapping[str, DistanceTest] | None = None,
    threshold: float = 0.05,
    kind: str = "student",
) -> Figure:
    """Draw a page of what is known of one student as a graph, beside its teacher.

    The networks; sorted importances, path quantiles and numbers of strong paths; in-strengths
    of the first hidden layer, as they are and balanced, and its shares of path mass; distances
    of random networks, and singular values of the first and the last weight matrix.

    Parameters
    ----------
    importance : array_like, shape (h,)
        L_i of all units of the student before pruning.
    student : LayeredGraph
        The pruned student.
    teacher : LayeredGraph, optional
        Its teacher; without it the student stands alone.
    matching : UnitMatching, optional
        Of the two; that of `match_units` unless told.
    tests : mapping from name to DistanceTest, optional
        Distances to the teacher, the student's and those of random networks.
    threshold : float
        The threshold at which the student was pruned.
    kind : str
        Name of the student in the legends.

    Returns
    -------
    Figure
        A panel that cannot be drawn holds the reason instead.
    """
    figure = new_figure(*PAGE)
    # a layout of their own lets the networks be wider than three small panels
    parts = figure.subfigures(2, 1, squeeze=False, height_ratios=HEIGHTS)
    above, below = parts.ravel()
    _draw_networks(above, student, teacher, matching)
    panels = _panels(importance, student, teacher, tests or {}, threshold, kind)
    grid = below.subplots(3, 3).ravel()
    for letter, ax, (title, draw) in zip(ascii_lowercase[1:], grid, panels, strict=False):
        _attempt([ax], partial(draw, ax))
        _entitle(ax, f"{letter}  {title}")
    shared_legend(figure)
    return figure


def _panels(
    importance: ArrayLike,
    student: LayeredGraph,
    teacher: LayeredGraph | None,
    tests: Mapping[str, DistanceTest],
    threshold: float,
    kind: str,
) -> list[tuple[str, Draw]]:
    styles, paths = kind_styles([kind]), cache(path_distribution)
    one, others = {kind: [student]}, [] if teacher is None else [teacher]
    # of a teacher of another depth, node layer 1 is another kind of layer
    alike = [graph for graph in others if graph.n_layers == student.n_layers]
    width = None if teacher is None or teacher.n_layers < 2 else int((~teacher.is_bias(1)).sum())

    def importances(ax: Axes) -> None:
        plot_sorted_importance(importance, ax, threshold=threshold, teacher_width=width, kind=kind)

    def quantiles(ax: Axes) -> None:
        plot_path_quantiles({kind: [paths(student)]}, [paths(t) for t in others], ax, styles=styles)
        ax.set_xlabel("rank of the path, scaled")

    def tails(ax: Axes) -> None:
        plot_path_tails({kind: [paths(student)]}, [paths(t) for t in others], ax, styles=styles)

    def strengths(ax: Axes) -> None:
        plot_in_strength(one, alike, ax, styles=styles)
        ax.set_xlabel("in-strength, each over its range")

    def balanced_strengths(ax: Axes) -> None:
        plot_in_strength({kind: [balance(student)]}, [balance(t) for t in alike], ax, styles=styles)
        ax.set_xlabel("in-strength, each over its range")

    def centralities(ax: Axes) -> None:
        plot_centrality(one, alike, ax, styles=styles)

    def first_spectrum(ax: Axes) -> None:
        plot_singular_values(one, alike, ax, styles=styles)

    def last_spectrum(ax: Axes) -> None:
        plot_singular_values(one, alike, ax, layer=student.n_layers - 1, styles=styles)

    return [
        ("Importance of hidden units", importances),
        ("Path weights", quantiles),
        ("Number of strong paths", tails),
        ("In-strength, layer 1", strengths),
        ("In-strength, balanced", balanced_strengths),
        ("Path mass of units", centralities),
        (
            "Among other networks",
            lambda ax: plot_null_distances(tests, ax, kind=kind, styles=styles),
        ),
        ("Spectrum, first matrix", first_spectrum),
        ("Spectrum, last matrix", last_spectrum),
    ]


def _draw_networks(
    part: SubFigure,
    student: LayeredGraph,
    teacher: LayeredGraph | None,
    matching: UnitMatching | None,
) -> None:
    if teacher is None:
        alone = part.subplots()
        _attempt([alone], lambda: plot_dag(student, alone))
        _entitle(alone, "a  Student")
        return
    if matching is None:
        # networks that cannot be matched are drawn beside each other all the same
        with suppress(StaError):
            matching = match_units(student, teacher)
    left, right = part.subplots(1, 2, gridspec_kw={"wspace": 0.08})
    _attempt([left, right], lambda: plot_dag_pair((left, right), student, teacher, matching))
    for ax, letter in ((left, "a  "), (right, "")):
        _entitle(ax, letter + ax.get_title())


def _attempt(axes: Sequence[Axes], draw: Callable[[], object]) -> None:
    """Draw, or write the reason into the first of the axes and clear the others."""
    try:
        draw()
    except Exception as error:
        reason = str(error) if isinstance(error, StaError) else f"{type(error).__name__}: {error}"
        for ax in axes:
            ax.clear()
            ax.set_axis_off()
        text = textwrap.fill(reason, LETTERS_A_LINE).replace("$", r"\$")
        axes[0].text(
            0.5, 0.5, text, transform=axes[0].transAxes, ha="center", va="center",
            fontsize="small", color="0.3",
        )  # fmt: skip


def _entitle(ax: Axes, title: str) -> None:
    ax.set_title("")
    ax.set_title(title, loc="left")
    legend = ax.get_legend()
    if legend is not None:
        legend.remove()
