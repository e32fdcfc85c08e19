import numpy as np
import pytest
import torch

from sta.errors import ConfigError
from sta.spectral import (
    Architecture,
    Dataset,
    Network,
    Recipe,
    Schedule,
    TeacherConfig,
    draw_dataset,
    make_student,
    make_teacher,
    mean_squared_error,
    penalty,
    stack_datasets,
    stack_networks,
    stream,
    train,
)

TEACHER = make_teacher(TeacherConfig("relu", 5, 4, (3,)), stream(0, "teacher", 4, 0))
KINDS = {
    "spectral": Recipe(batch_size=32),
    "direct": Recipe(("phi",), 0.002, 50, 0.01, 0.0),
    "group-lasso": Recipe(("phi",), 0.005, 32, 0.0, 0.0, 4.47e-3),
    "eigenvalues": Recipe(("lambda_in", "lambda_out"), 0.01, 32, 0.0, 1e-3),
}


def ensemble(members, recipe, patterns=160):
    architecture = Architecture(5, (9, 3))
    network = stack_networks(
        [make_student(architecture, recipe.train, stream(1, "initial", k)) for k in members]
    )
    data = [
        stack_datasets([draw_dataset(TEACHER, patterns, stream(1, purpose, k)) for k in members])
        for purpose in ("train", "test")
    ]
    return network, *data, [stream(1, "shuffle", k) for k in members]


def fit(members, recipe, epochs=40, dtype="float64", **changes):
    network, train_set, test_set, shuffles = ensemble(members, recipe)
    schedule = Schedule(epochs=epochs, history_points=4, dtype=dtype)
    for name, change in changes.items():
        change(locals()[name])
    return network, train(network, train_set, test_set, recipe, schedule, shuffles)


@pytest.mark.parametrize("kind", KINDS)
def test_member_equals_the_student_trained_alone(kind):
    """200 steps (40 epochs of 5) in float64, to 1e-8 relative."""
    recipe = KINDS[kind]
    epochs = 40 if recipe.batch_size == 32 else 50  # batches of 50 make 4 steps an epoch
    stack, history = fit(range(4), recipe, epochs)
    for k in range(4):
        alone, own = fit([k], recipe, epochs)
        for name, tensor in alone.state_dict().items():
            assert torch.allclose(stack.state_dict()[name][k], tensor[0], rtol=1e-8, atol=0), name
        assert np.allclose(history.test_loss[:, k], own.test_loss[:, 0], rtol=1e-8, atol=0)
        assert np.array_equal(history.effective_size[:, k], own.effective_size[:, 0])


@pytest.mark.parametrize("kind", KINDS)
def test_training_is_adam_on_loss_and_penalty(kind):
    """Against an independent loop with plain tensors, textbook Adam and numeric batches."""
    recipe = KINDS[kind]
    network, train_set, test_set, shuffles = ensemble([7], recipe)
    layer = network.chain[0]
    names = [*recipe.train, "second"]
    values = {n: getattr(layer, n)[0].detach().clone() for n in recipe.train}
    fixed = {n: getattr(layer, n)[0].detach() for n in ("phi", "lambda_in", "lambda_out")}
    values["second"] = network.chain[1].weight[0].detach().clone()
    m = {n: torch.zeros_like(v) for n, v in values.items()}
    v2 = {n: torch.zeros_like(v) for n, v in values.items()}
    shuffle, step = stream(1, "shuffle", 7), 0
    for _ in range(3):
        order = torch.from_numpy(shuffle.permutation(160))
        for batch in order.split(recipe.batch_size):
            step += 1
            leaves = {n: v.clone().requires_grad_() for n, v in values.items()}
            f = {**fixed, **leaves}
            w = (f["lambda_in"][None, :] - f["lambda_out"][:, None]) * f["phi"]
            hidden = (train_set.x[0, batch] @ w.T).clamp(min=0)
            out = (hidden @ leaves["second"].T).clamp(min=0).sum(-1)
            loss = ((out - train_set.y[0, batch]) ** 2).mean()
            loss = loss + recipe.l2_phi * (f["phi"] ** 2).sum()
            for n in ("lambda_in", "lambda_out"):
                loss = loss + recipe.l2_eigenvalues * (f[n] ** 2).sum()
            loss = loss + recipe.group_lasso * (w**2).sum(-1).sqrt().sum()
            for n, g in zip(names, torch.autograd.grad(loss, list(leaves.values())), strict=True):
                m[n] = 0.9 * m[n] + 0.1 * g
                v2[n] = 0.999 * v2[n] + 0.001 * g**2
                unbiased = (v2[n] / (1 - 0.999**step)).sqrt()
                move = m[n] / (1 - 0.9**step) / (unbiased + 1e-7)
                values[n] = values[n] - recipe.learning_rate * move
    schedule = Schedule(epochs=3, history_points=1, dtype="float64")
    train(network, train_set, test_set, recipe, schedule, shuffles)
    for n in recipe.train:
        assert torch.allclose(getattr(layer, n)[0], values[n], rtol=1e-9, atol=1e-12), n
    assert torch.allclose(network.chain[1].weight[0], values["second"], rtol=1e-9, atol=1e-12)


