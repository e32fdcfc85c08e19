"""Convolutions in stacks and in spectral form, against torch's own layers."""

import numpy as np
import pytest
import torch
from torch import nn

from sta.errors import ConfigError, FileFormatError, ShapeError
from sta.spectral import SpectralLinear, importance
from sta.transfer import (
    ConvNetwork,
    SpectralConv2d,
    StackedConv2d,
    channel_network,
    shrink_channels,
    to_spectral,
)
from sta.transfer.networks import (
    build_conv_network,
    channel_importance,
    features_of,
    make_conv_network,
    make_dense_network,
    read,
)
from sta.transfer.ranking import accuracy_ramp, pruned, relative_importances, units_needed


def generators(count):
    return [np.random.default_rng([5, k]) for k in range(count)]


@pytest.mark.parametrize("layer", [StackedConv2d, SpectralConv2d])
@pytest.mark.parametrize("settings", [
    {}, {"kernel": 1}, {"stride": 2}, {"padding": 0}, {"dilation": 2}, {"groups": 2}, {"kernel": 5},
    {"bias": False},
])  # fmt: skip
def test_a_stack_is_its_members(layer, settings):
    torch.manual_seed(0)
    many = layer(4, 6, stack=(3,), dtype=torch.float64, **settings)
    if layer is SpectralConv2d:
        with torch.no_grad():
            many.lambda_in.normal_()
            many.lambda_out.normal_()
    x = torch.randn(3, 5, 4, 8, 8, dtype=torch.float64)
    found = many(x)
    for k in range(3):
        one = nn.functional.conv2d(
            x[k], many.effective_weight()[k], None if many.bias is None else many.bias[k],
            many.stride, many.padding, many.dilation, many.groups,
        )  # fmt: skip
        assert torch.allclose(found[k], one, atol=1e-12)
    if layer is SpectralConv2d and many.groups == 1:
        o, i = 4, 2
        expected = (many.lambda_in[1, i] - many.lambda_out[1, o]) * many.phi[1, o, i]
        assert torch.equal(many.effective_weight()[1, o, i], expected)


def test_one_pixel_is_the_dense_layer():
    torch.manual_seed(0)
    dense = SpectralLinear(7, 5, train=("phi", "lambda_in", "lambda_out"))
    conv = SpectralConv2d(7, 5, 1)
    with torch.no_grad():
        dense.lambda_in.normal_()
        dense.lambda_out.normal_()
        dense.bias.normal_()
        conv.phi.copy_(dense.phi[..., None, None])
        for name in ("lambda_in", "lambda_out", "bias"):
            getattr(conv, name).copy_(getattr(dense, name))
    x = torch.randn(11, 7)
    assert torch.allclose(conv(x[..., None, None])[..., 0, 0], dense(x), atol=1e-6)
    assert torch.allclose(channel_importance(conv), importance(dense), atol=1e-6)


