"""Whole studies: what is frozen, what is paired, what is refused, and that runs go on."""

import copy
import json
from itertools import chain

import numpy as np
import pytest
import torch

from sta.checkpoint import load_single
from sta.errors import ConfigError, FileFormatError, StaError
from sta.transfer import (
    OBJECTIVES,
    Objective,
    Training,
    accuracy,
    load_material,
    split,
    train_students,
)
from sta.transfer.checkpoints import conv_from, conv_member
from sta.transfer.networks import features_of, make_dense_network, read
from sta.transfer.objectives import objectives_named
from sta.transfer.students import make_factors
from sta.transfer.study import Classroom, Study, run_study

QUICK = Training(steps=40)
CONV = {"teacher": "conv:4,6", "student": "spectral-conv:3,4"}
ALL = ["labels", "soft", "factor", "factor+soft", "random-paraphraser", "hint", "pseudo-labels"]


def quick(**given):
    return Study(
        **{"seeds": 2, "training": QUICK, "teacher_steps": 40, "paraphraser_steps": 20, **given}
    )


@pytest.fixture(scope="module")
def room():
    return Classroom(quick())


def test_splits_are_stratified_and_disjoint():
    material = load_material("digits")
    found = split(material, [3, 4], 50)
    for k in range(2):
        parts = [getattr(found, name)[k].tolist() for name in ("training", "validation", "test")]
        assert sorted(chain(*parts)) == list(range(1797))
        assert [len(part) for part in parts] == [1078, 179, 540]
        for part in parts:
            share = np.bincount(material.y[part], minlength=10) / len(part)
            assert np.allclose(share, np.bincount(material.y) / 1797, atol=0.01)
        classes = material.y[np.array(parts[0])[found.labelled[k]]]
        assert np.bincount(classes).tolist() == [5] * 10
    assert set(found.test[0].tolist()) != set(found.test[1].tolist())
    uneven = split(material, [3], 23).labelled
    assert uneven.shape == (1, 23)
    assert split(material, [3], None).labelled.shape == (1, 1078)


def test_teacher_and_paraphraser_stay_bit_identical(room):
    """And gradients reach the student and its translator alone."""
    objective = OBJECTIVES["factor+soft"]
    factors = make_factors(room.signals, objective, room.generators("factor"), steps=20)
    frozen = [room.teacher, factors.paraphraser]
    before = [copy.deepcopy(one.state_dict()) for one in frozen]
    student = room.network("spectral:16", "student")
    untrained = copy.deepcopy(student.state_dict())
    x, y = room.sets["training"]
    train_students(
        student, x, y, room.splits.labelled, objective, room.signals, factors,
        room.generators("student batches"), QUICK,
    )  # fmt: skip
    for one, state in zip(frozen, before, strict=True):
        assert all(torch.equal(value, state[name]) for name, value in one.state_dict().items())
        assert not any(p.requires_grad or p.grad is not None for p in one.parameters())
    moved = {name for name, value in student.state_dict().items()
             if not torch.equal(value, untrained[name])}  # fmt: skip
    assert "layers.0.phi" in moved and "layers.0.lambda_out" in moved
    assert "layers.0.lambda_in" not in moved


def test_cached_signals_are_those_of_shuffled_patterns(room):
    """The teacher asked again about any patterns says what was kept under their numbers."""
    x, _ = room.sets["training"]
    part = torch.stack([torch.randperm(x.shape[1])[:30] for _ in range(2)])
    rows = torch.arange(2)[:, None]
    maps = features_of(room.teacher, x[rows, part])
    assert torch.allclose(room.signals.maps[rows, part], maps, atol=1e-6)
    logits = read(room.teacher, maps)
    assert torch.allclose(room.signals.logits[rows, part], logits, atol=1e-5)


def test_accuracy_leaves_the_mode_as_it_was(room):
    student = room.network("spectral:16", "student")
    for training in (True, False):
        student.train(training)
        found = accuracy(student, *room.sets["test"])
        assert student.training is training
        x, y = room.sets["test"]
        assert float(found[1]) == pytest.approx(
            float((student(x)[1].argmax(-1) == y[1]).float().mean())
        )


@pytest.mark.parametrize("given", [{}, CONV])
def test_seeds_together_are_seeds_one_by_one(given):
    """Members of an ensemble end as they would alone, to rounding."""
    study = quick(**given, training=Training(steps=15))
    wanted = objectives_named(["labels", "factor+soft"])
    together = run_study(study, wanted)
    alone = run_study(study, wanted, batched=False)
    for a, b in zip(together, alone, strict=True):
        assert (a["objective"], a["member"]) == (b["objective"], b["member"])
        assert a["test_accuracy"] == pytest.approx(b["test_accuracy"], abs=0.006)
        assert a["teacher_accuracy"] == pytest.approx(b["teacher_accuracy"], abs=0.006)


