"""Whether curves of several sizes share a parameter, and their common value."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.resampling import (
    MIN_TRIALS,
    Estimate,
    FloatArray,
    estimate_from_replicates,
    small_sample_factor,
)


@dataclass(frozen=True)
class Agreement:
    """Test that several estimates have one true value.

    Attributes
    ----------
    parameter
        What is compared.
    sizes, values
        The sizes and the estimate of each.
    common
        Inverse-variance mean of the values; its systematic part is half their range.
    p_value
        Chance of a spread at least as large if the true value is one; None if untested.
    outcome
        "consistent" (p >= 0.05: no evidence that they differ), "differ", or "untested".
    message
        Why it is untested; empty otherwise.
    """

    parameter: str
    sizes: tuple[float, ...]
    values: tuple[float, ...]
    common: Estimate
    p_value: float | None
    outcome: str
    message: str = ""

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def agreement(
    parameter: str,
    sizes: Sequence[float],
    values: Sequence[float],
    replicates: Sequence[FloatArray],
    n_trials: int,
) -> Agreement:
    """Compare estimates whose replicates come from the same resamples of trials.

    Q = sum_k (v_k - v)^2 / s_k^2, with v the inverse-variance mean, is referred to its own
    distribution over resamples, each taken about the estimates: trials that are shared by
    the sizes make the estimates dependent, and the resamples carry that dependence.

    Parameters
    ----------
    parameter
        Name, for the result.
    sizes, values
        One size and one estimate each, K of them.
    replicates
        K arrays of shape (B,), from the same counts.
    n_trials
        Independent units behind them, groups where groups were drawn and else trials; below 3
        nothing is tested.
    """
    head = (parameter, tuple(map(float, sizes)), tuple(map(float, values)))
    v = np.asarray(values, dtype=float)
    draws = np.array([np.asarray(row, dtype=float) for row in replicates])
    reason = _untested(v, draws, n_trials)
    if reason:
        common = Estimate(float(v.mean()), reason=reason) if v.size else Estimate(reason=reason)
        return Agreement(*head, common, None, "untested", reason)
    draws = draws[:, np.isfinite(draws).all(axis=0)]
    spread = np.std(draws, axis=1)
    if not (spread > 0.0).all():
        message = "an estimate does not vary over resamples"
        return Agreement(
            *head, Estimate(float(v.mean()), reason=message), None, "untested", message
        )
    weight = (1.0 / spread**2) / np.sum(1.0 / spread**2)
    half_range = 0.5 * float(np.ptp(v))
    common = estimate_from_replicates(
        float(weight @ v), weight @ draws, n_trials, systematic=half_range
    )
    if v.size == 1:
        return Agreement(*head, common, None, "untested", "one size: nothing to compare")
    stretch = small_sample_factor(n_trials)
    about = stretch * (draws - v[:, None])
    null = np.sum(((about - weight @ about) / spread[:, None]) ** 2, axis=0)
    observed = np.sum(((v - weight @ v) / spread) ** 2)
    p_value = (1.0 + np.sum(null >= observed)) / (1.0 + null.size)
    outcome = "consistent" if p_value >= 0.05 else "differ"
    return Agreement(*head, common, float(p_value), outcome)


def _untested(values: FloatArray, draws: FloatArray, n_trials: int) -> str:
    if values.size == 0:
        return "no size gives a value"
    if n_trials < MIN_TRIALS:
        return f"{n_trials} trials: a comparison needs at least {MIN_TRIALS}"
    if draws.shape[-1] < 20:
        return "too few resamples"
    return ""
