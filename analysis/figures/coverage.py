"""How often intervals hold the truth, against what they claim."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import binomtest

from sta.analysis.figures.collapse import PARAMETER_LABELS
from sta.analysis.figures.style import (
    KindStyle,
    Styles,
    axes_or_new,
    grey_guide,
    kind_label,
    kind_styles,
    themed,
)
from sta.errors import ShapeError

COLUMNS = ("method", "noise", "correction", "trials", "parameter", "coverage68", "coverage95")
SETTINGS = ["noise", "correction", "trials"]
LEVELS = (("coverage68", 0.68), ("coverage95", 0.95))
ROW_HEIGHT = 0.2
MARGIN = 1.0
APART = 0.36  # of a row, over which the methods of one parameter are spread


@themed
def plot_coverage(
    table: pd.DataFrame,
    ax: Axes | None = None,
    *,
    repeats: int | None = None,
    styles: Styles | None = None,
) -> Axes:
    """Draw the coverage of 68 % and 95 % intervals, by method, setting and parameter.

    Filled: 95 % intervals; hollow: 68 %; bars: Wilson's binomial 95 % interval of the coverage;
    dotted: what is claimed.

    Parameters
    ----------
    table : DataFrame
        Columns method, noise, correction, trials, parameter, coverage68 and coverage95, the
        last two as shares; the number of simulated data sets in a column repeats.
    ax : Axes, optional
        Where to draw; a new figure as high as the rows need otherwise.
    repeats : int, optional
        Simulated data sets behind every row, if the table does not say.
    styles : mapping of str to KindStyle, optional
        Look of each method; see `kind_styles`.

    Returns
    -------
    Axes

    Raises
    ------
    ShapeError
        If the table is empty or lacks a column, or nobody says how many repeats there were.
    """
    table = _checked(table, repeats)
    own = ax is None
    ax = axes_or_new(ax)
    styles = styles or kind_styles(table["method"])
    methods = [name for name in styles if (table["method"] == name).any()]
    shift = np.linspace(-0.5, 0.5, len(methods)) * APART if len(methods) > 1 else np.zeros(1)
    y, ticks = 0.0, []
    for setting, rows in table.groupby(SETTINGS, sort=False):
        _heading(ax, y, setting)
        for parameter in pd.unique(rows["parameter"]):
            y -= 1.0
            ticks.append((y, PARAMETER_LABELS.get(str(parameter), kind_label(str(parameter)))))
            for method, aside in zip(methods, shift, strict=True):
                these = rows[(rows["parameter"] == parameter) & (rows["method"] == method)]
                for _, row in these.iterrows():
                    _dots(ax, y - aside, row, styles[method])
        y -= 1.0
    _finish(ax, ticks, y, methods, styles)
    figure = ax.get_figure(root=True)
    if own and figure is not None:
        figure.set_figheight(MARGIN - ROW_HEIGHT * y)
    return ax


def _checked(table: pd.DataFrame, repeats: int | None) -> pd.DataFrame:
    for column in COLUMNS:
        if column not in table:
            raise ShapeError(f"the table has no column {column!r}; columns are {COLUMNS}")
    if table.empty:
        raise ShapeError("the table of coverages has 0 rows; give one at least")
    if repeats is not None:
        return table.assign(repeats=repeats)
    if "repeats" not in table:
        raise ShapeError("the table has no column 'repeats'; say how many data sets were simulated")
    return table


def _heading(ax: Axes, y: float, setting: tuple[Hashable, ...]) -> None:
    noise, correction, trials = setting
    text = f"{noise} noise, {_correction(correction)}, {trials} trials"
    ax.text(
        0.01, y, kind_label(text), transform=ax.get_yaxis_transform(), va="center",
        fontsize="small", color="0.25", zorder=4,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
    )  # fmt: skip


def _correction(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return "with correction" if value else "no correction"
    number = float(value)  # type: ignore[arg-type]
    return f"correction {number:g}" if number else "no correction"


def _dots(ax: Axes, y: float, row: pd.Series, style: KindStyle) -> None:
    repeats = int(row["repeats"])
    for column, _ in LEVELS:
        share = float(row[column])
        if not np.isfinite(share):
            continue
        # the interval belongs to a whole number of hits, of which the share is the record
        ends = binomtest(round(share * repeats), repeats).proportion_ci(method="wilson")
        ax.plot([ends.low, ends.high], [y, y], color=style.color, linewidth=1.0, zorder=2)
        ax.plot(
            [share], [y], color=style.color, marker=style.marker, linestyle="", markersize=4,
            markerfacecolor="white" if column == "coverage68" else style.color, zorder=3,
        )  # fmt: skip


def _finish(
    ax: Axes,
    ticks: list[tuple[float, str]],
    bottom: float,
    methods: list[str],
    styles: Styles,
) -> None:
    for method in methods:
        style = styles[method]
        ax.plot(
            [], [], color=style.color, marker=style.marker, linestyle="", label=kind_label(method)
        )
    grey_guide(ax, x=LEVELS[0][1], label="claimed: 68 % (hollow), 95 % (filled)")
    grey_guide(ax, x=LEVELS[1][1], label="")
    ax.set_yticks([y for y, _ in ticks], [name for _, name in ticks])
    ax.set_ylim(bottom + 0.4, 0.6)
    ax.set_xlim(min(ax.get_xlim()[0], 0.5), 1.01)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("share of intervals that hold the truth")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, borderaxespad=0.2)