class Small(nn.Module):
    """A network with all that is converted, a layer that occurs twice, and what is left alone."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.blocks = nn.ModuleList([nn.Conv2d(4, 4, 3, padding="same", groups=2)])
        self.again = self.blocks[0]
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(64, 6), nn.ReLU(), nn.Linear(6, 2))

    def forward(self, x):
        return self.head(self.again(self.blocks[0](self.norm(self.first(x)))))


def test_a_network_becomes_spectral_by_one_call():
    torch.manual_seed(0)
    before = Small().eval()
    after = to_spectral(before)
    x = torch.randn(5, 3, 8, 8)
    assert torch.allclose(after(x), before(x), atol=1e-6)
    kinds = {type(layer) for layer in after.modules()}
    assert not kinds & {nn.Conv2d, nn.Linear} and after.again is after.blocks[0]
    assert sum(isinstance(layer, SpectralConv2d) for layer in after.modules()) == 2
    assert sum(isinstance(layer, SpectralLinear) for layer in after.modules()) == 2
    assert isinstance(before.first, nn.Conv2d) and not after.training
    after(x).sum().backward()
    assert after.first.lambda_out.grad is not None and after.first.lambda_in.grad is None
    with pytest.raises(ConfigError, match=r"network\.0: a kernel of 3 x 1"):
        to_spectral(nn.Sequential(nn.Conv2d(1, 1, (3, 1))))


@pytest.fixture
def conv():
    network = make_conv_network((5, 6), (1, 8, 8), 3, generators(2), spectral=True)
    with torch.no_grad():
        for layer in network.chain:
            layer.lambda_out.copy_(torch.rand_like(layer.lambda_out) + 0.1)
    return network


def one_of(network, k):
    state = {name: tensor[k] for name, tensor in network.state_dict().items()}
    return build_conv_network(network.spec(), state)


def test_channels_shrink_as_masks_do(conv):
    single = one_of(conv, 1)
    keep = {0: [4, 0, 2], 1: [1, 5]}
    small = shrink_channels(single, keep)
    x = torch.randn(7, 1, 8, 8)
    masks = {n: torch.zeros(w) for n, w in ((0, 5), (1, 6))}
    for number, channels in keep.items():
        masks[number][channels] = 1.0
    expected = read(single, features_of(single, x, masks))
    assert torch.allclose(small(x), expected, atol=1e-6)
    assert small.unit_ids == [[4, 0, 2], [1, 5]] and small.widths == (1, 3, 2, 3)
    with pytest.raises(ShapeError, match="stack"):
        shrink_channels(conv, keep)
    with pytest.raises(ShapeError, match="one channel"):
        shrink_channels(single, {0: []})


def test_channel_graph_has_the_importance_of_the_channels(conv):
    single = one_of(conv, 0)
    graph = channel_network(single)
    for number, layer in enumerate(single.chain):
        assert torch.allclose(importance(graph.chain[number]), channel_importance(layer), atol=1e-5)
        norms = layer.effective_weight().detach().flatten(2).norm(dim=-1)
        assert torch.allclose(graph.chain[number].effective_weight(), norms, atol=1e-6)
        assert torch.equal(graph.chain[number].lambda_out, layer.lambda_out)
    pixels = single.readout.weight.detach().view(3, 6, 4).norm(dim=-1)
    assert torch.allclose(graph.chain[-1].effective_weight(), pixels)


@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_the_ramp_is_that_of_smaller_networks(kind, conv):
    if kind == "dense":
        network = make_dense_network((6, 9, 4, 3), generators(2), spectral=True)
        x = torch.randn(2, 40, 6)
    else:
        network, x = conv, torch.randn(2, 40, 1, 8, 8)
    y = torch.randint(0, 3, (2, 40))
    ramp = accuracy_ramp(network, x, y)
    units = relative_importances(network).shape[-1]
    assert ramp.shape == (2, units + 1)
    from sta.spectral import member

    for k in range(2):
        single = one_of(network, k) if isinstance(network, ConvNetwork) else member(network, k)
        for kept in (units // 2, units - 1, units):
            small = pruned(single, kept)
            if sum(small.widths[1:-1]) == kept:
                right = (small(x[k]).argmax(-1) == y[k]).double().mean()
                assert float(right) == pytest.approx(ramp[k, kept])


def test_units_needed_is_the_last_fall():
    ramps = np.array([[0.2, 0.9, 0.9, 0.9], [0.2, 0.3, 0.95, 0.9], [0.9, 0.9, 0.9, 0.9]])
    assert units_needed(ramps).tolist() == [1, 2, 0]


def test_networks_from_files_are_checked(conv):
    spec, state = conv.spec(), conv.state_dict()
    with pytest.raises(FileFormatError, match="belongs to no layer"):
        build_conv_network(spec, state | {"layers.7.weight": torch.zeros(1)})
    with pytest.raises(FileFormatError, match="lambda_in"):
        build_conv_network(spec, state | {"layers.0.lambda_in": torch.zeros(2, 9)})
    wide = {"layers.1.phi": torch.zeros(2, 6, 9, 3, 3), "layers.1.lambda_in": torch.zeros(2, 9)}
    with pytest.raises(FileFormatError, match="chain"):
        build_conv_network(spec, {**state, **wide})


def test_bad_shapes():
    with pytest.raises(ConfigError, match="halved"):
        make_conv_network((2, 2, 2, 2), (1, 8, 8), 3, generators(1))
    with pytest.raises(ConfigError, match="groups"):
        StackedConv2d(3, 4, groups=2)
    with pytest.raises(ShapeError, match="2 channels, but the layer has 3"):
        StackedConv2d(3, 4)(torch.zeros(1, 2, 8, 8))
    with pytest.raises(ConfigError, match="unknown spectral factor"):
        SpectralConv2d(3, 4, train=("psi",))
