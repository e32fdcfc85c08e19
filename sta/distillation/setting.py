"""What is learned: two Gaussian clusters, by a teacher with all weights and a student with some."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sta.errors import ConfigError

Array = NDArray[np.float64]

LOSSES = ("logistic", "square")
TEACHERS = ("erm", "bayes", "hebb")


@dataclass(frozen=True)
class Setting:
    """Parameters of the solvable model of knowledge distillation, as arrays of one shape.

    Patterns x = s v / sqrt N + sqrt Delta z, s = +1 with probability rho, v and z standard normal,
    M = alpha N of them. A student of eta N weights and a bias, with outputs h = w x / sqrt N + b,
    minimises sum l + (lambda / 2) |w|^2 with l = (1 - chi) H(y, sigma(h)) +
    chi H(sigma(h~ / T), sigma(h / T)), h~ the teacher's output on the same pattern; or the square
    loss (h - t)^2 / 2 on t = (1 - chi) s + chi h~.

    Attributes
    ----------
    alpha, rho, delta, eta : arrays
        Patterns over N, weight of the positive cluster, variance Delta, the student's fraction.
    lam_teacher, lam : arrays
        Ridge of teacher and student, lambda~ and lambda.
    chi, temperature : arrays
        Share of the teacher's outputs in the loss, and T (logistic loss only).
    loss : str
        "logistic" or "square", of both.
    teacher : str
        "erm": trained on the same patterns; "bayes": optimal, from independent patterns; "hebb":
        optimal, from the same patterns.
    """

    alpha: Array
    rho: Array
    delta: Array
    eta: Array
    lam_teacher: Array
    lam: Array
    chi: Array
    temperature: Array
    loss: str = "logistic"
    teacher: str = "erm"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of all parameters."""
        return self.alpha.shape

    def ravel(self) -> Setting:
        """Return the same with flat arrays."""
        return self._mapped(np.ravel)

    def take(self, which: Any) -> Setting:
        """Return some of a flat setting's points."""
        return self._mapped(lambda one: one[which])

    def _mapped(self, change: Any) -> Setting:
        numbers = [one.name for one in fields(self) if one.name not in ("loss", "teacher")]
        return replace(self, **{name: change(getattr(self, name)) for name in numbers})


def make_setting(
    alpha: ArrayLike,
    *,
    rho: ArrayLike = 0.2,
    delta: ArrayLike = 1.0,
    eta: ArrayLike = 0.5,
    lam_teacher: ArrayLike = 0.1,
    lam: ArrayLike = 1e-5,
    chi: ArrayLike = 1.0,
    temperature: ArrayLike = 1.0,
    loss: str = "logistic",
    teacher: str = "erm",
) -> Setting:
    """Check parameters and broadcast them against each other.

    Parameters
    ----------
    alpha, rho, delta, eta, lam_teacher, lam, chi, temperature, loss, teacher
        As in `Setting`.

    Returns
    -------
    Setting

    Raises
    ------
    ConfigError
        If one is out of range; the message names the bound.
    """
    if loss not in LOSSES:
        raise ConfigError(f"loss {loss!r} is unknown; choose from {', '.join(LOSSES)}")
    if teacher not in TEACHERS:
        raise ConfigError(f"teacher {teacher!r} is unknown; choose from {', '.join(TEACHERS)}")
    given = dict(
        zip(
            ("alpha", "rho", "delta", "eta", "lam_teacher", "lam", "chi", "temperature"),
            np.broadcast_arrays(
                *(
                    np.asarray(one, dtype=float)
                    for one in (alpha, rho, delta, eta, lam_teacher, lam, chi, temperature)
                )
            ),
            strict=True,
        )
    )
    positive = (0.0, np.inf, "above 0")
    bounds = {
        "alpha": positive, "rho": (0.0, 1.0, "in (0, 1)"), "delta": positive,
        "lam_teacher": positive, "lam": positive, "temperature": positive,
    }  # fmt: skip
    for name, (low, high, words) in bounds.items():
        _check(name, given[name], (given[name] > low) & (given[name] < high), words)
    _check("eta", given["eta"], (given["eta"] > 0.0) & (given["eta"] <= 1.0), "in (0, 1]")
    _check("chi", given["chi"], (given["chi"] >= 0.0) & (given["chi"] <= 1.0), "in [0, 1]")
    return Setting(
        **{name: np.array(one) for name, one in given.items()}, loss=loss, teacher=teacher
    )


def _check(name: str, values: Array, good: NDArray[np.bool_], words: str) -> None:
    if not np.all(good):
        wrong = float(values[~good].flat[0])
        more = ""
        if name in ("lam", "lam_teacher") and wrong == 0.0:
            more = (
                "; below separability_threshold patterns are separable, and the loss has no minimum"
            )
        raise ConfigError(f"{name} = {wrong:g}: give a number {words}{more}")