def test_controls_are_what_they_say(room):
    """Pseudo-labels of a teacher that is always right are the labels; a hint has no paraphraser."""
    x, y = room.sets["training"]
    right = torch.nn.functional.one_hot(y, 10).float()
    signals = type(room.signals)(right, room.signals.maps)
    ends = []
    for objective in (Objective("labels"), Objective("pseudo", pseudo=True)):
        student = room.network("spectral:16", "student")
        train_students(student, x, y, room.splits.labelled, objective, signals, None,
                       room.generators("student batches"), QUICK)  # fmt: skip
        ends.append(student.state_dict())
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    hint = objectives_named(["hint"])[0]
    assert make_factors(room.signals, hint, room.generators("factor"), steps=20).paraphraser is None
    untrained = objectives_named(["random-paraphraser"])[0]
    found = make_factors(room.signals, untrained, room.generators("factor"), steps=20)
    assert torch.all(found.reconstruction > 0.5)
    attention = objectives_named(["attention"])[0]
    with pytest.raises(ConfigError, match="one pixel"):
        make_factors(room.signals, attention, room.generators("factor"), steps=20)


@pytest.mark.parametrize("given", [{}, CONV, {"heard": "all"}, {"labels": None}])
def test_every_objective_trains(given, tmp_path):
    names = [*ALL, "attention"] if given is CONV else ALL
    rows = run_study(quick(**given, training=Training(steps=5)), objectives_named(names), tmp_path)
    assert [row["objective"] for row in rows] == [name for name in names for _ in range(2)]
    for row in rows:
        assert all(0.0 <= row[f"{part}_accuracy"] <= 1.0 for part in ("training", "test"))
        assert row["accuracy_of_units"][-1] == pytest.approx(row["test_accuracy"], abs=1e-6)
    for name in names:
        kept = load_single(tmp_path / "students" / f"{name}.pt", 1)
        assert kept.teacher is not None and kept.student.widths[-1] == 10


def test_runs_go_on_and_repeat(tmp_path):
    """Interrupted after any objective, the file is the same in the end; so it is run twice."""
    wanted = objectives_named(["labels", "soft", "hint"])
    study = quick(training=Training(steps=5))
    run_study(study, wanted, tmp_path / "whole")
    run_study(study, wanted[:1], tmp_path / "parts")
    seen = []
    rows = run_study(
        study, wanted, tmp_path / "parts", on_progress=lambda k, n: seen.append((k, n))
    )
    whole = (tmp_path / "whole" / "runs.jsonl").read_text()
    assert whole == (tmp_path / "parts" / "runs.jsonl").read_text()
    assert [json.loads(line) for line in whole.splitlines()] == rows
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]
    again = run_study(study, wanted, tmp_path / "whole")
    assert again == rows
    with pytest.raises(FileFormatError, match="another study"):
        run_study(quick(labels=60, training=Training(steps=5)), wanted, tmp_path / "whole")
    (tmp_path / "whole" / "study.json").write_text("[]")
    with pytest.raises(FileFormatError):
        run_study(study, wanted, tmp_path / "whole")


def test_conv_checkpoints(tmp_path):
    study = quick(**CONV, training=Training(steps=5))
    (row, _) = run_study(study, objectives_named(["soft"]), tmp_path)
    path = tmp_path / "students" / "soft.pt"
    content = torch.load(path, weights_only=True)
    student = conv_member(conv_from(content, "student", path), 0)
    room = Classroom(study)
    x, y = room.sets["test"]
    assert float(accuracy(student, x[0], y[0])) == pytest.approx(row["test_accuracy"])
    with pytest.raises(StaError, match="choose one with --member 0 to 1"):
        load_single(path)
    with pytest.raises(StaError, match="--member 5 does not exist"):
        load_single(path, 5)
    content["student"]["state"]["layers.0.phi"][0, 0] = float("nan")
    with pytest.raises(FileFormatError, match=r"layers\.0\.phi"):
        conv_from(content, "student", path)
    with pytest.raises(FileFormatError, match="not a whole checkpoint"):
        conv_from({"version": 1}, "student", path)
    with pytest.raises(FileFormatError, match="version 9"):
        conv_from({"version": 9}, "student", path)


def test_a_teacher_from_a_file(tmp_path):
    first = run_study(quick(training=Training(steps=5)), objectives_named(["labels"]), tmp_path)
    del first
    from sta.checkpoint import Checkpoint, save_checkpoint

    teacher = load_single(tmp_path / "students" / "labels.pt", 0).teacher
    save_checkpoint(Checkpoint(teacher), tmp_path / "teacher.pt")
    study = quick(teacher=str(tmp_path / "teacher.pt"), training=Training(steps=5))
    room = Classroom(study)
    assert torch.equal(room.teacher.chain[0].weight[1], teacher.chain[0].weight)
    other = make_dense_network((10, 5, 10), [np.random.default_rng(0)])
    from sta.spectral import member

    save_checkpoint(Checkpoint(member(other, 0)), tmp_path / "other.pt")
    with pytest.raises(ConfigError, match="reads 10 inputs and has 10 classes; the data have 64"):
        Classroom(quick(teacher=str(tmp_path / "other.pt")))
    with pytest.raises(ConfigError, match="another kind"):
        Classroom(quick(teacher=str(tmp_path / "teacher.pt"), student="conv:3,4"))


