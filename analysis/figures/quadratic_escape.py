"""The escape of quadratic networks from the plateau: what width changes, and when it happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import chi2, gaussian_kde

from sta.analysis.figures.style import (
    GUIDE_COLOUR,
    PANEL_SIZE,
    axes_or_new,
    new_figure,
    place_legend,
    themed,
)

Array = NDArray[np.float64]

COLOURS = sns.color_palette("colorblind").as_hex()
MARKERS = ("o", "s", "^", "D", "v", "P")


@themed
def plot_escape_times(
    times: Array, predicted: Array | None, ax: Axes | None = None, *, label: str = "SGD"
) -> Axes:
    """Draw the distribution of escape times over runs, beside the predicted density.

    Parameters
    ----------
    times : (R,) array
        Simulated alphas; those that were not reached are NaN and left out.
    predicted : (n,) array or None
        A sample of the prediction.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    label : str
        Name of the simulation.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    seen = times[np.isfinite(times)]
    ax.hist(seen, bins="auto", density=True, color="0.8", edgecolor="white", label=label)
    if predicted is not None:
        span = np.concatenate([seen, predicted])
        grid = np.linspace(span.min(), span.max(), 300)
        ax.plot(grid, gaussian_kde(predicted)(grid), color=COLOURS[0], label="prediction")
    ax.set_xlabel(r"escape time $\alpha_\mathrm{esc}$")
    ax.set_ylabel("density")
    place_legend(ax)
    return ax


