"""Paraphraser and translator of factor transfer (Kim et al., NeurIPS 2018), and their losses.

The layers are those of the authors' code: three convolutions and their mirror, LeakyReLU(0.1)
after each, the last included, no batch norm. Kernels of size 1 on maps of one pixel make them
serve dense hidden units.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sta.errors import ConfigError
from sta.transfer.conv import StackedConv2d

SLOPE = 0.1
REFERENCE_SIZE = 2048  # numbers in a factor of the authors' CIFAR-10 runs: 32 channels of 8 x 8
TINY = 1e-12


def factor_channels(channels: int, rate: float) -> int:
    """Return round(rate * channels), the channels of a factor.

    Raises
    ------
    ConfigError
        If the rate is not positive, or that is below one channel.
    """
    found = round(channels * rate) if math.isfinite(rate) and rate > 0.0 else 0
    if found < 1:
        raise ConfigError(
            f"rate {rate:g} of {channels} channels leaves no channel; give a larger rate"
        )
    return found


class Encoder(nn.Module):
    """Three convolutions n -> n, n -> f, f -> f that keep the image's size.

    Of a teacher's maps it is the paraphraser's encoder, of a student's the translator.

    Parameters
    ----------
    channels, factor : int
        n and f.
    kernel : int
        3, or 1 for maps of one pixel.
    generators : sequence of numpy.random.Generator
        One a network of the stack; a single network if empty.
    """

    def __init__(
        self,
        channels: int,
        factor: int,
        kernel: int = 3,
        generators: Sequence[np.random.Generator] = (),
    ) -> None:
        super().__init__()
        sizes = ((channels, channels), (channels, factor), (factor, factor))
        self.layers = _convolutions(sizes, kernel, generators)

    def forward(self, x: Tensor) -> Tensor:
        """Map (*stack, batch, channels, h, w) to (*stack, batch, factor, h, w)."""
        return _through(self.layers, x)


class Translator(Encoder):
    """The student's side, trained with it and thrown away afterwards."""


class Paraphraser(nn.Module):
    """Autoencoder of a teacher's maps, whose code is the factor.

    A transposed convolution of stride 1 is a convolution with its kernel turned round, so the
    decoder is made of convolutions too.

    Parameters
    ----------
    channels : int
        m, of the teacher's maps.
    rate : float
        k; the factor has round(k m) channels.
    kernel, generators
        As `Encoder`.

    Examples
    --------
    >>> one = Paraphraser(64, 0.5)
    >>> [sum(p.numel() for p in part.parameters()) for part in (one.encoder, one.decoder)]
    [64640, 64672]
    """

    def __init__(
        self,
        channels: int,
        rate: float = 0.5,
        kernel: int = 3,
        generators: Sequence[np.random.Generator] = (),
    ) -> None:
        super().__init__()
        self.channels, self.factor = channels, factor_channels(channels, rate)
        self.encoder = Encoder(channels, self.factor, kernel, generators)
        sizes = ((self.factor, self.factor), (self.factor, channels), (channels, channels))
        self.decoder = _convolutions(sizes, kernel, generators)

    def encode(self, maps: Tensor) -> Tensor:
        """Return the factor."""
        factor: Tensor = self.encoder(maps)
        return factor

    def decode(self, factor: Tensor) -> Tensor:
        """Return maps from a factor."""
        return _through(self.decoder, factor)

    def forward(self, maps: Tensor) -> Tensor:
        """Return the reconstruction of maps, of their shape."""
        return self.decode(self.encode(maps))


def _convolutions(
    sizes: Sequence[tuple[int, int]], kernel: int, generators: Sequence[np.random.Generator]
) -> nn.ModuleList:
    layers = nn.ModuleList()
    for n_in, n_out in sizes:
        if not generators:
            layers.append(StackedConv2d(n_in, n_out, kernel))
            continue
        alone = [StackedConv2d(n_in, n_out, kernel, generator=one) for one in generators]
        layer = StackedConv2d(n_in, n_out, kernel, stack=(len(alone),))
        for name, values in layer.named_parameters():
            with torch.no_grad():
                values.copy_(torch.stack([one.get_parameter(name) for one in alone]))
        layers.append(layer)
    return layers


def _through(layers: nn.ModuleList, x: Tensor) -> Tensor:
    for layer in layers:
        x = functional.leaky_relu(layer(x), SLOPE)
    return x


