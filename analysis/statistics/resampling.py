"""Bootstrap over whole trials, and the estimates it yields.

All points of one pruning ramp come from one trained student, so they are correlated; the
unit that is resampled is therefore the trial, never the point. A resample is a vector of
counts, one a trial, that says how often the trial was drawn; every statistic of this room
is written as a function of such counts, which keeps curves, widths and kinds of one trial
together and makes the resamples one matrix product.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sta.analysis.statistics.checks import finite_vector
from sta.analysis.statistics.counts import (
    FloatArray,
    Seed,
    group_index,
    jackknife_counts,
    resample_counts,
)
from sta.analysis.statistics.estimate import MIN_TRIALS, Estimate, estimate_from_replicates
from sta.analysis.statistics.intervals import (
    METHODS,
    Method,
    bca_interval,
    percentile_interval,
    small_sample_factor,
    studentised_interval,
)
from sta.errors import ConfigError, ShapeError

__all__ = [
    "MIN_TRIALS",
    "Estimate",
    "FloatArray",
    "Method",
    "Seed",
    "Statistic",
    "bca_interval",
    "bootstrap",
    "bootstrap_mean",
    "estimate_from_replicates",
    "jackknife_counts",
    "percentile_interval",
    "resample_counts",
    "small_sample_factor",
    "studentised_interval",
    "trial_groups",
    "trial_sums",
]

_BATCH = 2_000_000  # entries of the counts that are held at once

Statistic = Callable[[FloatArray], ArrayLike]
"""From counts (B, T), not always whole numbers, to one value a row, shape (B,)."""


def bootstrap(
    statistic: Statistic,
    n_trials: int,
    *,
    seed: Seed,
    resamples: int = 2000,
    method: Method = "bca",
    groups: Sequence[Hashable] | None = None,
    strata: ArrayLike | None = None,
    standard_error: Statistic | None = None,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Estimate:
    """Estimate any statistic of whole trials, with a bootstrap interval.

    Parameters
    ----------
    statistic
        From counts to values: `statistic(counts)` with counts of shape (B, n_trials), how
        often each trial enters, gives shape (B,); NaN where it is not defined. For the
        studentised interval without `standard_error` the counts may be fractions.
    n_trials
        Number of trials.
    seed, resamples, strata, groups
        See `resample_counts`. With groups the standard error and the degrees of freedom are
        those of whole groups, see Notes.
    method
        "bca", "percentile" or "studentised", see Notes.
    standard_error
        From counts to the standard error of the statistic, for the studentised interval; by
        default the jackknife over units within each resample, n_units times the work.
    bounds
        Range of the quantity; the interval is cut there.

    Raises
    ------
    ConfigError
        If the method is unknown or there is no trial.
    ShapeError
        If labels are not one a trial.

    Notes
    -----
    With J groups, trials are drawn within drawn groups, and the replicates are then scaled
    about the value so that their spread is that of whole drawn groups: sampling trials again
    within groups would count their variance twice (see `resample_counts`).  The interval is
    stretched for J units, because group means hold the variance of both levels.

    Measured coverage of nominal 95 % (mean of n = 5, 8, 20 trials): normal values, each method
    94-95 %; exponential, percentile 88-93, BCa 89-94, studentised 93-95; lognormal, percentile
    82-87, BCa 84-89, studentised 89-91.  The studentised interval is the one for skewed values,
    but it is 1.5 (normal) to 3.8 (lognormal) times as wide at n = 5, undefined below 5 units and
    where trials tie; hence BCa is the default.

    Examples
    --------
    >>> sample = np.array([1.0, 2.0, 4.0, 7.0, 9.0])
    >>> estimate = bootstrap(lambda c: (c @ sample**2) / (c @ sample), 5, seed=0)
    >>> round(estimate.value, 3)
    6.565
    """
    if method not in METHODS:
        raise ConfigError(f"method is {method!r}: choose 'percentile', 'bca' or 'studentised'")
    if n_trials < 1:
        raise ConfigError("no trial: a bootstrap needs at least 1")
    value = float(_evaluate(statistic, np.ones((1, n_trials)))[0])
    group = group_index(groups, n_trials)
    n_units = _fewest_units(group, strata)
    if n_units < MIN_TRIALS or not np.isfinite(value):
        return _without_interval(value, n_units, bool(groups))
    rng = np.random.default_rng(seed)
    if method == "studentised":
        counts = resample_counts(n_trials, resamples, rng, strata, groups, within=False)
        replicates = _evaluate(statistic, counts)
        if standard_error is None:
            everyone = np.ones((1, n_trials))
            error = float(_jackknife_errors(statistic, everyone, group)[0])
            errors = _jackknife_errors(statistic, counts, group)
        else:
            error = float(_evaluate(standard_error, np.ones((1, n_trials)))[0])
            errors = _evaluate(standard_error, counts)
        return estimate_from_replicates(
            value, replicates, n_units, errors=(error, errors), bounds=bounds
        )
    counts = resample_counts(n_trials, resamples, rng, strata, groups)
    replicates = _evaluate(statistic, counts)
    if groups:
        whole = resample_counts(n_trials, resamples, rng, strata, groups, within=False)
        replicates = _scaled(replicates, _evaluate(statistic, whole), value)
    left_out = None
    if method == "bca":
        left_out = _evaluate(statistic, jackknife_counts(n_trials, groups))
    return estimate_from_replicates(value, replicates, n_units, jackknife=left_out, bounds=bounds)


def bootstrap_mean(
    values: ArrayLike,
    trials: Sequence[Hashable],
    *,
    seed: Seed,
    resamples: int = 2000,
    method: Method = "bca",
    groups: Sequence[Hashable] | None = None,
) -> Estimate:
    """Mean of a sample, with an interval from a bootstrap over whole trials.

    Parameters
    ----------
    values
        One number a student, shape (N,).
    trials
        The trial of each student; students of one trial are drawn together.
    seed, resamples
        See `resample_counts`.
    method
        "bca", "percentile" or "studentised", see `bootstrap`.
    groups
        The higher level (the teacher) of each student, for a bootstrap in two levels.

    Raises
    ------
    ShapeError
        If the values are not finite or not as many as the trials, or a trial is in two groups.
    ConfigError
        If the method is unknown.

    Examples
    --------
    >>> bootstrap_mean([20.0, 22.0], [0, 1], seed=0).reason
    '2 trials: an interval needs at least 3'
    """
    vector = finite_vector(values, "values")
    if len(trials) != vector.size:
        raise ShapeError(f"{vector.size} values but {len(trials)} trials: give one trial a value")
    total, number = trial_sums(vector, trials)
    of_trial = trial_groups(trials, groups)
    member = group_index(of_trial, total.size) == np.arange(total.size)[:, None]

    def mean(counts: FloatArray) -> FloatArray:
        ratio: FloatArray = (counts @ total) / (counts @ number)
        return ratio

    def error(counts: FloatArray) -> FloatArray:
        """Linearised: the root of the sum of squares of unit totals about the mean."""
        m = mean(counts)[:, None]
        of_unit = (counts * (total - m * number)) @ member.T
        times = (counts @ member.T) / np.maximum(member.sum(axis=1), 1)
        n_units = int(member.any(axis=1).sum())
        squares = np.divide(of_unit**2, times, out=np.zeros_like(of_unit), where=times > 0)
        unbiased = n_units / max(n_units - 1.0, 1.0)
        found: FloatArray = np.sqrt(unbiased * squares.sum(axis=1)) / (counts @ number)
        return found

    return bootstrap(
        mean,
        total.size,
        seed=seed,
        resamples=resamples,
        method=method,
        groups=of_trial,
        standard_error=error,
    )


def trial_sums(values: FloatArray, trials: Sequence[Hashable]) -> tuple[FloatArray, FloatArray]:
    """Sum of the values of each trial and their number, in order of first appearance."""
    order = {trial: place for place, trial in enumerate(dict.fromkeys(trials))}
    index = np.array([order[trial] for trial in trials], dtype=np.intp)
    total: FloatArray = np.bincount(index, weights=values).astype(np.float64)
    return total, np.bincount(index).astype(np.float64)


def trial_groups(
    trials: Sequence[Hashable], groups: Sequence[Hashable] | None
) -> tuple[Hashable, ...]:
    """Return the group of each distinct trial, in order of first appearance; empty if None.

    Raises
    ------
    ShapeError
        If there is not one group an entry, or a trial is in two groups.
    """
    if groups is None or len(groups) == 0:
        return ()
    if len(groups) != len(trials):
        raise ShapeError(f"{len(groups)} groups for {len(trials)} entries: give one group each")
    found: dict[Hashable, Hashable] = {}
    for trial, group in zip(trials, groups, strict=True):
        if found.setdefault(trial, group) != group:
            raise ShapeError(f"trial {trial!r} is in the groups {found[trial]!r} and {group!r}")
    return tuple(found.values())


def _evaluate(statistic: Statistic, counts: ArrayLike) -> FloatArray:
    found = np.asarray(statistic(np.asarray(counts, dtype=float)), dtype=float)
    if found.shape != (len(np.asarray(counts)),):
        raise ShapeError(f"the statistic gave shape {found.shape}: give one value a row of counts")
    return found


def _jackknife_errors(
    statistic: Statistic, counts: NDArray[Any], group: NDArray[np.intp]
) -> FloatArray:
    """Leave one drawn copy of a unit out a time: the standard error on each resample."""
    member = group == np.arange(group.max() + 1)[:, None]
    first = member.argmax(axis=1)
    n_units = len(member)
    rows = max(1, _BATCH // (n_units * counts.shape[1]))
    parts = []
    for start in range(0, len(counts), rows):
        some = counts[start : start + rows].astype(float)
        times = some[:, first]
        kept = np.where(times > 0, (times - 1.0) / np.maximum(times, 1.0), 1.0)
        left = some[:, None, :] * np.where(member, kept[:, :, None], 1.0)
        values = _evaluate(statistic, left.reshape(-1, some.shape[1])).reshape(times.shape)
        mean = np.sum(np.where(times > 0, times * values, 0.0), axis=1) / n_units
        square = np.where(times > 0, times * (values - mean[:, None]) ** 2, 0.0).sum(axis=1)
        parts.append(np.sqrt((n_units - 1.0) / n_units * square))
    return np.concatenate(parts)


def _scaled(replicates: FloatArray, whole: FloatArray, value: float) -> FloatArray:
    """Scale replicates about the value to the spread of those of whole groups."""
    spread, wanted = np.nanstd(replicates), np.nanstd(whole)
    if not (spread > 0.0 and np.isfinite(wanted)):
        return replicates
    scaled: FloatArray = value + (replicates - value) * (wanted / spread)
    return scaled


def _fewest_units(group: NDArray[np.intp], strata: ArrayLike | None) -> int:
    """Smallest number of units in any stratum."""
    if strata is None:
        return np.unique(group).size
    labels = np.asarray(strata)
    return min(np.unique(group[labels == label]).size for label in np.unique(labels))


def _without_interval(value: float, n_units: int, grouped: bool) -> Estimate:
    found = estimate_from_replicates(value, [], n_units)
    if grouped and found.value is not None:
        return Estimate(value, reason=found.reason.replace("trial", "group"))
    return found
