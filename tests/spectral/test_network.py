import pytest
import torch

from sta.errors import FileFormatError, ShapeError
from sta.spectral import (
    Architecture,
    Network,
    StackedLinear,
    TeacherConfig,
    make_student,
    make_teacher,
    member,
    stack_networks,
    stream,
)
from sta.spectral.network import build_network

SMALL = Architecture(4, (6, 3))


def students(count, architecture=SMALL, train=("phi", "lambda_out")):
    return [make_student(architecture, train, stream(0, "initial", k)) for k in range(count)]


def test_forward_is_the_formula(generator):
    network = students(1)[0]
    x = torch.randn(5, 4, generator=generator, dtype=torch.float64)
    w1, w2 = (layer.effective_weight().mT for layer in network.chain)
    expected = ((x @ w1).clamp(min=0) @ w2).clamp(min=0).sum(-1)
    assert torch.allclose(network(x), expected, atol=1e-14)


@pytest.mark.parametrize("readout", ["sum", "linear"])
@pytest.mark.parametrize("hidden", [(5,), (5, 3), (5, 4, 3)])
def test_stack_and_member_are_inverse_and_agree(readout, hidden, generator):
    singles = students(3, Architecture(4, hidden, tuple(range(len(hidden))), readout))
    stack = stack_networks(singles)
    x = torch.randn(3, 7, 4, generator=generator, dtype=torch.float64)
    assert stack(x).shape == (3, 7)
    for k, single in enumerate(singles):
        assert torch.allclose(stack(x)[k], single(x[k]), atol=1e-14)
        again = member(stack, k)
        for name, tensor in single.state_dict().items():
            assert torch.equal(again.state_dict()[name], tensor)


def test_direct_and_spectral_start_from_the_same_weights():
    spectral, direct = (students(1, train=t)[0] for t in (("phi", "lambda_out"), ("phi",)))
    for a, b in zip(spectral.chain, direct.chain, strict=True):
        assert torch.equal(a.effective_weight(), b.effective_weight())
    assert direct.chain[0].trained == ("phi",)


def test_initial_weights_are_glorot_uniform():
    network = make_student(Architecture(10, (400, 20)), ("phi",), stream(1, "initial"))
    phi = network.chain[0].phi
    bound = (6 / 410) ** 0.5
    assert phi.abs().max() <= bound
    # Kolmogorov-Smirnov against the uniform law; 4000 draws, level 1e-6.
    from scipy.stats import kstest

    sample = (phi.detach().flatten() / bound + 1) / 2
    assert kstest(sample.numpy(), "uniform").pvalue > 1e-6


def test_teachers(generator):
    relu = make_teacher(TeacherConfig(), stream(0, "teacher", 20, 0))
    assert relu.widths == (10, 20, 20) and relu.readout == "sum"
    assert not any(p.requires_grad for p in relu.parameters())
    linear = make_teacher(TeacherConfig(kind="linear"), stream(0, "teacher", 20, 0))
    a = linear.chain[0].weight[0]
    assert (a.diff() >= 0).all() and a[0] >= 0 and a[-1] <= 10
    x = torch.randn(6, 10, generator=generator, dtype=torch.float64)
    assert torch.allclose(linear(x), x @ a)


def test_layers_that_do_not_chain_are_refused():
    with pytest.raises(ShapeError, match=r"5 targets.*4"):
        Network([StackedLinear(3, 5), StackedLinear(4, 2)])
    with pytest.raises(ShapeError, match="member 3"):
        member(stack_networks(students(3)), 3)
    with pytest.raises(ShapeError):
        stack_networks([*students(1), *students(1, Architecture(4, (7, 3)))])


def test_left_over_and_misshapen_tensors_are_refused():
    network = students(1)[0]
    state = dict(network.state_dict())
    with pytest.raises(FileFormatError, match="extra"):
        build_network(network.spec(), {**state, "layers.9.extra": torch.zeros(1)})
    with pytest.raises(FileFormatError, match="lambda_out"):
        build_network(network.spec(), {**state, "layers.0.lambda_out": torch.zeros(5)})
    del state["layers.0.phi"]
    with pytest.raises(FileFormatError, match=r"layers\.0 is not the spectral"):
        build_network(network.spec(), state)
