"""Bootstrap over whole trials, and the estimates it yields.

All points of one pruning ramp come from one trained student, so they are correlated; the
unit that is resampled is therefore the trial, never the point. A resample is a vector of
counts, one a trial, that says how often the trial was drawn; every statistic of this room
is written as a function of such counts, which keeps curves, widths and kinds of one trial
together and makes the resamples one matrix product.

References
----------
B. Efron, Better bootstrap confidence intervals, J. Am. Stat. Assoc. 82, 171 (1987).
T. C. Hesterberg, What teachers should know about the bootstrap, Am. Stat. 69, 371 (2015).
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import t as student_t

from sta.analysis.statistics.checks import finite_vector
from sta.errors import ConfigError, ShapeError

FloatArray = NDArray[np.float64]
Seed = int | np.random.SeedSequence | np.random.Generator
Method = Literal["percentile", "bca"]

MIN_TRIALS = 3


@dataclass(frozen=True)
class Estimate:
    """A number with its uncertainty; None stands for what could not be computed.

    Attributes
    ----------
    value
        Point estimate, in the unit of the quantity.
    se
        Standard error: standard deviation over resamples, times sqrt(n / (n - 1)).
    ci95
        95 % confidence interval (low, high).
    systematic
        Half the range of `value` over the analysis choices that were tried.
    reason
        Why something above is None; empty otherwise.
    """

    value: float | None = None
    se: float | None = None
    ci95: tuple[float, float] | None = None
    systematic: float | None = None
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the four keys value, se, ci95 and systematic, as plain JSON values."""
        ci95 = None if self.ci95 is None else list(self.ci95)
        return {"value": self.value, "se": self.se, "ci95": ci95, "systematic": self.systematic}


