"""One-pass SGD with weight vectors: batched replicas in torch, on a CPU or a GPU."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from sta.quadratic.overlaps import Array
from sta.quadratic.starts import weights_with_overlaps
from sta.quadratic.stepper import Stepper
from sta.quadratic.system import System


class VectorSGD(Stepper):
    """Replicas of a student under one-pass SGD, weight by weight.

    W += (2 a eta / batch) sum_i e_i lam_i x_i^T / sqrt N over the patterns of a step, with
    lam = W x / sqrt N and e = y - f; a spherical student is rescaled after each.

    Parameters
    ----------
    system : System
    student : (R, p, p) array
        Q at the start.
    mixed : (R, p, p*) array
        M at the start.
    dimension : int
        N >= p + p*.
    seed : int
        Of the weights' directions and of all patterns.
    device : str
        Where to train.

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
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        weights, teacher = weights_with_overlaps(
            system, student, mixed, dimension, np.random.default_rng(seed)
        )
        super().__init__(system, dimension)
        self._weights = torch.as_tensor(weights, dtype=torch.float64, device=device)
        self._teacher = torch.as_tensor(teacher, dtype=torch.float64, device=device)
        self._generator = torch.Generator(device).manual_seed(seed)

    @property
    def replicas(self) -> int:
        """Number of replicas."""
        return len(self._weights)

    @property
    def student(self) -> Array:
        """Return Q, shape (R, p, p)."""
        overlaps = self._weights @ self._weights.mT / self.dimension
        return np.asarray(overlaps.cpu().numpy())

    @property
    def mixed(self) -> Array:
        """Return M, shape (R, p, p*)."""
        return np.asarray((self._weights @ self._teacher.T / self.dimension).cpu().numpy())

    def keep(self, which: NDArray[np.bool_]) -> None:
        """Go on with some replicas only, given by a mask."""
        self._weights = self._weights[torch.as_tensor(which, device=self._weights.device)]

    def _step(self) -> None:
        system, root = self.system, float(np.sqrt(self.dimension))
        shape = (self.replicas, system.batch, self.dimension)
        x = self._normal(shape)
        lam = x @ self._weights.mT / root
        error = system.teacher_scale * (x @ self._teacher.T / root).square().sum(-1)
        error -= system.student_scale * lam.square().sum(-1)
        if system.label_noise > 0.0:
            error += float(np.sqrt(system.label_noise)) * self._normal(shape[:2])
        rate = 2.0 * system.student_scale * system.learning_rate / (root * system.batch)
        self._weights.baddbmm_((error[..., None] * lam).mT, x, alpha=rate)
        if system.spherical:
            self._weights *= root / self._weights.norm(dim=-1, keepdim=True)

    def _normal(self, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.randn(
            shape, dtype=torch.float64, device=self._weights.device, generator=self._generator
        )
