"""Losses of an output, their slopes, and the proximal operator that training is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Array = NDArray[np.float64]

STEPS = 80
ROUNDING = 1e-15
SMALL_STEP = 1e-8  # of Newton's method, whose next step is its square


@dataclass(frozen=True)
class Distilled:
    """Loss (1 - chi) l(label) + chi l(teacher) of the output h, up to what does not depend on h.

    Logistic: slope (1 - chi) sigma(h) + (chi / T) sigma(h / T) - c with the pull
    c = (1 - chi) (1 + s) / 2 + (chi / T) sigma(h~ / T). Square: slope h - c with
    c = (1 - chi) s + chi h~.

    Attributes
    ----------
    kind : str
        "logistic" or "square".
    chi, temperature : arrays
        Of a shape that broadcasts against outputs.
    """

    kind: str
    chi: Array
    temperature: Array

    def pull(self, label: Array, teacher: Array) -> Array:
        """Return c for labels s = +-1 and outputs h~ of the teacher."""
        if self.kind == "square":
            return np.asarray((1.0 - self.chi) * label + self.chi * teacher)
        soft = self.chi / self.temperature * expit(teacher / self.temperature)
        return np.asarray((1.0 - self.chi) * 0.5 * (1.0 + label) + soft)

    def derivatives(self, h: Array, pull: Array) -> tuple[Array, Array]:
        """Return slope and curvature at output h."""
        if self.kind == "square":
            return np.asarray(h - pull), np.ones_like(h)
        slope, curvature = -pull, np.zeros_like(h)
        for share, t in ((1.0 - self.chi, 1.0), (self.chi / self.temperature, self.temperature)):
            if np.any(share > 0.0):
                sigma = expit(h / t)
                slope = slope + share * sigma
                curvature += (share / t) * sigma * (1.0 - sigma)
        return np.asarray(slope), curvature

    def response(self, teacher: Array) -> Array:
        """Return d2l / dh dh~, which does not depend on h."""
        if self.kind == "square":
            return np.asarray(-self.chi + np.zeros_like(teacher))
        soft = expit(teacher / self.temperature)
        return np.asarray(-self.chi / self.temperature**2 * soft * (1.0 - soft))

    def prox(self, omega: Array, width: Array, pull: Array, start: Array | None = None) -> Array:
        """Return h* = argmin (h - omega)^2 / (2 V) + l(h), by Newton's method in a bracket."""
        if self.kind == "square":
            return np.asarray((omega + width * pull) / (1.0 + width))
        low = omega + width * (pull - (1.0 - self.chi) - self.chi / self.temperature)
        high = omega + width * pull
        shape = low.shape
        h = 0.5 * (low + high) if start is None else np.clip(start, low, high)
        rows = [
            np.broadcast_to(one, shape).ravel()
            for one in (omega, width, pull, self.chi, self.temperature)
        ]
        h, low, high = h.ravel(), low.ravel(), high.ravel()
        last = high - low
        found, places = h.copy(), np.arange(h.size)
        for _ in range(STEPS):
            omega, width, pull, chi, temperature = rows
            slope, curvature = Distilled(self.kind, chi, temperature).derivatives(h, pull)
            off = h - omega + width * slope
            low, high = np.where(off < 0.0, h, low), np.where(off > 0.0, h, high)
            step = -off / (1.0 + width * curvature)
            # Halve the bracket where Newton's step leaves it or is not much shorter than the last.
            slow = (h + step <= low) | (h + step >= high) | (np.abs(step) > 0.5 * last)
            slow &= off != 0.0
            step = np.where(slow, 0.5 * (low + high) - h, step)
            h, last = h + step, np.abs(step)
            found[places] = h
            going = slow & (high - low > ROUNDING * (1.0 + np.abs(h)))
            going |= last > SMALL_STEP * (1.0 + np.abs(h))
            if not np.any(going):
                break
            rows = [one[going] for one in rows]
            h, low, high, last = h[going], low[going], high[going], last[going]
            places = places[going]
        return found.reshape(shape)
