"""All fits to the ramps of a sweep, family by family."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sta.analysis.statistics.agreement import Agreement, agreement
from sta.analysis.statistics.curves import CurveSet, draw, thin
from sta.analysis.statistics.estimate import quotable
from sta.analysis.statistics.plain import plain
from sta.analysis.statistics.ramp import RampFamily
from sta.analysis.statistics.resampling import MIN_TRIALS, Estimate
from sta.analysis.statistics.threshold.family import FamilyFits, fit_family, shared_parameter
from sta.analysis.statistics.threshold.fit import ModelFit
from sta.analysis.statistics.threshold.published import published_exponential

WINDOW = 1.5


@dataclass(frozen=True)
class SweepFit:
    """The fits of one kind of student of one teacher width.

    Attributes
    ----------
    family
        Its ramps.
    fits
        Threshold and smooth models over the whole ramp.
    published
        Student width to the fit of the published exponential.
    published_b
        Whether the widths share the published exponential's b.
    """

    family: RampFamily
    fits: FamilyFits
    published: dict[float, ModelFit]
    published_b: Agreement

    def rows(self) -> list[dict[str, Any]]:
        """Return one record a student width: every model fitted to its ramp alone."""
        return [
            {
                "kind": self.family.kind,
                "teacher_width": self.family.teacher_width,
                "student_width": int(curve.size),
                "n_trials": int(curve.takes_part.sum()),
                "published_exponential": self.published[curve.size].to_dict(),
                **self.fits.by_size[curve.size].to_dict(),
            }
            for curve in self.family.curves.curves
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the fits with one shape for all widths, and the tests of agreement."""
        shared = self.fits.to_dict()
        shared["agreement"]["published_b"] = plain(self.published_b)
        return {
            "kind": self.family.kind,
            "teacher_width": self.family.teacher_width,
            "student_widths": [int(size) for size in pooled_widths(self.family)],
            **shared,
        }


def fit_sweep(families: Sequence[RampFamily], *, seed: int, resamples: int) -> tuple[SweepFit, ...]:
    """Fit every family, each with resamples of its own trials."""
    return tuple(_fit(family, seed, resamples) for family in families)


def pooled_widths(family: RampFamily) -> tuple[float, ...]:
    """Return the student widths that share a fit: those wider than the teacher, if any.

    A ramp is zero where nothing is pruned, so a student no wider than its teacher ends at
    n = h whether or not there is a threshold.
    """
    sizes = tuple(curve.size for curve in family.curves.curves)
    return tuple(size for size in sizes if size > family.teacher_width) or sizes


def preferred_threshold(kind: str, fits: Sequence[SweepFit]) -> dict[str, Any]:
    """Make the block "threshold" of one kind: a model is named only if all teachers agree."""
    mine = [one for one in fits if one.family.kind == kind]
    choices = [one.fits.choice for one in mine]
    models = {choice.preferred for choice in choices}
    message = "; ".join(dict.fromkeys(choice.message for choice in choices))
    if len(models) > 1:
        message = f"teacher widths differ: {message}"
    return {
        "model": models.pop() if len(models) == 1 else "undecided",
        "x_c": quotable(_over_teachers("x_c", mine)),
        "beta": quotable(_over_teachers("beta", mine)),
        "kind": kind,
        "message": message,
    }


def _over_teachers(name: str, fits: Sequence[SweepFit]) -> Estimate:
    found = [one.fits.parameter(name) for one in fits]
    if len(found) == 1:
        return found[0]
    for one, estimate in zip(fits, found, strict=True):
        if estimate.value is None:
            return Estimate(reason=f"teacher width {one.family.teacher_width}: {estimate.reason}")
    common = agreement(
        name,
        [float(one.family.teacher_width) for one in fits],
        [estimate.value or 0.0 for estimate in found],
        [one.fits.pooled.fits["threshold"].replicates[name] for one in fits],
        min(one.family.curves.n_trials for one in fits),
    )
    return common.common


def _fit(family: RampFamily, seed: int, resamples: int) -> SweepFit:
    pool = np.isin([curve.size for curve in family.curves.curves], pooled_widths(family))
    fits = fit_family(thinned(family), seed=seed, resamples=resamples, pool=pool, window=WINDOW)
    n_trials = family.curves.n_trials
    counts = draw(family.curves, resamples, seed) if n_trials >= MIN_TRIALS else None
    published = {
        curve.size: published_exponential(curve, counts, family.curves, family.teacher_width)
        for curve in family.curves.curves
    }
    wide = {size: published[size] for size in pooled_widths(family)}
    return SweepFit(family, fits, published, shared_parameter("b", wide, n_trials))


def thinned(family: RampFamily) -> CurveSet:
    """Return the ramps whole up to twice the teacher's width, and every so often beyond."""
    curves = [
        curve.select(thin(curve.x.size, 2 * family.teacher_width)) for curve in family.curves.curves
    ]
    return CurveSet(tuple(curves), family.curves.trials)
