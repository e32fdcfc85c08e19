"""Spectra of the Hessian: closed form as bars, automatic differentiation as points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sta.analysis.figures.style import PANEL_SIZE, axes_or_new, new_figure, themed

Spectrum: TypeAlias = tuple[Sequence[tuple[float, int, str]], NDArray[np.float64] | None]

COLOURS = sns.color_palette("colorblind").as_hex()
SAME = 1e-6
LEAST = 0.5


@themed
def plot_spectrum(spectrum: Spectrum, ax: Axes | None = None, *, title: str = "") -> Axes:
    """Draw eigenvalues with their multiplicities.

    Parameters
    ----------
    spectrum : pair
        Modes (eigenvalue, multiplicity, meaning) of the closed form, possibly none, and the
        eigenvalues by differentiation or None.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    title : str
        Name of the point.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    modes, numeric = spectrum
    known = [value for value, _, _ in modes] if numeric is None else numeric
    scale = float(np.abs(known).max()) or 1.0
    colours = dict(zip(dict.fromkeys(text for _, _, text in modes), COLOURS, strict=False))
    base: dict[float, float] = {}
    named = set()
    for value, count, text in sorted(modes, key=lambda mode: mode[1]):  # the small ones below
        place = round(value / scale / SAME)
        low = base.get(place, 0.0)
        ax.vlines(
            value, max(low, LEAST), low + count, color=colours[text], linewidth=6,
            label="" if text in named else text, zorder=2,
        )  # fmt: skip
        base[place] = low + count
        named.add(text)
    if numeric is not None:
        values, counts = np.unique(np.round(numeric / scale / SAME), return_counts=True)
        ax.plot(values * SAME * scale, counts, "o", color="0.15", markersize=4.5,
                markerfacecolor="none", label="by differentiation", zorder=12)  # fmt: skip
    ax.axvline(0.0, color="0.8", linewidth=0.6, zorder=0)
    ax.set_yscale("log")
    ax.set_ylim(LEAST, None)
    ax.margins(x=0.08)
    ax.set_xlabel("eigenvalue of the Hessian")
    ax.set_ylabel("multiplicity")
    ax.set_title(title)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), fontsize=7.5)
    return ax


@themed
def draw_spectra(spectra: Mapping[str, Spectrum]) -> Figure:
    """Draw the spectra of several points beside each other.

    Parameters
    ----------
    spectra : mapping from name to pair
        As of `plot_spectrum`.

    Returns
    -------
    Figure
    """
    figure = new_figure(len(spectra) * PANEL_SIZE[0], 1.45 * PANEL_SIZE[1])
    for ax, (name, one) in zip(
        np.atleast_1d(figure.subplots(1, len(spectra))), spectra.items(), strict=True
    ):
        plot_spectrum(one, ax, title=name)
    return figure
