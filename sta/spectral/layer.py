r"""Layers whose weights carry any number of leading *stack* dimensions.

One definition serves a single student (no stack dimension) and K students trained together
(stack dimension K): every product is a batched matrix product.

The spectral layer reparametrizes the bipartite adjacency matrix of two consecutive layers with
:math:`N = n_{in} + n_{out}` nodes as :math:`A = \Phi \Lambda \Phi^{-1}`, where
:math:`\Phi = [[I, 0], [\phi, I]]` and :math:`\Phi^{-1} = 2I - \Phi`. Its lower-left block is the
weight matrix

.. math:: w_{ij} = (\lambda^{in}_j - \lambda^{out}_i)\, \phi_{ij}

with i the target and j the source (Giambagli et al., Nat. Commun. 12:1330, 2021;
arXiv 2310.12612, eq. for w in sec. 2).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from sta.errors import ConfigError, ShapeError

FACTORS = ("phi", "lambda_in", "lambda_out")


class StackedLinear(nn.Module):
    """A linear map y = x W^T + b with optional leading stack dimensions.

    Parameters
    ----------
    in_features, out_features : int
        Numbers of sources and targets.
    bias : bool
        Whether a bias is added and trained.
    stack : tuple of int
        Leading dimensions: ``()`` for one network, ``(K,)`` for K networks at once.
    dtype : torch.dtype, optional
        Floating type of the parameters.
    generator : numpy.random.Generator, optional
        Of the initial weights; torch's global generator unless told, as in ``nn.Linear``.

    Attributes
    ----------
    weight : Tensor, shape (*stack, out_features, in_features)
    bias : Tensor, shape (*stack, out_features), or None
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        stack: tuple[int, ...] = (),
        dtype: torch.dtype | None = None,
        generator: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        check_features(in_features, out_features)
        self.in_features, self.out_features = in_features, out_features
        self.weight = nn.Parameter(torch.empty(*stack, out_features, in_features, dtype=dtype))
        self._add_bias(bias, stack, dtype)
        glorot_uniform_(self.weight, generator)

    def _add_bias(self, bias: bool, stack: tuple[int, ...], dtype: torch.dtype | None) -> None:
        zeros = torch.zeros(*stack, self.out_features, dtype=dtype)
        self.register_parameter("bias", nn.Parameter(zeros) if bias else None)

    def effective_weight(self) -> Tensor:
        """Return the weight matrix, shape (*stack, out_features, in_features)."""
        return self.weight

    def forward(self, x: Tensor) -> Tensor:
        """Map x of shape (*stack, batch, in_features) to (*stack, batch, out_features)."""
        y = x @ self.effective_weight().mT
        return y if self.bias is None else y + self.bias.unsqueeze(-2)


