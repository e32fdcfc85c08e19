"""The gradient in closed form against automatic differentiation."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from sta.errors import ShapeError
from sta.spectral import Network, Recipe, SpectralLinear, StackedLinear, penalty
from sta.spectral.gradient import Backpropagation, FlatParameters

FACTORS = ("phi", "lambda_in", "lambda_out")
PENALTIES = {
    "none": Recipe(l2_phi=0, l2_eigenvalues=0),
    "spectral": Recipe(l2_phi=0.03, l2_eigenvalues=0.02),
    "group lasso": Recipe(l2_phi=0, l2_eigenvalues=0, group_lasso=0.1),
}
TRAINED = (("phi", "lambda_out"), ("phi",), ("lambda_in", "lambda_out"), FACTORS)


def stack(widths, spectral, train, readout, bias, seed=0):
    """Three students with every number drawn at random, frozen ones too."""
    generator = np.random.default_rng(seed)
    layers = []
    for number, (n_in, n_out) in enumerate(pairwise(widths)):
        settings = {"stack": (3,), "dtype": torch.float64, "generator": generator}
        if number in spectral:
            layers.append(SpectralLinear(n_in, n_out, bias, train=train, **settings))
        else:
            layers.append(StackedLinear(n_in, n_out, bias, **settings))
    network = Network(layers, readout)
    with torch.no_grad():
        for tensor in network.parameters():
            tensor.copy_(torch.from_numpy(generator.normal(0, 0.7, tensor.shape)))
    return network


@pytest.mark.parametrize("penalties", PENALTIES)
@pytest.mark.parametrize("train", TRAINED, ids="+".join)
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    ("widths", "spectral", "readout"),
    [
        ((4, 6, 3), (0,), "sum"),
        ((4, 6, 3), (0, 1), "sum"),
        ((4, 6), (0,), "sum"),
        ((4, 6, 5, 2), (1,), "sum"),
        ((4, 6, 3, 1), (0,), "linear"),
        ((4, 6, 1), (1,), "linear"),
        ((4, 1), (), "linear"),
    ],
)
def test_gradient_is_that_of_automatic_differentiation(
    widths, spectral, readout, bias, train, penalties
):
    recipe = PENALTIES[penalties]
    network = stack(widths, spectral, train, readout, bias)
    generator = torch.Generator().manual_seed(1)
    flat = FlatParameters(network)
    backward = Backpropagation(network, recipe, flat.gradients, 9)
    for _ in range(2):  # the arrays are used again
        x = torch.randn(3, 9, widths[0], generator=generator, dtype=torch.float64)
        y = torch.randn(3, 9, generator=generator, dtype=torch.float64)
        flat.gradient.fill_(torch.nan)
        found = backward(x, y)
        loss = (network(x) - y).square().mean(-1)
        trained = {name: p for name, p in network.named_parameters() if p.requires_grad}
        total = (loss + penalty(network, recipe)).sum()
        wanted = torch.autograd.grad(total, list(trained.values()), allow_unused=True)
        assert torch.allclose(found, loss.detach(), rtol=1e-12)
        assert set(flat.gradients) == set(trained)
        for name, gradient in zip(trained, wanted, strict=True):
            assert torch.allclose(flat.gradients[name], gradient, rtol=1e-10, atol=1e-12), name


def test_a_unit_without_weights_feels_no_group_lasso():
    network = stack((4, 6, 3), (0,), ("phi",), "sum", False)
    with torch.no_grad():
        network.chain[0].phi[1, 2] = 0
    flat = FlatParameters(network)
    recipe = PENALTIES["group lasso"]
    Backpropagation(network, recipe, flat.gradients, 5)(torch.zeros(3, 5, 4).double(),
                                                        torch.zeros(3, 5).double())  # fmt: skip
    gradient = flat.gradients["layers.0.phi"]
    assert torch.equal(gradient[1, 2], torch.zeros(4).double())
    assert bool(gradient[0].abs().min() > 0)


def test_the_network_follows_the_flat_array():
    network = stack((4, 6, 3), (0,), FACTORS, "sum", True)
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    flat = FlatParameters(network)
    for name, parameter in network.named_parameters():
        assert torch.equal(parameter, before[name])
    flat.values.mul_(2)
    for name, parameter in network.named_parameters():
        assert torch.equal(parameter, 2 * before[name]), name


def test_what_cannot_be_trained_is_refused():
    network = stack((4, 3, 2), (), FACTORS, "linear", False)
    with pytest.raises(ShapeError, match="2 outputs"):
        Backpropagation(network, Recipe(), FlatParameters(network).gradients, 5)
    with pytest.raises(ShapeError, match="no trained parameter"):
        FlatParameters(network.requires_grad_(False))
