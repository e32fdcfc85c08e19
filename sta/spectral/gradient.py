r"""Loss and gradient of a stack of students in closed form, into arrays that are made once.

With units in rows and patterns in columns, a layer maps :math:`Z = \mathrm{ReLU}(W A)`; from the
derivatives :math:`D` of the loss by :math:`W A` follow those by the weights and by the inputs,

.. math:: G = D A^T, \qquad W^T D,

and by the factors of a spectral weight
:math:`w_{ij} = (\lambda^{in}_j - \lambda^{out}_i) \phi_{ij}`

.. math:: G_{ij} (\lambda^{in}_j - \lambda^{out}_i), \qquad -\sum_j G_{ij} \phi_{ij}, \qquad
          \sum_i G_{ij} \phi_{ij}.

Five batched products a step and one pass over the activations each way: nothing is recorded,
allocated or copied, which is what an automatic gradient spends its time on.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sta.errors import ShapeError
from sta.spectral.layer import SpectralLinear, StackedLinear
from sta.spectral.network import Network
from sta.spectral.student import Recipe

# Numbers in a line of any vector unit: arrays of whole lines have no tail to round otherwise.
LINE = 64


class FlatParameters:
    """The trained parameters of a network in one array, and their gradients in another.

    The network's own tensors become views of the array: what moves it moves the network.

    Parameters
    ----------
    network : Network
        On its device and in its type; its parameters are replaced.

    Attributes
    ----------
    values, gradient : Tensor, shape (P,)
        P is rounded up; what is left over stays zero.
    gradients : dict from name to Tensor
        The part of `gradient` that belongs to each trained parameter.
    """

    def __init__(self, network: Network) -> None:
        trained = {name: p for name, p in network.named_parameters() if p.requires_grad}
        if not trained:
            raise ShapeError("the network has no trained parameter")
        first = next(iter(trained.values()))
        sizes = [-(-p.numel() // LINE) * LINE for p in trained.values()]
        self.values = torch.zeros(sum(sizes), dtype=first.dtype, device=first.device)
        self.gradient = torch.zeros_like(self.values)
        self.gradients: dict[str, Tensor] = {}
        parts = zip(
            trained.items(),
            torch.split(self.values, sizes),
            torch.split(self.gradient, sizes),
            strict=True,
        )
        for (name, parameter), value, gradient in parts:
            mine = value[: parameter.numel()].view(parameter.shape)
            mine.copy_(parameter.detach())
            parameter.data = mine
            self.gradients[name] = gradient[: parameter.numel()].view(parameter.shape)


class Backpropagation:
    """Mean squared error of every member of a stack on batches of one size, and its gradient.

    Parameters
    ----------
    network : Network
        Stack of K students with one output; it may move between calls.
    recipe : Recipe
        The penalties.
    gradients : dict from name to Tensor
        Where the gradients of the trained parameters go; see `FlatParameters`.
    batch : int
        Patterns a batch, B.

    Attributes
    ----------
    loss : Tensor, shape (K,)
        Of the last call, penalties excluded.
    """

    def __init__(
        self, network: Network, recipe: Recipe, gradients: dict[str, Tensor], batch: int
    ) -> None:
        if len(network.stack) != 1 or network.outputs != 1:
            raise ShapeError(
                f"a stack of networks with one output is trained; this has the stack "
                f"{network.stack} and {network.outputs} outputs"
            )
        members = network.stack[0]
        some = network.chain[0].effective_weight()
        self._summed = network.readout == "sum"
        self._layers = [
            _Layer(layer, recipe, _of_layer(gradients, number), (members, batch), number, network)
            for number, layer in enumerate(network.chain)
        ]
        self._error = some.new_empty(members, batch)
        self._square = some.new_empty(members, batch)
        self.loss = some.new_empty(members)

    @torch.no_grad()
    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the losses, shape (K,), for x of shape (K, B, d) and y of shape (K, B)."""
        below: list[Tensor] = [x.mT]
        for layer in self._layers:
            below.append(layer.forward(below[-1]))
        error, top = self._error, below[-1]
        if self._summed:
            torch.sum(top, 1, out=error)
            error -= y
        else:
            torch.sub(top[:, 0], y, out=error)
        torch.mul(error, error, out=self._square)
        torch.mean(self._square, -1, out=self.loss)
        error *= 2 / y.shape[-1]
        slope = error.unsqueeze(1).expand_as(top)
        for number in range(len(self._layers) - 1, -1, -1):
            layer = self._layers[number]
            layer.through_activation(slope)
            layer.weight_gradient(below[number])
            if number:
                slope = layer.source_slope(self._layers[number - 1].slope)
            layer.factor_gradients()
        return self.loss


