"""How well each model predicts: AICc and BIC, trials left out, sizes left out.

The likelihood is that of generalised least squares: normal, with the full covariance of the
points of the mean curves.  Counting correlated points as independent, which makes the usual
AIC and BIC of a curve worthless, therefore does not enter the likelihood; the number of data
enters only the small-sample term of AICc and the penalty of BIC, and there it is the number
of independent points

    n_eff = sum_k (tr R_k)^2 / tr(R_k^2),

with R_k the correlation matrix of mean curve k: P for P independent points, 1 for points
that move as one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t as student_t

from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.resampling import MIN_TRIALS, Estimate, FloatArray, bootstrap_mean
from sta.analysis.statistics.threshold.means import Means
from sta.analysis.statistics.threshold.separable import constants, predict, solve
from sta.analysis.statistics.threshold.shapes import Block, Shape, Solution, whitening


@dataclass(frozen=True)
class ModelScore:
    """Scores of one model.

    Attributes
    ----------
    n_parameters
        k: shape parameters, and an amplitude and an offset a curve.
    chi2
        Squared whitened residual of the mean curves.
    aicc, bic
        -2 log L + 2 k + 2 k (k + 1) / (n_eff - k - 1), and -2 log L + k log n_eff; AICc is
        None where n_eff <= k + 1.
    elpd_gain
        Log predictive density of trials left out, of the threshold less that of this model,
        summed over trials: positive speaks for the threshold.  The predictive covariance is
        that of a trial, plus that of the mean of the others, plus the floor.
    size_gain
        The same for sizes left out: the shape comes from the other sizes, amplitude and
        offset are fitted to the mean curve of the size left out.
    """

    n_parameters: int
    chi2: float
    aicc: float | None
    bic: float
    elpd_gain: Estimate
    size_gain: Estimate

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def score_models(
    means: Means,
    shapes: Mapping[str, Shape],
    solutions: Mapping[str, Solution],
    n_effective: float,
) -> tuple[dict[str, ModelScore], dict[str, Estimate]]:
    """Score every model, and compare the smooth ones with the threshold per point.

    Parameters
    ----------
    means, shapes, solutions
        The mean curves, and the models that were fitted to them.
    n_effective
        See `effective_points`.

    Returns
    -------
    dict
        Model to score.
    dict
        Smooth model to the mean over trials of its misfit less that of the threshold, per
        point (see `trial_misfits`); empty without trials or without a threshold.
    """
    by_trial: dict[str, FloatArray] = {}
    number = np.zeros(0)
    if means.noise.trial and "threshold" in shapes:
        by_trial, number = trial_misfits(means, shapes, solutions)
    scores, differences = {}, {}
    sharp_by_size = None
    if "threshold" in shapes and len(means.blocks) > 1:
        sharp_by_size = size_misfits(means, shapes["threshold"], solutions["threshold"])
    for name, shape in shapes.items():
        k, aicc, bic = information_criteria(shape, means.blocks, solutions[name], n_effective)
        of_trials = Estimate(reason=f"fewer than {MIN_TRIALS} trials: none can be left out")
        of_sizes = Estimate(reason="one size: none can be left out")
        if "threshold" not in shapes or name == "threshold":
            of_trials = of_sizes = Estimate(reason="the other models are compared with it")
        else:
            if by_trial:
                of_trials = elpd_gain(by_trial[name], by_trial["threshold"])
            if by_trial and name != "rounded":
                excess = (by_trial[name] - by_trial["threshold"]) / number
                excess = excess[np.isfinite(excess)]
                differences[name] = bootstrap_mean(excess, list(range(excess.size)), seed=0)
            if sharp_by_size is not None:
                of_sizes = size_gain(size_misfits(means, shape, solutions[name]), sharp_by_size)
        chi2 = float(solutions[name].rss[0])
        scores[name] = ModelScore(k, chi2, aicc, bic, of_trials, of_sizes)
    return scores, differences


def effective_points(blocks: Sequence[Block]) -> float:
    """Return n_eff of the module's formula; the covariance is (W^T W)^-1, floor included."""
    total = 0.0
    for block in blocks:
        inverse = np.linalg.inv(block.whitening)
        covariance = inverse @ inverse.T
        sd = np.sqrt(np.diag(covariance))
        correlation = covariance / np.outer(sd, sd)
        total += len(sd) ** 2 / float(np.sum(correlation**2))
    return total


