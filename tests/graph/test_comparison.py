import json

import numpy as np
import pytest
import scipy.stats

import sta.analysis.graph as graph_layer
from sta.analysis.graph import (
    MEASURES,
    LayeredGraph,
    compare_graphs,
    path_distribution,
    sample_distances,
    summarize_graph,
    weighted_distance,
)

from .networks import permuted, random_graph


def test_summary_has_the_keys_of_the_contract():
    graph = random_graph((10, 20, 20), role="teacher")
    summary = summarize_graph(graph)
    assert (summary["nodes"], summary["edges"], summary["widths"]) == (50, 600, [10, 20, 20])
    assert set(summary["paths"]) == {
        "count", "signed_sum", "l1", "l2", "effective_number", "method", "log_error_bound"
    }  # fmt: skip
    assert summary["paths"]["count"] == 4000
    assert summarize_graph(graph, path_distribution(graph))["paths"]["method"] == "exact"


def test_comparison_equals_its_parts():
    student, teacher = random_graph((10, 27, 20), 1), random_graph((10, 20, 20), 2)
    result = compare_graphs(student, teacher).to_dict()
    a, b = (path_distribution(net).weights for net in (student, teacher))
    w1 = scipy.stats.wasserstein_distance(a, b)
    paths = result["distance"]["paths"]
    assert paths["wasserstein"] == pytest.approx(w1)
    assert paths["wasserstein_over_std"] == pytest.approx(w1 / b.std())
    assert paths["ks"] == pytest.approx(scipy.stats.ks_2samp(a, b).statistic)
    assert [entry["layer"] for entry in result["distance"]["in_strength"]] == [1, 2]
    assert result["matching"]["teacher_units"] == 20
    assert result["notes"] == {}
    json.dumps(result, allow_nan=False)


def test_permuted_teacher_is_at_distance_zero():
    teacher = random_graph((10, 20, 20))
    result = compare_graphs(permuted(teacher, 1), teacher).to_dict()
    assert result["distance"]["paths"]["wasserstein"] == pytest.approx(0, abs=1e-15)
    assert result["distance"]["in_strength"][0]["ks"] == 0
    assert result["matching"]["matched"] == 20


def test_a_failing_part_leaves_the_others_and_a_reason():
    student, teacher = random_graph((5, 4, 3, 2), 1), random_graph((5, 4, 2), 2)
    result = compare_graphs(student, teacher).to_dict()
    assert result["matching"] is None
    assert "3 layers but the teacher 2" in result["notes"]["matching"]
    assert result["distance"]["paths"]["wasserstein"] > 0
    assert result["distance"]["in_strength"][2]["ks"] is None
    assert "node layer 3" in result["notes"]["distance.in_strength.2"]
    json.dumps(result, allow_nan=False)


def test_too_many_paths_to_list_are_counted_in_bins():
    student, teacher = random_graph((10, 27, 20), 1), random_graph((10, 20, 20), 2)
    result = compare_graphs(student, teacher, path_limit=10).to_dict()
    assert result["graph"]["student"]["paths"]["method"] == "dp"
    assert result["graph"]["student"]["paths"]["log_error_bound"] == pytest.approx(0.02)
    binned = [path_distribution(net, "dp") for net in (student, teacher)]
    for measure in MEASURES:
        found = result["distance"]["paths"]
        found = found if measure == "count" else found[measure]
        for name in ("wasserstein", "energy", "ks"):
            assert found[name] == weighted_distance(*binned, name, measure)


def test_null_tests_place_the_student_among_random_networks():
    teacher = random_graph((6, 8, 5), 1)
    near = LayeredGraph.from_arrays([layer * 1.001 for layer in teacher.layers])
    before = [random_graph((6, 8, 5), seed) for seed in range(30, 60)]
    result = compare_graphs(
        near, teacher, null_samples=39, null_graphs={"before training": before}, seed=3
    )
    found = {(name, test.null): test.p_value for name, test in result.nulls}
    assert len(found) == 4 + 5 + 5  # units are not compared with networks of fewer units
    assert found["paths.count.wasserstein", "random"] == 1 / 40
    assert found["paths.mass.wasserstein", "before training"] == 1 / 31
    again = compare_graphs(near, teacher, null_samples=39, seed=3)
    assert [test.to_dict() for _, test in again.nulls] == [
        test.to_dict() for _, test in result.nulls if test.null != "before training"
    ]
    json.dumps(result.to_dict(), allow_nan=False)


def test_metrics_of_both():
    graph = random_graph((5, 4, 2))
    result = compare_graphs(graph, graph, metrics=["degree", "clustering"]).to_dict()
    assert result["metrics"]["student"] == result["metrics"]["teacher"]
    assert result["metrics"]["student"]["degree"]["in"][0]["mean"] == 5
    assert "triangle" in result["notes"]["metrics.teacher.clustering"]


def test_norms_out_of_range_are_null():
    huge = LayeredGraph.from_arrays([np.full((2, 2), 1e200)] * 2)
    notes = {}
    summary = summarize_graph(huge, notes=notes)
    assert summary["paths"]["l1"] is None
    assert "float64" in notes["graph.paths.l1"]
    json.dumps(compare_graphs(huge, huge).to_dict(), allow_nan=False)


def test_constant_teacher_has_no_standard_deviation():
    notes = {}
    result = sample_distances([1.0, 2.0], [1.0, 1.0], name="x", notes=notes)
    assert result == {"wasserstein": 0.5, "wasserstein_over_std": None, "ks": 0.5}
    assert list(notes) == ["x.wasserstein_over_std"]


def test_networks_without_paths():
    dead = LayeredGraph.from_arrays([np.zeros((3, 2)), np.ones((2, 2))])
    result = compare_graphs(dead, random_graph((3, 2, 2))).to_dict()
    assert result["distance"]["paths"]["ks"] is None
    assert result["graph"]["student"]["paths"]["count"] == 0
    assert result["matching"]["matched"] == 0


def test_public_names_exist_and_are_documented():
    assert len(set(graph_layer.__all__)) == len(graph_layer.__all__)
    for name in graph_layer.__all__:
        value = getattr(graph_layer, name)
        assert not callable(value) or value.__doc__
