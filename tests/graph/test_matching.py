import numpy as np
import pytest
import scipy.sparse

from sta.analysis.graph import LayeredGraph, match_units, rescale
from sta.errors import ShapeError, StaError

from .networks import random_graph


def disguise(teacher, seed, *, last="matched", noise=1e-3, duplicates=0, dead=0):
    """Student that computes the same: permuted, rescaled, with noise, duplicates, dead units.

    Returns the student and, for every node layer, the teacher unit behind each student
    unit (-1 for dead ones).
    """
    rng = np.random.default_rng(seed)
    layers = [matrix.copy() for matrix in teacher.layers]
    origin = [np.arange(width) for width in teacher.widths]
    n_layers = len(layers)
    for node in range(1, n_layers if last == "aligned" else n_layers + 1):
        incoming = layers[node - 1]
        outgoing = layers[node] if node < n_layers else np.ones((incoming.shape[1], 1))
        copied = rng.integers(0, incoming.shape[1], size=duplicates)
        share = rng.uniform(0.2, 0.8, size=duplicates)
        for unit, part in zip(copied, share, strict=True):
            incoming = np.column_stack([incoming, incoming[:, unit]])
            outgoing = np.vstack([outgoing, outgoing[unit] * part])
            outgoing[unit] *= 1 - part
        blind = rng.normal(size=(incoming.shape[0], dead))
        blind[:, ::2] = 0
        deaf = rng.normal(size=(dead, outgoing.shape[1]))
        deaf[1::2] = 0
        origin[node] = np.concatenate([origin[node], copied, np.full(dead, -1)])
        incoming = np.hstack([incoming, blind])
        outgoing = np.vstack([outgoing, deaf])
        if node == n_layers:  # a readout of ones: its share goes into the incoming weights
            incoming, outgoing = incoming * outgoing.T, np.ones_like(outgoing)
        else:
            scale = np.exp(rng.normal(size=incoming.shape[1]))
            incoming, outgoing = incoming * scale, outgoing / scale[:, None]
        order = rng.permutation(incoming.shape[1])
        origin[node] = origin[node][order]
        layers[node - 1] = incoming[:, order]
        if node < n_layers:
            layers[node] = outgoing[order]
    layers = [layer * (1 + noise * rng.normal(size=layer.shape)) for layer in layers]
    return LayeredGraph.from_arrays(layers, role="student"), origin


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("widths", "options"),
    [
        ((10, 20, 20), {}),
        ((10, 20, 20), {"duplicates": 20, "dead": 10}),
        ((10, 20, 20), {"duplicates": 150, "dead": 30}),
        ((10, 20, 20), {"last": "aligned", "duplicates": 10, "dead": 5}),
        ((8, 12, 10, 6), {"duplicates": 6, "dead": 4}),
        ((8, 12, 10, 6), {"last": "aligned"}),
        ((6, 9), {"dead": 3}),
    ],
)
def test_every_teacher_unit_is_recovered(widths, options, seed):
    teacher = random_graph(widths, 100 + seed)
    student, origin = disguise(teacher, seed, **options)
    matching = match_units(student, teacher, outputs=options.get("last", "matched"))
    for layer in matching.layers:
        expected = np.arange(teacher.widths[layer.layer])
        np.testing.assert_array_equal(origin[layer.layer][layer.student], expected)
        assert layer.matched(0.99, "both") == expected.size
        np.testing.assert_array_equal(
            layer.group_size, [np.count_nonzero(origin[layer.layer] == t) for t in expected]
        )
    assert matching.converged and matching.rounds <= 5
    assert matching.cosine_min("both") > 0.999


def test_a_network_matches_itself():
    graph = random_graph((5, 8, 6, 3))
    for outputs in ("matched", "aligned"):
        matching = match_units(graph, graph, outputs=outputs)
        for layer in matching.layers:
            assert layer.student.tolist() == list(range(graph.widths[layer.layer]))
        assert matching.cosine_min("both") == pytest.approx(1, abs=1e-12)


