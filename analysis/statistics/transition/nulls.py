"""Null hypotheses of a scaling analysis: shuffled sizes, logarithms, and another kind of curve."""

import math
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import permutations as all_orders
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sta.analysis.statistics.checks import finite_vector
from sta.analysis.statistics.curves import Curve, CurveSet, mean_curve
from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.resampling import (
    MIN_TRIALS,
    Estimate,
    FloatArray,
    Seed,
    estimate_from_replicates,
    resample_counts,
)
from sta.errors import ConfigError, ShapeError, StaError

Statistic = Callable[[CurveSet], float]


@dataclass(frozen=True)
class ShuffledSizes:
    """Permutation test of a collapse.

    Attributes
    ----------
    p_value
        Share of the size assignments, the true one among them, whose quality is as good as the
        true one's; None with a reason.
    observed
        Quality with the true sizes.
    shuffled
        Quality of each other assignment that was tried; infinite where it failed.
    exact
        Whether all assignments were tried.
    reason
        Why there is no p-value, or a caution.
    """

    p_value: float | None
    observed: float | None
    shuffled: tuple[float, ...]
    exact: bool
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def shuffled_sizes(
    curves: CurveSet,
    quality: Statistic,
    *,
    lower_is_better: bool = True,
    permutations: int = 199,
    seed: Seed = 0,
) -> ShuffledSizes:
    """Test whether a collapse is better than with the sizes dealt out to the curves at random.

    Parameters
    ----------
    curves
        One curve a size.
    quality
        Function of a curve set, for instance the S or chi2 of its best collapse; it should fit
        anew each time.  A value that is not finite, or a StaError, ranks last.
    lower_is_better
        Whether a small quality is a good one.
    permutations
        Random assignments; all of them, exactly, if there are no more than that.
    seed
        Of the random assignments.

    Raises
    ------
    ConfigError
        If no permutation is asked for.

    Notes
    -----
    With K sizes no p-value is below 1 / K!: three sizes cannot reach 0.05.
    """
    if permutations < 1:
        raise ConfigError(f"permutations is {permutations}: at least 1 is needed")
    n = len(curves.curves)
    if n < 2:
        return ShuffledSizes(None, None, (), True, "1 size: there is nothing to shuffle")
    sign = 1.0 if lower_is_better else -1.0
    observed = sign * _quality(quality, curves)
    if not np.isfinite(observed):
        return ShuffledSizes(None, None, (), True, "the quality of the true sizes is not finite")
    exact = math.factorial(n) - 1 <= permutations
    orders = _other_orders(n) if exact else _random_orders(n, permutations, seed)
    found = [sign * _quality(quality, _relabelled(curves, order)) for order in orders]
    worse = np.array([value if np.isfinite(value) else np.inf for value in found])
    as_good = int(np.sum(worse <= observed + 1e-12 * abs(observed)))
    least = 1.0 / math.factorial(n)
    reason = f"{n} sizes: no p-value is below {least:.2g}" if least > 0.05 else ""
    shuffled = tuple(float(sign * value) for value in worse)
    p_value = (1 + as_good) / (1 + len(worse))
    return ShuffledSizes(p_value, float(sign * observed), shuffled, exact, reason)


def _quality(quality: Statistic, curves: CurveSet) -> float:
    try:
        return float(quality(curves))
    except StaError:
        return float("nan")


def _other_orders(n: int) -> Iterator[tuple[int, ...]]:
    return (order for order in all_orders(range(n)) if order != tuple(range(n)))


def _random_orders(n: int, number: int, seed: Seed) -> Iterator[tuple[int, ...]]:
    rng = np.random.default_rng(seed)
    for _ in range(number):
        yield tuple(rng.permutation(n).tolist())


def _relabelled(curves: CurveSet, order: tuple[int, ...]) -> CurveSet:
    """Give each curve the size at another place, and sort by size again."""
    sizes = [curves.curves[place].size for place in order]
    dealt = [
        Curve(size, one.x, one.values, one.norm, one.error)
        for size, one in zip(sizes, curves.curves, strict=True)
    ]
    return replace(curves, curves=tuple(sorted(dealt, key=lambda one: one.size)))


