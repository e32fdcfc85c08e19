"""One-pass SGD at finite N without weight vectors: the overlaps are a Markov chain of their own.

A pattern enters a step only through its components along the student's and teacher's units and
the length of the rest, whose joint law is known. A step costs O((p + p*)^3) for any N.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sta.quadratic.overlaps import Array, check_overlaps, transposed
from sta.quadratic.starts import bartlett, check_dimension
from sta.quadratic.stepper import Stepper
from sta.quadratic.system import System

JITTER = 1e-14
BLOCK = 2_000_000  # random numbers drawn at a time


class OverlapChain(Stepper):
    """Replicas of the overlaps Q and M under one-pass SGD, in exact law at finite N.

    The state is K = M T^(-1/2) and the overlaps R = Q - K K^T of what is orthogonal to the teacher,
    so that nothing cancels near zero loss. A pattern has the components z* along the teacher, z
    along the student's rest, and a remainder of N - p - p* dimensions:

    lam = K z* + R^(1/2) z,  e = b z*^T T z* + xi - a |lam|^2,  c = 2 a eta e / (N batch),
    K += c lam z*^T,  R += c (lam (R^(1/2) z)^T + transpose) + c^2 |x|^2 lam lam^T.

    Parameters
    ----------
    system : System
    student : (R, p, p) array
        Q at the start.
    mixed : (R, p, p*) array
        M at the start.
    dimension : int
        N >= p + p*.
    seed : int or SeedSequence
        Of all patterns.

    Raises
    ------
    ConfigError
        If N is too small.
    ShapeError
        If no weights have these overlaps.
    """

    def __init__(
        self,
        system: System,
        student: Array,
        mixed: Array,
        dimension: int,
        *,
        seed: int | np.random.SeedSequence = 0,
    ) -> None:
        check_dimension(system, dimension)
        check_overlaps(system, student, mixed)
        super().__init__(system, dimension)
        self._along = mixed @ np.linalg.inv(system.teacher_root)
        self._rest = student - self._along @ transposed(self._along)
        self._rng = np.random.default_rng(seed)
        self._drawn: list[Array] = []
        self._next = 0

    @property
    def replicas(self) -> int:
        """Number of replicas."""
        return len(self._along)

    @property
    def student(self) -> Array:
        """Return Q, shape (R, p, p)."""
        return np.asarray(self._rest + self._along @ transposed(self._along))

    @property
    def mixed(self) -> Array:
        """Return M, shape (R, p, p*)."""
        return np.asarray(self._along @ self.system.teacher_root)

    def keep(self, which: NDArray[np.bool_]) -> None:
        """Go on with some replicas only, given by a mask."""
        self._along, self._rest = self._along[which], self._rest[which]
        self._drawn = [one[:, which] for one in self._drawn]

    def _step(self) -> None:
        z, remainder, label = self._draw()
        system, q = self.system, self.system.teacher_width
        z_star, across = z[..., :q], z[..., q:] @ transposed(self._root())
        lam = z_star @ transposed(self._along) + across
        error = -system.student_scale * np.einsum("rbk,rbk->rb", lam, lam)
        nu = z_star if system.isotropic else z_star @ system.teacher_root
        scale = system.teacher_scale * (system.teacher_eigenvalues[0] if system.isotropic else 1.0)
        error += scale * np.einsum("rbk,rbk->rb", nu, nu)
        if label is not None:
            error += label
        rate = 2.0 * system.student_scale * system.learning_rate
        pushed = transposed((rate / (self.dimension * system.batch) * error)[..., None] * lam)
        gram = z[..., q:] @ transposed(z[..., q:]) + remainder
        self._along += pushed @ z_star
        cross = pushed @ (across + 0.5 * gram @ transposed(pushed))
        self._rest += cross + transposed(cross)
        if system.spherical:
            square = np.einsum("rkk->rk", self._rest) + np.sum(self._along**2, axis=-1)
            size = np.sqrt(square)[..., None]
            self._along /= size
            self._rest /= size * transposed(size)

    def _root(self) -> Array:
        """Return a factor F of the rest, R = F F^T."""
        rest = self._rest
        if self.system.student_width == 1:
            return np.sqrt(np.maximum(rest, 0.0))
        size = np.einsum("rkk->r", rest)
        ridge = rest + (JITTER * size + np.finfo(float).tiny)[:, None, None] * np.eye(rest.shape[1])
        try:
            return np.linalg.cholesky(ridge)
        except np.linalg.LinAlgError:
            values, vectors = np.linalg.eigh(np.where(np.isfinite(rest), rest, 0.0))
            return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :])

    def _draw(self) -> tuple[Array, Array, Array | None]:
        if not self._drawn or self._next == len(self._drawn[0]):
            self._drawn, self._next = self._block(), 0
        here = [one[self._next] for one in self._drawn]
        self._next += 1
        return here[0], here[1], here[2] if len(here) > 2 else None

    def _block(self) -> list[Array]:
        system, rng, replicas, batch = self.system, self._rng, self.replicas, self.system.batch
        width = system.student_width + system.teacher_width
        steps = max(1, BLOCK // (replicas * batch * (width + batch)))
        factor = bartlett(rng, steps * replicas, batch, self.dimension - width)
        gram = (factor @ transposed(factor)).reshape(steps, replicas, batch, batch)
        drawn = [rng.standard_normal((steps, replicas, batch, width)), gram]
        if system.label_noise > 0.0:
            spread = np.sqrt(system.label_noise)
            drawn.append(spread * rng.standard_normal((steps, replicas, batch)))
        return drawn
