"""Shapes that a falling curve y(x) is tried against.

threshold    y = A ((x_c - x) / (x_c - x_0))_+^beta + c   vanishing at a sharp x_c
exponential  y = a exp(-b x) + c                          no special point
stretched    y = A exp(-(b (x - x_0))^p) + c              no special point but x_0
crossover    y = A / (1 + exp((x - x_m) / w)) + c         a bend of finite width, no singularity

x_0 is the smallest abscissa, so A is the height of a curve there (of the crossover:
far to its left).  Threshold, stretched and crossover have two shape parameters each, so none
of them wins by its freedom alone.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy.special import expit

from sta.analysis.statistics.resampling import FloatArray
from sta.analysis.statistics.separable import EDGE, Axis, Shape
from sta.errors import ConfigError

ModelName = Literal["threshold", "exponential", "stretched", "crossover"]

MODELS: tuple[ModelName, ...] = ("threshold", "exponential", "stretched", "crossover")
BETA_RANGE = (0.25, 20.0)
POWER_RANGE = (0.4, 4.0)
END_ZONE = 0.97


def build_shape(name: ModelName, grids: Sequence[FloatArray]) -> Shape:
    """Make the shape of a model for curves on the given grids of x.

    Parameters
    ----------
    name
        One of `MODELS`.
    grids
        Ascending abscissae of each curve.

    Notes
    -----
    The threshold is sought between the second smallest x and the end of the shortest curve;
    beta in 0.25 .. 20, beyond which the power law is an exponential for any purpose.

    Raises
    ------
    ConfigError
        If the name is unknown.
    """
    start = min(float(grid[0]) for grid in grids)
    end = min(float(grid[-1]) for grid in grids)
    spacing = min(float(np.diff(grid).min()) for grid in grids)
    extent = end - start
    if name == "threshold":
        x_c = Axis("x_c", spacing, extent, cells=56, origin=start)
        beta = Axis("beta", *BETA_RANGE, cells=28)
        return Shape(name, (x_c, beta), lambda x, theta: _power(x, theta, start))
    if name == "exponential":
        rate = Axis("b", 0.05 / extent, 4.0 / spacing, cells=160)
        return Shape(name, (rate,), lambda x, theta: np.exp(-theta * (x - start)))
    if name == "stretched":
        rate = Axis("b", 0.05 / extent, 4.0 / spacing, cells=56)
        power = Axis("p", *POWER_RANGE, cells=20)
        return Shape(name, (rate, power), lambda x, theta: _stretched(x, theta, start))
    if name == "crossover":
        middle = Axis("x_m", start, end, cells=48, log=False)
        width = Axis("w", 0.25 * spacing, extent, cells=28)
        return Shape(name, (middle, width), _logistic)
    raise ConfigError(f"model is {name!r}: choose from {', '.join(MODELS)}")


def own_constants(
    name: ModelName, theta: FloatArray, amplitude: FloatArray, offset: FloatArray, start: float
) -> dict[str, FloatArray]:
    """Name the amplitude and the offset of one curve as in the module's formulas."""
    if name == "exponential":
        return {"a": amplitude * np.exp(theta[:, 0] * start), "c": offset}
    return {"A": amplitude, "c": offset}


def at_edge(shape: Shape, unit: FloatArray, theta: FloatArray) -> dict[str, np.ndarray]:
    """Which data sets have a parameter at an end of its interval.

    Returns
    -------
    dict
        "NAME low" or "NAME high" to a boolean vector (B,).  x_c counts as high within the
        last 3 % of the range: a ramp ends at zero at its last point whatever its shape.
    """
    edges = {}
    for i, axis in enumerate(shape.axes):
        edges[f"{axis.name} low"] = unit[:, i] < EDGE
        edges[f"{axis.name} high"] = unit[:, i] > 1.0 - EDGE
        if axis.name == "x_c":
            edges["x_c high"] = theta[:, i] - axis.origin > END_ZONE * axis.high
    return edges


def _power(x: FloatArray, theta: FloatArray, start: float) -> FloatArray:
    x_c, beta = theta[..., :1], theta[..., 1:]
    height: FloatArray = np.power(np.maximum((x_c - x) / (x_c - start), 0.0), beta)
    return height


def _stretched(x: FloatArray, theta: FloatArray, start: float) -> FloatArray:
    reach = theta[..., :1] * (x - start)
    height: FloatArray = np.exp(-np.minimum(np.power(reach, theta[..., 1:]), 700.0))
    return height


def _logistic(x: FloatArray, theta: FloatArray) -> FloatArray:
    height: FloatArray = expit((theta[..., :1] - x) / theta[..., 1:])
    return height