class _Layer:
    """One layer's activations, their derivatives, and its weight."""

    def __init__(
        self,
        layer: StackedLinear,
        recipe: Recipe,
        gradients: dict[str, Tensor],
        shape: tuple[int, int],
        number: int,
        network: Network,
    ) -> None:
        members, batch = shape
        self.layer, self.recipe, self.gradients = layer, recipe, gradients
        self.hidden = number in network.hidden
        weight = layer.effective_weight().detach()
        self.activation = weight.new_empty(members, layer.out_features, batch)
        self.slope = torch.empty_like(self.activation)
        self.spectral = isinstance(layer, SpectralLinear)
        if self.spectral:
            self.gap, self.weight, self.weight_slope = (torch.empty_like(weight) for _ in range(3))
        else:
            self.gap, self.weight = weight, weight
            self.weight_slope = gradients.get("weight", torch.empty_like(weight))

    def forward(self, below: Tensor) -> Tensor:
        layer = self.layer
        if isinstance(layer, SpectralLinear):
            torch.sub(layer.lambda_in.unsqueeze(-2), layer.lambda_out.unsqueeze(-1), out=self.gap)
            torch.mul(self.gap, layer.phi, out=self.weight)
        torch.bmm(self.weight, below, out=self.activation)
        if layer.bias is not None:
            self.activation += layer.bias.unsqueeze(-1)
        return self.activation.relu_() if self.hidden else self.activation

    def through_activation(self, slope: Tensor) -> None:
        """Take the derivative by the activation to that by its argument."""
        if self.hidden:
            torch.ops.aten.threshold_backward(slope, self.activation, 0, grad_input=self.slope)
        else:  # only the last layer, whose derivative is that of the error
            self.slope.copy_(slope)

    def weight_gradient(self, below: Tensor) -> None:
        torch.bmm(self.slope, below.mT, out=self.weight_slope)
        if "bias" in self.gradients:
            torch.sum(self.slope, -1, out=self.gradients["bias"])

    def source_slope(self, out: Tensor) -> Tensor:
        torch.bmm(self.weight.mT, self.slope, out=out)
        return out

    def factor_gradients(self) -> None:
        """Gradients by the spectral factors and of the penalties; the weight is scratch then."""
        layer, recipe, found = self.layer, self.recipe, self.gradients
        if not isinstance(layer, SpectralLinear):
            return
        if recipe.group_lasso:
            norms = torch.linalg.vector_norm(self.weight, dim=-1, keepdim=True)
            self.weight_slope += (recipe.group_lasso * self.weight / norms).nan_to_num_(nan=0.0)
        if "phi" in found:
            torch.mul(self.weight_slope, self.gap, out=found["phi"])
            found["phi"].add_(layer.phi, alpha=2 * recipe.l2_phi)
        product = torch.mul(self.weight_slope, layer.phi, out=self.weight)
        for name, values, axis, sign in (
            ("lambda_out", layer.lambda_out, -1, -1), ("lambda_in", layer.lambda_in, -2, 1)
        ):  # fmt: skip
            if name in found:
                torch.sum(product, axis, out=found[name])
                found[name] *= sign
                found[name].add_(values, alpha=2 * recipe.l2_eigenvalues)


def _of_layer(gradients: dict[str, Tensor], number: int) -> dict[str, Tensor]:
    start = f"layers.{number}."
    return {
        name.removeprefix(start): one for name, one in gradients.items() if name.startswith(start)
    }
