"""Generated curves together with the answer that an analysis of them must find."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sta.analysis.statistics.curves import Curve, CurveSet
from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.resampling import FloatArray
from sta.errors import ConfigError

Truth = Mapping[str, float | None]
Window = float | tuple[float, float]


@dataclass(frozen=True)
class Oracle:
    """Curves y(x) of several sizes L whose critical point and exponents are known.

    Attributes
    ----------
    name
        Name in the registry.
    curves
        The data, one curve a size; row t of every size is an independent trial, and a size
        with fewer trials than another has rows of NaN.
    truth
        x_c, inv_nu, beta_over_nu and beta of y = L^(-beta/nu) F((x - x_c) L^(1/nu)), with
        beta = (beta/nu) / (1/nu) the exponent of the curve of an infinite system; None where
        the quantity is not defined or cannot be identified from y.
    x_name, y_name, size_name
        Words for the axes.
    description
        What is simulated, why the truth holds, and a reference.
    corrections
        Whether leading corrections to scaling are known to matter at these sizes.
    """

    name: str
    curves: CurveSet
    truth: Truth
    x_name: str
    y_name: str
    size_name: str
    description: str
    corrections: bool

    @property
    def table(self) -> pd.DataFrame:
        """The data as rows size, x, y, trial, as `collapse_table` takes them."""
        parts = []
        for curve in self.curves.curves:
            row, column = np.nonzero(np.isfinite(curve.values))
            y = curve.values[row, column] / curve.norm[row]
            trial = np.asarray(self.curves.trials)[row]
            columns = {"size": curve.size, "x": curve.x[column], "y": y, "trial": trial}
            parts.append(pd.DataFrame(columns))
        return pd.concat(parts, ignore_index=True)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the data, as plain JSON values."""
        return plain_fields(self, "curves")


def truth(
    x_c: float | None = None,
    inv_nu: float | None = None,
    beta_over_nu: float | None = None,
    beta: float | None = None,
) -> dict[str, float | None]:
    """Return the four true values; beta follows from the other two exponents if not given.

    Examples
    --------
    >>> truth(1.0, 0.5, 0.25)
    {'x_c': 1.0, 'inv_nu': 0.5, 'beta_over_nu': 0.25, 'beta': 0.5}
    """
    if beta is None and inv_nu is not None and beta_over_nu is not None:
        beta = beta_over_nu / inv_nu
    return {"x_c": x_c, "inv_nu": inv_nu, "beta_over_nu": beta_over_nu, "beta": beta}


def plan(sizes: Sequence[int], trials: int | Sequence[int], least: int = 2) -> dict[int, int]:
    """Return the number of trials of each size, by ascending size.

    Raises
    ------
    ConfigError
        If a size is below `least`, given twice or not whole, or the trials do not match.
    """
    counts = [trials] * len(sizes) if isinstance(trials, int) else list(trials)
    if len(counts) != len(sizes):
        raise ConfigError(f"{len(counts)} numbers of trials for {len(sizes)} sizes: give one each")
    if not counts or min(counts) < 1:
        raise ConfigError(f"sizes {tuple(sizes)}, trials {trials}: give at least one of each")
    for size in sizes:
        if size != int(size) or size < least:
            raise ConfigError(f"size {size} is not a whole number of at least {least}")
    if len(set(sizes)) < len(sizes):
        raise ConfigError(f"sizes {tuple(sizes)} hold one twice: raise its trials instead")
    return {int(size): int(n) for size, n in sorted(zip(sizes, counts, strict=True))}


def scaled_grid(x_c: float, inv_nu: float, size: int, window: Window, points: int) -> FloatArray:
    """Return x whose scaled distance (x - x_c) L^(1/nu) is even over the window, shape (P,).

    Raises
    ------
    ConfigError
        If the window (a half-width, or its two ends) is empty, or there are too few points.
    """
    low, high = window if isinstance(window, tuple) else (-window, window)
    if not low < high:
        raise ConfigError(f"the window from {low} to {high} is empty: give its ends ascending")
    if points < 2:
        raise ConfigError(f"points is {points}: give at least 2 a size")
    scaled = np.linspace(low, high, points)
    return np.asarray(x_c + scaled * float(size) ** -inv_nu, dtype=float)


def kept_grid(width: int, x_max: float, points: int | None) -> FloatArray:
    """Return whole numbers n from 0 to x_max * width, all or about `points` of them, shape (P,).

    Raises
    ------
    ConfigError
        If the grid has fewer than two points.
    """
    last = int(np.floor(x_max * width + 1e-9))
    if last < 1 or (points is not None and points < 2):
        raise ConfigError(f"x_max {x_max}, points {points} at width {width}: fewer than 2 points")
    number = last + 1 if points is None else min(points, last + 1)
    return np.unique(np.round(np.linspace(0, last, number)))


def curve_set(sizes: Sequence[int], x: Sequence[FloatArray], y: Sequence[FloatArray]) -> CurveSet:
    """Join curves with values (trials, points); sizes with fewer trials get rows of NaN."""
    n_trials = max(values.shape[0] for values in y)
    curves = []
    for size, grid, values in zip(sizes, x, y, strict=True):
        filled = np.full((n_trials, grid.size), np.nan)
        filled[: values.shape[0]] = values
        norm = np.where(np.arange(n_trials) < values.shape[0], 1.0, np.nan)
        curves.append(Curve(float(size), grid, filled, norm))
    return CurveSet(tuple(curves), tuple(range(n_trials)))
