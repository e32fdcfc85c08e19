"""Shuffled sizes, logarithms against powers, and paired kinds."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

from sta import ConfigError, ShapeError, StaError
from sta.analysis.statistics.curves import Curve, CurveSet, mean_curve
from sta.analysis.statistics.transition.logarithmic import logarithmic_scaling
from sta.analysis.statistics.transition.nulls import paired_kinds, shuffled_sizes

SIZES = (8.0, 16.0, 32.0, 64.0)
X = np.linspace(0, 1, 11)


def curve_set(sizes=SIZES, trials=6, seed=0, offset=0.0, labels=None):
    """Lines 1 - x with an amplitude of their own for each trial, shared by the sizes."""
    amplitude = 1 + 0.3 * np.random.default_rng(seed).standard_normal((trials, 1))
    values = amplitude * (1 - X) + offset
    curves = tuple(Curve(size, X, values, np.ones(trials)) for size in sizes)
    return CurveSet(curves, tuple(range(trials) if labels is None else labels))


def heights(curves):
    return np.array([one.values[0, 0] for one in curves.curves])


def in_order(sizes=SIZES):
    """Curves of height equal to their size, so that the right assignment is a straight line."""
    curves = tuple(Curve(size, X, np.full((2, 11), size), np.ones(2)) for size in sizes)
    return CurveSet(curves, (0, 1))


def misfit(curves):
    return float(np.abs(heights(curves) - [one.size for one in curves.curves]).sum())


def test_the_only_good_assignment_has_the_smallest_p():
    found = shuffled_sizes(in_order(), misfit)
    assert found.exact and found.p_value == pytest.approx(1 / 24) and len(found.shuffled) == 23
    opposite = shuffled_sizes(in_order(), lambda c: -misfit(c), lower_is_better=False)
    assert opposite.p_value == found.p_value
    assert opposite.shuffled == tuple(-value for value in found.shuffled)
    assert shuffled_sizes(in_order(), misfit, lower_is_better=False).p_value == 1.0
    assert shuffled_sizes(in_order(), lambda _: 3.0).p_value == 1.0


def test_sizes_stay_ascending_and_values_are_kept():
    seen = []
    shuffled_sizes(in_order(), lambda c: seen.append(heights(c)) or 0.0)
    assert len({tuple(one) for one in seen}) == 24
    assert all(sorted(one) == list(SIZES) for one in seen)


def test_many_sizes_are_sampled_and_few_are_told():
    many = in_order(tuple(float(n) for n in range(1, 8)))
    found = shuffled_sizes(many, misfit, permutations=99, seed=1)
    assert not found.exact and found.p_value == pytest.approx(0.01)
    assert found == shuffled_sizes(many, misfit, permutations=99, seed=1)
    three = shuffled_sizes(in_order(SIZES[:3]), misfit)
    assert three.p_value == pytest.approx(1 / 6) and "0.17" in three.reason
    assert shuffled_sizes(in_order(SIZES[:1]), misfit).p_value is None
    with pytest.raises(ConfigError):
        shuffled_sizes(many, misfit, permutations=0)


def test_a_quality_that_fails_ranks_last():
    def fragile(curves):
        if misfit(curves) > 0:
            raise StaError("no overlap")
        return 5.0

    assert shuffled_sizes(in_order(), fragile).p_value == pytest.approx(1 / 24)
    none = shuffled_sizes(in_order(), lambda _: float("nan"))
    assert none.p_value is None and "not finite" in none.reason
    assert json.dumps(shuffled_sizes(in_order(), fragile).to_dict(), allow_nan=False)


def test_p_values_are_uniform_if_sizes_do_not_matter():
    rng = np.random.default_rng(0)
    p = []
    for _ in range(60):
        data = in_order()
        values = rng.standard_normal(4)
        shuffled = tuple(
            replace(one, values=np.full((2, 11), v))
            for one, v in zip(data.curves, values, strict=True)
        )
        correlation = lambda c: -np.corrcoef(heights(c), np.log([o.size for o in c.curves]))[0, 1]  # noqa: E731
        p.append(shuffled_sizes(replace(data, curves=shuffled), correlation).p_value)
    assert 0.36 < np.mean(p) < 0.67 and np.mean(np.array(p) <= 0.25) < 0.45


def test_exact_laws_are_told_apart():
    sizes = np.array([8.0, 16.0, 32.0, 64.0, 128.0])
    power, log = 3 * sizes**-0.5, 1 / np.log(sizes / 2)
    for widths, right in ((power, "power law"), (log, "logarithmic")):
        found = logarithmic_scaling(sizes, widths, 0.01 * widths, resamples=400)
        assert found.outcome == right and not found.inverted
        slopes = logarithmic_scaling(sizes, 1 / widths, 0.01 / widths, resamples=400)
        assert slopes.outcome == right and slopes.inverted
        assert json.dumps(found.to_dict(), allow_nan=False)
        assert logarithmic_scaling(sizes, widths, 0.5 * widths).outcome == "undecided"
    found = logarithmic_scaling(sizes, power, 0.01 * power)
    assert found.exponent.value == pytest.approx(0.5)
    assert logarithmic_scaling(sizes, log, 0.01 * log).log_l0.value == pytest.approx(
        np.log(2), abs=0.05
    )


def test_chi2_of_the_logarithm_is_the_least():
    rng = np.random.default_rng(2)
    sizes = np.array([10.0, 20.0, 40.0, 80.0])
    widths = 2 * sizes**-0.7 * np.exp(0.02 * rng.standard_normal(4))
    errors = 0.02 * widths
    found = logarithmic_scaling(sizes, widths, errors)

    def chi2(theta):
        depth = np.exp(theta[1]) + np.log(sizes / 10)
        return np.sum(((np.log(widths) - theta[0] + np.log(depth)) / 0.02) ** 2)

    best = min(
        minimize(chi2, (0, start), method="Nelder-Mead", options={"maxiter": 4000}).fun
        for start in (-2, 0, 2)
    )
    line = np.polyfit(np.log(sizes), np.log(widths), 1)
    straight = np.sum(((np.log(widths) - np.polyval(line, np.log(sizes))) / 0.02) ** 2)
    assert found.difference.value == pytest.approx(best - straight, rel=0.01)


def test_the_laws_refuse_what_they_cannot_judge():
    found = logarithmic_scaling([8, 16], [1, 0.5], [0.1, 0.1])
    assert found.outcome == "undecided" and found.p_power is None and "2 sizes" in found.message
    jagged = logarithmic_scaling([8, 16, 32, 64], [1, 0.1, 1, 0.1], [0.01] * 4)
    assert jagged.outcome == "undecided" and "neither" in jagged.message
    with pytest.raises(ShapeError, match="2 widths"):
        logarithmic_scaling([8, 16, 32], [1, 0.5], [0.1] * 3)
    with pytest.raises(ConfigError, match="widths has -1"):
        logarithmic_scaling([8, 16, 32], [1, -1, 0.5], [0.1] * 3)


def test_pairs_cancel_what_trials_share():
    a, b = curve_set(offset=0.25), curve_set()
    shuffled = curve_set(seed=1)
    found = paired_kinds(a, b, [0.0, 0.5, 0.93], resamples=300)
    assert found.sizes == SIZES and found.n_pairs == 6 and found.n_unpaired == 0
    for row in found.curves:
        for estimate in row:
            assert estimate.value == pytest.approx(0.25) and estimate.se == pytest.approx(
                0, abs=1e-12
            )
    loose = paired_kinds(a, shuffled, [0.0], resamples=300).curves[0][0]
    assert loose.se > 0.05
    assert json.dumps(found.to_dict(), allow_nan=False)


def test_labels_are_matched_and_the_rest_left_out():
    a = curve_set(labels="abcdef")
    turned = curve_set(labels="abcdef")
    order = np.array([3, 1, 5, 0, 2, 4])
    turned = CurveSet(
        tuple(replace(one, values=one.values[order]) for one in turned.curves),
        tuple("abcdef"[i] for i in order),
    )
    same = paired_kinds(a, turned, [0.2], resamples=100).curves[0][0]
    assert same.value == pytest.approx(0) and same.se == pytest.approx(0, abs=1e-12)
    part = paired_kinds(a, curve_set(sizes=SIZES[1:], labels="cdefgh"), [0.2, 2.0], resamples=50)
    assert part.n_pairs == 4 and part.n_unpaired == 4 and part.sizes == SIZES[1:]
    assert part.curves[0][1].value is None and part.curves[0][1].reason
    with pytest.raises(ShapeError, match="no label in common"):
        paired_kinds(a, curve_set(labels=range(6)))
    with pytest.raises(ShapeError, match="no size in common"):
        paired_kinds(a, curve_set(sizes=(9.0,), labels="abcdef"))


def test_any_statistic_of_two_kinds():
    top = lambda c: float(mean_curve(c.curves[0])[0, 0])  # noqa: E731
    a, b = curve_set(trials=40, offset=0.1), curve_set(trials=40, seed=3)
    found = paired_kinds(a, b, statistics={"top": top}, resamples=400).statistics["top"]
    direct = a.curves[0].values[:, 0] - b.curves[0].values[:, 0]
    assert found.value == pytest.approx(direct.mean())
    assert found.se == pytest.approx(direct.std(ddof=1) / np.sqrt(40), rel=0.15)
    none = paired_kinds(a, b, statistics={"bad": lambda _: float("nan")}, resamples=10)
    assert none.statistics["bad"].value is None
    two = paired_kinds(
        curve_set(trials=2), curve_set(trials=2, seed=1), [0.5], {"top": top}, resamples=10
    )
    assert two.statistics["top"].ci95 is None and two.curves[0][0].ci95 is None


def test_whole_groups_are_drawn():
    groups = tuple(np.repeat(["a", "b", "c"], 2))
    a, b = (replace(curve_set(seed=seed), groups=groups) for seed in (0, 1))
    flat = paired_kinds(replace(a, groups=()), replace(b, groups=()), [0.0], resamples=2000)
    gap = (a.curves[0].values - b.curves[0].values)[:, 0].reshape(3, 2).mean(axis=1)
    found = paired_kinds(a, b, [0.0], resamples=2000).curves[0][0]
    assert found.value == pytest.approx(flat.curves[0][0].value)
    assert found.se == pytest.approx(gap.std(ddof=1) / np.sqrt(3), rel=0.06)


@pytest.mark.slow
def test_error_rates_of_the_two_laws():
    sizes = np.array([8.0, 16.0, 32.0, 64.0, 128.0])
    laws = {"power law": 3 * sizes**-0.5, "logarithmic": 1 / np.log(sizes / 2)}
    for right, widths in laws.items():
        outcomes = []
        for seed in range(300):
            noisy = widths * np.exp(0.08 * np.random.default_rng(seed).standard_normal(5))
            outcomes.append(logarithmic_scaling(sizes, noisy, 0.08 * noisy, seed=seed).outcome)
        wrong = next(name for name in laws if name != right)
        assert outcomes.count(wrong) <= 0.08 * 300
