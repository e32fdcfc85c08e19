"""An estimate of nu that needs no collapse: how the pseudo-critical points scatter and drift.

    <x*>(L) - x_c ~ L^-lambda,        sd[x*](L) ~ L^(-1/nu)

over trials, for pseudo-critical points x* of single trials.  A sum of L independent parts gives
sd ~ L^(-1/2) whatever the transition (nu = 2, the central limit), so an interval that contains
1/2 says nothing against that null.

References
----------
M. E. Fisher, A. E. Ferdinand, Phys. Rev. Lett. 19, 169 (1967): shift and rounding exponents.
S. Wiseman, E. Domany, Phys. Rev. Lett. 81, 22 (1998).  J. T. Chayes, L. Chayes, D. S. Fisher,
T. Spencer, Phys. Rev. Lett. 57, 2999 (1986): the bound sd >= L^(-d/2) and its meaning.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import digamma

from sta.analysis.statistics.curves import CurveSet, draw
from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.resampling import (
    Estimate,
    FloatArray,
    Seed,
    estimate_from_replicates,
)
from sta.analysis.statistics.transition.ensembles import falls
from sta.analysis.statistics.transition.power_laws import (
    offset_power,
    tail_probability,
    weighted_line,
)
from sta.analysis.statistics.transition.pseudo_critical import (
    LEVELS,
    enough,
    local_spacing,
    pseudo_critical_points,
)
from sta.errors import ConfigError

MIN_SIZES = 3
MIN_SPREAD_TRIALS = 8
CENTRAL_LIMIT = 0.5
SHIFTS = (0.3, 3.0)  # range of lambda; outside it a drift is a constant or gone at once
MISFIT = 0.01


@dataclass(frozen=True)
class SpreadScaling:
    """Pseudo-critical points of one definition against the size.

    Attributes
    ----------
    definition
        "level 0.1", ..., or "steepest slope".
    sizes, n_trials
        Sizes at which at least 9 of 10 trials have a point, and the trials that have one.
    mean, spread
        <x*> and its standard deviation over trials, one a size, in the unit of x.
    inv_nu
        1/nu of sd ~ L^(-1/nu).
    excludes_central_limit
        Whether the interval of 1/nu leaves out 1/2; None without an interval.
    shift, x_c
        lambda and x_c of <x*> = x_c + c L^-lambda.
    p_value
        Of the chi2 of the straight line log sd against log L (one for no degrees of freedom).
    notes
        What was left out, and cautions.
    """

    definition: str
    sizes: tuple[float, ...]
    n_trials: tuple[int, ...]
    mean: tuple[Estimate, ...]
    spread: tuple[Estimate, ...]
    inv_nu: Estimate
    excludes_central_limit: bool | None
    shift: Estimate
    x_c: Estimate
    p_value: float | None
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


@dataclass(frozen=True)
class PseudoCritical:
    """Scaling of pseudo-critical points under several definitions.

    Attributes
    ----------
    inv_nu
        1/nu of the main definition; its systematic is half the range over the definitions.
    shift, x_c
        lambda and x_c of the main definition, with the same systematic.
    excludes_central_limit
        Whether the interval of 1/nu leaves out 1/2; None without an interval.
    main
        Name of the main definition.
    definitions
        All definitions.
    message
        The result in words.
    """

    inv_nu: Estimate
    shift: Estimate
    x_c: Estimate
    excludes_central_limit: bool | None
    main: str
    definitions: tuple[SpreadScaling, ...]
    message: str

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def pseudo_critical_scaling(
    curves: CurveSet,
    *,
    levels: tuple[float, ...] = LEVELS,
    main: str = "level 0.1",
    x_c: float | None = None,
    seed: Seed = 0,
    resamples: int = 1000,
) -> PseudoCritical:
    """Estimate 1/nu and the shift exponent from the pseudo-critical points of single trials.

    Parameters
    ----------
    curves
        One curve a size, with trials; y falling or rising with x.
    levels
        Shares eps of the level definition.
    main
        The definition that gives the result: "level EPS" or "steepest slope".
    x_c
        The critical point, if known from elsewhere; fitted otherwise, which takes four sizes.
    seed, resamples
        Of the bootstrap over whole trials.

    Raises
    ------
    ConfigError
        If `main` is none of the definitions or a level not between 0 and 1.

    Notes
    -----
    log sd is fitted by weighted least squares, the weights from the bootstrap (the standard
    deviation of the standard deviation, pooled over sizes).  Fewer than 3 sizes or 8 trials
    give a reason in place of a number.
    """
    falling = falls(curves)
    by_size = [
        pseudo_critical_points(curve, levels=levels, falling=falling) for curve in curves.curves
    ]
    names = [*(f"level {level:g}" for level in levels), "steepest slope"]
    if main not in names:
        raise ConfigError(f"main is {main!r}: choose one of {', '.join(map(repr, names))}")
    counts = draw(curves, resamples, seed).astype(float)
    found = {
        name: _scaling(name, curves, [one[name] for one in by_size], counts, x_c) for name in names
    }
    chosen = found[main]
    others = tuple(found.values())
    return PseudoCritical(
        _with_range(chosen.inv_nu, [one.inv_nu for one in others]),
        _with_range(chosen.shift, [one.shift for one in others]),
        _with_range(chosen.x_c, [one.x_c for one in others]),
        chosen.excludes_central_limit,
        main,
        others,
        _message(chosen),
    )


def _scaling(
    name: str, curves: CurveSet, points: list[FloatArray], counts: FloatArray, x_c: float | None
) -> SpreadScaling:
    notes, kept = [], []
    for place, (curve, star) in enumerate(zip(curves.curves, points, strict=True)):
        if enough(star, curve.takes_part):
            kept.append(place)
        else:
            missing = int(np.isnan(star[curve.takes_part]).sum())
            total = int(curve.takes_part.sum())
            notes.append(f"size {curve.size:g} left out: {missing} of {total} trials have no x*")
    sizes = np.array([curves.curves[place].size for place in kept])
    numbers = [int(np.isfinite(points[place]).sum()) for place in kept]
    units = [curves.units_of(curves.curves[place]) for place in kept]
    parts = [_mean_and_sd(points[place], counts) for place in kept]
    means, spreads = [], []
    for place, (mean, sd), unit in zip(kept, parts, units, strict=True):
        means.append(estimate_from_replicates(mean[0], mean[1:], unit))
        spreads.append(estimate_from_replicates(sd[0], sd[1:], unit, bounds=(0.0, np.inf)))
        step = local_spacing(curves.curves[place], float(mean[0]))
        if sd[0] < 0.3 * step:
            notes.append(
                f"size {sizes[len(means) - 1]:g}: the spread {sd[0]:.3g} is below the grid of x,"
                f" {step:.3g}: interpolation shapes it"
            )
    reason = _why_not(sizes, numbers, [float(sd[0]) for _, sd in parts])
    nothing = Estimate(reason=reason)
    head = (name, tuple(sizes.tolist()), tuple(numbers), tuple(means), tuple(spreads))
    if reason:
        return SpreadScaling(*head, nothing, None, nothing, nothing, None, tuple(notes))
    inv_nu, p_value = _rounding(
        sizes, np.stack([sd for _, sd in parts], axis=1), numbers, min(units)
    )
    if p_value < MISFIT:
        notes.append(f"one power of L does not describe the spread (p = {p_value:.2g})")
    shift, centre = _drift(sizes, np.stack([mean for mean, _ in parts], axis=1), min(units), x_c)
    ci95 = inv_nu.ci95
    excludes = None if ci95 is None else not ci95[0] <= CENTRAL_LIMIT <= ci95[1]
    return SpreadScaling(*head, inv_nu, excludes, shift, centre, p_value, tuple(notes))


def _mean_and_sd(star: FloatArray, counts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation over trials, of the sample and then of each resample."""
    weights = np.vstack([np.ones(star.size), counts])
    there = np.isfinite(star)
    centre = float(star[there].mean())
    d = np.where(there, star - centre, 0.0)
    number = np.maximum(weights @ there, 1.0)
    mean = weights @ d / number
    variance = np.maximum(weights @ d**2 / number - mean**2, 0.0)
    # resamples have n / (n - 1) less variance twice over; scale alone cancels in an exponent
    sd = np.sqrt(variance * number / np.maximum(number - 1.0, 1.0))
    return centre + mean, sd


