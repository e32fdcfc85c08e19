"""Pruning ramps: the cost of keeping n units, across kinds, across widths, and with its fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from sta.analysis.figures.style import (
    BAND_ALPHA,
    DASHES,
    MARKERS,
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
from sta.analysis.statistics.threshold.models import rounded_power
from sta.errors import ConfigError, ShapeError

LINEAR_BELOW = 1e-4
SHOWN_X = 3.0
MODEL_STYLES = {
    "threshold": KindStyle("#000000", "", "-"),
    "exponential": KindStyle("#D55E00", "", (0, (5, 1.5))),
    "stretched": KindStyle("#CC79A7", "", (0, (5, 1.2, 1.2, 1.2))),
    "crossover": KindStyle("#56B4E9", "", (0, (1.2, 1))),
    "rounded": KindStyle("#009E73", "", (0, (4, 4))),
    "line": KindStyle("0.45", "", (0, (3.5, 1, 1, 1, 1, 1))),
    "constant": KindStyle("0.7", "", "-"),
}


@themed
def plot_ramp(
    ramp: pd.DataFrame,
    ax: Axes | None = None,
    *,
    teacher_width: int | None = None,
    student_width: int | None = None,
    log: bool = False,
    x_max: float | None = SHOWN_X,
    styles: Styles | None = None,
) -> Axes:
    """Draw the normalised cost of pruning against the units kept, one line a kind.

    y = mean of MSE(n) - MSE(h) over trials, divided by the mean of MSE(0) - MSE(h); x = n / h_T.
    Band: 95 % interval from a bootstrap over whole trials; vertical line: the teacher's width.

    Parameters
    ----------
    ramp : DataFrame
        Of `sta.analysis.statistics.mean_ramp`: kind, widths, x, y, ci_low, ci_high.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    teacher_width, student_width : int, optional
        Which ramps, where the table has several widths.
    log : bool
        Whether the ordinate is logarithmic above 1e-4 and linear below, where y may be
        negative.
    x_max : float or None
        Largest abscissa shown; None for all.
    styles : mapping of str to KindStyle, optional
        See `kind_styles`.

    Returns
    -------
    Axes

    Raises
    ------
    ShapeError
        If the table lacks a column or a width is not clear.
    """
    ax = axes_or_new(ax)
    styles = styles or kind_styles(ramp["kind"])
    table = healthy(ramp, ["x", "y", "ci_low", "ci_high"])
    table, _ = one_width(table, "teacher_width", teacher_width)
    table, _ = one_width(table, "student_width", student_width)
    for kind in kinds_of(table, styles):
        _curve(ax, table[table["kind"] == kind], styles[kind], kind_label(kind))
    _finish(ax, table, log=log, x_max=x_max)
    return ax


@themed
def plot_ramp_widths(
    ramp: pd.DataFrame,
    ax: Axes | None = None,
    *,
    kind: str,
    teacher_width: int | None = None,
    log: bool = False,
    x_max: float | None = SHOWN_X,
) -> Axes:
    """Draw the ramps of one kind, one line a student width, on the common abscissa n / h_T.

    Curves that fall on each other do not depend on the width of the student.

    Parameters
    ----------
    ramp, ax, teacher_width, log, x_max
        As in `plot_ramp`.
    kind : str
        Which kind.

    Returns
    -------
    Axes

    Raises
    ------
    ShapeError
        As `plot_ramp`, and if there is no such kind.
    """
    ax = axes_or_new(ax)
    table = healthy(ramp, ["x", "y", "ci_low", "ci_high"])
    table, _ = one_width(_one_kind(table, kind), "teacher_width", teacher_width)
    widths = sorted(set(table["student_width"]))
    colours = sns.color_palette("viridis", len(widths) + 1).as_hex()
    for number, width in enumerate(widths):
        style = KindStyle(
            colours[number], MARKERS[number % len(MARKERS)], DASHES[number % len(DASHES)]
        )
        _curve(ax, table[table["student_width"] == width], style, f"$h = {width}$")
    _finish(ax, table, log=log, x_max=x_max)
    return ax


@themed
def plot_ramp_fits(
    ramp: pd.DataFrame,
    fits: Mapping[str, Mapping[str, Any]],
    ax: Axes | None = None,
    *,
    kind: str,
    teacher_width: int | None = None,
    student_width: int | None = None,
    log: bool = False,
    x_max: float | None = SHOWN_X,
    styles: Styles | None = None,
) -> Axes:
    """Draw one mean ramp as points with 95 % intervals, and the models fitted to it.

    Parameters
    ----------
    ramp, ax, teacher_width, student_width, log, x_max, styles
        As in `plot_ramp`.
    fits : mapping from model to mapping
        Each with the keys success, parameters and x_range of ``ModelFit.to_dict``; a model
        whose fit failed is left out, and other keys (such as "comparison") are not read.
    kind : str
        Which kind.

    Returns
    -------
    Axes

    Raises
    ------
    ShapeError
        As `plot_ramp`, and if there is no such kind.
    """
    ax = axes_or_new(ax)
    styles = styles or kind_styles(ramp["kind"])
    table = healthy(ramp, ["x", "y", "ci_low", "ci_high"])
    table, _ = one_width(_one_kind(table, kind), "teacher_width", teacher_width)
    table, _ = one_width(table, "student_width", student_width)
    shown = table if x_max is None else table[table["x"] <= x_max + 1e-9]
    y, style = shown["y"].to_numpy(), styles[kind]
    bars = np.maximum(0, np.nan_to_num(np.array([y - shown["ci_low"], shown["ci_high"] - y])))
    ax.errorbar(
        shown["x"], y, bars, color=style.color, marker=style.marker, linestyle="",
        markersize=3, elinewidth=0.7, label=kind_label(kind), zorder=2,
    )  # fmt: skip
    for model, look in MODEL_STYLES.items():
        fit = fits.get(model)
        if fit is None or not fit["success"] or not fit["parameters"]:
            continue
        x = np.linspace(float(fit["x_range"][0]), float(shown["x"].max()), 400)
        ax.plot(
            x, model_curve(fit, x), color=look.color, linestyle=look.dash, linewidth=1.2,
            label=model, zorder=3,
        )  # fmt: skip
    _finish(ax, shown, log=log, x_max=x_max)
    return ax


def model_curve(fit: Mapping[str, Any], x: ArrayLike) -> NDArray[np.float64]:
    """Return the values of a fitted model; see `sta.analysis.statistics.threshold.models`.

    Parameters
    ----------
    fit : mapping
        Keys model, x_range and parameters, the last from name to an object with a key value.
    x : array_like
        Abscissae.

    Raises
    ------
    ConfigError
        If the model is unknown.
    """
    at = np.asarray(x, dtype=float)
    p = {name: float(estimate["value"]) for name, estimate in fit["parameters"].items()}
    start = float(fit["x_range"][0])
    if fit["model"] == "threshold":
        left = np.maximum((p["x_c"] - at) / (p["x_c"] - start), 0.0)
        return np.asarray(p["A"] * left ** p["beta"] + p["c"])
    if fit["model"] == "exponential":
        return np.asarray(p["a"] * np.exp(-p["b"] * at) + p["c"])
    if fit["model"] == "stretched":
        reach = np.minimum(np.maximum(p["b"] * (at - start), 0.0) ** p["p"], 700.0)
        return np.asarray(p["A"] * np.exp(-reach) + p["c"])
    if fit["model"] == "crossover":
        # as tanh, because exp overflows far from the middle of a narrow crossover
        return np.asarray(0.5 * p["A"] * (1 - np.tanh((at - p["x_m"]) / (2 * p["w"]))) + p["c"])
    if fit["model"] == "rounded":
        shape = np.array([p["x_c"], p["beta"], p["w"]])
        return np.asarray(p["A"] * rounded_power(at.ravel(), shape, start) + p["c"]).reshape(
            at.shape
        )
    if fit["model"] == "line":
        last = float(fit["x_range"][1])
        return np.asarray(p["A"] * (last - at) / (last - start) + p["c"])
    if fit["model"] == "constant":
        return np.full_like(at, p["c"])
    raise ConfigError(f"model {fit['model']!r} is unknown; choose from {tuple(MODEL_STYLES)}")


def _one_kind(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    if kind not in kinds_of(table):
        raise ShapeError(f"no ramp is of kind {kind!r}; choose from {kinds_of(table)}")
    return table[table["kind"] == kind]


def _curve(ax: Axes, rows: pd.DataFrame, style: KindStyle, label: str) -> None:
    ax.fill_between(
        rows["x"], rows["ci_low"], rows["ci_high"], color=style.color, alpha=BAND_ALPHA, lw=0
    )
    ax.plot(
        rows["x"], rows["y"], color=style.color, linestyle=style.dash, marker=style.marker,
        markersize=3, markevery=max(1, len(rows) // 60), label=label,
    )  # fmt: skip


def _finish(ax: Axes, table: pd.DataFrame, *, log: bool, x_max: float | None) -> None:
    teacher_line(ax, x=1.0, label="teacher's width")
    last = float(table["x"].max())
    last = last if x_max is None else min(last, x_max)
    ax.set_xlim(-0.02 * last, 1.01 * last)
    if log:
        ax.set_yscale("symlog", linthresh=LINEAR_BELOW, linscale=0.5)
        ax.set_yticks([0, 1e-4, 1e-3, 1e-2, 1e-1, 1])
        ax.set_ylim(-LINEAR_BELOW, 2)
    else:
        ax.set_ylim(-0.03, 1.05)
    ax.set_xlabel("units kept / teacher's width, $n / h_T$")
    ax.set_ylabel(r"$\Delta$MSE$(n)\,/\,\Delta$MSE$(0)$")
    place_legend(ax)
