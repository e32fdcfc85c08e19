"""A user's mistake ends in one line on stderr and exit code 1 or 2, never in a traceback."""

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from sta.checkpoint import load_single, save_checkpoint
from sta.cli import main

PUBLISHED = Path(str(files("sta.data"))) / "published"


class Bomb:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return Path.touch, (self.target,)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny_sweep):
    """A folder with one of each wrong thing."""
    here = tmp_path_factory.mktemp("wrong")
    shard = next(iter(sorted((tiny_sweep[0] / "shards").iterdir())))
    good = load_single(shard, 0)
    save_checkpoint(good, here / "good.pt")
    (here / "text.pt").write_text("no checkpoint")
    (here / "truncated.pt").write_bytes((here / "good.pt").read_bytes()[:3000])
    torch.save({"w": Bomb(here / "owned")}, here / "bomb.pt")
    with torch.no_grad():
        good.student.chain[0].phi[0, 0] = torch.nan
    save_checkpoint(good, here / "nan.pt")
    torch.save({"0.weight": torch.ones(1, 4)}, here / "linear.pt")
    for name, seeds in (("seedless", {}), ("unseeded", {"seed": 0, "trial": "x"})):
        content = torch.load(here / "good.pt", weights_only=True)
        torch.save({**content, "seeds": seeds or [3]}, here / f"{name}.pt")
    torch.save({"0.weight": torch.ones(5, 4), "1.weight": torch.ones(2, 6)}, here / "unchained.pt")
    np.savez(here / "other_inputs.npz", w1=np.ones((7, 3)), w2=np.ones((3, 2)))
    (here / "empty").mkdir()
    (here / "foreign").mkdir()
    (here / "foreign" / "plan.json").write_text('{"format": "theirs"}')
    (here / "exists").write_text("mine")
    (here / "full").mkdir()
    (here / "full" / "thesis.txt").write_text("mine")
    (here / "typo.toml").write_text("[training]\nepochz = 3\n")
    (here / "negative.toml").write_text("[student]\nwidths = [-3]\n")
    (here / "bad.toml").write_text("widths = = 3")
    (here / "table.csv").write_text("L,x,y\n1,2,3\n")
    (here / "table.txt").write_text("L,x,y\n1,2,3\n")
    (here / "sweep").symlink_to(tiny_sweep[0])
    (here / "shard.pt").symlink_to(shard)
    return here


CASES = {
    "missing file": ("analyze none.pt", 1, "none.pt does not exist"),
    "missing teacher": ("analyze good.pt --teacher none.npz", 1, "none.npz does not exist"),
    "no checkpoint": ("analyze text.pt", 1, "text.pt"),
    "pickle": ("analyze bomb.pt", 1, "could run code"),
    "truncated": ("analyze truncated.pt", 1, "damaged"),
    "NaN": ("analyze nan.pt", 1, "NaN"),
    "unchained": ("analyze unchained.pt", 1, "must chain"),
    "other inputs": ("analyze good.pt --teacher other_inputs.npz", 1, "4 inputs but the teacher 7"),
    "no hidden layer": ("analyze linear.pt", 1, "no hidden layer"),
    "no seeds": ("analyze seedless.pt", 1, "seeds is not the dict"),
    "damaged seeds": ("analyze unseeded.pt", 1, "damaged"),
    "two ways to prune": ("prune good.pt --keep 2 --threshold 0.1 -o x.pt", 2, "--keep"),
    "prune to nothing": ("prune good.pt --threshold nan -o x.pt", 1, "nan"),
    "foreign suffix": ("train demo --epochs 0 -o x.npz", 1, "x.pt"),
    "columns of a sweep": ("collapse sweep --x a", 2, "--x"),
    "size of a sweep": ("collapse sweep --size h", 2, "student_width"),
    "no source": ("collapse", 2, "--oracle"),
    "source and oracle": ("collapse sweep --oracle mock", 2, "--oracle"),
    "no such oracle": ("collapse --oracle percolaton", 1, "'percolation'"),
    "sizes of an oracle": ("collapse --oracle mock --sizes 8,x", 2, "--sizes 8,x"),
    "option of another oracle": ("collapse --oracle mock --trials 0", 2, "--trials"),
    "coverage of one trial": ("coverage --trials 1", 2, "--trials 1"),
    "no such study": ("coverage graphs", 2, "graphs"),
    "long name": ("analyze " + 300 * "x", 1, "name too long"),
    "ensemble": ("analyze shard.pt", 1, "--member"),
    "no such member": ("analyze shard.pt --member 99", 1, "99"),
    "threshold": ("analyze good.pt --threshold 1.5", 2, "1.5"),
    "folder": ("analyze empty", 1, "not a file"),
    "prune no teacher": ("prune unchained.pt -o x.pt", 1, "must chain"),
    "prune too many": ("prune good.pt --keep 99 -o x.pt", 1, "99"),
    "prune exists": ("prune good.pt -o exists", 1, "exists already"),
    "prune no out": ("prune good.pt", 2, "--out"),
    "empty sweep": ("collapse empty", 1, "no sweep directory"),
    "foreign sweep": ("report foreign", 1, "theirs"),
    "status of nothing": ("sweep status none", 1, "no sweep directory"),
    "unfinished": ("report empty", 1, "no sweep directory"),
    "typo": ("sweep run typo.toml out", 1, "did you mean 'epochs'"),
    "no preset": ("sweep run papr out", 1, "papr does not exist"),
    "no TOML": ("sweep run bad.toml out", 1, "not TOML"),
    "negative width": ("sweep run negative.toml out", 1, "-3"),
    "negative width option": ("train --width -3", 2, "-3"),
    "out is a file": ("sweep run demo exists", 1, "exists"),
    "out is another folder": ("sweep run demo full", 1, "no sweep"),
    "other settings": ("sweep run demo sweep", 1, "other settings"),
    "train exists": ("train demo --epochs 0 -o exists", 1, "exists already"),
    "unknown kind": ("train demo --kind spectrl --epochs 0 -o x.pt", 1, "'spectral'"),
    "no cuda": ("train demo --device warp -o x.pt", 1, "warp"),
    "demo into a foreign folder": ("demo full", 1, "no sweep"),
    "report exists": ("report sweep -o exists", 1, "exists already"),
    "table without columns": ("collapse table.csv", 2, "--size"),
    "wrong column": ("collapse table.csv --x xx --y y --size L", 1, "'x'"),
    "no table": ("collapse table.txt --x x --y y --size L", 1, "table.txt"),
    "missing table": ("collapse none.csv --x x --y y --size L", 1, "none.csv does not exist"),
    "unknown command": ("analyse good.pt", 2, "analyse"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_one_line(folder, name, monkeypatch):
    line, code, message = CASES[name]
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(main, line.split())
    assert result.exit_code == code, (result.output, result.exception)
    assert not result.stdout
    last = result.stderr.strip().splitlines()
    assert last[-1].startswith("Error: ") and message in last[-1]
    if code == 1:
        assert len(last) == 1
    assert not (folder / "owned").exists()
    assert not (folder / "x.pt").exists() and not (folder / "out").exists()
    assert (folder / "exists").read_text() == "mine"


def test_the_installed_command_prints_no_traceback(folder):
    command = [str(Path(sys.executable).parent / "sta"), "analyze", str(folder / "bomb.pt")]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1 and not result.stdout
    assert result.stderr.count("\n") == 1 and "Traceback" not in result.stderr
    assert not (folder / "owned").exists()
