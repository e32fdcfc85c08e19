"""Objectives compared: accuracy against kept units, and against the number of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from sta.analysis.figures.style import BAND_ALPHA, axes_or_new, kind_styles, place_legend, themed

Row = Mapping[str, Any]


@themed
def plot_accuracy_of_units(rows: Sequence[Row], ax: Axes | None = None) -> Axes:
    """Draw the accuracy against the number of kept units: mean and standard error over seeds.

    Parameters
    ----------
    rows : sequence of mappings
        As `sta.transfer.study.run_study` returns them.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    names = list(dict.fromkeys(row["objective"] for row in rows))
    for name, style in kind_styles(names).items():
        ramps = np.array([row["accuracy_of_units"] for row in rows if row["objective"] == name])
        mean, x = ramps.mean(0), np.arange(ramps.shape[1])
        ax.plot(x, mean, color=style.color, linestyle=style.dash, label=name)
        if len(ramps) > 1:
            error = ramps.std(0, ddof=1) / np.sqrt(len(ramps))
            ax.fill_between(
                x, mean - error, mean + error, color=style.color, alpha=BAND_ALPHA, linewidth=0
            )
    ax.set_xlim(0, max(len(row["accuracy_of_units"]) - 1 for row in rows))
    ax.set_ylim(None, 1.0)
    ax.set_xlabel("units kept")
    ax.set_ylabel("test accuracy")
    place_legend(ax)
    return ax


@themed
def plot_accuracy_of_labels(rows: Sequence[Row], ax: Axes | None = None) -> Axes:
    """Draw the accuracy against the number of labels: mean and standard error over seeds.

    Parameters
    ----------
    rows : sequence of mappings
        Of several studies that differ in their labels.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    names = list(dict.fromkeys(row["objective"] for row in rows))
    counts = sorted({row["labels"] for row in rows})
    for name, style in kind_styles(names).items():
        groups = [
            [row["test_accuracy"] for row in rows if (row["objective"], row["labels"]) == (name, n)]
            for n in counts
        ]
        error = [np.std(own, ddof=1) / len(own) ** 0.5 if len(own) > 1 else 0.0 for own in groups]
        ax.errorbar(
            counts, [np.mean(own) for own in groups], error, color=style.color,
            linestyle=style.dash, marker=style.marker, elinewidth=0.8, label=name,
        )  # fmt: skip
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(FixedLocator(counts))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.set_xlabel("labels that the student sees")
    ax.set_ylabel("test accuracy")
    place_legend(ax)
    return ax
