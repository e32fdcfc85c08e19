import json

import numpy as np
import pytest
import scipy.sparse

from sta.analysis.graph import LayeredGraph, match_units
from sta.analysis.graph.likeness.duplicates import group_duplicates, merge_duplicates
from sta.analysis.graph.paths.starts import path_layers
from sta.errors import ShapeError, StaError

from .networks import brute_force_paths, random_graph
from .test_matching import disguise

SHAPES = [((10, 20, 20), "matched"), ((8, 12, 10, 6), "matched"), ((8, 12, 10, 6), "aligned")]


def path_sums(graph):
    """Signed sum of path weights of every input and unit of the last node layer."""
    first, *others = (
        layer.toarray() if hasattr(layer, "toarray") else layer for layer in graph.layers
    )
    for layer in others:
        first = first @ layer
    return first


def outputs_of(graph, inputs):
    """What the ReLU network computes, its last layer linear; biases are units that send 1."""
    values = inputs
    for at, layer in enumerate(graph.layers):
        if at:
            values = np.maximum(values, 0)
        values = np.where(graph.is_bias(at), 1.0, values) @ layer
    return values


def sparse(graph):
    layers = [scipy.sparse.csr_array(layer) for layer in graph.layers]
    return LayeredGraph.from_arrays(layers, graph.unit_ids)


@pytest.mark.parametrize("noise", [0, 1e-3])
@pytest.mark.parametrize(("widths", "outputs"), SHAPES)
@pytest.mark.parametrize("seed", range(3))
def test_groups_are_the_copies(widths, outputs, seed, noise):
    teacher = random_graph(widths, 100 + seed)
    options = {"last": outputs, "duplicates": 7, "dead": 4, "noise": noise}
    student, origin = disguise(teacher, seed, **options)
    groups = group_duplicates(student, teacher, outputs=outputs)
    assert len(groups.layers) == len(widths) - 1 - (outputs == "aligned")
    assert groups.coverage == 1
    for layer in groups.layers:
        np.testing.assert_array_equal(layer.group, origin[layer.layer])
        assert (layer.coverage, layer.n_leftover) == (1, 4)
        expected = [np.count_nonzero(layer.group == t) for t in range(widths[layer.layer])]
        np.testing.assert_array_equal(layer.group_size, expected)
        assert (layer.cosine[layer.group >= 0] > 0.999).all()


@pytest.mark.parametrize("store", [lambda graph: graph, sparse])
@pytest.mark.parametrize(("widths", "outputs"), SHAPES)
@pytest.mark.parametrize("seed", range(3))
def test_merging_exact_copies_leaves_all_path_sums(widths, outputs, seed, store):
    teacher = random_graph(widths, 100 + seed)
    student, _ = disguise(teacher, seed, last=outputs, duplicates=9, dead=2, noise=0)
    student = store(student)
    groups = group_duplicates(student, teacher, outputs=outputs)
    merged = merge_duplicates(student, groups)
    dropped = merge_duplicates(student, groups, keep_leftover=False)
    before, after = path_sums(student), path_sums(merged)
    if outputs == "matched":  # the last units are permuted and summed by the readout
        before, after = before.sum(axis=1), after.sum(axis=1)
    np.testing.assert_allclose(after, before, rtol=1e-12, atol=1e-12)
    n_matched = len(groups.layers)
    assert merged.widths[1 : n_matched + 1] == tuple(w + 2 for w in widths[1 : n_matched + 1])
    assert dropped.widths == widths
    assert scipy.sparse.issparse(merged.layers[0]) == scipy.sparse.issparse(student.layers[0])
    # without its dead units it is the teacher, permuted and rescaled
    np.testing.assert_allclose(
        *(np.sort(path_sums(graph), axis=None) for graph in (dropped, teacher)), atol=1e-12
    )
    matching = match_units(dropped, teacher, outputs=outputs)
    assert matching.cosine_min("both") == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_merging_exact_copies_leaves_the_function_also_with_biases(seed):
    rng = np.random.default_rng(seed)
    teacher = random_graph((5, 4, 2), seed)
    bias = rng.normal(size=4)
    copies = np.array([0, 1, 2, 3, 1, 1, 3])
    scale = np.exp(rng.normal(size=7))
    share = rng.uniform(0.5, 1.5, size=7)
    share /= np.bincount(copies, share)[copies]
    student = LayeredGraph.from_arrays(
        [
            teacher.layers[0][:, copies] * scale,
            teacher.layers[1][copies] * (share / scale)[:, None],
        ],
        biases=[bias[copies] * scale, rng.normal(size=2)],
    )
    groups = group_duplicates(student, teacher, outputs="aligned")
    assert groups.layers[0].group.tolist() == [*copies, -1]
    assert groups.layers[0].n_leftover == 0
    merged = merge_duplicates(student, groups, keep_leftover=False)
    assert merged.widths == (6, 5, 2)
    assert merged.is_bias(1).tolist() == [False] * 4 + [True]
    inputs = rng.normal(size=(20, 6))
    np.testing.assert_allclose(outputs_of(merged, inputs), outputs_of(student, inputs), rtol=1e-10)
    sums = [np.linalg.multi_dot(path_layers(graph)) for graph in (merged, student)]
    np.testing.assert_allclose(*sums, rtol=1e-10, atol=1e-12)


