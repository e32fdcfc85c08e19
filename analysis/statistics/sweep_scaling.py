"""Across the sizes and the teachers of a sweep: which curve is a collapse made of, what is shared.

Three limits are different questions.  Wider students of one teacher: do their ramps coincide?
Wider teachers: is there a finite-size scaling in L = h_T?  Other draws of the teacher: are the
numbers those of a class of teachers, or of this one?
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from sta.analysis.statistics.agreement import Agreement, agreement
from sta.analysis.statistics.curves import Curve, CurveSet
from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.ramp import RampFamily
from sta.analysis.statistics.resampling import MIN_TRIALS
from sta.analysis.statistics.sweep_fits import SweepFit, pooled_widths, thinned
from sta.analysis.statistics.threshold.fit import fit_models

Size = Literal["teacher_width", "student_width"]
RATE = "b"


@dataclass(frozen=True)
class TeacherAgreement:
    """Whether the teachers of one width share the rate of the exponential.

    Attributes
    ----------
    kind, teacher_width
        The cell.
    n_teachers
        Teachers with at least 3 trials.
    rate
        Test of b of y = a exp(-b n / h_T) + c, one value a teacher; "sizes" are their seeds.
    """

    kind: str
    teacher_width: int
    n_teachers: int
    rate: Agreement

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def scaling_size(families: Sequence[RampFamily], kind: str, wanted: Size | None = None) -> Size:
    """Return what is called size: the teacher's width if the sweep has several, or as wanted."""
    if wanted is not None:
        return wanted
    widths = {one.teacher_width for one in families if one.kind == kind}
    return "teacher_width" if len(widths) > 1 else "student_width"


def scaling_curves(families: Sequence[RampFamily], kind: str, size: Size) -> CurveSet:
    """Ramps over x = n / h_T as curves of several sizes.

    Parameters
    ----------
    families
        All families of the sweep.
    kind
        Kind of student.
    size
        "teacher_width": one curve a teacher width, of its widest students; "student_width": one
        curve a student width of the widest teacher, students no wider than it left out.
    """
    mine = sorted((one for one in families if one.kind == kind), key=lambda one: one.teacher_width)
    if size == "student_width":
        family = mine[-1]
        wide = pooled_widths(family)
        chosen = [_cut(curve) for curve in family.curves.curves if curve.size in wide]
        return replace(family.curves, curves=tuple(chosen))
    trials: list[Hashable] = [label for one in mine for label in one.curves.trials]
    grouped = all(one.curves.groups for one in mine)
    groups = tuple(label for one in mine for label in one.curves.groups) if grouped else ()
    curves, start = [], 0
    for family in mine:
        widest = family.curves.curves[-1]
        number = len(family.curves.trials)
        values = np.full((len(trials), widest.x.size), np.nan)
        norm = np.full(len(trials), np.nan)
        values[start : start + number] = widest.values
        norm[start : start + number] = widest.norm
        curves.append(_cut(Curve(float(family.teacher_width), widest.x, values, norm)))
        start += number
    return CurveSet(tuple(curves), tuple(trials), True, groups)


def teacher_agreements(
    families: Sequence[RampFamily], *, seed: int, resamples: int
) -> tuple[TeacherAgreement, ...]:
    """Compare the teachers of each width, where there are two or more with 3 trials each."""
    found = []
    for family in families:
        values, replicates, seeds, fewest = [], [], [], 10**6
        thin = thinned(family)
        for label in dict.fromkeys(family.teachers):
            curves = _of_teacher(family, thin, label)
            if curves.n_trials < MIN_TRIALS:
                continue
            fit = fit_models(curves, models=("exponential",), resamples=resamples, seed=seed).fits[
                "exponential"
            ]
            if fit.success and not fit.pinned:
                values.append(fit.parameters[RATE].value or 0.0)
                replicates.append(fit.replicates[RATE])
                seeds.append(float(str(label[1])) if isinstance(label, tuple) else 0.0)
                fewest = min(fewest, curves.n_trials)
        if len(values) > 1:
            test = agreement(RATE, seeds, values, replicates, fewest)
            found.append(TeacherAgreement(family.kind, family.teacher_width, len(values), test))
    return tuple(found)


def size_agreement(fits: Sequence[SweepFit], kind: str) -> Agreement | None:
    """Compare the rate of the exponential between teacher widths; None for one width.

    Teachers of different widths are independent, so each width has resamples of its own.
    """
    mine = [one for one in fits if one.family.kind == kind]
    usable = [
        (one, fit)
        for one in mine
        if (fit := one.fits.pooled.fits["exponential"]).success and not fit.pinned
    ]
    if len(usable) < 2:
        return None
    return agreement(
        RATE,
        [float(one.family.teacher_width) for one, _ in usable],
        [fit.parameters[RATE].value or 0.0 for _, fit in usable],
        [fit.replicates[RATE] for _, fit in usable],
        min(one.family.curves.n_units for one, _ in usable),
    )


def _cut(curve: Curve, reach: float = 2.0) -> Curve:
    """Return the part n <= 2 h_T: beyond it a ramp of a sparse student is flat."""
    return curve.select(curve.x <= reach + 1e-9)


def _of_teacher(family: RampFamily, whole: CurveSet, label: Hashable) -> CurveSet:
    rows = np.array([one == label for one in family.teachers])
    wide = pooled_widths(family)
    curves = tuple(
        replace(curve, values=curve.values[rows], norm=curve.norm[rows])
        for curve in whole.curves
        if curve.size in wide
    )
    trials = tuple(t for t, row in zip(family.curves.trials, rows, strict=True) if row)
    return CurveSet(curves, trials)
