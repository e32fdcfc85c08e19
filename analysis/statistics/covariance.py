"""Covariance of the points of mean curves, pooled over all sizes.

One trained network, or one simulated sample, gives a whole curve, so the points of a curve are
correlated.  With T trials and P points the sample covariance has rank below T and must not be
inverted: intervals from it cover about two thirds of what they claim.  What is used instead has
five parameters for all curves together,

    corr(i, j) = g0 + g1 exp(-(|x_i - x_j| / l_k)^q) + (1 - g0 - g1) delta_ij,
    l_k = l (L_k / L_1)^(-s),

and standard deviations that are shrunk towards their neighbours'.

References
----------
J. Hartlap, P. Simon, P. Schneider, Astron. Astrophys. 464, 399 (2007): the inverse of a sample
covariance.  G. K. Smyth, Stat. Appl. Genet. Mol. Biol. 3, 3 (2004): shrunken variances.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import minimize
from scipy.special import polygamma

from sta.analysis.statistics.curves import Curve, CurveSet, mean_curve
from sta.analysis.statistics.resampling import FloatArray

NEIGHBOURS = 1.5  # bandwidth, in points, of the trend that variances are shrunk towards
RELATIVE_FLOOR = 1e-4
MOST_POINTS = 32  # of a curve, in the fit of the correlation
MOST_SHARED = 0.999


@dataclass(frozen=True)
class NoiseModel:
    """How the points of one trial vary about the mean curve.

    Attributes
    ----------
    deviations
        Standard deviation of one trial at each point, shape (P_k,) a curve.
    common, local
        g0 and g1, shares of the variance that all points and neighbouring points have in common.
    length
        l, in the unit of x, of the smallest size.
    length_exponent
        s, by which l shrinks with the size.
    power
        q in 0.5 .. 2: 1 for curves as rough as a random walk, 2 for smooth ones.
    degrees_of_freedom
        Independent contributions to the variances, summed over the curves.
    """

    deviations: tuple[FloatArray, ...]
    common: float
    local: float
    length: float
    length_exponent: float
    power: float
    degrees_of_freedom: int


def trial_residuals(curve: Curve) -> FloatArray:
    """Return (v_t - y norm_t) / mean(norm) for every trial t, shape (T, P).

    To first order the mean curve y = mean(v) / mean(norm) is the mean of y + these residuals,
    so their covariance divided by T is that of y (delta method).  NaN where a trial is absent.
    """
    y = mean_curve(curve)[0]
    norm = np.nanmean(curve.norm)
    residuals: FloatArray = (curve.values - y * curve.norm[:, None]) / norm
    return residuals


def noise_model(curves: CurveSet) -> NoiseModel:
    """Estimate the covariance within a trial from all curves together.

    Parameters
    ----------
    curves
        With at least 2 trials a curve.

    Returns
    -------
    NoiseModel
        The correlation maximises sum_k nu_k [-log|C_k| - tr(C_k^-1 R_k)] / 2, with R_k the
        sample correlation of curve k and nu_k its trials less one.
    """
    residuals = [trial_residuals(curve) for curve in curves.curves]
    numbers = [np.isfinite(one).sum(axis=0) for one in residuals]
    deviations = tuple(
        _shrunk_deviation(one, number, np.ptp(mean_curve(curve)[0]))
        for one, number, curve in zip(residuals, numbers, curves.curves, strict=True)
    )
    freedom = [max(int(np.median(number)) - 1, 1) for number in numbers]
    sample = [_sample_correlation(one / sd) for one, sd in zip(residuals, deviations, strict=True)]
    fitted = _fit_correlation(curves.curves, sample, freedom)
    return NoiseModel(deviations, *fitted, sum(freedom))


def trial_covariance(model: NoiseModel, curves: CurveSet, place: int) -> FloatArray:
    """Covariance of the points of one trial of curve `place`, shape (P, P)."""
    curve, sd = curves.curves[place], model.deviations[place]
    ratio = curve.size / curves.curves[0].size if curves.curves[0].size > 0 else 1.0
    length = model.length * max(ratio, 1e-12) ** -model.length_exponent
    correlation = _correlation(curve.x, model.common, model.local, length, model.power)
    covariance: FloatArray = sd[:, None] * correlation * sd
    return covariance


def mean_covariance(model: NoiseModel, curves: CurveSet) -> FloatArray:
    """Covariance of all points of the mean curves, one block a curve, shape (N, N).

    A pair of points that n_i, n_j and n_ij trials cover, alone and together, has the covariance
    of one trial times n_ij / (n_i n_j).
    """
    blocks = []
    for place, curve in enumerate(curves.curves):
        there = np.isfinite(curve.values).astype(float)
        number = there.sum(axis=0)
        together = there.T @ there / (number[:, None] * number)
        blocks.append(trial_covariance(model, curves, place) * together)
    stacked: FloatArray = block_diag(*blocks)
    return stacked


def _shrunk_deviation(residuals: FloatArray, number: FloatArray, scale: float) -> FloatArray:
    """Posterior standard deviation of each point, with its neighbours' trend as the prior mean."""
    freedom = np.maximum(number - 1.0, 1.0)
    variance = np.nansum(residuals**2, axis=0) / freedom
    variance = np.maximum(variance, (RELATIVE_FLOOR * (scale or 1.0)) ** 2)
    logs = np.log(variance) - polygamma(0, freedom / 2) + np.log(freedom / 2)
    if logs.size < 4:
        prior = np.full_like(variance, np.mean(variance))
        return np.asarray(np.sqrt((variance * freedom + 4 * prior) / (freedom + 4)), dtype=float)
    trend = gaussian_filter1d(logs, NEIGHBOURS, mode="nearest")
    excess = np.mean((logs - trend) ** 2) * 1.3 - np.mean(polygamma(1, freedom / 2))
    prior_freedom = _inverse_trigamma(excess) if excess > 1e-3 else 1e4
    log_mean = trend + polygamma(0, prior_freedom / 2) - np.log(prior_freedom / 2)
    prior = np.exp(log_mean) if prior_freedom < 1e4 else np.exp(trend)
    shrunk = (prior_freedom * prior + freedom * variance) / (prior_freedom + freedom)
    return np.asarray(np.sqrt(shrunk), dtype=float)


