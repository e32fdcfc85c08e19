"""Order parameters trial by trial, their moments over resampled trials, and light smoothing.

The order parameter of trial t is m_t(x) = y_t(x) / norm_t, so a pruning ramp starts at one in
every trial.  A resample of trials is a row of counts, as everywhere in this layer.
"""

from dataclasses import dataclass

import numpy as np

from sta.analysis.statistics.curves import Curve, CurveSet, mean_curve
from sta.analysis.statistics.resampling import FloatArray

SMOOTHING = 2  # neighbours on each side that a lightly smoothed curve takes in


@dataclass(frozen=True)
class Moments:
    """Moments of m over trials at every point; B resamples, P points.

    Attributes
    ----------
    number
        Trials that cover the point, shape (B, P).
    mean
        <m>.
    variance
        Unbiased, n / (n - 1) (<m^2> - <m>^2).
    second, fourth
        Raw moments <m^2> and <m^4>.
    kurtosis
        <(m - <m>)^4> / <(m - <m>)^2>^2: 3 for a Gaussian, 1 for two equal peaks; NaN where the
        trials do not vary.
    """

    number: FloatArray
    mean: FloatArray
    variance: FloatArray
    second: FloatArray
    fourth: FloatArray
    kurtosis: FloatArray


def normalised_trials(curve: Curve) -> FloatArray:
    """Return m_t(x) = y_t(x) / norm_t, shape (T, P); NaN where the trial has no usable norm."""
    norm = np.where(curve.norm > 0.0, curve.norm, np.nan)
    m: FloatArray = curve.values / norm[:, None]
    return m


def falls(curves: CurveSet) -> bool:
    """Whether y falls with x: the sign of the covariance of the mean curves, summed over sizes."""
    total = 0.0
    for curve in curves.curves:
        y = mean_curve(curve)[0]
        good = np.isfinite(y)
        x, y = curve.x[good], y[good]
        total += float(np.sum((x - x.mean()) * (y - y.mean()))) if good.any() else 0.0
    return total <= 0.0


def reflected(curve: Curve) -> Curve:
    """Return the curve in -x, so that what rises falls."""
    error = None if curve.error is None else curve.error[::-1]
    return Curve(curve.size, -curve.x[::-1], curve.values[:, ::-1], curve.norm, error)


def filled(x: FloatArray, values: FloatArray) -> FloatArray:
    """Bridge missing inner points of each row by straight lines; missing ends stay NaN."""
    result = np.array(values, dtype=float)
    for row in result:
        there = np.isfinite(row)
        if there.sum() >= 2 and not there.all():
            row[:] = np.interp(x, x[there], row[there], left=np.nan, right=np.nan)
    return result


def moments(m: FloatArray, counts: FloatArray | None = None) -> Moments:
    """Moments of m over trials.

    Parameters
    ----------
    m
        Shape (T, P); NaN where a trial has no value.
    counts
        How often each trial was drawn, shape (B, T); every trial once if None.
    """
    weights = np.ones((1, m.shape[0])) if counts is None else np.asarray(counts, dtype=float)
    there = np.isfinite(m)
    # powers of the deviation from a common centre: the differences below do not cancel
    centre = np.where(there, m, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    d = np.where(there, m - centre, 0.0)
    number = weights @ there
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        one, two, three, four = (weights @ d**power / number for power in (1, 2, 3, 4))
        spread = np.maximum(two - one**2, 0.0)
        flatness = four - 4.0 * one * three + 6.0 * one**2 * two - 3.0 * one**4
        level = 1e-24 * np.maximum(centre**2, 1e-300)
        kurtosis = np.where(spread > level, flatness / spread**2, np.nan)
        variance = np.where(number > 1, spread * number / (number - 1.0), np.nan)
        mean = centre + one
        second = centre**2 + 2.0 * centre * one + two
        fourth = centre**4 + 4 * centre**3 * one + 6 * centre**2 * two + 4 * centre * three + four
    return Moments(number.astype(float), mean, variance, second, fourth, kurtosis)


def local_quadratic(x: FloatArray, half: int = SMOOTHING) -> tuple[FloatArray, FloatArray]:
    """Matrices (P, P) that turn a curve into its smoothed values and its slopes.

    A parabola is fitted by least squares to each point and its `half` neighbours on both
    sides, fewer sides at the ends (Savitzky and Golay, Anal. Chem. 36, 1627 (1964), on any
    grid); it is exact for parabolas.
    """
    n = x.size
    width = min(2 * half + 1, n)
    smooth, slope = np.zeros((n, n)), np.zeros((n, n))
    for i in range(n):
        start = min(max(i - half, 0), n - width)
        window = slice(start, start + width)
        scale = float(np.ptp(x[window])) or 1.0
        u = (x[window] - x[i]) / scale
        rows = np.linalg.pinv(np.vander(u, min(3, width), increasing=True))
        smooth[i, window] = rows[0]
        if width > 1:
            slope[i, window] = rows[1] / scale
    return smooth, slope


def parabolic_peak(x: FloatArray, f: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Place and height of the maximum of each row, from the parabola through three points.

    Both are NaN where the row is not finite or its maximum lies at an end.
    """
    rows = np.arange(f.shape[0])
    finite = np.isfinite(f)
    top = np.where(finite, f, -np.inf).argmax(axis=1)
    inside = (top > 0) & (top < x.size - 1)
    i = np.clip(top, 1, max(x.size - 2, 1))
    if x.size < 3:
        nothing = np.full(f.shape[0], np.nan)
        return nothing, nothing.copy()
    left, right = x[i] - x[i - 1], x[i + 1] - x[i]
    rise = (f[rows, i] - f[rows, i - 1]) / left
    fall = (f[rows, i + 1] - f[rows, i]) / right
    with np.errstate(divide="ignore", invalid="ignore"):
        curvature = (fall - rise) / (left + right)
        slope = (rise * right + fall * left) / (left + right)
        move = np.where(curvature < 0.0, -slope / (2.0 * curvature), 0.0)
    move = np.clip(move, -left, right)
    height = f[rows, i] + slope * move + curvature * move**2
    good = inside & np.isfinite(height)
    return np.where(good, x[i] + move, np.nan), np.where(good, height, np.nan)
