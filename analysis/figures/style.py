"""Look of all figures: one colour, marker and dash a kind, print-sized type, no global state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeAlias, TypeVar
from weakref import WeakSet

import matplotlib as mpl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

P = ParamSpec("P")
R = TypeVar("R")
Dash: TypeAlias = str | tuple[float, tuple[float, ...]]

KNOWN_KINDS = (
    "spectral",
    "direct",
    "group-lasso",
    "spectral-phi-only",
    "spectral-eigenvalues-only",
    "spectral-no-penalty",
)
# The palette's yellow, grey and pale pink are faint on white, so they come last.
COLOUR_ORDER = (0, 1, 2, 4, 5, 9, 3, 7, 6, 8)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "h")
DASHES: tuple[Dash, ...] = (
    "-",
    (0, (6, 1.2)),
    (0, (1.2, 1)),
    (0, (5, 1.2, 1.2, 1.2)),
    (0, (3.5, 1, 1, 1, 1, 1)),
    (0, (9, 1.5)),
    (0, (2.5, 1)),
)
TEACHER_COLOUR = "black"
TEACHER_DASH: Dash = (0, (4, 2.5))
GUIDE_COLOUR = "0.55"
PANEL_SIZE = (4.2, 3.0)
LEGEND_WIDTH = 2.0
LONGEST_LEGEND_INSIDE = 4
BAND_ALPHA = 0.2

RC: dict[str, Any] = {
    "font.size": 9.0,
    "axes.labelsize": 9.0,
    "axes.titlesize": 9.0,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "lines.markersize": 4.0,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "sta",
    "pdf.fonttype": 42,
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.w_pad": 0.06,
}


@dataclass(frozen=True)
class KindStyle:
    """How a kind of student is drawn.

    Attributes
    ----------
    color : str
        Hexadecimal, from seaborn's palette "colorblind".
    marker : str
        Matplotlib's name of a marker.
    dash : str or tuple
        Matplotlib's line style.
    """

    color: str
    marker: str
    dash: Dash


Styles: TypeAlias = Mapping[str, KindStyle]

_OWN_AXES: WeakSet[Axes] = WeakSet()


def kind_styles(kinds: Iterable[str]) -> dict[str, KindStyle]:
    """Give every kind a colour, a marker and a dash of its own.

    The kinds of the presets have fixed ones in every figure; other names take those left over,
    in the order given. Pass one result to several figures of different tables.

    Parameters
    ----------
    kinds : iterable of str
        Names, repeated at will.

    Returns
    -------
    dict from str to KindStyle
        In order of first appearance.

    Examples
    --------
    >>> kind_styles(["spectral"]) == {"spectral": kind_styles(["other", "spectral"])["spectral"]}
    True
    """
    names = list(dict.fromkeys(str(kind) for kind in kinds))
    palette = sns.color_palette("colorblind").as_hex()
    taken = {KNOWN_KINDS.index(name) for name in names if name in KNOWN_KINDS}
    free = iter(number for number in range(len(KNOWN_KINDS) + len(names)) if number not in taken)
    styles = {}
    for name in names:
        number = KNOWN_KINDS.index(name) if name in KNOWN_KINDS else next(free)
        styles[name] = KindStyle(
            palette[COLOUR_ORDER[number % len(COLOUR_ORDER)]],
            MARKERS[number % len(MARKERS)],
            DASHES[number % len(DASHES)],
        )
    return styles


def kind_label(kind: str) -> str:
    r"""Return a kind's name as matplotlib prints it literally.

    A dollar sign would begin a formula, and a leading underscore hide the legend's entry.

    Examples
    --------
    >>> kind_label("a$b$"), kind_label("_plain")
    ('a\\$b\\$', ' _plain')
    """
    text = kind.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


@contextmanager
def theme() -> Iterator[None]:
    """Draw in the figures' style, and leave matplotlib's settings as they were."""
    settings = {**sns.axes_style("ticks"), **sns.plotting_context("paper"), **RC}
    with mpl.rc_context(settings):
        yield


def themed(draw: Callable[P, R]) -> Callable[P, R]:
    """Run a drawing function in the figures' style."""

    @wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> R:
        with theme():
            return draw(*args, **kwargs)

    return styled


def new_figure(width: float = PANEL_SIZE[0], height: float = PANEL_SIZE[1]) -> Figure:
    """Return an empty figure, in inches, that pyplot does not know of."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def axes_or_new(ax: Axes | None) -> Axes:
    """Return the axes given, or those of a new figure of one panel."""
    if ax is not None:
        return ax
    own: Axes = new_figure().add_subplot()
    _OWN_AXES.add(own)
    return own


def place_legend(ax: Axes) -> None:
    """Put a short legend inside the axes and a long one, which would hide data, beside them.

    A figure made by `axes_or_new` is widened for it; one that was given keeps its size.
    """
    if len(ax.get_legend_handles_labels()[1]) <= LONGEST_LEGEND_INSIDE:
        ax.legend()
        return
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure = ax.get_figure(root=True)
    if figure is not None and ax in _OWN_AXES:
        figure.set_figwidth(PANEL_SIZE[0] + LEGEND_WIDTH)


def grey_guide(ax: Axes, *, x: float | None = None, y: float | None = None, label: str) -> None:
    """Draw a thin dotted line for a setting of the analysis, such as a threshold."""
    line = {"color": GUIDE_COLOUR, "linewidth": 0.9, "linestyle": (0, (1, 2)), "zorder": 1}
    if x is not None:
        ax.axvline(x, label=label, **line)  # type: ignore[arg-type]
    if y is not None:
        ax.axhline(y, label=label, **line)  # type: ignore[arg-type]


def teacher_line(
    ax: Axes, *, x: float | None = None, y: float | None = None, label: str = "teacher"
) -> None:
    """Draw the dashed black line at the teacher's width."""
    line = {"color": TEACHER_COLOUR, "linewidth": 1.0, "linestyle": TEACHER_DASH, "zorder": 1.5}
    if x is not None:
        ax.axvline(x, label=label, **line)  # type: ignore[arg-type]
    if y is not None:
        ax.axhline(y, label=label, **line)  # type: ignore[arg-type]