def fit_paraphraser(
    paraphraser: Paraphraser,
    maps: Tensor,
    generators: Sequence[np.random.Generator],
    *,
    loss: str = "l1",
    steps: int = 300,
    batch: int = 128,
    learning_rate: float = 3e-3,
) -> Tensor:
    """Train a stack of paraphrasers on their teachers' maps, and freeze them.

    Parameters
    ----------
    paraphraser : Paraphraser
        Stack of K.
    maps : Tensor, shape (K, patterns, channels, h, w)
    generators : sequence of numpy.random.Generator
        Of the batches, one a member.
    loss : {"l1", "mse"}
        Mean absolute error, as the authors' code, or squared, as their paper.
    steps, batch, learning_rate : int, int, float
        Of Adam.

    Returns
    -------
    Tensor, shape (K,)
        Relative reconstruction error, sum (x - P(x))^2 / sum x^2 over all maps.

    Raises
    ------
    ConfigError
        If the loss is unknown or the channels do not match.
    """
    if loss not in ("l1", "mse"):
        raise ConfigError(f"reconstruction loss {loss!r} is unknown; choose l1 or mse")
    if maps.shape[-3] != paraphraser.channels:
        raise ConfigError(
            f"maps of {maps.shape[-3]} channels, but the paraphraser reads {paraphraser.channels}"
        )
    optimiser = torch.optim.Adam(paraphraser.parameters(), lr=learning_rate)
    members = torch.arange(len(maps))[:, None]
    for _ in range(steps):
        part = maps[members, draw_batches(generators, maps.shape[1], batch)]
        off = paraphraser(part) - part
        # Summed over members: each has the gradient that it would have alone.
        each = off.abs() if loss == "l1" else off.square()
        optimiser.zero_grad()
        each.mean((1, 2, 3, 4)).sum().backward()
        optimiser.step()
    freeze(paraphraser)
    return reconstruction_error(paraphraser, maps)


def freeze(network: nn.Module) -> None:
    """Leave nothing in a network that training could move."""
    network.requires_grad_(False).eval()
    network.zero_grad(set_to_none=True)


def reconstruction_error(paraphraser: Paraphraser, maps: Tensor) -> Tensor:
    """Return sum (x - P(x))^2 / sum x^2 of every member, shape (K,)."""
    with torch.no_grad():
        off = (paraphraser(maps) - maps).square().sum((1, 2, 3, 4))
        total: Tensor = maps.square().sum((1, 2, 3, 4))
        found: Tensor = off / total.clamp_min(TINY)
        return found


def draw_batches(generators: Sequence[np.random.Generator], patterns: int, batch: int) -> Tensor:
    """Return numbers of patterns, shape (K, batch), drawn without repetition; all if they fit."""
    if patterns <= batch:
        return torch.arange(patterns).expand(len(generators), -1)
    drawn = [one.choice(patterns, batch, replace=False, shuffle=False) for one in generators]
    return torch.from_numpy(np.stack(drawn))


def factor_loss(student: Tensor, teacher: Tensor, p: int = 1) -> Tensor:
    """Return the factor loss of every member, shape (*stack,).

    Factors flattened a pattern and of unit length, f / ||f|| (Kim et al., eq. 3). p = 1: mean over
    patterns and entries of |f_S - f_T|, as the authors' code. p = 2: mean over patterns of the
    norm ||f_S - f_T||. A factor of zeros stays zero, with a finite gradient.

    Parameters
    ----------
    student, teacher : Tensor, shape (*stack, batch, channels, h, w)
    p : {1, 2}

    Raises
    ------
    ConfigError
        If p is another, or the shapes differ.
    """
    if p not in (1, 2):
        raise ConfigError(f"p = {p}: the factor loss has p = 1 or 2")
    if student.shape != teacher.shape:
        raise ConfigError(
            f"factors of {tuple(student.shape[-3:])} and {tuple(teacher.shape[-3:])} do not match;"
            " give the translator the paraphraser's channels and maps of one size"
        )
    off = _unit(student.flatten(-3)) - _unit(teacher.detach().flatten(-3))
    return off.abs().mean((-1, -2)) if p == 1 else off.norm(dim=-1).mean(-1)


def attention_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the loss on attention maps of factors, shape (*stack,).

    Mean squared difference of maps f.square().mean(channels), flattened and of unit length: what
    circulates as "factor transfer" in RepDistiller, another loss than `factor_loss`.
    """
    maps = [_unit(one.square().mean(-3).flatten(-2)) for one in (student, teacher.detach())]
    return (maps[0] - maps[1]).square().mean((-1, -2))


def _unit(x: Tensor) -> Tensor:
    return functional.normalize(x, dim=-1, eps=TINY)


def scaled_beta(beta: float, size: int, p: int = 1) -> float:
    """Return the weight of a factor loss on factors of `size` numbers.

    beta is that of the authors' runs, whose factors have 2048 numbers. For p = 1 the loss is a
    mean over entries of order size^(-1/2), and the weight is beta (size / 2048)^(1/2); for p = 2
    the loss does not depend on the size, and the weight is beta / 2048^(1/2).

    Examples
    --------
    >>> scaled_beta(500.0, 512)
    250.0
    """
    return float(beta * ((size if p == 1 else 1) / REFERENCE_SIZE) ** 0.5)
