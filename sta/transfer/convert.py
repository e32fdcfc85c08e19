"""Networks of torch in spectral form, by one call."""

from __future__ import annotations

import copy
from collections.abc import Iterable

from torch import nn

from sta.errors import ConfigError
from sta.spectral.layer import SpectralLinear
from sta.transfer.conv import SpectralConv2d


def to_spectral(module: nn.Module, train: Iterable[str] = ("phi", "lambda_out")) -> nn.Module:
    """Return a copy of a network in which each Conv2d and Linear is spectral, with equal outputs.

    Parameters
    ----------
    module : nn.Module
        Any network of torch. Layers that occur twice stay one layer.
    train : iterable of {"phi", "lambda_in", "lambda_out"}
        Factors that are trained.

    Raises
    ------
    ConfigError
        If a convolution has kernels that are not square or unusual padding; the message names it.

    Examples
    --------
    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10))
    >>> [type(layer).__name__ for layer in to_spectral(net)]
    ['SpectralConv2d', 'ReLU', 'Flatten', 'SpectralLinear']
    """
    factors = tuple(train)
    return _converted(copy.deepcopy(module), factors, "network", {})


def _converted(
    module: nn.Module, train: tuple[str, ...], name: str, known: dict[int, nn.Module]
) -> nn.Module:
    if id(module) in known:
        return known[id(module)]
    found = module
    if type(module) is nn.Linear:
        found = SpectralLinear.from_dense(module, train)
    elif type(module) is nn.Conv2d:
        try:
            found = SpectralConv2d.from_conv(module, train)
        except ConfigError as error:
            raise ConfigError(f"{name}: {error}") from error
    known[id(module)] = found
    # Of the module before it was replaced: named_children would leave out what occurs twice.
    for part, child in module._modules.items():
        if child is not None and found is module:
            setattr(module, part, _converted(child, train, f"{name}.{part}", known))
    found.train(module.training)
    return found
