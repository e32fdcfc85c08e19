"""Importance of the hidden units of one student: how many count, and where the gap lies.

The importance of hidden unit i is L_i = |lambda_out_i| ||phi_i|| sqrt(h); the effective
size counts the units whose L_i exceeds a share t of the model's own largest.  The count
depends on t, so the curve over t and the place of the largest gap stand beside it.

References
----------
L. Giambagli et al., How a student becomes a teacher: learning and forgetting through spectral
methods, arXiv:2310.12612.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sta.analysis.statistics.checks import finite_vector, fraction
from sta.analysis.statistics.resampling import FloatArray
from sta.errors import ShapeError

CLEAR_GAP = 1.5


@dataclass(frozen=True)
class Gap:
    """The largest relative gap in the sorted importances of one student.

    Attributes
    ----------
    rank
        Number of units above the gap, in 1 .. h - 1.
    upper, lower
        The importances on either side, divided by the largest.
    size
        upper - lower.
    ratio
        upper / max(lower, floor): the factor by which importance falls at the gap.
    runner_up
        The same factor at the second largest gap (1 if there is none).
    """

    rank: int
    upper: float
    lower: float
    size: float
    ratio: float
    runner_up: float

    @property
    def clear(self) -> bool:
        """Whether importance falls by at least a factor of 1.5 there."""
        return self.ratio >= CLEAR_GAP

    def to_dict(self) -> dict[str, Any]:
        """All attributes, and `clear`, as plain JSON values."""
        return {**asdict(self), "clear": self.clear}


def effective_size_curve(importance: ArrayLike, thresholds: ArrayLike) -> NDArray[np.int64]:
    """Count the units with L_i > t max_j L_j, for each threshold t.

    Parameters
    ----------
    importance
        L_i of one student, shape (h,), in any order and unit.
    thresholds
        Shares of the largest importance, shape (m,).

    Returns
    -------
    ndarray of int, shape (m,)
        All zero if every importance is zero.

    Raises
    ------
    ShapeError
        If an importance is negative or not finite, or the list is empty.

    Examples
    --------
    >>> effective_size_curve([4.0, 2.0, 0.1, 0.0], [0.0, 0.05, 0.5])
    array([3, 2, 1])
    """
    shares = normalised(importance)
    levels = finite_vector(np.atleast_1d(np.asarray(thresholds, dtype=float)), "thresholds")
    # shares ascend, so everything right of the insertion point lies strictly above the level
    return (shares.size - np.searchsorted(shares, levels, side="right")).astype(np.int64)


def largest_gap(importance: ArrayLike, floor: float = 0.05) -> Gap | None:
    """Find where the sorted importances fall by the largest factor.

    With s_1 = 1 >= s_2 >= ... the normalised importances and f the floor, the gap lies after
    the rank k that maximises max(s_k, f) / max(s_{k+1}, f), k = 1 .. h - 1.

    Parameters
    ----------
    importance
        L_i of one student, shape (h,).
    floor
        Share of the largest importance below which units are not told apart.

    Returns
    -------
    Gap or None
        None if there are fewer than two units, all importances are zero, or all lie on one
        side of the floor at the same value.

    Raises
    ------
    ShapeError
        As `effective_size_curve`.
    ConfigError
        If the floor is outside [0, 1).

    Notes
    -----
    A factor is used because the largest absolute drop is often the one between the first and
    the second unit, a fluctuation of the maximum; a floor is needed because among values that
    training drives to zero the factors are unbounded and mean nothing.

    Examples
    --------
    >>> largest_gap([1.0, 0.9, 0.47, 0.18, 0.13, 0.06, 0.004, 0.0]).rank
    3
    """
    floor = fraction(floor, "floor")
    shares = normalised(importance)[::-1]
    if shares.size < 2 or shares[0] == 0.0:
        return None
    clamped = np.maximum(shares, max(floor, np.finfo(float).tiny))
    factors = clamped[:-1] / clamped[1:]
    place = int(np.argmax(factors))
    if factors[place] == 1.0:
        return None
    others = np.delete(factors, place)
    upper, lower = float(shares[place]), float(shares[place + 1])
    runner_up = float(others.max()) if others.size else 1.0
    return Gap(place + 1, upper, lower, upper - lower, float(factors[place]), runner_up)


def normalised(importance: ArrayLike) -> FloatArray:
    """Return the importances divided by the largest, ascending."""
    vector = finite_vector(importance, "importance")
    if vector.min() < 0.0:
        raise ShapeError(f"importance {vector.min()} is negative: pass |lambda| ||phi|| sqrt(h)")
    top = float(vector.max())
    return np.sort(vector / top) if top > 0.0 else np.zeros_like(vector)
