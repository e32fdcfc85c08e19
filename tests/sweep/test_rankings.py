"""Ramps under other rankings, against the sweep's own and against plain pruning."""

import ast
import shutil
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from pandas.testing import assert_frame_equal

import sta.sweep
from sta.errors import ConfigError, FileFormatError
from sta.spectral import masked_forward, member
from sta.sweep import config_from_table, read_plan, run_sweep, shards_of
from sta.sweep.config import merge
from sta.sweep.material import dataset_of
from sta.sweep.rankings import magnitude, ranked_ramps, removal_cost
from tiny import TINY


def brute(network, order, n, data):
    """The error with the first n units of an order kept, by a plain masked forward pass."""
    mask = torch.zeros(network.widths[1], dtype=torch.bool)
    mask[list(order[:n])] = True
    double = network.double()
    with torch.no_grad():
        return float((masked_forward(double, {0: mask}, data.x) - data.y).square().mean())


def every(folder):
    """Address, network, teacher and test patterns of all students."""
    plan = read_plan(folder)
    for number, stack in shards_of(folder, plan):
        for k, student in enumerate(plan.shards[number]):
            teacher = member(stack.teacher, k)
            test = dataset_of(plan.config, student, teacher, "test")
            yield plan, student, member(stack.student, k), teacher, test


def test_the_sweeps_own_importance_gives_its_ramps(tiny_sweep):
    folder, tables = tiny_sweep
    found = ranked_ramps(folder, ("importance",))
    assert (found.pop("ranking") == "importance").all()
    assert_frame_equal(found, tables.ramps, check_exact=True)


def test_a_shard_of_one_student_gives_its_ramps_too(tmp_path):
    alone = {"teacher": {"draws": 1}, "student": {"widths": [6], "trials": 1}}
    table = merge(merge(TINY, alone), {"training": {"epochs": 2, "dtype": "float32"}})
    tables = run_sweep(config_from_table(table), tmp_path / "out", workers=1)
    found = ranked_ramps(tmp_path / "out", ("importance",)).drop(columns="ranking")
    assert_frame_equal(found, tables.ramps, check_exact=True)


def test_magnitude_ramp_equals_masking(tiny_sweep):
    folder, _ = tiny_sweep
    found = ranked_ramps(folder, ("magnitude",)).set_index("student_id")
    for _, student, network, _, test in every(folder):
        incoming = network.chain[0].effective_weight().detach().numpy()
        outgoing = network.chain[1].effective_weight().detach().numpy()
        score = np.linalg.norm(incoming, axis=1) * np.linalg.norm(outgoing, axis=0)
        order = np.argsort(-score, kind="stable")
        mse = found.loc[student.name, "mse"].to_numpy()
        expected = [brute(network, order, n, test) for n in range(len(order) + 1)]
        assert np.allclose(mse, expected, rtol=1e-10)


def test_magnitude_of_a_summed_layer_is_the_incoming_norm(tiny_sweep):
    *_, (_, _, network, _, _) = every(tiny_sweep[0])
    last = network.chain[-1].effective_weight().detach()
    ratio = magnitude(network, 1) / last.norm(dim=-1)
    assert torch.allclose(ratio, ratio[0].expand_as(ratio))


def test_random_orders_keep_the_ends_and_pair_the_kinds(tiny_sweep):
    folder, tables = tiny_sweep
    found = ranked_ramps(folder, ("random",), seed=1)
    own = tables.ramps
    assert np.array_equal(found["student_id"], own["student_id"])
    last = found["n_kept"] == found["student_width"]
    ends = last | (found["n_kept"] == 0)
    assert np.allclose(found["mse"][ends], own["mse"][ends], rtol=1e-12)
    assert not np.allclose(found["mse"], own["mse"])
    assert (found["delta_mse"][last] == 0).all()
    assert_frame_equal(found, ranked_ramps(folder, ("random",), seed=1))
    assert not np.allclose(found["mse"], ranked_ramps(folder, ("random",), seed=2)["mse"])


