"""Networks that classify, dense and convolutional, with the features that are transferred."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sta.errors import ConfigError, FileFormatError, ShapeError, StaError
from sta.spectral.layer import SpectralLinear, StackedLinear, layer_from_tensors
from sta.spectral.network import Network, build_layer
from sta.spectral.pruning import importance
from sta.transfer.conv import SpectralConv2d, StackedConv2d, conv_from_tensors, select_channels

Classifier: TypeAlias = "Network | ConvNetwork"


class ConvNetwork(nn.Module):
    """Convolutions with ReLU, each followed by a maximum over 2 x 2 pixels, and a linear readout.

    Parameters
    ----------
    convolutions : sequence of StackedConv2d
        Layers whose channels chain and whose stacks agree.
    readout : StackedLinear
        From the pixels of all channels of the last layer, channel by channel, to the classes.
    unit_ids : sequence of sequence of int, optional
        Original index of every channel; pruning keeps them.

    Raises
    ------
    ShapeError
        If the layers do not chain.
    """

    def __init__(
        self,
        convolutions: Sequence[StackedConv2d],
        readout: StackedLinear,
        unit_ids: Sequence[Sequence[int]] | None = None,
    ) -> None:
        super().__init__()
        for number, (first, second) in enumerate(pairwise(convolutions)):
            if first.out_channels != second.in_channels:
                raise ShapeError(
                    f"convolution {number} has {first.out_channels} channels but the next reads"
                    f" {second.in_channels}; the channels must chain"
                )
        if readout.in_features % convolutions[-1].out_channels:
            raise ShapeError(
                f"a readout of {readout.in_features} inputs does not divide into"
                f" {convolutions[-1].out_channels} channels"
            )
        self.layers = nn.ModuleList(convolutions)
        self.readout = readout
        self.unit_ids = [list(ids) for ids in unit_ids or [range(n) for n in self.widths[1:-1]]]

    @property
    def chain(self) -> list[StackedConv2d]:
        """The convolutions, as a typed list."""
        return [layer for layer in self.layers if isinstance(layer, StackedConv2d)]

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels from the image to the last convolution, and the classes."""
        channels = (layer.out_channels for layer in self.chain)
        return (self.chain[0].in_channels, *channels, self.readout.out_features)

    @property
    def hidden(self) -> range:
        """Indices of the layers whose targets are hidden channels: all convolutions."""
        return range(len(self.chain))

    @property
    def stack(self) -> tuple[int, ...]:
        """() for one network, (K,) for K of them."""
        return self.chain[0].stack

    def features(self, x: Tensor, masks: Mapping[int, Tensor] | None = None) -> Tensor:
        """Return the maps of the last convolution before pooling, (*stack, batch, c, h, w)."""
        for number, layer in enumerate(self.chain):
            x = functional.relu(layer(_pooled(x) if number else x))
            if masks and number in masks:
                x = x * masks[number][..., None, :, None, None]
        return x

    def read(self, features: Tensor) -> Tensor:
        """Return the logits, shape (*stack, batch, classes), of the last convolution's maps."""
        logits: Tensor = self.readout(_pooled(features).flatten(-3))
        return logits

    def forward(self, x: Tensor) -> Tensor:
        """Return logits for images of shape (*stack, batch, channels, height, width)."""
        return self.read(self.features(x))

    def spec(self) -> dict[str, Any]:
        """Return what is needed, next to the state_dict, to build the network again."""
        return {
            "layers": [_entry(layer) for layer in self.chain],
            "readout": _entry(self.readout),
            "unit_ids": self.unit_ids,
        }


def _pooled(x: Tensor) -> Tensor:
    """Maximum over 2 x 2 pixels, of images with any number of leading dimensions."""
    flat = functional.max_pool2d(x.flatten(0, -4) if x.ndim > 4 else x, 2)
    return flat.view(*x.shape[:-2], *flat.shape[-2:]) if x.ndim > 4 else flat