def test_aligned_outputs_are_not_reported():
    graph = random_graph((5, 8, 3))
    assert [layer.layer for layer in match_units(graph, graph, outputs="aligned").layers] == [1]
    assert [layer.layer for layer in match_units(graph, graph).layers] == [1, 2]


def test_original_unit_ids_survive_pruning():
    teacher = random_graph((10, 6, 4))
    student, origin = disguise(teacher, 1, dead=6)
    alive = np.flatnonzero(origin[1] >= 0)
    layer = match_units(student.keep(1, alive), teacher).layers[0]
    assert origin[1][layer.student_ids].tolist() == list(range(6))
    assert layer.student.max() < 6
    assert layer.teacher_ids.tolist() == list(range(6))


def test_smaller_student_leaves_teacher_units_unmatched():
    teacher = random_graph((10, 8, 4))
    kept = [1, 3, 4, 6, 7]
    layer = match_units(teacher.keep(1, kept), teacher).layers[0]
    assert layer.student.tolist() == [-1, 0, -1, 1, 2, -1, 3, 4]
    assert layer.matched() == 5
    assert layer.cosine_min() == 0
    assert layer.student_ids[0] == -1


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("who", ["student", "teacher"])
def test_dead_units_never_match(side, who):
    teacher = random_graph((10, 6, 4))
    layers = [matrix.copy() for matrix in teacher.layers]
    if side == 0:
        layers[0][:, 2] = 0
    else:
        layers[1][2] = 0
    crippled = LayeredGraph.from_arrays(layers)
    pair = (crippled, teacher) if who == "student" else (teacher, crippled)
    layer = match_units(*pair).layers[0]
    assert layer.student[2] == -1
    assert layer.cosine_incoming[2] == layer.cosine_outgoing[2] == 0
    assert layer.matched() == 5
    assert np.isfinite(layer.cosine("both")).all()


def test_all_zero_layer_gives_zeros_not_nan():
    teacher = random_graph((3, 4, 2))
    student = LayeredGraph.from_arrays([np.zeros((3, 4)), np.ones((4, 2))])
    matching = match_units(student, teacher)
    assert matching.matched() == 0
    assert all(np.isfinite(layer.cosine("both")).all() for layer in matching.layers)


def test_flipped_sign_is_no_match():
    teacher = random_graph((6, 4, 3))
    flipped = LayeredGraph.from_arrays([-teacher.layers[0], -teacher.layers[1]])
    assert match_units(flipped, teacher).layers[0].matched() == 0


def test_unrelated_student_is_mostly_unmatched():
    matching = match_units(random_graph((30, 20, 20), 1), random_graph((30, 20, 20), 2))
    assert matching.matched() == 0


def test_extreme_scales_do_not_matter():
    teacher = random_graph((6, 5, 3))
    factors = np.array([1e-150, 1e-3, 1, 1e3, 1e150])
    layer = match_units(rescale(teacher, 1, factors), teacher).layers[0]
    assert layer.matched(0.999, "incoming") == 5


@pytest.mark.parametrize("outputs", ["matched", "aligned"])
@pytest.mark.parametrize("seed", range(3))
def test_no_rescaling_of_either_network_changes_a_cosine(outputs, seed):
    student, teacher = random_graph((4, 9, 8, 5), seed), random_graph((4, 6, 7, 5), seed + 50)
    reference = match_units(student, teacher, outputs=outputs)
    rng = np.random.default_rng(seed)
    for layer in (1, 2):
        student = rescale(student, layer, np.exp(2 * rng.normal(size=student.widths[layer])))
        teacher = rescale(teacher, layer, np.exp(2 * rng.normal(size=teacher.widths[layer])))
    scaled = match_units(student, teacher, outputs=outputs)
    for a, b in zip(reference.layers, scaled.layers, strict=True):
        assert a.student.tolist() == b.student.tolist()
        np.testing.assert_allclose(a.cosine_incoming, b.cosine_incoming, atol=1e-10)
        np.testing.assert_allclose(a.cosine_outgoing, b.cosine_outgoing, atol=1e-10)


