"""Evidence of a scaling collapse: a Gaussian process as the master curve.

The model of the N points of all mean curves is

    y(x, L) = L^(-b) F((x - x_c) L^a) (1 + correction),   a = 1/nu,  b = beta/nu,

with F, and the scaling function of the correction, drawn from a Gaussian process; so

    y ~ N(0, C),   C_ij = (L_i L_j)^(-b) [1 + kappa^2 (L_i L_j / L_1^2)^(-w)] k_ij + Sigma_ij,
    k_ij = theta^2 exp(-(X_i - X_j)^2 / (2 l^2)) + s^2,   X_i = (x_i - x_c) L_i^a,

with Sigma the covariance of the mean curves.  The exponent of the correction is written
w = r / log(L_max / L_1), so that nothing depends on whether L or a power of it, such as the number
of sites, is called size: over the sizes at hand the correction falls by a factor e^r.

The negative logarithm of the evidence is (y^T C^-1 y + log|C|) / 2.  It is written for y and not
for the scaled L^b y; the Jacobian term sum_i log L_i^b of the scaled form is thereby included.

References
----------
K. Harada, Phys. Rev. E 84, 056704 (2011); Phys. Rev. E 92, 012106 (2015): the master curve as a
Gaussian process, and a kernel for corrections to scaling.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import lapack

from sta.analysis.statistics.resampling import FloatArray

PARAMETERS = ("x_c", "inv_nu", "beta_over_nu", "log_amplitude", "log_length")
CORRECTION_PARAMETERS = ("log_correction", "log_correction_rate")
CONSTANT_VARIANCE = 4.0


@dataclass(frozen=True)
class Design:
    """The points of all mean curves, in units that make them of order one.

    Attributes
    ----------
    x, y, log_size
        Abscissa, ordinate and log(L / geometric mean of L) of every point, shape (N,).
    noise
        Covariance of y, shape (N, N).
    prior_mean, prior_deviation
        Independent normal priors of the parameters, shape (p,); p says whether corrections to
        scaling are modelled.
    """

    x: FloatArray
    y: FloatArray
    log_size: FloatArray
    noise: FloatArray
    prior_mean: FloatArray
    prior_deviation: FloatArray

    @property
    def corrected(self) -> bool:
        """Whether there is a correction to scaling."""
        return self.prior_mean.size > len(PARAMETERS)

    def with_y(self, y: FloatArray) -> "Design":
        """Return the same design with other data."""
        return replace(self, y=y)


class Kernel:
    """Covariance of the signal at given parameters, and the pieces its derivatives share.

    Attributes
    ----------
    signal
        C without the noise, shape (N, N).
    """

    def __init__(self, design: Design, parameters: FloatArray) -> None:
        x_c, power, decay = parameters[:3]
        self.variance, self.length = np.exp(2.0 * parameters[3]), np.exp(parameters[4])
        self.log_size = design.log_size
        self.stretch = np.exp(power * design.log_size)
        self.scaled = (design.x - x_c) * self.stretch
        self.shrink = np.exp(-decay * design.log_size)
        self.distance = (self.scaled[:, None] - self.scaled) / self.length
        smooth = self.variance * np.exp(-0.5 * self.distance**2)
        outer = self.shrink[:, None] * self.shrink
        self.corrected = design.corrected
        if self.corrected:
            amplitude, self.rate = np.exp(parameters[5]), np.exp(parameters[6])
            above = design.log_size - design.log_size.min()
            self.above = above / above.max()
            falling = amplitude * np.exp(-self.rate * self.above)
            extra = falling[:, None] * falling
            self.correction = outer * extra * (smooth + CONSTANT_VARIANCE)
            outer = outer * (1.0 + extra)
        self.smooth = outer * smooth
        self.signal = self.smooth + outer * CONSTANT_VARIANCE

    def contract(self, weight: FloatArray) -> FloatArray:
        """Return sum_ij weight_ij dC_ij/dp for a symmetric weight, shape (p,)."""
        smooth = weight * self.smooth
        pull = (smooth * self.distance).sum(axis=1) / self.length
        whole = weight * self.signal
        found = [
            2.0 * pull @ self.stretch,
            -2.0 * pull @ (self.scaled * self.log_size),
            -2.0 * whole.sum(axis=1) @ self.log_size,
            2.0 * smooth.sum(),
            np.sum(smooth * self.distance**2),
        ]
        if self.corrected:
            rows = (weight * self.correction).sum(axis=1)
            found += [2.0 * rows.sum(), -2.0 * self.rate * (rows @ self.above)]
        return np.array(found)

    def apply(self, vector: FloatArray) -> FloatArray:
        """Return (dC/dp) vector for every parameter, shape (p, N)."""
        steep = self.smooth * self.distance / self.length
        logs = self.log_size

        def difference(v: FloatArray) -> FloatArray:
            return np.asarray(v * (steep @ vector) - steep @ (v * vector))

        found = [
            difference(self.stretch),
            -difference(self.scaled * logs),
            -(logs * (self.signal @ vector) + self.signal @ (logs * vector)),
            2.0 * self.smooth @ vector,
            (self.smooth * self.distance**2) @ vector,
        ]
        if self.corrected:
            plain = self.correction @ vector
            weighed = self.above * plain + self.correction @ (self.above * vector)
            found += [2.0 * plain, -self.rate * weighed]
        return np.stack(found)


def value_and_gradient(design: Design, parameters: FloatArray) -> tuple[float, FloatArray]:
    """Negative log evidence minus log prior, and its gradient by the parameters.

    Notes
    -----
    With alpha = C^-1 y the gradient is sum_ij (C^-1 - alpha alpha^T)_ij dC_ij/dp / 2.
    Where C is not positive definite in floating point the value is infinite.
    """
    kernel = Kernel(design, parameters)
    inverse, logdet = _invert(kernel.signal + design.noise)
    if inverse is None:
        return np.inf, np.zeros_like(parameters)
    alpha = inverse @ design.y
    score = (parameters - design.prior_mean) / design.prior_deviation
    value = 0.5 * (design.y @ alpha + logdet + score @ score)
    gradient = 0.5 * kernel.contract(inverse - alpha[:, None] * alpha)
    return float(value), gradient + score / design.prior_deviation


def hessian(design: Design, parameters: FloatArray, step: float = 1e-4) -> FloatArray:
    """Second derivatives of the objective, by central differences of the analytic gradient."""
    rows = []
    for place in range(parameters.size):
        shift = np.zeros_like(parameters)
        shift[place] = step
        ahead = value_and_gradient(design, parameters + shift)[1]
        behind = value_and_gradient(design, parameters - shift)[1]
        rows.append((ahead - behind) / (2.0 * step))
    matrix = np.array(rows)
    return 0.5 * (matrix + matrix.T)


def response(design: Design, parameters: FloatArray) -> FloatArray:
    """Return the derivative of the gradient by y, -C^-1 (dC/dp) C^-1 y, shape (p, N)."""
    kernel = Kernel(design, parameters)
    inverse, _ = _invert(kernel.signal + design.noise)
    if inverse is None:
        return np.full((parameters.size, design.x.size), np.nan)
    return np.asarray(-kernel.apply(inverse @ design.y) @ inverse)


def master_curve(
    design: Design, parameters: FloatArray, scaled_x: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of F at scaled abscissae, without the correction to scaling."""
    kernel = Kernel(design, parameters)
    inverse, _ = _invert(kernel.signal + design.noise)
    if inverse is None:
        nothing = np.full_like(scaled_x, np.nan)
        return nothing, nothing
    distance = (scaled_x[:, None] - kernel.scaled) / kernel.length
    near = kernel.variance * np.exp(-0.5 * distance**2) + CONSTANT_VARIANCE
    cross = near * kernel.shrink
    left = kernel.variance + CONSTANT_VARIANCE - np.einsum("mi,ij,mj->m", cross, inverse, cross)
    return cross @ (inverse @ design.y), np.sqrt(np.maximum(left, 0.0))


def _invert(matrix: FloatArray) -> tuple[FloatArray | None, float]:
    """Inverse and log determinant of a positive definite matrix; None where it is not."""
    factor, failed = lapack.dpotrf(matrix, lower=1)
    if failed:
        return None, np.inf
    half, _ = lapack.dpotri(factor, lower=1)
    inverse = np.tril(half) + np.tril(half, -1).T
    return inverse, 2.0 * float(np.log(np.diag(factor)).sum())
