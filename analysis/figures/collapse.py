"""Curves of a scaling collapse: as measured, in scaled coordinates, and what is left over."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from sta.analysis.figures.style import (
    BAND_ALPHA,
    DASHES,
    GUIDE_COLOUR,
    MARKERS,
    Dash,
    KindStyle,
    axes_or_new,
    place_legend,
    themed,
)
from sta.analysis.statistics.curves import CurveSet, mean_curve
from sta.analysis.statistics.estimate import Estimate
from sta.analysis.statistics.scaling.evidence import Kernel
from sta.analysis.statistics.scaling.fit import CollapseFit
from sta.analysis.statistics.scaling.master import ScalingCollapse

CRITICAL_COLOUR = "#D55E00"
MASTER_COLOUR = "black"
PARAMETER_LABELS = {
    "x_c": "$x_c$",
    "inv_nu": r"$1/\nu$",
    "beta_over_nu": r"$\beta/\nu$",
    "beta": r"$\beta$",
}
BEYOND = 0.5  # share of the range of x by which the axis may grow to show x_c


@themed
def plot_size_curves(
    result: ScalingCollapse,
    ax: Axes | None = None,
    *,
    curves: CurveSet | None = None,
    x_label: str = "$x$",
    y_label: str = "$y$",
) -> Axes:
    """Draw the mean curves that were collapsed, one line a size, and the critical point.

    Bars: plus and minus one standard error; upright band: 95 % interval of x_c.

    Parameters
    ----------
    result : ScalingCollapse
        Of `sta.analysis.statistics.scaling.master.fit_collapse`.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    curves : CurveSet, optional
        All curves; what the window and the smallest size left out is drawn faintly.
    x_label, y_label : str
        Names of the axes.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    points = result.fit.points
    errors = np.sqrt(np.diag(points.design.noise)) * points.units.height
    every = points.sizes if curves is None else [*points.sizes, *(c.size for c in curves.curves)]
    styles = size_styles(every)
    for curve in () if curves is None else curves.curves:
        style = styles[curve.size]
        ax.plot(
            curve.x, mean_curve(curve)[0], color=style.color, linestyle=style.dash, alpha=0.4,
            linewidth=0.8, zorder=1.5,
        )  # fmt: skip
    for place, curve in enumerate(points.curves.curves):
        style = styles[curve.size]
        ax.errorbar(
            curve.x, mean_curve(curve)[0], errors[points.place == place], color=style.color,
            marker=style.marker, linestyle=style.dash, markersize=3, linewidth=1.0,
            elinewidth=0.7, label=size_label(curve.size), zorder=2,
        )  # fmt: skip
    ax.margins(x=0.03)
    if result.identifiability.identified or (result.branch is not None and result.branch.good):
        _critical_point(ax, result.estimates["x_c"])
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    place_legend(ax)
    return ax


@themed
def plot_collapse(result: ScalingCollapse, ax: Axes | None = None) -> Axes:
    """Draw the scaled curves, Y = y L^(beta/nu) against X = (x - x_c) L^(1/nu), and F(X).

    Bars: plus and minus one standard error; line and band: the master curve F, without the
    correction to scaling, plus and minus two of its standard deviations.

    Parameters
    ----------
    result : ScalingCollapse
        Of `sta.analysis.statistics.scaling.master.fit_collapse`.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        Its labels carry the exponents; where they are not identified, the label says so.
    """
    ax = axes_or_new(ax)
    x, y, sd = result.master
    ax.fill_between(
        x, y - 2 * sd, y + 2 * sd, color=MASTER_COLOUR, alpha=BAND_ALPHA, lw=0,
        label=r"$F \pm 2$ s.d.", zorder=1,
    )  # fmt: skip
    ax.plot(x, y, color=MASTER_COLOUR, linewidth=0.9, label="master curve $F$", zorder=3)
    styles = size_styles(curve.size for curve in result.curves)
    for curve in result.curves:
        style = styles[curve.size]
        ax.errorbar(
            curve.x, curve.y, curve.error, color=style.color, marker=style.marker, linestyle="",
            markersize=3, elinewidth=0.7, label=size_label(curve.size), zorder=2,
        )  # fmt: skip
    ax.locator_params(axis="x", nbins=6)
    x_c, inv_nu, ratio = result.fit.scaling
    sign = "-" if x_c >= 0 else "+"
    unsure = "" if result.identifiability.identified else "; exponents not identified"
    ax.set_xlabel(f"$(x {sign} {abs(x_c):.3g})\\,L^{{{inv_nu:.3g}}}${unsure}")
    ax.set_ylabel(f"$y\\,L^{{{ratio:.3g}}}$")
    place_legend(ax)
    return ax


