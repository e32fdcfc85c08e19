"""Knowledge distillation: test errors against a parameter, lines of theory and points of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from sta.analysis.figures.style import GUIDE_COLOUR, axes_or_new, place_legend, themed

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


@themed
def plot_curve(
    over: str, rows: Sequence[Mapping[str, float]], ax: Axes | None = None, *, log: bool = False
) -> Axes:
    """Draw test errors along one parameter.

    Parameters
    ----------
    over : str
        Its name, a key of each row.
    rows : sequence of mappings
        With the keys teacher, student, direct and bayes, and, where there were runs, simulated
        and simulated_error.
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
    if rows and "simulated" in rows[0]:
        ax.errorbar(
            x, [row["simulated"] for row in rows], [1.96 * row["simulated_error"] for row in rows],
            linestyle="", marker="o", markersize=3.2, color=COLOURS[1], elinewidth=0.8,
            label="distilled student, runs", zorder=4,
        )  # fmt: skip
    if log:
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel(NAMES[over])
    ax.set_ylabel("test error")
    place_legend(ax)
    return ax
