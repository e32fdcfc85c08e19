"""What is trained: widths, output scales, learning rate, label noise and constraint."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sta.errors import ConfigError, ShapeError


@dataclass(frozen=True)
class System:
    """A quadratic student on a quadratic teacher, learning by one-pass SGD.

    With inputs x ~ N(0, I_N), student weights W (p, N) and teacher weights W* (p*, N), the student
    says f = a sum_k (w_k x / sqrt N)^2 and the teacher y = b sum_r (w*_r x / sqrt N)^2 + xi. Each
    step takes B fresh patterns and moves W by eta times minus the gradient of the mean (y - f)^2/2.

    Attributes
    ----------
    student_width, teacher_width : int
        p and p*, with p >= p*.
    learning_rate : float
        eta.
    student_scale, teacher_scale : float
        a and b.
    teacher_overlap : (p*, p*) array
        T = W* W*^T / N, symmetric and positive definite.
    label_noise : float
        Delta, the variance of xi.
    batch : int
        B, patterns a step.
    spherical : bool
        Whether each w_k is rescaled to |w_k|^2 = N after every step.
    """

    student_width: int
    teacher_width: int
    learning_rate: float
    student_scale: float
    teacher_scale: float
    teacher_overlap: NDArray[np.float64]
    label_noise: float = 0.0
    batch: int = 1
    spherical: bool = False

    @property
    def gain(self) -> float:
        """Return g = a b eta: without label noise all depends on it alone, in units of b / a."""
        return self.student_scale * self.teacher_scale * self.learning_rate

    @property
    def noise_rate(self) -> float:
        """Factor (2 a eta)^2 / B of the noise of SGD in the motion of Q."""
        return (2.0 * self.student_scale * self.learning_rate) ** 2 / self.batch

    @cached_property
    def teacher_eigenvalues(self) -> NDArray[np.float64]:
        """Eigenvalues of T, the largest first, shape (p*,)."""
        return np.asarray(np.linalg.eigvalsh(self.teacher_overlap)[::-1])

    @cached_property
    def teacher_trace(self) -> float:
        """Return tr T."""
        return float(np.trace(self.teacher_overlap))

    @cached_property
    def teacher_root(self) -> NDArray[np.float64]:
        """The symmetric square root of T, shape (p*, p*)."""
        values, vectors = np.linalg.eigh(self.teacher_overlap)
        return np.asarray((vectors * np.sqrt(values)) @ vectors.T)

    @property
    def isotropic(self) -> bool:
        """Whether T is a multiple of the identity."""
        eigenvalues = self.teacher_eigenvalues
        return bool(eigenvalues[0] - eigenvalues[-1] <= 1e-12 * eigenvalues[0])


def make_system(
    student_width: int,
    teacher_width: int,
    learning_rate: float,
    *,
    student_scale: float | None = None,
    teacher_scale: float | None = None,
    teacher_overlap: ArrayLike | None = None,
    label_noise: float = 0.0,
    batch: int = 1,
    spherical: bool = False,
) -> System:
    """Check the settings of a system and fill in what is usual.

    Parameters
    ----------
    student_width, teacher_width, learning_rate, label_noise, batch, spherical
        As in `System`.
    student_scale, teacher_scale : float, optional
        a = 1 / p and b = 1 / p* (outputs are averages) unless told.
    teacher_overlap : array, optional
        T, or its diagonal; the identity unless told.

    Returns
    -------
    System

    Raises
    ------
    ConfigError
        If a number is out of range; the message names the bound.
    ShapeError
        If T does not fit p*, or is not symmetric and positive definite.

    Examples
    --------
    >>> make_system(4, 2, 0.1).gain
    0.0125
    """
    if teacher_width < 1:
        raise ConfigError(f"a teacher of width p* = {teacher_width}: give at least 1")
    if student_width < teacher_width:
        raise ConfigError(
            f"a student of width p = {student_width} below the teacher's p* = {teacher_width}"
            " cannot represent it; give p >= p*"
        )
    a = 1.0 / student_width if student_scale is None else float(student_scale)
    b = 1.0 / teacher_width if teacher_scale is None else float(teacher_scale)
    for name, value in (("learning rate eta", learning_rate), ("scale a", a), ("scale b", b)):
        if not (np.isfinite(value) and value > 0.0):
            raise ConfigError(f"{name} = {value}: give a positive number")
    if not (np.isfinite(label_noise) and label_noise >= 0.0):
        raise ConfigError(f"label noise Delta = {label_noise} is a variance; give at least 0")
    if batch < 1:
        raise ConfigError(f"batch = {batch}: give at least 1 pattern a step")
    overlap = _teacher_overlap(teacher_overlap, teacher_width)
    return System(
        int(student_width), int(teacher_width), float(learning_rate), a, b, overlap,
        float(label_noise), int(batch), bool(spherical),
    )  # fmt: skip


def _teacher_overlap(given: ArrayLike | None, width: int) -> NDArray[np.float64]:
    overlap = np.ones(width) if given is None else np.array(given, dtype=float)
    overlap = np.diag(overlap) if overlap.ndim == 1 else overlap
    if overlap.shape != (width, width):
        raise ShapeError(
            f"T has shape {overlap.shape}; a teacher of {width} units needs {width} x {width}"
        )
    if not np.all(np.isfinite(overlap)) or np.abs(overlap - overlap.T).max() > 1e-12:
        raise ShapeError("T = W* W*^T / N must be finite and symmetric")
    least = float(np.linalg.eigvalsh(overlap)[0])
    if least <= 1e-12:
        raise ShapeError(
            f"T has the eigenvalue {least:.3g}, which must be above 1e-12: teacher units must be"
            " linearly independent"
        )
    overlap.setflags(write=False)
    return overlap