@themed
def plot_collapse_residuals(
    result: ScalingCollapse, ax: Axes | None = None, *, corrected: bool = False
) -> Axes:
    """Draw (Y - F(X)) / error of every point against X, by size.

    Lines: the correction to scaling as fitted, on the same scale; where there is one, points
    should scatter about it, and else about zero. Points of a curve are correlated, so runs on
    one side are no misfit by themselves. Guides: 0, plus and minus 1 and 2.

    Parameters
    ----------
    result : ScalingCollapse
        Of `sta.analysis.statistics.scaling.master.fit_collapse`.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    corrected : bool
        Whether the fitted correction is subtracted, which leaves what no part of the fit
        explains.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    for level in (-2, -1, 0, 1, 2):
        dash: Dash = "-" if level == 0 else (0, (1, 2) if abs(level) == 1 else (4, 2))
        ax.axhline(level, color=GUIDE_COLOUR, linewidth=0.8, linestyle=dash, zorder=1)
    master = CubicSpline(result.master[0], result.master[1])
    fitted, place_of = _fitted(result.fit), result.fit.points.place
    has_lines = result.fit.points.design.corrected and not corrected
    styles = size_styles(curve.size for curve in result.curves)
    for place, curve in enumerate(result.curves):
        style, centre, whole = styles[curve.size], master(curve.x), fitted[place_of == place]
        ax.plot(
            curve.x, (curve.y - (whole if corrected else centre)) / curve.error,
            color=style.color, marker=style.marker, linestyle="", markersize=3.5,
            label=size_label(curve.size), zorder=3,
        )  # fmt: skip
        if has_lines:
            ax.plot(
                curve.x, (whole - centre) / curve.error, color=style.color, linestyle=style.dash,
                linewidth=1.0, zorder=2, label="" if place else "fitted correction",
            )  # fmt: skip
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, -3.0), max(high, 3.0))
    ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set_xlabel("$X$")
    ax.set_ylabel("$(Y - Y_{fit})$ / error" if corrected else "$(Y - F(X))$ / error")
    place_legend(ax)
    return ax


def size_styles(sizes: Iterable[float]) -> dict[float, KindStyle]:
    """Give every size a colour from dark to bright, a marker and a dash, by ascending size."""
    ordered = sorted(set(sizes))
    colours = sns.color_palette("viridis", len(ordered) + 1).as_hex()
    return {
        size: KindStyle(
            colours[number], MARKERS[number % len(MARKERS)], DASHES[number % len(DASHES)]
        )
        for number, size in enumerate(ordered)
    }


def size_label(size: float) -> str:
    """Name of a size in a legend.

    Examples
    --------
    >>> size_label(128.0), size_label(1048576.0)
    ('$L = 128$', '$L = 1048576$')
    """
    return f"$L = {size:.10g}$"


def with_error(estimate: Estimate) -> str:
    r"""Value and standard error as mathtext without dollars, to two digits of the error.

    Examples
    --------
    >>> with_error(Estimate(0.50312, 0.00621)), with_error(Estimate(0.5)), with_error(Estimate())
    ('0.5031 \\pm 0.0062', '0.5', '?')
    """
    if estimate.value is None:
        return "?"
    if estimate.se is None or not 0.0 < estimate.se < math.inf:
        return f"{estimate.value:.3g}"
    digits = max(0, 1 - math.floor(math.log10(estimate.se)))
    return f"{estimate.value:.{digits}f} \\pm {estimate.se:.{digits}f}"


def _critical_point(ax: Axes, x_c: Estimate) -> None:
    """Mark x_c and its interval, without squeezing the curves where it is far from them."""
    if x_c.value is None:
        return
    low, high = ax.get_xlim()
    ends = x_c.ci95 or (x_c.value, x_c.value)
    ax.axvspan(*ends, color=CRITICAL_COLOUR, alpha=0.25, lw=0, zorder=0.5)
    ax.axvline(
        x_c.value,
        color=CRITICAL_COLOUR,
        linewidth=1.0,
        zorder=1,
        label=f"$x_c = {with_error(x_c)}$",
    )
    room = BEYOND * (high - low)
    ax.set_xlim(max(low - room, min(low, ends[0])), min(high + room, max(high, ends[1])))


def _fitted(fit: CollapseFit) -> NDArray[np.float64]:
    """Fitted mean of every point, correction to scaling and all, in scaled coordinates."""
    design, points = fit.points.design, fit.points
    total = Kernel(design, fit.parameters).signal + design.noise
    mean = design.y - design.noise @ np.linalg.solve(total, design.y)
    sizes = np.array(points.sizes)[points.place]
    return np.asarray(mean * points.units.height * sizes ** fit.scaling[2])
