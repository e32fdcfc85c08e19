"""How far a collapse can be trusted: plateaus over window and sizes, and profile likelihoods."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes

from sta.analysis.figures.collapse import PARAMETER_LABELS
from sta.analysis.figures.style import (
    BAND_ALPHA,
    LEGEND_WIDTH,
    PANEL_SIZE,
    axes_or_new,
    grey_guide,
    place_legend,
    themed,
)
from sta.analysis.statistics.scaling.master import ScalingCollapse
from sta.analysis.statistics.scaling.profiles import CLOSED
from sta.analysis.statistics.scaling.stability import Variant
from sta.errors import ConfigError

WITH_CORRECTION, WITHOUT_CORRECTION = sns.color_palette("colorblind").as_hex()[:2]
LINE_COLOUR = "#0173B2"
GAP = 0.7
UPRIGHT = 0.3  # inches that the name of a window needs
MOST_LEVEL = 5  # sizes whose names fit side by side
HIGHEST_LOSS = 6.0
LOWEST_TOP = 2.5


@themed
def plot_plateaus(
    result: ScalingCollapse, ax: Axes | None = None, *, parameter: str = "x_c"
) -> Axes:
    """Draw one parameter under every window and smallest size that was tried.

    Groups: smallest size, in each the windows from the largest down. Bars: plus and minus one
    standard error (those of poor fits may leave the axes); hollow: rejected, p <= 0.05 or not
    at rest; diamond: the chosen fit; band: its 95 % interval.

    Parameters
    ----------
    result : ScalingCollapse
        Of `sta.analysis.statistics.scaling.master.fit_collapse`.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    parameter : {"x_c", "inv_nu", "beta_over_nu", "beta"}
        Which.

    Returns
    -------
    Axes
        Titled with the parameter, and whether it is identified.

    Raises
    ------
    ConfigError
        If the parameter is unknown.
    """
    place = _place(parameter)
    own = ax is None
    ax = axes_or_new(ax)
    chosen = result.stability.variant
    rows = sorted(
        result.stability.variants,
        key=lambda row: (row.smallest_size, -row.window, row.corrections != chosen.corrections),
    )
    groups = sorted({row.smallest_size for row in rows})
    at = [k + GAP * groups.index(row.smallest_size) for k, row in enumerate(rows)]
    interval = result.estimates[parameter].ci95
    if interval is not None:
        ax.axhspan(
            *interval, color="0.5", alpha=BAND_ALPHA, lw=0, zorder=0, label="95 % interval, chosen"
        )
    ax.axhline(chosen.value[place], color="0.5", linewidth=0.8, zorder=1)
    for x, row in zip(at, rows, strict=True):
        _variant(ax, x, row, place, chosen=row is chosen)
    low, high = _range(rows, chosen, place, interval)
    ax.set_ylim(
        low, high + (0.5 if len(groups) > MOST_LEVEL else 0.16) * (high - low)
    )  # the head is for the names of the groups
    many = len(groups) > MOST_LEVEL
    for size in groups:
        middle = np.mean([x for x, row in zip(at, rows, strict=True) if row.smallest_size == size])
        ax.text(
            float(middle), 0.98, f"$L \\geq {size:.6g}$", transform=ax.get_xaxis_transform(),
            ha="center", va="top", fontsize="x-small" if many else "small",
            rotation=90 if many else 0,
        )  # fmt: skip
    windows = [f"{row.window:.2g}" if row.window < 100 else f"{row.window:.0f}" for row in rows]
    figure = ax.get_figure(root=True)
    room = ax.get_window_extent().width / (figure.dpi if figure is not None else 100.0)
    turn = 90 if room < UPRIGHT * (at[-1] + 1.4) else 0
    ax.set_xticks(at, windows, rotation=turn, fontsize="small")
    ax.set_xlim(at[0] - 0.7, at[-1] + 0.7)
    ax.set_xlabel(r"window $|x - x_c|\,L^{1/\nu}$")
    _entitle(ax, result, parameter)
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))  # inside it would hide a group
    if own and figure is not None:
        figure.set_figwidth(PANEL_SIZE[0] + LEGEND_WIDTH)
    return ax


@themed
def plot_scaling_profile(
    result: ScalingCollapse, ax: Axes | None = None, *, parameter: str = "x_c"
) -> Axes:
    """Draw the loss of log evidence when one parameter is held and all others are fitted.

    Dotted: 1.92, where a parabola would have its 95 % interval; shaded: the 95 % interval over
    whole trials that is reported, if the parameter is identified. A profile that stays below
    the dotted line on one side does not bound the parameter there.

    Parameters
    ----------
    result : ScalingCollapse
        Of `sta.analysis.statistics.scaling.master.fit_collapse`.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    parameter : {"x_c", "inv_nu", "beta_over_nu"}
        Which.

    Returns
    -------
    Axes
        Titled with the parameter, and whether it is identified.

    Raises
    ------
    ConfigError
        If there is no profile of the parameter.
    """
    found = {profile.name: profile for profile in result.profiles}
    if parameter not in found:
        raise ConfigError(f"parameter {parameter!r} has no profile; choose from {tuple(found)}")
    ax = axes_or_new(ax)
    values, loss = found[parameter].values, found[parameter].loss
    interval = result.estimates[parameter].ci95
    if interval is not None:
        ax.axvspan(
            *interval, color=LINE_COLOUR, alpha=BAND_ALPHA, lw=0, zorder=0, label="95 % interval"
        )
    ax.plot(
        values, loss, color=LINE_COLOUR, marker="o", markersize=2.5, linewidth=1.2,
        label="profile", zorder=3,
    )  # fmt: skip
    grey_guide(ax, y=CLOSED, label=f"loss {CLOSED:g}")
    shown = values[loss <= HIGHEST_LOSS]
    ends = [*shown, *(interval or ())]
    pad = 0.06 * (max(ends) - min(ends))
    ax.set_xlim(min(ends) - pad, max(ends) + pad)
    ax.set_ylim(-0.15, min(max(float(loss.max()), LOWEST_TOP), HIGHEST_LOSS) * 1.05)
    ax.locator_params(axis="x", nbins=3)
    ax.set_xlabel(PARAMETER_LABELS[parameter])
    ax.set_ylabel("loss of log evidence")
    _entitle(ax, result, parameter)
    place_legend(ax)
    return ax


def _place(parameter: str) -> int:
    if parameter not in PARAMETER_LABELS:
        raise ConfigError(
            f"parameter {parameter!r} is unknown; choose from {tuple(PARAMETER_LABELS)}"
        )
    return list(PARAMETER_LABELS).index(parameter)


def _variant(ax: Axes, x: float, row: Variant, place: int, *, chosen: bool) -> None:
    colour = WITH_CORRECTION if row.corrections else WITHOUT_CORRECTION
    label = f"{'with' if row.corrections else 'without'} correction, $\\pm$ s.e."
    known = ax.get_legend_handles_labels()[1]
    error = float(row.se[place])
    ax.errorbar(
        x, row.value[place], error if np.isfinite(error) else 0.0, color=colour, marker="o",
        markersize=0, elinewidth=1.0, capsize=2, linestyle="", zorder=2,
    )  # fmt: skip
    ax.plot(
        [x], [row.value[place]], color=colour, linestyle="", marker="D" if chosen else "o",
        markersize=6 if chosen else 4.5, markerfacecolor=colour if row.accepted else "white",
        markeredgecolor="black" if chosen else colour, zorder=3,
    )  # fmt: skip
    # proxies, because the first row of a colour may be hollow or the chosen one
    marks = [(label, {"color": colour, "marker": "o"})]
    if chosen:
        marks.append(("chosen", {"color": "white", "marker": "D", "markeredgecolor": "black"}))
    if not row.accepted:
        marks.append(("rejected", {"color": "white", "marker": "o", "markeredgecolor": "0.3"}))
    for name, mark in marks:
        if name not in known:
            ax.plot([], [], linestyle="", label=name, **mark)


def _range(
    rows: Sequence[Variant], chosen: Variant, place: int, interval: tuple[float, float] | None
) -> tuple[float, float]:
    """Return the ends of the ordinate: all values, and error bars as far as they are sensible."""
    values = np.array([row.value[place] for row in rows])
    errors = np.nan_to_num([row.se[place] for row in rows], posinf=0.0)
    errors = np.minimum(errors, np.ptp(values) + 3.0 * np.nan_to_num(chosen.se[place], posinf=0.0))
    ends = [*(values - errors), *(values + errors), *(interval or ())]
    pad = 0.06 * (max(ends) - min(ends)) or 0.1 * abs(ends[0]) or 1.0
    return float(min(ends) - pad), float(max(ends) + pad)


def _entitle(ax: Axes, result: ScalingCollapse, parameter: str) -> None:
    missing = result.estimates[parameter].value is None
    ax.set_title(PARAMETER_LABELS[parameter] + (": not identified" if missing else ""))
