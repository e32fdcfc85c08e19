"""Power law or logarithm: how a width, a spread or a slope depends on the size.

    w(L) = A L^-a        against        w(L) = A / log(L / L0),  L0 < L_1

Both have two parameters and are fitted to log w by weighted least squares.  The models are not
nested, so the difference of their chi2 is judged by simulating it under each of them (Cox).

References
----------
D. R. Cox, J. R. Stat. Soc. B 24, 406 (1962): tests of separate families of hypotheses.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from sta.analysis.statistics.checks import finite_vector
from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.resampling import Estimate, FloatArray, Seed
from sta.analysis.statistics.transition.power_laws import tail_probability, weighted_line
from sta.errors import ConfigError, ShapeError

Outcome = Literal["power law", "logarithmic", "undecided"]

MIN_SIZES = 3
LEVEL = 0.05
MISFIT = 0.01
# log(L_1 / L0): at the low end w changes by orders of magnitude, at the high end it is constant
DEPTHS = (1e-3, 1e3)
GRID = 240


@dataclass(frozen=True)
class LogarithmicScaling:
    """A power law and a logarithm fitted to the same numbers.

    Attributes
    ----------
    outcome
        "power law" if a logarithm would give so large a difference of chi2 in less than 5 % of
        simulations and a power law so small a one in 5 % or more; "logarithmic" the other way
        round; "undecided" otherwise.
    exponent
        a of the power law, with its 95 % interval from the stated errors.
    log_l0
        log L0 of the logarithm; no interval, see its reason.
    difference
        chi2 of the logarithm less that of the power law, with the central 95 % of a parametric
        bootstrap about the better of the two.
    p_power, p_logarithm
        Probability of a difference as small under the power law, as large under the logarithm.
    fit_power, fit_logarithm
        p-values of the chi2 of each fit.
    inverted
        Whether w grew with the size, so that 1 / w was taken.
    message
        The outcome in words.
    """

    outcome: Outcome
    exponent: Estimate
    log_l0: Estimate
    difference: Estimate
    p_power: float | None
    p_logarithm: float | None
    fit_power: float | None
    fit_logarithm: float | None
    inverted: bool
    message: str

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def logarithmic_scaling(
    sizes: ArrayLike,
    widths: ArrayLike,
    errors: ArrayLike,
    *,
    seed: Seed = 0,
    resamples: int = 1000,
) -> LogarithmicScaling:
    """Decide between a power law and a logarithm in the size, or say that it is undecided.

    Parameters
    ----------
    sizes
        L, shape (K,), positive; three or more for a result.
    widths
        w(L) > 0: widths, spreads of pseudo-critical points, slopes at the transition.
    errors
        Standard errors of w, positive.
    seed, resamples
        Of the parametric bootstrap.

    Raises
    ------
    ShapeError
        If the shapes differ or a number is not finite.
    ConfigError
        If a size, a width or an error is not positive.
    """
    size, width, error = (
        finite_vector(one, name)
        for one, name in ((sizes, "sizes"), (widths, "widths"), (errors, "errors"))
    )
    if not size.shape == width.shape == error.shape:
        raise ShapeError(
            f"{size.size} sizes, {width.size} widths and {error.size} errors: give one of each"
        )
    for one, name in ((size, "sizes"), (width, "widths"), (error, "errors")):
        if one.min() <= 0.0:
            raise ConfigError(f"{name} has {one.min():g}: logarithms need numbers above 0")
    if np.unique(size).size < MIN_SIZES:
        return _refusal(f"{np.unique(size).size} sizes: two models of two parameters need 3")
    x, y, sd = np.log(size), np.log(width), error / width
    slope = float(weighted_line(x, y[None], sd)[0][0])
    inverted = slope > 0.0
    y = -y if inverted else y
    return _decided(x, y, sd, inverted, np.random.default_rng(seed), resamples)


def _decided(
    x: FloatArray,
    y: FloatArray,
    sd: FloatArray,
    inverted: bool,
    rng: np.random.Generator,
    resamples: int,
) -> LogarithmicScaling:
    slope, intercept, power = weighted_line(x, y[None], sd)
    curve, depth, logarithm = _logarithm(x, y[None], sd)
    observed = float(logarithm[0] - power[0])
    noise = sd * rng.standard_normal((resamples, x.size))
    under_power = _differences(x, intercept + slope * x + noise, sd)
    under_logarithm = _differences(x, curve + noise, sd)
    # one is added so that no p-value is zero after finitely many simulations
    p_power = float((1 + np.sum(under_power <= observed)) / (1 + resamples))
    p_logarithm = float((1 + np.sum(under_logarithm >= observed)) / (1 + resamples))
    better = under_power if observed > 0.0 else under_logarithm
    spread = float(np.std(better))
    interval = (
        min(float(np.quantile(better, 0.025)), observed),
        max(float(np.quantile(better, 0.975)), observed),
    )
    fits = [tail_probability(float(chi2[0]), x.size - 2) for chi2 in (power, logarithm)]
    outcome, words = _outcome(p_power, p_logarithm, fits)
    se = float(np.sum(((x - np.average(x, weights=sd**-2.0)) / sd) ** 2) ** -0.5)
    exponent = float(-slope[0])
    return LogarithmicScaling(
        outcome,
        Estimate(exponent, se, (exponent - 1.96 * se, exponent + 1.96 * se)),
        Estimate(float(x.min() - depth[0]), reason="L0 has no finite interval near a power law"),
        Estimate(observed, spread, interval),
        p_power,
        p_logarithm,
        fits[0],
        fits[1],
        inverted,
        f"{outcome}: {words} (chi2 of the logarithm less that of the power law {observed:.3g})",
    )


def _outcome(p_power: float, p_logarithm: float, fits: list[float]) -> tuple[Outcome, str]:
    if max(fits) < MISFIT:
        return "undecided", "neither describes the sizes within their errors"
    if p_logarithm < LEVEL <= p_power:
        return "power law", f"a logarithm would fit so badly with p = {p_logarithm:.2g}"
    if p_power < LEVEL <= p_logarithm:
        return "logarithmic", f"a power law would fit so badly with p = {p_power:.2g}"
    return "undecided", "the sizes and errors do not tell them apart"


def _differences(x: FloatArray, y: FloatArray, sd: FloatArray) -> FloatArray:
    return _logarithm(x, y, sd)[2] - weighted_line(x, y, sd)[2]


def _logarithm(
    x: FloatArray, y: FloatArray, sd: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Fit y = A - log(u + x - x_1) to rows of y: fitted curves, u = log(L_1 / L0), chi2.

    The amplitude is eliminated; u is taken from a grid of its logarithm, fine enough that
    chi2 is at its minimum for any purpose here.
    """
    depths = np.geomspace(*DEPTHS, GRID)
    shapes = -np.log(depths[:, None] + x - x.min())
    weight = sd**-2.0
    shapes = shapes - (shapes @ weight / weight.sum())[:, None]
    level = y @ weight / weight.sum()
    centred = y - level[:, None]
    squares = centred**2 @ weight
    chi2 = squares[:, None] - 2.0 * (centred * weight) @ shapes.T + shapes**2 @ weight
    best = chi2.argmin(axis=1)
    fitted = level[:, None] + shapes[best]
    left = (y - fitted) ** 2 @ weight
    return fitted, depths[best], left


def _refusal(reason: str) -> LogarithmicScaling:
    nothing = Estimate(reason=reason)
    return LogarithmicScaling(
        "undecided",
        nothing,
        nothing,
        nothing,
        None,
        None,
        None,
        None,
        False,
        f"undecided: {reason}",
    )