def test_one_random_order_by_masking_is_shared_by_the_kinds(tiny_sweep):
    """Some order reproduces the whole curve of a spectral student, and its direct twin's."""
    folder, _ = tiny_sweep
    found = ranked_ramps(folder, ("random",)).set_index("student_id")
    four = [item for item in every(folder) if item[1].student_width == 4 and item[1].trial == 1]
    orders = {}
    for _, student, network, _, test in four:
        mse = found.loc[student.name, "mse"].to_numpy()
        fits = [
            order
            for order in permutations(range(4))
            if np.allclose([brute(network, order, n, test) for n in range(5)], mse, rtol=1e-10)
        ]
        orders.setdefault(student.teacher_seed, []).append(set(fits))
    for first, second in orders.values():
        assert first and first & second


def test_the_teacher_loses_its_cheapest_unit_first(tiny_sweep):
    folder, _ = tiny_sweep
    found = ranked_ramps(folder, ("teacher",))
    assert found["student_id"].unique().tolist() == ["teacher-t3.0", "teacher-t3.1"]
    assert (found["kind"] == "teacher").all() and (found["ranking"] == "teacher").all()
    assert (found["mse"][found["n_kept"] == 3] < 1e-28).all()
    seen = set()
    for plan, student, _, teacher, test in every(folder):
        if student.teacher_seed in seen:
            continue
        seen.add(student.teacher_seed)
        train = dataset_of(plan.config, student, teacher, "train")
        first, second = (layer.weight.detach().numpy() for layer in teacher.chain)
        units = np.maximum(train.x.numpy() @ first.T, 0)

        def output(kept, units=units, second=second):
            return np.maximum((units * kept) @ second.T, 0).sum(axis=1)

        cost = [((output(np.arange(3) != i) - output(1)) ** 2).mean() for i in range(3)]
        assert np.allclose(removal_cost(teacher, 0, train), cost, rtol=1e-10)
        order = np.argsort(-np.array(cost), kind="stable")
        name = f"teacher-t3.{student.teacher_seed}"
        mse = found[found["student_id"] == name]["mse"].to_numpy()
        expected = [brute(teacher, order, n, test) for n in range(4)]
        assert np.allclose(mse, expected, rtol=1e-10, atol=1e-20)


def test_refusals(tiny_sweep, tmp_path):
    folder, _ = tiny_sweep
    with pytest.raises(ConfigError, match="'size' is unknown"):
        ranked_ramps(folder, ("size",))
    with pytest.raises(FileFormatError, match="no sweep directory"):
        ranked_ramps(tmp_path)
    shutil.copytree(folder, tmp_path / "part")
    next(iter((tmp_path / "part" / "shards").iterdir())).unlink()
    with pytest.raises(FileFormatError, match="3 of 4 shards"):
        ranked_ramps(tmp_path / "part")
    assert ranked_ramps(folder, ()).empty


def test_a_linear_teacher_has_no_units(tmp_path):
    settings = {"teacher": {"kind": "linear", "draws": 1, "later_widths": []}}
    table = merge(merge(TINY, settings), {"training": {"epochs": 1}})
    table["student"]["later_widths"] = [4]
    run_sweep(config_from_table(table), tmp_path / "out", workers=1)
    assert len(ranked_ramps(tmp_path / "out"))
    with pytest.raises(ConfigError, match="no hidden units"):
        ranked_ramps(tmp_path / "out", ("teacher",))


def test_diverged_students_are_left_out(tmp_path):
    settings = {"kinds": {"direct": {"learning_rate": 1e160}}, "student": {"widths": [4]}}
    table = merge(merge(TINY, settings), {"training": {"epochs": 2}})
    tables = run_sweep(config_from_table(table), tmp_path / "out", workers=1)
    healthy = tables.students[tables.students["status"] == "ok"]["student_id"]
    assert 0 < len(healthy) < len(tables.students)
    found = ranked_ramps(tmp_path / "out", ("importance", "magnitude"))
    assert set(found["student_id"]) == set(healthy)
    assert isinstance(found, pd.DataFrame) and np.isfinite(found["mse"]).all()


def test_the_sweep_does_not_import_the_analysis():
    for path in Path(sta.sweep.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.startswith("sta.analysis") for name in names), path