def resample_counts(
    n_trials: int, resamples: int, seed: Seed, strata: ArrayLike | None = None
) -> NDArray[np.int64]:
    """Draw trials with replacement: how often each was drawn, shape (resamples, n_trials).

    Parameters
    ----------
    n_trials, resamples
        Number of trials (columns) and of resamples (rows).
    seed
        Anything `numpy.random.default_rng` takes; the same seed gives the same counts.
    strata
        A label a trial; trials are exchanged only within a label. One stratum if None.

    Raises
    ------
    ConfigError
        If there is no trial or no resample to draw.
    ShapeError
        If `strata` has not one label a trial.

    Examples
    --------
    >>> resample_counts(4, 2, seed=0).sum(axis=1)
    array([4, 4])
    """
    if n_trials < 1 or resamples < 1:
        raise ConfigError(f"{resamples} resamples of {n_trials} trials: both must be at least 1")
    labels = np.zeros(n_trials, dtype=int) if strata is None else np.asarray(strata)
    if labels.shape != (n_trials,):
        raise ShapeError(f"strata has shape {labels.shape}: give one label for each of {n_trials}")
    rng = np.random.default_rng(seed)
    counts = np.zeros((resamples, n_trials), dtype=np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        size = members.size
        counts[:, members] = rng.multinomial(size, np.full(size, 1.0 / size), size=resamples)
    return counts


def small_sample_factor(n_trials: int, level: float = 0.95) -> float:
    """Factor by which a bootstrap interval of `n_trials` trials is too short.

    k = sqrt(n / (n - 1)) t_{n-1} / z: the plug-in variance lacks n / (n - 1), and the normal
    quantile z stands where Student's t belongs. Stretching a percentile interval of a mean
    by k about its value gives the t interval in the normal case, and keeps its asymmetry.
    """
    tail = 0.5 * (1.0 + level)
    if n_trials < 2:
        raise ConfigError(f"{n_trials} trial: a spread needs at least 2")
    stretch = np.sqrt(n_trials / (n_trials - 1.0)) * student_t.ppf(tail, n_trials - 1)
    return float(stretch / ndtri(tail))


def percentile_interval(replicates: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Central `level` quantiles of the replicates."""
    tail = 0.5 * (1.0 - level)
    low, high = np.quantile(np.asarray(replicates, dtype=float), [tail, 1.0 - tail])
    return float(low), float(high)


def bca_interval(
    replicates: ArrayLike, value: float, jackknife: ArrayLike, level: float = 0.95
) -> tuple[float, float]:
    """Bias-corrected and accelerated interval (Efron 1987).

    The quantiles are taken at Phi(z0 + (z0 + z) / (1 - a (z0 + z))), with z0 the normal
    score of the share of replicates below `value` (ties count half) and a the acceleration
    from the leave-one-trial-out values.  Where either is undefined, the percentile interval.
    """
    draws = np.asarray(replicates, dtype=float)
    left_out = np.asarray(jackknife, dtype=float)
    deviation = left_out.mean() - left_out
    spread = float(np.sum(deviation**2))
    z0 = float(ndtri(0.5 * np.mean(draws < value) + 0.5 * np.mean(draws <= value)))
    if spread == 0.0 or not np.isfinite(z0):
        return percentile_interval(draws, level)
    acceleration = float(np.sum(deviation**3)) / (6.0 * spread**1.5)
    z = z0 + ndtri(np.array([0.5 * (1.0 - level), 0.5 * (1.0 + level)]))
    low, high = np.quantile(draws, ndtr(z0 + z / (1.0 - acceleration * z)))
    return float(low), float(high)


def estimate_from_replicates(
    value: float | None,
    replicates: ArrayLike,
    n_trials: int,
    *,
    jackknife: ArrayLike | None = None,
    bounds: tuple[float, float] = (-np.inf, np.inf),
    systematic: float | None = None,
) -> Estimate:
    """Make an `Estimate` of a value and its bootstrap replicates.

    Parameters
    ----------
    value
        The statistic on the whole sample.
    replicates
        The statistic on each resample; those that are not finite are left out, and more
        than a tenth of them leave the interval out.
    n_trials
        Number of independent trials behind the value; below 3 there is no interval.
    jackknife
        Leave-one-trial-out values; if given, the interval is BCa, else percentile.
    bounds
        Range of the quantity; the interval is cut there.
    systematic
        Passed through.

    Notes
    -----
    The interval is stretched about the value by `small_sample_factor`.
    """
    if value is None or not np.isfinite(value):
        return Estimate(reason="the value is not defined on this sample")
    value = float(value)
    draws = np.asarray(replicates, dtype=float)
    finite = draws[np.isfinite(draws)]
    reason = _why_no_interval(n_trials, draws.size, finite.size)
    if reason:
        return Estimate(value, systematic=systematic, reason=reason)
    if jackknife is None:
        low, high = percentile_interval(finite)
    else:
        low, high = bca_interval(finite, value, jackknife)
    stretch = small_sample_factor(n_trials)
    low = min(max(value - stretch * (value - low), bounds[0]), value)
    high = max(min(value + stretch * (high - value), bounds[1]), value)
    se = float(np.std(finite)) * float(np.sqrt(n_trials / (n_trials - 1.0)))
    return Estimate(value, se, (low, high), systematic)


def bootstrap_mean(
    values: ArrayLike,
    trials: Sequence[Hashable],
    *,
    seed: Seed,
    resamples: int = 2000,
    method: Method = "bca",
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
        "bca" or "percentile".

    Raises
    ------
    ShapeError
        If the values are not finite or not as many as the trials.
    ConfigError
        If the method is unknown.

    Examples
    --------
    >>> bootstrap_mean([20.0, 22.0], [0, 1], seed=0).reason
    '2 trials: an interval needs at least 3'
    """
    if method not in ("bca", "percentile"):
        raise ConfigError(f"method is {method!r}: choose 'bca' or 'percentile'")
    vector = finite_vector(values, "values")
    if len(trials) != vector.size:
        raise ShapeError(f"{vector.size} values but {len(trials)} trials: give one trial a value")
    total, number = trial_sums(vector, trials)
    n_trials = total.size
    value = float(total.sum() / number.sum())
    if n_trials < MIN_TRIALS:
        return estimate_from_replicates(value, [], n_trials)
    counts = resample_counts(n_trials, resamples, seed)
    replicates = (counts @ total) / (counts @ number)
    jackknife = (total.sum() - total) / (number.sum() - number)
    return estimate_from_replicates(
        value, replicates, n_trials, jackknife=jackknife if method == "bca" else None
    )


def trial_sums(values: FloatArray, trials: Sequence[Hashable]) -> tuple[FloatArray, FloatArray]:
    """Sum of the values of each trial and their number, in order of first appearance."""
    order = {trial: place for place, trial in enumerate(dict.fromkeys(trials))}
    index = np.array([order[trial] for trial in trials], dtype=np.intp)
    total: FloatArray = np.bincount(index, weights=values).astype(np.float64)
    return total, np.bincount(index).astype(np.float64)


def _why_no_interval(n_trials: int, n_draws: int, n_finite: int) -> str:
    if n_trials < MIN_TRIALS:
        plural = "" if n_trials == 1 else "s"
        return f"{n_trials} trial{plural}: an interval needs at least {MIN_TRIALS}"
    if n_draws == 0:
        return "no resamples were drawn"
    if n_finite < 0.9 * n_draws:
        return f"only {n_finite} of {n_draws} resamples gave a finite value"
    return ""