def npz(path, **arrays):
    np.savez(path, **arrays)
    return str(path)


def test_material_of_a_user(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((90, 7)), np.repeat([0, 1, 2], 30)
    material = load_material(npz(tmp_path / "a.npz", x=x, y=y))
    assert material.classes == 3 and material.x.shape == (90, 7)
    torch.save({"x": torch.from_numpy(x), "y": torch.from_numpy(y)}, tmp_path / "a.pt")
    assert np.array_equal(load_material(str(tmp_path / "a.pt")).x, material.x)
    study = quick(data=str(tmp_path / "a.pt"), labels=9, teacher="dense:5", student="spectral:6")
    assert len(run_study(study, objectives_named(["soft"]))) == 2
    synthetic = load_material("synthetic")
    assert np.bincount(synthetic.y).tolist() == [500] * 4
    assert np.array_equal(synthetic.x, load_material("synthetic").x)


BAD = {
    "one class": ({"x": np.zeros((20, 3)), "y": np.zeros(21)}, "one y a pattern"),
    "fractions": ({"x": np.zeros((20, 3)), "y": np.full(20, 0.5)}, "classes 0, 1"),
    "gaps": ({"x": np.zeros((20, 3)), "y": np.repeat([0, 2], 10)}, "have gaps"),
    "not finite": ({"x": np.full((20, 3), np.nan), "y": np.repeat([0, 1], 10)}, "NaN"),
    "no y": ({"x": np.zeros((20, 3))}, "no arrays x and y"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files(name, tmp_path):
    arrays, words = BAD[name]
    with pytest.raises(FileFormatError, match=words):
        load_material(npz(tmp_path / "bad.npz", **arrays))


REFUSED = {
    "fewer labels than classes": ({"labels": 9}, "9 labels: give 10"),
    "more labels than patterns": ({"labels": 5000}, "1078"),
    "no network": ({"student": "deep:3"}, "describes no network"),
    "two kinds": ({"student": "conv:3"}, "two dense or two"),
    "maps of two sizes": ({**CONV, "student": "conv:3"}, "as many convolutions"),
    "rate": ({"rate": 0.001}, "no channel"),
    "vectors for convolutions": ({**CONV, "data": "synthetic"}, "needs images"),
    "set": ({"heard": "none"}, "choose same or all"),
    "seeds": ({"seeds": 0}, "seeds = 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name):
    given, words = REFUSED[name]
    with pytest.raises(ConfigError, match=words):
        run_study(quick(**given), objectives_named(["factor"]))


def test_rare_classes_are_refused(tmp_path):
    y = np.concatenate([np.zeros(40), np.ones(40), np.full(4, 2)]).astype(int)
    with pytest.raises(ConfigError, match="class 2 has 4 patterns"):
        split(load_material(npz(tmp_path / "a.npz", x=np.ones((84, 3)), y=y)), [0], 10)


def test_objectives_are_checked():
    with pytest.raises(ConfigError, match="'hard' is unknown"):
        objectives_named(["hard"])
    with pytest.raises(ConfigError, match="named twice"):
        objectives_named(["soft", "soft"])
    with pytest.raises(ConfigError, match="not all 0"):
        Objective("none", 0.0)
    with pytest.raises(ConfigError, match="temperature"):
        Objective("cold", temperature=0.0)
    with pytest.raises(ConfigError, match="needs a teacher"):
        train_students(None, None, None, None, OBJECTIVES["soft"], None, None, [], QUICK)


@pytest.mark.slow
def test_digits_with_50_labels():
    """Soft labels and factors help where labels are scarce, and not where all are known."""
    rows = run_study(Study(), objectives_named(["labels", "soft", "factor", "factor+soft"]))
    score = {
        name: np.array([row["test_accuracy"] for row in rows if row["objective"] == name])
        for name in ("labels", "soft", "factor", "factor+soft")
    }
    assert np.all(score["soft"] > score["labels"]) and np.all(
        score["factor+soft"] > score["labels"]
    )
    assert np.mean(score["factor"] - score["labels"]) > 0
    assert abs(np.mean(score["soft"] - score["factor+soft"])) < 0.01
    assert np.mean(score["soft"] - score["factor"]) > 0.02
    full = run_study(Study(labels=None), objectives_named(["labels", "soft"]))
    ends = [[r["test_accuracy"] for r in full if r["objective"] == n] for n in ("labels", "soft")]
    assert abs(np.mean(ends[0]) - np.mean(ends[1])) < 0.01
