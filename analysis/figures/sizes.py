"""Effective size of students: against their width, and against the threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator, ScalarFormatter, StrMethodFormatter
from numpy.typing import ArrayLike

from sta.analysis.figures.style import (
    BAND_ALPHA,
    GUIDE_COLOUR,
    KindStyle,
    Styles,
    axes_or_new,
    grey_guide,
    kind_label,
    kind_styles,
    place_legend,
    teacher_line,
    themed,
)
from sta.analysis.figures.tables import healthy, kinds_of, one_width
from sta.analysis.statistics.importance import effective_size_curve
from sta.analysis.statistics.order_parameter import with_effective_size

THRESHOLD = 0.05


@themed
def plot_effective_size(
    students: pd.DataFrame,
    ax: Axes | None = None,
    *,
    teacher_width: int | None = None,
    threshold: float = THRESHOLD,
    log: bool = True,
    styles: Styles | None = None,
) -> Axes:
    """Draw the effective size (the paper's dimension) against the student's width.

    Line: mean over students; band: plus and minus one standard deviation (n - 1 in the
    denominator); small points: single students; dashed: the teacher's width; dotted: all units.

    Parameters
    ----------
    students : DataFrame
        Table of a sweep; diverged students are left out.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    teacher_width : int, optional
        Which teacher, where the table has several.
    threshold : float
        Share of the model's largest importance above which a unit counts.
    log : bool
        Whether both axes are logarithmic, kinds then standing a little apart; the paper's are
        linear.
    styles : mapping of str to KindStyle, optional
        See `kind_styles`.

    Returns
    -------
    Axes

    Raises
    ------
    ShapeError
        If the table lacks a column, the teacher's width is not clear, or no student is healthy.
    """
    ax = axes_or_new(ax)
    styles = styles or kind_styles(students["kind"])
    table, teacher_width = one_width(healthy(students), "teacher_width", teacher_width)
    table = with_effective_size(table, threshold)
    for kind, factor in standing_apart(table, kinds_of(table, styles)).items():
        rows, aside = table[table["kind"] == kind], factor if log else 1.0
        _sizes_of_kind(ax, rows, styles[kind], kind_label(kind), aside)
    widths = sorted(set(table["student_width"]))
    ax.plot(widths, widths, color=GUIDE_COLOUR, linewidth=0.9, linestyle=":", label="all units")
    teacher_line(ax, y=teacher_width, label="teacher's width")
    width_axis(ax, widths, log=log)
    if log:
        unit_axis(ax, [teacher_width, *widths])
    ax.set_ylabel("effective size (units)")
    place_legend(ax)
    return ax


def _sizes_of_kind(
    ax: Axes, rows: pd.DataFrame, style: KindStyle, label: str, aside: float
) -> None:
    rows = rows.assign(drawn_width=rows["student_width"] * aside)
    band = rows["student_width"].nunique() > 1
    sns.lineplot(
        rows, x="drawn_width", y="size_now", errorbar="sd", ax=ax, label=label, zorder=3,
        color=style.color, marker=style.marker, linestyle=style.dash, markeredgecolor="none",
        err_style="band" if band else "bars",
        err_kws={"alpha": BAND_ALPHA, "linewidth": 0} if band else {"linewidth": 1.2},
    )  # fmt: skip
    ax.plot(
        rows["drawn_width"] * 1.008, rows["size_now"], linestyle="", marker=style.marker,
        color=style.color, markersize=2.2, alpha=0.5, markeredgewidth=0, zorder=2,
    )  # fmt: skip


def unit_axis(ax: Axes, units: Sequence[int]) -> None:
    """Make the y axis a logarithmic one of numbers of units, with plain numbers at its ticks."""
    low, high = ax.get_ylim()
    ax.set_yscale("log")
    ax.set_ylim(max(0.8 * min(units), 0.8) if low <= 0 else low, 1.1 * high)
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_locator(NullLocator())


def standing_apart(table: pd.DataFrame, kinds: Sequence[str]) -> dict[str, float]:
    """Return a factor a kind on the width, so that kinds do not hide each other's markers.

    Kinds with several widths stand about the true width, those with a single one to their right.
    """
    widths = table.groupby("kind")["student_width"].nunique()
    order = sorted(kinds, key=lambda kind: widths[kind] == 1)
    centre = 0.5 * (max(1, sum(widths[kind] > 1 for kind in kinds)) - 1)
    return {kind: 1.02 ** (place - centre) for place, kind in enumerate(order)}


def width_axis(ax: Axes, widths: list[int], *, log: bool = True) -> None:
    """Make the x axis that of the student's width, with ticks at the widths of the sweep."""
    ax.set_xlabel("student width $h$ (units)")
    if log:
        ax.set_xscale("log")
    if len(widths) == 1:
        ax.set_xlim(widths[0] / 1.5, widths[0] * 1.5)
    ax.set_xticks(_few(widths) if log else widths)
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.xaxis.set_minor_locator(NullLocator())


def _few(widths: list[int]) -> list[int]:
    """Return the widths that can carry a label on a logarithmic axis without touching."""
    chosen: list[int] = []
    spacing = max(1.25, (widths[-1] / widths[0]) ** 0.11)
    for width in widths:
        if not chosen or width >= chosen[-1] * spacing:
            chosen.append(width)
    return chosen


@themed
def plot_size_over_threshold(
    students: pd.DataFrame,
    ax: Axes | None = None,
    *,
    teacher_width: int | None = None,
    student_width: int | None = None,
    thresholds: ArrayLike | None = None,
    marked: float = THRESHOLD,
    styles: Styles | None = None,
) -> Axes:
    """Draw the effective size as a function of the threshold, both axes logarithmic.

    Line: mean over students; band: plus and minus one standard deviation; dashed: the
    teacher's width; dotted: the threshold used elsewhere. A plateau at the teacher's width
    means that the count does not hang on the choice of the threshold.

    Parameters
    ----------
    students, ax, teacher_width, styles
        As in `plot_effective_size`.
    student_width : int, optional
        Which students, where the table has several widths.
    thresholds : array_like, optional
        Shares of the largest importance; 121 from 0.001 to 0.95 unless told.
    marked : float
        Threshold at which the dotted line stands.

    Returns
    -------
    Axes

    Raises
    ------
    ShapeError
        As `plot_effective_size`.
    """
    ax = axes_or_new(ax)
    styles = styles or kind_styles(students["kind"])
    table, teacher_width = one_width(
        healthy(students, ["importance"]), "teacher_width", teacher_width
    )
    table, student_width = one_width(table, "student_width", student_width)
    grid = np.geomspace(1e-3, 0.95, 121) if thresholds is None else np.asarray(thresholds, float)
    for kind in kinds_of(table, styles):
        curves = np.array(
            [effective_size_curve(row, grid) for row in table[table["kind"] == kind]["importance"]]
        )
        mean, style = curves.mean(0), styles[kind]
        sd = curves.std(0, ddof=1) if len(curves) > 1 else np.zeros_like(mean)
        ax.fill_between(grid, mean - sd, mean + sd, color=style.color, alpha=BAND_ALPHA, lw=0)
        ax.plot(
            grid, mean, color=style.color, linestyle=style.dash, label=kind_label(kind),
            marker=style.marker, markevery=20,
        )  # fmt: skip
    teacher_line(ax, y=teacher_width, label="teacher's width")
    grey_guide(ax, x=marked, label=f"threshold {marked:g}")
    ax.set_xscale("log")
    ax.set_ylim(0.9, 1.05 * student_width)
    unit_axis(ax, [1])
    ax.set_xlabel(r"threshold on $L_i / L_{\max}$")
    ax.set_ylabel("effective size (units)")
    place_legend(ax)
    return ax
