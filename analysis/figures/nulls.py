"""A result among its nulls: the same measure on data that cannot have, or should not have, it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import seaborn as sns
from matplotlib.axes import Axes

from sta.analysis.figures.style import (
    PANEL_SIZE,
    axes_or_new,
    grey_guide,
    kind_label,
    themed,
)
from sta.errors import ShapeError

OBSERVED_COLOUR, NULL_COLOUR = sns.color_palette("colorblind").as_hex()[0], "0.35"
ROW_HEIGHT = 0.26
MARGIN = 0.8
LETTER_WIDTH = 0.07


@dataclass(frozen=True)
class NullRow:
    """One row of `plot_nulls`.

    Attributes
    ----------
    name
        What was measured on: "direct students", "sizes shuffled".
    value
        The measure; None if it could not be computed.
    low, high
        Ends of its interval, or of its spread under the null; None if there is none.
    p_value
        Of the test that belongs to it; None if there was none.
    observed
        Whether it is the result itself and not a null.
    reason
        Why there is no value.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    observed: bool = False
    reason: str = ""


@themed
def plot_nulls(
    rows: Sequence[NullRow],
    ax: Axes | None = None,
    *,
    x_label: str = "value",
    reference: float | None = None,
    reference_label: str = "",
    log: bool = False,
) -> Axes:
    """Draw values with intervals, one row each from above, and their p-values at the right.

    Parameters
    ----------
    rows : sequence of NullRow
        In reading order.
    ax : Axes, optional
        Where to draw; a new figure as high as the rows need otherwise.
    x_label : str
        What is measured.
    reference : float, optional
        Where a dotted upright line stands.
    reference_label : str
        Its name in the legend.
    log : bool
        Whether the abscissa is logarithmic; all values have to be positive.

    Returns
    -------
    Axes

    Raises
    ------
    ShapeError
        If there is no row.
    """
    if not rows:
        raise ShapeError("0 rows make no figure; give the result or one null at least")
    own = ax is None
    ax = axes_or_new(ax)
    figure = ax.get_figure(root=True)
    if own and figure is not None:
        figure.set_figheight(MARGIN + ROW_HEIGHT * max(len(rows), 3))
        longest = max(len(row.name) for row in rows)
        figure.set_figwidth(PANEL_SIZE[0] + LETTER_WIDTH * longest)
    if log:
        ax.set_xscale("log")
    for place, row in enumerate(rows):
        _row(ax, -place, row)
    if reference is not None:
        grey_guide(ax, x=reference, label=reference_label or f"{reference:g}")
    ax.set_yticks([-place for place in range(len(rows))], [kind_label(row.name) for row in rows])
    ax.set_ylim(0.6 - len(rows), 0.6)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.margins(x=0.06)
    ax.grid(axis="y", color="0.9", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_xlabel(x_label)
    if reference is not None:
        ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, borderaxespad=0.2)
    return ax


def _row(ax: Axes, y: float, row: NullRow) -> None:
    colour = OBSERVED_COLOUR if row.observed else NULL_COLOUR
    if row.value is None:
        ax.text(
            0.02, y, kind_label(row.reason or "no value"), transform=ax.get_yaxis_transform(),
            va="center", fontsize="small", color="0.3", style="italic",
        )  # fmt: skip
        return
    if row.low is not None and row.high is not None:
        ax.plot([row.low, row.high], [y, y], color=colour, linewidth=1.4, zorder=2)
    ax.plot(
        [row.value], [y], color=colour, linestyle="", marker="D" if row.observed else "o",
        markersize=5.5 if row.observed else 4.5, zorder=3,
    )  # fmt: skip
    if row.p_value is not None:
        ax.text(
            1.01, y, p_text(row.p_value), transform=ax.get_yaxis_transform(), va="center",
            fontsize="small",
        )  # fmt: skip


def p_text(p_value: float) -> str:
    """Write a p-value.

    Examples
    --------
    >>> p_text(0.0312), p_text(0.00005)
    ('p = 0.031', 'p < 0.0001')
    """
    return "p < 0.0001" if p_value < 1e-4 else f"p = {p_value:.2g}"
