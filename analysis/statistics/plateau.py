"""The threshold of the effective size that a gap in the importances justifies.

The effective size n(t) counts the units whose share of the largest importance exceeds t.  Over
a gap of the importances it does not change: that plateau justifies a threshold, if a smooth law
of importances would not show as large a gap anyway.  Otherwise no threshold is better than
another, and an effective size means no more than the threshold that was chosen.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sta.analysis.statistics.checks import fraction
from sta.analysis.statistics.counts import Seed, group_index, resample_counts
from sta.analysis.statistics.estimate import (
    MIN_TRIALS,
    Estimate,
    estimate_from_replicates,
    transformed,
)
from sta.analysis.statistics.gap_scores import Segment, segment_above, segment_test, teacher_mean
from sta.analysis.statistics.importance import normalised
from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.spacing import MIN_SPACINGS
from sta.errors import ConfigError, ShapeError

RESOLUTION = 1e-6
"""Share below which single-precision training does not tell units apart."""

LEVEL = 0.05
_BOUNDS = ((-np.inf, 0.0), (0.0, np.inf), (0.0, np.inf))  # of log threshold, decades and size


@dataclass(frozen=True)
class Plateau:
    """A window of thresholds over which no student's effective size changes.

    Attributes
    ----------
    low, high
        Ends of the window, shares of the largest importance: it is the same for all students.
    decades
        log10(high / low).
    size
        Mean number of units above the window.
    threshold
        Geometric middle of the window.
    p_value
        Chance of as large a gap anywhere, if importances followed a smooth law.
    """

    low: float
    high: float
    decades: Estimate
    size: Estimate
    threshold: Estimate
    p_value: float

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


@dataclass(frozen=True)
class ThresholdGap:
    """What the gaps of the importances say about the threshold.

    Attributes
    ----------
    plateaus
        The windows that were tested, by ascending threshold: the largest gap; if it is
        significant, the largest among the units above it; and so on. Only the last may be not
        significant.
    recommended
        The highest significant plateau; None if no gap justifies a threshold.
    n_students, n_teachers
        Students, and units of the test: students of one teacher count as one draw, because
        they learn the same units.
    message
        The same in words.
    """

    plateaus: tuple[Plateau, ...]
    recommended: Plateau | None
    n_students: int
    n_teachers: int
    message: str

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def threshold_gap(
    importances: Sequence[ArrayLike],
    teachers: Sequence[Hashable] | None = None,
    *,
    floor: float = RESOLUTION,
    seed: Seed = 0,
    resamples: int = 1000,
    simulations: int = 2000,
) -> ThresholdGap:
    """Find the plateaus of the effective size and test them against a smooth law.

    Parameters
    ----------
    importances
        L_i of each student of one cell (one kind, teacher width and student width).
    teachers
        The teacher of each student; one teacher if None.
    floor
        Share of the largest importance below which units are not told apart. A plateau above
        it is at least as wide as stated.
    seed
        Seed of the simulated law and the bootstrap.
    resamples
        Bootstrap resamples, of teachers if there are at least 3, else of students.
    simulations
        Samples of the smooth law.

    Returns
    -------
    ThresholdGap

    Raises
    ------
    ShapeError
        If there is no student, or an importance is negative or not finite.
    ConfigError
        If the floor is not in (0, 1), or `simulations` is below 100.

    Notes
    -----
    The score of a threshold is the studentised log spacing (`studentised_spacings`) that holds
    it, averaged over the students of a teacher and then over teachers; the plateau is where it is
    largest.  Under the null each teacher is one sample of a smooth law; the p-values of the
    teachers at that common threshold are combined by Fisher's method (`segment_test`).

    Examples
    --------
    >>> smooth = np.linspace(1.0, 0.3, 40)
    >>> threshold_gap([smooth]).message
    'no gap justifies a threshold: the largest has p = 1'
    """
    if not fraction(floor, "floor") > 0.0 or simulations < 100:
        raise ConfigError(f"floor is {floor}, simulations {simulations}: above 0, at least 100")
    if not len(importances):
        raise ShapeError("no student: give the importances of at least one")
    shares = [normalised(one)[::-1] for one in importances]
    teacher = group_index(teachers if teachers else [0] * len(shares), len(shares))
    rng = np.random.default_rng(seed)
    counts = _counts(teacher, resamples, rng)
    plateaus: list[Plateau] = []
    level, reason = floor, ""
    while True:
        segment = segment_above(shares, level, first=not plateaus)
        if segment is None:
            reason = f"fewer than {MIN_SPACINGS + 1} units are left to look for a gap"
            break
        place, p_value = segment_test(segment, teacher, simulations, rng)
        plateaus.append(_plateau(segment, place, p_value, counts, teacher))
        if p_value > LEVEL:
            break
        level = plateaus[-1].threshold.value or floor
    significant = [one for one in plateaus if one.p_value <= LEVEL]
    recommended = significant[-1] if significant else None
    message = _message(recommended, plateaus, reason)
    return ThresholdGap(tuple(plateaus), recommended, len(shares), int(teacher.max()) + 1, message)


def _plateau(
    segment: Segment,
    place: int,
    p_value: float,
    counts: tuple[NDArray[np.int64], int],
    teacher: NDArray[np.intp],
) -> Plateau:
    everyone = np.arange(teacher.size)
    whole = _window(segment, place, everyone)
    draws, n_units = counts
    rows = []
    if n_units >= MIN_TRIALS:
        means = teacher_mean(segment.scores, draws, teacher)
        for some, at in zip(draws, np.argmax(means, axis=1), strict=True):
            rows.append(_window(segment, int(at), np.repeat(everyone, some)))
    replicates = np.array(rows).reshape(-1, 3)
    middle, decades, size = (
        estimate_from_replicates(value, column, n_units, bounds=bounds)
        for value, column, bounds in zip(whole, replicates.T, _BOUNDS, strict=True)
    )
    half = 0.5 * whole[1]
    return Plateau(
        float(10.0 ** (whole[0] - half)),
        float(10.0 ** (whole[0] + half)),
        decades,
        size,
        transformed(middle, lambda value: float(10.0**value)),
        p_value,
    )


def _window(segment: Segment, place: int, students: NDArray[np.intp]) -> tuple[float, float, float]:
    """Log10 of the middle, decades, and mean size of the window that students have in common."""
    low = float(segment.low[students, place].max())
    high = float(segment.high[students, place].min())
    size = float(segment.above[students, place].mean())
    return 0.5 * (low + high) / np.log(10.0), (high - low) / np.log(10.0), size


def _counts(
    teacher: NDArray[np.intp], resamples: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], int]:
    """Resamples of the students, and the number of independent units behind them."""
    n_teachers = int(teacher.max()) + 1
    grouped = n_teachers >= MIN_TRIALS
    groups = teacher.tolist() if grouped else None
    counts = resample_counts(teacher.size, resamples, rng, groups=groups, within=False)
    return counts, n_teachers if grouped else teacher.size


def _message(recommended: Plateau | None, plateaus: Sequence[Plateau], reason: str) -> str:
    if recommended is None and not plateaus:
        return f"no gap justifies a threshold: {reason}"
    if recommended is None:
        return f"no gap justifies a threshold: the largest has p = {plateaus[0].p_value:.2g}"
    text = (
        f"every threshold from {recommended.low:.2g} to {recommended.high:.2g} counts the same"
        f" units ({recommended.size.value:.3g}); a smooth law shows such a gap with"
        f" p = {recommended.p_value:.2g}"
    )
    if plateaus[-1] is not recommended:
        other = plateaus[-1]
        text += (
            f"; the next, from {other.low:.2g} to {other.high:.2g}, is not significant"
            f" (p = {other.p_value:.2g})"
        )
    return text
