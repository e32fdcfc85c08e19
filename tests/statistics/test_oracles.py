"""Oracles: each generator against brute force, closed forms and networkx."""

import doctest
import importlib
import itertools

import networkx as nx
import numpy as np
import pytest
from scipy.special import lambertw
from scipy.stats import kstest

from sta.analysis.statistics import oracles
from sta.analysis.statistics.oracles import (
    ORACLES,
    generate_oracle,
    oracle_options,
    order_statistics_mean,
)
from sta.analysis.statistics.oracles.components import largest_components
from sta.analysis.statistics.oracles.giant_component import growing_graph, random_edges
from sta.analysis.statistics.oracles.linear_student import residual_share
from sta.analysis.statistics.oracles.mock import mock_curves
from sta.analysis.statistics.oracles.order_statistics import removal_cost
from sta.analysis.statistics.oracles.percolation import growing_clusters
from sta.errors import ConfigError

SMALL = {
    "percolation": {"sizes": (4, 8), "window": 0.3},
    "giant-component": {"sizes": (16, 32), "window": 1.0},
    "order-statistics": {"sizes": (5, 10)},
    "linear": {"sizes": (4, 8)},
}


def small(name, **options):
    return generate_oracle(name, **{"trials": 6, **SMALL.get(name, {}), **options})


def z_score(samples, expected):
    """Largest |z| of the column means of samples against what is expected."""
    se = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    return np.max(np.abs(samples.mean(axis=0) - expected) / se)


# Laws that hold for every oracle.


@pytest.mark.parametrize("name", ORACLES)
def test_curves_are_complete_and_reproducible(name):
    one, again, other = small(name, seed=1), small(name, seed=1), small(name, seed=2)
    assert one.name == name
    assert set(one.truth) == {"x_c", "inv_nu", "beta_over_nu", "beta"}
    sizes = [curve.size for curve in one.curves.curves]
    assert sizes == sorted(sizes)
    different = []
    for curve, same, new in zip(
        one.curves.curves, again.curves.curves, other.curves.curves, strict=True
    ):
        assert curve.values.shape == (6, curve.x.size)
        assert (np.diff(curve.x) > 0).all()
        assert np.isfinite(curve.values).all()
        assert (curve.norm == 1.0).all()
        assert np.array_equal(curve.values, same.values)
        different.append(not np.array_equal(curve.values, new.values))
    assert all(different)


@pytest.mark.parametrize("name", ORACLES)
def test_the_table_holds_the_curves(name):
    oracle = small(name, seed=3)
    table = oracle.table
    assert list(table.columns) == ["size", "x", "y", "trial"]
    for curve in oracle.curves.curves:
        wide = table[table["size"] == curve.size].pivot(index="trial", columns="x", values="y")
        assert np.array_equal(wide.to_numpy(), curve.values)
        assert np.array_equal(wide.columns, curve.x)
    assert oracle.to_dict()["truth"] == oracle.truth
    assert "curves" not in oracle.to_dict()


@pytest.mark.parametrize(
    "name", sorted({*ORACLES} - {"mock", "mock-correlated", "mock-correction"})
)
def test_sizes_may_differ_in_trials(name):
    sizes = SMALL.get(name, {}).get("sizes", (10, 20))
    oracle = small(name, sizes=sizes[::-1], trials=(2, 5))
    first, second = oracle.curves.curves
    assert first.values.shape[0] == second.values.shape[0] == 5
    assert second.takes_part.tolist() == [True, True, False, False, False]
    assert np.isnan(second.norm[2:]).all() and np.isfinite(first.values).all()
    assert len(oracle.table) == 5 * first.x.size + 2 * second.x.size
    more = small(name, sizes=sizes, trials=7)
    assert np.array_equal(more.curves.curves[0].values[:5], first.values)


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(ConfigError, match=r"'percolatoin'; did you mean 'percolation'\?"):
        generate_oracle("percolatoin")
    with pytest.raises(ConfigError, match=r"option 'windw'; did you mean 'window'\?"):
        generate_oracle("percolation", windw=2.0)
    with pytest.raises(ConfigError, match=r"option 'jiter'; did you mean 'jitter'\?"):
        generate_oracle("threshold", jiter=0.1)
    assert {"rate", "noise", "sizes"} <= set(oracle_options("exponential"))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("percolation", {"sizes": (8, 8)}, "hold one twice"),
        ("percolation", {"sizes": (8.5,)}, "size 8.5 is not a whole number"),
        ("percolation", {"sizes": (4,), "window": 3.0}, "leaves 0 < p < 1"),
        ("percolation", {"window": (1.0, -1.0)}, "is empty"),
        ("percolation", {"points": 1}, "points is 1"),
        ("giant-component", {"sizes": (8,), "window": 3.0}, "leaves 0 <= c"),
        ("giant-component", {"trials": 0}, "at least one"),
        ("linear", {"trials": (3, 4)}, "2 numbers of trials for 4 sizes"),
        ("order-statistics", {"kappa": 0.0}, "kappa is 0.0"),
        ("line", {"x_max": 0.01}, "fewer than 2 points"),
        ("exponential", {"noise": -0.1}, "noise -0.1"),
        ("crossover", {"width": 0.0}, "width of the crossover is 0.0"),
        ("threshold", {"beta": -1.0}, "beta -1.0"),
    ],
)
def test_options_out_of_range_are_refused(name, options, message):
    with pytest.raises(ConfigError, match=message):
        generate_oracle(name, **options)


