"""Students: what is trained, and under which penalty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sta.errors import ConfigError
from sta.spectral.layer import SpectralLinear, StackedLinear
from sta.spectral.network import Network, Readout


@dataclass(frozen=True)
class Architecture:
    """The shape of a student.

    Attributes
    ----------
    input_width : int
        Number of inputs, d.
    hidden_widths : tuple of int
        Units of the hidden layers, (h, h_2, ...).
    spectral_layers : tuple of int
        Hidden layers in spectral form, which are the ones that are ranked and pruned.
    readout : {"sum", "linear"}
        Frozen sum of the last hidden layer, or a trained linear output.
    """

    input_width: int
    hidden_widths: tuple[int, ...]
    spectral_layers: tuple[int, ...] = (0,)
    readout: Readout = "sum"

    def __post_init__(self) -> None:
        """Raise ConfigError if a spectral layer is not among the hidden ones."""
        for layer in self.spectral_layers:
            if not 0 <= layer < len(self.hidden_widths):
                raise ConfigError(
                    f"spectral layer {layer} does not exist; the student has "
                    f"{len(self.hidden_widths)} hidden layers, counted from 0"
                )


@dataclass(frozen=True)
class Recipe:
    """How one kind of student is trained; the defaults are the paper's spectral students.

    Attributes
    ----------
    train : tuple of str
        Trained factors of the spectral layers: ``("phi", "lambda_out")`` is a spectral student,
        ``("phi",)`` a direct (conventional) one, whose eigenvalues stay at one.
    learning_rate : float
        Of Adam.
    batch_size : int
        Patterns a step.
    l2_phi, l2_eigenvalues : float
        Coefficients of sum(phi^2) and of sum(lambda^2) over the spectral layers.
    group_lasso : float
        Coefficient of sum_i ||w_i||_2, w_i the incoming weights of unit i. The minimum of
        a ||phi_i||^2 + b lambda_i^2 at fixed w_i = lambda_i phi_i is 2 sqrt(ab) ||w_i||, so
        2 sqrt(l2_phi l2_eigenvalues) is the penalty that the spectral one amounts to.
    """

    train: tuple[str, ...] = ("phi", "lambda_out")
    learning_rate: float = 0.005
    batch_size: int = 300
    l2_phi: float = 0.01
    l2_eigenvalues: float = 5e-4
    group_lasso: float = 0.0


def make_student(
    architecture: Architecture, train: Sequence[str], generator: np.random.Generator
) -> Network:
    """Return an untrained student in float64: Glorot-uniform weights, eigenvalues one, no bias.

    Students that differ in `train` alone start from the same weights.
    """
    widths = (architecture.input_width, *architecture.hidden_widths)
    if architecture.readout == "linear":
        widths = (*widths, 1)
    layers: list[StackedLinear] = []
    for number, (n_in, n_out) in enumerate(pairwise(widths)):
        settings: dict[str, Any] = {"dtype": torch.float64, "generator": generator}
        if number in architecture.spectral_layers:
            layers.append(SpectralLinear(n_in, n_out, bias=False, train=train, **settings))
        else:
            layers.append(StackedLinear(n_in, n_out, bias=False, **settings))
    return Network(layers, architecture.readout)


def spectral_layers(network: Network) -> list[int]:
    """Return the hidden layers to rank and prune: the spectral ones, else the first."""
    found = [i for i in network.hidden if isinstance(network.chain[i], SpectralLinear)]
    return found or list(network.hidden)[:1]


def penalty(network: Network, recipe: Recipe) -> Tensor:
    """Return the penalty of every member, shape (*stack,); see `Recipe` for the formula."""
    first = next(network.parameters())
    total = torch.zeros(network.stack, dtype=first.dtype, device=first.device)
    for layer in network.chain:
        if not isinstance(layer, SpectralLinear):
            continue
        if recipe.l2_phi:
            total = total + recipe.l2_phi * layer.phi.square().sum((-1, -2))
        for eigenvalues in (layer.lambda_in, layer.lambda_out):
            if recipe.l2_eigenvalues and eigenvalues.requires_grad:
                total = total + recipe.l2_eigenvalues * eigenvalues.square().sum(-1)
        if recipe.group_lasso:
            norms = torch.linalg.vector_norm(layer.effective_weight(), dim=-1)
            total = total + recipe.group_lasso * norms.sum(-1)
    return total