def _why_not(sizes: FloatArray, numbers: list[int], spreads: list[float]) -> str:
    different = np.unique(sizes).size
    if different < MIN_SIZES:
        return f"sizes with pseudo-critical points: {different}, and an exponent needs {MIN_SIZES}"
    if min(numbers) < MIN_SPREAD_TRIALS:
        return f"trials at a size: {min(numbers)}, and a spread needs {MIN_SPREAD_TRIALS}"
    if min(sizes) <= 0.0:
        return f"size {min(sizes):g}: powers of the size need sizes above 0"
    if min(spreads) <= 0.0:
        return "the trials of a size all have the same pseudo-critical point"
    return ""


def _rounding(
    sizes: FloatArray, sd: FloatArray, numbers: list[int], units: int
) -> tuple[Estimate, float]:
    """1/nu from rows of standard deviations, the sample's first, and the p-value of the line."""
    freedom = np.array(numbers, dtype=float) - 1.0
    # mean of log s^2 / sigma^2 for Gaussian samples: matters where sizes differ in trials
    bias = 0.5 * (digamma(freedom / 2.0) - np.log(freedom / 2.0))
    logs = np.log(np.maximum(sd, 1e-300)) - bias
    trimmed = np.where(sd[1:] > 0.0, logs[1:], np.nan)
    pooled = float(np.mean(np.nanvar(trimmed, axis=0) * freedom))
    errors = np.sqrt(pooled / freedom)
    slope, _, chi2 = weighted_line(np.log(sizes), logs, errors)
    replicates = np.where((sd[1:] > 0.0).all(axis=1), -slope[1:], np.nan)
    inv_nu = estimate_from_replicates(float(-slope[0]), replicates, units)
    return inv_nu, tail_probability(float(chi2[0]), sizes.size - 2)


