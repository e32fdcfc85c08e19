"""Teachers: frozen networks that label random inputs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from sta.errors import ConfigError
from sta.spectral.layer import StackedLinear, layer_from_tensors
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
        File of a teacher of kind ``file``, in any format that `sta.checkpoint` reads.
    """

    kind: TeacherKind = "relu"
    input_width: int = 10
    width: int = 20
    later_widths: tuple[int, ...] = (20,)
    path: str = ""


def make_teacher(config: TeacherConfig, generator: np.random.Generator) -> Network:
    """Return a frozen teacher in float64.

    Raises
    ------
    ConfigError
        If a teacher in a file has other widths than the configuration says, or several outputs.
    """
    if config.kind == "file":
        teacher = _teacher_from_file(config)
    elif config.kind == "linear":
        draw = generator.uniform(0, config.input_width, config.input_width)
        weight = torch.from_numpy(np.sort(draw)).unsqueeze(0)
        teacher = Network([layer_from_tensors({"weight": weight})], "linear")
    else:
        widths = (config.input_width, config.width, *config.later_widths)
        layers = [
            StackedLinear(n_in, n_out, bias=False, dtype=torch.float64, generator=generator)
            for n_in, n_out in pairwise(widths)
        ]
        teacher = Network(layers, "sum")
    return teacher.requires_grad_(False)


def _teacher_from_file(config: TeacherConfig) -> Network:
    from sta.checkpoint import load_single  # checkpoints are built upon teachers

    teacher = load_single(Path(config.path)).student.double()
    if teacher.outputs != 1:
        raise ConfigError(
            f"the teacher in {config.path} has {teacher.outputs} outputs; a single one is needed"
        )
    found = (teacher.widths[0], teacher.widths[1] if len(teacher.hidden) else config.width)
    if found != (config.input_width, config.width):
        raise ConfigError(
            f"teacher.input_width = {config.input_width} and widths = [{config.width}], but the "
            f"network in {config.path} has {found[0]} and [{found[1]}]; set them to those"
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


def draw_dataset(teacher: Network, patterns: int, generator: np.random.Generator) -> Dataset:
    """Draw inputs x ~ N(0, 1) and label them with a single teacher, in float64."""
    x = torch.from_numpy(generator.standard_normal((patterns, teacher.widths[0])))
    with torch.no_grad():
        return Dataset(x, teacher(x))


def stack_datasets(datasets: list[Dataset]) -> Dataset:
    """Return K data sets of one size as a single one with stack dimension K."""
    x = torch.stack([data.x for data in datasets])
    return Dataset(x, torch.stack([data.y for data in datasets]))
