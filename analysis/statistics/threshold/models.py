"""Shapes that a falling curve y(x) is tried against.

constant     y = c                                        nothing to see
line         y = A (x_1 - x) / (x_1 - x_0) + c            no special point
exponential  y = a exp(-b x) + c                          no special point
stretched    y = A exp(-(b (x - x_0))^p) + c              no special point but x_0
crossover    y = A / (1 + exp((x - x_m) / w)) + c         a bend of finite width, no singularity
threshold    y = A ((x_c - x) / (x_c - x_0))_+^beta + c   vanishing at a sharp x_c
rounded      y = A E((x_c - x - w z) / (x_c - x_0))_+^beta + c, z standard normal

x_0 and x_1 are the smallest and the largest abscissa, so A is the height of a curve at x_0 (of
the crossover: far to its left; of the rounded threshold: that of the sharp one it comes from).
Threshold, stretched and crossover have two shape parameters each, so none of them wins by its
freedom alone.  The rounded threshold becomes the sharp one as w goes to zero.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy.special import expit

from sta.analysis.statistics.resampling import FloatArray
from sta.analysis.statistics.threshold.shapes import Axis, Shape
from sta.errors import ConfigError

ModelName = Literal[
    "constant", "line", "exponential", "stretched", "crossover", "threshold", "rounded"
]

MODELS: tuple[ModelName, ...] = (
    "threshold",
    "exponential",
    "stretched",
    "crossover",
    "line",
    "constant",
    "rounded",
)
SMOOTH: tuple[ModelName, ...] = ("exponential", "stretched", "crossover", "line", "constant")
BETA_RANGE = (0.25, 20.0)
POWER_RANGE = (0.4, 4.0)
END_ZONE = 0.97
EDGE = 0.01
_REACH = 5.5  # standard deviations of the rounding that the quadrature covers
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


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
    last = max(float(grid[-1]) for grid in grids)
    spacing = min(float(np.diff(grid).min()) for grid in grids)
    extent = end - start
    if name == "constant":
        return Shape(name, (), lambda x, theta: np.zeros((*theta.shape[:-1], x.size)))
    if name == "line":
        return Shape(name, (), lambda x, theta: _falling(x, theta, start, last))
    if name == "exponential":
        rate = Axis("b", 0.05 / extent, 4.0 / spacing, cells=80)
        return Shape(name, (rate,), lambda x, theta: np.exp(-theta * (x - start)))
    if name == "stretched":
        rate = Axis("b", 0.05 / extent, 4.0 / spacing, cells=40)
        power = Axis("p", *POWER_RANGE, cells=16)
        return Shape(name, (rate, power), lambda x, theta: _stretched(x, theta, start))
    if name == "crossover":
        middle = Axis("x_m", start, end, cells=36, log=False)
        width = Axis("w", 0.25 * spacing, extent, cells=20)
        return Shape(name, (middle, width), _logistic)
    if name == "threshold":
        x_c = Axis("x_c", spacing, extent, cells=40, origin=start)
        beta = Axis("beta", *BETA_RANGE, cells=20)
        return Shape(name, (x_c, beta), lambda x, theta: _power(x, theta, start))
    if name == "rounded":
        x_c = Axis("x_c", spacing, extent, cells=14, origin=start)
        beta = Axis("beta", *BETA_RANGE, cells=8)
        width = Axis("w", 0.1 * spacing, 0.5 * extent, cells=5)
        return Shape(name, (x_c, beta, width), lambda x, theta: rounded_power(x, theta, start))
    raise ConfigError(f"model is {name!r}: choose from {', '.join(MODELS)}")


def own_constants(
    name: ModelName, theta: FloatArray, amplitude: FloatArray, offset: FloatArray, start: float
) -> dict[str, FloatArray]:
    """Name the amplitude and the offset of one curve as in the module's formulas."""
    if name == "constant":
        return {"c": offset}
    if name == "exponential":
        return {"a": amplitude * np.exp(theta[:, 0] * start), "c": offset}
    return {"A": amplitude, "c": offset}


def at_edge(shape: Shape, unit: FloatArray, theta: FloatArray) -> dict[str, np.ndarray]:
    """Which data sets have a parameter at an end of its interval.

    Returns
    -------
    dict
        "NAME low" or "NAME high" to a boolean vector (B,).  x_c counts as high within the
        last 3 % of the range: a ramp ends at zero at its last point whatever its shape.  A
        rounded threshold may be sharp, so its w never counts as low.
    """
    edges = {}
    for i, axis in enumerate(shape.axes):
        if (shape.name, axis.name) != ("rounded", "w"):
            edges[f"{axis.name} low"] = unit[:, i] < EDGE
        edges[f"{axis.name} high"] = unit[:, i] > 1.0 - EDGE
        if axis.name == "x_c":
            edges["x_c high"] = theta[:, i] - axis.origin > END_ZONE * axis.high
    return edges


def rounded_power(x: FloatArray, theta: FloatArray, start: float) -> FloatArray:
    """Power law below a threshold, averaged over a normal spread of the threshold.

    g = E[((x_c - x - w z) / (x_c - x_0))_+^beta], z standard normal.

    Parameters
    ----------
    x
        Abscissae, shape (P,).
    theta
        x_c, beta and w, shape (..., 3).
    start
        x_0.

    Notes
    -----
    With s = (x_c - x) / w it is (w / (x_c - x_0))^beta times the integral of t^beta
    phi(t - s) over t > 0: a parabolic cylinder function, whose library forms overflow for
    the beta and s needed here.  Gauss-Legendre instead, on 16 nodes within 5.5 widths of the
    largest integrand; the error is below 1e-5 for beta >= 1 and 1e-3 for beta = 0.25.
    """
    x_c, beta, width = theta[..., :1], theta[..., 1:2], theta[..., 2:3]
    s = (x_c - x) / width
    top = 0.5 * (s + np.sqrt(s**2 + 4.0 * beta))
    low = np.maximum(top - _REACH, 0.0)
    half = 0.5 * (top + _REACH - low)
    t = low[..., None] + half[..., None] * (1.0 + _NODES)
    scale = (width / (x_c - start))[..., None]
    with np.errstate(divide="ignore"):
        exponent = beta[..., None] * np.log(scale * t) - 0.5 * (t - s[..., None]) ** 2
    height: FloatArray = np.exp(exponent) @ _WEIGHTS * half / np.sqrt(2.0 * np.pi)
    return height


def _falling(x: FloatArray, theta: FloatArray, start: float, last: float) -> FloatArray:
    return np.broadcast_to((last - x) / (last - start), (*theta.shape[:-1], x.size))


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
