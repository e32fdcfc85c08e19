"""Mean curves with their covariance, as the fits take them.

The covariance of the points of a mean curve is that of one trial, pooled over all curves
(`sta.analysis.statistics.covariance`), divided by the trials.  A floor on its diagonal, a
share of the curve's range, stands for what a model leaves out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sta.analysis.statistics.covariance import mean_covariance, noise_model, trial_covariance
from sta.analysis.statistics.curves import CurveSet, draw, mean_curve
from sta.analysis.statistics.resampling import MIN_TRIALS, FloatArray, Seed
from sta.analysis.statistics.threshold.shapes import Block, whitening

_MANY = 10**6


@dataclass(frozen=True)
class CurveNoise:
    """Covariance of the points of each curve, without a floor.

    Attributes
    ----------
    trial
        Of one trial, (P_k, P_k) a curve; empty where there are no trials to tell it from.
    mean
        Of the mean curve, (P_k, P_k) a curve.
    """

    trial: tuple[FloatArray, ...]
    mean: tuple[FloatArray, ...]

    def pick(self, places: Sequence[int]) -> "CurveNoise":
        """Return the noise of some of the curves."""
        trial = tuple(self.trial[place] for place in places) if self.trial else ()
        return CurveNoise(trial, tuple(self.mean[place] for place in places))

    def select(self, points: Sequence[NDArray[np.bool_]]) -> "CurveNoise":
        """Return the noise at some of the points of each curve."""
        cut = [np.ix_(kept, kept) for kept in points]
        return CurveNoise(
            tuple(one[where] for one, where in zip(self.trial, cut, strict=False)),
            tuple(one[where] for one, where in zip(self.mean, cut, strict=True)),
        )


@dataclass(frozen=True)
class Means:
    """Mean curves of B data sets: row 0 all trials, then one trial left out each, then resamples.

    Attributes
    ----------
    curves
        Where they come from.
    blocks
        The means, one block a curve.
    noise
        Covariance of the points.
    ranges
        Range of each mean curve.
    floor
        Least standard deviation of a point, as a share of the range.
    held_out, drawn
        Rows without one trial, rows of the resamples.
    """

    curves: CurveSet
    blocks: tuple[Block, ...]
    noise: CurveNoise
    ranges: tuple[float, ...]
    floor: float
    held_out: slice
    drawn: slice

    @property
    def interval_trials(self) -> int:
        """Trials that set the quantiles; stated errors count as known exactly."""
        return self.curves.n_trials if self.curves.replicated else _MANY

    def rows(self, rows: slice) -> list[Block]:
        """Return the blocks of some of the data sets."""
        return [Block(block.x, block.y[rows], block.whitening) for block in self.blocks]


def curve_noise(curves: CurveSet) -> CurveNoise:
    """Estimate the covariance of the points of every curve.

    From the trials, all curves together, if there are three or more (with the standard errors
    that the source states, if it does); else from the stated errors alone, as if points were
    independent; else nothing is known and the covariance is zero.
    """
    if curves.n_trials < MIN_TRIALS:
        errors = [
            np.zeros(curve.x.size) if curve.error is None else curve.error
            for curve in curves.curves
        ]
        return CurveNoise((), tuple(np.diag(error**2) for error in errors))
    model = noise_model(curves)
    whole = mean_covariance(model, curves)
    trials, means = [], []
    end = 0
    for place, curve in enumerate(curves.curves):
        begin, end = end, end + curve.x.size
        trial, mean = trial_covariance(model, curves, place), whole[begin:end, begin:end]
        if curve.error is not None:
            scale = curve.error / np.sqrt(np.diag(mean))
            trial, mean = (one * np.outer(scale, scale) for one in (trial, mean))
        trials.append(trial)
        means.append(mean)
    return CurveNoise(tuple(trials), tuple(means))


def mean_curves(
    curves: CurveSet,
    *,
    counts: NDArray[np.int64] | None,
    resamples: int,
    seed: Seed,
    floor: float,
    noise: CurveNoise | None = None,
    weighted: bool = True,
) -> Means:
    """Average the curves over all trials, all but one, and every resample.

    Parameters
    ----------
    curves
        The curves.
    counts, resamples, seed
        Resamples of the trials, or how many to draw; without trials, resamples are drawn
        from the stated errors.
    floor
        See `Means`.
    noise
        Covariance of the points; estimated from these curves if None.
    weighted
        If False the points count as independent and equally precise.
    """
    enough = curves.n_trials >= MIN_TRIALS
    if counts is None and resamples and enough:
        counts = draw(curves, resamples, seed)
    if not weighted:
        noise = CurveNoise((), tuple(np.zeros((c.x.size, c.x.size)) for c in curves.curves))
    elif noise is None:
        noise = curve_noise(curves)
    n_trials = len(curves.trials)
    left_out = 1 - np.eye(n_trials, dtype=np.int64)
    rng = np.random.default_rng(seed)
    blocks, ranges = [], []
    for curve, covariance in zip(curves.curves, noise.mean, strict=True):
        whole = mean_curve(curve)
        held = mean_curve(curve, left_out) if enough else whole[:0]
        if counts is not None and enough:
            drawn = mean_curve(curve, counts)
        elif curve.error is not None and not curves.replicated:
            drawn = whole + curve.error * rng.standard_normal((resamples, curve.x.size))
        else:
            drawn = whole[:0]
        ranges.append(float(np.ptp(whole)) or 1.0)
        root = whitening(covariance + np.eye(curve.x.size) * (floor * ranges[-1]) ** 2)
        blocks.append(Block(curve.x, np.concatenate([whole, held, drawn]), root))
    n_held = n_trials if enough else 0
    return Means(
        curves,
        tuple(blocks),
        noise,
        tuple(ranges),
        floor,
        slice(1, 1 + n_held),
        slice(1 + n_held, None),
    )
