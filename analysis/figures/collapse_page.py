"""One page of a scaling collapse: curves, collapse, residuals, plateaus and profiles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from string import ascii_lowercase

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from sta.analysis.figures.collapse import (
    plot_collapse,
    plot_collapse_residuals,
    plot_size_curves,
)
from sta.analysis.figures.panels import Draw
from sta.analysis.figures.plateaus import plot_plateaus, plot_scaling_profile
from sta.analysis.figures.style import new_figure, themed
from sta.analysis.statistics.curves import CurveSet
from sta.analysis.statistics.scaling.master import ScalingCollapse

PAGE = (7.5, 9.2)
HEIGHTS = (2.55, 2.0, 2.2, 2.0)
SHOWN = ("x_c", "inv_nu", "beta_over_nu")
MOST_IN_A_LINE = 7


@themed
def draw_collapse(
    result: ScalingCollapse,
    *,
    title: str = "",
    curves: CurveSet | None = None,
    x_label: str = "$x$",
    y_label: str = "$y$",
) -> Figure:
    """Draw a page of what is known of a scaling collapse.

    Mean curves and the collapsed ones; residuals; x_c, 1/nu and beta/nu over windows and
    smallest sizes; their profile likelihoods.

    Parameters
    ----------
    result : ScalingCollapse
        Of `sta.analysis.statistics.scaling.master.fit_collapse`.
    title : str
        Above everything.
    curves : CurveSet, optional
        All curves, to show what the window left out; see `plot_size_curves`.
    x_label, y_label : str
        Names of the measured quantities.

    Returns
    -------
    Figure
    """
    figure = new_figure(*PAGE)
    if title:
        figure.suptitle(title, fontsize="large")
    parts = figure.subfigures(4, 1, squeeze=False, height_ratios=HEIGHTS).ravel()
    letters = iter(ascii_lowercase)
    shown: set[str] = set()  # the sizes need one legend only
    for part, row in zip(parts, _rows(result, curves, x_label, y_label), strict=True):
        _draw_row(part, [(next(letters), *panel) for panel in row], shown)
    return figure


def _rows(
    result: ScalingCollapse, curves: CurveSet | None, x_label: str, y_label: str
) -> list[list[tuple[str, Draw]]]:
    measured = partial(plot_size_curves, result, curves=curves, x_label=x_label, y_label=y_label)
    residuals: list[tuple[str, Draw]] = [
        ("Residuals from the master curve", partial(plot_collapse_residuals, result))
    ]
    if result.fit.points.design.corrected:
        left = partial(plot_collapse_residuals, result, corrected=True)
        residuals.append(("Residuals without the correction", left))
    return [
        [("Mean curves", measured), (_verdict(result), partial(plot_collapse, result))],
        residuals,
        [(name, partial(plot_plateaus, result, parameter=name)) for name in SHOWN],
        [(name, partial(plot_scaling_profile, result, parameter=name)) for name in SHOWN],
    ]


def _verdict(result: ScalingCollapse) -> str:
    # without the overlap, p would praise curves that never meet
    p, overlap = result.quality.p_value, result.quality.overlap
    what = "Scaled curves" if result.good else "No good collapse"
    return f"{what}, p {'unknown' if p is None else f'= {p:.2g}'}, overlap {100 * overlap:.0f} %"


def _draw_row(part: SubFigure, panels: Sequence[tuple[str, str, Draw]], shown: set[str]) -> None:
    """Draw panels side by side under lettered titles, and below them what no legend has yet."""
    grid: list[Axes] = list(part.subplots(1, len(panels), squeeze=False).ravel())
    entries: dict[str, Artist] = {}
    for ax, (letter, name, draw) in zip(grid, panels, strict=True):
        draw(ax)
        own = ax.get_title()
        ax.set_title("")
        ax.set_title(f"{letter}  {own or name}", loc="left")
        if ax is not grid[0] and own:
            ax.set_ylabel("")
        legend = ax.get_legend()
        if legend is not None:
            legend.remove()
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            if label not in shown:
                entries.setdefault(label, handle)
    shown.update(entries)
    if entries:
        lines = math.ceil(len(entries) / MOST_IN_A_LINE)
        ordered = sorted(entries, key=lambda label: not label.startswith("$L"))
        part.legend(
            [entries[label] for label in ordered], ordered, loc="outside lower center",
            ncols=math.ceil(len(entries) / lines), columnspacing=1.2, handlelength=1.7,
        )  # fmt: skip
