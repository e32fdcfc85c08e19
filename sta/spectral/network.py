"""Feed-forward ReLU networks of stacked layers: teachers and students alike."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sta.errors import FileFormatError, ShapeError, StaError
from sta.spectral.layer import SpectralLinear, StackedLinear, layer_from_tensors

Readout = Literal["sum", "linear"]


class Network(nn.Module):
    """A chain of layers, ReLU after each, read out by a sum or by its last layer.

    With ``readout="sum"`` every layer is followed by ReLU and the output is the plain sum of the
    last layer's units (a frozen all-ones readout): y = sum_k ReLU(... ReLU(x W1) ...)_k. With
    ``readout="linear"`` the last layer is the output itself, without ReLU.

    Parameters
    ----------
    layers : sequence of StackedLinear
        Layers whose shapes chain and whose stack dimensions agree.
    readout : {"sum", "linear"}
        How the output is made.
    unit_ids : sequence of sequence of int, optional
        Original index of every unit of every layer's targets; 0, 1, ... unless told. Pruning
        keeps them.

    Raises
    ------
    ShapeError
        If the layers do not chain.
    """

    def __init__(
        self,
        layers: Sequence[StackedLinear],
        readout: Readout = "sum",
        unit_ids: Sequence[Sequence[int]] | None = None,
    ) -> None:
        super().__init__()
        for number, (first, second) in enumerate(pairwise(layers)):
            if first.out_features != second.in_features:
                raise ShapeError(
                    f"layer {number} has {first.out_features} targets but layer {number + 1} has "
                    f"{second.in_features} sources; the shapes must chain"
                )
        self.layers = nn.ModuleList(layers)
        self.readout: Readout = readout
        self.unit_ids = [list(ids) for ids in unit_ids or [range(n) for n in self.widths[1:]]]

    @property
    def chain(self) -> list[StackedLinear]:
        """The layers, as a typed list."""
        return [layer for layer in self.layers if isinstance(layer, StackedLinear)]

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers of units from the inputs to the last layer."""
        return (self.chain[0].in_features, *(layer.out_features for layer in self.chain))

    @property
    def hidden(self) -> range:
        """Indices of the layers whose targets are hidden (ReLU) units."""
        return range(len(self.chain) - (self.readout == "linear"))

    @property
    def outputs(self) -> int:
        """Number of outputs: one, or the width of a linear readout."""
        return self.widths[-1] if self.readout == "linear" else 1

    @property
    def stack(self) -> tuple[int, ...]:
        """Leading dimensions: () for one network, (K,) for K of them."""
        first = self.chain[0]
        return tuple((first.phi if isinstance(first, SpectralLinear) else first.weight).shape[:-2])

    def forward(self, x: Tensor) -> Tensor:
        """Return outputs of shape (*stack, batch) for x of shape (*stack, batch, n_in).

        A linear readout of more than one unit keeps its last dimension.
        """
        return self.forward_from(0, x)

    def forward_from(self, start: int, x: Tensor) -> Tensor:
        """Return the outputs for x given as the input of layer `start`."""
        for number, layer in enumerate(self.chain[start:], start):
            x = layer(x)
            if number in self.hidden:
                # The product before it does not need its own result for the gradient.
                x = x.relu_()
        return self.read(x)

    def read(self, x: Tensor) -> Tensor:
        """Return the output for the activations of the last layer."""
        if self.readout == "sum":
            # Not a product with ones, whose rounding depends on the neighbours in a stack.
            return x.sum(-1)
        return x.squeeze(-1) if x.shape[-1] == 1 else x

    def spec(self) -> dict[str, Any]:
        """Return what is needed, next to the state_dict, to build the network again."""
        return {
            "layers": [
                {"type": "spectral", "train": list(layer.trained)}
                if isinstance(layer, SpectralLinear)
                else {"type": "dense"}
                for layer in self.chain
            ],
            "readout": self.readout,
            "unit_ids": self.unit_ids,
        }


def patterns_at_once(network: Network, chunk: int) -> int:
    """Return how many patterns keep the activations of a member and layer within `chunk` numbers.

    It does not depend on the stack, so that sums over portions do not either. On an accelerator,
    where a call costs more than memory, there are 16 times as many.
    """
    generous = 16 if network.chain[0].effective_weight().is_cuda else 1
    return max(1, generous * chunk // max(network.widths))


def build_network(spec: dict[str, Any], state: dict[str, Tensor]) -> Network:
    """Return the network of a `Network.spec` and a state_dict.

    Raises
    ------
    FileFormatError
        If an entry is missing, left over, or of an impossible shape.
    """
    layers = [
        build_layer(entry, state, f"layers.{number}") for number, entry in enumerate(spec["layers"])
    ]
    if not layers or spec["readout"] not in ("sum", "linear"):
        raise FileFormatError("the network's description has no layers or an unknown readout")
    widths, ids = [layer.out_features for layer in layers], spec["unit_ids"]
    if [len(row) for row in ids] != widths or not all(isinstance(i, int) for r in ids for i in r):
        raise FileFormatError(f"the unit ids are not one number for each of the {widths} units")
    network = Network(layers, spec["readout"], ids)
    left_over = set(state) - set(network.state_dict())
    if left_over:
        raise FileFormatError(f"tensor {sorted(left_over)[0]!r} belongs to no layer of the network")
    return network


def build_layer(entry: dict[str, Any], state: dict[str, Tensor], prefix: str) -> StackedLinear:
    """Return one layer from the tensors whose names start with `prefix`."""
    dot = f"{prefix}."
    tensors = {name.removeprefix(dot): t for name, t in state.items() if name.startswith(dot)}
    if (entry["type"] == "spectral") != ("phi" in tensors):
        raise FileFormatError(f"{prefix} is not the {entry['type']} layer that its entry says")
    try:
        return layer_from_tensors(tensors, entry.get("train", ()))
    except StaError as error:
        raise FileFormatError(f"{prefix}: {error}") from error


def stack_networks(networks: Sequence[Network]) -> Network:
    """Return K networks of one shape as a single network with stack dimension K.

    Raises
    ------
    ShapeError
        If the widths, the parametrizations or the readouts differ.
    """
    first = networks[0]
    for other in networks[1:]:
        if other.widths != first.widths or other.spec() != first.spec():
            raise ShapeError(f"widths {other.widths} and {first.widths} cannot be stacked")
    states = [network.state_dict() for network in networks]
    state = {name: torch.stack([s[name] for s in states]) for name in states[0]}
    return build_network(first.spec(), state)


def member(network: Network, index: int) -> Network:
    """Return network `index` of a stack of K as a network of its own.

    Raises
    ------
    ShapeError
        If the network is not a stack or has fewer members.
    """
    if not network.stack or not 0 <= index < network.stack[0]:
        count = network.stack[0] if network.stack else 0
        raise ShapeError(f"member {index} does not exist; the stack has {count} members")
    state = {name: tensor[index].clone() for name, tensor in network.state_dict().items()}
    return build_network(network.spec(), state)