def test_examples():
    for module in ("oracle", "components", "order_statistics", "registry"):
        name = f"{oracles.__name__}.{module}"
        results = doctest.testmod(importlib.import_module(name))
        assert results.attempted > 0 and results.failed == 0


# Site percolation.


def flood(occupied):
    """Largest cluster of a periodic lattice by flood fill."""
    rows, columns = occupied.shape
    unseen, largest = {(int(i), int(j)) for i, j in np.argwhere(occupied)}, 0
    while unseen:
        stack, size = [unseen.pop()], 0
        while stack:
            i, j = stack.pop()
            size += 1
            for step in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                near = ((i + step[0]) % rows, (j + step[1]) % columns)
                if near in unseen:
                    unseen.remove(near)
                    stack.append(near)
        largest = max(largest, size)
    return largest


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (2, 2), (3, 4), (6, 6), (13, 9)])
def test_largest_clusters_are_those_of_flood_fill(shape):
    rng = np.random.default_rng(5)
    p = np.array([0.05, 0.3, 0.45, 0.55, 0.6, 0.62, 0.9])
    fields = [rng.random(shape) for _ in range(40)]
    found = largest_components((growing_clusters(field, p) for field in fields), p.size)
    assert found.tolist() == [[flood(field < one) for one in p] for field in fields]


def test_largest_clusters_are_those_of_networkx():
    rng = np.random.default_rng(6)
    p = np.linspace(0.5, 0.7, 6)
    torus = nx.grid_2d_graph(24, 24, periodic=True)
    for _ in range(5):
        field = rng.random((24, 24))
        occupied = [[node for node in torus if field[node] < one] for one in p]
        parts = [nx.connected_components(torus.subgraph(nodes)) for nodes in occupied]
        expected = [max(map(len, part)) for part in parts]
        assert largest_components([growing_clusters(field, p)], p.size)[0].tolist() == expected


def test_percolation_has_the_mean_of_the_exact_enumeration():
    oracle = generate_oracle("percolation", sizes=(3,), trials=2000, window=0.5, points=5, seed=7)
    (curve,) = oracle.curves.curves
    mean = np.zeros(curve.x.size)
    for bits in itertools.product((False, True), repeat=9):
        occupied = np.reshape(bits, (3, 3))
        n = occupied.sum()
        mean += flood(occupied) / 9.0 * curve.x**n * (1.0 - curve.x) ** (9 - n)
    assert z_score(curve.values, mean) < 4.0


def test_percolation_scales_at_its_critical_point():
    oracle = generate_oracle("percolation", sizes=(32, 128), trials=300, points=3, seed=8)
    small_size, large_size = (curve.values[:, 1] for curve in oracle.curves.curves)
    slope = np.log(small_size.mean() / large_size.mean()) / np.log(4.0)
    relative = [y.std() / y.mean() / np.sqrt(y.size) for y in (small_size, large_size)]
    # Corrections of order 1/L at L = 32 move the slope by about 0.01.
    assert abs(slope - 5.0 / 48.0) < 4.0 * np.hypot(*relative) / np.log(4.0) + 0.01


# The giant component.


