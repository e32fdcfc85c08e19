"""Importances of the hidden units: their histogram, and their fall with the rank."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from sta.analysis.figures.style import (
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
from sta.errors import ConfigError

BINWIDTH = 0.05


def normalised_importances(
    students: pd.DataFrame, normalise: Literal["pooled", "model"] = "pooled"
) -> list[NDArray[np.float64]]:
    """Return the importances of every student, in falling order, divided by a largest one.

    Parameters
    ----------
    students : DataFrame
        Rows with a column ``importance``, of one kind and one width.
    normalise : {"pooled", "model"}
        Divide by the largest of all the rows, as the paper's histograms do, or by each
        student's own.

    Returns
    -------
    list of ndarray, shape (h,)
        Without unit; zeros where the largest is zero.

    Raises
    ------
    ConfigError
        If `normalise` is another word.
    """
    if normalise not in ("pooled", "model"):
        raise ConfigError(f"normalise is {normalise!r}; choose 'pooled' or 'model'")
    values = [-np.sort(-np.asarray(row, dtype=float)) for row in students["importance"]]
    largest = [float(row.max(initial=0.0)) for row in values]
    scale = [max(largest)] * len(values) if normalise == "pooled" else largest
    return [row / (top or 1.0) for row, top in zip(values, scale, strict=True)]


@themed
def plot_importance_histogram(
    students: pd.DataFrame,
    ax: Axes | None = None,
    *,
    teacher_width: int | None = None,
    student_width: int | None = None,
    normalise: Literal["pooled", "model"] = "pooled",
    binwidth: float = BINWIDTH,
    styles: Styles | None = None,
) -> Axes:
    """Draw the histogram of normalised importances, L_i (M_i for conventional students).

    Per cent of the units of all students of a kind, in bins of `binwidth` from 0 to 1.

    Parameters
    ----------
    students : DataFrame
        Table of a sweep; diverged students are left out.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    teacher_width, student_width : int, optional
        Which students, where the table has several widths.
    normalise : {"pooled", "model"}
        See `normalised_importances`; the paper pools all trials of a kind and width.
    binwidth : float
        Width of a bin; the paper's is 0.05.
    styles : mapping of str to KindStyle, optional
        See `kind_styles`.

    Returns
    -------
    Axes

    Raises
    ------
    ShapeError
        If the table lacks a column, a width is not clear, or no student is healthy.
    ConfigError
        If the width of a bin is not in (0, 1] or `normalise` is unknown.
    """
    if not 0 < binwidth <= 1:
        raise ConfigError(f"binwidth is {binwidth}; choose one above 0 and at most 1")
    ax = axes_or_new(ax)
    styles = styles or kind_styles(students["kind"])
    table, _ = one_width(healthy(students, ["importance"]), "teacher_width", teacher_width)
    table, student_width = one_width(table, "student_width", student_width)
    edges = np.linspace(0, 1, int(np.ceil(1 / binwidth - 1e-9)) + 1)
    for kind in kinds_of(table, styles):
        values = np.concatenate(normalised_importances(table[table["kind"] == kind], normalise))
        percent = 100.0 * np.histogram(values, edges)[0] / values.size
        style = styles[kind]
        ax.stairs(percent, edges, fill=True, color=style.color, alpha=0.18, lw=0)
        ax.stairs(
            percent,
            edges,
            color=style.color,
            label=kind_label(kind),
            linestyle=style.dash,
            linewidth=1.4,
        )
    ax.set_xlim(0, 1)
    ax.set_xlabel(r"normalised importance $L_i / L_{\max}$")
    ax.set_ylabel("units (%)")
    place_legend(ax)
    return ax


@themed
def plot_importance_ranks(
    students: pd.DataFrame,
    ax: Axes | None = None,
    *,
    teacher_width: int | None = None,
    student_width: int | None = None,
    log: bool = False,
    max_rank: int | None = None,
    threshold: float = 0.05,
    styles: Styles | None = None,
) -> Axes:
    """Draw the importances in falling order, each student divided by its own largest.

    Thick: mean over students; thin: single students; dashed: the teacher's width. A gap right
    after the teacher's width says that the student has as many units of weight as its teacher.

    Parameters
    ----------
    students, ax, teacher_width, student_width, styles
        As in `plot_importance_histogram`.
    log : bool
        Whether the ordinate is logarithmic, from 0.001.
    max_rank : int, optional
        Last rank shown; the student's width unless told.
    threshold : float
        Level of the dotted line.

    Returns
    -------
    Axes

    Raises
    ------
    ShapeError
        As `plot_importance_histogram`.
    """
    ax = axes_or_new(ax)
    styles = styles or kind_styles(students["kind"])
    table, teacher_width = one_width(
        healthy(students, ["importance"]), "teacher_width", teacher_width
    )
    table, student_width = one_width(table, "student_width", student_width)
    for kind in kinds_of(table, styles):
        values = np.array(normalised_importances(table[table["kind"] == kind], "model"))
        values = values[:, :max_rank]
        rank, style = np.arange(1, values.shape[1] + 1), styles[kind]
        ax.plot(rank, values.T, color=style.color, linewidth=0.5, alpha=0.35)
        ax.plot(
            rank, values.mean(0), color=style.color, linestyle=style.dash, label=kind_label(kind),
            marker=style.marker, markevery=max(1, rank.size // 20), markersize=3.5, zorder=3,
        )  # fmt: skip
    teacher_line(ax, x=teacher_width, label="teacher's width")
    grey_guide(ax, y=threshold, label=f"threshold {threshold:g}")
    if log:
        ax.set_yscale("log")
        ax.set_ylim(1e-3, 1.4)
    else:
        ax.set_ylim(0, 1.03)
    ax.set_xlabel("rank of the unit")
    ax.set_ylabel(r"importance $L_i / L_{\max}$")
    place_legend(ax)
    return ax