def test_near_copies_keep_path_sums_to_one_output_of_one_sign():
    """The merged direction is the mean over what each unit carries."""
    rng = np.random.default_rng(0)
    direction = rng.normal(size=(6, 1))
    incoming = direction * rng.uniform(0.1, 9, 4) + 0.1 * rng.normal(size=(6, 4))
    student = LayeredGraph.from_arrays([incoming, rng.uniform(1, 2, (4, 1))])
    teacher = LayeredGraph.from_arrays([direction, [[1.0]]])
    merged = merge_duplicates(student, group_duplicates(student, teacher, outputs="aligned"))
    assert merged.widths == (6, 1, 1)
    np.testing.assert_allclose(path_sums(merged), path_sums(student), rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_leftover_mass_by_listing_paths(seed):
    teacher = random_graph((6, 4, 3), seed)
    student = random_graph((6, 9, 3), seed + 70)
    layer = group_duplicates(student, teacher, outputs="aligned", cosine=0.3).layers[0]
    rest = np.flatnonzero(layer.group < 0)
    assert 0 < rest.size < 9
    through = np.abs(brute_force_paths(student.keep(1, rest))).sum()
    assert layer.leftover_mass == pytest.approx(through / np.abs(brute_force_paths(student)).sum())
    assert layer.n_leftover == rest.size
    assert (layer.cosine[rest] < 0.3).all() and (layer.cosine[layer.group >= 0] >= 0.3).all()


def test_cosines_and_groups_by_definition_in_the_first_layer():
    teacher, student = random_graph((6, 4, 3), 0), random_graph((6, 30, 3), 1)
    groups = group_duplicates(student, teacher, outputs="aligned", cosine=0.5)
    rows = student.layers[0] / np.linalg.norm(student.layers[0], axis=0)
    columns = teacher.layers[0] / np.linalg.norm(teacher.layers[0], axis=0)
    cosines = rows.T @ columns
    matched = match_units(student, teacher, outputs="aligned", merge=0.5).layers[0].student
    expected = np.where(cosines.max(axis=1) >= 0.5, cosines.argmax(axis=1), -1)
    for teacher_unit, unit in enumerate(matched):
        if cosines[unit, teacher_unit] >= 0.5:
            expected[unit] = teacher_unit
    np.testing.assert_array_equal(groups.layers[0].group, expected)


def test_a_student_unlike_its_teacher_is_all_leftover():
    teacher, student = random_graph((40, 5, 3), 0), random_graph((40, 6, 3), 1)
    groups = group_duplicates(student, teacher, outputs="aligned")
    layer = groups.layers[0]
    assert (groups.coverage, layer.n_leftover, layer.leftover_mass) == (0, 6, pytest.approx(1))
    assert merge_duplicates(student, groups).widths == student.widths
    with pytest.raises(ShapeError, match="keep at least one"):
        merge_duplicates(student, groups, keep_leftover=False)


def test_no_path_is_said():
    teacher = random_graph((3, 4, 2))
    student = LayeredGraph.from_arrays([np.zeros((3, 4)), np.ones((4, 2))])
    layer = group_duplicates(student, teacher).layers[0]
    assert layer.leftover_mass is None and layer.reason
    report = json.loads(json.dumps(group_duplicates(student, teacher).to_dict(), allow_nan=False))
    assert report["coverage"] == 0
    assert [entry["leftover"] for entry in report["layers"]] == [4, 2]


def test_ids_and_attributes_are_those_of_the_weightiest_member():
    teacher = LayeredGraph.from_arrays([[[1.0, 0.0], [0.0, 1.0]], [[1.0], [1.0]]])
    student = LayeredGraph.from_arrays(
        [[[0.0, 1.0, 2.0], [1.0, 0.0, 0.0]], [[1.0], [1.0], [3.0]]],
        [None, [7, 8, 9], None],
        attributes={"eigenvalue": [[0.0, 0.0], [0.1, 0.2, 0.3], [0.0]]},
    )
    merged = merge_duplicates(student, group_duplicates(student, teacher, outputs="aligned"))
    assert merged.unit_ids[1].tolist() == [9, 7]
    assert merged.attributes["eigenvalue"][1].tolist() == [0.3, 0.1]
    assert merged.layers[1].tolist() == [[3.5], [1.0]]


def test_what_is_refused():
    graph = random_graph((4, 3, 2))
    for cosine in (0, -1, 1.5, float("nan")):
        with pytest.raises(StaError, match="cosine is"):
            group_duplicates(graph, graph, cosine=cosine)
    groups = group_duplicates(graph, graph)
    with pytest.raises(ShapeError, match="not those"):
        merge_duplicates(random_graph((4, 5, 2)), groups)
    with pytest.raises(ShapeError, match="one depth"):
        group_duplicates(graph, random_graph((4, 3, 3, 2)))
