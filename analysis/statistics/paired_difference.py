"""Difference of two kinds of student over trials that both have in common.

Students of two kinds that share a trial share their teacher and its data, so the difference is
taken within the trial.  Where teachers vary, the differences of one teacher are no independent
draws either: teachers are resampled, and signs are flipped for whole teachers.

References
----------
R. A. Fisher, The Design of Experiments (Oliver and Boyd, 1935), section 21: the sign-flip test.
B. Phipson, G. K. Smyth, Stat. Appl. Genet. Mol. Biol. 9, 39 (2010): p-values from random flips.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from sta.analysis.statistics.checks import finite_vector
from sta.analysis.statistics.counts import FloatArray, Seed, group_index
from sta.analysis.statistics.estimate import MIN_TRIALS, Estimate
from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.resampling import Method, bootstrap_mean, trial_sums
from sta.analysis.statistics.variance_components import VarianceComponents, variance_components
from sta.errors import ConfigError, ShapeError

Alternative = Literal["two-sided", "less", "greater"]

ALL_SIGNS = 15
"""Number of units up to which every pattern of signs is tried."""


@dataclass(frozen=True)
class PairedDifference:
    """Mean of a - b over matched trials.

    Attributes
    ----------
    difference
        Mean of a - b over trials, with its bootstrap interval.
    n_pairs
        Trials that both sides have.
    n_unmatched
        Trials that one side lacks; they are left out.
    n_groups
        Groups (teachers) that the pairs come from, 0 if none were given.
    level
        "group" if groups were resampled and flipped, else "trial".
    p_value
        Sign-flip p-value of the mean difference; None below two units.
    smallest_p
        Smallest p-value that so many units can give.
    exact
        Whether every pattern of signs was tried.
    alternative
        "two-sided", "less" (a is smaller) or "greater".
    components
        Variance of the differences between and within groups; None without groups.
    reason
        What is None or cannot be claimed, and why; empty otherwise.
    """

    difference: Estimate
    n_pairs: int
    n_unmatched: int
    n_groups: int
    level: Literal["trial", "group"]
    p_value: float | None
    smallest_p: float | None
    exact: bool
    alternative: Alternative
    components: VarianceComponents | None = None
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def paired_difference(
    values_a: ArrayLike,
    labels_a: Sequence[Hashable],
    values_b: ArrayLike,
    labels_b: Sequence[Hashable],
    *,
    groups: Mapping[Any, Hashable] | None = None,
    alternative: Alternative = "two-sided",
    method: Method = "bca",
    seed: Seed = 0,
    resamples: int = 2000,
    flips: int = 9999,
) -> PairedDifference:
    """Compare two kinds over the trials that both have.

    Parameters
    ----------
    values_a, values_b
        One number a student, shapes (N_a,) and (N_b,).
    labels_a, labels_b
        The trial of each student; several values of one trial are averaged, and trials are
        matched by label, whatever their order.
    groups
        The higher level (the teacher) of each label. With at least 3 of them among the pairs,
        both the bootstrap and the sign flips take whole groups; with 1 or 2 trials are taken
        and `reason` says that other groups are not covered.
    alternative
        "two-sided", "less" (a below b) or "greater".
    method, resamples
        Of the bootstrap, see `bootstrap`.
    seed
        Seed of the bootstrap and of the flips.
    flips
        Patterns of signs to draw where there are more than 15 units; all 2^n up to there.

    Returns
    -------
    PairedDifference

    Raises
    ------
    ShapeError
        If values are not finite or not one label each, no label is on both sides, or a label
        has no group.
    ConfigError
        If `alternative` or `method` is unknown, or `flips` is below 1.

    Examples
    --------
    >>> found = paired_difference([3.0, 1.0, 2.0], "abc", [1.5, 1.0, 2.5, 9.0], "cbad")
    >>> found.difference.value, found.n_pairs, found.n_unmatched
    (0.3333333333333333, 3, 1)
    """
    if alternative not in ("two-sided", "less", "greater"):
        raise ConfigError(f"alternative is {alternative!r}: choose 'two-sided', 'less', 'greater'")
    if flips < 1:
        raise ConfigError(f"flips is {flips}: draw at least 1 pattern of signs")
    mean_a, mean_b = _by_label(values_a, labels_a, "a"), _by_label(values_b, labels_b, "b")
    labels = [label for label in mean_a if label in mean_b]
    if not labels:
        raise ShapeError(f"no trial of a is among the {len(mean_b)} of b: match trials by label")
    differences = np.array([mean_a[label] - mean_b[label] for label in labels])
    of_pair = _groups_of(labels, groups)
    n_groups = len(set(of_pair))
    grouped = n_groups >= MIN_TRIALS
    rng = np.random.default_rng(seed)
    estimate = bootstrap_mean(
        differences,
        labels,
        seed=rng,
        resamples=resamples,
        method=method,
        groups=of_pair if grouped else None,
    )
    index = group_index(of_pair if grouped else None, differences.size)
    sums = np.bincount(index, weights=differences).astype(np.float64)
    p_value, smallest, exact = sign_flip(sums, alternative, flips, rng)
    reasons = [estimate.reason] if estimate.reason else []
    if n_groups and not grouped:
        plural = "" if n_groups == 1 else "s"
        reasons.append(f"{n_groups} group{plural}: trials are drawn, other groups are not covered")
    if smallest is None or smallest > 0.05:
        what = "group" if grouped else "pair"
        bound = "no p-value" if smallest is None else f"no p-value below {smallest:.3g}"
        reasons.append(f"{sums.size} {what}{'' if sums.size == 1 else 's'} can give {bound}")
    return PairedDifference(
        estimate,
        len(labels),
        len(mean_a) + len(mean_b) - 2 * len(labels),
        n_groups,
        "group" if grouped else "trial",
        p_value,
        smallest,
        exact,
        alternative,
        variance_components(differences, of_pair) if n_groups else None,
        "; ".join(reasons),
    )


def sign_flip(
    sums: FloatArray, alternative: Alternative, flips: int, rng: np.random.Generator
) -> tuple[float | None, float | None, bool]:
    """Sign-flip p-value of a sum, the smallest it could be, and whether it is exact.

    Parameters
    ----------
    sums
        Sum of the differences of each unit, shape (n,); under the null the sign of each is
        a coin's.
    alternative
        "two-sided", "less" or "greater".
    flips
        Patterns to draw above 15 units; the p-value is then (1 + hits) / (1 + flips).
    rng
        Source of the patterns.
    """
    moved = sums[sums != 0.0]
    exact = sums.size <= ALL_SIGNS
    if sums.size < 2:
        return None, None, exact
    if exact:
        # units without a difference only double every pattern
        patterns = np.arange(2**moved.size)[:, None] >> np.arange(moved.size)
        signs = 1.0 - 2.0 * (patterns & 1)
    else:
        signs = rng.choice([-1.0, 1.0], size=(flips, moved.size))
    side = {"two-sided": np.abs, "less": np.negative, "greater": np.positive}[alternative]
    reference, observed = side(signs @ moved), side(moved.sum())
    # patterns that differ by rounding alone count as ties
    hits = int(np.sum(reference >= observed - 1e-12 * np.abs(moved).sum()))
    tails = 2.0 if alternative == "two-sided" else 1.0
    if exact:
        return hits / len(signs), min(1.0, tails / len(signs)), True
    smallest = max(1.0 / (1.0 + flips), tails * 2.0**-moved.size)
    return (1.0 + hits) / (1.0 + flips), min(1.0, smallest), False


def _by_label(values: ArrayLike, labels: Sequence[Hashable], name: str) -> dict[Hashable, float]:
    vector = finite_vector(values, f"values_{name}")
    if len(labels) != vector.size:
        raise ShapeError(f"{vector.size} values_{name} but {len(labels)} labels: give one each")
    total, number = trial_sums(vector, labels)
    return dict(zip(dict.fromkeys(labels), (total / number).tolist(), strict=True))


def _groups_of(
    labels: Sequence[Hashable], groups: Mapping[Any, Hashable] | None
) -> tuple[Hashable, ...]:
    if groups is None:
        return ()
    for label in labels:
        if label not in groups:
            raise ShapeError(f"trial {label!r} has no group: name the teacher of every trial")
    return tuple(groups[label] for label in labels)
