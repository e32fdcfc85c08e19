"""Claims: what was measured beside what would confirm it, and the runs behind."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from sta.analysis.figures.style import GUIDE_COLOUR, axes_or_new, new_figure, themed

Array = NDArray[np.float64]

COLOURS = sns.color_palette("colorblind").as_hex()
VERDICT_COLOURS = {"holds": COLOURS[0], "fails": COLOURS[3], "undecided": "0.4"}
CONFIRMING = "#dcebf5"
SIZE = (4.4, 0.95)


@themed
def draw_gauge(
    values: Sequence[float],
    interval: tuple[float, float] | None,
    bounds: tuple[float, float],
    verdict: str,
) -> Figure:
    """Draw units as dots, the interval of their mean as a bar, and what confirms as a band.

    Parameters
    ----------
    values : sequence of float
        One a unit.
    interval : (float, float) or None
        Of their mean.
    bounds : (float, float)
        What confirms; may be infinite.
    verdict : str
        Gives the colour.

    Returns
    -------
    Figure
    """
    sample = np.asarray(values, dtype=float)
    figure = new_figure(*SIZE)
    ax = figure.add_subplot()
    colour = VERDICT_COLOURS.get(verdict, "0.4")
    shown = [*sample, *(interval or ()), *(one for one in bounds if math.isfinite(one))]
    low, high = min(shown), max(shown)
    margin = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    ax.set_xlim(low - margin, high + margin)
    ax.axvspan(
        max(bounds[0], low - margin), min(bounds[1], high + margin), color=CONFIRMING, linewidth=0
    )
    for one in bounds:
        if math.isfinite(one):
            ax.axvline(one, color=COLOURS[0], linewidth=0.8, linestyle=(0, (3, 2)))
    spread = np.linspace(-0.22, 0.22, 5)[np.arange(sample.size) % 5]
    ax.plot(sample, spread, linestyle="", marker="o", markersize=2.6, color="0.35", alpha=0.55)
    if interval is not None:
        ax.plot(interval, [0.0, 0.0], color=colour, linewidth=3.2, solid_capstyle="butt")
    ax.plot(sample.mean(), 0.0, marker="D", markersize=5.0, color=colour, markeredgecolor="white")
    ax.set(ylim=(-0.5, 0.5), yticks=[])
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_locator(MaxNLocator(6))
    return figure


@themed
def plot_pairs(
    x_values: Array, y_values: Array, ax: Axes | None = None, *, x: str, y: str, title: str
) -> Axes:
    """Draw pairs of distances as points, with the diagonal on which both are equal.

    Parameters
    ----------
    x_values, y_values : (n,) arrays
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    x, y, title : str
        What they are.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    top = 1.08 * float(max(x_values.max(), y_values.max()))
    ax.plot([0.0, top], [0.0, top], color=GUIDE_COLOUR, linestyle=(0, (1, 2)), linewidth=0.9)
    ax.plot(x_values, y_values, linestyle="", marker="o", color=COLOURS[0], alpha=0.8)
    ax.set(xlim=(0.0, top), ylim=(0.0, top), xlabel=x, ylabel=y, title=title, aspect="equal")
    return ax


@themed
def plot_delays(
    widths: Sequence[int], exact: Sequence[float], runs: Mapping[int, Array], ax: Axes | None = None
) -> Axes:
    """Draw delays of the escape against the width: theory, and batches of runs with their mean.

    Parameters
    ----------
    widths, exact : sequences
        p, and K_p for large N.
    runs : mapping from p to (batches,) array
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    ax.plot(widths, exact, color=COLOURS[0], marker="o", label="theory")
    for number, (p, values) in enumerate(runs.items()):
        label = ("batches of runs", "their mean") if number == 0 else (None, None)
        ax.plot([p] * len(values), values, linestyle="", marker=".", color="0.45", label=label[0])
        ax.plot(p, values.mean(), linestyle="", marker="D", color=COLOURS[1], label=label[1])
    ax.set(xscale="log", xlabel="student's width $p$")
    ax.set_ylabel(r"delay $2\lambda\,E[\alpha] - \log N$")
    ax.set_xticks(list(widths), [str(p) for p in widths])
    ax.minorticks_off()
    ax.legend()
    return ax


@themed
def plot_overlaps(samples: Mapping[str, Array], ax: Axes | None = None) -> Axes:
    """Draw histograms of overlaps, one a way of training.

    Parameters
    ----------
    samples : mapping from name to (n,) array
        Overlaps in [-1, 1].
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    bins = np.linspace(-1.0, 1.0, 21).tolist()
    for colour, (name, values) in zip(COLOURS, samples.items(), strict=False):
        weights = np.full(values.size, 1.0 / values.size)
        ax.hist(values.clip(-1.0, 1.0), bins, weights=weights, color=colour, alpha=0.55, label=name)
    ax.set(xlabel="overlap with the closest solution", ylabel="share of runs", xlim=(-1.0, 1.0))
    ax.legend(loc="upper left")
    return ax
