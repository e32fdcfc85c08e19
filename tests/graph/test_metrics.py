"""Laws of all metrics: what they declare to be unchanged is, and what they do not is not."""

import json
import math

import numpy as np
import pytest
import scipy.sparse

from sta.analysis.graph import LayeredGraph, rescale
from sta.analysis.graph.metrics import METRICS, measure
from sta.analysis.graph.topology.undefined import UNDEFINED
from sta.errors import StaError

from .networks import permuted, random_graph

SHAPES = [((6, 9, 7, 3), 1.0), ((8, 12, 9, 4), 0.5), ((5, 10, 4), 0.7), ((15, 40, 30, 6), 0.4)]


def numbers(values):
    """All numbers in a metric's answer, in order, None as NaN."""
    if isinstance(values, dict):
        return [x for value in values.values() for x in numbers(value)]
    if isinstance(values, list | tuple):
        return [x for value in values for x in numbers(value)]
    if isinstance(values, str):
        return []
    return [math.nan if values is None else float(values)]


def numbers_missing(values):
    return values is None or any(math.isnan(number) for number in numbers(values))


def same(a, b, tolerance=1e-10):
    a, b = np.array(numbers(a)), np.array(numbers(b))
    if a.shape != b.shape:
        return False
    scale = max(1.0, float(np.nanmax(np.abs(a), initial=0)))
    return bool(np.array_equal(np.isnan(a), np.isnan(b))) and bool(
        (np.nan_to_num(np.abs(a - b)) <= tolerance * scale).all()
    )


def rescaled(graph, seed):
    rng = np.random.default_rng(seed)
    for layer in range(1, graph.n_layers):
        units = np.count_nonzero(~graph.is_bias(layer))
        graph = rescale(graph, layer, rng.uniform(0.2, 5, size=units))
    return graph


def renumbered(graph, seed):
    for layer in range(1, graph.n_layers):
        graph = permuted(graph, layer, seed + layer)
    return graph


def networks():
    plain = [random_graph(widths, seed, density) for seed, (widths, density) in enumerate(SHAPES)]
    return [*plain, with_biases((5, 9, 6, 3), 9)]


def of_size_for(name):
    """Without the largest, of which a hundred null graphs take seconds."""
    chosen = networks()
    return chosen if METRICS[name].standard else [*chosen[:3], chosen[-1]]


def with_biases(widths, seed):
    rng = np.random.default_rng(seed)
    return LayeredGraph.from_arrays(
        random_graph(widths, seed, 0.8).layers, biases=[rng.normal(size=n) for n in widths[1:]]
    )


@pytest.mark.parametrize("name", ["degree", "strength", "node_strength"])
def test_bias_units_are_no_units(name):
    """A bias is part of what its unit is given; nothing is asked of the bias unit itself."""
    graph = with_biases((5, 9, 6, 3), 9)
    values = METRICS[name].compute(graph)
    incoming = np.concatenate([graph.dense()[0][:, :9]]).T  # of the nine units, biases included
    if name == "degree":
        assert values["in"][0]["min"] == np.count_nonzero(incoming, axis=1).min()
    elif name == "strength":
        assert values["in"]["signed"][0]["min"] == pytest.approx(incoming.sum(axis=1).min())
    else:
        outgoing = graph.dense()[1][:9, :6].sum(axis=1)
        assert values["strength"][1]["mean"] == pytest.approx(
            (incoming.sum(axis=1) + outgoing).mean()
        )


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize(
    ("change", "declared"), [(renumbered, "permutation"), (rescaled, "rescaling")]
)
def test_declared_invariances_hold_and_the_others_fail(name, change, declared):
    metric = METRICS[name]
    kept = [
        same(metric.compute(graph), metric.compute(change(graph, seed)))
        for graph in networks()
        for seed in range(3 if metric.standard else 1)
    ]
    assert all(kept) if getattr(metric, declared) else not all(kept)


@pytest.mark.parametrize("name", METRICS)
def test_storage_does_not_matter(name):
    for graph in of_size_for(name):
        layers = tuple(scipy.sparse.csr_array(layer) for layer in graph.layers)
        sparse = LayeredGraph(layers, graph.unit_ids, bias_units=graph.bias_units)
        assert same(METRICS[name].compute(graph), METRICS[name].compute(sparse), 1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_answers_are_plain_and_finite(name):
    small = [random_graph((3, 2), 1), random_graph((4, 5, 3), 1, 0.3)]
    for graph in [*of_size_for(name), *small]:
        json.dumps(METRICS[name].compute(graph), allow_nan=False)


@pytest.mark.parametrize("name", METRICS)
def test_identity(name):
    for graph in of_size_for(name):
        assert METRICS[name].compute(graph) == METRICS[name].compute(graph)


def test_one_that_fails_does_not_lose_the_rest():
    no_path = LayeredGraph.from_arrays([[[1.0, 0.0]], [[0.0], [1.0]]])
    values, reasons = measure(no_path, ["centrality", "degree", "transitivity"])
    assert values["centrality"] is None and "no path" in reasons["centrality"]
    assert values["transitivity"] is None and "triangle" in reasons["transitivity"]
    assert values["degree"]["in"][0]["max"] == 1
    assert set(reasons) == {"centrality", "transitivity"}


def test_standard_metrics_and_unknown_names():
    values, _ = measure(random_graph((3, 4, 2)))
    assert set(values) == {name for name, metric in METRICS.items() if metric.standard}
    with pytest.raises(StaError, match="no metric 'betweenness'"):
        measure(random_graph((3, 4, 2)), ["betweenness"])


def test_names_do_not_clash():
    assert not set(METRICS) & set(UNDEFINED)
    assert all(metric.meaning for metric in METRICS.values())


@pytest.mark.parametrize("weights", [[[[0.0]]], [[[2.0]]], [[[0.0, 0.0]], [[0.0], [0.0]]]])
def test_one_unit_and_empty_layers_end_in_numbers_or_reasons(weights):
    values, reasons = measure(LayeredGraph.from_arrays(weights), list(METRICS))
    assert {name for name, value in values.items() if numbers_missing(value)} == set(reasons)
    json.dumps(values, allow_nan=False)
