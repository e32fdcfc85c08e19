import numpy as np
import pytest
import torch

from sta.errors import ShapeError
from sta.spectral import (
    Architecture,
    Dataset,
    StackedLinear,
    effective_sizes,
    importance,
    make_student,
    masked_forward,
    ramp,
    ranking,
    relative_importance,
    shrink,
    stack_datasets,
    stack_networks,
    stream,
    units_above,
    units_kept,
)

SHAPES = [
    Architecture(5, (8,)),
    Architecture(5, (8, 4)),
    Architecture(5, (8, 4), readout="linear"),
    Architecture(5, (6, 4, 3), (1,)),
    Architecture(5, (6, 4, 3), (2,)),
    Architecture(5, (6, 4), (0, 1)),
    Architecture(5, (4, 5, 3), (0, 2), "linear"),
]


def student(architecture, seed=0):
    """A student with spread-out eigenvalues, some of them zero or tied."""
    network = make_student(architecture, ("phi", "lambda_out"), stream(seed, "initial"))
    generator = stream(seed, "shuffle")
    with torch.no_grad():
        for number in architecture.spectral_layers:
            eigenvalues = network.chain[number].lambda_out
            eigenvalues.copy_(torch.from_numpy(generator.normal(size=eigenvalues.shape)))
            eigenvalues[0] = 0
    return network


def patterns(count=300, seed=0):
    generator = stream(seed, "test")
    x, y = generator.normal(size=(count, 5)), generator.normal(size=count)
    return Dataset(torch.from_numpy(x), torch.from_numpy(y))


def masks_of(network, architecture, n):
    """The n most important units, found by plain sorting in Python."""
    scored = []
    for number in architecture.spectral_layers:
        values = importance(network.chain[number]).tolist()
        scored += [(-v / max(values), number, i) for i, v in enumerate(values)]
    kept = {(number, i) for _, number, i in sorted(scored)[:n]}
    return {
        number: torch.tensor([(number, i) in kept for i in range(network.widths[number + 1])])
        for number in architecture.spectral_layers
    }


@pytest.mark.parametrize("architecture", SHAPES, ids=str)
def test_ramp_equals_brute_force_masking_for_every_n(architecture):
    network, data = student(architecture), patterns()
    curve = ramp(network, data, chunk=500)
    total = sum(network.widths[i + 1] for i in architecture.spectral_layers)
    assert curve.n_kept.tolist() == list(range(total + 1))
    for n in curve.n_kept:
        masks = masks_of(network, architecture, n)
        brute = (masked_forward(network, masks, data.x) - data.y).square().mean()
        assert np.isclose(curve.mse[n], brute.item(), rtol=1e-12, atol=0), n
    full = (network(data.x) - data.y).square().mean()
    assert np.isclose(curve.mse[-1], full.item(), rtol=1e-12, atol=0)
    assert curve.delta_mse[-1] == 0


def test_ramp_of_a_stack_is_each_members_own():
    architecture = SHAPES[1]
    singles = [student(architecture, k) for k in range(3)]
    sets = [patterns(seed=k) for k in range(3)]
    stacked = ramp(stack_networks(singles), stack_datasets(sets))
    for k in range(3):
        assert np.allclose(stacked.mse[k], ramp(singles[k], sets[k]).mse, rtol=1e-12)


def test_ramp_with_no_unit_is_the_zero_predictor():
    network, data = student(SHAPES[1]), patterns()
    assert np.isclose(ramp(network, data).mse[0], data.y.square().mean().item(), rtol=1e-12)


@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-6), (torch.float64, 1e-12)])
@pytest.mark.parametrize("architecture", SHAPES, ids=str)
def test_shrinking_equals_masking(architecture, dtype, tolerance):
    network = student(architecture).to(dtype)
    x = patterns().x.to(dtype)
    total = sum(network.widths[i + 1] for i in architecture.spectral_layers)
    for n in (total - 1, total // 2 + 1):
        keep = units_kept(network, n)
        if not all(keep.values()):
            continue
        small = shrink(network, keep)
        assert sum(len(k) for k in keep.values()) == n
        masks = masks_of(network, architecture, n)
        difference = (small(x) - masked_forward(network, masks, x)).abs().max()
        assert difference <= tolerance * network(x).abs().max()
        for number, units in keep.items():
            assert small.unit_ids[number] == units == torch.nonzero(masks[number])[:, 0].tolist()


def test_shrinking_twice_keeps_the_original_ids():
    network = student(Architecture(5, (8, 4)))
    once = shrink(network, {0: [1, 3, 4, 7]})
    assert shrink(once, {0: [0, 2]}).unit_ids == [[1, 4], [0, 1, 2, 3]]


def test_importance_is_the_published_formula():
    layer = student(Architecture(5, (8, 4))).chain[0]
    published = layer.lambda_out.abs() * layer.phi.norm(dim=-1) * 8**0.5
    assert torch.allclose(importance(layer), published, rtol=1e-12)
    dense = StackedLinear(5, 8, bias=False)
    assert torch.allclose(importance(dense), dense.weight.norm(dim=-1) * 8**0.5)


def test_effective_size_and_ranking_by_hand():
    network = make_student(Architecture(2, (5, 1)), ("phi", "lambda_out"), stream(0, "initial"))
    with torch.no_grad():
        network.chain[0].phi.fill_(1.0)
        network.chain[0].lambda_out.copy_(torch.tensor([0.49, -10.0, 0.0, 0.51, 2.0]))
    assert relative_importance(network).tolist() == pytest.approx([0.049, 1.0, 0.0, 0.051, 0.2])
    assert effective_sizes(network, 0.05) == 3
    assert ranking(network).tolist() == [1, 4, 3, 0, 2]
    assert units_above(network, 0.1) == {0: [1, 4]}


def test_a_layer_of_zeros_has_no_effective_unit():
    network = make_student(Architecture(2, (5, 1)), ("phi", "lambda_out"), stream(0, "initial"))
    with torch.no_grad():
        network.chain[0].lambda_out.zero_()
    assert effective_sizes(network) == 0


def test_impossible_prunings_are_refused():
    network = student(SHAPES[1])
    for keep in ({0: []}, {5: [0]}, {0: [8]}):
        with pytest.raises(ShapeError):
            shrink(network, keep)
    with pytest.raises(ShapeError, match="9 units"):
        units_kept(network, 9)
    with pytest.raises(ShapeError, match="2 networks"):
        shrink(stack_networks([network, network]), {0: [0]})
    with pytest.raises(ShapeError, match="layer 4"):
        ramp(network, patterns(), [4])
