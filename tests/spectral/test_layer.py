import pytest
import torch
from torch import nn

from sta.errors import ConfigError, ShapeError
from sta.spectral import (
    SpectralLinear,
    adjacency,
    eigenvalues,
    eigenvectors,
    inverse_eigenvectors,
)
from sta.spectral.layer import FACTORS


def random_layer(n_in, n_out, stack=(), bias=False):
    layer = SpectralLinear(n_in, n_out, bias, stack=stack, dtype=torch.float64)
    generator = torch.Generator().manual_seed(n_in + 10 * n_out)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return layer


@pytest.mark.parametrize("stack", [(), (3,), (2, 3)])
def test_lower_left_block_of_the_operator_is_the_weight(stack):
    layer = random_layer(5, 7, stack)
    block = adjacency(layer)[..., 5:, :5]
    brute = torch.empty(*stack, 7, 5, dtype=torch.float64)
    for i in range(7):
        for j in range(5):
            brute[..., i, j] = (layer.lambda_in[..., j] - layer.lambda_out[..., i]) * layer.phi[
                ..., i, j
            ]
    assert (block - brute).abs().max() < 1e-12
    assert (layer.effective_weight() - brute).abs().max() < 1e-12


def test_inverse_and_spectrum_of_the_operator():
    layer = random_layer(4, 6)
    product = eigenvectors(layer) @ inverse_eigenvectors(layer)
    assert (product - torch.eye(10)).abs().max() < 1e-12
    # Every column of Phi is an eigenvector of A with its own eigenvalue.
    left = adjacency(layer) @ eigenvectors(layer)
    assert (left - eigenvectors(layer) * eigenvalues(layer)).abs().max() < 1e-12
    found = torch.linalg.eigvals(adjacency(layer)).real.sort().values
    assert (found - eigenvalues(layer).sort().values).abs().max() < 1e-7


@pytest.mark.parametrize("bias", [False, True])
def test_drop_in_for_linear_and_back(bias, generator):
    linear = nn.Linear(5, 3, bias=bias, dtype=torch.float64)
    x = torch.randn(11, 5, generator=generator, dtype=torch.float64)
    layer = SpectralLinear.from_dense(linear)
    assert torch.allclose(layer(x), linear(x), atol=1e-14)
    trained = random_layer(5, 3, bias=bias)
    assert torch.allclose(trained.to_dense()(x), trained(x), atol=1e-14)
    model = nn.Sequential(SpectralLinear(5, 4, dtype=torch.float64), nn.Tanh())
    assert model(x).shape == (11, 4)


@pytest.mark.parametrize("train", [(), *[(f,) for f in FACTORS], FACTORS])
def test_only_the_chosen_factors_move(train, generator):
    layer = SpectralLinear(4, 3, bias=False, train=train, dtype=torch.float64)
    before = {name: getattr(layer, name).clone() for name in FACTORS}
    x = torch.randn(8, 4, generator=generator, dtype=torch.float64)
    if train:
        optimizer = torch.optim.SGD([p for p in layer.parameters() if p.requires_grad], 0.1)
        layer(x).square().sum().backward()
        optimizer.step()
    moved = {name for name in FACTORS if not torch.equal(getattr(layer, name), before[name])}
    assert moved == set(train) == set(layer.trained)


def test_bad_layers_are_refused():
    with pytest.raises(ConfigError, match="-3"):
        SpectralLinear(-3, 2)
    with pytest.raises(ConfigError, match="lambda"):
        SpectralLinear(3, 2, train=("lambda",))
    with pytest.raises(ShapeError, match="2"):
        SpectralLinear(3, 2, stack=(2,)).to_dense()
