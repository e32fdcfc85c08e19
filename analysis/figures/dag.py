"""Networks drawn as weighted directed acyclic graphs, a student level with its teacher."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sta.analysis.figures.dag_drawing import draw_cosine_scale, draw_network, height_limits
from sta.analysis.figures.dag_layout import columns_of, mass_of_rows, rows_of
from sta.analysis.figures.panels import shared_legend
from sta.analysis.figures.style import axes_or_new, new_figure, themed
from sta.analysis.graph import LayeredGraph, UnitMatching, balance
from sta.analysis.graph.edges import FloatArray, IntArray, edge_values
from sta.analysis.graph.paths.centrality import node_centrality
from sta.errors import ConfigError, StaError

MAX_EDGES = 900
MAX_UNITS = 48
WIDTH_OF_LAYER = 0.95


@themed
def plot_dag(
    graph: LayeredGraph,
    ax: Axes | None = None,
    *,
    matching: UnitMatching | None = None,
    teacher: bool = False,
    balanced: bool = True,
    max_edges: int = MAX_EDGES,
    max_units: int = MAX_UNITS,
) -> Axes:
    """Draw a network as layers of units, from the inputs at the left to the outputs.

    Width and strength of a line: abs(w) over the largest of its layer; colour: the sign; stronger
    lines lie over weaker ones. Area of a dot: the share of the layer's path mass that runs through
    the unit. Squares: bias units. Below the layers stand their numbers of units, and below all
    how many edges between the units shown are drawn.

    Parameters
    ----------
    graph : LayeredGraph
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    matching : UnitMatching, optional
        Student units stand at the height of their partner in the teacher, the darker the larger
        the cosine; units without a partner are hollow and stand below.
    teacher : bool
        Whether the graph is the teacher of the matching, not the student.
    balanced : bool
        Whether hidden units are rescaled to incoming weights of unit length first, so that
        networks that differ by such a rescaling alone look the same.
    max_edges : int
        Most edges drawn, the strongest of every layer.
    max_units : int
        Most units drawn of a layer, those of most path mass.

    Returns
    -------
    Axes

    Raises
    ------
    ConfigError
        If a number of edges or units is not positive.
    ShapeError
        If the matching is of another network.
    """
    _check(max_edges, max_units)
    alone, ax = ax is None, axes_or_new(ax)
    rows, cosines = rows_of(graph, matching, teacher=teacher)
    mass = _masses(graph)
    columns = columns_of(graph, rows, cosines, mass, _by_row(rows, mass), max_units)
    graph = balance(graph) if balanced else graph
    limits = height_limits(columns)
    draw_network(
        ax, graph, columns, mass, _scales(graph), limits, max_edges=max_edges, balanced=balanced
    )
    if matching is not None:
        draw_cosine_scale([ax])
    figure = ax.get_figure(root=True)
    if alone and figure is not None:
        shared_legend(figure)
    else:
        ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0))
    return ax


@themed
def draw_dag(
    student: LayeredGraph,
    teacher: LayeredGraph,
    matching: UnitMatching | None = None,
    *,
    balanced: bool = True,
    max_edges: int = MAX_EDGES,
    max_units: int = MAX_UNITS,
) -> Figure:
    """Draw a teacher and a student side by side, matched units at the same height.

    Lines of one layer are scaled by the same largest weight in both panels.

    Parameters
    ----------
    student, teacher : LayeredGraph
    matching : UnitMatching, optional
        Without it units stand in their own order, and heights mean nothing.
    balanced, max_edges, max_units
        As in `plot_dag`; the numbers hold for each panel.

    Returns
    -------
    Figure

    Raises
    ------
    ConfigError, ShapeError
        As `plot_dag`.
    """
    width = WIDTH_OF_LAYER * (2 + student.n_layers + teacher.n_layers)
    figure = new_figure(float(np.clip(width, 7.2, 9.5)), 4.0)
    left, right = figure.subplots(1, 2, gridspec_kw={"wspace": 0.08})
    plot_dag_pair(
        (left, right), student, teacher, matching,
        balanced=balanced, max_edges=max_edges, max_units=max_units,
    )  # fmt: skip
    shared_legend(figure)
    return figure


@themed
def plot_dag_pair(
    axes: tuple[Axes, Axes],
    student: LayeredGraph,
    teacher: LayeredGraph,
    matching: UnitMatching | None = None,
    *,
    balanced: bool = True,
    max_edges: int = MAX_EDGES,
    max_units: int = MAX_UNITS,
) -> tuple[Axes, Axes]:
    """Draw a teacher into the first axes and a student into the second, as `draw_dag` does.

    Parameters
    ----------
    axes : tuple of two Axes
        Of the same height.
    student, teacher, matching, balanced, max_edges, max_units
        As in `draw_dag`.

    Returns
    -------
    tuple of two Axes

    Raises
    ------
    ConfigError, ShapeError
        As `plot_dag`.
    """
    _check(max_edges, max_units)
    graphs = (teacher, student)
    placed = [rows_of(one, matching, teacher=at == 0) for at, one in enumerate(graphs)]
    masses = [_masses(one) for one in graphs]
    by_row = [_by_row(rows, mass) for (rows, _), mass in zip(placed, masses, strict=True)]
    if matching is not None:
        by_row = [[np.maximum(one, other) for one, other in zip(*by_row, strict=True)]] * 2
    columns = [
        columns_of(one, rows, cosines, mass, row, max_units)
        for one, (rows, cosines), mass, row in zip(graphs, placed, masses, by_row, strict=True)
    ]
    drawn = [balance(one) if balanced else one for one in graphs]
    scales = [_scales(one) for one in drawn]
    if teacher.n_layers == student.n_layers:
        scales = [[max(pair) for pair in zip(*scales, strict=True)]] * 2
    limits = height_limits([*columns[0], *columns[1]])
    for ax, one, column, mass, scale, name in zip(
        axes, drawn, columns, masses, scales, ("Teacher", "Student"), strict=True
    ):
        draw_network(ax, one, column, mass, scale, limits, max_edges=max_edges, balanced=balanced)
        ax.set_title(name if matching is not None else f"{name}, units in their own order")
    if matching is not None:
        draw_cosine_scale(axes)
    return axes


def _masses(graph: LayeredGraph) -> tuple[FloatArray, ...]:
    """Return path shares; zeros for a graph without paths, which can be drawn all the same."""
    try:
        return node_centrality(graph)
    except StaError:
        return tuple(np.zeros(width) for width in graph.widths)


def _by_row(rows: Sequence[IntArray], masses: Sequence[FloatArray]) -> list[FloatArray]:
    return [mass_of_rows(row, mass) for row, mass in zip(rows, masses, strict=True)]


def _scales(graph: LayeredGraph) -> list[float]:
    return [float(np.abs(edge_values(layer)).max(initial=0.0)) for layer in graph.layers]


def _check(max_edges: int, max_units: int) -> None:
    for name, number in (("max_edges", max_edges), ("max_units", max_units)):
        if number < 1:
            raise ConfigError(f"{name} is {number}; choose at least 1")
