"""How often the intervals of x_c and beta hold the truth, and how often a threshold is claimed."""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd

from sta.analysis.statistics.intervals import percentile_interval, small_sample_factor
from sta.analysis.statistics.resampling import FloatArray
from sta.analysis.statistics.threshold.fit import ModelFit, fit_models
from sta.analysis.statistics.threshold.truths import (
    TRUTHS,
    X_C,
    Truth,
    additive,
    multiplicative,
    power_law,
)
from sta.errors import ConfigError

PARAMETERS = ("x_c", "beta")
LEVELS = (0.68, 0.95)
METHODS = ("profile", "bootstrap")


def threshold_coverage(
    repeats: int = 200,
    trials: Sequence[int] = (5, 8, 20),
    *,
    betas: Sequence[float] = (1.0, 2.0, 3.0),
    noises: Sequence[str] = ("independent", "correlated"),
    resamples: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure the coverage of the intervals of x_c and beta on simulated curves.

    One curve of 41 points on 0 <= x <= 2, y = (1 - x / 1.1)_+^beta, noise of standard
    deviation 0.03 in each trial (see `truths.additive`).

    Parameters
    ----------
    repeats
        Simulated data sets a row.
    trials, betas, noises
        Numbers of trials, exponents, and "independent" or "correlated" noise.
    resamples
        Bootstrap resamples of whole trials in each data set.
    seed
        Of everything.

    Returns
    -------
    DataFrame
        One row a beta, noise, number of trials and parameter: bias over sd and sd of the
        estimate, coverage of the 68 % and 95 % intervals by profile and by bootstrap, and
        how many data sets had no closed profile (they count as not covered).

    Raises
    ------
    ConfigError
        If there are no repeats or a noise is unknown.
    """
    _positive(repeats)
    for noise in noises:
        if noise not in ("independent", "correlated"):
            raise ConfigError(f"noise is {noise!r}: choose independent or correlated")
    rows = []
    for noise, beta, number in product(noises, betas, trials):
        found = []
        for repeat in range(repeats):
            correlated = noise == "correlated"
            key = _key(seed, repeat, number, round(1000 * beta), correlated)
            curves = additive(power_law(beta), trials=number, correlated=correlated, seed=key)
            fits = fit_models(curves, models=("threshold",), resamples=resamples, seed=repeat)
            found.append(fits.fits["threshold"])
        for name, truth in zip(PARAMETERS, (X_C, beta), strict=True):
            head = {"noise": noise, "beta": beta, "trials": number, "parameter": name}
            rows.append(head | _coverage_row(found, name, truth))
    return pd.DataFrame(rows)


def threshold_power(
    repeats: int = 200,
    trials: Sequence[int] = (10, 20),
    *,
    truths: Mapping[str, Truth] = TRUTHS,
    relative: float = 0.1,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure how often a threshold is claimed, with and without one in the truth.

    Three sizes h = 10, 20, 40, x = n / h up to 2, an amplitude of its own and smooth relative
    noise for each trial (see `truths.multiplicative`).

    Parameters
    ----------
    repeats
        Simulated data sets a row.
    trials
        Numbers of trials.
    truths
        Name to y(x).
    relative
        Relative standard deviation along a trial's curve.
    seed
        Of everything.

    Returns
    -------
    DataFrame
        One row a truth and number of trials: shares of data sets for which a threshold was
        claimed, and of every other answer.
    """
    _positive(repeats)
    rows = []
    for (name, truth), number in product(truths.items(), trials):
        answers = []
        for repeat in range(repeats):
            key = _key(seed, repeat, number)
            curves = multiplicative(truth, trials=number, relative=relative, seed=key)
            answers.append(fit_models(curves, seed=repeat).comparison.preferred)
        shares = {
            answer: answers.count(answer) / repeats for answer in ("threshold", "undecided", "none")
        }
        shares["smooth model"] = 1.0 - sum(shares.values())
        rows.append({"truth": name, "trials": number, "repeats": repeats, **shares})
    return pd.DataFrame(rows)


def _coverage_row(fits: Sequence[ModelFit], name: str, truth: float) -> dict[str, float]:
    usable = [fit for fit in fits if fit.success]
    values = np.array([fit.parameters[name].value for fit in usable], dtype=float)
    sd = float(np.std(values))
    row: dict[str, float] = {
        "repeats": len(fits),
        "bias/sd": float(np.mean(values) - truth) / sd,
        "sd": sd,
    }
    for level in LEVELS:
        for method in METHODS:
            ends = [_interval(fit, name, level, method) for fit in usable]
            hits = sum(low <= truth <= high for low, high in ends)
            row[f"{method} {level:.0%}"] = hits / len(fits)
    shut = [fit.profiles[name].interval()[2] for fit in usable if name in fit.profiles]
    row["open profiles"] = len(fits) - sum(shut)
    return row


def _interval(fit: ModelFit, name: str, level: float, method: str) -> tuple[float, float]:
    """One interval of one fit; nothing is in (inf, -inf)."""
    nothing = (np.inf, -np.inf)
    if method == "profile":
        if name not in fit.profiles:
            return nothing
        low, high, _ = fit.profiles[name].interval(level)
        return low, high
    value = fit.parameters[name].value
    draws: FloatArray = fit.replicates[name]
    if value is None or draws.size == 0:
        return nothing
    low, high = percentile_interval(draws[np.isfinite(draws)], level)
    stretch = small_sample_factor(fit.n_trials, level)
    return value - stretch * (value - low), value + stretch * (high - value)


def _key(*numbers: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(numbers)


def _positive(repeats: int) -> None:
    if repeats < 1:
        raise ConfigError(f"{repeats} repeats: a share needs at least 1")
