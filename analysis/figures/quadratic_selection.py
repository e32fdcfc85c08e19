"""Which solution of a quadratic network is selected: against the start, and against noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from sta.analysis.figures.style import PANEL_SIZE, new_figure, themed

if TYPE_CHECKING:
    from sta.quadratic import SelectionByGain, SelectionByStart

COLOURS = sns.color_palette("colorblind").as_hex()
MARKERS = ("o", "s", "^", "D", "v", "P")
LEAST = 1e-15  # rounding


@themed
def draw_selection(starts: Mapping[str, SelectionByStart], gain: SelectionByGain) -> Figure:
    """Draw 1 - overlap against |M_0| under gradient flow, and the overlap against g under SGD.

    Parameters
    ----------
    starts : mapping from the teacher's name to SelectionByStart
        The first is drawn solid, others dashed.
    gain : SelectionByGain

    Returns
    -------
    Figure
    """
    figure = new_figure(2 * PANEL_SIZE[0], 1.2 * PANEL_SIZE[1])
    left, right = figure.subplots(1, 2)
    for teacher, (name, start) in enumerate(starts.items()):
        pair = {"closest": start.closest, "sequential": start.sequential}
        if np.array_equal(start.closest, start.sequential):  # one teacher unit
            del pair["sequential"]
        for number, (kind, values) in enumerate(pair.items()):
            left.plot(
                start.sizes, values.clip(LEAST), marker=MARKERS[number], color=COLOURS[number],
                linestyle="--" if teacher else "-", label=f"{kind}, {name}",
                markerfacecolor="white" if teacher else COLOURS[number],
            )  # fmt: skip
    left.set(xscale="log", yscale="log", xlabel=r"size of the start $|M_0|$")
    left.set_ylabel("1 − overlap, gradient flow")
    for number, (p, mean) in enumerate(gain.mean.items()):
        right.errorbar(
            gain.gains, mean, 1.96 * gain.standard_error[p], marker=MARKERS[number],
            linestyle="" if p == 1 and gain.predicted is not None else ":", linewidth=0.8,
            color=COLOURS[number], elinewidth=0.8, label=f"SGD, $p = {p}$",
        )  # fmt: skip
    if gain.predicted is not None:
        right.plot(gain.gains, gain.predicted, color=COLOURS[0], label="prediction, $p = 1$")
    right.set(xlabel=r"$g = ab\eta$", ylim=(None, 1.02))
    right.set_ylabel("overlap with the closest solution")
    left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    return figure