def _drift(
    sizes: FloatArray, means: FloatArray, units: int, x_c: float | None
) -> tuple[Estimate, Estimate]:
    """Estimate lambda and x_c from rows of means, the sample's first."""
    errors = np.std(means[1:], axis=0)
    different = np.unique(sizes).size
    if x_c is None and different < MIN_SIZES + 1:
        reason = f"{different} sizes: x_c and the shift exponent together need {MIN_SIZES + 1}"
        return Estimate(reason=reason), Estimate(reason=reason)
    offset = None if x_c is None else np.full(len(means), x_c)
    fit = offset_power(sizes, means, errors, offset=offset, exponents=SHIFTS)
    moves = np.abs(fit.amplitude[0]) > 2.0 * np.std(fit.amplitude[1:])
    settled = fit.pinned[1:].mean() <= 0.05 and not fit.pinned[0]
    if moves and settled:
        shift = estimate_from_replicates(float(fit.exponent[0]), fit.exponent[1:], units)
    else:
        shift = Estimate(reason="the mean x* drifts too little with the size for an exponent")
    if x_c is not None:
        return shift, Estimate(x_c, reason="x_c was given")
    return shift, estimate_from_replicates(float(fit.offset[0]), fit.offset[1:], units)


def _with_range(main: Estimate, every: list[Estimate]) -> Estimate:
    values = [one.value for one in every if one.value is not None]
    if main.value is None or len(values) < 2:
        return main
    return replace(main, systematic=0.5 * (max(values) - min(values)))


def _message(one: SpreadScaling) -> str:
    if one.inv_nu.ci95 is None:
        return f"1/nu from pseudo-critical points: not estimated, {one.inv_nu.reason}"
    low, high = one.inv_nu.ci95
    if low <= 0.0:
        against = "not seen to shrink with the size"
    elif one.excludes_central_limit:
        against = "which excludes the central-limit value 1/2"
    else:
        against = "which contains the central-limit value 1/2: no evidence of a critical nu"
    return f"1/nu = {one.inv_nu.value:.3g} in [{low:.3g}, {high:.3g}] ({one.definition}), {against}"
