"""Mean squared errors: against the student's width, and in the course of training."""

from __future__ import annotations

from typing import Literal

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from sta.analysis.figures.sizes import standing_apart, unit_axis, width_axis
from sta.analysis.figures.style import (
    BAND_ALPHA,
    Dash,
    KindStyle,
    Styles,
    axes_or_new,
    kind_label,
    kind_styles,
    place_legend,
    teacher_line,
    themed,
)
from sta.analysis.figures.tables import healthy, kinds_of, one_width
from sta.errors import ConfigError

TRAIN_DASH: Dash = (0, (1, 1.2))
QUANTITIES = {
    "test_loss": "test error (MSE)",
    "train_loss": "training error (MSE)",
    "effective_size": "effective size (units)",
}


@themed
def plot_losses(
    students: pd.DataFrame,
    ax: Axes | None = None,
    *,
    teacher_width: int | None = None,
    styles: Styles | None = None,
) -> Axes:
    """Draw the training and the test error against the student's width, on a logarithmic scale.

    Filled markers and the kind's dash: mean test error over students; band: from the smallest
    to the largest test error, because a band of standard deviations may reach below zero where
    there is no logarithm. Open markers and dots: mean training error.

    Parameters
    ----------
    students : DataFrame
        Table of a sweep; diverged students are left out.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    teacher_width : int, optional
        Which teacher, where the table has several.
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
    table = healthy(students, ["train_loss", "test_loss"])
    table, teacher_width = one_width(table, "teacher_width", teacher_width)
    for kind, factor in standing_apart(table, kinds_of(table, styles)).items():
        rows = table[table["kind"] == kind].astype({"student_width": float})
        rows["student_width"] *= factor
        for column, word in (("test_loss", "test"), ("train_loss", "training")):
            _mean_and_range(
                ax, rows, "student_width", column, styles[kind], f"{kind_label(kind)}, {word}",
                hollow=column == "train_loss",
            )  # fmt: skip
    ax.set_yscale("log")
    width_axis(ax, sorted(set(table["student_width"])))
    ax.set_ylabel("mean squared error")
    place_legend(ax)
    return ax


@themed
def plot_learning_curve(
    history: pd.DataFrame,
    ax: Axes | None = None,
    *,
    quantity: Literal["test_loss", "train_loss", "effective_size"] = "test_loss",
    teacher_width: int | None = None,
    student_width: int | None = None,
    styles: Styles | None = None,
) -> Axes:
    """Draw an error or the effective size against the epoch.

    Line: mean over students; band: from the smallest to the largest student.

    Parameters
    ----------
    history : DataFrame
        One row a student and recorded epoch: kind, student_width, teacher_width, epoch,
        train_loss, test_loss, effective_size; see `sta.analysis.report.history_table`.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    quantity : {"test_loss", "train_loss", "effective_size"}
        Which column.
    teacher_width, student_width : int, optional
        Which students, where the table has several widths.
    styles : mapping of str to KindStyle, optional
        See `kind_styles`.

    Returns
    -------
    Axes

    Raises
    ------
    ConfigError
        If the quantity is unknown.
    ShapeError
        If the table lacks a column, or a width is not clear.
    """
    if quantity not in QUANTITIES:
        raise ConfigError(f"quantity is {quantity!r}; choose from {tuple(QUANTITIES)}")
    ax = axes_or_new(ax)
    styles = styles or kind_styles(history["kind"])
    table = healthy(history, ["epoch", quantity])
    table, teacher_width = one_width(table, "teacher_width", teacher_width)
    table, student_width = one_width(table, "student_width", student_width)
    for kind in kinds_of(table, styles):
        rows = table[table["kind"] == kind]
        _mean_and_range(ax, rows, "epoch", quantity, styles[kind], kind_label(kind), markevery=0.12)
    if quantity == "effective_size":
        teacher_line(ax, y=teacher_width, label="teacher's width")
        unit_axis(ax, [teacher_width])
    else:
        ax.set_yscale("log")
    ax.set_xlabel("epoch")
    ax.set_ylabel(QUANTITIES[quantity])
    place_legend(ax)
    return ax


def _mean_and_range(
    ax: Axes,
    rows: pd.DataFrame,
    x: str,
    y: str,
    style: KindStyle,
    label: str,
    *,
    hollow: bool = False,
    markevery: float | None = None,
) -> None:
    band = rows[x].nunique() > 1
    look = {"alpha": BAND_ALPHA, "linewidth": 0} if band else {"linewidth": 1.2}
    error = {} if hollow else {"err_kws": look, "err_style": "band" if band else "bars"}
    sns.lineplot(
        rows.astype({x: float, y: float}), x=x, y=y, ax=ax, label=label, color=style.color,
        marker=style.marker, linestyle=TRAIN_DASH if hollow else style.dash, markevery=markevery,
        markerfacecolor="white" if hollow else style.color, markeredgecolor=style.color,
        errorbar=None if hollow else ("pi", 100), **error,
    )  # fmt: skip