def test_largest_components_are_those_of_networkx():
    rng = np.random.default_rng(9)
    c = np.array([0.2, 0.8, 1.0, 1.1, 1.5, 3.0])
    for n_nodes in (5, 60, 300):
        first, second, degree = random_edges(n_nodes, 3.0, rng)
        assert (second < first).all() and second.min() >= 0 and first.max() < n_nodes
        assert len({*zip(first, second, strict=True)}) == first.size
        expected = []
        for one in c:
            graph = nx.empty_graph(n_nodes)
            graph.add_edges_from(zip(first[degree < one], second[degree < one], strict=True))
            expected.append(max(map(len, nx.connected_components(graph))))
        graph = growing_graph(n_nodes, first, second, degree, c)
        assert largest_components([graph], c.size)[0].tolist() == expected


def test_giant_component_has_the_mean_of_the_exact_enumeration():
    oracle = generate_oracle("giant-component", sizes=(4,), trials=1500, window=1.0, points=4)
    (curve,) = oracle.curves.curves
    pairs, q = list(itertools.combinations(range(4), 2)), curve.x / 4.0
    mean = np.zeros(curve.x.size)
    for bits in itertools.product((False, True), repeat=6):
        graph = nx.empty_graph(4)
        graph.add_edges_from(itertools.compress(pairs, bits))
        largest = max(map(len, nx.connected_components(graph)))
        mean += largest / 4.0 * q ** sum(bits) * (1.0 - q) ** (6 - sum(bits))
    assert z_score(curve.values, mean) < 4.0


def test_giant_component_of_a_large_graph_solves_its_equation():
    n_nodes = 20000
    window = (0.5 * n_nodes ** (1 / 3), 2.0 * n_nodes ** (1 / 3))
    oracle = generate_oracle(
        "giant-component", sizes=(n_nodes,), trials=20, window=window, points=4, seed=10
    )
    (curve,) = oracle.curves.curves
    assert curve.x == pytest.approx([1.5, 2.0, 2.5, 3.0])
    share = 1.0 + lambertw(-curve.x * np.exp(-curve.x)).real / curve.x
    assert share == pytest.approx(1.0 - np.exp(-curve.x * share))
    assert curve.values.mean(axis=0) == pytest.approx(share, abs=0.004)


# Order statistics.


@pytest.mark.parametrize("h", [1, 4, 10])
def test_cost_of_order_statistics_is_the_sum_over_the_smallest(h):
    # E s_(i)^2 = i (i + 1) / ((h + 1) (h + 2)) for the i-th smallest of h uniform numbers.
    i = np.arange(1, h + 1)
    exact = np.concatenate([[0.0], np.cumsum(i * (i + 1) / ((h + 1) * (h + 2)))])
    n = np.arange(2 * h)
    k = np.maximum(h - n, 0)
    assert order_statistics_mean(h, n) == pytest.approx(exact[k] / exact[h])
    cubic = k * (k + 1) * (k + 2) / (h * (h + 1) * (h + 2))
    assert order_statistics_mean(h, n) == pytest.approx(cubic)


@pytest.mark.parametrize(
    ("kappa", "coherent"), [(1.0, False), (0.5, True), (2.0, False), (1.0, True)]
)
def test_mean_cost_is_that_of_monte_carlo(kappa, coherent):
    options = {"kappa": kappa, "coherent": coherent}
    oracle = generate_oracle("order-statistics", sizes=(8,), trials=20000, seed=11, **options)
    (curve,) = oracle.curves.curves
    below = curve.x < 1.0
    mean = order_statistics_mean(8, 8 * curve.x[below], **options)
    assert z_score(curve.values[:, below], mean) < 4.0
    assert (curve.values[:, ~below] == 0.0).all()


def test_removal_takes_the_smallest_first():
    s = np.array([[1.0, 2.0, 3.0]])
    assert removal_cost(s, [0, 1, 2, 3, 5]).tolist() == [[14.0, 5.0, 1.0, 0.0, 0.0]]
    assert removal_cost(s, [0, 1, 2, 3, 5], coherent=True).tolist() == [[36.0, 9.0, 1.0, 0.0, 0.0]]


@pytest.mark.parametrize(("kappa", "coherent"), [(1.0, False), (0.5, False), (2.0, True)])
def test_exponent_of_many_units_is_the_truth(kappa, coherent):
    options = {"kappa": kappa, "coherent": coherent}
    beta = generate_oracle("order-statistics", trials=2, **options).truth["beta"]
    h = 10**6
    near, far = order_statistics_mean(h, [h - 10**4, h - 10**5], **options)
    assert np.log10(far / near) == pytest.approx(beta, abs=1e-3)


