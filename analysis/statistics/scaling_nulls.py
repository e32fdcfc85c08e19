"""Null hypotheses of a collapse: sizes dealt out at random, and a logarithm for the power law."""

from dataclasses import dataclass
from typing import Any

from sta.analysis.statistics.claim import Claim
from sta.analysis.statistics.curves import CurveSet
from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.scaling.design import build_points
from sta.analysis.statistics.scaling.fit import fit_points
from sta.analysis.statistics.transition.logarithmic import LogarithmicScaling, logarithmic_scaling
from sta.analysis.statistics.transition.nulls import ShuffledSizes, shuffled_sizes
from sta.analysis.statistics.transition.spread import PseudoCritical

PERMUTATIONS = 23
NO_COLLAPSE = "no collapse is claimed"


@dataclass(frozen=True)
class ScalingNulls:
    """What a collapse is compared with.

    Attributes
    ----------
    shuffled_sizes
        Permutation test of the evidence: how often the curves collapse as well with the sizes
        dealt out at random.
    logarithmic
        A logarithm of the size against the power law, for the spread of the pseudo-critical
        points.
    """

    shuffled_sizes: ShuffledSizes
    logarithmic: LogarithmicScaling | None

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def scaling_nulls(claim: Claim, rounding: PseudoCritical, *, seed: int = 0) -> ScalingNulls:
    """Test a claimed collapse against its null hypotheses.

    Parameters
    ----------
    claim
        The curves of its chosen window are shuffled; nothing where no collapse is claimed.
    rounding
        Of the same curves.
    seed
        Of permutations and resamples.
    """
    if claim.ground != "collapse" or claim.collapse is None:
        shuffled = ShuffledSizes(None, None, (), True, NO_COLLAPSE)
    else:
        chosen = claim.collapse.fit.points.curves
        shuffled = shuffled_sizes(chosen, _loss, permutations=PERMUTATIONS, seed=seed)
    return ScalingNulls(shuffled, _logarithmic(rounding, seed))


def _loss(curves: CurveSet) -> float:
    """Negative log evidence of the best collapse without a correction."""
    return fit_points(build_points(curves, corrections=False)).value


def _logarithmic(rounding: PseudoCritical, seed: int) -> LogarithmicScaling | None:
    main = next((one for one in rounding.definitions if one.definition == rounding.main), None)
    if main is None:
        return None
    usable = [
        (size, one.value, one.se)
        for size, one in zip(main.sizes, main.spread, strict=True)
        if one.value and one.se
    ]
    if len(usable) < len(main.sizes) or not usable:
        return None
    sizes, widths, errors = zip(*usable, strict=True)
    return logarithmic_scaling(sizes, widths, errors, seed=seed)
