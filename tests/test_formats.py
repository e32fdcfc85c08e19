"""Foreign files: what they hold is recomputed, and nothing in them is trusted."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils.prune import custom_from_mask

from sta.checkpoint import weights
from sta.errors import FileFormatError
from sta.formats import read_network
from sta.spectral import SpectralLinear, effective_sizes, importance

PUBLISHED = Path(str(files("sta.data"))) / "published"


@pytest.mark.parametrize("kind, sizes", [("spectral", (27, 24)), ("direct", (60, 60))])
def test_published_students_load(kind, sizes):
    """Their `eigenvalues` recomputed, their kernels, and their effective sizes at .05 and .1."""
    path = PUBLISHED / f"{kind}_h60.npz"
    arrays = np.load(path)
    read = read_network(path)
    assert read.kind == kind and read.network.widths == (10, 60, 20)
    found = importance(read.network.chain[0]).numpy()
    assert np.abs(found - arrays["eigenvalues"][0]).max() < 1e-5
    first, second = weights(read.network)
    assert np.allclose(first, -arrays["base"] * arrays["diag_end"], atol=0)
    assert np.array_equal(second, arrays["second_layer"])
    assert (effective_sizes(read.network, 0.05), effective_sizes(read.network, 0.1)) == sizes


def test_published_student_and_teacher_agree_on_fresh_inputs():
    """The published run's test errors, .0118 and .0177, on other patterns."""
    teacher = read_network(PUBLISHED / "teacher.npz").network
    x = torch.randn(20_000, 10, generator=torch.Generator().manual_seed(1))
    for kind, error in (("spectral", 0.0118), ("direct", 0.0177)):
        student = read_network(PUBLISHED / f"{kind}_h60.npz").network
        found = (student(x) - teacher(x)).square().mean().item()
        assert abs(found / error - 1) < 0.1


def test_plain_matrices_are_taken_source_by_target(tmp_path, generator):
    w1, w2 = np.random.default_rng(0).normal(size=(2, 4, 4))
    np.savez(tmp_path / "t.npz", w1=w1[:3], w2=w2)
    network = read_network(tmp_path / "t.npz").network
    x = torch.randn(6, 3, generator=generator, dtype=torch.float64)
    expected = np.maximum(np.maximum(x.numpy() @ w1[:3], 0) @ w2, 0).sum(1)
    assert np.allclose(network(x).detach().numpy(), expected)
    np.savez(tmp_path / "linear.npz", w1=w1[:3, :1])
    linear = read_network(tmp_path / "linear.npz").network
    assert np.allclose(linear(x).detach().numpy(), x.numpy() @ w1[:3, 0])


def chain(bias: bool) -> nn.Sequential:
    return nn.Sequential(
        SpectralLinear(3, 5, bias=bias),
        nn.ReLU(),
        nn.Linear(5, 4, bias),
        nn.ReLU(),
        nn.Linear(4, 1),
    )


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
def test_state_dicts_give_the_same_outputs(tmp_path, suffix, bias, generator):
    model = chain(bias)
    path = tmp_path / f"model{suffix}"
    if suffix == ".safetensors":
        # Its keys come back sorted; the layers' numbers keep them in order here.
        save_file(model.state_dict(), path)
    else:
        torch.save(model.state_dict(), path)
    read = read_network(path)
    x = torch.randn(7, 3, generator=generator)
    assert torch.allclose(read.network(x), model(x)[:, 0], atol=1e-6)
    assert read.kind == "spectral"


def test_safetensors_of_more_than_ten_layers_keep_their_order(tmp_path, generator):
    model = nn.Sequential(
        *[layer for _ in range(12) for layer in (nn.Linear(3, 3), nn.ReLU())][:-1]
    )
    save_file(model.state_dict(), tmp_path / "deep.safetensors")
    x = torch.randn(7, 3, generator=generator)
    network = read_network(tmp_path / "deep.safetensors").network
    assert torch.allclose(network(x), model(x), atol=1e-6)


def test_masks_of_torch_prune_are_applied(tmp_path):
    model = nn.Sequential(nn.Linear(3, 2, bias=False))
    mask = torch.tensor([[1.0, 0, 1], [0, 1, 1]])
    custom_from_mask(model[0], "weight", mask)
    torch.save(model.state_dict(), tmp_path / "pruned.pt")
    (weight,) = weights(read_network(tmp_path / "pruned.pt").network)
    assert np.array_equal(weight == 0, (mask == 0).numpy().T)


def test_masks_of_biases_are_applied(tmp_path, generator):
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    for layer in (model[0], model[2]):
        custom_from_mask(layer, "weight", torch.rand(layer.weight.shape, generator=generator) < 0.5)
        custom_from_mask(layer, "bias", torch.rand(layer.bias.shape, generator=generator) < 0.5)
    torch.save(model.state_dict(), tmp_path / "pruned.pt")
    network = read_network(tmp_path / "pruned.pt").network
    x = torch.randn(7, 3, generator=generator)
    assert torch.allclose(network(x), model(x), atol=1e-6)


