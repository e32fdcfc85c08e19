"""A number with its uncertainty, or the reason why it has none."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sta.analysis.statistics.counts import FloatArray
from sta.analysis.statistics.intervals import (
    ONE_SIGMA,
    bca_interval,
    percentile_interval,
    small_sample_factor,
    studentised_interval,
)

MIN_TRIALS = 3
MIN_STUDENTISED = 5


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
    ci68
        68.3 % confidence interval (low, high), one standard deviation of a normal either side.
    """

    value: float | None = None
    se: float | None = None
    ci95: tuple[float, float] | None = None
    systematic: float | None = None
    reason: str = ""
    ci68: tuple[float, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the keys value, se, ci95, ci68 and systematic, as plain JSON values."""
        ci95 = None if self.ci95 is None else list(self.ci95)
        ci68 = None if self.ci68 is None else list(self.ci68)
        return {
            "value": self.value,
            "se": self.se,
            "ci95": ci95,
            "ci68": ci68,
            "systematic": self.systematic,
        }


def quotable(estimate: Estimate) -> Estimate:
    """Return the estimate if it has an interval, else null with the reason why it has none."""
    if estimate.value is None or estimate.ci95 is not None:
        return estimate
    return Estimate(reason=estimate.reason or "no interval is known")


def estimate_from_replicates(
    value: float | None,
    replicates: ArrayLike,
    n_trials: int,
    *,
    jackknife: ArrayLike | None = None,
    errors: tuple[float, ArrayLike] | None = None,
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
        Number of independent units behind the value (trials, or groups where groups were
        drawn); below 3 there is no interval.
    jackknife
        Leave-one-unit-out values; if given, the interval is BCa.
    errors
        Standard error on the sample and on each resample; if given, the interval is
        studentised, from 5 units on. With neither of the two it is the percentile interval.
    bounds
        Range of the quantity; the interval is cut there.
    systematic
        Passed through.

    Notes
    -----
    Percentile and BCa intervals are stretched about the value by `small_sample_factor`.
    """
    if value is None or not np.isfinite(value):
        return Estimate(reason="the value is not defined on this sample")
    value = float(value)
    draws = np.asarray(replicates, dtype=float)
    there = np.isfinite(draws)
    finite = draws[there]
    reason = _why_no_interval(n_trials, draws.size, finite.size)
    if errors is not None and not reason:
        reason = _why_not_studentised(n_trials, errors[0], np.asarray(errors[1])[there])
    if reason:
        return Estimate(value, systematic=systematic, reason=reason)

    def interval(level: float) -> tuple[float, float]:
        stretch = 1.0
        if errors is not None:
            scale = np.asarray(errors[1], dtype=float)[there]
            low, high = studentised_interval(finite, scale, value, errors[0], level)
        else:
            stretch = small_sample_factor(n_trials, level)
            if jackknife is None:
                low, high = percentile_interval(finite, level)
            else:
                low, high = bca_interval(finite, value, jackknife, level)
        return (
            min(max(value - stretch * (value - low), bounds[0]), value),
            max(min(value + stretch * (high - value), bounds[1]), value),
        )

    se = float(np.std(finite)) * float(np.sqrt(n_trials / (n_trials - 1.0)))
    return Estimate(value, se, interval(0.95), systematic, ci68=interval(ONE_SIGMA))


def transformed(estimate: Estimate, law: Callable[[float], float]) -> Estimate:
    """Carry an estimate through an increasing function, end by end.

    The standard error becomes half the transformed interval value +- se.

    Examples
    --------
    >>> transformed(Estimate(1.0, 0.1, (0.5, 2.0)), lambda value: 10.0**value).ci95
    (3.1622776601683795, 100.0)
    """
    if estimate.value is None:
        return estimate

    def ends(pair: tuple[float, float] | None) -> tuple[float, float] | None:
        return None if pair is None else (law(pair[0]), law(pair[1]))

    around = None
    if estimate.se is not None:
        around = ends((estimate.value - estimate.se, estimate.value + estimate.se))
    return Estimate(
        law(estimate.value),
        None if around is None else 0.5 * (around[1] - around[0]),
        ends(estimate.ci95),
        reason=estimate.reason,
        ci68=ends(estimate.ci68),
    )


def _why_not_studentised(n_trials: int, error: float, errors: FloatArray) -> str:
    if n_trials < MIN_STUDENTISED:
        return (
            f"{n_trials} units: a studentised interval needs at least {MIN_STUDENTISED}, take BCa"
        )
    if not np.isfinite(error):
        return "the standard error is not defined on this sample"
    if error == 0.0:
        return ""
    usable = int(np.sum(np.isfinite(errors) & (errors > 1e-9 * error)))
    if usable < 0.9 * errors.size:
        return f"only {usable} of {errors.size} resamples have a standard error: take BCa"
    return ""


def _why_no_interval(n_trials: int, n_draws: int, n_finite: int) -> str:
    if n_trials < MIN_TRIALS:
        plural = "" if n_trials == 1 else "s"
        return f"{n_trials} trial{plural}: an interval needs at least {MIN_TRIALS}"
    if n_draws == 0:
        return "no resamples were drawn"
    if n_finite < 0.9 * n_draws:
        return f"only {n_finite} of {n_draws} resamples gave a finite value"
    return ""
