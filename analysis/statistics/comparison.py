"""Which model predicts a trial it has not seen.

For each trial, each model is fitted to the mean of the other trials; the score of a smooth
model against the threshold is the difference of their weighted squared residuals on the
trial left out, per point.  Its mean over trials is positive where the threshold predicts
better; the interval is from the trials, so correlated points of a curve do no harm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sta.analysis.statistics.curves import CurveSet
from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.resampling import (
    MIN_TRIALS,
    Estimate,
    FloatArray,
    bootstrap_mean,
)
from sta.analysis.statistics.separable import Block

EDGE_WORDS = {
    "x_c low": "x_c runs to the first points",
    "x_c high": "x_c runs to the end of the range",
    "beta low": "beta runs to zero, a jump",
    "beta high": "beta grows without bound, as for an exponential",
}


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


@dataclass(frozen=True)
class Comparison:
    """The threshold model against the smooth ones.

    Attributes
    ----------
    preferred
        "threshold" if it beats every smooth model and lies inside its search window; the name
        of a smooth model that beats it; "none" if there is no threshold in the window and no
        smooth model is better; "undecided" otherwise.
    differences
        Smooth model to the mean over trials of (its weighted squared residual - the
        threshold's), per point: positive speaks for the threshold.
    message
        The ground of the decision in words.
    """

    preferred: str
    differences: dict[str, Estimate]
    message: str

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def compare(
    curves: CurveSet,
    blocks: Sequence[Block],
    fits: Mapping[str, Fitted],
    predictions: Mapping[str, Sequence[FloatArray]],
) -> Comparison:
    """Compare the threshold with every other model that was fitted.

    Parameters
    ----------
    curves, blocks
        The curves and the weights of their points.
    fits
        Model name to fit.
    predictions
        Model name to one array (T, P) a curve: row t predicted without trial t.
    """
    if "threshold" not in fits or len(fits) < 2:
        return Comparison("undecided", {}, "only one model was fitted")
    differences = {}
    if curves.n_trials >= MIN_TRIALS and "threshold" in predictions:
        sharp = _scores(curves, blocks, predictions["threshold"])
        for name in predictions:
            if name != "threshold":
                gain = _scores(curves, blocks, predictions[name]) - sharp
                gain = gain[np.isfinite(gain)]
                differences[name] = bootstrap_mean(gain, list(range(gain.size)), seed=0)
    preferred, message = _decide(curves, fits, differences)
    return Comparison(preferred, differences, message)


def _scores(
    curves: CurveSet, blocks: Sequence[Block], predicted: Sequence[FloatArray]
) -> FloatArray:
    """Weighted mean squared residual of each trial left out, shape (T,)."""
    left_out = 1.0 - np.eye(len(curves.trials))
    total = np.zeros(len(curves.trials))
    number = np.zeros(len(curves.trials))
    for curve, block, guess in zip(curves.curves, blocks, predicted, strict=True):
        norm = np.where(np.isfinite(curve.norm), curve.norm, 0.0)
        others = (left_out @ norm) / np.maximum(left_out @ np.isfinite(curve.norm), 1.0)
        residual = block.weight * (curve.values / others[:, None] - guess) ** 2
        total += np.nansum(residual, axis=1)
        number += np.isfinite(residual).sum(axis=1)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _decide(
    curves: CurveSet, fits: Mapping[str, Fitted], differences: Mapping[str, Estimate]
) -> tuple[str, str]:
    sharp = fits["threshold"]
    if not sharp.success:
        return "none", "the threshold model could not be fitted"
    worse = {
        name: gain.value
        for name, gain in differences.items()
        if gain.value is not None and gain.ci95 is not None and gain.ci95[1] < 0.0
    }
    if worse:
        # the exponential has one parameter less, so it goes first among those that win
        name = min(worse, key=lambda key: (key != "exponential", worse[key]))
        return name, f"the {name} model predicts unseen trials better than the threshold"
    if sharp.pinned:
        words = " and ".join(EDGE_WORDS.get(edge, edge) for edge in sharp.pinned)
        return "none", f"no threshold in the window: {words}"
    if curves.n_trials < MIN_TRIALS:
        return "undecided", f"{curves.n_trials} trials: a comparison needs at least {MIN_TRIALS}"
    if not sharp.inside:
        return "undecided", "the threshold leaves its search window on more than 5 % of resamples"
    beaten = [g for g in differences.values() if g.ci95 is not None and g.ci95[0] > 0.0]
    if differences and len(beaten) == len(differences):
        return "threshold", "the threshold predicts unseen trials better than every smooth model"
    return "undecided", "a smooth model predicts unseen trials as well as the threshold"
