"""Models of a threshold drawn over the mean curves they were fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy.stats import t as student_t

from sta.analysis.figures.collapse import size_label, size_styles
from sta.analysis.figures.ramps import MODEL_STYLES, model_curve
from sta.analysis.figures.style import axes_or_new, place_legend, themed
from sta.analysis.statistics.covariance import trial_residuals
from sta.analysis.statistics.curves import Curve, CurveSet, mean_curve

LINEAR_BELOW = 1e-4  # as a share of the largest mean


@themed
def plot_threshold_fits(
    curves: CurveSet,
    fits: Mapping[str, Mapping[str, Any]],
    ax: Axes | None = None,
    *,
    models: Sequence[str] | None = None,
    log: bool = False,
    x_label: str = "$x$",
    y_label: str = "$y$",
) -> Axes:
    """Draw mean curves as points with 95 % intervals, and the models fitted to them.

    Parameters
    ----------
    curves : CurveSet
        The curves that were fitted, one or several of one shared shape.
    fits : mapping from model to mapping
        Each with the keys model, success, parameters and x_range of ``ModelFit.to_dict``; a
        model whose fit failed is left out, and other keys are not read.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    models : sequence of str, optional
        Which models to draw; all unless told.
    log : bool
        Whether the ordinate is logarithmic, and linear below 1e-4 of the largest mean.
    x_label, y_label : str
        Names of the axes.

    Returns
    -------
    Axes

    Notes
    -----
    A fit shared by several curves states no amplitude and offset. Each curve then has those of
    least squares, weighted by its standard errors, at the shared shape.
    """
    ax = axes_or_new(ax)
    styles = size_styles(curve.size for curve in curves.curves)
    for curve in curves.curves:
        style = styles[curve.size]
        ax.errorbar(
            curve.x, mean_curve(curve)[0], _half_interval(curves, curve), color=style.color,
            marker=style.marker, linestyle="", markersize=3, elinewidth=0.7,
            label=size_label(curve.size), zorder=4,
        )  # fmt: skip
    for model, look in MODEL_STYLES.items():
        fit = fits.get(model)
        if fit is None or not fit["success"] or (models is not None and model not in models):
            continue
        for number, curve in enumerate(curves.curves):
            x = np.linspace(float(curve.x[0]), float(curve.x[-1]), 400)
            ax.plot(
                x, _fitted(fit, curve, x), color=look.color, linestyle=look.dash, linewidth=1.2,
                label="" if number else model, zorder=3,
            )  # fmt: skip
    if log:
        top = max(float(np.max(np.abs(mean_curve(curve)[0]))) for curve in curves.curves)
        ax.set_yscale("symlog", linthresh=LINEAR_BELOW * top, linscale=0.5)
        ax.set_ylim(-LINEAR_BELOW * top, 2 * top)
    ax.margins(x=0.02)
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    place_legend(ax)
    return ax


def _fitted(fit: Mapping[str, Any], curve: Curve, x: NDArray[np.float64]) -> NDArray[np.float64]:
    if "c" in fit["parameters"]:
        return model_curve(fit, x)
    unit = {"A": {"value": 1.0}, "a": {"value": 1.0}, "c": {"value": 0.0}}
    shape = {**fit, "parameters": {**fit["parameters"], **unit}}
    error = _standard_error(curve)
    weight = 1.0 / error if np.all(error > 0.0) else np.ones_like(curve.x)
    columns = np.stack([model_curve(shape, curve.x), np.ones_like(curve.x)], axis=1)
    scale = np.linalg.lstsq(columns * weight[:, None], mean_curve(curve)[0] * weight, rcond=None)[0]
    return np.asarray(scale[0] * model_curve(shape, x) + scale[1])


def _half_interval(curves: CurveSet, curve: Curve) -> NDArray[np.float64] | None:
    """Half the 95 % interval of each point of the mean; None if there is nothing to tell it."""
    error = _standard_error(curve)
    if not curves.replicated or curve.error is not None:
        return 1.96 * error if np.any(error > 0.0) else None
    units = curves.units_of(curve)
    return error * float(student_t.ppf(0.975, units - 1)) if units > 1 else None


def _standard_error(curve: Curve) -> NDArray[np.float64]:
    """Return the standard error of each point of the mean; 0 where no two trials tell it."""
    if curve.error is not None:
        return curve.error
    residuals = trial_residuals(curve)
    number = np.isfinite(residuals).sum(axis=0)
    square = np.nansum(residuals**2, axis=0) / np.maximum(number - 1, 1)
    return np.asarray(np.where(number > 1, np.sqrt(square / np.maximum(number, 1)), 0.0))
