"""Fits of threshold and smooth models to mean curves, with errors over whole trials.

Every model is fitted by weighted least squares to the mean curve, to the mean of all trials
but one, and to every bootstrap resample of trials, all at once; the weights stay those of
the whole sample.  Several curves may share the shape of a model (x_c and beta, or b), each
with an amplitude and an offset of its own.

Models are not compared by AICc or BIC: these count the points of a curve as independent,
and points of one trial are not.  They are compared by how well a model fitted without a
trial predicts that trial (`comparison`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sta.analysis.statistics.comparison import Comparison, compare
from sta.analysis.statistics.curves import FLOOR, CurveSet, draw, mean_curve, noise
from sta.analysis.statistics.models import (
    MODELS,
    ModelName,
    at_edge,
    build_shape,
    own_constants,
)
from sta.analysis.statistics.plain import plain, plain_fields
from sta.analysis.statistics.resampling import (
    MIN_TRIALS,
    Estimate,
    FloatArray,
    Seed,
    estimate_from_replicates,
)
from sta.analysis.statistics.separable import Block, Shape, Solution, predict, solve
from sta.errors import ConfigError

PINNED_SHARE = 0.05
_MANY = 10**6


@dataclass(frozen=True)
class ModelFit:
    """A model fitted to one or more mean curves.

    Attributes
    ----------
    model
        "threshold", "exponential", "stretched" or "crossover"; see `models` for the formulas.
    success, message
        Whether the fit can be used, and why not (or a caution).
    parameters
        Name to estimate; shape parameters, and A (or a) and c if there is one curve.
    r_squared
        1 - sum of squared residuals / sum of squares about each curve's mean, unweighted.
    pinned
        Parameters at an end of their search interval, as "x_c high".
    pinned_share
        Share of the resamples in which the fit is pinned (None without resamples).
    n_points, n_trials, x_range
        What was fitted.
    replicates
        The shape parameters on every resample; not part of `to_dict`.
    """

    model: str
    success: bool
    message: str
    parameters: dict[str, Estimate] = field(default_factory=dict)
    r_squared: float | None = None
    pinned: tuple[str, ...] = ()
    pinned_share: float | None = None
    n_points: int = 0
    n_trials: int = 0
    x_range: tuple[float, float] | None = None
    replicates: dict[str, FloatArray] = field(default_factory=dict, repr=False, compare=False)

    @property
    def inside(self) -> bool:
        """Whether the fit succeeded with every parameter inside its interval, resamples too."""
        return self.success and not self.pinned and (self.pinned_share or 0.0) <= PINNED_SHARE

    def to_dict(self) -> dict[str, Any]:
        """All attributes but the replicates, as plain JSON values."""
        return plain_fields(self, "replicates")


@dataclass(frozen=True)
class ModelFits:
    """The models tried on one set of curves, and which of them the trials prefer.

    Attributes
    ----------
    fits
        Model name to fit.
    comparison
        The threshold against each smooth model.
    """

    fits: dict[str, ModelFit]
    comparison: Comparison

    def to_dict(self) -> dict[str, Any]:
        """Return the fits by name and the comparison, as plain JSON values."""
        return {**plain(self.fits), "comparison": self.comparison.to_dict()}


@dataclass(frozen=True)
class _Data:
    """Means of the curves: row 0 all trials, then one trial left out each, then resamples."""

    blocks: tuple[Block, ...]
    held_out: slice
    drawn: slice


def fit_models(
    curves: CurveSet,
    *,
    models: Sequence[ModelName] = MODELS,
    counts: NDArray[np.int64] | None = None,
    resamples: int = 200,
    seed: Seed = 0,
    floor: float = FLOOR,
    weighted: bool = True,
) -> ModelFits:
    """Fit models to the mean curves and compare them, trial by trial.

    Parameters
    ----------
    curves
        One or more curves; a model's shape parameters are shared by all of them.
    models
        Which models to fit.
    counts
        Resamples to use, shape (B, T); drawn from `seed` if None.
    resamples, seed
        Number and seed of the resamples; none are drawn if `resamples` is 0.
    floor
        Least standard deviation of a point, as a share of the range of y.
    weighted
        If False all points have one weight.

    Raises
    ------
    ConfigError
        If the floor is not positive, or a model unknown.
    """
    if not floor > 0.0:
        raise ConfigError(f"floor is {floor}: choose a positive share of the range of y")
    refusal = _refusal(curves)
    if refusal:
        refused: dict[str, ModelFit] = {name: ModelFit(name, False, refusal) for name in models}
        return ModelFits(refused, Comparison("none", {}, refusal))
    if counts is None and resamples and curves.n_trials >= MIN_TRIALS:
        counts = draw(curves, resamples, seed)
    data = _data(curves, counts, resamples, seed, floor, weighted)
    grids = [curve.x for curve in curves.curves]
    shapes = {name: build_shape(name, grids) for name in models}
    solutions = {name: solve(shape, data.blocks) for name, shape in shapes.items()}
    fits: dict[str, ModelFit] = {
        str(name): _fit(curves, data, shapes[name], solutions[name]) for name in models
    }
    predictions: dict[str, list[FloatArray]] = {
        name: [
            predict(shapes[name], solutions[name], place, curve.x)[data.held_out]
            for place, curve in enumerate(curves.curves)
        ]
        for name in models
        if fits[name].success
    }
    return ModelFits(fits, compare(curves, data.blocks, fits, predictions))


def _refusal(curves: CurveSet) -> str:
    """Why nothing can be fitted, or an empty string."""
    shortest = min(curve.x.size for curve in curves.curves)
    if shortest < 5:
        return f"{shortest} points: a fit of four parameters needs at least 5 on every curve"
    for curve in curves.curves:
        mean = mean_curve(curve)[0]
        if not np.isfinite(mean).all():
            return f"size {curve.size:g}: the mean curve has no positive normaliser"
        if np.ptp(mean) <= 1e-12 * np.abs(mean).max():
            return f"size {curve.size:g}: y is constant, so there is no shape to fit"
    return ""


def _data(
    curves: CurveSet,
    counts: NDArray[np.int64] | None,
    resamples: int,
    seed: Seed,
    floor: float,
    weighted: bool,
) -> _Data:
    n_trials = len(curves.trials)
    left_out = 1 - np.eye(n_trials, dtype=np.int64) if curves.n_trials >= MIN_TRIALS else None
    rng = np.random.default_rng(seed)
    blocks = []
    n_held = 0 if left_out is None else n_trials
    for curve in curves.curves:
        whole = mean_curve(curve)
        held = whole[:0] if left_out is None else mean_curve(curve, left_out)
        if counts is not None and curves.n_trials >= MIN_TRIALS:
            drawn = mean_curve(curve, counts)
        elif curve.error is not None and not curves.replicated:
            drawn = whole + curve.error * rng.standard_normal((resamples, curve.x.size))
        else:
            drawn = whole[:0]
        sigma = noise(curve, drawn, floor, curves.n_trials)
        weight = 1.0 / sigma**2 if weighted else np.full(curve.x.size, 1.0 / np.ptp(whole) ** 2)
        blocks.append(Block(curve.x, np.concatenate([whole, held, drawn]), weight))
    return _Data(tuple(blocks), slice(1, 1 + n_held), slice(1 + n_held, None))


def _fit(curves: CurveSet, data: _Data, shape: Shape, solution: Solution) -> ModelFit:
    n_trials = curves.n_trials
    success, message = bool(solution.converged[0]), ""
    if not success:
        message = "the search did not come to rest"
    elif not (solution.amplitude[0] > 0.0).any():
        success, message = False, "y does not fall with x"
    edges = at_edge(shape, solution.unit, solution.theta)
    pinned = tuple(name for name, where in edges.items() if where[0])
    any_edge = np.any(list(edges.values()), axis=0)[data.drawn]
    if success and pinned:
        message = f"{', '.join(pinned)} end of the search interval"
    draws = {axis.name: solution.theta[data.drawn, i] for i, axis in enumerate(shape.axes)}
    return ModelFit(
        model=shape.name,
        success=success,
        message=message,
        parameters=_estimates(curves, data, shape, solution) if success else {},
        r_squared=_r_squared(data.blocks, shape, solution),
        pinned=pinned,
        pinned_share=float(any_edge.mean()) if any_edge.size else None,
        n_points=sum(curve.x.size for curve in curves.curves),
        n_trials=n_trials,
        x_range=(
            min(float(curve.x[0]) for curve in curves.curves),
            max(float(curve.x[-1]) for curve in curves.curves),
        ),
        replicates=draws,
    )


def _estimates(
    curves: CurveSet, data: _Data, shape: Shape, solution: Solution
) -> dict[str, Estimate]:
    values = {axis.name: solution.theta[:, i] for i, axis in enumerate(shape.axes)}
    bounds = {axis.name: _ends(axis.value(np.array([0.0, 1.0]))) for axis in shape.axes}
    if len(curves.curves) == 1:
        start = float(curves.curves[0].x[0])
        first = (solution.amplitude[:, 0], solution.offset[:, 0])
        values |= own_constants(shape.name, solution.theta, *first, start)  # type: ignore[arg-type]
    # without trials the resamples come from the stated errors, which need no small-sample factor
    n_trials = curves.n_trials if curves.replicated else _MANY
    return {
        name: estimate_from_replicates(
            value[0], value[data.drawn], n_trials, bounds=bounds.get(name, (-np.inf, np.inf))
        )
        for name, value in values.items()
    }


def _ends(values: FloatArray) -> tuple[float, float]:
    return float(values[0]), float(values[1])


def _r_squared(blocks: Sequence[Block], shape: Shape, solution: Solution) -> float:
    left = total = 0.0
    for place, block in enumerate(blocks):
        y = block.y[0]
        left += float(np.sum((y - predict(shape, solution, place, block.x)[0]) ** 2))
        total += float(np.sum((y - y.mean()) ** 2))
    return 1.0 - left / total
