"""Threshold, smooth model, or neither: the decision and its grounds.

A threshold is claimed only if it lies inside its search window with its whole interval, its
gain in chi2 over every smooth model is larger than chance makes it (`calibration`), and it
predicts trials left out better than each of them (`scores`).  A smooth model is named only
if it predicts such trials better than the threshold, clear of zero.  The trials are the
units throughout, so correlated points of a curve do no harm.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.resampling import MIN_TRIALS, Estimate, Seed
from sta.analysis.statistics.threshold.calibration import gain_p_values, rounding_p_value
from sta.analysis.statistics.threshold.means import Means
from sta.analysis.statistics.threshold.models import SMOOTH
from sta.analysis.statistics.threshold.scores import ModelScore, effective_points, score_models
from sta.analysis.statistics.threshold.shapes import Shape, Solution

LEVEL = 0.05
ROUNDING_LEVEL = 0.01
FALLS = 100.0  # a gain in chi2 over a constant that no noise gives
CLEAR_GAIN = 2.0  # of log predictive density; less is within what the floor stands for
EDGE_WORDS = {
    "x_c low": "x_c runs to the first points",
    "x_c high": "x_c runs to the end of the range",
    "beta low": "beta runs to zero, a jump",
    "beta high": "beta grows without bound, as for an exponential",
}
PLAIN_WORDS = {"line": "a straight line", "constant": "a constant"}


class Fitted(Protocol):
    """What the comparison needs to know of a fit."""

    @property
    def success(self) -> bool:
        """Whether the fit can be used."""

    @property
    def pinned(self) -> tuple[str, ...]:
        """Parameters at an end of their interval."""

    @property
    def inside(self) -> bool:
        """Whether it stays inside its intervals on the resamples too."""

    @property
    def parameters(self) -> dict[str, Estimate]:
        """Name to estimate."""


@dataclass(frozen=True)
class Comparison:
    """The threshold model against the smooth ones.

    Attributes
    ----------
    preferred
        "threshold" if it beats every smooth model and lies inside its search window; the name
        of a smooth model that beats it; "none" if there is no threshold in the window and no
        smooth model with a shape is better; "undecided" otherwise.
    differences
        Smooth model to the mean over trials of (its squared whitened residual on the trial
        left out - the threshold's), per point: positive speaks for the threshold.
    message
        The ground of the decision in words.
    p_values
        Smooth model to the chance of the threshold's gain in chi2 under it, from simulated
        data, the best model first and up to the first that is not rejected; None if the
        decision did not come to that.
    rounding_p
        Chance, for a sharp threshold, of the gain in chi2 of the rounded one.
    n_effective
        Number of independent points of the mean curves.
    scores
        Model to AICc, BIC and the gains of the threshold on trials and sizes left out.
    """

    preferred: str
    differences: dict[str, Estimate]
    message: str
    p_values: dict[str, float] | None = None
    rounding_p: float | None = None
    n_effective: float | None = None
    scores: dict[str, ModelScore] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def compare(
    means: Means,
    fits: Mapping[str, Fitted],
    shapes: Mapping[str, Shape],
    solutions: Mapping[str, Solution],
    *,
    simulations: int,
    seed: Seed,
) -> Comparison:
    """Compare the threshold with every other model that was fitted.

    Parameters
    ----------
    means
        The mean curves.
    fits, shapes, solutions
        By name of the model.
    simulations, seed
        Of the calibration against each smooth model; see `gain_p_values`.
    """
    if "threshold" not in fits or len(fits) < 2:
        return Comparison("undecided", {}, "only one model was fitted")
    usable = {name: shapes[name] for name in fits if fits[name].success}
    n_effective = effective_points(means.blocks)
    scores, differences = score_models(means, usable, solutions, n_effective)
    ground: tuple[str, str] | None = None
    p_values = rounding_p = None
    if _constant(means, usable, solutions, simulations, seed):
        ground = "none", "no threshold in the window: y is constant within its noise"
    ground = ground or _without_claim(means, fits, scores)
    if fits["threshold"].success and "rounded" in usable and means.noise.trial:
        rounding_p = rounding_p_value(means, solutions["threshold"], solutions["rounded"])
    if ground is None:
        # a constant is a special case of each of the others
        rivals = [name for name in SMOOTH if name in usable and name != "constant"]
        p_values = gain_p_values(
            means, shapes, solutions, rivals, level=LEVEL, simulations=simulations, seed=seed
        )
        ground = _claim(p_values, rounding_p, scores, fits)
    return Comparison(
        *ground[:1], differences, ground[1], p_values, rounding_p, n_effective, scores
    )


def _constant(
    means: Means,
    shapes: Mapping[str, Shape],
    solutions: Mapping[str, Solution],
    simulations: int,
    seed: Seed,
) -> bool:
    """Whether the threshold gains no more over a constant than noise alone would give."""
    if not means.noise.trial or not {"constant", "threshold"} <= set(shapes):
        return False
    if float(solutions["constant"].rss[0] - solutions["threshold"].rss[0]) > FALLS:
        return False
    found = gain_p_values(
        means, shapes, solutions, ["constant"], level=LEVEL, simulations=simulations, seed=seed
    )
    return found["constant"] > LEVEL


def _without_claim(
    means: Means, fits: Mapping[str, Fitted], scores: Mapping[str, ModelScore]
) -> tuple[str, str] | None:
    """Decide where no threshold can be claimed; None if it still can."""
    sharp = fits["threshold"]
    if not sharp.success:
        return "none", "the threshold model could not be fitted"
    worse = {
        name: gain.value
        for name, score in scores.items()
        if name in SMOOTH
        and (gain := score.elpd_gain).value is not None
        and gain.ci95 is not None
        and gain.ci95[1] < 0.0
        and gain.value < -CLEAR_GAIN
    }
    shaped = [name for name in worse if name not in PLAIN_WORDS]
    if shaped:
        # the exponential has one parameter less, so it goes first among those that win
        name = min(shaped, key=lambda key: (key != "exponential", worse[key]))
        return name, f"the {name} model predicts unseen trials better than the threshold"
    if sharp.pinned:
        words = " and ".join(EDGE_WORDS.get(edge, edge) for edge in sharp.pinned)
        return "none", f"no threshold in the window: {words}"
    if worse:
        name = min(worse, key=lambda key: worse[key])
        return (
            "none",
            f"no threshold in the window: {PLAIN_WORDS[name]} predicts unseen trials better",
        )
    if means.curves.n_trials < MIN_TRIALS:
        n_trials = means.curves.n_trials
        return "undecided", f"{n_trials} trials: a comparison needs at least {MIN_TRIALS}"
    if not sharp.inside:
        return "undecided", "the threshold leaves its search window on more than 5 % of resamples"
    if sharp.parameters["x_c"].reason:
        return "undecided", sharp.parameters["x_c"].reason
    return None


def _claim(
    p_values: Mapping[str, float],
    rounding_p: float | None,
    scores: Mapping[str, ModelScore],
    fits: Mapping[str, Fitted],
) -> tuple[str, str]:
    if not p_values:
        return "undecided", "no smooth model could be fitted"
    name = max(p_values, key=lambda key: p_values[key])
    largest = p_values[name]
    if largest > LEVEL:
        return "undecided", (
            f"data made from the {name} model look as much like a threshold (p = {largest:.2g})"
        )
    for name in p_values:
        gain = scores[name].elpd_gain.value
        if gain is not None and gain <= 0.0:
            return "undecided", f"the {name} model predicts unseen trials as well as the threshold"
    if rounding_p is not None and rounding_p <= ROUNDING_LEVEL:
        width = fits["rounded"].parameters["w"].value
        return "undecided", (
            f"a threshold rounded over w = {width:.2g} fits better than a sharp one"
            f" (p = {rounding_p:.2g}): a crossover unless w shrinks with the size"
        )
    return "threshold", (
        "the threshold predicts unseen trials better than every smooth model, and data made"
        f" from the best of them hardly ever look so (p = {largest:.2g})"
    )
