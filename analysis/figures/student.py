"""One student beside its teacher: importances, path weights and in-strengths."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from sta.analysis.figures.graphs import plot_in_strength, plot_path_quantiles
from sta.analysis.figures.panels import Draw, draw_panels
from sta.analysis.figures.style import (
    axes_or_new,
    grey_guide,
    kind_styles,
    place_legend,
    teacher_line,
    themed,
)
from sta.analysis.graph import LayeredGraph, path_distribution
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
        label=f"{alive.sum()} units kept",
    )  # fmt: skip
    if not alive.all():
        ax.plot(
            rank[~alive], values[~alive], color=style.color, marker=style.marker, linestyle="",
            markerfacecolor="white", label=f"{(~alive).sum()} units pruned",
        )  # fmt: skip
    grey_guide(ax, y=threshold, label=f"threshold {threshold:g}")
    if teacher_width is not None:
        teacher_line(ax, x=teacher_width, label="teacher's width")
    ax.set_ylim(-0.02, 1.05)
    ax.set_xlabel("rank of the unit")
    ax.set_ylabel(r"importance $L_i / L_{\max}$")
    place_legend(ax)
    return ax


def draw_student(
    importance: ArrayLike,
    student: LayeredGraph,
    teacher: LayeredGraph | None = None,
    *,
    threshold: float = 0.05,
    kind: str = "student",
) -> Figure:
    """Draw three panels: sorted importances, path quantiles and in-strengths of one student.

    Parameters
    ----------
    importance : array_like, shape (h,)
        L_i of all units of the student before pruning.
    student : LayeredGraph
        The pruned student.
    teacher : LayeredGraph, optional
        Its teacher; without it the student stands alone.
    threshold : float
        The threshold at which it was pruned.
    kind : str
        Name of the student in the legends.

    Returns
    -------
    Figure

    Raises
    ------
    StaError
        If the paths are too many to be listed, or the importances are not finite.
    """
    styles = kind_styles([kind])
    others = [] if teacher is None else [teacher]
    # Of a teacher of another depth, node layer 1 is another kind of layer.
    comparable = [one for one in others if one.n_layers == student.n_layers]
    width = None if teacher is None or teacher.n_layers < 2 else teacher.widths[1]

    def importances(ax: Axes) -> None:
        plot_sorted_importance(importance, ax, threshold=threshold, teacher_width=width, kind=kind)

    def paths(ax: Axes) -> None:
        teachers = [path_distribution(one) for one in others]
        plot_path_quantiles({kind: [path_distribution(student)]}, teachers, ax, styles=styles)

    def strengths(ax: Axes) -> None:
        plot_in_strength({kind: [student]}, comparable, ax, styles=styles)

    panels: list[tuple[str, Draw]] = [
        ("Importance of the hidden units", importances),
        ("Path weights", paths),
        ("In-strength of the first hidden layer", strengths),
    ]
    return draw_panels(panels, size=(3.4, 2.8))
