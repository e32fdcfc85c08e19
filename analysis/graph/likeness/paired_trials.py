"""Two kinds of student compared over pairs of trials.

Spectral and direct students of one teacher, started and taught alike, make pairs. If their
kind made no difference to their distance from the teacher, the sign of the difference within
a pair would be a coin's: the mean difference is compared with those of all patterns of signs.

References
----------
.. [1] R. A. Fisher, "The Design of Experiments", Oliver and Boyd, 1935, section 21.
.. [2] B. Phipson and G. K. Smyth, "Permutation p-values should never be zero", Statistical
   Applications in Genetics and Molecular Biology 9, 39 (2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike

from sta.analysis.graph.edges import FloatArray
from sta.errors import ShapeError, StaError

if TYPE_CHECKING:
    from sta.analysis.statistics.resampling import Estimate

__all__ = ["PairedTest", "paired_difference_test"]

Alternative: TypeAlias = Literal["two-sided", "less", "greater"]

ALL_SIGNS = 15
"""Number of pairs up to which every pattern of signs is tried."""


@dataclass(frozen=True)
class PairedTest:
    """Difference of two kinds over pairs of trials.

    Attributes
    ----------
    n_pairs : int
    difference : Estimate
        Mean of first minus second, with a bootstrap interval over pairs.
    p_value : float or None
        Sign-flip p-value of the mean difference; None below two pairs.
    smallest_p : float or None
        Smallest p-value that so many differences other than 0 can give.
    exact : bool
        Whether every pattern of signs was tried.
    alternative : str
        "two-sided", "less" (the first kind is smaller) or "greater".
    reason : str
        What is None and why, and why no p-value could be below 0.05; empty otherwise.
    """

    n_pairs: int
    difference: Estimate
    p_value: float | None
    smallest_p: float | None
    exact: bool
    alternative: Alternative
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain Python values for JSON."""
        return {**vars(self), "difference": self.difference.to_dict()}


def paired_difference_test(
    first: ArrayLike,
    second: ArrayLike,
    *,
    alternative: Alternative = "two-sided",
    samples: int = 9999,
    seed: int | np.random.Generator = 0,
) -> PairedTest:
    """Test whether two kinds of student differ, from their distances trial by trial.

    Parameters
    ----------
    first, second : array_like, shape (n,)
        Distances of both kinds, one pair per trial.
    alternative : {"two-sided", "less", "greater"}, optional
        ``"less"``: the first kind is closer.
    samples : int, optional
        Patterns of signs to draw where there are more than 15 pairs; all 2^n up to there.
    seed : int or numpy.random.Generator, optional

    Returns
    -------
    PairedTest

    Raises
    ------
    ShapeError
        If the two are not equally many finite numbers, at least one each.
    StaError
        If ``alternative`` is unknown, or no pattern is to be drawn.

    Examples
    --------
    >>> test = paired_difference_test([1.0, 2.0, 1.5, 1.0, 1.2], [2.0, 2.5, 3.0, 1.5, 1.4])
    >>> test.difference.value, test.p_value, test.reason
    (-0.74, 0.0625, '5 pairs can give no p-value below 0.0625')
    """
    # pandas, which that room loads, is needed for nothing else here
    from sta.analysis.statistics.resampling import bootstrap_mean

    if alternative not in ("two-sided", "less", "greater"):
        raise StaError(f"alternative is {alternative!r}; choose 'two-sided', 'less' or 'greater'")
    if samples < 1:
        raise StaError(f"samples is {samples}; draw at least 1 pattern of signs")
    differences = _differences(first, second)
    n, moved = differences.size, int(np.count_nonzero(differences))
    rng = np.random.default_rng(seed)
    estimate = bootstrap_mean(differences, range(n), seed=rng)
    if n < 2:
        reason = "1 pair: a p-value needs at least 2, an interval 3"
        return PairedTest(n, estimate, None, None, True, alternative, reason)
    exact = n <= ALL_SIGNS
    found = scipy.stats.permutation_test(
        (differences / np.abs(differences).max(initial=np.finfo(float).tiny),),
        lambda values, axis: np.mean(values, axis=axis),
        permutation_type="samples",
        n_resamples=2**n if exact else samples,
        alternative=alternative,
        random_state=rng,
    )
    smallest = 2.0**-moved if exact else 1 / (1 + samples)
    smallest = min(1.0, smallest * (2 if alternative == "two-sided" else 1))
    reasons = [estimate.reason] if estimate.reason else []
    if smallest > 0.05:
        reasons.append(f"{n} pairs can give no p-value below {smallest:.3g}")
    return PairedTest(
        n, estimate, float(found.pvalue), smallest, exact, alternative, "; ".join(reasons)
    )


def _differences(first: ArrayLike, second: ArrayLike) -> FloatArray:
    pair = [np.asarray(values, dtype=np.float64) for values in (first, second)]
    if pair[0].ndim != 1 or pair[0].size == 0 or pair[0].shape != pair[1].shape:
        raise ShapeError(
            f"the distances have shapes {pair[0].shape} and {pair[1].shape}; "
            "give one of each kind per trial"
        )
    differences = pair[0] - pair[1]
    if not np.isfinite(differences).all():
        wrong = int(np.flatnonzero(~np.isfinite(differences))[0])
        raise ShapeError(f"the distances of trial {wrong} are not finite; leave the trial out")
    return differences
