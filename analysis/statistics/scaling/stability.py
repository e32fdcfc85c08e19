"""The collapse under other choices: window, smallest size, correction to scaling.

Scaling holds near the transition and for large sizes.  How near and how large is not known in
advance, so a scan is made; the largest window and the most sizes that give a good fit are taken,
and half the range over all good fits is the systematic error.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sta.analysis.statistics.curves import CurveSet
from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.resampling import FloatArray
from sta.analysis.statistics.scaling.design import Points, build_points, select_window
from sta.analysis.statistics.scaling.fit import CollapseFit, fit_points
from sta.analysis.statistics.scaling.intervals import scaling_covariance
from sta.analysis.statistics.scaling.quality import predictive_p_value
from sta.errors import StaError

FRACTIONS = (1.0, 0.7, 0.5)
GOOD = 0.05
MIN_SIZES = 3
MIN_SIZES_FOR_CORRECTIONS = 4
DRIFT = 3.0  # standard errors by which a fit may differ from those of fewer points
WORTH = 2.0  # fits whose standard error is more than this factor larger say nothing systematic


@dataclass(frozen=True)
class Variant:
    """One choice of window and smallest size, and what it gives.

    Attributes
    ----------
    window
        Largest |x - x_c| L^(1/nu), in the unit of the data.
    smallest_size
        L_min.
    corrections
        Whether a correction to scaling was fitted.
    n_points
        Points in it.
    value, se
        x_c, 1/nu, beta/nu, beta and their standard errors, shape (4,).
    p_value
        Goodness of fit; see `predictive_p_value`.
    accepted
        Whether the fit came to rest and its p-value is above 0.05.
    """

    window: float
    smallest_size: float
    corrections: bool
    n_points: int
    value: FloatArray
    se: FloatArray
    p_value: float | None
    accepted: bool

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


@dataclass(frozen=True)
class Stability:
    """The chosen fit, and all that were tried.

    Attributes
    ----------
    chosen
        The fit of the largest accepted window with the most sizes from which no accepted fit of
        fewer points differs significantly; of the best p-value if none is accepted.
    variant
        Its row.
    variants
        All rows; those of the other setting of `corrections` last.
    systematic
        Half the range of x_c, 1/nu, beta/nu and beta over the accepted rows, shape (4,); None if
        there are fewer than two.
    """

    chosen: CollapseFit
    variant: Variant
    variants: tuple[Variant, ...]
    systematic: FloatArray | None


def scan(
    curves: CurveSet,
    *,
    corrections: bool,
    fractions: Sequence[float] = FRACTIONS,
    window: float | None = None,
    seed: int = 0,
) -> Stability:
    """Fit the collapse under several windows and smallest sizes.

    Parameters
    ----------
    curves
        All curves.
    corrections
        Whether to fit a correction to scaling (where at least 4 sizes are left).
    fractions
        Windows, as shares of the largest |X| that two sizes reach.
    window
        The largest window instead, in |x - x_c| L^(1/nu).
    seed
        Of the random starts.
    """
    first = fit_points(build_points(curves, corrections=corrections), seed=seed)
    x_c, inv_nu = float(first.scaling[0]), float(first.scaling[1])
    reach = _reach(curves, x_c, inv_nu) if window is None else window
    fits: list[CollapseFit] = []
    rows: list[Variant] = []
    for drop in range(max(len(curves.curves) - MIN_SIZES, 0) + 1):
        for fraction in fractions:
            whole = drop == 0 and fraction == 1.0 and window is None
            found = first if whole else _fit(curves, first, drop, fraction * reach, corrections)
            if found is not None and _is_new(found, fits):
                fits.append(found)
                rows.append(_variant(found, fraction * reach, seed))
    place = _choose(rows)
    other = _other_setting(fits[place], rows[place], corrections, seed)
    return Stability(fits[place], rows[place], (*rows, *other), _systematic(rows, rows[place]))


def _fit(
    curves: CurveSet, first: CollapseFit, drop: int, reach: float, corrections: bool
) -> CollapseFit | None:
    """Fit one variant from the first optimum; None where too little is left."""
    large = CurveSet(curves.curves[drop:], curves.trials, curves.replicated, curves.groups)
    try:
        cut = select_window(large, float(first.scaling[0]), float(first.scaling[1]), reach)
        if len(cut.curves) < min(MIN_SIZES, len(curves.curves)):
            return None
        enough = len(cut.curves) >= MIN_SIZES_FOR_CORRECTIONS
        points = build_points(cut, corrections=corrections and enough)
        return fit_points(points, start=_start(first, points))
    except StaError:
        return None


def _start(first: CollapseFit, points: Points) -> FloatArray:
    """Return the optimum of another fit, in the units of these points."""
    old, new = first.points.units, points.units
    start = np.array(points.design.prior_mean)
    shared = min(start.size, first.parameters.size)
    start[:shared] = first.parameters[:shared]
    start[0] = (first.scaling[0] - new.origin) / new.width
    ratio = old.width / new.width * (old.size / new.size) ** first.parameters[1]
    start[4] += np.log(ratio)
    return start


def _is_new(found: CollapseFit, fits: Sequence[CollapseFit]) -> bool:
    return all(
        found.points.design.x.size != one.points.design.x.size
        or found.points.sizes != one.points.sizes
        for one in fits
    )


def _variant(fit: CollapseFit, reach: float, seed: int) -> Variant:
    spread = scaling_covariance(fit)
    p_value = predictive_p_value(fit, seed=seed)
    return Variant(
        reach,
        fit.points.sizes[0],
        fit.points.design.corrected,
        fit.points.design.x.size,
        spread.value,
        np.sqrt(np.diag(spread.covariance)),
        p_value,
        bool(fit.converged and p_value is not None and p_value > GOOD),
    )


def _choose(rows: Sequence[Variant]) -> int:
    good = [place for place, row in enumerate(rows) if row.accepted]
    if not good:
        return int(np.argmax([row.p_value or 0.0 for row in rows]))
    steady = [place for place in good if _steady(rows[place], [rows[k] for k in good])]
    return steady[0] if steady else good[0]


def _steady(one: Variant, others: Sequence[Variant]) -> bool:
    """Whether no fit of fewer of the same points differs by more than chance.

    The variance of the difference between an estimate and one from part of its data is at most
    that of the latter, if the first is the more efficient (J. A. Hausman, Econometrica 46, 1251
    (1978)).  Fits without a correction do not speak against one with it.
    """
    for other in others:
        if other.n_points >= one.n_points or other.corrections != one.corrections:
            continue
        if (np.abs(other.value - one.value)[:3] > DRIFT * other.se[:3]).any():
            return False
    return True


def _systematic(rows: Sequence[Variant], chosen: Variant) -> FloatArray | None:
    kept = [
        row.value
        for row in rows
        if row.accepted and bool((row.se[:3] <= WORTH * chosen.se[:3]).all())
    ]
    return 0.5 * np.ptp(kept, axis=0) if len(kept) > 1 else None


def _other_setting(
    fit: CollapseFit, chosen: Variant, corrections: bool, seed: int
) -> tuple[Variant, ...]:
    """Fit the chosen points with the other setting of `corrections`, to show its weight."""
    if not corrections and len(fit.points.sizes) < MIN_SIZES_FOR_CORRECTIONS:
        return ()
    points = build_points(fit.points.curves, corrections=not fit.points.design.corrected)
    other = fit_points(points, start=_start(fit, points))
    return (_variant(other, chosen.window, seed),)


def _reach(curves: CurveSet, x_c: float, inv_nu: float) -> float:
    """Largest scaled distance that two sizes reach."""
    reaches = sorted(
        float(np.max(np.abs(curve.x - x_c)) * curve.size**inv_nu) for curve in curves.curves
    )
    return reaches[-2]
