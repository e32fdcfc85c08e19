"""`sta export` on real input, and its users' mistakes."""

import json
from importlib.resources import files
from pathlib import Path

import networkx
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import nn

from sta.analysis.graph.formats.exports import GRAPH_FORMATS, read_graph
from sta.analysis.network_graph import load_graph
from sta.cli import main

PUBLISHED = Path(str(files("sta.data"))) / "published"
STUDENT = PUBLISHED / "spectral_h60.npz"


def run(*arguments, code=0):
    result = CliRunner().invoke(main, ["export", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize("suffix", GRAPH_FORMATS)
def test_a_student_in_every_format(tmp_path, suffix):
    out = tmp_path / f"student.{suffix}"
    line = run(STUDENT, "-o", out, "--threshold", "0.05").stdout
    assert line == f"{out}: 10-27-20, 57 nodes and 810 edges\n"
    graph, expected = read_graph(out), load_graph(STUDENT, threshold=0.05)
    assert all(np.array_equal(a, b) for a, b in zip(graph.layers, expected.layers, strict=True))
    assert graph.properties == expected.properties and graph.role == "student"


def test_nothing_is_pruned_unless_asked_for(tmp_path):
    report = json.loads(run(STUDENT, "-o", tmp_path / "g.npz", "--json").stdout)
    assert report["widths"] == [10, 60, 20] and report["nodes"] == 90
    assert report["format"] == "sta.export/1" and report["role"] == "student"
    arrays = np.load(STUDENT)
    first = arrays["base"] * arrays["diag_end"]
    assert report["edges"] == np.count_nonzero(first) + np.count_nonzero(arrays["second_layer"])


def test_tables_are_three_files(tmp_path):
    report = json.loads(run(STUDENT, "-o", tmp_path / "g.csv", "--json").stdout)
    assert sorted(report["files"]) == sorted(map(str, tmp_path.iterdir()))
    assert len(report["files"]) == 3 and report["files"][-1] == str(tmp_path / "g.csv")


def test_members_teachers_and_formats(tiny_sweep, tmp_path):
    shard = next(iter(sorted((tiny_sweep[0] / "shards").iterdir())))
    run(shard, "--member", "1", "-o", tmp_path / "s", "--format", "graphml")
    run(shard, "--member", "1", "--role", "teacher", "-o", tmp_path / "t.graphml")
    roles = [networkx.read_graphml(tmp_path / name).graph["role"] for name in ("s", "t.graphml")]
    assert roles == ["student", "teacher"]


def test_biases_and_conversion(tmp_path):
    torch.save(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).state_dict(),
               tmp_path / "net.pt")  # fmt: skip
    run(tmp_path / "net.pt", "-o", tmp_path / "net.gml", "--bias")
    run(tmp_path / "net.gml", "-o", tmp_path / "net.json")
    assert read_graph(tmp_path / "net.json").widths == (4, 5, 2)


def test_what_has_no_suffix_is_read_by_its_format(tmp_path):
    run(STUDENT, "-o", tmp_path / "x", "--format", "csv")
    run(tmp_path / "x", "--from", "csv", "-o", tmp_path / "y.json")
    again, expected = read_graph(tmp_path / "y.json"), load_graph(STUDENT)
    assert all(np.array_equal(a, b) for a, b in zip(again.layers, expected.layers, strict=True))
    assert again.properties == expected.properties


def test_edges_of_another_program(tmp_path):
    (tmp_path / "e.csv").write_text("source,target,strength,depth\na,c,1,3\nb,d,-0.5,3")
    names = ("--weight-attribute", "strength", "--layer-attribute", "depth")
    line = run(tmp_path / "e.csv", *names, "-o", tmp_path / "e.graphml").stdout
    assert "2-2, 4 nodes and 2 edges" in line
    assert read_graph(tmp_path / "e.graphml").layers[0].tolist() == [[1.0, 0.0], [0.0, -0.5]]


@pytest.fixture
def folder(tmp_path, tiny_sweep, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.npz").write_bytes(STUDENT.read_bytes())
    (tmp_path / "shard.pt").symlink_to(next(iter(sorted((tiny_sweep[0] / "shards").iterdir()))))
    (tmp_path / "text.gml").write_text("no graph")
    (tmp_path / "exists.gml").write_text("mine")
    (tmp_path / "taken.nodes.csv").write_text("mine")
    (tmp_path / "edges.csv").write_text("source,target,w\na,b,1\n")
    return tmp_path


MISTAKES = {
    "missing": ("none.pt -o x.gml", 1, "none.pt does not exist"),
    "no graph": ("text.gml -o x.gml", 1, "text.gml is damaged or no graph"),
    "exists": ("net.npz -o exists.gml", 1, "exists already"),
    "table exists": ("net.npz -o taken.csv", 1, "taken.nodes.csv exists already"),
    "suffix": ("net.npz -o x.png", 1, "choose from npz, csv"),
    "no suffix": ("net.npz -o x", 1, "choose from npz, csv"),
    "format": ("net.npz -o x.gml --format png", 2, "png"),
    "threshold": ("net.npz -o x.gml --threshold 1", 2, "--threshold"),
    "threshold nan": ("net.npz -o x.gml --threshold nan", 1, "nan"),
    "no out": ("net.npz", 2, "--out"),
    "no teacher": ("net.npz -o x.gml --role teacher", 1, "holds no teacher"),
    "no biases": ("net.npz -o x.gml --bias", 1, "net.npz holds no biases"),
    "long name": (f"net.npz -o {'x' * 300}.gml", 1, "cannot write"),
    "wrong format": ("edges.csv --from gml -o x.gml", 1, "edges.csv is damaged or no graph"),
    "no weight": ("edges.csv -o x.gml", 1, "--weight-attribute NAME"),
    "attribute": ("net.npz --layer-attribute l -o x.gml", 1, "net.npz is no graph file"),
    "ensemble": ("shard.pt -o x.gml", 1, "--member"),
    "folder": (". -o x.gml", 1, "not a file"),
    "folder of out": ("net.npz -o exists.gml/x.gml", 1, "cannot write"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_and_leaves_no_file(folder, name):
    line, code, message = MISTAKES[name]
    before = sorted(folder.iterdir())
    result = run(*line.split(), code=code)
    last = result.stderr.strip().splitlines()
    assert not result.stdout and last[-1].startswith("Error: ") and message in last[-1]
    assert code == 2 or len(last) == 1
    assert sorted(folder.iterdir()) == before and (folder / "exists.gml").read_text() == "mine"
