"""Paraphraser, factor loss and soft labels, against torch and published values."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from sta.errors import ConfigError
from sta.transfer import (
    Paraphraser,
    Translator,
    attention_loss,
    factor_loss,
    fit_paraphraser,
    label_loss,
    reconstruction_error,
    scaled_beta,
    soft_loss,
)
from sta.transfer.factors import draw_batches, factor_channels


def generators(count, start=0):
    return [np.random.default_rng([7, start, k]) for k in range(count)]


def test_layers_of_the_authors():
    """64,640 and 64,672 parameters for 64 channels at rate 0.5, and images keep their size."""
    one = Paraphraser(64, 0.5)
    sizes = [sum(p.numel() for p in part.parameters()) for part in (one.encoder, one.decoder)]
    assert sizes == [64640, 64672]
    x = torch.randn(2, 64, 8, 8)
    assert one.encode(x).shape == (2, 32, 8, 8) and one(x).shape == x.shape
    assert Translator(16, 32)(torch.randn(2, 16, 8, 8)).shape == (2, 32, 8, 8)


def test_against_sequential_layers_of_torch():
    """Decoder layers are transposed convolutions with kernels turned round."""
    torch.manual_seed(1)
    one = Paraphraser(6, 0.5).double()
    sizes = ((3, 3), (3, 6), (6, 6))
    layers = []
    for (n_in, n_out), own in zip(sizes, one.decoder, strict=True):
        turned = nn.ConvTranspose2d(n_in, n_out, 3, padding=1).double()
        with torch.no_grad():
            turned.weight.copy_(own.weight.transpose(0, 1).flip(-1, -2))
            turned.bias.copy_(own.bias)
        layers += [turned, nn.LeakyReLU(0.1)]
    encoder = []
    for own in one.encoder.layers:
        conv = nn.Conv2d(own.in_channels, own.out_channels, 3, padding=1).double()
        conv.load_state_dict(own.state_dict())
        encoder += [conv, nn.LeakyReLU(0.1)]
    x = torch.randn(4, 6, 5, 5, dtype=torch.float64)
    assert torch.allclose(one(x), nn.Sequential(*encoder, *layers)(x), atol=1e-12)


def test_kernel_one_is_linear_layers():
    torch.manual_seed(2)
    one = Paraphraser(8, 0.5, kernel=1).double()
    x = torch.randn(5, 8, dtype=torch.float64)
    found, h = one(x[..., None, None])[..., 0, 0], x
    for layer in (*one.encoder.layers, *one.decoder):
        h = functional.leaky_relu(functional.linear(h, layer.weight[..., 0, 0], layer.bias), 0.1)
    assert torch.allclose(found, h, atol=1e-12)


def pair():
    n = torch.arange(24, dtype=torch.float64)
    return torch.sin(n).reshape(2, 3, 2, 2), torch.cos(0.5 * n).reshape(2, 3, 2, 2)


# FTLoss of torchdistill 1.1.5, mean reduction, on the two tensors of `pair`.
PUBLISHED = {1: 0.3079217584443894, 2: 1.3627020058580337}


@pytest.mark.parametrize("p", [1, 2])
def test_factor_loss_against_another_library(p):
    a, b = pair()
    assert float(factor_loss(a, b, p)) == pytest.approx(PUBLISHED[p], rel=1e-12)


@pytest.mark.parametrize("p", [1, 2])
def test_factor_loss(p):
    a, b = pair()
    flat = [functional.normalize(one.flatten(1)) for one in (a, b)]
    if p == 1:
        assert torch.allclose(factor_loss(a, b), nn.L1Loss()(*flat))
    scale = torch.tensor([3.0, 0.2], dtype=torch.float64)[:, None, None, None]
    assert torch.allclose(factor_loss(scale * a, b, p), factor_loss(a, b, p))
    assert float(factor_loss(a, a, p)) == 0.0
    stacked = factor_loss(torch.stack([a, b]), torch.stack([b, b]), p)
    assert stacked.shape == (2,)
    assert float(stacked[0]) == pytest.approx(PUBLISHED[p]) and float(stacked[1]) == 0.0


@pytest.mark.parametrize("loss", [factor_loss, lambda a, b: factor_loss(a, b, 2), attention_loss])
@pytest.mark.parametrize("dead", [0, 1])
def test_a_factor_of_zeros_has_finite_loss_and_gradient(loss, dead):
    maps = [torch.zeros(2, 3, 2, 2) if k == dead else torch.ones(2, 3, 2, 2) for k in range(2)]
    maps[0].requires_grad_(True)
    value = loss(*maps)
    value.backward()
    assert torch.isfinite(value) and torch.isfinite(maps[0].grad).all()


def test_the_weight_keeps_the_loss_of_one_size():
    """Random factors of any size give the same weighted loss."""
    torch.manual_seed(0)
    for p in (1, 2):
        found = [
            scaled_beta(500.0, size, p)
            * float(factor_loss(torch.randn(400, size, 1, 1), torch.randn(400, size, 1, 1), p))
            for size in (32, 2048)
        ]
        assert found[0] == pytest.approx(found[1], rel=0.03)
    assert scaled_beta(500.0, 2048) == 500.0


def test_soft_labels():
    """0 at equal logits, T^2, and torch's own divergence."""
    torch.manual_seed(0)
    a, b = torch.randn(6, 5, dtype=torch.float64), torch.randn(6, 5, dtype=torch.float64)
    assert float(soft_loss(a, a, 4.0)) == pytest.approx(0.0, abs=1e-15)
    for t in (1.0, 4.0):
        divergence = functional.kl_div(
            functional.log_softmax(a / t, 1), functional.softmax(b / t, 1), reduction="batchmean"
        )
        assert float(soft_loss(a, b, t)) == pytest.approx(float(t**2 * divergence))
    # Gradients keep their size at large T: (a - mean a) - (b - mean b) over the classes.
    a.requires_grad_(True)
    soft_loss(a, b, 1e4).backward()
    exact = ((a - a.mean(1, True)) - (b - b.mean(1, True))) / 5 / 6
    assert torch.allclose(a.grad, exact.detach(), atol=1e-4)
    labels = torch.randint(0, 5, (2, 3))
    logits = torch.randn(2, 3, 5)
    for k in range(2):
        expected = functional.cross_entropy(logits[k], labels[k])
        assert torch.allclose(label_loss(logits, labels)[k], expected)


