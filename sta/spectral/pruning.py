"""Importance, effective size, the ramp of the error over kept units, and smaller networks."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sta.errors import ShapeError
from sta.spectral.layer import SpectralLinear, StackedLinear, layer_from_tensors
from sta.spectral.network import Network, patterns_at_once
from sta.spectral.student import spectral_layers

if TYPE_CHECKING:
    from sta.spectral.teacher import Dataset

# Patterns in a portion of the ramp: enough to make overheads small, few enough for the cache,
# of which an accelerator has none that matters.
MOST_PATTERNS = 1024
MOST_PATTERNS_ACCELERATED = 2**14


def importance(layer: StackedLinear) -> Tensor:
    r"""Return the importance of every target unit of a layer, shape (*stack, h).

    .. math:: L_i = \lVert w_i \rVert_2 \sqrt{h}

    with w_i the incoming effective weights. For lambda_in = 0 this is the published
    :math:`|\lambda^{out}_i| \lVert \phi_i \rVert_2 \sqrt{h}` (arXiv 2310.12612), and with
    lambda_out = 1 its conventional counterpart M_i. Where lambda_in is trained as well, the
    effective weight is what the unit receives, and the published formula would miss it.
    """
    weight = layer.effective_weight().detach()
    # Squares of very large or small weights would leave the range of the type.
    top = weight.abs().amax((-1, -2), keepdim=True)
    scale = torch.where(top == 0, 1, top)
    norms: Tensor = torch.linalg.vector_norm(weight / scale, dim=-1)
    return norms * scale.squeeze(-1) * math.sqrt(layer.out_features)


def relative_importance(network: Network, layers: Sequence[int] | None = None) -> Tensor:
    """Return L_i / max_i L_i of every spectral unit, shape (*stack, units of all `layers`).

    The maximum is each layer's and each member's own; a layer of zeros has importance zero.
    """
    parts = []
    for number in layers if layers is not None else spectral_layers(network):
        value = importance(network.chain[number])
        top = value.amax(-1, keepdim=True)
        parts.append(value / torch.where(top == 0, 1, top))
    return torch.cat(parts, -1)


def effective_sizes(network: Network, threshold: float = 0.05) -> NDArray[np.int64]:
    """Return the number of units with L_i / max_i L_i above the threshold, shape (*stack,)."""
    counts = (relative_importance(network) > threshold).sum(-1)
    return counts.cpu().numpy().astype(np.int64)


def ranking(network: Network, layers: Sequence[int] | None = None) -> Tensor:
    """Return the units in order of falling relative importance, shape (*stack, units).

    Units of several layers are numbered through, layer after layer; ties keep that order.
    """
    return relative_importance(network, layers).argsort(dim=-1, descending=True, stable=True)


@dataclass(frozen=True)
class Ramp:
    """The test error for every number of kept units.

    Attributes
    ----------
    n_kept : array of int, shape (h + 1,)
        0, 1, ..., h; units are kept in order of falling importance, without retraining.
    mse : array, shape (*stack, h + 1)
        Mean squared error of the pruned student; the last entry is the full student's.
    """

    n_kept: NDArray[np.int64]
    mse: NDArray[np.float64]

    @property
    def delta_mse(self) -> NDArray[np.float64]:
        """Signed cost of pruning, mse(n) - mse(h), shape (*stack, h + 1)."""
        return self.mse - self.mse[..., -1:]


def ramp(
    network: Network, data: Dataset, layers: Sequence[int] | None = None, chunk: int = 2**18
) -> Ramp:
    """Return the exact ramp of the error over the number of kept units, in float64.

    For one pruned layer, the pre-activations of the next layer are summed up over the ranked
    units, so each n costs one rank-one update instead of a forward pass. For several layers
    every n is evaluated anew, the units ranked together by relative importance.

    Parameters
    ----------
    network : Network
        A student or a stack of them.
    data : Dataset
        Test patterns with matching stack dimensions.
    layers : sequence of int, optional
        Hidden layers to prune; the spectral ones unless told.
    chunk : int
        Bound on the numbers a member holds in a temporary array; memory does not grow with
        the patterns.

    Raises
    ------
    ShapeError
        If a layer is not a hidden one.
    """
    layers = list(layers) if layers is not None else spectral_layers(network)
    for number in layers:
        if number not in network.hidden:
            raise ShapeError(f"layer {number} is not a hidden layer; choose from {network.hidden}")
    order = ranking(network, layers)
    double = copy.deepcopy(network).double()
    most = MOST_PATTERNS_ACCELERATED if data.y.is_cuda else MOST_PATTERNS
    step = min(most, patterns_at_once(network, chunk))
    total = torch.zeros(*network.stack, order.shape[-1] + 1, dtype=torch.float64)
    total = total.to(data.y.device)
    errors = _summed_errors if len(layers) == 1 else _masked_errors
    with torch.no_grad():
        for start in range(0, data.y.shape[-1], step):
            x = data.x[..., start : start + step, :].double()
            y = data.y[..., start : start + step].double()
            errors(double, layers, order, x, y, total)
    mse = (total / data.y.shape[-1]).cpu().numpy()
    return Ramp(np.arange(order.shape[-1] + 1), mse)


def _summed_errors(
    network: Network, layers: Sequence[int], order: Tensor, x: Tensor, y: Tensor, total: Tensor
) -> None:
    """Add the squared errors for every n of a single pruned layer to `total`."""
    (number,) = layers
    for layer in network.chain[:number]:
        x = layer(x).relu_()
    # Units first, so that each update reads contiguous memory.
    units = network.chain[number](x).relu_().mT
    units = units.gather(-2, order.unsqueeze(-1).expand(units.shape)).contiguous()
    if number + 1 == len(network.chain):
        sums = torch.cat((torch.zeros_like(units[..., :1, :]), units.cumsum(-2)), -2)
        total += (sums - y.unsqueeze(-2)).square().sum(-1)
        return
    following = network.chain[number + 1]
    weight = following.effective_weight().mT
    weight = weight.gather(-2, order.unsqueeze(-1).expand(weight.shape)).contiguous()
    z = torch.zeros(*x.shape[:-1], following.out_features, dtype=x.dtype, device=x.device)
    if following.bias is not None:
        z += following.bias.unsqueeze(-2)
    for n in range(order.shape[-1] + 1):
        if n:
            z.addcmul_(units[..., n - 1, :].unsqueeze(-1), weight[..., n - 1, :].unsqueeze(-2))
        total[..., n] += (_finish(network, number + 1, z) - y).square().sum(-1)


def _finish(network: Network, number: int, z: Tensor) -> Tensor:
    """Return the outputs for the pre-activations z of layer `number`, which are kept."""
    hidden = number in network.hidden
    return network.forward_from(number + 1, z.relu() if hidden else z)


def _masked_errors(
    network: Network, layers: Sequence[int], order: Tensor, x: Tensor, y: Tensor, total: Tensor
) -> None:
    """Add the squared errors for every n of several pruned layers to `total`."""
    rank = order.argsort(-1)
    widths = [network.chain[number].out_features for number in layers]
    for n in range(order.shape[-1] + 1):
        masks = dict(zip(layers, torch.split(rank < n, widths, -1), strict=True))
        total[..., n] += (masked_forward(network, masks, x) - y).square().sum(-1)


def masked_forward(network: Network, masks: Mapping[int, Tensor], x: Tensor) -> Tensor:
    """Return the outputs with some hidden units silenced.

    Parameters
    ----------
    network : Network
        A student or a stack of them.
    masks : dict from layer to Tensor of bool, shape (*stack, h)
        True for the units that are kept.
    x : Tensor, shape (*stack, batch, d)
        Inputs.
    """
    for number, layer in enumerate(network.chain):
        x = layer(x)
        if number in network.hidden:
            x = x.relu_()
        if number in masks:
            x = x * masks[number].unsqueeze(-2)
    return network.read(x)


def shrink(network: Network, keep: Mapping[int, Sequence[int]]) -> Network:
    """Return a smaller network without the units that are not kept, equal to masking them.

    Parameters
    ----------
    network : Network
        A single network.
    keep : dict from layer to sequence of int
        Positions of the units kept in a hidden layer, in the order wanted.

    Returns
    -------
    Network
        With the original unit ids of the kept units in `Network.unit_ids`.

    Raises
    ------
    ShapeError
        If the network is a stack, a layer is not hidden, or nothing of it is kept.
    """
    if network.stack:
        raise ShapeError(f"a stack of {network.stack[0]} networks cannot shrink; take one member")
    layers = copy.deepcopy(network.chain)
    ids = [list(row) for row in network.unit_ids]
    for number, units in keep.items():
        positions = list(units)
        if number not in network.hidden:
            raise ShapeError(f"layer {number} is not a hidden layer; choose from {network.hidden}")
        if not positions:
            raise ShapeError(f"layer {number} would lose all its units; keep at least one")
        if any(not 0 <= unit < network.widths[number + 1] for unit in positions):
            raise ShapeError(f"layer {number} has {network.widths[number + 1]} units, from 0")
        layers[number] = _select(layers[number], positions, targets=True)
        if number + 1 < len(layers):
            layers[number + 1] = _select(layers[number + 1], positions, targets=False)
        ids[number] = [ids[number][unit] for unit in positions]
    return Network(layers, network.readout, ids)


def units_above(network: Network, threshold: float = 0.05) -> dict[int, list[int]]:
    """Return the positions of the units above the threshold, in every spectral layer."""
    keep = {}
    for number in spectral_layers(network):
        relative = relative_importance(network, [number])
        keep[number] = torch.nonzero(relative > threshold).flatten().tolist()
    return keep


def units_kept(network: Network, n_kept: int) -> dict[int, list[int]]:
    """Return the positions of the `n_kept` most important units, in every spectral layer.

    Raises
    ------
    ShapeError
        If there are not as many units.
    """
    layers = spectral_layers(network)
    widths = [network.widths[number + 1] for number in layers]
    if not 0 < n_kept <= sum(widths):
        raise ShapeError(f"cannot keep {n_kept} units; the spectral layers have {sum(widths)}")
    kept = ranking(network, layers).argsort(-1) < n_kept
    parts = zip(layers, torch.split(kept, widths, -1), strict=True)
    return {number: torch.nonzero(part).flatten().tolist() for number, part in parts}


def _copy_in_double(network: Network) -> Network:
    from sta.spectral.network import build_network

    state = {name: tensor.detach().double() for name, tensor in network.state_dict().items()}
    device = next(iter(state.values())).device
    return build_network(network.spec(), state).to(device)


def _select(layer: StackedLinear, units: list[int], *, targets: bool) -> StackedLinear:
    """Return a layer restricted to some of its targets, or of its sources."""
    by_target = {"phi": -2, "weight": -2, "lambda_out": -1, "bias": -1}
    by_source = {"phi": -1, "weight": -1, "lambda_in": -1}
    axes = by_target if targets else by_source
    state = layer.state_dict()
    index = torch.tensor(units, device=next(iter(state.values())).device)
    for name in axes.keys() & state.keys():
        state[name] = state[name].index_select(axes[name], index)
    return layer_from_tensors(state, layer.trained if isinstance(layer, SpectralLinear) else ())
