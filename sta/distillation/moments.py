"""Averages of a network's response over the field of a training pattern."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import norm

from sta.distillation.losses import Distilled

Array = NDArray[np.float64]

NODES, REACH = 81, 8.0
LABELS = np.array([1.0, -1.0])


def nodes(number: int = NODES) -> tuple[Array, Array]:
    """Return abscissae and weights of averages over a standard normal number."""
    z = np.linspace(-REACH, REACH, number)
    weight = np.exp(-0.5 * z**2)
    return z, weight / weight.sum()


class GridMoments:
    """E f, E f^2 and E df / domega for each label, by the trapezoid rule, for smooth losses.

    Outputs are remembered from call to call, to start the next proximal operator from.
    """

    def __init__(self, loss: str, smoothing: Array) -> None:
        self.z, self.weight = nodes()
        self.loss, self.smoothing = loss, smoothing[:, None, None]
        self.outputs = np.full((len(smoothing), 2, len(self.z)), np.nan)

    def _at(self, k: NDArray[np.intp]) -> tuple[Distilled, Array]:
        soft = self.smoothing[k]
        loss = Distilled(self.loss, soft, np.ones_like(soft))
        return loss, loss.pull(LABELS[None, :, None], np.zeros((1, 1, 1)))

    @property
    def slope_at_zero(self) -> Array:
        """Return dl/dh at h = 0 for each label, shape (G, 2)."""
        loss, pull = self._at(np.arange(len(self.smoothing)))
        return np.asarray(loss.derivatives(np.zeros_like(pull), pull)[0][:, :, 0])

    def __call__(
        self, m: Array, b: Array, spread: Array, width: Array, k: NDArray[np.intp]
    ) -> tuple[Array, Array, Array]:
        """Return the three averages, each (g, 2), for fields s m + b + spread * z."""
        loss, pull = self._at(k)
        mean = LABELS * m[:, None] + b[:, None]
        omega = mean[:, :, None] + spread[:, None, None] * self.z
        v, start = width[:, None, None], self.outputs[k]
        h = loss.prox(omega, v, pull, None if np.isnan(start).any() else start)
        self.outputs[k] = h
        slope, curved = loss.derivatives(h, pull)
        damped = curved / (1.0 + v * curved)
        force, square, response = (
            np.sum(self.weight * one, axis=2) for one in (-slope, slope**2, -damped)
        )
        return force, square, response


class HingeMoments:
    """The same for the hinge loss max(0, 1 - s h), in closed form.

    f = s clip(1 - s omega, 0, V) / V, whose averages are those of (t - x)_+ and (t - x)_+^2 for
    normal t = 1 - s omega.
    """

    slope_at_zero: Array = -LABELS

    def __call__(
        self, m: Array, b: Array, spread: Array, width: Array, _: NDArray[np.intp]
    ) -> tuple[Array, Array, Array]:
        """Return the three averages, each (g, 2), for fields s m + b + spread * z."""
        sigma, v = spread[:, None], width[:, None]
        mean = 1.0 - m[:, None] - LABELS * b[:, None]

        def above(x: Array | float) -> tuple[Array, Array, Array]:
            """P(t > x), E (t - x)_+ and E (t - x)_+^2."""
            d = (mean - x) / sigma
            tail, density = ndtr(d), norm.pdf(d)
            first = sigma * density + (mean - x) * tail
            second = (sigma**2 + (mean - x) ** 2) * tail + (mean - x) * sigma * density
            return tail, first, second

        start, end = above(0.0), above(v)
        clipped = start[1] - end[1]
        square = start[2] - 2.0 * v * end[1] - end[2]
        return LABELS * clipped / v, square / v**2, -(start[0] - end[0]) / v
