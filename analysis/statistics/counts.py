"""Resamples as counts: how often each trial was drawn, flat or in two levels.

The trials of one teacher share its weights, so they are no independent draws from all teachers:
the higher level (the group) is drawn first, and its trials after it.

References
----------
A. C. Davison, D. V. Hinkley, Bootstrap Methods and their Application (Cambridge, 1997),
section 3.8: the two ways of resampling hierarchical data.
"""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sta.errors import ConfigError, ShapeError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Seed = int | np.random.SeedSequence | np.random.Generator


def resample_counts(
    n_trials: int,
    resamples: int,
    seed: Seed,
    strata: ArrayLike | None = None,
    groups: Sequence[Hashable] | None = None,
    *,
    within: bool = True,
) -> IntArray:
    """Draw trials with replacement: how often each was drawn, shape (resamples, n_trials).

    Parameters
    ----------
    n_trials, resamples
        Number of trials (columns) and of resamples (rows).
    seed
        Anything `numpy.random.default_rng` takes; the same seed gives the same counts.
    strata
        A label a trial; trials are exchanged only within a label. One stratum if None.
    groups
        Label of the higher level (the teacher) of each trial; each trial alone if None or
        empty. Groups are drawn with replacement, then as many trials as each drawn group has
        from within it. A stratum of one group has its trials drawn, for want of other groups.
    within
        If False, a drawn group keeps its trials as they are.

    Raises
    ------
    ConfigError
        If there is no trial or no resample to draw.
    ShapeError
        If `strata` or `groups` has not one label a trial.

    Notes
    -----
    For the mean of J groups of n trials, with mean squares MSB and MSW, the variance over
    resamples is [(J - 1)/J MSB + (n - 1)/n MSW] / (J n) if trials are drawn within groups, and
    lacks the second term if they are not.  The variance of the mean is E[MSB] / (J n): the
    means of groups already vary with their trials.  Whole groups times J / (J - 1) are hence
    unbiased; drawing within smooths the resamples, and must be scaled (see `bootstrap`).

    Examples
    --------
    >>> resample_counts(4, 2, seed=0).sum(axis=1)
    array([4, 4])
    >>> counts = resample_counts(4, 50, seed=0, groups="aabb", within=False)
    >>> bool((counts[:, 0] == counts[:, 1]).all())
    True
    """
    if n_trials < 1 or resamples < 1:
        raise ConfigError(f"{resamples} resamples of {n_trials} trials: both must be at least 1")
    labels = np.zeros(n_trials, dtype=int) if strata is None else np.asarray(strata)
    if labels.shape != (n_trials,):
        raise ShapeError(f"strata has shape {labels.shape}: give one label for each of {n_trials}")
    group = group_index(groups, n_trials)
    flat = groups is None or len(groups) == 0
    rng = np.random.default_rng(seed)
    counts = np.zeros((resamples, n_trials), dtype=np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        parts = [members] if flat else _parts(members, group)
        if len(parts) == 1:
            size = members.size
            counts[:, members] = rng.multinomial(size, np.full(size, 1.0 / size), size=resamples)
            continue
        drawn = rng.multinomial(len(parts), np.full(len(parts), 1.0 / len(parts)), size=resamples)
        for part, times in zip(parts, drawn.T, strict=True):
            if within:
                even = np.full(part.size, 1.0 / part.size)
                counts[:, part] = rng.multinomial(times * part.size, even)
            else:
                counts[:, part] = times[:, None]
    return counts


def jackknife_counts(n_trials: int, groups: Sequence[Hashable] | None = None) -> IntArray:
    """Leave each unit out in turn: counts of 0 and 1, shape (units, n_trials).

    A unit is a group with all its trials, or a trial if `groups` is None or empty.

    Raises
    ------
    ShapeError
        If `groups` has not one label a trial.

    Examples
    --------
    >>> jackknife_counts(3, groups=("a", "a", "b"))
    array([[0, 0, 1],
           [1, 1, 0]])
    """
    group = group_index(groups, n_trials)
    kept = group != np.arange(group.max(initial=-1) + 1)[:, None]
    return np.asarray(kept, dtype=np.int64)


def group_index(groups: Sequence[Hashable] | None, n_trials: int) -> NDArray[np.intp]:
    """Return the unit of each trial, numbered in order of first appearance, shape (n_trials,).

    Raises
    ------
    ShapeError
        If `groups` has not one label a trial.
    """
    if groups is None or len(groups) == 0:
        return np.arange(n_trials, dtype=np.intp)
    if len(groups) != n_trials:
        raise ShapeError(f"{len(groups)} groups for {n_trials} trials: give one group a trial")
    order = {label: place for place, label in enumerate(dict.fromkeys(groups))}
    return np.array([order[label] for label in groups], dtype=np.intp)


def _parts(members: NDArray[np.intp], group: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Split the trials of a stratum by group."""
    return [members[group[members] == label] for label in np.unique(group[members])]