def _entry(layer: StackedConv2d | StackedLinear) -> dict[str, Any]:
    if isinstance(layer, SpectralConv2d | SpectralLinear):
        return {"type": "spectral", "train": list(layer.trained)}
    return {"type": "dense"}


def build_conv_network(spec: dict[str, Any], state: dict[str, Tensor]) -> ConvNetwork:
    """Return the network of a `ConvNetwork.spec` and a state_dict.

    Raises
    ------
    FileFormatError
        If an entry is missing, left over, or of an impossible shape.
    """
    try:
        layers = []
        for number, entry in enumerate(spec["layers"]):
            dot = f"layers.{number}."
            own = {key.removeprefix(dot): v for key, v in state.items() if key.startswith(dot)}
            layers.append(conv_from_tensors(own, entry.get("train", ())))
        if not layers:
            raise FileFormatError("the network has no convolution")
        network = ConvNetwork(
            layers, build_layer(spec["readout"], state, "readout"), spec["unit_ids"]
        )
    except FileFormatError:
        raise
    except StaError as error:
        raise FileFormatError(str(error)) from error
    left_over = set(state) - set(network.state_dict())
    if left_over:
        raise FileFormatError(f"tensor {sorted(left_over)[0]!r} belongs to no layer of the network")
    return network


def make_conv_network(
    channels: Sequence[int],
    image: tuple[int, int, int],
    classes: int,
    generators: Sequence[np.random.Generator],
    *,
    spectral: bool = False,
) -> ConvNetwork:
    """Return K untrained convolutional networks, one a generator, without hidden biases.

    Parameters
    ----------
    channels : sequence of int
        Of the convolutions.
    image : (channels, height, width)
    classes : int
    generators : sequence of numpy.random.Generator
        Of the initial weights.
    spectral : bool
        Whether the convolutions are in spectral form.

    Raises
    ------
    ConfigError
        If the image is too small to be pooled as often.
    """
    side = min(image[1:]) // 2 ** len(channels)
    if side < 1:
        raise ConfigError(
            f"images of {image[1]} x {image[2]} cannot be halved {len(channels)} times; give fewer"
            " convolutions"
        )
    members = []
    for generator in generators:
        kind = SpectralConv2d if spectral else StackedConv2d
        layers = [
            kind(n_in, n_out, 3, bias=False, generator=generator)
            for n_in, n_out in pairwise((image[0], *channels))
        ]
        high, wide = (length // 2 ** len(channels) for length in image[1:])
        readout = StackedLinear(channels[-1] * high * wide, classes, generator=generator)
        members.append(ConvNetwork(layers, readout))
    state = {
        name: torch.stack([one.state_dict()[name] for one in members])
        for name in members[0].state_dict()
    }
    return build_conv_network(members[0].spec(), state)


def make_dense_network(
    widths: Sequence[int], generators: Sequence[np.random.Generator], *, spectral: bool = False
) -> Network:
    """Return K untrained dense networks with a linear readout, one a generator.

    Hidden units have no bias: one without weights would go on to shift the classes, and cost
    accuracy when it is pruned.

    Parameters
    ----------
    widths : sequence of int
        Inputs, hidden units, classes.
    generators : sequence of numpy.random.Generator
        Of the initial weights.
    spectral : bool
        Whether the hidden layers are in spectral form.
    """
    from sta.spectral.network import stack_networks

    members = []
    for generator in generators:
        layers: list[StackedLinear] = []
        for number, (n_in, n_out) in enumerate(pairwise(widths)):
            kind = SpectralLinear if spectral and number < len(widths) - 2 else StackedLinear
            last = number == len(widths) - 2
            layers.append(kind(n_in, n_out, bias=last, generator=generator))
        members.append(Network(layers, "linear"))
    return stack_networks(members)


def features_of(
    network: Classifier, x: Tensor, masks: Mapping[int, Tensor] | None = None
) -> Tensor:
    """Return what is transferred: maps (*stack, batch, c, h, w); one pixel for dense networks."""
    if isinstance(network, ConvNetwork):
        return network.features(x, masks)
    for number in network.hidden:
        x = functional.relu(network.chain[number](x))
        if masks and number in masks:
            x = x * masks[number].unsqueeze(-2)
    return x[..., None, None]


def read(network: Classifier, features: Tensor) -> Tensor:
    """Return the logits of `features_of`."""
    if isinstance(network, ConvNetwork):
        return network.read(features)
    logits: Tensor = network.chain[-1](features[..., 0, 0])
    return logits


def channel_network(network: ConvNetwork) -> Network:
    """Return the channels of a network, or of a stack, as units of a dense one, to be measured.

    Its weight from channel i to channel o is the Frobenius norm of the kernel, |w_oi|, so that a
    unit's importance |w_o| sqrt(h) is that of the convolution; of the readout, the norm over the
    pixels of a channel. All weights are positive: paths through it have no sign. Spectral layers
    keep their eigenvalues, with phi = sign(lambda_in - lambda_out) |phi_oi|.
    """
    last = network.readout.effective_weight().detach()
    last = last.view(*network.stack, network.widths[-1], network.widths[-2], -1)
    layers = [
        *(_channel_layer(layer) for layer in network.chain),
        layer_from_tensors({"weight": last.norm(dim=-1)}),
    ]
    for layer in layers:
        layer.requires_grad_(False)
    return Network(layers, "linear", [*network.unit_ids, range(network.widths[-1])])


def _channel_layer(layer: StackedConv2d) -> StackedLinear:
    weight = layer.effective_weight().detach().flatten(-2).norm(dim=-1)
    if not isinstance(layer, SpectralConv2d):
        return layer_from_tensors({"weight": weight})
    source, target = layer.lambda_in.detach(), layer.lambda_out.detach()
    sign = torch.where(source.unsqueeze(-2) < target.unsqueeze(-1), -1.0, 1.0)
    phi = sign * layer.phi.detach().flatten(-2).norm(dim=-1)
    return layer_from_tensors({"phi": phi, "lambda_in": source, "lambda_out": target}, ())


def channel_importance(layer: StackedConv2d | StackedLinear) -> Tensor:
    """Return L_i = |w_i| sqrt(h) of every target, w_i all that it receives; (*stack, h)."""
    if isinstance(layer, StackedLinear):
        return importance(layer)
    norms: Tensor = layer.effective_weight().detach().flatten(-3).norm(dim=-1)
    scaled: Tensor = norms * layer.out_channels**0.5
    return scaled


def shrink_channels(network: ConvNetwork, keep: Mapping[int, Sequence[int]]) -> ConvNetwork:
    """Return a smaller network without the channels that are not kept, equal to masking them.

    Raises
    ------
    ShapeError
        If the network is a stack, or nothing of a layer is kept.
    """
    if network.stack:
        raise ShapeError(f"a stack of {network.stack[0]} networks cannot shrink; take one member")
    layers, readout = list(network.chain), network.readout
    ids = [list(row) for row in network.unit_ids]
    for number, chosen in keep.items():
        channels = list(chosen)
        if not channels or number not in network.hidden:
            raise ShapeError(f"convolution {number}: keep one channel at least of an existing one")
        layers[number] = select_channels(layers[number], channels, targets=True)
        ids[number] = [ids[number][channel] for channel in channels]
        if number + 1 < len(layers):
            layers[number + 1] = select_channels(layers[number + 1], channels, targets=False)
            continue
        pixels = readout.in_features // network.widths[-2]
        weight = readout.effective_weight().detach().view(network.widths[-1], -1, pixels)
        readout = _readout(weight[:, channels].flatten(-2), readout.bias)
    return ConvNetwork(layers, readout, ids)


def _readout(weight: Tensor, bias: Tensor | None) -> StackedLinear:
    layer = StackedLinear(weight.shape[1], weight.shape[0], bias is not None, dtype=weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(weight)
        if bias is not None and layer.bias is not None:
            layer.bias.copy_(bias)
    return layer
