"""One picture a paper, from the runs behind its claims."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sta.analysis.claims.measures import distillation, quadratic, transfer
from sta.analysis.claims.measures.spectral import SpectralStudy
from sta.analysis.claims.workplace import Workplace
from sta.analysis.figures.claims import COLOURS, plot_delays, plot_overlaps, plot_pairs
from sta.analysis.figures.distillation import plot_curve
from sta.analysis.figures.ramps import plot_ramp
from sta.analysis.figures.sizes import plot_effective_size
from sta.analysis.figures.style import PANEL_SIZE, new_figure, themed
from sta.analysis.figures.transfer import plot_accuracy_of_units
from sta.analysis.statistics import mean_ramp
from sta.distillation import error_curve, make_setting
from sta.quadratic import overparameterization, typical_escapes


@dataclass(frozen=True)
class Picture:
    """How a paper's picture is drawn, and what it shows.

    Attributes
    ----------
    draw : callable
        Takes a workplace.
    caption, alternative : str
        Below it, and for those who do not see it.
    """

    draw: Callable[[Workplace], Figure]
    caption: str
    alternative: str


def _panels(number: int) -> tuple[Figure, list[Axes]]:
    figure = new_figure(number * 0.95 * PANEL_SIZE[0], 1.05 * PANEL_SIZE[1])
    return figure, list(np.atleast_1d(figure.subplots(1, number)))


@themed
def _spectral(place: Workplace) -> Figure:
    study = SpectralStudy(place)
    figure, (size, ramp, pair) = _panels(3)
    plot_effective_size(study.tables.students, size, threshold=place.variant.threshold)
    plot_ramp(
        mean_ramp(study.tables.ramps, study.tables.students, seed=place.seed), ramp,
        student_width=study.widths[-1], log=True,
    )  # fmt: skip
    rows = study.pairs()
    plot_pairs(
        np.array([row["direct.paths"] for row in rows]),
        np.array([row["spectral.paths"] for row in rows]), pair,
        x="conventional students", y="spectral students", title="distance of path weights",
    )  # fmt: skip
    return figure


@themed
def _quadratic(place: Workplace) -> Figure:
    widths = (1, 2, 4, 8, 16, 32)
    figure, (course, delay, overlap) = _panels(3)
    shown = quadratic.WIDTHS
    for colour, (p, (alpha, gained)) in zip(
        COLOURS, typical_escapes(shown, 1, quadratic.GAIN, dimension=quadratic.DIMENSION).items(),
        strict=False,
    ):  # fmt: skip
        course.plot(alpha, gained, color=colour, label=f"$p = {p}$")
    course.set(yscale="log", xlabel=r"$\alpha$", ylabel=r"$L_\mathrm{plateau} - L$")
    course.legend()
    runs = {p: quadratic.delays(place, p) - np.log(quadratic.DIMENSION) for p in shown}
    exact = [one.delay for one in overparameterization(widths, 1, quadratic.GAIN)]
    plot_delays(widths, exact, runs, delay)
    plot_overlaps(
        {
            "gradient flow": np.array(quadratic.closest(place).values),
            "SGD": np.array(quadratic.closest_sgd(place).values),
        },
        overlap,
    )
    return figure


@themed
def _distillation(place: Workplace) -> Figure:
    figure, (curve,) = _panels(1)
    figure.set_figwidth(1.6 * PANEL_SIZE[0])
    rows = error_curve(make_setting(np.geomspace(0.2, 9.0, 60)), "alpha")
    runs = []
    for alpha in (0.25, 0.5, 1.0, 2.0, 4.5):
        values = distillation.errors(place, alpha)
        error = float(values.std(ddof=1) / np.sqrt(len(values)))
        runs.append(
            {
                "n": distillation.DIMENSION, "alpha": alpha, "mean": float(values.mean()),
                "standard_error": error,
            }
        )  # fmt: skip
    plot_curve("alpha", rows, runs, curve, log=True)
    return figure


@themed
def _transfer(place: Workplace) -> Figure:
    figure, both = _panels(2)
    figure.set_figwidth(2.4 * PANEL_SIZE[0])
    for axes, labels in zip(both, (transfer.FEW, None), strict=True):
        plot_accuracy_of_units(transfer.rows_of(place, transfer.dense(place, labels)), axes)
        axes.set_title("all labels" if labels is None else f"{labels} labels")
        axes.legend(loc="lower right")
    return figure


PICTURES = {
    "spectral": Picture(
        _spectral,
        "Left: units above the threshold against the student's width. Middle: rise of the test"
        " error if only the n most important units are kept, over that of keeping none, at the"
        " widest students. Right: distance of signed path weights to the teacher's, one point a"
        " teacher, students cut to its width; below the diagonal the spectral one is closer.",
        "Three panels: effective size of spectral and conventional students against their width;"
        " cost of pruning against kept units; path distances of pairs of students.",
    ),
    "quadratic": Picture(
        _quadratic,
        "Left: how the loss leaves the plateau under gradient flow from a typical start; the"
        " slopes are equal. Middle: mean delay of the escape, theory for large N and batches of"
        " runs of SGD at N = 1000. Right: overlap of the selected solution with the one closest to"
        " the start.",
        "Three panels: parallel exponential escapes for three widths; the delay of the escape"
        " falling with width; histograms of overlaps, at one for gradient flow and spread out"
        " for SGD.",
    ),
    "distillation": Picture(
        _distillation,
        "Test errors against alpha, patterns over N: lines for large N, points for trained"
        " students with 95 % intervals.",
        "Test errors of teacher, distilled and direct student, falling with alpha, with a second"
        " peak of the distilled student at alpha = 0.5; points of runs lie on the line.",
    ),
    "transfer": Picture(
        _transfer,
        "Test accuracy against the number of kept units, by objective: mean and standard error"
        " over seeds.",
        "Two panels, 50 labels and all labels: accuracy rises with kept units and levels off"
        " earlier for students of labels than for students of factors.",
    ),
}
