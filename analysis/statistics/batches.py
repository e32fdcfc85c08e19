"""Very many trials: averages of batches, which are trials again, or only the first of them."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sta.analysis.statistics.curves import Curve, CurveSet
from sta.analysis.statistics.resampling import FloatArray


def batched(curves: CurveSet, most: int) -> CurveSet:
    """Average trials in batches so that at most about `most` remain.

    The mean curve and its covariance keep their expected values: the mean of m independent
    trials varies 1 / sqrt(m) as much, and there are m times fewer.  Batches hold trials that
    take part in the same curves.  Sets with groups stay as they are.

    Examples
    --------
    >>> values = np.arange(12.0).reshape(6, 2)
    >>> curves = CurveSet((Curve(1.0, np.arange(2.0), values, np.ones(6)),), tuple(range(6)))
    >>> batched(curves, 3).curves[0].values.tolist()
    [[1.0, 2.0], [5.0, 6.0], [9.0, 10.0]]
    """
    n_trials = len(curves.trials)
    if n_trials <= most or curves.groups or not curves.replicated:
        return curves
    takes_part = np.stack([curve.takes_part for curve in curves.curves], axis=1)
    _, pattern = np.unique(takes_part, axis=0, return_inverse=True)
    batch = np.empty(n_trials, dtype=np.intp)
    used = 0
    for label in np.unique(pattern):
        mine = np.flatnonzero(pattern.ravel() == label)
        number = max(min(mine.size, 3), round(most * mine.size / n_trials))
        batch[mine] = used + np.arange(mine.size) * number // mine.size
        used += number
    averaged = tuple(_averaged(curve, batch, used) for curve in curves.curves)
    return CurveSet(averaged, tuple(range(used)))


def first_trials(curves: CurveSet, most: int) -> CurveSet:
    """Return the set with only the first `most` trials; all of them if there are groups."""
    if len(curves.trials) <= most or curves.groups:
        return curves
    cut = [
        replace(curve, values=curve.values[:most], norm=curve.norm[:most])
        for curve in curves.curves
        if curve.takes_part[:most].any()
    ]
    return replace(curves, curves=tuple(cut), trials=curves.trials[:most])


def _averaged(curve: Curve, batch: NDArray[np.intp], number: int) -> Curve:
    values = np.stack([_means(column, batch, number) for column in curve.values.T], axis=1)
    return replace(curve, values=values, norm=_means(curve.norm, batch, number))


def _means(column: FloatArray, batch: NDArray[np.intp], number: int) -> FloatArray:
    there = np.isfinite(column)
    total = np.bincount(batch[there], weights=column[there], minlength=number)
    count = np.bincount(batch[there], minlength=number)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
