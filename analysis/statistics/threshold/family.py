"""The curves of one family (one kind of student, one teacher width) and all fits to them.

Each size is fitted alone, then all sizes with one shared shape; the shape parameters of the
single fits are tested for agreement, and the shared fit is repeated under other noise
floors and windows of x to see how much these choices matter.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sta.analysis.statistics.agreement import Agreement, agreement
from sta.analysis.statistics.curves import FLOOR, CurveSet, draw
from sta.analysis.statistics.plain import plain
from sta.analysis.statistics.resampling import MIN_TRIALS, Estimate, Seed
from sta.analysis.statistics.threshold.comparison import Comparison
from sta.analysis.statistics.threshold.fit import ModelFit, ModelFits, fit_models, refusal
from sta.analysis.statistics.threshold.means import CurveNoise, curve_noise, mean_curves
from sta.analysis.statistics.threshold.models import at_edge, build_shape
from sta.analysis.statistics.threshold.separable import solve

OTHER_FLOORS = (0.003, 0.03)
SHARED = (("threshold", "x_c"), ("threshold", "beta"), ("exponential", "b"))


@dataclass(frozen=True)
class FamilyFits:
    """All fits of a family.

    Attributes
    ----------
    by_size
        Size to the models fitted to its curve alone.
    pooled
        The models with one shape for all sizes of the family.
    agreements
        For x_c, beta and b: whether the single fits agree.
    systematic
        Half the range of x_c and of beta in the shared fit over floors and windows.
    """

    by_size: dict[float, ModelFits]
    pooled: ModelFits
    agreements: tuple[Agreement, ...]
    systematic: dict[str, float | None]

    @property
    def choice(self) -> Comparison:
        """The preferred model: that of the shared fit, unless no size has a threshold.

        Curves that end at different x, each without a threshold of its own, cannot share a
        shape; which model fails least on all of them then means nothing.
        """
        alone = [one.comparison for one in self.by_size.values()]
        if alone and all(one.preferred == "none" for one in alone):
            return Comparison("none", self.pooled.comparison.differences, alone[-1].message)
        return self.pooled.comparison

    def parameter(self, name: str) -> Estimate:
        """Return a threshold parameter of the shared fit, or null with the reason.

        Null if the fit failed, if it is pinned at an end of its search interval, or if the
        trials prefer a smooth model.
        """
        fit, choice = self.pooled.fits["threshold"], self.choice
        if not fit.success:
            return Estimate(reason=fit.message)
        if fit.pinned or choice.preferred not in ("threshold", "undecided"):
            return Estimate(reason=choice.message)
        found = fit.parameters[name]
        return Estimate(found.value, found.se, found.ci95, self.systematic[name], found.reason)

    def to_dict(self) -> dict[str, Any]:
        """Return the shared fits, the agreements and the systematic parts, as plain JSON values."""
        converted: dict[str, Any] = plain(
            {
                **self.pooled.to_dict(),
                "agreement": {one.parameter: one for one in self.agreements},
                "systematic": self.systematic,
            }
        )
        return converted


def fit_family(
    curves: CurveSet,
    *,
    seed: Seed,
    resamples: int,
    pool: NDArray[np.bool_] | None = None,
    window: float | None = None,
) -> FamilyFits:
    """Fit the curves of a family singly and together.

    Parameters
    ----------
    curves
        The curves.
    seed, resamples
        Of the bootstrap over whole trials; one set of resamples serves all fits.
    pool
        Which sizes enter the shared fit and the test of agreement; all if None.
    window
        Largest x of the narrower of the two windows that are tried.
    """
    counts = draw(curves, resamples, seed) if curves.n_trials >= MIN_TRIALS else None
    noise = None if refusal(curves) else curve_noise(curves)
    single = {
        curve.size: fit_models(
            curves.only(place),
            counts=counts,
            resamples=resamples,
            seed=seed,
            noise=noise and noise.pick([place]),
        )
        for place, curve in enumerate(curves.curves)
    }
    everyone = pool is None or not pool.any()
    places = [k for k in range(len(curves.curves)) if everyone or (pool is not None and pool[k])]
    chosen = [curves.curves[place] for place in places]
    joint = CurveSet(tuple(chosen), curves.trials, curves.replicated)
    shared = noise and noise.pick(places)
    pooled = fit_models(joint, counts=counts, resamples=resamples, seed=seed, noise=shared)
    sizes = [curve.size for curve in chosen]
    agreements = tuple(
        shared_parameter(
            parameter, {size: single[size].fits[model] for size in sizes}, joint.n_trials
        )
        for model, parameter in SHARED
    )
    systematic = _systematic(joint, pooled.fits["threshold"], shared, window)
    return FamilyFits(single, pooled, agreements, systematic)


def shared_parameter(parameter: str, fits: dict[float, ModelFit], n_trials: int) -> Agreement:
    """Test a shape parameter for agreement over the sizes where its fit succeeded unpinned."""
    usable = {size: fit for size, fit in fits.items() if fit.success and not fit.pinned}
    values = [fit.parameters[parameter].value or 0.0 for fit in usable.values()]
    draws = [fit.replicates[parameter] for fit in usable.values()]
    return agreement(parameter, tuple(usable), values, draws, n_trials)


def _systematic(
    curves: CurveSet, fit: ModelFit, noise: CurveNoise | None, window: float | None
) -> dict[str, float | None]:
    """Half the range of x_c and beta over the choices under which a fit stays unpinned."""
    if not fit.success or fit.pinned:
        return {"x_c": None, "beta": None}
    found = [(fit.parameters["x_c"].value, fit.parameters["beta"].value)]
    for floor in OTHER_FLOORS:
        found += _threshold(curves, noise, floor)
    if window is not None:
        kept = [curve.x <= window + 1e-9 for curve in curves.curves]
        pairs = zip(curves.curves, kept, strict=True)
        narrow = tuple(curve.select(points) for curve, points in pairs)
        cut = CurveSet(narrow, curves.trials, curves.replicated)
        found += _threshold(cut, noise and noise.select(kept), FLOOR)
    if len(found) < 2:
        return {"x_c": None, "beta": None}
    half_range = 0.5 * np.ptp(np.array(found, dtype=float), axis=0)
    return {"x_c": float(half_range[0]), "beta": float(half_range[1])}


def _threshold(
    curves: CurveSet, noise: CurveNoise | None, floor: float
) -> list[tuple[float | None, float | None]]:
    """x_c and beta under another choice; nothing if the fit fails or is pinned."""
    if refusal(curves):
        return []
    means = mean_curves(curves, counts=None, resamples=0, seed=0, floor=floor, noise=noise)
    shape = build_shape("threshold", [curve.x for curve in curves.curves])
    found = solve(shape, means.rows(slice(0, 1)))
    pinned = any(where[0] for where in at_edge(shape, found.unit, found.theta).values())
    if pinned or not found.converged[0]:
        return []
    return [(float(found.theta[0, 0]), float(found.theta[0, 1]))]
