import numpy as np
import pytest
import torch

from sta.checkpoint import (
    Checkpoint,
    load_checkpoint,
    load_single,
    save_checkpoint,
    take_member,
    weights,
)
from sta.errors import FileFormatError, StaError
from sta.files import check_seal
from sta.sweep import read_plan, shards_of


@pytest.fixture
def shard(tiny_sweep):
    folder, _ = tiny_sweep
    return next(iter(sorted((folder / "shards").iterdir())))


def test_round_trip_keeps_every_bit(tmp_path, shard):
    first = load_single(shard, 2)
    save_checkpoint(first, tmp_path / "one.pt")
    again = load_single(tmp_path / "one.pt")
    for name, tensor in first.student.state_dict().items():
        assert torch.equal(again.student.state_dict()[name], tensor)
    assert again.student.spec() == first.student.spec()
    assert (again.kind, again.config, again.seeds, again.metrics) == (
        first.kind, first.config, first.seeds, first.metrics,
    )  # fmt: skip
    assert again.versions["torch"] == torch.__version__


def test_only_plain_types_and_tensors_are_stored(shard):
    def plain(value):
        if isinstance(value, dict):
            return all(isinstance(k, str) and plain(v) for k, v in value.items())
        if isinstance(value, list):
            return all(map(plain, value))
        return value is None or isinstance(value, str | int | float | bool | torch.Tensor)

    content = torch.load(shard, weights_only=True)
    assert plain({k: v for k, v in content.items() if k != "student"})
    assert plain(dict(content["student"]["state"])) and plain(content["student"]["spec"])


def test_a_member_of_the_file_is_the_member_of_the_stack(tiny_sweep):
    folder, _ = tiny_sweep
    for _, stack in shards_of(folder, read_plan(folder)):
        for k, row in enumerate(stack.metrics["students"]):
            one = take_member(stack, k)
            for name, tensor in one.student.state_dict().items():
                assert torch.equal(tensor, stack.student.state_dict()[name][k])
            assert one.metrics["student_id"] == row["student_id"]
            assert one.seeds["trial"] == row["trial"]


def test_weights_are_source_by_target(shard):
    one = load_single(shard, 0)
    first = one.student.chain[0]
    assert np.array_equal(weights(one.student)[0], first.effective_weight().detach().numpy().T)


def test_members_that_do_not_exist(shard, tmp_path):
    with pytest.raises(StaError, match="holds 4 students"):
        load_single(shard)
    with pytest.raises(StaError, match="members are 0 to 3"):
        load_single(shard, 4)
    save_checkpoint(load_single(shard, 0), tmp_path / "one.pt")
    with pytest.raises(StaError, match="one student"):
        load_single(tmp_path / "one.pt", 1)


def test_a_checkpoint_cut_anywhere_is_refused(shard, tmp_path):
    content = shard.read_bytes()
    path = tmp_path / "cut.pt"
    for size in [0, 1, 3, 4, 100, *np.linspace(200, len(content) - 1, 25, dtype=int)]:
        path.write_bytes(content[:size])
        with pytest.raises(FileFormatError) as caught:
            load_checkpoint(path)
        assert "\n" not in str(caught.value)


def test_files_that_are_no_checkpoints(tmp_path):
    path = tmp_path / "text.pt"
    for text in ("hello", "", "PK\x03\x04 no zip", "{}"):
        path.write_text(text)
        with pytest.raises(FileFormatError):
            load_checkpoint(path)


def damaged(checkpoint: Checkpoint, change) -> dict:
    content = {
        "format": "sta.checkpoint", "version": 1, "kind": "spectral", "config": {}, "seeds": {},
        "student": {
            "spec": checkpoint.student.spec(), "state": dict(checkpoint.student.state_dict())
        },
        "teacher": None, "metrics": {}, "versions": {},
    }  # fmt: skip
    change(content)
    return content


CHANGES = {
    "version": lambda c: c.update(version=99),
    "student": lambda c: c.pop("student"),
    "spec": lambda c: c["student"].update(spec=[]),
    "layers": lambda c: c["student"]["spec"].update(layers=[]),
    "layer": lambda c: c["student"]["spec"]["layers"][0].update(type=3),
    "readout": lambda c: c["student"]["spec"].update(readout="loud"),
    "ids": lambda c: c["student"]["spec"].update(unit_ids=[[0], [1]]),
    "train": lambda c: c["student"]["spec"]["layers"][0].update(train=["lambda"]),
    "tensor": lambda c: c["student"]["state"].pop("layers.0.phi"),
    "shape": lambda c: c["student"]["state"].update({"layers.0.lambda_out": torch.ones(99)}),
    "nan": lambda c: c["student"]["state"]["layers.0.phi"].fill_(torch.nan),
    "type": lambda c: c["student"]["state"].update({"layers.0.phi": "text"}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_checkpoint_with_wrong_content_is_refused(name, shard, tmp_path):
    path = tmp_path / "wrong.pt"
    torch.save(damaged(load_single(shard, 0), CHANGES[name]), path)
    with pytest.raises(FileFormatError) as caught:
        load_single(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def test_an_unchanged_content_is_read(shard, tmp_path):
    """The twelve refusals above are due to their one change each."""
    path = tmp_path / "right.pt"
    torch.save(damaged(load_single(shard, 0), dict), path)
    assert load_single(path).student.widths == load_single(shard, 0).student.widths


def test_a_seal_notices_every_cut_and_every_bit_of_its_end(shard, tmp_path):
    content, path = shard.read_bytes(), tmp_path / "cut.pt"
    path.write_bytes(content)
    check_seal(path)
    for size in range(len(content) - 120, len(content)):
        path.write_bytes(content[:size])
        with pytest.raises(FileFormatError):
            load_checkpoint(path)
        for bit in range(8):
            damaged = bytearray(content)
            damaged[size] ^= 1 << bit
            path.write_bytes(damaged)
            with pytest.raises(FileFormatError):
                load_checkpoint(path)