class SpectralLinear(StackedLinear):
    r"""A drop-in for ``nn.Linear`` whose weight is stored in spectral form.

    .. math:: w_{ij} = (\lambda^{in}_j - \lambda^{out}_i)\, \phi_{ij}

    With the initial values, :math:`\lambda^{in} = 0` and :math:`\lambda^{out} = 1`, the weight
    is :math:`-\phi`: the minus sign belongs to the parametrization.

    Parameters
    ----------
    in_features, out_features : int
        Numbers of sources and targets.
    bias : bool
        Whether a bias is added and trained.
    train : iterable of {"phi", "lambda_in", "lambda_out"}
        The factors that are trained; the others are frozen at their initial values.
    stack : tuple of int
        Leading dimensions: ``()`` for one layer, ``(K,)`` for K layers at once.
    dtype : torch.dtype, optional
        Floating type of the parameters.
    generator : numpy.random.Generator, optional
        Of the initial eigenvectors; torch's global generator unless told.

    Attributes
    ----------
    phi : Tensor, shape (*stack, out_features, in_features)
        Eigenvector entries, Glorot uniform.
    lambda_in : Tensor, shape (*stack, in_features)
        Eigenvalues of the sources, zeros.
    lambda_out : Tensor, shape (*stack, out_features)
        Eigenvalues of the targets, ones.

    Raises
    ------
    ConfigError
        If a width is not positive or a factor's name is unknown.

    Examples
    --------
    >>> layer = SpectralLinear(3, 2, bias=False, train=("lambda_out",))
    >>> [name for name, p in layer.named_parameters() if p.requires_grad]
    ['lambda_out']
    >>> bool(torch.equal(layer.effective_weight(), -layer.phi))
    True
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        train: Iterable[str] = ("phi", "lambda_out"),
        stack: tuple[int, ...] = (),
        dtype: torch.dtype | None = None,
        generator: np.random.Generator | None = None,
    ) -> None:
        nn.Module.__init__(self)
        check_features(in_features, out_features)
        trained = tuple(train)
        for name in trained:
            if name not in FACTORS:
                raise ConfigError(f"unknown spectral factor {name!r}; choose from {FACTORS}")
        self.in_features, self.out_features = in_features, out_features
        self.phi = nn.Parameter(torch.empty(*stack, out_features, in_features, dtype=dtype))
        self.lambda_in = nn.Parameter(torch.zeros(*stack, in_features, dtype=dtype))
        self.lambda_out = nn.Parameter(torch.ones(*stack, out_features, dtype=dtype))
        for name in FACTORS:
            getattr(self, name).requires_grad_(name in trained)
        self._add_bias(bias, stack, dtype)
        glorot_uniform_(self.phi, generator)

    @property
    def trained(self) -> tuple[str, ...]:
        """Names of the factors that are trained."""
        return tuple(name for name in FACTORS if getattr(self, name).requires_grad)

    def effective_weight(self) -> Tensor:
        """Return w = (lambda_in - lambda_out) phi, shape (*stack, out_features, in_features)."""
        return (self.lambda_in.unsqueeze(-2) - self.lambda_out.unsqueeze(-1)) * self.phi

    @classmethod
    def from_dense(
        cls, linear: nn.Linear | StackedLinear, train: Iterable[str] = ("phi", "lambda_out")
    ) -> SpectralLinear:
        """Return the spectral layer with the same map: phi = -W, lambda_out = 1, lambda_in = 0."""
        weight = linear.effective_weight() if isinstance(linear, StackedLinear) else linear.weight
        n_out, n_in = weight.shape[-2:]
        tensors = {
            "phi": -weight,
            "lambda_in": weight.new_zeros(*weight.shape[:-2], n_in),
            "lambda_out": weight.new_ones(*weight.shape[:-2], n_out),
        }
        if linear.bias is not None:
            tensors["bias"] = linear.bias
        return cast("SpectralLinear", layer_from_tensors(tensors, train))

    def to_dense(self) -> nn.Linear:
        """Return the ``nn.Linear`` with the same map.

        Raises
        ------
        ShapeError
            If the layer has stack dimensions; take one member first.
        """
        if self.phi.ndim != 2:
            raise ShapeError(f"a stack of shape {tuple(self.phi.shape[:-2])} is not one layer")
        linear = nn.Linear(
            self.in_features,
            self.out_features,
            self.bias is not None,
            device=self.phi.device,
            dtype=self.phi.dtype,
        )
        with torch.no_grad():
            linear.weight.copy_(self.effective_weight())
            if self.bias is not None:
                linear.bias.copy_(self.bias)
        return linear


def layer_from_tensors(
    tensors: Mapping[str, Tensor], train: Iterable[str] = ("phi", "lambda_out")
) -> StackedLinear:
    """Return a layer that holds copies of its tensors: spectral if ``phi`` is among them.

    Parameters
    ----------
    tensors : mapping from name to Tensor
        ``phi``, ``lambda_in``, ``lambda_out`` or ``weight``, and ``bias`` if there is one.
    train : iterable of str
        Trained factors of a spectral layer.

    Raises
    ------
    ShapeError
        If a tensor is missing, left over, or does not fit the others.
    """
    name = "phi" if "phi" in tensors else "weight"
    if name not in tensors or tensors[name].ndim < 2:
        raise ShapeError(f"a layer needs a matrix phi or weight; found {sorted(tensors)}")
    *stack, n_out, n_in = tensors[name].shape
    bias, shape = "bias" in tensors, tuple(stack)
    layer: StackedLinear
    with torch.device("meta"):  # shapes alone: the values are assigned below
        if name == "phi":
            layer = SpectralLinear(n_in, n_out, bias, train=train, stack=shape)
        else:
            layer = StackedLinear(n_in, n_out, bias, stack=shape)
    wanted = {key: tuple(value.shape) for key, value in layer.state_dict().items()}
    for key in {**wanted, **tensors}:
        if key not in tensors or wanted.get(key) != tuple(tensors[key].shape):
            found = tuple(tensors[key].shape) if key in tensors else "missing"
            raise ShapeError(f"{key} is {found}, but the layer needs {wanted.get(key, 'none')}")
    copies = {key: tensors[key].detach().clone() for key in wanted}
    layer.load_state_dict(copies, assign=True)
    return layer


def eigenvectors(layer: SpectralLinear) -> Tensor:
    """Return Phi = [[I, 0], [phi, I]], shape (*stack, N, N) with N = n_in + n_out."""
    n_in, n_out = layer.in_features, layer.out_features
    identity = torch.eye(n_in + n_out, dtype=layer.phi.dtype, device=layer.phi.device)
    matrix = identity.expand(*layer.phi.shape[:-2], -1, -1).clone()
    matrix[..., n_in:, :n_in] = layer.phi
    return matrix


def inverse_eigenvectors(layer: SpectralLinear) -> Tensor:
    """Return Phi^-1 = 2I - Phi, shape (*stack, N, N)."""
    matrix = eigenvectors(layer)
    return 2 * torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device) - matrix


def eigenvalues(layer: SpectralLinear) -> Tensor:
    """Return the diagonal of Lambda, (lambda_in, lambda_out), shape (*stack, N)."""
    return torch.cat((layer.lambda_in, layer.lambda_out), dim=-1)


def adjacency(layer: SpectralLinear) -> Tensor:
    """Return A = Phi Lambda Phi^-1, shape (*stack, N, N); its lower-left block is the weight."""
    return (eigenvectors(layer) * eigenvalues(layer).unsqueeze(-2)) @ inverse_eigenvectors(layer)


def glorot_uniform_(weight: Tensor, generator: np.random.Generator | None = None) -> Tensor:
    """Fill weight of shape (*stack, n_out, n_in) with U(-b, b), b = sqrt(6 / (n_in + n_out)).

    With a generator the draw is made in float64, so it does not depend on the weight's type.
    """
    bound = math.sqrt(6 / (weight.shape[-1] + weight.shape[-2]))
    with torch.no_grad():
        if generator is None:
            return weight.uniform_(-bound, bound)
        return weight.copy_(torch.from_numpy(generator.uniform(-bound, bound, weight.shape)))


def check_features(in_features: int, out_features: int) -> None:
    """Raise ConfigError unless both widths are positive."""
    for width in (in_features, out_features):
        if width < 1:
            raise ConfigError(f"a layer width of {width} is impossible; give a positive number")
