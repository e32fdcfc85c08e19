"""Escape times against the size: a transition whose control parameter is alpha / log N.

Noise of size N^(-1/2), amplified at a rate lambda, leaves a plateau at alpha = (log N + c) /
(2 lambda) with fluctuations that do not depend on N. In kappa = alpha / log N the escaped fraction
is a step that sharpens like 1 / log N: there is a threshold, and no exponent nu.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import false_discovery_control, ks_2samp, t

from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.resampling import Estimate, FloatArray
from sta.analysis.statistics.table import collapse_table
from sta.analysis.statistics.transition.power_laws import tail_probability, weighted_line
from sta.errors import ShapeError

MIN_RUNS = 8
MIN_SIZES = 2
MIN_COLLAPSED = 3
GRID = 21


@dataclass(frozen=True)
class EscapeScaling:
    """How escape times depend on the size.

    Attributes
    ----------
    sizes
        N, ascending.
    mean, standard_error, std
        Of alpha over runs, for each size.
    escaped
        Share of runs that escaped at all.
    rate
        lambda = 1 / (2 slope) of the mean against log N.
    critical
        kappa_c = slope, where alpha / log N tends to.
    fit_p_value
        chi2 of the straight line; None with two sizes.
    shape_p_value
        Smallest p-value, corrected for their number, of Kolmogorov-Smirnov tests between
        neighbouring sizes of alpha - slope log N: small where the law of the delay changes with N.
    fraction_at_critical
        Share escaped by kappa_c log N for each size; it does not change with N.
    power_law
        Result of the usual scaling collapse of the escaped fraction against kappa: whether
        exponents are identified, and its verdict; None with fewer than three sizes.
    message
        What follows, in words.
    """

    sizes: tuple[int, ...]
    mean: tuple[float, ...]
    standard_error: tuple[float, ...]
    std: tuple[float, ...]
    escaped: tuple[float, ...]
    rate: Estimate
    critical: Estimate
    fit_p_value: float | None
    shape_p_value: float
    fraction_at_critical: tuple[float, ...]
    power_law: Mapping[str, Any] | None
    message: str

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def escape_scaling(times: Mapping[int, ArrayLike], *, seed: int = 0) -> EscapeScaling:
    """Fit the logarithmic law to escape times, and see whether a power law can be had.

    Parameters
    ----------
    times
        Escape times alpha of independent runs, for two sizes N or more; NaN where a run did not
        escape, which is refused for more than 5 % of runs because means would be too early.
    seed
        Of the collapse.

    Raises
    ------
    ShapeError
        If there are too few sizes or runs, or too many that did not escape.
    """
    sizes = tuple(sorted(times))
    runs = [np.asarray(times[size], dtype=float).ravel() for size in sizes]
    _check(sizes, runs)
    seen = [one[np.isfinite(one)] for one in runs]
    mean = np.array([one.mean() for one in seen])
    std = np.array([one.std(ddof=1) for one in seen])
    error = std / np.sqrt([one.size for one in seen])
    log_n = np.log(np.array(sizes, dtype=float))
    slope, _, chi2 = (float(part[0]) for part in weighted_line(log_n, mean[None], error))
    weight = error**-2.0
    centre = float(weight @ log_n / weight.sum())
    slope_error = float((weight @ (log_n - centre) ** 2) ** -0.5)
    freedom = int(sum(one.size for one in seen)) - 2
    reach = float(t.ppf(0.975, freedom)) * slope_error
    critical = Estimate(slope, slope_error, (slope - reach, slope + reach))
    ends = (0.5 / (slope + reach), 0.5 / (slope - reach)) if slope > reach else None
    reason = "" if ends else "the slope is compatible with zero"
    rate = Estimate(0.5 / slope, 0.5 * slope_error / slope**2, ends, reason=reason)
    shifted = [one - slope * depth for one, depth in zip(seen, log_n, strict=True)]
    p_values = [ks_2samp(one, other).pvalue for one, other in pairwise(shifted)]
    power = _power_law(sizes, runs, seed) if len(sizes) >= MIN_COLLAPSED else None
    return EscapeScaling(
        sizes,
        tuple(mean.tolist()),
        tuple(error.tolist()),
        tuple(std.tolist()),
        tuple(one.size / all_.size for one, all_ in zip(seen, runs, strict=True)),
        rate,
        critical,
        tail_probability(chi2, len(sizes) - 2) if len(sizes) > MIN_SIZES else None,
        float(min(false_discovery_control(p_values))),
        tuple(float(np.mean(one <= slope * d)) for one, d in zip(runs, log_n, strict=True)),
        power,
        _message(critical, power),
    )


def _check(sizes: tuple[int, ...], runs: list[FloatArray]) -> None:
    if len(sizes) < MIN_SIZES:
        raise ShapeError(f"{len(sizes)} size: give escape times of at least {MIN_SIZES} sizes N")
    for size, one in zip(sizes, runs, strict=True):
        share = float(np.mean(np.isfinite(one))) if one.size else 0.0
        if one.size < MIN_RUNS:
            raise ShapeError(f"N = {size} has {one.size} runs; give at least {MIN_RUNS}")
        if share < 0.95:
            raise ShapeError(f"N = {size}: only {share:.0%} of the runs escaped; run them longer")


def _power_law(sizes: tuple[int, ...], runs: list[FloatArray], seed: int) -> dict[str, Any]:
    """Put the escaped fraction through the collapse that any table goes through."""
    kappa = [one / np.log(size) for size, one in zip(sizes, runs, strict=True)]
    every = np.concatenate(kappa)
    low, high = (float(one) for one in np.quantile(every[np.isfinite(every)], [0.02, 0.98]))
    grid = np.linspace(low, high, GRID)
    table = pd.concat(
        pd.DataFrame(
            {
                "N": size,
                "kappa": np.tile(grid, one.size),
                "escaped": (one[:, None] <= grid).astype(float).ravel(),
                "run": np.repeat([f"{size}-{k}" for k in range(one.size)], GRID),
            }
        )
        for size, one in zip(sizes, kappa, strict=True)
    )
    result = collapse_table(table, "kappa", "escaped", "N", "run", seed=seed)
    logarithm = result.details["logarithm"]
    return {
        "identified": result.identified,
        "x_c": result.estimates["x_c"],
        "inv_nu": result.estimates["inv_nu"],
        "logarithm": logarithm,
        "verdict": result.verdict,
    }


def _message(critical: Estimate, power: Mapping[str, Any] | None) -> str:
    low, high = critical.ci95 or (np.nan, np.nan)
    text = f"escape at alpha = {critical.value:.3g} [{low:.3g}, {high:.3g}] log N + const"
    if power is None:
        return f"{text}; three sizes or more would tell whether a power of N fits too"
    if power["identified"]:
        return f"{text}; the collapse also quotes an exponent, which the law of the delay excludes"
    return f"{text}; no exponent nu is identified"
