"""Teachers: frozen networks that label random inputs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import torch

from sta.errors import ConfigError
from sta.spectral.layer import StackedLinear, glorot_uniform_
from sta.spectral.network import Network

TeacherKind = Literal["relu", "linear", "file"]


@dataclass(frozen=True)
class TeacherConfig:
    """What labels the inputs.

    Attributes
    ----------
    kind : {"relu", "linear", "file"}
        ``relu``: Glorot-uniform weights, ReLU after each layer, summed output,
        y = sum_k ReLU(ReLU(x W1) W2)_k. ``linear``: y = a.x with a the sorted draw of d numbers
        from U(0, d), as in the published code. ``file``: the network in `path`.
    input_width : int
        Number of inputs, d.
    width : int
        Hidden units of the first layer, h_T. A linear teacher has none: its width only labels.
    later_widths : tuple of int
        Hidden units of the layers after the first, (h_2, ...).
    path : str
        File of a teacher of kind ``file``, in any format that `sta.formats` reads.
    """

    kind: TeacherKind = "relu"
    input_width: int = 10
    width: int = 20
    later_widths: tuple[int, ...] = (20,)
    path: str = ""


def make_teacher(config: TeacherConfig, generator: torch.Generator) -> Network:
    """Return a frozen teacher in float64.

    Raises
    ------
    ConfigError
        If a file teacher has other widths than the configuration says.
    """
    if config.kind == "file":
        teacher = _teacher_from_file(config)
    elif config.kind == "linear":
        layer = StackedLinear(config.input_width, 1, bias=False, dtype=torch.float64)
        draw = torch.rand(config.input_width, generator=generator, dtype=torch.float64)
        layer.weight.data.copy_((draw * config.input_width).sort().values)
        teacher = Network([layer], "linear")
    else:
        widths = (config.input_width, config.width, *config.later_widths)
        layers = [
            StackedLinear(n_in, n_out, bias=False, dtype=torch.float64)
            for n_in, n_out in pairwise(widths)
        ]
        for layer in layers:
            glorot_uniform_(layer.weight, generator)
        teacher = Network(layers, "sum")
    return teacher.requires_grad_(False)


def _teacher_from_file(config: TeacherConfig) -> Network:
    from sta.formats import read_network

    teacher = read_network(Path(config.path)).network.double()
    if teacher.widths[0] != config.input_width:
        raise ConfigError(
            f"teacher.input_width = {config.input_width}, but {config.path} takes "
            f"{teacher.widths[0]} inputs; set input_width to that"
        )
    if len(teacher.hidden) and teacher.widths[1] != config.width:
        raise ConfigError(
            f"teacher.widths = {config.width}, but the first layer of {config.path} has "
            f"{teacher.widths[1]} units; set widths to [{teacher.widths[1]}]"
        )
    return teacher


@dataclass(frozen=True)
class Dataset:
    """Inputs and labels of K students.

    Attributes
    ----------
    x : Tensor, shape (*stack, patterns, d)
        Inputs, independent standard normal.
    y : Tensor, shape (*stack, patterns)
        The teacher's outputs, without noise.
    """

    x: torch.Tensor
    y: torch.Tensor

    def to(self, device: torch.device, dtype: torch.dtype) -> Dataset:
        """Return the data on a device and in a floating type."""
        return Dataset(self.x.to(device, dtype), self.y.to(device, dtype))


def draw_dataset(teacher: Network, patterns: int, generator: torch.Generator) -> Dataset:
    """Draw inputs x ~ N(0, 1) and label them with a single teacher, in float64."""
    x = torch.randn(patterns, teacher.widths[0], generator=generator, dtype=torch.float64)
    with torch.no_grad():
        return Dataset(x, teacher(x))


def stack_datasets(datasets: list[Dataset]) -> Dataset:
    """Return K data sets of one size as a single one with stack dimension K."""
    x = torch.stack([data.x for data in datasets])
    return Dataset(x, torch.stack([data.y for data in datasets]))
