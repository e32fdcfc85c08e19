"""The artists of a network drawn in layers: lines for edges, dots for units."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize, to_rgb

from sta.analysis.figures.dag_layout import Column, shares
from sta.analysis.graph import LayeredGraph
from sta.analysis.graph.edges import FloatArray, edge_list, submatrix

POSITIVE = "#0173b2"
NEGATIVE = "#d55e00"
NODE_COLOUR = "black"
OUTLINE = "0.2"
LARGEST_NODE = 8.0
SMALLEST_NODE = 1.6
LINE_WIDTHS = (0.15, 1.9)
FAINTEST = 0.06
MARGIN = 0.15
MOST_LAYERS_NAMED = 3
COSINE_LABEL = "cosine of incoming weights\nto the matched unit's"


def height_limits(columns: Sequence[Column]) -> tuple[float, float]:
    """Return the range of the ordinate that shows all units of the columns."""
    heights = np.concatenate([column.heights for column in columns])
    return min(0.0, float(heights.min())) - 0.03, max(1.0, float(heights.max())) + 0.03


def draw_network(
    ax: Axes,
    graph: LayeredGraph,
    columns: Sequence[Column],
    masses: Sequence[FloatArray],
    scales: Sequence[float],
    limits: tuple[float, float],
    *,
    max_edges: int,
    balanced: bool,
) -> None:
    """Draw edges, units, their numbers, and empty lines for a legend.

    Parameters
    ----------
    ax : Axes
    graph : LayeredGraph
    columns : sequence of Column
        Of `columns_of`.
    masses : sequence of ndarray
        Path share of every unit, for the areas.
    scales : sequence of float
        The weight in every layer that is drawn thickest.
    limits : (float, float)
        Of the ordinate, see `height_limits`.
    max_edges : int
        Most edges drawn.
    balanced : bool
        Whether the graph is balanced, for the legend.
    """
    ax.set_ylim(*limits)
    ax.set_xlim(-MARGIN, graph.n_layers + MARGIN)
    drawn = _draw_edges(ax, graph, columns, scales, max_edges)
    for layer, column in enumerate(columns):
        _draw_units(ax, layer, column, masses[layer])
    ax.set_yticks([])
    ax.set_xticks(range(graph.n_layers + 1), _counts(columns))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    every = drawn == graph.n_edges
    edges = f"{drawn:,} edges" if every else f"{drawn:,} of {graph.n_edges:,} edges, the strongest"
    ax.set_xlabel(edges)
    kind = "balanced weight" if balanced else "weight"
    for colour, sign in ((POSITIVE, "positive"), (NEGATIVE, "negative")):
        ax.plot([], [], color=colour, label=f"{sign} {kind}")
    if any(column.alone.any() for column in columns):
        ax.plot(
            [], [], color="white", marker="o", markeredgecolor=OUTLINE, linestyle="",
            label="unit without a partner",
        )  # fmt: skip


def _draw_edges(
    ax: Axes,
    graph: LayeredGraph,
    columns: Sequence[Column],
    scales: Sequence[float],
    max_edges: int,
) -> int:
    """Draw the strongest edges of every layer, the strongest last, and return their number."""
    parts = [
        edge_list(submatrix(layer, columns[at].units, columns[at + 1].units))
        for at, layer in enumerate(graph.layers)
    ]
    allowed = shares([weights.size for *_, weights in parts], max_edges)
    signs = np.array([to_rgb(NEGATIVE), to_rgb(POSITIVE)])
    for at, ((sources, targets, weights), number) in enumerate(zip(parts, allowed, strict=True)):
        order = np.argsort(np.abs(weights), kind="stable")[weights.size - number :]
        strength = np.abs(weights[order]) / (scales[at] or 1.0)
        ends = np.empty((number, 2, 2))
        ends[:, :, 0] = at, at + 1
        ends[:, 0, 1] = columns[at].heights[sources[order]]
        ends[:, 1, 1] = columns[at + 1].heights[targets[order]]
        colours = np.column_stack(
            [signs[(weights[order] > 0).astype(int)], FAINTEST + (1 - FAINTEST) * strength]
        )
        thin, thick = LINE_WIDTHS
        lines = LineCollection(
            list(ends), colors=colours, linewidths=thin + (thick - thin) * strength, zorder=1
        )
        ax.add_collection(lines, autolim=False)
    return sum(allowed)


def _draw_units(ax: Axes, layer: int, column: Column, mass: FloatArray) -> None:
    """Draw the units of one column, no larger than their distance allows."""
    low, high = ax.get_ylim()
    figure = ax.get_figure(root=True)
    inches = ax.get_window_extent().height / (figure.dpi if figure is not None else 100.0)
    points = 72 * inches / (high - low)
    widest = np.clip(0.95 * column.pitch * points, SMALLEST_NODE, LARGEST_NODE)
    share = mass[column.units] / (mass.max(initial=0.0) or 1.0)
    area = widest**2 * (0.12 + 0.88 * share)
    colours = np.tile(to_rgb(NODE_COLOUR), (column.units.size, 1))
    if column.cosines is not None:
        colours = _cosine_scale().to_rgba(np.nan_to_num(column.cosines))[:, :3]
        colours[column.bias], colours[column.alone] = to_rgb(NODE_COLOUR), to_rgb("white")
    for marker, chosen in (("o", ~column.bias), ("s", column.bias)):
        if chosen.any():
            ax.scatter(
                np.full(chosen.sum(), layer), column.heights[chosen], area[chosen],
                colours[chosen], marker=marker, edgecolors=OUTLINE, linewidths=0.6, zorder=3,
            )  # fmt: skip


def _counts(columns: Sequence[Column]) -> list[str]:
    """Write the number of units of every layer, and how many of them are shown."""
    last = "outputs" if columns[-1].cosines is None else "units"
    names = ["inputs", *["units"] * (len(columns) - 2), last]
    texts = []
    for column, name in zip(columns, names, strict=True):
        named = len(columns) <= MOST_LAYERS_NAMED + 1
        word = f" {name.removesuffix('s') if column.total == 1 else name}" if named else ""
        part = f"\n({column.shown}{' shown' if named else ''})"
        texts.append(f"{column.total}{word}{'' if column.shown == column.total else part}")
    return texts


def draw_cosine_scale(axes: Sequence[Axes]) -> None:
    """Draw the bar of grey levels beside axes that show a matching."""
    figure = axes[0].get_figure()
    if figure is not None:
        figure.colorbar(_cosine_scale(), ax=list(axes), label=COSINE_LABEL, shrink=0.6, aspect=15)


def _cosine_scale() -> ScalarMappable:
    return ScalarMappable(Normalize(0, 1), mpl.colormaps["Greys"])
