"""Small multiples: several panels with shared axes and one legend."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sta.analysis.figures.style import new_figure, themed
from sta.errors import ShapeError

Key = TypeVar("Key")
Draw: TypeAlias = Callable[[Axes], object]


@themed
def draw_panels(
    panels: Mapping[str, Draw] | Sequence[tuple[str, Draw]],
    *,
    columns: int = 3,
    size: tuple[float, float] | None = None,
    share_x: bool = False,
    share_y: bool = False,
) -> Figure:
    """Draw functions side by side, each into its own panel under its own title.

    Parameters
    ----------
    panels : mapping or sequence of (title, function)
        Each function draws into the axes it is given; in reading order.
    columns : int
        Most panels in a row.
    size : (float, float), optional
        Width and height of a panel in inches; by the number of columns unless told.
    share_x, share_y : bool
        Whether all panels have one range of the axis, labelled at the margin only.

    Returns
    -------
    Figure
        With one legend below, each label once.

    Raises
    ------
    ShapeError
        If there is nothing to draw.
    """
    cells = list(panels.items()) if isinstance(panels, Mapping) else list(panels)
    if not cells:
        raise ShapeError("0 panels make no figure; give at least one")
    columns = min(columns, len(cells))
    rows = math.ceil(len(cells) / columns)
    width, height = size or {1: (4.8, 3.2), 2: (3.6, 2.8)}.get(columns, (2.7, 2.3))
    figure = new_figure(width * columns, height * rows + 0.45)
    grid: list[Axes] = list(
        figure.subplots(rows, columns, squeeze=False, sharex=share_x, sharey=share_y).ravel()
    )
    for ax, (title, draw) in zip(grid, cells, strict=False):
        draw(ax)
        ax.set_title(title)
        legend = ax.get_legend()
        if legend is not None:
            legend.remove()
    _drop_empty(grid, len(cells), columns, share_x)
    if share_y:
        for number, ax in enumerate(grid[: len(cells)]):
            if number % columns:
                ax.set_ylabel("")
    shared_legend(figure)
    return figure


def _drop_empty(grid: Sequence[Axes], used: int, columns: int, share_x: bool) -> None:
    """Remove unused cells, and let the panels above them carry the labels of the axis."""
    for ax in grid[used:]:
        ax.remove()
    for number, ax in enumerate(grid[:used]):
        last_in_column = number + columns >= used
        if share_x:
            ax.tick_params(labelbottom=last_in_column)
            ax.set_xlabel(ax.get_xlabel() if last_in_column else "")


def shared_legend(figure: Figure) -> None:
    """Put one legend below the panels, with every label once."""
    entries: dict[str, Artist] = {}
    for ax in figure.axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if entries:
        columns = min(len(entries), max(2, int(figure.get_figwidth() / 1.7)))
        figure.legend(
            list(entries.values()), list(entries), loc="outside lower center", ncols=columns
        )
