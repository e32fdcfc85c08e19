"""How much teachers differ, and how much trials of one teacher differ.

One-way random effects: value = mean + teacher + trial, with variances sigma_b^2 between groups
and sigma_w^2 within.  Groups may be of unequal size.

References
----------
S. R. Searle, G. Casella, C. E. McCulloch, Variance Components (Wiley, 1992), section 3.6: the
estimators.  J. S. Williams, Biometrika 49, 278 (1962) and J. W. Tukey, Biometrika 38, 1 (1951):
the interval of sigma_b^2.  J. D. Thomas, R. A. Hultquist, Ann. Stat. 6, 582 (1978): unequal
groups.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2
from scipy.stats import f as f_distribution

from sta.analysis.statistics.checks import finite_vector
from sta.analysis.statistics.counts import group_index
from sta.analysis.statistics.estimate import Estimate
from sta.analysis.statistics.intervals import ONE_SIGMA
from sta.analysis.statistics.plain import plain_fields


@dataclass(frozen=True)
class VarianceComponents:
    """Variances of a quantity between and within groups.

    Attributes
    ----------
    between
        sigma_b^2, variance of the group effect (the teacher), in the unit of the value squared;
        not below 0.
    within
        sigma_w^2, variance of trials of one group.
    intraclass
        sigma_b^2 / (sigma_b^2 + sigma_w^2): correlation of two trials of one group.
    p_value
        F test of sigma_b^2 = 0; None if it cannot be made.
    n_groups, n_values
        Numbers of groups and of values.
    """

    between: Estimate
    within: Estimate
    intraclass: Estimate
    p_value: float | None
    n_groups: int
    n_values: int

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def variance_components(values: ArrayLike, groups: Sequence[Hashable]) -> VarianceComponents:
    """Estimate the variances between and within groups by one-way analysis of variance.

    Parameters
    ----------
    values
        One number a trial, shape (N,).
    groups
        The group of each value.

    Returns
    -------
    VarianceComponents
        sigma_w^2 = MSW and sigma_b^2 = (MSB - MSW) / n_0, cut at 0, with
        n_0 = (N - sum_j n_j^2 / N) / (J - 1): both are unbiased before the cut.

    Raises
    ------
    ShapeError
        If the values are not finite, or not one group each.

    Notes
    -----
    Intervals suppose normal effects.  That of sigma_w^2 is exact.  Those of sigma_b^2 (Tukey,
    Williams) and of the intraclass correlation (exact for groups of one size) use, for unequal
    groups, the mean square of the group means times the harmonic mean size (Thomas, Hultquist).

    Examples
    --------
    >>> found = variance_components([1.0, 2.0, 5.0, 6.0, 9.0, 10.0], "aabbcc")
    >>> found.between.value, found.within.value
    (15.75, 0.5)
    """
    y = finite_vector(values, "values")
    index = group_index(groups, y.size) if len(groups) else np.zeros(y.size, dtype=np.intp)
    sizes = np.bincount(index).astype(float)
    n_groups, n_values = sizes.size, y.size
    means = np.bincount(index, weights=y) / sizes
    free_between, free_within = n_groups - 1, n_values - n_groups
    reason = _why_not(n_groups, free_within)
    if reason:
        nothing = Estimate(reason=reason)
        return VarianceComponents(nothing, nothing, nothing, None, n_groups, n_values)
    within = float(np.sum((y - means[index]) ** 2)) / free_within
    square = float(np.sum(sizes * (means - y.mean()) ** 2)) / free_between
    typical = (n_values - float(np.sum(sizes**2)) / n_values) / free_between
    between = max((square - within) / typical, 0.0)
    harmonic = n_groups / float(np.sum(1.0 / sizes))
    of_means = harmonic * float(np.var(means, ddof=1))

    def within_interval(level: float) -> tuple[float, float]:
        low, high = chi2.ppf([0.5 * (1 - level), 0.5 * (1 + level)], free_within)
        return float(within * free_within / high), float(within * free_within / low)

    def between_interval(level: float) -> tuple[float, float]:
        tails = [0.5 * (1 + level), 0.5 * (1 - level)]
        scale = free_between / (harmonic * chi2.ppf(tails, free_between))
        excess = of_means - within * f_distribution.ppf(tails, free_between, free_within)
        low, high = np.maximum(scale * excess, 0.0)
        return min(float(low), between), max(float(high), between)

    def intraclass_interval(level: float) -> tuple[float, float]:
        if within == 0.0:
            return (1.0, 1.0) if between > 0.0 else (0.0, 1.0)
        tails = [0.5 * (1 + level), 0.5 * (1 - level)]
        ratio = of_means / within / f_distribution.ppf(tails, free_between, free_within)
        low, high = np.maximum((ratio - 1.0) / (ratio - 1.0 + harmonic), 0.0)
        return min(float(low), correlation), max(float(high), correlation)

    total = between + within
    correlation = between / total if total > 0.0 else 0.0
    p_value = None
    if within > 0.0:
        p_value = float(f_distribution.sf(square / within, free_between, free_within))
    return VarianceComponents(
        _estimate(between, between_interval),
        _estimate(within, within_interval),
        _estimate(correlation, intraclass_interval)
        if total > 0.0
        else Estimate(reason="the values do not vary"),
        p_value,
        n_groups,
        n_values,
    )


def _estimate(value: float, interval: Callable[[float], tuple[float, float]]) -> Estimate:
    return Estimate(value, None, interval(0.95), ci68=interval(ONE_SIGMA))


def _why_not(n_groups: int, free_within: int) -> str:
    if n_groups < 2:
        return f"{n_groups} group: a variance between groups needs at least 2"
    if free_within < 1:
        return f"{n_groups} groups of one trial each: between and within cannot be told apart"
    return ""