def _inverse_trigamma(value: float) -> float:
    """Twice the y with trigamma(y) = value, by Newton's steps in 1 / trigamma (Smyth 2004)."""
    y = 0.5 + 1.0 / value
    for _ in range(20):
        slope = float(polygamma(2, y))
        step = float(polygamma(1, y)) * (1.0 - float(polygamma(1, y)) / value) / slope
        y += step
        if abs(step) < 1e-8 * y:
            break
    return float(np.clip(2.0 * y, 1.0, 1e4))


def _sample_correlation(scores: FloatArray) -> FloatArray:
    """Mean of products over the trials that cover both points, shape (P, P)."""
    there = np.isfinite(scores)
    filled = np.where(there, scores, 0.0)
    pairs = there.T.astype(float) @ there
    product: FloatArray = filled.T @ filled / np.maximum(pairs - 1.0, 1.0)
    return product


def _correlation(
    x: FloatArray, common: float, local: float, length: float, power: float
) -> FloatArray:
    near = np.exp(-((np.abs(x[:, None] - x) / max(length, 1e-300)) ** power))
    matrix: FloatArray = common + local * near
    matrix[np.diag_indices_from(matrix)] = 1.0
    return matrix


def _fit_correlation(
    curves: Sequence[Curve], sample: Sequence[FloatArray], freedom: Sequence[int]
) -> tuple[float, float, float, float, float]:
    """Maximise the likelihood of the correlations, on at most `MOST_POINTS` points a curve."""
    spacing = float(np.median(np.concatenate([np.diff(curve.x) for curve in curves])))
    extent = max(float(np.ptp(curve.x)) for curve in curves)
    ratios = np.array([curve.size for curve in curves])
    ratios = ratios / ratios[0] if ratios[0] > 0 else np.ones_like(ratios)
    many = len(curves) > 1 and bool((ratios > 0).all())
    parts = []
    for curve, ratio, matrix, nu in zip(curves, ratios, sample, freedom, strict=True):
        kept = _spread_out(curve.x.size)
        x = curve.x[kept]
        apart = np.abs(x[:, None] - x)
        parts.append((apart, np.log(max(ratio, 1e-12)), matrix[np.ix_(kept, kept)], nu))

    def loss(u: FloatArray) -> tuple[float, FloatArray]:
        total, gradient = 0.005 * float(u @ u), 0.01 * u
        for apart, log_ratio, matrix, nu in parts:
            value, slope = _correlation_loss(u, apart, log_ratio, matrix, nu)
            total, gradient = total + value, gradient + slope
        return total, gradient

    reach = (np.log(0.3 * spacing), np.log(3.0 * extent))
    bounds = [(-7.0, 7.0), (-7.0, 7.0), reach, (0.0, 2.5 * many), (0.5, 2.0)]
    lengths = np.log([1.5 * spacing, max(0.2 * extent, 2.0 * spacing)])
    starts = [np.array([-2.0, 0.0, length, 0.0, 1.5]) for length in lengths]
    found = [minimize(loss, one, jac=True, method="L-BFGS-B", bounds=bounds) for one in starts]
    best = np.asarray(min(found, key=lambda one: float(one.fun)).x, dtype=float)
    common, local = _shares(best)
    return common, local, float(np.exp(best[2])), float(best[3]), float(best[4])