def information_criteria(
    shape: Shape, blocks: Sequence[Block], solution: Solution, n_effective: float
) -> tuple[int, float | None, float]:
    """Return k, AICc and BIC of the fit to the first data set."""
    constant = shape.name == "constant"
    k = len(shape.axes) + len(blocks) * (1 if constant else 2)
    points = sum(block.x.size for block in blocks)
    log_det = -2.0 * sum(float(np.log(np.diag(block.whitening)).sum()) for block in blocks)
    deviance = float(solution.rss[0]) + log_det + points * float(np.log(2.0 * np.pi))
    room = n_effective - k - 1.0
    aicc = deviance + 2.0 * k + 2.0 * k * (k + 1.0) / room if room > 0.0 else None
    return k, aicc, deviance + k * float(np.log(n_effective))


def trial_misfits(
    means: Means, shapes: Mapping[str, Shape], solutions: Mapping[str, Solution]
) -> tuple[dict[str, FloatArray], FloatArray]:
    """Squared whitened residual of each trial under the fit without it.

    Returns
    -------
    dict
        Model to vector (T,): -2 times its log predictive density, less a constant that all
        models share.  NaN for a trial without points.
    ndarray
        Number of points of each trial, shape (T,).
    """
    curves = means.curves.curves
    n_trials = len(means.curves.trials)
    total = {name: np.zeros(n_trials) for name in shapes}
    number = np.zeros(n_trials)
    for place, (curve, covariance) in enumerate(zip(curves, means.noise.trial, strict=True)):
        many = max(int(curve.takes_part.sum()), 2)
        # what a model leaves out is common to all trials: it must weigh in their sum as in the mean
        floor = np.eye(curve.x.size) * many * (means.floor * means.ranges[place]) ** 2
        predictive = covariance * (many / (many - 1.0)) + floor
        scale = np.nanmean(curve.norm)
        there = np.isfinite(curve.values)
        number += there.sum(axis=1)
        patterns, which = np.unique(there, axis=0, return_inverse=True)
        roots = [whitening(predictive[np.ix_(seen, seen)]) for seen in patterns]
        for name, shape in shapes.items():
            guess = predict(shape, solutions[name], place, curve.x)[means.held_out]
            residual = (curve.values - guess * curve.norm[:, None]) / scale
            for trial in np.flatnonzero(there.any(axis=1)):
                kind = int(which.ravel()[trial])
                seen = residual[trial, patterns[kind]]
                total[name][trial] += float(np.sum((roots[kind] @ seen) ** 2))
    return {name: np.where(number > 0, one, np.nan) for name, one in total.items()}, number


def elpd_gain(misfit: FloatArray, of_threshold: FloatArray) -> Estimate:
    """Return the sum over trials of half the difference of misfits, with a t interval."""
    gain = 0.5 * (misfit - of_threshold)
    return _sum(gain[np.isfinite(gain)], "trial")


def size_misfits(means: Means, shape: Shape, solution: Solution) -> FloatArray:
    """Squared whitened residual of each mean curve, its shape from the other curves, (K,)."""
    blocks = means.rows(slice(0, 1))
    found = []
    for place, block in enumerate(blocks):
        others = blocks[:place] + blocks[place + 1 :]
        theta = solve(shape, others, start=solution.unit[:1], search=False, tolerance=1e-7).theta
        found.append(float(constants(shape.basis(block.x, theta), block)[0][0]))
    return np.array(found)


def size_gain(misfit: FloatArray, of_threshold: FloatArray) -> Estimate:
    """Return the sum over sizes of half the difference of misfits, with a t interval."""
    if misfit.size < 2:
        return Estimate(reason="one size: none can be left out")
    return _sum(0.5 * (misfit - of_threshold), "size")


def _sum(gains: FloatArray, unit: str) -> Estimate:
    n = gains.size
    if n < 3:
        value = float(gains.sum()) if n else None
        return Estimate(value, reason=f"{n} {unit}s: an interval needs at least 3")
    se = float(np.std(gains, ddof=1) * np.sqrt(n))
    reach = float(student_t.ppf(0.975, n - 1)) * se
    value = float(gains.sum())
    return Estimate(value, se, (value - reach, value + reach))
