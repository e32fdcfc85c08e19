"""Accuracy against the number of kept units, ranked by importance over all spectral layers."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sta.spectral.layer import SpectralLinear
from sta.spectral.network import Network
from sta.transfer.conv import SpectralConv2d
from sta.transfer.networks import (
    Classifier,
    ConvNetwork,
    channel_importance,
    features_of,
    read,
    shrink_channels,
)

Array = NDArray[np.float64]


def ranked_layers(network: Classifier) -> list[int]:
    """Return the hidden layers whose units are ranked: the spectral ones, else all."""
    kinds = (SpectralLinear, SpectralConv2d)
    found = [number for number in network.hidden if isinstance(network.chain[number], kinds)]
    return found or list(network.hidden)


def relative_importances(network: Classifier) -> Tensor:
    """Return L_i / max L of the units of all ranked layers, layer after layer, (*stack, units)."""
    parts = []
    for number in ranked_layers(network):
        value = channel_importance(network.chain[number])
        top = value.amax(-1, keepdim=True)
        parts.append(value / torch.where(top == 0, 1, top))
    return torch.cat(parts, -1)


def effective_size(network: Classifier, threshold: float = 0.05) -> NDArray[np.int64]:
    """Return the number of units with L_i / max L above the threshold, shape (*stack,)."""
    counts = (relative_importances(network) > threshold).sum(-1)
    return counts.cpu().numpy().astype(np.int64)


def accuracy_ramp(network: Classifier, x: Tensor, y: Tensor) -> Array:
    """Return the accuracy for 0, 1, ..., all units kept, shape (*stack, units + 1).

    Units are kept in the order of falling importance, without retraining; the others are silent.

    Parameters
    ----------
    network : Network or ConvNetwork
        A network or a stack of K.
    x : Tensor, shape (*stack, patterns, ...)
    y : Tensor, shape (*stack, patterns)
    """
    layers = ranked_layers(network)
    rank = (
        relative_importances(network).argsort(dim=-1, descending=True, stable=True).argsort(dim=-1)
    )
    widths = [_width(network, number) for number in layers]
    found = []
    with torch.no_grad():
        for kept in range(rank.shape[-1] + 1):
            masks = dict(zip(layers, torch.split((rank < kept).to(x.dtype), widths, -1),
                             strict=True))  # fmt: skip
            right = read(network, features_of(network, x, masks)).argmax(-1) == y
            found.append(right.double().mean(-1))
    return torch.stack(found, -1).numpy()


def units_needed(ramp: Array, tolerance: float = 0.01) -> NDArray[np.int64]:
    """Return the fewest units from which on the accuracy stays within `tolerance` of the full one.

    Examples
    --------
    >>> units_needed(np.array([[0.1, 0.95, 0.5, 0.9, 0.905]])).tolist()
    [3]
    """
    away = ramp < ramp[..., -1:] - tolerance - 1e-12
    last = ramp.shape[-1] - 1 - np.argmax(away[..., ::-1], -1)
    return np.where(away.any(-1), last + 1, 0).astype(np.int64)


def pruned(network: Classifier, kept: int) -> Classifier:
    """Return a single network with its `kept` most important units; one a layer stays at least."""
    from sta.spectral.pruning import shrink

    relative = relative_importances(network)
    order = relative.argsort(descending=True, stable=True)
    chosen = torch.zeros_like(relative, dtype=torch.bool)
    chosen[order[:kept]] = True
    keep, first = {}, 0
    for number in ranked_layers(network):
        width = _width(network, number)
        own = torch.nonzero(chosen[first : first + width]).flatten().tolist()
        best = int(relative[first : first + width].argmax())
        keep[number] = own or [best]
        first += width
    if isinstance(network, ConvNetwork):
        return shrink_channels(network, keep)
    return shrink(network, keep)


def _width(network: Classifier, number: int) -> int:
    layer = network.chain[number]
    return layer.out_features if isinstance(network, Network) else layer.out_channels  # type: ignore[return-value]
