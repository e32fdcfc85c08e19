"""Confidence intervals from bootstrap replicates: percentile, BCa, studentised.

References
----------
B. Efron, Better bootstrap confidence intervals, J. Am. Stat. Assoc. 82, 171 (1987).
T. C. Hesterberg, What teachers should know about the bootstrap, Am. Stat. 69, 371 (2015).
P. Hall, Theoretical comparison of bootstrap confidence intervals, Ann. Stat. 16, 927 (1988):
the studentised interval.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri
from scipy.stats import t as student_t

from sta.errors import ConfigError

Method = Literal["percentile", "bca", "studentised"]
METHODS: tuple[Method, ...] = ("percentile", "bca", "studentised")

ONE_SIGMA = 0.6826894921370859
"""Level of the "68 %" interval: that of one standard deviation of a normal."""


def small_sample_factor(n_units: int, level: float = 0.95) -> float:
    """Factor by which a bootstrap interval of `n_units` independent units is too short.

    k = sqrt(n / (n - 1)) t_{n-1} / z: the plug-in variance lacks n / (n - 1), and the normal
    quantile z stands where Student's t belongs. Stretching a percentile interval of a mean
    by k about its value gives the t interval in the normal case, and keeps its asymmetry.

    Notes
    -----
    Units are trials, or groups of trials where groups vary: the variance of a mean over groups
    is estimated from the spread of the group means, which contains that of the trials, and so
    has n_groups - 1 degrees of freedom however many trials there are.
    """
    tail = 0.5 * (1.0 + level)
    if n_units < 2:
        raise ConfigError(f"{n_units} trial: a spread needs at least 2")
    stretch = np.sqrt(n_units / (n_units - 1.0)) * student_t.ppf(tail, n_units - 1)
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
    if not spread > 0.0 or not np.isfinite(z0):
        return percentile_interval(draws, level)
    acceleration = float(np.sum(deviation**3)) / (6.0 * spread**1.5)
    z = z0 + ndtri(np.array([0.5 * (1.0 - level), 0.5 * (1.0 + level)]))
    low, high = np.quantile(draws, ndtr(z0 + z / (1.0 - acceleration * z)))
    return float(low), float(high)


def studentised_interval(
    replicates: ArrayLike,
    errors: ArrayLike,
    value: float,
    error: float,
    level: float = 0.95,
) -> tuple[float, float]:
    """Bootstrap-t interval (Hall 1988), [v - q_high s, v - q_low s].

    Parameters
    ----------
    replicates, errors
        The statistic v* and its standard error s* on each resample, shape (B,).
    value, error
        The statistic v and its standard error s on the sample.
    level
        Nominal coverage; q_low and q_high are the central quantiles of (v* - v) / s*.

    Notes
    -----
    A resample whose trials agree has no standard error and is left out.
    """
    draws = np.asarray(replicates, dtype=float)
    scale = np.asarray(errors, dtype=float)
    usable = np.isfinite(draws) & np.isfinite(scale) & (scale > 1e-9 * error)
    if error == 0.0 or not usable.any():
        return value, value
    low, high = percentile_interval((draws[usable] - value) / scale[usable], level)
    return value - high * error, value - low * error
