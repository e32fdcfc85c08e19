"""Scores of every threshold of a cell, and the test of the best against smooth laws."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from sta.analysis.statistics.counts import FloatArray
from sta.analysis.statistics.spacing import (
    MIN_SPACINGS,
    candidates,
    largest_null,
    studentised_spacings,
)

_GRID = 512
_OUTSIDE = -5.0  # score of a threshold that lies in no candidate gap of a student


@dataclass(frozen=True)
class Segment:
    """Units of the students above a level, as scores and windows of every threshold of a grid."""

    grid: FloatArray  # log thresholds, ascending, (G,)
    scores: FloatArray  # studentised spacing that holds the threshold, (S, G)
    low: FloatArray  # log of the unit below and above it, (S, G)
    high: FloatArray
    above: NDArray[np.intp]  # number of units above it, (S, G)
    spacings: tuple[FloatArray, ...]
    n_units: tuple[int, ...]


def segment_above(shares: Sequence[FloatArray], level: float, first: bool) -> Segment | None:
    """Units above a level; None if most students have too few of them."""
    logs, n_units = [], []
    for one in shares:
        inside = np.log(one[one > level])
        dead = one.size > inside.size
        # units below the floor bound the last spacing from below
        logs.append(np.append(inside, np.log(level)) if first and dead else inside)
        n_units.append(one.size if first else inside.size)
    enough = [one.size > MIN_SPACINGS for one in logs]
    if 2 * sum(enough) <= len(enough):
        return None
    lowest = min(float(one[-1]) for one in logs if one.size)
    step = -lowest / _GRID
    grid: FloatArray = lowest + step * (0.5 + np.arange(_GRID, dtype=float))
    parts = [
        _profile(one, units if good else 0, grid, lowest)
        for one, units, good in zip(logs, n_units, enough, strict=True)
    ]
    scores, low, high, above = (np.array(column) for column in zip(*parts, strict=True))
    spacings = tuple(-np.diff(one) for one in logs)
    return Segment(grid, scores, low, high, above, spacings, tuple(n_units))


def _profile(
    logs: FloatArray, n_units: int, grid: FloatArray, lowest: float
) -> tuple[FloatArray, FloatArray, FloatArray, NDArray[np.intp]]:
    """Scores, windows and counts of one student.

    Below its smallest unit a student has no spacing to judge, and its score is NaN; it is NaN
    throughout if the student has too few units.
    """
    above = logs.size - np.searchsorted(logs[::-1], grid, side="right")
    ends = np.concatenate([[0.0], logs, [lowest]])
    scores = np.full(logs.size + 1, np.nan)
    if n_units:
        scores[:-1] = _OUTSIDE
        spacings = -np.diff(logs)
        where = candidates(spacings.size)
        scores[1:-1][where] = studentised_spacings(spacings, n_units)[where]
    return scores[above], ends[above + 1], ends[above], above


def segment_test(
    segment: Segment, teacher: NDArray[np.intp], simulations: int, rng: np.random.Generator
) -> tuple[int, float]:
    """Place of the largest mean score, and its p-value.

    The mean score of each teacher at that place is compared with the largest score anywhere of
    one smooth sample, which can only be larger whatever the place; the p-values of the teachers
    are combined by Fisher's -2 sum log p, chi-squared with twice as many degrees of freedom.
    """
    mean = teacher_mean(segment.scores, np.ones((1, teacher.size)), teacher)[0]
    place = int(np.argmax(mean))
    scored = np.array([one.size >= MIN_SPACINGS for one in segment.spacings])
    nulls: dict[tuple[int, int], FloatArray] = {}
    logs = []
    for one in np.unique(teacher[scored]):
        mine = np.flatnonzero(scored & (teacher == one))
        typical = mine[np.argsort([segment.spacings[t].size for t in mine])[mine.size // 2]]
        key = (segment.spacings[typical].size, segment.n_units[typical])
        if key not in nulls:
            nulls[key] = largest_null(*key, simulations, rng)
        score = teacher_mean(segment.scores[mine, place, None], np.ones((1, mine.size)))
        hits = np.sum(nulls[key] >= score[0, 0] - 1e-9)
        logs.append(np.log((1.0 + hits) / (1.0 + simulations)))
    return place, float(chi2.sf(-2.0 * np.sum(logs), 2 * len(logs)))


def teacher_mean(
    scores: FloatArray, counts: NDArray[Any], teacher: NDArray[np.intp] | None = None
) -> FloatArray:
    """Mean over the drawn students of each teacher, then over the drawn teachers, (B, G).

    A threshold counts for a teacher if at least half its drawn students have a score there.
    """
    group = np.zeros(len(scores), dtype=np.intp) if teacher is None else teacher
    there = np.isfinite(scores)
    filled = np.where(there, scores, 0.0)
    total = np.zeros((len(counts), scores.shape[1]))
    weight = np.zeros((len(counts), 1))
    for one in np.unique(group):
        mine = np.flatnonzero(group == one)
        drawn = counts[:, mine].sum(axis=1, keepdims=True)
        covered = counts[:, mine] @ there[mine].astype(float)
        mean = counts[:, mine] @ filled[mine] / np.maximum(covered, 1.0)
        mean = np.where((covered > 0.0) & (2.0 * covered >= drawn), mean, _OUTSIDE)
        total += mean * drawn / mine.size
        weight += drawn / mine.size
    return total / weight
