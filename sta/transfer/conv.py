r"""Convolutions that carry leading stack dimensions, plain and in spectral form.

The spectral form is that of the dense layer, with one eigenvalue a channel instead of a unit:

.. math:: w_{oikl} = (\lambda^{in}_i - \lambda^{out}_o)\, \phi_{oikl}

so that a channel whose eigenvalues are equal to those of its sources is silent, and kernels of
size 1 on images of one pixel are `sta.spectral.SpectralLinear`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sta.errors import ConfigError, ShapeError
from sta.spectral.layer import FACTORS, check_features


class StackedConv2d(nn.Module):
    """A convolution with optional leading stack dimension: one network, or K of them at once.

    Parameters
    ----------
    in_channels, out_channels, kernel : int
        Channels, and the side of the square kernel.
    stride, padding, dilation, groups : int
        As in ``nn.Conv2d``; padding is half the kernel (the image keeps its size) unless told.
    bias : bool
        Whether a bias is added and trained.
    stack : tuple of int
        () or (K,).
    generator : numpy.random.Generator, optional
        Of the initial weights, U(+-1 / sqrt(fan in)) as in ``nn.Conv2d``.

    Attributes
    ----------
    weight : Tensor, shape (*stack, out_channels, in_channels / groups, kernel, kernel)
    bias : Tensor, shape (*stack, out_channels), or None

    Raises
    ------
    ConfigError
        If a number of channels is not positive or does not divide by the groups.
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 3,
        *,
        stride: int | tuple[int, ...] = 1,
        padding: int | str | tuple[int, ...] | None = None,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = True,
        stack: tuple[int, ...] = (),
        dtype: torch.dtype | None = None,
        generator: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        check_features(in_channels, out_channels)
        if in_channels % groups or out_channels % groups:
            raise ConfigError(
                f"{in_channels} and {out_channels} channels do not divide into {groups} groups"
            )
        if len(stack) > 1:
            raise ShapeError(f"a convolution has one stack dimension at most, not {stack}")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.stride, self.dilation = stride, dilation
        self.padding = kernel // 2 if padding is None else padding
        shape = (*stack, out_channels, in_channels // groups, kernel, kernel)
        self._make(torch.empty(shape, dtype=dtype), stack)
        zeros = torch.zeros(*stack, out_channels, dtype=dtype)
        self.register_parameter("bias", nn.Parameter(zeros) if bias else None)
        self._fill(generator)

    def _make(self, weight: Tensor, stack: tuple[int, ...]) -> None:
        del stack
        self.weight = nn.Parameter(weight)

    def _fill(self, generator: np.random.Generator | None) -> None:
        bound = 1.0 / math.sqrt(self._values().shape[-3:].numel())
        for values in (self._values(), self.bias):
            if values is None:
                continue
            with torch.no_grad():
                if generator is None:
                    values.uniform_(-bound, bound)
                else:
                    draw = generator.uniform(-bound, bound, tuple(values.shape))
                    values.copy_(torch.from_numpy(draw))

    def _values(self) -> Tensor:
        return self.weight

    @property
    def stack(self) -> tuple[int, ...]:
        """() or (K,)."""
        return tuple(self._values().shape[:-4])

    def effective_weight(self) -> Tensor:
        """Return the kernels, shape (*stack, out_channels, in_channels / groups, k, k)."""
        return self._values()

    def _is_pointwise(self) -> bool:
        """Whether each pixel is mapped for itself: one matrix product does it, and faster."""
        alone = self.groups == 1 and self._values().shape[-1] == 1
        return alone and self.stride in (1, (1, 1)) and self.padding in (0, (0, 0))

    def forward(self, x: Tensor) -> Tensor:
        """Map images of shape (*stack, batch, channels, height, width)."""
        if x.shape[-3] != self.in_channels:
            raise ShapeError(
                f"images of {x.shape[-3]} channels, but the layer has {self.in_channels} sources"
            )
        weight, bias = self.effective_weight(), self.bias
        if not self.stack:
            return self._convolved(x, weight, bias, self.groups)
        members = self.stack[0]
        if self._is_pointwise():
            # Weight first: its gradient then has its own layout, and is not copied.
            y = weight.flatten(-3) @ x.transpose(1, 2).flatten(2)
            y = y if bias is None else y + bias.unsqueeze(-1)
            return y.view(*y.shape[:2], x.shape[1], *x.shape[-2:]).transpose(1, 2)
        # All networks' channels side by side: K groups that do not see each other.
        side = x.transpose(0, 1).flatten(1, 2)
        flat = None if bias is None else bias.flatten()
        y = self._convolved(side, weight.flatten(0, 1), flat, self.groups * members)
        return y.view(len(y), members, self.out_channels, *y.shape[-2:]).transpose(0, 1)

    def _convolved(self, x: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> Tensor:
        return functional.conv2d(
            x,
            weight,
            bias,
            self.stride,
            self.padding,
            self.dilation,
            groups,
        )


class SpectralConv2d(StackedConv2d):
    """A drop-in for ``nn.Conv2d`` whose kernels are (lambda_in - lambda_out) phi.

    Parameters
    ----------
    train : iterable of {"phi", "lambda_in", "lambda_out"}
        The factors that are trained; the others stay at phi as drawn, lambda_in = 0,
        lambda_out = 1.
    others
        As `StackedConv2d`.

    Attributes
    ----------
    phi : Tensor, shape (*stack, out_channels, in_channels / groups, kernel, kernel)
    lambda_in : Tensor, shape (*stack, in_channels)
    lambda_out : Tensor, shape (*stack, out_channels)

    Raises
    ------
    ConfigError
        If a number of channels is not positive or a factor's name is unknown.

    Examples
    --------
    >>> layer = SpectralConv2d(1, 4)
    >>> bool(torch.equal(layer.effective_weight(), -layer.phi))
    True
    """

    phi: Tensor
    lambda_in: Tensor
    lambda_out: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 3,
        *,
        train: Iterable[str] = ("phi", "lambda_out"),
        stride: int | tuple[int, ...] = 1,
        padding: int | str | tuple[int, ...] | None = None,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = True,
        stack: tuple[int, ...] = (),
        dtype: torch.dtype | None = None,
        generator: np.random.Generator | None = None,
    ) -> None:
        trained = tuple(train)
        for name in trained:
            if name not in FACTORS:
                raise ConfigError(f"unknown spectral factor {name!r}; choose from {FACTORS}")
        super().__init__(
            in_channels, out_channels, kernel, stride=stride, padding=padding, dilation=dilation,
            groups=groups, bias=bias, stack=stack, dtype=dtype, generator=generator,
        )  # fmt: skip
        for name in FACTORS:
            getattr(self, name).requires_grad_(name in trained)

    def _make(self, weight: Tensor, stack: tuple[int, ...]) -> None:
        self.phi = nn.Parameter(weight)
        self.lambda_in = nn.Parameter(weight.new_zeros(*stack, self.in_channels))
        self.lambda_out = nn.Parameter(weight.new_ones(*stack, self.out_channels))

    def _values(self) -> Tensor:
        return self.phi

    @property
    def trained(self) -> tuple[str, ...]:
        """Names of the factors that are trained."""
        return tuple(name for name in FACTORS if getattr(self, name).requires_grad)

    def effective_weight(self) -> Tensor:
        """Return (lambda_in - lambda_out) phi."""
        source = self.lambda_in.view(*self.stack, self.groups, -1)
        source = source.repeat_interleave(self.out_channels // self.groups, -2)
        return (source - self.lambda_out.unsqueeze(-1))[..., None, None] * self.phi

    @classmethod
    def from_conv(
        cls, conv: nn.Conv2d, train: Iterable[str] = ("phi", "lambda_out")
    ) -> SpectralConv2d:
        """Return the layer with the same map: phi = -W, lambda_out = 1, lambda_in = 0.

        Raises
        ------
        ConfigError
            If the kernel is not square or the padding is not of zeros.
        """
        high, wide = conv.kernel_size
        if high != wide or conv.padding_mode != "zeros":
            raise ConfigError(
                f"a kernel of {high} x {wide}, padded with {conv.padding_mode}: SpectralConv2d has"
                " square kernels, padded with zeros"
            )
        layer = cls(
            conv.in_channels, conv.out_channels, high, train=train,
            stride=conv.stride, padding=conv.padding, dilation=conv.dilation, groups=conv.groups,
            bias=conv.bias is not None, dtype=conv.weight.dtype,
        )  # fmt: skip
        with torch.no_grad():
            layer.phi.copy_(-conv.weight)
            if conv.bias is not None and layer.bias is not None:
                layer.bias.copy_(conv.bias)
        return layer.to(conv.weight.device)


def select_channels(layer: StackedConv2d, channels: list[int], *, targets: bool) -> StackedConv2d:
    """Return a single layer restricted to some of its target or source channels.

    Raises
    ------
    ShapeError
        If the layer is a stack or has groups.
    """
    if layer.stack or layer.groups > 1:
        raise ShapeError("only a single convolution without groups can lose channels")
    axes = {"weight": 0, "phi": 0, "lambda_out": 0, "bias": 0} if targets else {
        "weight": 1, "phi": 1, "lambda_in": 0,
    }  # fmt: skip
    state: Mapping[str, Tensor] = layer.state_dict()
    index = torch.tensor(channels, device=layer.effective_weight().device)
    chosen = {
        name: value.index_select(axes[name], index) if name in axes else value
        for name, value in state.items()
    }
    kind: dict[str, object] = {"stride": layer.stride, "padding": layer.padding,
                               "dilation": layer.dilation}  # fmt: skip
    return conv_from_tensors(
        chosen, layer.trained if isinstance(layer, SpectralConv2d) else (), **kind
    )


def conv_from_tensors(
    tensors: Mapping[str, Tensor], train: Iterable[str] = ("phi", "lambda_out"), **settings: object
) -> StackedConv2d:
    """Return a convolution that holds copies of its tensors: spectral if ``phi`` is among them.

    Raises
    ------
    ShapeError
        If a tensor is missing, left over, or does not fit the others.
    """
    name = "phi" if "phi" in tensors else "weight"
    if name not in tensors or tensors[name].ndim not in (4, 5):
        raise ShapeError(f"a convolution needs kernels phi or weight; found {sorted(tensors)}")
    *stack, n_out, n_in, high, wide = tensors[name].shape
    if high != wide:
        raise ShapeError(f"kernels of {high} x {wide}; square ones are needed")
    given = {"bias": "bias" in tensors, "stack": tuple(stack), **settings}
    with torch.device("meta"):
        layer: StackedConv2d = (
            SpectralConv2d(n_in, n_out, high, train=train, **given)  # type: ignore[arg-type]
            if name == "phi"
            else StackedConv2d(n_in, n_out, high, **given)  # type: ignore[arg-type]
        )
    wanted = {key: tuple(value.shape) for key, value in layer.state_dict().items()}
    for key in {**wanted, **tensors}:
        if key not in tensors or wanted.get(key) != tuple(tensors[key].shape):
            found = tuple(tensors[key].shape) if key in tensors else "missing"
            raise ShapeError(f"{key} is {found}, but the layer needs {wanted.get(key, 'none')}")
    copies = {key: tensors[key].detach().clone() for key in wanted}
    layer.load_state_dict(copies, assign=True)
    if isinstance(layer, SpectralConv2d):
        trained = set(layer.trained)
        for key in FACTORS:
            getattr(layer, key).requires_grad_(key in trained)
    return layer