@themed
def plot_escaped_fraction(
    times: Mapping[int, Array], ax: Axes | None = None, *, rate: float, scaled: bool = False
) -> Axes:
    """Draw the fraction of runs that have escaped, for several N.

    Parameters
    ----------
    times : mapping from N to (R,) array
        Escape times; NaN counts as never.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    rate : float
        Growth rate lambda of the plateau.
    scaled : bool
        Against z = 2 lambda alpha - log N, where curves of all N fall on each other; otherwise
        against kappa = alpha / log N, where they sharpen only like 1 / log N.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    for number, (dimension, sample) in enumerate(sorted(times.items())):
        escaped = np.sort(sample[np.isfinite(sample)])
        share = np.arange(1, len(escaped) + 1) / len(sample)
        log_n = np.log(dimension)
        x = 2.0 * rate * escaped - log_n if scaled else escaped / log_n
        colour = COLOURS[number % len(COLOURS)]
        ax.step(x, share, where="post", color=colour, label=f"$N = {dimension}$")
    if not scaled:
        ax.axvline(0.5 / rate, color=GUIDE_COLOUR, linewidth=0.8, linestyle=(0, (1, 2)))
        ax.annotate(
            r"$\kappa_c$", (0.5 / rate, 1.0), xycoords=("data", "axes fraction"), ha="right",
            va="top", color="0.35", xytext=(-3, 0), textcoords="offset points",
        )  # fmt: skip
    ax.set_xlabel(r"$z = 2\lambda\alpha - \log N$" if scaled else r"$\kappa = \alpha\,/\,\log N$")
    ax.set_ylabel("fraction escaped")
    ax.set_ylim(-0.02, 1.02)
    place_legend(ax)
    return ax


@themed
def draw_escape(times: Mapping[int, Array], predicted: Array | None, *, rate: float) -> Figure:
    """Draw escape times of the largest N, and the escaped fractions of all, raw and scaled.

    Parameters
    ----------
    times : mapping from N to (R,) array
    predicted : (n,) array or None
        A sample of the prediction at the largest N.
    rate : float
        lambda.

    Returns
    -------
    Figure
    """
    panels = 3 if len(times) > 1 else 1
    figure = new_figure(panels * PANEL_SIZE[0], PANEL_SIZE[1])
    axes = np.atleast_1d(figure.subplots(1, panels))
    largest = max(times)
    plot_escape_times(times[largest], predicted, axes[0], label=f"SGD, $N = {largest}$")
    for ax, scaled in zip(axes[1:], (False, True), strict=False):
        plot_escaped_fraction(times, ax, rate=rate, scaled=scaled)
    return figure


def sample_of_prediction(
    mean: float, rate: float, degrees: int, number: int = 4000, seed: int = 0
) -> Array:
    """Return alphas of the law 2 lambda alpha = const - log chi^2 with the given mean.

    Parameters
    ----------
    mean : float
        Of alpha.
    rate : float
        lambda.
    degrees : int
        Degrees of freedom, p p*.
    number, seed : int
        Size of the sample, and its seed.

    Returns
    -------
    (number,) array
    """
    drawn = -np.log(chi2.rvs(degrees, size=number, random_state=seed)) / (2.0 * rate)
    return np.asarray(drawn - drawn.mean() + mean)


@themed
def draw_overparameterization(
    widths: Sequence[int],
    losses: Mapping[int, tuple[Array, Array]],
    delays: Mapping[str, Array],
    rates: Mapping[float, Array],
    spread: Array,
    *,
    simulated: Mapping[int, tuple[float, float, float]] | None = None,
) -> Figure:
    """Draw why overparameterization only modestly accelerates the escape.

    Parameters
    ----------
    widths : sequence of int
        p.
    losses : mapping from p to ((n,), (n,)) arrays
        alpha and L_plateau - L from a typical start.
    delays : mapping from label to (k,) array
        K_p = E[2 lambda alpha] - log N for every width.
    rates : mapping from g to (k,) array
        lambda / 4 g for every width.
    spread : (k,) array
        Standard deviation of 2 lambda alpha over starts.
    simulated : mapping from p to (K, standard error, standard deviation), optional
        Of simulated runs.

    Returns
    -------
    Figure
    """
    figure = new_figure(2 * PANEL_SIZE[0], 2 * PANEL_SIZE[1])
    (course, delay), (rate, scatter) = figure.subplots(2, 2)
    shades = sns.color_palette("viridis", len(losses)).as_hex()
    for colour, (p, (alpha, gained)) in zip(shades, losses.items(), strict=True):
        course.plot(alpha, gained, color=colour, label=f"$p = {p}$")
    course.set(yscale="log", xlabel=r"$\alpha$", ylabel=r"$L_\mathrm{plateau} - L$")
    course.legend(ncols=2 if len(losses) > LONG else 1)
    for number, (name, values) in enumerate(delays.items()):
        delay.plot(widths, values, marker=MARKERS[number], color=COLOURS[number], label=name)
    delay.set(xscale="log", xlabel="$p$", ylabel=r"delay $K_p = 2\lambda\,E[\alpha] - \log N$")
    for number, (gain, values) in enumerate(rates.items()):
        rate.plot(
            widths, values, marker=MARKERS[number], color=COLOURS[number], label=f"$g = {gain:g}$"
        )
    rate.set(xscale="log", xlabel="$p$", ylabel=r"growth rate $\lambda\,/\,4g$", ylim=(0.0, 1.05))
    scatter.plot(widths, spread, color=COLOURS[0], marker="o", label="theory")
    scatter.set(xscale="log", xlabel="$p$", ylabel=r"standard deviation of $2\lambda\alpha$")
    if simulated:
        shown = sorted(simulated)
        values, errors, deviations = np.array([simulated[p] for p in shown]).T
        look = {"linestyle": "", "marker": "D", "color": "0.25", "zorder": 4, "label": "simulation"}
        delay.errorbar(shown, values, 1.96 * errors, elinewidth=0.8, **look)
        scatter.plot(shown, deviations, **look)
    scatter.set_ylim(bottom=0.0)
    for ax in (delay, rate, scatter):
        ax.set_xticks(list(widths), [str(p) for p in widths])
        ax.minorticks_off()
        place_legend(ax)
    return figure


LONG = 4