# The linear student.


def test_residual_share_is_the_error_of_least_squares():
    width = 6
    teacher_rng, student_rng = np.random.default_rng(12), np.random.default_rng(12)
    found = residual_share(width, teacher_rng)
    teacher = student_rng.standard_normal(width)
    patterns = student_rng.standard_normal((width, width)).T
    for number in range(width + 1):
        student = np.linalg.pinv(patterns[:number]) @ (patterns[:number] @ teacher)
        error = np.sum((teacher - student) ** 2) / np.sum(teacher**2)
        assert found[number] == pytest.approx(error, abs=1e-10)


def test_error_of_the_linear_student_is_beta_distributed():
    oracle = generate_oracle("linear", sizes=(16,), trials=4000, points=None, seed=13)
    (curve,) = oracle.curves.curves
    alpha = curve.x[1:16]
    assert np.allclose(curve.values[:, 0], 1.0, rtol=1e-12)
    assert (curve.values[:, 16:] == 0.0).all()
    assert z_score(curve.values[:, 1:16], 1.0 - alpha) < 4.0
    variance = curve.values[:, 1:16].var(axis=0, ddof=1)
    assert variance == pytest.approx(2 * alpha * (1 - alpha) / 18, rel=0.12)
    for number in (3, 8, 15):
        law = ("beta", ((16 - number) / 2, number / 2))
        assert kstest(curve.values[:, number], law[0], law[1]).pvalue > 1e-3


# Mocks and ramps.


def test_mocks_are_the_mock_curves():
    for name, options in (
        ("mock", {}),
        ("mock-correlated", {"correlated": True}),
        ("mock-correction", {"correction": 0.6}),
    ):
        oracle = generate_oracle(name, seed=14)
        expected = mock_curves(seed=14, **options)
        for curve, same in zip(oracle.curves.curves, expected.curves, strict=True):
            assert np.array_equal(curve.values, same.values)
        assert oracle.corrections == ("correction" in options)
        assert oracle.truth["beta"] == pytest.approx(1 / 6)


@pytest.mark.parametrize(
    ("name", "curve_of"),
    [
        ("exponential", lambda x: np.exp(-6.0 * x)),
        ("line", lambda x: 1.0 - x / 2.0),
        ("crossover", lambda x: 1.0 / (1.0 + np.exp((x - 0.5) / 0.1))),
        ("threshold", lambda x: np.where(x < 1.1, (1.0 - np.minimum(x, 1.1) / 1.1) ** 2, 0.0)),
    ],
)
def test_ramps_scatter_as_stated_about_their_curve(name, curve_of):
    oracle = generate_oracle(name, sizes=(10, 20), trials=3000, seed=15)
    for curve in oracle.curves.curves:
        expected = curve_of(curve.x)
        positive = expected > 0.0
        assert (curve.values[:, ~positive] == 0.0).all()
        relative = curve.values[:, positive] / expected[positive]
        assert z_score(relative, 1.0) < 4.0
        # Var of amplitude (1 + noise): exp(a^2) (1 + noise^2) - 1.
        assert relative.std(axis=0) == pytest.approx(np.sqrt(np.exp(0.04) * 1.01 - 1.0), rel=0.1)
        # Neighbours of smooth noise correlate as exp(-(dx / (2 length))^2), length 0.2.
        neighbours = np.exp(-(((curve.x[1] - curve.x[0]) / 0.4) ** 2))
        steps = np.diff(np.log(relative), axis=1)
        assert steps.std() == pytest.approx(0.1 * np.sqrt(2.0 * (1.0 - neighbours)), rel=0.1)


def test_jitter_moves_the_threshold_of_each_trial():
    oracle = generate_oracle(
        "threshold", sizes=(400,), trials=500, beta=1.0, jitter=0.05, noise=0.0, amplitude=0.0
    )
    (curve,) = oracle.curves.curves
    edge = 1.0 / (1.0 - curve.values[:, curve.x == 0.5].ravel()) * 0.5
    assert edge.mean() == pytest.approx(1.1, abs=0.01)
    assert edge.std() == pytest.approx(0.05, rel=0.15)
    assert oracle.truth == {"x_c": 1.1, "inv_nu": None, "beta_over_nu": None, "beta": 1.0}
