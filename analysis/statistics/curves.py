"""Curves measured in whole trials, their resampled means and their noise.

A `Curve` holds y(x) of one size for every trial, a `CurveSet` several of them over one list
of trials.  Its means are y = mean(values) / mean(norm), over trials: for a pruning ramp the
values are the signed costs and the norm is the cost of the zero-unit predictor.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sta.analysis.statistics.counts import group_index
from sta.analysis.statistics.resampling import MIN_TRIALS, FloatArray, Seed, resample_counts

# Least standard deviation of a point, as a share of its curve's range: finer structure is not
# resolved by the fits, and the verdict says so.
FLOOR = 0.01


@dataclass(frozen=True)
class Curve:
    """One curve, trial by trial.

    Attributes
    ----------
    size
        The size L of the curve (a width, or whatever the table calls size).
    x
        Abscissa, ascending, shape (P,).
    values
        Shape (T, P); NaN where a trial has no value, a whole row where it takes no part.
    norm
        Normaliser of each trial, shape (T,); NaN where the trial takes no part.
    error
        Standard error of the mean curve if the source states one, shape (P,).
    """

    size: float
    x: FloatArray
    values: FloatArray
    norm: FloatArray
    error: FloatArray | None = None

    @property
    def takes_part(self) -> NDArray[np.bool_]:
        """Which trials have any value here, shape (T,)."""
        return np.asarray(np.isfinite(self.values).any(axis=1))

    def select(self, points: NDArray[np.bool_] | NDArray[np.intp]) -> "Curve":
        """Return the curve at some of its points."""
        error = None if self.error is None else self.error[points]
        return Curve(self.size, self.x[points], self.values[:, points], self.norm, error)


@dataclass(frozen=True)
class CurveSet:
    """Curves over one list of trials.

    Attributes
    ----------
    curves
        The curves, by ascending size.
    trials
        Labels of the T trials, the rows of every curve's values.
    replicated
        False if the source had one curve a size and no trials to resample.
    groups
        Label of the higher level (the teacher) of each trial; empty where each trial is a unit
        of its own.
    """

    curves: tuple[Curve, ...]
    trials: tuple[Hashable, ...]
    replicated: bool = True
    groups: tuple[Hashable, ...] = ()

    def __post_init__(self) -> None:
        """Refuse groups that do not match the trials.

        Raises
        ------
        ShapeError
            If there are groups, but not one a trial.
        """
        if self.groups:
            group_index(self.groups, len(self.trials))

    @property
    def n_trials(self) -> int:
        """Smallest number of trials behind any of the curves (0 if not replicated)."""
        if not self.replicated:
            return 0
        return min(int(curve.takes_part.sum()) for curve in self.curves)

    @property
    def n_units(self) -> int:
        """Smallest number of independent units, groups or else trials, behind any of the curves.

        What the small-sample corrections of an interval need (0 if not replicated).
        """
        if not self.replicated:
            return 0
        return min(self.units_of(curve) for curve in self.curves)

    def units_of(self, curve: Curve) -> int:
        """Return the number of independent units behind one of the curves."""
        return int(np.unique(group_index(self.groups, len(self.trials))[curve.takes_part]).size)

    def only(self, place: int) -> "CurveSet":
        """Return the set with one of its curves, over the same trials."""
        return replace(self, curves=(self.curves[place],))


def strata(curves: CurveSet) -> NDArray[np.int64]:
    """Label the trials: those that share a curve or a group, also through others, share a label.

    Resampling within these labels keeps the trials of a curve exchangeable with each other
    and leaves no curve without trials when sizes have trials of their own.
    """
    n_trials = len(curves.trials)
    takes_part = np.stack([curve.takes_part for curve in curves.curves], axis=1)
    trial, place = np.nonzero(takes_part)
    everyone, group = np.arange(n_trials), group_index(curves.groups, n_trials)
    start = np.concatenate([trial, everyone])
    end = np.concatenate([place, group + len(curves.curves)]) + n_trials
    n_nodes = 2 * n_trials + len(curves.curves)
    links = coo_array((np.ones(start.size), (start, end)), shape=(n_nodes, n_nodes))
    _, labels = connected_components(links, directed=False)
    return np.asarray(labels[:n_trials], dtype=np.int64)


def draw(
    curves: CurveSet, resamples: int, seed: Seed, *, within: bool = False
) -> NDArray[np.int64]:
    """Resample the trials of a set within its strata, shape (resamples, T).

    Groups, if the set has any, are drawn whole: their spread times the small-sample factor of
    `CurveSet.n_units` units is that of a mean over groups, and 95 % intervals cover 91-95 %
    for 3 to 8 groups.  With `within` trials are drawn within them too, which counts the spread
    of trials twice (95-100 %), unless the replicates are scaled as in `bootstrap`.
    """
    return resample_counts(
        len(curves.trials), resamples, seed, strata(curves), curves.groups, within=within
    )


def mean_curve(curve: Curve, counts: ArrayLike | None = None) -> FloatArray:
    """Return the normalised mean y of a curve for each row of counts, shape (B, P).

    Parameters
    ----------
    curve
        The curve.
    counts
        How often each trial was drawn, shape (B, T); every trial once if None.

    Notes
    -----
    A point that no drawn trial covers takes the mean over all trials; a curve whose
    normaliser is not positive is NaN, because its scale has no meaning.
    """
    everyone = np.ones((1, curve.norm.size))
    whole = _ratio(curve, everyone)
    if counts is None:
        return whole
    drawn = _ratio(curve, np.asarray(counts, dtype=float))
    return np.where(np.isfinite(drawn), drawn, whole)


def noise(curve: Curve, replicates: FloatArray, floor: float, n_trials: int) -> FloatArray:
    """Return the standard deviation assigned to each point of the mean curve, shape (P,).

    sigma_i^2 = se_i^2 + (floor * range of y)^2, with se_i the error the source states, else
    the standard deviation of the mean over resamples, else (below three trials) nothing.

    Notes
    -----
    Without the floor a point whose trials agree by construction, as at full width where
    nothing is pruned, would outweigh the rest of the curve.
    """
    whole = mean_curve(curve)[0]
    scale = float(np.ptp(whole)) or 1.0
    if curve.error is not None:
        se = curve.error
    elif n_trials >= MIN_TRIALS and len(replicates):
        se = np.std(replicates, axis=0) * np.sqrt(n_trials / (n_trials - 1.0))
    else:
        se = np.zeros_like(whole)
    sigma: FloatArray = np.hypot(se, floor * scale)
    return sigma


def thin(n_points: int, dense: int, limit: int = 120) -> NDArray[np.intp]:
    """Return indices of at most `limit` of n points: even up to `dense`, then in a growing step.

    A ramp of a student much wider than its teacher is flat on most of its points; thinning
    that part costs nothing and keeps the fits fast.
    """
    if n_points <= limit:
        return np.arange(n_points)
    dense = min(max(dense, 2), n_points - 1)
    head = np.linspace(0, dense, min(dense + 1, 2 * limit // 3))
    tail = np.geomspace(dense, n_points - 1, limit - head.size)
    return np.unique(np.round(np.concatenate([head, tail])).astype(np.intp))


def pivot(
    trial: Sequence[Hashable],
    x: FloatArray,
    y: FloatArray,
    trials: Sequence[Hashable],
) -> tuple[FloatArray, FloatArray]:
    """Spread rows (trial, x, y) to a matrix trials by x; repeated cells are averaged."""
    grid, column = np.unique(x, return_inverse=True)
    order = {label: place for place, label in enumerate(trials)}
    row = np.array([order[label] for label in trial], dtype=np.intp)
    shape = (len(trials), grid.size)
    flat = row * grid.size + column
    number = np.bincount(flat, minlength=shape[0] * shape[1])
    total = np.bincount(flat, weights=y, minlength=shape[0] * shape[1])
    values = np.where(number > 0, total / np.maximum(number, 1), np.nan)
    return grid, values.reshape(shape)


def _ratio(curve: Curve, weights: FloatArray) -> FloatArray:
    there = np.isfinite(curve.values)
    normed = np.isfinite(curve.norm)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (weights @ np.where(there, curve.values, 0.0)) / (weights @ there)
        norm = (weights @ np.where(normed, curve.norm, 0.0)) / (weights @ normed)
    norm = np.where(norm > 0.0, norm, np.nan)
    ratio: FloatArray = mean / norm[:, None]
    return ratio
