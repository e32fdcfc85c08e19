"""Knowledge distillation: test errors against a parameter, lines of theory and points of runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from sta.analysis.figures.style import (
    GUIDE_COLOUR,
    MARKERS,
    axes_or_new,
    new_figure,
    place_legend,
    themed,
)

COLOURS = sns.color_palette("colorblind").as_hex()
NAMES = {
    "alpha": r"patterns over $N$, $\alpha$",
    "rho": r"weight of the positive cluster, $\rho$",
    "delta": r"variance, $\Delta$",
    "eta": r"the student's share of weights, $\eta$",
    "lam_teacher": r"ridge of the teacher, $\tilde\lambda$",
    "lam": r"ridge of the student, $\lambda$",
    "chi": r"share of the teacher in the loss, $\chi$",
    "temperature": "temperature, $T$",
}
LINES = (("teacher", "teacher", "-"), ("student", "distilled student", "-"),
         ("direct", "direct student", (0, (5, 1.5))))  # fmt: skip
RIVAL_WORDS = {
    "distilled": "distilled", "direct": r"labels, ridge $\tilde\lambda$",
    "unregularised": r"labels, ridge $\lambda$",
}  # fmt: skip


@themed
def plot_curve(
    over: str,
    rows: Sequence[Mapping[str, float]],
    runs: Sequence[Mapping[str, float]] = (),
    ax: Axes | None = None,
    *,
    log: bool = False,
) -> Axes:
    """Draw test errors along one parameter.

    Parameters
    ----------
    over : str
        Its name, a key of each row.
    rows : sequence of mappings
        With the keys teacher, student, direct and bayes.
    runs : sequence of mappings
        Of distilled students: n, the parameter, mean and standard_error.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    log : bool
        Whether the abscissa is logarithmic.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    x = [row[over] for row in rows]
    for colour, (key, label, dash) in zip(COLOURS, LINES, strict=False):
        ax.plot(x, [row[key] for row in rows], color=colour, linestyle=dash, label=label)
    ax.plot(
        x, [row["bayes"] for row in rows], color=GUIDE_COLOUR, linestyle=(0, (1, 1.5)),
        label="Bayes bound of the student",
    )  # fmt: skip
    sizes = sorted({run["n"] for run in runs})
    for size, marker, colour in zip(sizes, MARKERS, [COLOURS[1], *COLOURS[3:]], strict=False):
        own = [run for run in runs if run["n"] == size]
        ax.errorbar(
            [run[over] for run in own], [run["mean"] for run in own],
            [1.96 * run["standard_error"] for run in own], linestyle="", marker=marker,
            markersize=3.2, color=colour, elinewidth=0.8, zorder=4,
            label=f"distilled student, $N$ = {size}",
        )  # fmt: skip
    if log:
        ax.set_xscale("log")
        _logarithmic(ax.xaxis)
    ax.set_xlabel(NAMES[over])
    ax.set_ylabel("test error")
    place_legend(ax)
    return ax


@themed
def plot_map(
    rows: Sequence[Mapping[str, Any]], x: str, y: str, *, log: tuple[bool, bool] = (True, True)
) -> Figure:
    """Draw who wins over two parameters, and the distilled student's excess over two bounds.

    Parameters
    ----------
    rows : sequence of mappings
        As `phase_map` gives them, a full grid.
    x, y : str
        Names of the parameters across and upwards.
    log : pair of bool
        Whether they are logarithmic.

    Returns
    -------
    Figure
    """
    figure = new_figure(9.6, 3.1)
    axes = figure.subplots(1, 3, sharey=True)
    across = np.array(sorted({row[x] for row in rows}))
    upwards = np.array(sorted({row[y] for row in rows}))
    place = {(row[x], row[y]): row for row in rows}

    def field(value: Callable[[Mapping[str, Any]], float]) -> np.ndarray:
        return np.array(
            [
                [np.nan if place[a, b]["winner"] is None else value(place[a, b]) for a in across]
                for b in upwards
            ]
        )

    names = list(RIVAL_WORDS)
    colours = [COLOURS[1], COLOURS[2], COLOURS[0]]
    axes[0].pcolormesh(
        across, upwards, field(lambda row: float(names.index(row["winner"]))),
        cmap=ListedColormap(colours), vmin=-0.5, vmax=2.5, shading="nearest", alpha=0.75,
    )  # fmt: skip
    patches = [
        Patch(color=colour, alpha=0.75, label=RIVAL_WORDS[name])
        for name, colour in zip(names, colours, strict=True)
    ]
    figure.legend(handles=patches, loc="outside lower left", ncols=3)
    for ax, bound, words in (
        (axes[1], "best_direct", "labels, best ridge"), (axes[2], "bayes", "Bayes bound")
    ):  # fmt: skip
        excess = np.maximum(field(lambda row: row["distilled"]) - field(itemgetter(bound)), 1e-5)
        drawn = ax.pcolormesh(
            across, upwards, excess, norm=LogNorm(1e-4, 0.3), cmap="rocket_r", shading="nearest"
        )
        ax.set_title(f"distilled student above {words}")
    figure.colorbar(drawn, ax=axes[1:], label="excess test error")
    for ax in axes:
        for axis, wanted, scale in (
            (ax.xaxis, log[0], ax.set_xscale), (ax.yaxis, log[1], ax.set_yscale)
        ):  # fmt: skip
            if wanted:
                scale("log")
                _logarithmic(axis)
        ax.set_xlabel(NAMES[x])
    axes[0].set_title("least test error")
    axes[0].set_ylabel(NAMES[y])
    return figure


def _logarithmic(axis: Axis) -> None:
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())
