"""From curves to the points that a collapse is fitted to, in units of order one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sta.analysis.statistics.covariance import NoiseModel, mean_covariance, noise_model
from sta.analysis.statistics.curves import Curve, CurveSet, mean_curve
from sta.analysis.statistics.resampling import FloatArray
from sta.analysis.statistics.scaling.evidence import Design
from sta.errors import ConfigError, ShapeError

MAX_POINTS = 120
MIN_POINTS_PER_SIZE = 4
NOISE_FLOOR = 0.05  # least standard error of a point, as a share of its curve's root mean square

# Weak normal priors (mean, deviation), x in units of a quarter of its range and y of its
# root mean square: x_c, 1/nu, beta/nu, log amplitude, log length; then log kappa, the size of the
# correction at the smallest size, and log r, with e^r the factor by which it falls over the sizes.
PRIOR = ((0.0, 2.0), (1.0, 2.0), (0.0, 2.0), (-1.0, 2.0), (0.0, 1.5))
CORRECTION_PRIOR = ((float(np.log(0.3)), 0.5), (float(np.log(1.9)), 0.4))
HELD = 1e-4  # deviation of the prior of a parameter that is held at a value


@dataclass(frozen=True)
class Units:
    """Units of a `Design`.

    x = origin + width * x', y = height * y', and L' = L / size; scaled abscissae are
    X = width * size^(1/nu) * X' and master curves F = height * size^(beta/nu) * F'.
    """

    origin: float
    width: float
    height: float
    size: float


@dataclass(frozen=True)
class Points:
    """The points of a collapse and where they come from.

    Attributes
    ----------
    curves
        The curves, cut to the points that are used.
    design
        x, y, sizes and covariance in `units`.
    units
        The units.
    place
        Curve of every point, shape (N,).
    degrees_of_freedom
        Of the estimated covariance, over all curves; 0 if the source states the errors.
    """

    curves: CurveSet
    design: Design
    units: Units
    place: NDArray[np.intp]
    degrees_of_freedom: int

    def mean(self, counts: FloatArray) -> FloatArray:
        """Mean curves of resampled trials in the design's units, shape (B, N)."""
        means = [mean_curve(curve, counts) for curve in self.curves.curves]
        return np.concatenate(means, axis=1) / self.units.height

    @property
    def sizes(self) -> tuple[float, ...]:
        """The sizes, ascending."""
        return tuple(curve.size for curve in self.curves.curves)


def build_points(
    curves: CurveSet,
    *,
    corrections: bool,
    limit: int = MAX_POINTS,
    noise: NoiseModel | None = None,
    inv_nu: float | None = None,
) -> Points:
    """Prepare curves for a collapse.

    Parameters
    ----------
    curves
        One curve a size, two sizes or more; with at least 2 trials, or with stated errors.
    corrections
        Whether the model has a correction to scaling.
    limit
        Most points; longer curves are thinned evenly.
    noise
        Noise of these very curves if it is known already; else it is estimated.
    inv_nu
        Value at which 1/nu is held; free if None.

    Raises
    ------
    ShapeError
        If there is one size, a size is not positive, a curve is too short or constant, or
        there are neither trials nor errors.
    """
    _check(curves)
    kept = CurveSet(
        tuple(_thinned(curve, limit // len(curves.curves)) for curve in curves.curves),
        curves.trials,
        curves.replicated,
        curves.groups,
    )
    covariance, freedom = _covariance(kept, noise)
    x = np.concatenate([curve.x for curve in kept.curves])
    y = np.concatenate([mean_curve(curve)[0] for curve in kept.curves])
    sizes = np.array([curve.size for curve in kept.curves])
    place = np.repeat(np.arange(sizes.size), [curve.x.size for curve in kept.curves])
    units = Units(
        origin=float(np.median(x)),
        width=0.25 * float(np.ptp(x)),
        height=float(np.sqrt(np.mean(y**2))),
        size=float(np.exp(np.mean(np.log(sizes)))),
    )
    prior = np.array(PRIOR + (CORRECTION_PRIOR if corrections else ()))
    if inv_nu is not None:
        prior[1] = inv_nu, HELD
    design = Design(
        x=(x - units.origin) / units.width,
        y=y / units.height,
        log_size=np.log(sizes / units.size)[place],
        noise=covariance / units.height**2,
        prior_mean=prior[:, 0],
        prior_deviation=prior[:, 1],
    )
    return Points(kept, design, units, place, freedom)


def select_window(curves: CurveSet, x_c: float, inv_nu: float, reach: float) -> CurveSet:
    """Return the points with |x - x_c| L^(1/nu) <= reach, sizes with too few of them left out."""
    cut = [
        curve.select(np.abs(curve.x - x_c) * curve.size**inv_nu <= reach * (1.0 + 1e-9))
        for curve in curves.curves
    ]
    long = tuple(curve for curve in cut if curve.x.size >= MIN_POINTS_PER_SIZE)
    if len(long) < 2:
        raise ConfigError(f"window {reach:g} leaves {len(long)} sizes: widen it")
    return CurveSet(long, curves.trials, curves.replicated, curves.groups)


def _covariance(curves: CurveSet, noise: NoiseModel | None) -> tuple[FloatArray, int]:
    if curves.n_trials >= 2:
        model = noise or noise_model(curves)
        covariance, freedom = mean_covariance(model, curves), model.degrees_of_freedom
    else:
        errors = [curve.error for curve in curves.curves if curve.error is not None]
        covariance, freedom = np.diag(np.concatenate(errors) ** 2), 0
    variance = np.diag(covariance)
    start, floors = 0, np.empty_like(variance)
    for curve in curves.curves:
        mine = slice(start, start + curve.x.size)
        floors[mine] = NOISE_FLOOR**2 * variance[mine].mean()
        start = mine.stop
    return covariance + np.diag(np.maximum(floors, 1e-16)), freedom


def _thinned(curve: Curve, limit: int) -> Curve:
    if curve.x.size <= limit:
        return curve
    return curve.select(np.unique(np.round(np.linspace(0, curve.x.size - 1, limit)).astype(int)))


def _check(curves: CurveSet) -> None:
    if len(curves.curves) < 2:
        raise ShapeError("one size: a scaling collapse compares at least 2 sizes")
    for curve in curves.curves:
        if not curve.size > 0.0:
            raise ShapeError(f"size {curve.size:g}: a scaling collapse needs positive sizes")
        if curve.x.size < MIN_POINTS_PER_SIZE:
            raise ShapeError(
                f"size {curve.size:g} has {curve.x.size} points: a collapse needs at least"
                f" {MIN_POINTS_PER_SIZE} a size"
            )
        mean = mean_curve(curve)[0]
        if not np.isfinite(mean).all():
            raise ShapeError(f"size {curve.size:g}: the mean curve is not finite")
        if np.ptp(mean) <= 1e-12 * np.abs(mean).max():
            raise ShapeError(f"size {curve.size:g}: y is constant, so there is nothing to collapse")
        if curves.n_trials < 2 and curve.error is None:
            raise ShapeError(
                f"size {curve.size:g} has neither trials nor errors: give 2 trials or more, or"
                " the column of standard errors"
            )
