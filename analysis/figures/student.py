"""Importances of one student, sorted."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from sta.analysis.figures.style import (
    axes_or_new,
    grey_guide,
    kind_styles,
    place_legend,
    teacher_line,
    themed,
)
from sta.errors import ShapeError


@themed
def plot_sorted_importance(
    importance: ArrayLike,
    ax: Axes | None = None,
    *,
    threshold: float = 0.05,
    teacher_width: int | None = None,
    kind: str = "student",
) -> Axes:
    """Draw the importances of one student in falling order, divided by the largest.

    Filled markers: units above the threshold; open markers: units that pruning removes.

    Parameters
    ----------
    importance : array_like, shape (h,)
        L_i in any order.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    threshold : float
        Share of the largest importance.
    teacher_width : int, optional
        Place of the dashed line.
    kind : str
        Name in the legend, and choice of the colour.

    Returns
    -------
    Axes

    Raises
    ------
    ShapeError
        If there is no unit, or a value is negative or not finite.
    """
    values = -np.sort(-np.asarray(importance, dtype=float).ravel())
    if not values.size or not np.isfinite(values).all() or values[-1] < 0:
        raise ShapeError("importance must be a non-empty list of finite numbers, none negative")
    ax = axes_or_new(ax)
    values = values / (values[0] or 1.0)
    rank, alive = np.arange(1, values.size + 1), values > threshold
    style = kind_styles([kind])[kind]
    ax.plot(
        rank[alive], values[alive], color=style.color, marker=style.marker, linestyle="",
        label=f"{_units(alive)} kept",
    )  # fmt: skip
    if not alive.all():
        ax.plot(
            rank[~alive], values[~alive], color=style.color, marker=style.marker, linestyle="",
            markerfacecolor="white", label=f"{_units(~alive)} pruned",
        )  # fmt: skip
    grey_guide(ax, y=threshold, label=f"threshold {threshold:g}")
    if teacher_width is not None:
        teacher_line(ax, x=teacher_width, label="teacher's width")
    ax.set_ylim(-0.02, 1.05)
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=True))
    ax.set_xlabel("rank of the unit")
    ax.set_ylabel(r"importance $L_i / L_{\max}$")
    place_legend(ax)
    return ax


def _units(chosen: NDArray[np.bool_]) -> str:
    return f"{chosen.sum()} unit{'' if chosen.sum() == 1 else 's'}"
