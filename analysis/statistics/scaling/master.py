"""The whole chain of a scaling collapse: fit, error bars, stability, profiles, quality."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from sta.analysis.statistics.curves import CurveSet, draw
from sta.analysis.statistics.plain import plain, plain_fields
from sta.analysis.statistics.resampling import Estimate, FloatArray, Seed
from sta.analysis.statistics.scaling.design import build_points
from sta.analysis.statistics.scaling.evidence import master_curve
from sta.analysis.statistics.scaling.fit import CollapseFit, fit_points, natural, refit
from sta.analysis.statistics.scaling.intervals import (
    NAMES,
    interval_estimates,
    scaling_covariance,
)
from sta.analysis.statistics.scaling.profiles import (
    Identifiability,
    Profile,
    identifiability,
    scaling_profiles,
)
from sta.analysis.statistics.scaling.quality import (
    Quality,
    collapse_quality,
    predictive_p_value,
    scaled_points,
)
from sta.analysis.statistics.scaling.stability import (
    FRACTIONS,
    GOOD,
    MIN_SIZES_FOR_CORRECTIONS,
    Stability,
    scan,
)

LEAST_OVERLAP = 0.5
Corrections = Literal["auto", "yes", "no"]


@dataclass(frozen=True)
class ScaledCurve:
    """One size in scaled coordinates: X = (x - x_c) L^(1/nu), Y = y L^(beta/nu), its error."""

    size: float
    x: FloatArray
    y: FloatArray
    error: FloatArray

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


@dataclass(frozen=True)
class PowerLawBranch:
    """The collapse with 1/nu held at 1, for curves that do not determine 1/nu.

    A pure power |x - x_c|^beta collapses for every 1/nu, and near 1/nu = 0 for every x_c too;
    one must be chosen, and any gives the same x_c and beta.

    Attributes
    ----------
    x_c, beta
        Estimates.
    p_value
        Goodness of fit: small where the branch is no power law.
    """

    x_c: Estimate
    beta: Estimate
    p_value: float | None

    @property
    def good(self) -> bool:
        """Whether the branch may be a power law."""
        return self.p_value is not None and self.p_value > GOOD

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


@dataclass(frozen=True)
class ScalingCollapse:
    """A scaling collapse y = L^(-beta/nu) F((x - x_c) L^(1/nu)), and how far to trust it.

    Attributes
    ----------
    estimates
        x_c, inv_nu, beta_over_nu and beta, each with 68 % and 95 % intervals over whole trials
        and the systematic error of window and smallest size.  inv_nu and beta_over_nu are null
        where they are not identified.
    identifiability
        Whether 1/nu and beta/nu are separately determined, and why not.
    quality
        Of the chosen fit.
    stability
        Every window and smallest size that was tried.
    profiles
        Of x_c, 1/nu and beta/nu.
    branch
        The fit that gives x_c and beta where 1/nu is not identified; None where it is.
    curves
        The chosen points in scaled coordinates.
    master
        X, F(X) and its standard deviation, shape (3, m).
    cautions
        What a reader of the numbers has to know.
    """

    estimates: Mapping[str, Estimate]
    identifiability: Identifiability
    quality: Quality
    stability: Stability
    profiles: tuple[Profile, ...]
    branch: PowerLawBranch | None
    curves: tuple[ScaledCurve, ...]
    master: FloatArray
    cautions: tuple[str, ...]

    @property
    def fit(self) -> CollapseFit:
        """The chosen fit."""
        return self.stability.chosen

    @property
    def good(self) -> bool:
        """Whether the chosen window gives a good fit, of sizes that overlap."""
        return self.stability.variant.accepted and self.quality.overlap >= LEAST_OVERLAP

    def to_dict(self) -> dict[str, Any]:
        """All but the fit itself, as plain JSON values."""
        converted: dict[str, Any] = plain(
            {
                "estimates": self.estimates,
                "identifiability": self.identifiability,
                "quality": self.quality,
                "window": self.stability.variant,
                "variants": self.stability.variants,
                "profiles": self.profiles,
                "power_law_branch": self.branch,
                "curves": self.curves,
                "master": dict(zip(("x", "y", "sd"), self.master, strict=True)),
                "cautions": self.cautions,
            }
        )
        return converted


def fit_collapse(
    curves: CurveSet,
    *,
    corrections: Corrections = "auto",
    window: float | None = None,
    fractions: tuple[float, ...] = FRACTIONS,
    seed: int = 0,
) -> ScalingCollapse:
    """Collapse curves of several sizes onto one master curve.

    Parameters
    ----------
    curves
        Curves of two sizes or more, with trials or stated errors.
    corrections
        Whether to fit a correction to scaling; "auto" does with four sizes or more, because
        without it intervals are too short wherever there is one.
    window
        Largest |x - x_c| L^(1/nu) to use; found by a scan if None.
    fractions
        Windows of the scan, as shares of the largest.
    seed
        Of the random starts and of the goodness of fit.

    Raises
    ------
    ShapeError
        If the curves cannot be collapsed; see `build_points`.
    StaError
        If no collapse is found.

    References
    ----------
    M. E. Fisher, M. N. Barber, Phys. Rev. Lett. 28, 1516 (1972): finite-size scaling.
    """
    enough = len(curves.curves) >= MIN_SIZES_FOR_CORRECTIONS
    corrected = corrections == "yes" or (corrections == "auto" and enough)
    stability = scan(curves, corrections=corrected, fractions=fractions, window=window, seed=seed)
    fit = stability.chosen
    spread = scaling_covariance(fit)
    profiles = tuple(scaling_profiles(fit, spread))
    identified = identifiability(fit, spread, profiles[1])
    branch = None
    estimates = interval_estimates(spread, fit.points.curves.n_units or None)
    if stability.systematic is not None:
        systematic = dict(zip(NAMES, map(float, stability.systematic), strict=True))
        estimates = {k: replace(one, systematic=systematic[k]) for k, one in estimates.items()}
    if not identified.identified:
        reason = "not identified: " + "; ".join(identified.reasons)
        estimates |= {name: Estimate(reason=reason) for name in ("inv_nu", "beta_over_nu")}
        # the scan's window lies about an x_c that means nothing here
        whole = curves if window is None else fit.points.curves
        branch = power_law_branch(whole, corrections=fit.points.design.corrected, seed=seed)
        estimates |= {"x_c": branch.x_c, "beta": branch.beta}
    quality = collapse_quality(fit, seed=seed)
    return ScalingCollapse(
        estimates,
        identified,
        quality,
        stability,
        profiles,
        branch,
        _scaled_curves(fit),
        _master(fit),
        tuple(_cautions(stability, quality)),
    )


def bootstrap_scaling(fit: CollapseFit, resamples: int, seed: Seed) -> FloatArray:
    """x_c, 1/nu and beta/nu of fits to resampled whole trials, shape (resamples, 3).

    A check of the intervals, which are its linear limit.  NaN where a fit does not come to rest.
    """
    means = fit.points.mean(draw(fit.points.curves, resamples, seed).astype(float))
    return np.array([natural(fit.points, refit(fit, y)) for y in means])


def power_law_branch(curves: CurveSet, *, corrections: bool, seed: int = 0) -> PowerLawBranch:
    """Fit the collapse with 1/nu held at 1; see `PowerLawBranch`.

    With corrections it is fitted without them too, and the fit of more evidence is taken: a
    correction that the data do not ask for takes part of a power law for itself.
    """
    settings = (False, True) if corrections else (False,)
    every = [build_points(curves, corrections=one, inv_nu=1.0) for one in settings]
    held = min((fit_points(points, seed=seed) for points in every), key=lambda one: one.value)
    if not held.converged:
        unknown = Estimate(reason="the fit of a power law with 1/nu held did not come to rest")
        return PowerLawBranch(unknown, unknown, None)
    n_units = held.points.curves.n_units or None
    estimates = interval_estimates(scaling_covariance(held), n_units)
    p_value = predictive_p_value(held, seed=seed)
    return PowerLawBranch(estimates["x_c"], estimates["beta"], p_value)


def _scaled_curves(fit: CollapseFit) -> tuple[ScaledCurve, ...]:
    x, y, error = scaled_points(fit)
    place = fit.points.place
    return tuple(
        ScaledCurve(size, x[place == k], y[place == k], error[place == k])
        for k, size in enumerate(fit.points.sizes)
    )


def _master(fit: CollapseFit, number: int = 161) -> FloatArray:
    points, units = fit.points, fit.points.units
    _, inv_nu, ratio = fit.scaling
    stretch = np.exp(inv_nu * points.design.log_size)
    scaled = (points.design.x - fit.parameters[0]) * stretch
    grid = np.linspace(scaled.min(), scaled.max(), number)
    mean, deviation = master_curve(points.design, fit.parameters, grid)
    height = units.height * units.size**ratio
    return np.stack([grid * units.width * units.size**inv_nu, mean * height, deviation * height])


def _cautions(stability: Stability, quality: Quality) -> list[str]:
    fit, row = stability.chosen, stability.variant
    cautions = []
    if not fit.converged:
        cautions.append("the search for the collapse did not come to rest")
    if not row.accepted:
        p = "unknown" if row.p_value is None else f"{row.p_value:.2g}"
        cautions.append(f"no window and smallest size gives a good collapse (best p = {p})")
    if quality.overlap < LEAST_OVERLAP:
        cautions.append(f"only {quality.overlap:.0%} of the points overlap with another size")
    if not fit.points.design.corrected:
        cautions.append(
            "no correction to scaling is fitted"
            f" ({len(fit.points.sizes)} sizes): intervals hold if there is none"
        )
    if stability.systematic is None and row.accepted:
        cautions.append("one good window: no systematic error is known")
    return cautions