BAD_ARRAYS = {
    "nan": ({"w1": np.array([[1.0, np.nan]])}, "1 entries that are NaN"),
    "chain": ({"w1": np.ones((2, 3)), "w2": np.ones((4, 1))}, "chain"),
    "vector": ({"w1": np.ones(3)}, "matrix is needed"),
    "empty": ({"w1": np.ones((0, 3))}, "matrix is needed"),
    "gap": ({"w1": np.ones((2, 3)), "w3": np.ones((3, 1))}, "w1, w2"),
    "names": ({"first": np.ones((2, 3))}, "first"),
    "published": (
        {"base": np.ones((3, 4)), "diag_end": np.ones((1, 5)), "eigenvalues": np.ones((1, 4)),
         "second_layer": np.ones((4, 2))},
        "diag_end",
    ),
    "objects": ({"w1": np.array([[{}]], dtype=object)}, "pickled"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_bad_npz_is_refused_in_one_line(tmp_path, name):
    arrays, message = BAD_ARRAYS[name]
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays)
    with pytest.raises(FileFormatError, match=message) as caught:
        read_network(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


BAD_STATES = {
    "conv": ({"0.weight": torch.ones(2, 2, 3, 3)}, "matrix is needed"),
    "foreign": ({"0.running_mean": torch.ones(2)}, "running_mean"),
    "nothing": ({}, "no linear"),
    "infinite": ({"0.weight": torch.full((2, 2), torch.inf)}, "4 entries"),
    "bias": ({"0.weight": torch.ones(2, 2), "0.bias": torch.ones(3)}, "bias"),
    "mask": ({"0.weight_orig": torch.ones(2, 2), "0.weight_mask": torch.ones(3, 2)}, "_mask"),
    "integers": ({"0.weight": torch.ones(2, 2, dtype=torch.int64)}, "int64"),
    "eigenvalues": ({"0.phi": torch.ones(2, 3), "0.lambda_out": torch.ones(3)}, "lambda_out"),
    "list": ([1, 2], "state_dict"),
    "chain": ({"0.weight": torch.ones(2, 3), "1.weight": torch.ones(2, 3)}, "chain"),
}


@pytest.mark.parametrize("name", BAD_STATES)
def test_bad_state_dict_is_refused_in_one_line(tmp_path, name):
    state, message = BAD_STATES[name]
    path = tmp_path / "bad.pt"
    torch.save(state, path)
    with pytest.raises(FileFormatError, match=message) as caught:
        read_network(path)
    assert "\n" not in str(caught.value)


class Bomb:
    """A pickle of it creates a file when it is loaded."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return Path.touch, (self.target,)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_pickle_that_would_run_code_does_not(tmp_path, legacy):
    target, path = tmp_path / "owned", tmp_path / "bomb.pt"
    torch.save({"weight": Bomb(target)}, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(FileFormatError, match=r"run code.*state_dict"):
        read_network(path)
    assert not target.exists()
    torch.load(path, weights_only=False)
    assert target.exists(), "the bomb was a dud, the test shows nothing"


def sparse(tensor):
    return tensor.to_sparse()


UNUSUAL = {
    "expanded": (lambda: torch.zeros(1).expand(20_000, 20_000), "claims 400000000 entries"),
    "sparse": (lambda: sparse(torch.eye(3)), "sparse"),
    "meta": (lambda: torch.empty(2, 2, device="meta"), "0.weight"),
    "complex": (lambda: torch.ones(2, 2, dtype=torch.complex64), "complex64"),
    "float8": (lambda: torch.ones(2, 2).to(torch.float8_e4m3fn), "float8"),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_tensors_are_refused_before_they_fill_the_memory(tmp_path, name):
    make, message = UNUSUAL[name]
    torch.save({"0.weight": make()}, tmp_path / "odd.pt")
    with pytest.raises(FileFormatError, match=message) as caught:
        read_network(tmp_path / "odd.pt")
    assert "\n" not in str(caught.value)


def test_types_are_promoted_to_the_widest(tmp_path):
    w1, w2 = np.ones((3, 4), ">f8"), np.ones((4, 2), np.float32)
    np.savez(tmp_path / "mixed.npz", w1=w1, w2=w2)
    network = read_network(tmp_path / "mixed.npz").network
    assert {p.dtype for p in network.parameters()} == {torch.float64}
    np.savez(tmp_path / "whole.npz", w1=np.ones((3, 4), int), w2=w2)
    assert read_network(tmp_path / "whole.npz").network.widths == (3, 4, 2)
    torch.save({"0.weight": torch.ones(3, 2).half()}, tmp_path / "half.pt")
    (half,) = read_network(tmp_path / "half.pt").network.parameters()
    assert half.dtype == torch.float32


def test_a_frozen_all_ones_readout_is_no_layer(tmp_path, generator):
    model = nn.Sequential(
        nn.Linear(3, 5, bias=False), nn.ReLU(), nn.Linear(5, 4, bias=False), nn.ReLU(),
        nn.Linear(4, 1, bias=False),
    )  # fmt: skip
    nn.init.ones_(model[4].weight)
    torch.save(model.state_dict(), tmp_path / "m.pt")
    network = read_network(tmp_path / "m.pt").network
    assert network.widths == (3, 5, 4) and network.readout == "sum"
    x = torch.randn(7, 3, generator=generator)
    assert torch.allclose(network(x), model(x)[:, 0], atol=1e-6)


@pytest.mark.parametrize("suffix", [".npz", ".pt", ".safetensors"])
def test_whatever_is_damaged_ends_in_one_line(tmp_path, suffix):
    """300 files with a few bytes overwritten: each is read, or refused in a line."""
    path = tmp_path / f"file{suffix}"
    model = nn.Linear(6, 5)
    if suffix == ".npz":
        np.savez_compressed(path, w1=model.weight.detach().numpy().T)
    elif suffix == ".pt":
        torch.save(model.state_dict(), path)
    else:
        save_file(model.state_dict(), path)
    content, dice, refused = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(300):
        broken = bytearray(content)
        for place in dice.integers(0, len(content), dice.integers(1, 4)):
            broken[place] = dice.integers(256)
        path.write_bytes(broken)
        try:
            read_network(path)
        except FileFormatError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 30
