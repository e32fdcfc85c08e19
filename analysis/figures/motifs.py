"""Numbers of motifs against those of random networks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from sta.analysis.figures.style import (
    GUIDE_COLOUR,
    TEACHER_COLOUR,
    KindStyle,
    Styles,
    axes_or_new,
    kind_label,
    kind_styles,
    place_legend,
    themed,
)
from sta.analysis.graph.topology.motif_scores import MotifScores
from sta.errors import ShapeError

USUAL = 2.0
APART = 0.5
TEACHER_STYLE = KindStyle(TEACHER_COLOUR, "d", "")


@themed
def plot_motif_scores(
    students: Mapping[str, MotifScores],
    teacher: MotifScores | None = None,
    ax: Axes | None = None,
    *,
    styles: Styles | None = None,
) -> Axes:
    """Draw the Z-score of every motif, a row each, of students and their teacher.

    Within the grey band are numbers that random networks have as well. Left out are motifs whose
    number is the same in all random networks, so that there is no Z-score.

    Parameters
    ----------
    students : mapping from kind to MotifScores
    teacher : MotifScores, optional
        Of their teacher, against the same null model.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    styles : mapping of str to KindStyle, optional
        See `kind_styles`.

    Returns
    -------
    Axes

    Raises
    ------
    ShapeError
        If no motif has a Z-score.
    """
    styles = styles or kind_styles(students)
    networks = [(kind_label(kind), styles[kind], one) for kind, one in students.items()]
    if teacher is not None:
        networks.append(("teacher", TEACHER_STYLE, teacher))
    scored = [(name, s) for *_, one in networks for name, s in one.scores.items()]
    names = list(dict.fromkeys(name for name, score in scored if score.z is not None))
    if not names:
        reasons = "; ".join(sorted({score.reason for _, score in scored})) or "give at least one"
        raise ShapeError(f"{len(networks)} networks have no Z-scores to draw: {reasons}")
    ax = axes_or_new(ax)
    ax.axvspan(-USUAL, USUAL, color=GUIDE_COLOUR, alpha=0.2, lw=0, zorder=0)
    shifts = APART * (np.arange(len(networks)) - (len(networks) - 1) / 2) / len(networks)
    for (label, style, one), shift in zip(networks, shifts, strict=True):
        z = [(one.scores[name].z, row + shift) for row, name in enumerate(names)]
        drawn = [(score, height) for score, height in z if score is not None]
        ax.plot(
            [score for score, _ in drawn], [height for _, height in drawn],
            linestyle="", marker=style.marker, color=style.color, label=label,
        )  # fmt: skip
    ax.set_yticks(range(len(names)), [name.replace(".", ", ") for name in names])
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("Z-score of the number of motifs")
    place_legend(ax)
    return ax