def _shares(u: FloatArray) -> tuple[float, float]:
    """g0 and g1 from two unbounded numbers; a share of its own keeps the matrix invertible."""
    shares = MOST_SHARED * np.exp(u[:2] - np.logaddexp(0.0, np.logaddexp(u[0], u[1])))
    return float(shares[0]), float(shares[1])


def _correlation_loss(
    u: FloatArray, apart: FloatArray, log_ratio: float, sample: FloatArray, nu: int
) -> tuple[float, FloatArray]:
    """Return nu [log|C| + tr(C^-1 R)] / 2 of one curve, and its gradient by the parameters."""
    common, local = _shares(u)
    scaled = apart / np.exp(u[2] - u[3] * log_ratio)
    power = np.power(scaled, u[4])
    near = np.exp(-power)
    model = common + local * near
    places = np.diag_indices_from(model)
    model[places] = 1.0
    inverse = np.linalg.inv(model)
    _, logdet = np.linalg.slogdet(model)
    weighed = inverse @ sample
    value = 0.5 * nu * (float(logdet) + float(np.trace(weighed)))
    weight = 0.5 * nu * (inverse - weighed @ inverse)
    weight[places] = 0.0
    by_common, by_local = float(weight.sum()), float((weight * near).sum())
    steep = local * weight * near * power
    by_length = u[4] * float(steep.sum())
    by_power = -float((steep * np.log(np.where(scaled > 0.0, scaled, 1.0))).sum())
    p0, p1 = common / MOST_SHARED, local / MOST_SHARED
    gradient = np.array(
        [
            common * (1.0 - p0) * by_common - common * p1 * by_local,
            local * (1.0 - p1) * by_local - local * p0 * by_common,
            by_length,
            -log_ratio * by_length,
            by_power,
        ]
    )
    return value, gradient


def _spread_out(number: int) -> NDArray[np.intp]:
    """Return at most `MOST_POINTS` indices: two dense runs for short distances, the rest even."""
    if number <= MOST_POINTS:
        return np.arange(number)
    even = np.linspace(0, number - 1, MOST_POINTS // 2).astype(int)
    middle = number // 2 + np.arange(MOST_POINTS // 4)
    start = np.arange(MOST_POINTS // 4)
    return np.unique(np.concatenate([even, start, middle[middle < number]])).astype(np.intp)