def test_spectral_penalty_at_its_minimum_is_the_group_lasso():
    """min over lambda phi = w of a |phi|^2 + b lambda^2 is 2 sqrt(ab) |w|, per unit."""
    spectral = make_student(Architecture(5, (7,)), ("phi", "lambda_out"), stream(2, "initial"))
    a, b = 0.01, 5e-4
    layer = spectral.chain[0]
    w = layer.effective_weight().detach()
    norms = w.norm(dim=-1)
    with torch.no_grad():  # stationary point of the split at fixed w
        layer.lambda_out.copy_((a / b) ** 0.25 * norms.sqrt())
        layer.phi.copy_(-w / layer.lambda_out[:, None])
    balanced = penalty(spectral, Recipe(l2_phi=a, l2_eigenvalues=b))
    lasso = Recipe(l2_phi=0, l2_eigenvalues=0, group_lasso=2 * (a * b) ** 0.5)
    assert torch.allclose(balanced, penalty(spectral, lasso), rtol=1e-12)
    with torch.no_grad():  # any other split with the same weights costs more
        layer.lambda_out *= 1.1
        layer.phi /= 1.1
    assert penalty(spectral, Recipe(l2_phi=a, l2_eigenvalues=b)) > balanced * 1.001


def test_a_diverged_student_is_marked_and_harms_nobody():
    recipe = KINDS["spectral"]
    clean, reference = fit(range(3), recipe)

    def poison(train_set: Dataset) -> None:
        train_set.y[1, 5] = float("inf")

    stack, history = fit(range(3), recipe, train_set=poison)
    assert history.diverged_at.tolist() == [-1, 1, -1]
    for k in (0, 2):
        for name, tensor in clean.state_dict().items():
            assert torch.equal(stack.state_dict()[name][k], tensor[k])
        assert np.array_equal(history.test_loss[:, k], reference.test_loss[:, k])


def test_history_is_what_a_second_evaluation_finds():
    recipe = KINDS["spectral"]
    network, history = fit(range(2), recipe, epochs=10)
    _, train_set, test_set, _ = ensemble(range(2), recipe)
    assert history.epoch.tolist() == [0, 2, 5, 8, 10]
    for data, losses in ((train_set, history.train_loss), (test_set, history.test_loss)):
        direct = (network(data.x) - data.y).square().mean(-1).detach().numpy()
        assert np.allclose(losses[-1], direct, rtol=1e-12)
    assert history.train_loss[-1].max() < history.train_loss[0].min()


def test_error_in_chunks_equals_the_error_at_once():
    network, train_set, _, _ = ensemble(range(3), KINDS["direct"])
    whole = mean_squared_error(network, train_set)
    assert torch.allclose(mean_squared_error(network, train_set, chunk=100), whole, rtol=1e-14)


def test_data_are_standard_normal_and_test_is_independent_of_training():
    train_set, test_set = (draw_dataset(TEACHER, 4000, stream(0, p, 1)) for p in ("train", "test"))
    assert train_set.x.mean().abs() < 5 / 4000**0.5 / 5**0.5 * 3
    assert (train_set.x.var() - 1).abs() < 0.05
    assert not torch.isin(train_set.x[:, 0], test_set.x[:, 0]).any()


def test_unknown_device_and_type_are_refused():
    network, a, b, g = ensemble([0], KINDS["direct"])
    with pytest.raises(ConfigError, match="warp"):
        train(network, a, b, KINDS["direct"], Schedule(device="warp"), g)
    with pytest.raises(ConfigError, match="float16"):
        train(network, a, b, KINDS["direct"], Schedule(dtype="float16"), g)


def test_networks_are_modules_of_plain_parameters():
    network = fit([0], KINDS["spectral"], epochs=1)[0]
    assert isinstance(network, Network)
    assert set(dict(network.named_parameters())) == {
        "layers.0.phi", "layers.0.lambda_in", "layers.0.lambda_out", "layers.1.weight",
    }  # fmt: skip
