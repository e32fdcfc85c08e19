"""Pruning ramps as a sweep measures them, with a threshold or without any transition.

Each trial has an amplitude of its own, log-normal, and relative noise that is smooth along
its curve, because all points of one pruned student come from one training.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sta.analysis.statistics.oracles.oracle import (
    Oracle,
    Truth,
    curve_set,
    kept_grid,
    plan,
    truth,
)
from sta.analysis.statistics.resampling import FloatArray, Seed
from sta.errors import ConfigError

Ramp = Callable[[FloatArray, np.random.Generator], FloatArray]

NONE = "No transition: every parameter of a threshold is undefined."
NOISE_LENGTH = 0.2


def ramps(
    name: str,
    ramp: Ramp,
    known: Truth,
    description: str,
    *,
    sizes: Sequence[int] = (10, 20, 40),
    trials: int | Sequence[int] = 20,
    x_max: float = 2.0,
    points: int | None = None,
    noise: float = 0.1,
    amplitude: float = 0.2,
    seed: Seed = 0,
) -> Oracle:
    """Draw noisy trials of a curve y(x) that is the same for every size.

    Parameters
    ----------
    name, known, description
        Of the oracle.
    ramp
        Returns y(x) of one trial before the noise.
    sizes
        Teacher widths h; x = n/h on the grid of each.
    trials
        Number of trials, of every size or of each.
    x_max, points
        The grid n = 0 .. x_max h: about `points` of it, or all if None.
    noise
        Standard deviation of the relative noise along a curve, smooth over 0.2 in x.
    amplitude
        Standard deviation of the logarithm of a trial's amplitude, whose mean is 1.
    seed
        Of ramps and noise.

    Raises
    ------
    ConfigError
        If an option is out of range.
    """
    if noise < 0.0 or amplitude < 0.0:
        raise ConfigError(f"noise {noise}, amplitude {amplitude}: a spread is not negative")
    numbers = plan(sizes, trials, least=1)
    grids = [kept_grid(h, x_max, points) / h for h in numbers]
    streams = np.random.default_rng(seed).spawn(len(numbers))
    values = []
    for number, x, rng in zip(numbers.values(), grids, streams, strict=True):
        rows = []
        for _ in range(number):
            factor = np.exp(amplitude * rng.standard_normal() - 0.5 * amplitude**2)
            along = 1.0 + noise * smooth_noise(x, rng, NOISE_LENGTH)
            rows.append(factor * along * ramp(x, rng))
        values.append(np.stack(rows))
    return Oracle(
        name=name,
        curves=curve_set(list(numbers), grids, values),
        truth=known,
        x_name="kept units n/h",
        y_name="pruning cost / cost of all",
        size_name="teacher width h",
        description=description,
        corrections=False,
    )


def smooth_noise(x: FloatArray, rng: np.random.Generator, length: float) -> FloatArray:
    """Return Gaussian noise of unit variance, smooth over `length` in x, shape (P,)."""
    centres = np.arange(x[0] - 3 * length, x[-1] + 3 * length, length)
    kernel = np.exp(-0.5 * ((x[:, None] - centres) / length) ** 2)
    kernel /= np.sqrt((kernel**2).sum(axis=1, keepdims=True))
    return np.asarray(kernel @ rng.standard_normal(centres.size), dtype=float)


def exponential(*, rate: float = 6.0, seed: Seed = 0, **layout: Any) -> Oracle:
    """Draw ramps exp(-rate x), the published form; further options are those of `ramps`."""
    text = f"Pruning cost exp(-{rate:g} x), the form fitted in arXiv:2310.12612. {NONE}"
    return ramps("exponential", lambda x, _: np.exp(-rate * x), truth(), text, seed=seed, **layout)


def line(*, x_max: float = 2.0, seed: Seed = 0, **layout: Any) -> Oracle:
    """Draw ramps 1 - x / x_max that end with the data; further options are those of `ramps`."""
    text = f"Pruning cost 1 - x / {x_max:g} up to the last point. {NONE}"
    layout["x_max"] = x_max
    return ramps("line", lambda x, _: 1.0 - x / x_max, truth(), text, seed=seed, **layout)


def crossover(*, middle: float = 0.5, width: float = 0.1, seed: Seed = 0, **layout: Any) -> Oracle:
    """Draw logistic ramps of a width that no size sharpens; other options as `ramps`.

    Raises
    ------
    ConfigError
        If the width is not positive.
    """
    if not width > 0.0:
        raise ConfigError(f"width of the crossover is {width}: give a positive one")
    text = (
        f"Pruning cost 1 / (1 + exp((x - {middle:g}) / {width:g})), a crossover in x that is the"
        f" same for every h. {NONE}"
    )

    def ramp(x: FloatArray, _: np.random.Generator) -> FloatArray:
        return np.asarray(1.0 / (1.0 + np.exp((x - middle) / width)), dtype=float)

    return ramps("crossover", ramp, truth(), text, seed=seed, **layout)


def threshold(
    *,
    x_c: float = 1.1,
    beta: float = 2.0,
    jitter: float = 0.0,
    seed: Seed = 0,
    **layout: Any,
) -> Oracle:
    """Draw ramps (1 - x / x_c)_+^beta; further options are those of `ramps`.

    Parameters
    ----------
    x_c, beta
        Place of the threshold and exponent below it.
    jitter
        Standard deviation of x_c over trials; the mean curve is then rounded.
    seed
        Of thresholds and noise.
    layout
        Options of `ramps`.

    Raises
    ------
    ConfigError
        If x_c or beta is not positive, or the jitter is negative or not small beside x_c.
    """
    if not (x_c > 0.0 and beta > 0.0 and 0.0 <= jitter <= 0.2 * x_c):
        raise ConfigError(
            f"x_c {x_c}, beta {beta}, jitter {jitter}: give positive ones, and jitter <= x_c / 5"
        )
    text = (
        f"Pruning cost (1 - x / x_c)^{beta:g} below x_c = {x_c:g} (sd {jitter:g} over trials) and"
        " zero above, the same for every h, so that nu is not defined."
    )

    def ramp(x: FloatArray, rng: np.random.Generator) -> FloatArray:
        edge = x_c + jitter * rng.standard_normal()
        return np.asarray(np.maximum(1.0 - x / edge, 0.0) ** beta, dtype=float)

    return ramps("threshold", ramp, truth(x_c, beta=beta), text, seed=seed, **layout)
