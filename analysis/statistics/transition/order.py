"""First order or continuous: the jump, two peaks over trials, and the minimum of U4.

At a first-order transition the order parameter keeps a jump in the limit of large sizes and is
found in either of two phases at x_c(L).  At a continuous one the jump vanishes and beta > 0; a
kink (beta = 1) is continuous too.  What the tests do not settle is undecided.

References
----------
M. S. S. Challa, D. P. Landau, K. Binder, Phys. Rev. B 34, 1841 (1986).
G. Schwarz, Ann. Stat. 6, 461 (1978): the Bayesian information criterion.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.mixture import GaussianMixture

from sta.analysis.statistics.checks import finite_vector
from sta.analysis.statistics.curves import Curve, CurveSet, draw
from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.resampling import (
    Estimate,
    FloatArray,
    Seed,
    estimate_from_replicates,
)
from sta.analysis.statistics.transition.cumulants import CUMULANT_TRIALS, cumulant
from sta.analysis.statistics.transition.dip import dip, dip_p_value
from sta.analysis.statistics.transition.ensembles import moments, normalised_trials
from sta.analysis.statistics.transition.jumps import JumpScaling, jump_scaling

Outcome = Literal["continuous", "first order", "undecided"]
Side = Literal["continuous", "first order", "neither"]

MODE_TRIALS = 20
DIP_LEVEL = 0.05
BIC_GAIN = 10.0
NEGLIGIBLE = 0.1


@dataclass(frozen=True)
class Modes:
    """One peak or two, in the values of one size over trials.

    Attributes
    ----------
    size, x
        The size, and the point of largest variance over trials, where the values are taken.
    n_trials
        Number of values.
    dip, p_value
        Hartigan's dip and its p-value against the uniform distribution; None below 20 trials.
    bic_gain
        BIC of one Gaussian less that of two: above 10, two are much better.
    separation
        Distance of the two Gaussians' means, in units of the norm.
    bimodal
        Whether both tests say so; None below 20 trials.
    """

    size: float
    x: float
    n_trials: int
    dip: float | None
    p_value: float | None
    bic_gain: float | None
    separation: float | None
    bimodal: bool | None

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


@dataclass(frozen=True)
class OrderTest:
    """One ground of the decision.

    Attributes
    ----------
    name
        "jump", "two peaks", "U4 minimum" or "beta".
    speaks_for
        "continuous", "first order" or "neither".
    message
        What was found, in words.
    """

    name: str
    speaks_for: Side
    message: str

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


@dataclass(frozen=True)
class TransitionOrder:
    """The order of a transition and what led to it.

    Attributes
    ----------
    outcome
        "first order" if the jump stays finite, at a tenth of the range of y or more, and the
        largest size has two peaks; "continuous"
        if the interval of J_inf contains zero and is short, that of beta excludes zero, and the
        largest size has not two peaks; "undecided" otherwise.
    jump
        Heights over sizes and their limit.
    modes
        One entry a size.
    u4_minimum
        Smallest U4 over x of each size, from 50 trials; reported, not decisive, since U4 of a
        one-sided order parameter dips in the tail of a continuous transition too.
    tests
        The grounds.
    message
        The outcome in words.
    """

    outcome: Outcome
    jump: JumpScaling
    modes: tuple[Modes, ...]
    u4_minimum: tuple[Estimate, ...]
    tests: tuple[OrderTest, ...]
    message: str

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def transition_order(
    curves: CurveSet, beta: Estimate | None = None, *, seed: int = 0, resamples: int = 1000
) -> TransitionOrder:
    """Decide between a continuous and a first-order transition, or say that it is undecided.

    Parameters
    ----------
    curves
        One curve a size, with trials.
    beta
        The order-parameter exponent with its 95 % interval, from a fit elsewhere.
    seed, resamples
        Of the bootstrap over whole trials, the null of the dip and the mixture.

    Notes
    -----
    Nothing here shows that there is a transition: it presumes one.
    """
    jump = jump_scaling(curves, seed=seed, resamples=resamples)
    modes = tuple(_modes_of(curve, seed) for curve in curves.curves)
    minima, dips = _u4_minima(curves, seed, resamples)
    tests = (
        _jump_test(jump),
        _mode_test(modes[-1]),
        _u4_test(minima, dips, [curve.size for curve in curves.curves]),
        _beta_test(beta),
    )
    sides = {test.name: test.speaks_for for test in tests}
    outcome: Outcome = "undecided"
    if sides["jump"] == "first order" and sides["two peaks"] == "first order":
        outcome = "first order"
    elif (sides["jump"], sides["beta"]) == ("continuous", "continuous") and sides[
        "two peaks"
    ] != "first order":
        outcome = "continuous"
    message = f"{outcome}: " + "; ".join(test.message for test in tests)
    return TransitionOrder(outcome, jump, modes, minima, tests, message)


def two_modes(values: ArrayLike, seed: int = 0) -> tuple[float, float, float, float]:
    """Dip, its p-value, BIC of one Gaussian less that of two, and the distance of their means.

    Parameters
    ----------
    values
        Sample, shape (n,); at least 4 values that are not all equal.
    seed
        Of the null of the dip and of the mixture's starts.
    """
    sample = finite_vector(values, "values")
    extent = float(np.ptp(sample))
    if sample.size < 4 or extent == 0.0:
        return 0.5 / sample.size, 1.0, 0.0, 0.0
    shares = (sample - sample.min()) / extent
    scale = float(shares.std())
    column = ((shares - shares.mean()) / scale)[:, None]
    # a variance cannot shrink below a share of the sample's: a few equal values are no peak
    one, two = (
        GaussianMixture(
            number, n_init=1 if number == 1 else 4, reg_covar=1e-2, random_state=seed
        ).fit(column)
        for number in (1, 2)
    )
    gain = float(one.bic(column) - two.bic(column))
    return (
        dip(sample),
        dip_p_value(sample, seed=seed),
        gain,
        extent * scale * float(np.ptp(two.means_)),
    )


def _modes_of(curve: Curve, seed: int) -> Modes:
    m = normalised_trials(curve)
    number = np.isfinite(m).sum(axis=0)
    spread = moments(m).variance[0]
    spread = np.where((number > 0.9 * number.max()) & np.isfinite(spread), spread, -1.0)
    place = int(spread.argmax())
    values = m[np.isfinite(m[:, place]), place]
    head = (curve.size, float(curve.x[place]), values.size)
    if values.size < MODE_TRIALS:
        return Modes(*head, None, None, None, None, None)
    depth, p_value, gain, apart = two_modes(values, seed)
    return Modes(*head, depth, p_value, gain, apart, p_value < DIP_LEVEL and gain > BIC_GAIN)


def _u4_minima(
    curves: CurveSet, seed: Seed, resamples: int
) -> tuple[tuple[Estimate, ...], list[FloatArray]]:
    weights = np.vstack([np.ones(len(curves.trials)), draw(curves, resamples, seed)])
    minima, rows = [], []
    for curve in curves.curves:
        trials = int(curve.takes_part.sum())
        if trials < CUMULANT_TRIALS:
            minima.append(Estimate(reason=f"{trials} trials: U4 is given from {CUMULANT_TRIALS}"))
            continue
        u4 = cumulant(moments(normalised_trials(curve), weights), "U4")
        lowest = np.where(np.isfinite(u4), u4, np.inf).min(axis=1)
        lowest = np.where(np.isfinite(lowest), lowest, np.nan)
        minima.append(
            estimate_from_replicates(float(lowest[0]), lowest[1:], curves.units_of(curve))
        )
        rows.append(lowest)
    return tuple(minima), rows


def _jump_test(jump: JumpScaling) -> OrderTest:
    limit = jump.limit
    if limit.ci95 is None or limit.value is None:
        return OrderTest("jump", "neither", f"jump: {limit.reason}")
    low, high = limit.ci95
    words = f"jump for large sizes {limit.value:.3g} in [{low:.3g}, {high:.3g}]"
    first = jump.heights[0].value or 0.0
    if jump.contains_zero:
        if high <= max(NEGLIGIBLE * jump.scale, 0.5 * first):
            return OrderTest("jump", "continuous", f"{words}, none is needed")
        return OrderTest("jump", "neither", f"{words}, too wide to exclude one")
    if limit.value < NEGLIGIBLE * jump.scale:
        return OrderTest("jump", "neither", f"{words}, too small a share of y to be claimed")
    if not jump.resolved:
        return OrderTest("jump", "neither", f"{words}, but a finer grid of x may resolve it")
    return OrderTest("jump", "first order", f"{words}, it stays")


def _mode_test(largest: Modes) -> OrderTest:
    if largest.bimodal is None:
        words = f"two peaks: {largest.n_trials} trials, {MODE_TRIALS} are needed"
        return OrderTest("two peaks", "neither", words)
    words = (
        f"size {largest.size:g} at x = {largest.x:.3g}: dip p = {largest.p_value:.2g}, BIC gain"
        f" of two peaks {largest.bic_gain:.3g}"
    )
    side: Side = "first order" if largest.bimodal else "continuous"
    return OrderTest("two peaks", side, words)


def _u4_test(minima: tuple[Estimate, ...], rows: list[FloatArray], sizes: list[float]) -> OrderTest:
    if len(rows) < len(minima) or len(rows) < 2:
        reason = next((one.reason for one in minima if one.reason), "one size")
        return OrderTest("U4 minimum", "neither", f"U4 minimum: {reason}")
    change = rows[-1] - rows[0]
    if not np.isfinite(change[0]):
        return OrderTest("U4 minimum", "neither", "U4 minimum: <m> is not resolved from zero")
    seen = change[np.isfinite(change)]
    deepens = bool(np.quantile(seen, 0.975) < 0.0) and float(rows[-1][0]) < 0.0
    words = f"U4 minimum {rows[0][0]:.3g} at size {sizes[0]:g}, {rows[-1][0]:.3g} at {sizes[-1]:g}"
    return OrderTest("U4 minimum", "first order" if deepens else "neither", words)


def _beta_test(beta: Estimate | None) -> OrderTest:
    if beta is None or beta.value is None or beta.ci95 is None:
        reason = beta.reason if beta is not None and beta.reason else "not given"
        return OrderTest("beta", "neither", f"beta: {reason}")
    low, high = beta.ci95
    words = f"beta = {beta.value:.3g} in [{low:.3g}, {high:.3g}]"
    return OrderTest("beta", "continuous" if low > 0.0 else "neither", words)