@dataclass(frozen=True)
class PairedKinds:
    """Differences, first kind less second, with trials matched.

    Attributes
    ----------
    n_pairs, n_unpaired
        Trials in both kinds, and those in one only, which are left out.
    sizes
        Sizes in both kinds.
    x
        The abscissae, shape (P,).
    curves
        For each size, the difference of the mean curves at each x.
    statistics
        Name to the difference of that statistic.
    """

    n_pairs: int
    n_unpaired: int
    sizes: tuple[float, ...]
    x: FloatArray
    curves: tuple[tuple[Estimate, ...], ...]
    statistics: Mapping[str, Estimate]

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def paired_kinds(
    curves_a: CurveSet,
    curves_b: CurveSet,
    x: ArrayLike = (),
    statistics: Mapping[str, Statistic] | None = None,
    *,
    seed: Seed = 0,
    resamples: int = 1000,
) -> PairedKinds:
    """Compare two kinds of curves, say spectral and direct students, by a paired bootstrap.

    Parameters
    ----------
    curves_a, curves_b
        The two kinds; trials with the same label belong together and are drawn together.
    x
        Where the mean curves are compared, interpolated linearly.
    statistics
        Name to a number made of a curve set, such as a fitted exponent.  It is called twice a
        resample.
    seed, resamples
        Of the bootstrap over pairs of trials; whole groups of them if the first kind has groups.

    Raises
    ------
    ShapeError
        If the kinds share no trial label or no size, or x is not finite.
    """
    places = np.asarray(x, dtype=float)
    places = finite_vector(places, "x") if places.size else places.reshape(0)
    shared = [label for label in curves_a.trials if label in set(curves_b.trials)]
    if not shared:
        raise ShapeError(
            f"trials {curves_a.trials[:2]} and {curves_b.trials[:2]} have no label in common: "
            "label matching trials alike"
        )
    sizes = sorted({one.size for one in curves_a.curves} & {one.size for one in curves_b.curves})
    if not sizes:
        raise ShapeError("the two kinds have no size in common")
    a, b = (_restricted(one, sizes, shared) for one in (curves_a, curves_b))
    unpaired = len(curves_a.trials) + len(curves_b.trials) - 2 * len(shared)
    counts = resample_counts(len(shared), resamples, seed, groups=a.groups, within=False)
    rows = []
    for one, two in zip(a.curves, b.curves, strict=True):
        units = min(a.units_of(one), b.units_of(two))
        weights = np.vstack([np.ones(len(shared)), counts])
        gap = _at(places, one, weights) - _at(places, two, weights)
        rows.append(
            tuple(estimate_from_replicates(column[0], column[1:], units) for column in gap.T)
        )
    found = {
        name: _difference(a, b, statistic, counts) for name, statistic in (statistics or {}).items()
    }
    return PairedKinds(len(shared), unpaired, tuple(sizes), places, tuple(rows), found)


def _restricted(curves: CurveSet, sizes: list[float], labels: list[Hashable]) -> CurveSet:
    """Only some sizes and trials, the latter in the order of the labels."""
    place = {label: row for row, label in enumerate(curves.trials)}
    rows = np.array([place[label] for label in labels], dtype=np.intp)
    kept = replace(curves, curves=tuple(one for one in curves.curves if one.size in sizes))
    return _drawn(kept, rows, tuple(labels))


def _drawn(curves: CurveSet, rows: NDArray[np.intp], labels: tuple[Hashable, ...]) -> CurveSet:
    parts = [
        Curve(one.size, one.x, one.values[rows], one.norm[rows], one.error) for one in curves.curves
    ]
    groups = tuple(curves.groups[row] for row in rows) if curves.groups else ()
    return CurveSet(tuple(parts), labels, curves.replicated, groups)


def _at(places: FloatArray, curve: Curve, weights: FloatArray) -> FloatArray:
    """Mean curves interpolated at some x, shape (B, P); NaN outside the curve."""
    means = mean_curve(curve, weights)
    return np.array([np.interp(places, curve.x, row, np.nan, np.nan) for row in means])


def _difference(
    a: CurveSet, b: CurveSet, statistic: Statistic, counts: NDArray[np.int64]
) -> Estimate:
    n, units = len(a.trials), a.n_units
    value = _quality(statistic, a) - _quality(statistic, b)
    if units < MIN_TRIALS or not np.isfinite(value):
        return estimate_from_replicates(value, [], units)
    labels: tuple[Hashable, ...] = tuple(range(n))
    draws = []
    for row in counts:
        drawn = np.repeat(np.arange(n), row)
        first, second = (_quality(statistic, _drawn(one, drawn, labels)) for one in (a, b))
        draws.append(first - second)
    return estimate_from_replicates(value, draws, units)
