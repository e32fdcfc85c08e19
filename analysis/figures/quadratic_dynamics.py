"""Training of quadratic networks: lines of theory, points of simulation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sta.analysis.figures.style import (
    GUIDE_COLOUR,
    PANEL_SIZE,
    axes_or_new,
    new_figure,
    place_legend,
    themed,
)

Array = NDArray[np.float64]

THEORY, FLOW, SIMULATION = "#0173b2", "#de8f05", "0.25"
MOST_POINTS = 40


@themed
def plot_course(
    alpha: Array,
    theory: Mapping[str, Array],
    ax: Axes | None = None,
    *,
    simulated: tuple[Array, Array] | None = None,
    guide: float | None = None,
    guide_label: str = "",
    log: bool = False,
    y_label: str = "",
) -> Axes:
    """Draw one quantity along training.

    Parameters
    ----------
    alpha : (n,) array
        Steps over N of the theory.
    theory : mapping from label to (n,) array
        Curves, drawn as lines; of "gradient flow" dashed.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    simulated : (m,) array, (m, R) array
        Steps over N and the quantity of R runs: median as points, 16 % to 84 % as bars.
    guide : float, optional
        A horizontal line, such as the loss of the plateau.
    guide_label : str
        Its name.
    log : bool
        Whether the ordinate is logarithmic.
    y_label : str
        Name of the quantity.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    if guide is not None:
        ax.axhline(guide, color=GUIDE_COLOUR, linewidth=0.8, linestyle=(0, (1, 2)))
        ax.annotate(
            guide_label, (1.0, guide), xycoords=("axes fraction", "data"), ha="right", va="bottom",
            fontsize=8, color="0.35", xytext=(0, 2), textcoords="offset points",
        )  # fmt: skip
    for label, values in theory.items():
        flow = "gradient flow" in label
        ax.plot(
            alpha, values, label=label, color=FLOW if flow else THEORY, zorder=3,
            linestyle=(0, (5, 1.5)) if flow else "-",
        )  # fmt: skip
    if simulated is not None:
        times, values = simulated
        shown = np.unique(np.linspace(0, len(times) - 1, MOST_POINTS).astype(int))
        low, middle, high = np.quantile(values[shown], [0.16, 0.5, 0.84], axis=1)
        ax.errorbar(
            times[shown], middle, [middle - low, high - middle], linestyle="", marker="o",
            markersize=2.8, color=SIMULATION, elinewidth=0.7, zorder=4,
            label=f"SGD, {values.shape[1]} runs",
        )  # fmt: skip
    if log:
        ax.set_yscale("log")
    ax.set_xlabel(r"$\alpha$ = steps / $N$")
    ax.set_ylabel(y_label)
    ax.margins(x=0.02)
    place_legend(ax)
    return ax


@themed
def plot_deviations(
    dimensions: Array,
    deviations: Sequence[Array],
    ax: Axes | None = None,
    *,
    slope: float | None = None,
) -> Axes:
    """Draw the largest deviation of simulated overlaps from the theory against N.

    Parameters
    ----------
    dimensions : (k,) array
        N.
    deviations : sequence of k arrays
        Largest deviation of each run, in units of b / a.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    slope : float, optional
        Fitted exponent, named in the legend.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    low, middle, high = np.array([np.quantile(one, [0.025, 0.5, 0.975]) for one in deviations]).T
    ax.errorbar(
        dimensions, middle, [middle - low, high - middle], marker="o", linestyle="",
        color=SIMULATION, elinewidth=0.8, label="median and 95 % of runs", zorder=3,
    )  # fmt: skip
    guide = middle[0] * np.sqrt(dimensions[0] / np.asarray(dimensions, dtype=float))
    fitted = "" if slope is None else f" (fitted slope {slope:.2f})"
    ax.plot(dimensions, guide, color=THEORY, label=r"$N^{-1/2}$" + fitted)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xticks(dimensions, [f"{one:g}" for one in dimensions])
    ax.minorticks_off()
    ax.set_xlabel("$N$")
    ax.set_ylabel(r"largest deviation of $Q$, $M$, in units of $b/a$")
    place_legend(ax)
    return ax


@themed
def plot_tail(
    alpha: Array, losses: Mapping[str, Array], asymptote: Array, ax: Axes | None = None
) -> Axes:
    """Draw the end of training on logarithmic axes, beside its algebraic asymptote.

    Parameters
    ----------
    alpha : (n,) array
        Steps over N, above 0.
    losses : mapping from label to (n,) array
        Losses without the labels' noise.
    asymptote : (n,) array
        Of gradient flow, L ~ alpha^-2.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    for label, values in losses.items():
        flow = "gradient flow" in label
        ax.plot(
            alpha, values, label=label, color=FLOW if flow else THEORY,
            linestyle=(0, (5, 1.5)) if flow else "-",
        )  # fmt: skip
    ax.plot(
        alpha, asymptote, color=GUIDE_COLOUR, linewidth=0.9, linestyle=(0, (1, 1.5)),
        label=r"$\propto \alpha^{-2}$, predicted", zorder=1,
    )  # fmt: skip
    ax.set_xscale("log")
    ax.set_yscale("log")
    top = max(float(np.max(values)) for values in losses.values())
    ax.set_ylim(top=3.0 * top)
    ax.set_xlabel(r"$\alpha$ = steps / $N$")
    ax.set_ylabel("population loss $L$")
    place_legend(ax)
    return ax


@themed
def draw_course(
    alpha: Array,
    loss: Mapping[str, Array],
    order: Mapping[str, Array],
    *,
    plateau_loss: float | None = None,
    simulated: tuple[Array, Array, Array] | None = None,
) -> Figure:
    """Draw loss and order parameter along training, one panel each.

    Parameters
    ----------
    alpha : (n,) array
        Steps over N of the theory.
    loss, order : mappings from label to (n,) array
        Theory.
    plateau_loss : float, optional
        Drawn as a guide.
    simulated : tuple of (m,), (m, R) and (m, R) arrays
        Steps over N, loss and order parameter of R runs.

    Returns
    -------
    Figure
    """
    figure = new_figure(2 * PANEL_SIZE[0], PANEL_SIZE[1])
    left, right = figure.subplots(1, 2)
    runs = [None if simulated is None else (simulated[0], simulated[k]) for k in (1, 2)]
    plot_course(
        alpha, loss, left, y_label="population loss $L$", log=True, guide=plateau_loss,
        guide_label="plateau", simulated=runs[0],
    )  # fmt: skip
    plot_course(
        alpha, order, right, y_label=r"order parameter $m_2$",
        simulated=runs[1],
    )  # fmt: skip
    return figure
