"""Whether data sets (teachers, say) share their exponents.

Two answers: a Wald test of the differences of (1/nu, beta/nu) with the covariance over whole
trials, all sets together and pair by pair with Holm's correction; and the evidence of one joint
fit with shared exponents against separate ones.  x_c and the metric factors, which need not be
universal, stay free.

References
----------
S. Holm, Scand. J. Stat. 6, 65 (1979).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import f as fisher_f

from sta.analysis.statistics.curves import CurveSet
from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.resampling import Estimate, FloatArray
from sta.analysis.statistics.scaling.fit import CollapseFit
from sta.analysis.statistics.scaling.intervals import (
    ScalingCovariance,
    interval_estimates,
    scaling_covariance,
)
from sta.analysis.statistics.scaling.joint import fit_joint
from sta.analysis.statistics.scaling.master import Corrections, fit_collapse
from sta.errors import StaError

LEVEL = 0.05


@dataclass(frozen=True)
class Universality:
    """Shared against separate exponents.

    Attributes
    ----------
    names
        The data sets.
    separate
        Estimates of 1/nu, beta/nu and beta of each.
    shared
        Estimates of the common 1/nu, beta/nu and beta.
    p_value
        Of the hypothesis that all data sets share 1/nu and beta/nu.
    pairs
        Pair of names to its p-value, corrected by Holm for their number.
    log_evidence_gain
        Log posterior of separate exponents minus that of shared ones: at most about 1 per
        exponent saved if they are shared.
    outcome
        "consistent" (no evidence of a difference, which is not a proof of universality) or
        "differ".
    """

    names: tuple[str, ...]
    separate: dict[str, dict[str, Estimate]]
    shared: dict[str, Estimate]
    p_value: float
    pairs: dict[tuple[str, str], float]
    log_evidence_gain: float
    outcome: str

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values; pairs are written "first / second"."""
        plain = plain_fields(self, "pairs")
        return {**plain, "pairs": {" / ".join(pair): p for pair, p in self.pairs.items()}}


def universality(fits: dict[str, CollapseFit]) -> Universality:
    """Test whether independent data sets share 1/nu and beta/nu.

    Raises
    ------
    ConfigError
        If there are fewer than two data sets.
    """
    names = tuple(fits)
    joint = fit_joint(list(fits.values()), ("inv_nu", "beta_over_nu"))
    single = {name: scaling_covariance(fit) for name, fit in fits.items()}
    units = {name: _units(fit) for name, fit in fits.items()}
    pairs = list(combinations(names, 2))
    raw = [difference_p_value([single[name] for name in pair]) for pair in pairs]
    p_value = difference_p_value(list(single.values()))
    gain = joint.value - sum(fit.value for fit in fits.values())
    common = _common(joint.scaling, joint.covariance, list(single.values()))
    fewest = min((n for n in units.values() if n is not None), default=None)
    return Universality(
        names,
        {name: _exponents(single[name], units[name]) for name in names},
        _exponents(common, fewest),
        p_value,
        dict(zip(pairs, holm(raw), strict=True)),
        float(gain),
        "differ" if p_value < LEVEL else "consistent",
    )


def compare_groups(
    groups: Mapping[str, CurveSet], *, corrections: Corrections = "auto", seed: int = 0
) -> tuple[Universality | None, str]:
    """Collapse every group and test whether they share exponents; None with the reason if not.

    Parameters
    ----------
    groups
        Curves of each group.
    corrections, seed
        Of the collapses; see `fit_collapse`.
    """
    fits = {}
    for name, curves in groups.items():
        try:
            found = fit_collapse(curves, corrections=corrections, seed=seed)
        except StaError as error:
            return None, f"Universality is not tested: group {name}: {error}."
        if not (found.good and found.identifiability.identified):
            why = "exponents not identified" if found.good else "no good collapse"
            return None, f"Universality is not tested: group {name}: {why}."
        fits[name] = found.fit
    if len(fits) < 2:
        return None, "Universality is not tested: there is one group."
    shared = universality(fits)
    words = "differ in" if shared.outcome == "differ" else "are not told apart by"
    return shared, f"Groups {words} 1/nu and beta/nu (p = {shared.p_value:.2g})."


def difference_p_value(found: Sequence[ScalingCovariance]) -> float:
    """P-value of one true (1/nu, beta/nu) behind independent estimates.

    W = sum_k d_k^T V_k^-1 d_k, with d_k the distance to the weighted mean, has 2 (K - 1)
    degrees of freedom; W / (2 (K - 1)) is referred to Fisher's F with the smallest degrees of
    freedom of the variances.
    """
    weights = [np.linalg.inv(one.covariance[1:3, 1:3]) for one in found]
    values = [one.value[1:3] for one in found]
    pull = np.sum([w @ v for w, v in zip(weights, values, strict=True)], axis=0)
    centre = np.linalg.solve(np.sum(weights, axis=0), pull)
    wald = sum(float((v - centre) @ w @ (v - centre)) for w, v in zip(weights, values, strict=True))
    numerator = 2 * (len(found) - 1)
    freedom = min(float(one.degrees_of_freedom[1:3].min()) for one in found)
    return float(fisher_f.sf(wald / numerator, numerator, min(freedom, 1e6)))


def holm(p_values: ArrayLike) -> FloatArray:
    """Correct p-values for their number: step-down, uniformly better than Bonferroni.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p)
    stepped = np.maximum.accumulate((p.size - np.arange(p.size)) * p[order])
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected


def _exponents(found: ScalingCovariance, units: int | None) -> dict[str, Estimate]:
    estimates = interval_estimates(found, units)
    return {name: estimates[name] for name in ("inv_nu", "beta_over_nu", "beta")}


def _common(
    scaling: FloatArray, covariance: FloatArray, single: Sequence[ScalingCovariance]
) -> ScalingCovariance:
    """Return the shared exponents as the scaling of the first data set, beta added."""
    x_c, inv_nu, ratio = scaling[0]
    lift = np.eye(4, 3)
    lift[3] = [0.0, -ratio / inv_nu**2, 1.0 / inv_nu]
    return ScalingCovariance(
        np.array([x_c, inv_nu, ratio, ratio / inv_nu]),
        lift @ covariance[:3, :3] @ lift.T,
        np.sum([one.degrees_of_freedom for one in single], axis=0),
    )


def _units(fit: CollapseFit) -> int | None:
    return fit.points.curves.n_units if fit.points.curves.replicated else None
