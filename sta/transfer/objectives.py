"""What a student is trained on: weights over labels, soft labels and factors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from sta.errors import ConfigError

Paraphrasing = Literal["trained", "random", "none", "attention"]


@dataclass(frozen=True)
class Objective:
    """Weights of the parts of a loss, labels + soft + factor.

    Attributes
    ----------
    name : str
    labels, soft, factor : float
        Weights of the cross entropy with labels, of the soft labels (with T^2) and of the factor
        loss; the last is for factors of 2048 numbers, see `sta.transfer.factors.scaled_beta`.
    temperature : float
        T of the soft labels.
    p : int
        Power of the factor loss.
    paraphrasing : {"trained", "random", "none", "attention"}
        What makes the teacher's factor: a paraphraser, one that is not trained, the maps as they
        are (a hint); or the attention maps of a trained one's factor.
    pseudo : bool
        Whether the labels are the teacher's own classes, on all that it sees.
    """

    name: str
    labels: float = 1.0
    soft: float = 0.0
    factor: float = 0.0
    temperature: float = 4.0
    p: int = 1
    paraphrasing: Paraphrasing = "trained"
    pseudo: bool = False

    def __post_init__(self) -> None:
        """Raise ConfigError for weights that are negative or all zero, or a bad T."""
        weights = (self.labels, self.soft, self.factor)
        if min(weights) < 0.0 or max(weights) <= 0.0:
            raise ConfigError(f"{self.name}: weights {weights} must be 0 or more, not all 0")
        if not 0.0 < self.temperature < float("inf"):
            raise ConfigError(f"{self.name}: temperature {self.temperature:g} must be above 0")


OBJECTIVES: dict[str, Objective] = {
    one.name: one
    for one in (
        Objective("labels"),
        Objective("soft", 0.1, 0.9),
        Objective("factor", 1.0, 0.0, 500.0),
        Objective("factor+soft", 0.1, 0.9, 500.0),
    )
}
CONTROLS: dict[str, Objective] = {
    one.name: one
    for one in (
        Objective("random-paraphraser", 1.0, 0.0, 500.0, paraphrasing="random"),
        Objective("hint", 1.0, 0.0, 500.0, paraphrasing="none"),
        Objective("pseudo-labels", pseudo=True),
        Objective("attention", 1.0, 0.0, 500.0, paraphrasing="attention"),
    )
}


def objectives_named(names: Iterable[str]) -> list[Objective]:
    """Return objectives by their names.

    Raises
    ------
    ConfigError
        If a name is unknown or occurs twice.
    """
    known, wanted = OBJECTIVES | CONTROLS, list(names)
    for name in wanted:
        if name not in known:
            raise ConfigError(f"objective {name!r} is unknown; choose from {', '.join(known)}")
        if wanted.count(name) > 1:
            raise ConfigError(f"objective {name!r} is named twice")
    return [known[name] for name in wanted]


def label_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross entropy of every member, shape (*stack,)."""
    losses = functional.cross_entropy(
        logits.flatten(0, -2), labels.flatten(), reduction="none"
    ).view(labels.shape)
    return losses.mean(-1)


def soft_loss(logits: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return T^2 KL(softmax(teacher / T) || softmax(logits / T)), mean over patterns, (*stack,).

    The factor T^2 keeps gradients of one size at any T (Hinton et al., arXiv 1503.02531).

    Examples
    --------
    >>> logits = torch.tensor([[0.0, 2.0]])
    >>> float(soft_loss(logits, logits, 4.0))
    0.0
    """
    scaled = functional.log_softmax(logits / temperature, -1)
    target = functional.log_softmax(teacher.detach() / temperature, -1)
    divergence = torch.sum(target.exp() * (target - scaled), -1)
    return temperature**2 * divergence.mean(-1)