def test_attention_is_another_loss():
    """It sees no channel: permuting them changes nothing, but changes the factor loss."""
    a, b = pair()
    turned = b[:, [1, 2, 0]]
    assert torch.allclose(attention_loss(a, turned), attention_loss(a, b))
    assert abs(float(factor_loss(a, turned) - factor_loss(a, b))) > 0.005


@pytest.mark.parametrize("loss", ["l1", "mse"])
def test_a_paraphraser_learns_and_is_frozen(loss):
    maps = torch.rand(2, 200, 6, 1, 1)
    maps[:, :, 3:] = maps[:, :, :3]  # half of the channels say all
    one = Paraphraser(6, 0.5, 1, generators(2))
    first = reconstruction_error(one, maps)
    found = fit_paraphraser(one, maps, generators(2, 1), loss=loss, steps=400)
    assert torch.all(found < 0.4 * first)
    by_hand = ((one(maps) - maps) ** 2).sum((1, 2, 3, 4)) / (maps**2).sum((1, 2, 3, 4))
    assert torch.allclose(found, by_hand)
    assert not any(p.requires_grad for p in one.parameters())


def test_members_of_a_stack_do_not_see_each_other():
    """Each paraphraser ends as it would alone."""
    maps = torch.rand(3, 60, 4, 3, 3)
    many = Paraphraser(4, 0.5, 3, generators(3))
    fit_paraphraser(many, maps, generators(3, 1), steps=30, batch=20)
    for k in range(3):
        alone = Paraphraser(4, 0.5, 3, generators(3)[k : k + 1])
        fit_paraphraser(alone, maps[k : k + 1], generators(3, 1)[k : k + 1], steps=30, batch=20)
        for a, b in zip(many.parameters(), alone.parameters(), strict=True):
            assert torch.allclose(a[k], b[0], atol=1e-4)


def test_batches_are_drawn_without_repetition():
    part = draw_batches(generators(2), 10, 6)
    assert part.shape == (2, 6) and all(len(set(row.tolist())) == 6 for row in part)
    assert draw_batches(generators(2), 4, 6).tolist() == [[0, 1, 2, 3]] * 2


def test_bad_input():
    a, b = pair()
    with pytest.raises(ConfigError, match="p = 3"):
        factor_loss(a, b, 3)
    with pytest.raises(ConfigError, match="do not match"):
        factor_loss(a, b[:, :2])
    with pytest.raises(ConfigError, match="no channel"):
        factor_channels(4, 0.1)
    with pytest.raises(ConfigError, match="no channel"):
        Paraphraser(4, float("nan"))
    with pytest.raises(ConfigError, match="6 channels, but the paraphraser reads 4"):
        fit_paraphraser(Paraphraser(4, 0.5, 3, generators(1)), torch.rand(1, 5, 6, 2, 2),
                        generators(1))  # fmt: skip
    with pytest.raises(ConfigError, match="l1 or mse"):
        fit_paraphraser(copy.deepcopy(Paraphraser(4)), torch.rand(1, 5, 4, 2, 2), generators(1),
                        loss="huber")  # fmt: skip