def test_to_dict_counts_hidden_units():
    graph = random_graph((5, 8, 6))
    report = match_units(graph, graph).to_dict()
    assert (report["teacher_units"], report["matched"]) == (8, 8)
    assert report["cosine_min"] == pytest.approx(1)
    assert report["both"]["matched"] == 8
    assert [layer["teacher_units"] for layer in report["layers"]] == [8, 6]


def test_without_merging_duplicates_stand_alone():
    teacher = random_graph((10, 6, 4))
    student, _ = disguise(teacher, 0, duplicates=5)
    matching = match_units(student, teacher, merge=2)
    assert matching.layers[0].group_size.tolist() == [1] * 6
    assert matching.layers[0].matched() == 6


@pytest.mark.parametrize(
    ("student", "teacher", "outputs", "message"),
    [
        ((3, 4, 2), (3, 4, 4, 2), "matched", "2 layers but the teacher 3"),
        ((3, 4, 2), (5, 4, 2), "matched", "3 inputs and the teacher 5"),
        ((3, 4, 2), (3, 4, 3), "aligned", "2 outputs and the teacher 3"),
        ((3, 4), (3, 4), "aligned", "no hidden units"),
    ],
)
def test_networks_that_cannot_be_compared(student, teacher, outputs, message):
    with pytest.raises(ShapeError, match=message):
        match_units(random_graph(student), random_graph(teacher), outputs=outputs)


def test_pruned_inputs_must_be_the_same_inputs():
    graph = random_graph((4, 3, 2))
    with pytest.raises(ShapeError, match="same inputs"):
        match_units(graph.keep(0, [0, 1]), graph.keep(0, [2, 3]))


def test_unknown_options():
    graph = random_graph((4, 3, 2))
    with pytest.raises(StaError, match="'free'"):
        match_units(graph, graph, outputs="free")
    with pytest.raises(StaError, match="merge is 0"):
        match_units(graph, graph, merge=0)
    with pytest.raises(StaError, match="'sideways'"):
        match_units(graph, graph).matched(by="sideways")


def biased(graph, seed, store=np.asarray):
    """The same network with layers in another storage, and biases as further units."""
    rng = np.random.default_rng(seed)
    return LayeredGraph.from_arrays(
        [store(layer) for layer in graph.layers],
        graph.unit_ids,
        biases=[rng.normal(size=width) for width in graph.widths[1:]],
        role=graph.role,
    )


@pytest.mark.parametrize("outputs", ["matched", "aligned"])
@pytest.mark.parametrize("density", [1.0, 0.4])
@pytest.mark.parametrize("seed", range(3))
def test_storage_and_biases_do_not_matter(seed, density, outputs):
    student = random_graph((6, 9, 8, 5), seed, density)
    teacher = random_graph((6, 7, 6, 5), seed + 50, density)
    reference = match_units(student, teacher, outputs=outputs).to_dict()
    sparse = scipy.sparse.csr_array
    stored = [LayeredGraph.from_arrays([sparse(m) for m in g.layers]) for g in (student, teacher)]
    for pair in (
        stored,
        (stored[0], teacher),
        (biased(student, 1), teacher),
        (biased(student, 1, sparse), biased(teacher, 2)),
    ):
        assert match_units(*pair, outputs=outputs).to_dict() == reference


def test_indices_and_ids_are_those_of_the_graph_with_its_bias_units():
    teacher = random_graph((10, 6, 4))
    student, origin = disguise(teacher, 1, dead=2)
    shifted = biased(student, 0).keep(1, [8, *range(8)])  # the bias unit first
    layer = match_units(shifted, biased(teacher, 1)).layers[0]
    assert not shifted.is_bias(1)[layer.student].any()
    assert origin[1][shifted.unit_ids[1][layer.student]].tolist() == list(range(6))
    np.testing.assert_array_equal(layer.student_ids, shifted.unit_ids[1][layer.student])
    assert layer.teacher_ids.tolist() == list(range(6))


def test_an_empty_sparse_layer_matches_nothing():
    teacher = random_graph((3, 4, 2))
    student = LayeredGraph.from_arrays([scipy.sparse.csr_array((3, 4)), np.ones((4, 2))])
    assert match_units(student, teacher).matched() == 0
