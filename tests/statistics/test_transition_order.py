"""The dip, the jump, and the order of simulated transitions."""

import json

import numpy as np
import pytest
from scipy.optimize import linprog

from sta import ShapeError
from sta.analysis.statistics import Estimate
from sta.analysis.statistics.curves import Curve
from sta.analysis.statistics.transition.dip import dip, dip_p_value
from sta.analysis.statistics.transition.jumps import jump_heights, jump_scaling
from sta.analysis.statistics.transition.order import transition_order, two_modes
from transition_truths import ramps, whole

BETA = Estimate(1.0, 0.1, (0.8, 1.2))


def dip_by_linear_programming(values):
    """Smallest sup |F_n - G| over G convex before a mode, concave after it, free to jump at it."""
    x, number = np.unique(values, return_counts=True)
    after = np.cumsum(number) / number.sum()
    before = after - number / number.sum()
    best = 1.0
    for mode in range(x.size):
        points = [(i, 0) for i in range(mode + 1)] + [(i, 1) for i in range(mode, x.size)]
        n = len(points)
        rows, bounds = [], []

        def at_most(terms, bound, n=n, rows=rows, bounds=bounds):
            row = np.zeros(n + 1)
            for place, factor in terms:
                row[place] += factor
            rows.append(row)
            bounds.append(bound)

        for place, (i, side) in enumerate(points):
            ends = (after[i], before[i])
            if i == mode:
                ends = (before[i],) * 2 if side == 0 else (after[i],) * 2
            at_most([(place, -1), (n, -1)], -ends[0])
            at_most([(place, 1), (n, -1)], ends[1])
            if place:
                at_most([(place - 1, 1), (place, -1)], 0)
        for side, sign in ((0, 1), (1, -1)):
            part = [place for place in range(n) if points[place][1] == side]
            for a, b, c in zip(part, part[1:], part[2:], strict=False):
                left = x[points[b][0]] - x[points[a][0]]
                right = x[points[c][0]] - x[points[b][0]]
                slopes = [(b, 1 / left + 1 / right), (a, -1 / left), (c, -1 / right)]
                at_most([(place, sign * factor) for place, factor in slopes], 0)
        goal = np.zeros(n + 1)
        goal[n] = 1
        found = linprog(goal, A_ub=np.array(rows), b_ub=bounds, bounds=[(0, 1)] * (n + 1))
        best = min(best, found.fun if found.status == 0 else 1.0)
    return best


def test_dip_is_the_distance_to_the_nearest_unimodal_distribution():
    rng = np.random.default_rng(5)
    for n in (5, 8, 11, 14):
        peaks = np.concatenate([rng.normal(size=n // 2), 4 + rng.normal(size=n - n // 2)])
        for sample in (rng.random(n), peaks, rng.integers(0, 5, n)):
            assert dip(sample) == pytest.approx(dip_by_linear_programming(sample), abs=1e-9)


def test_dip_of_simple_samples():
    assert dip(np.arange(10.0)) == pytest.approx(1 / 20)
    assert dip([0, 0, 0, 1, 1, 1]) == pytest.approx(0.25)
    assert dip([3.0] * 7) == pytest.approx(1 / 14)
    assert dip([1.0]) == 0.5
    sample = np.random.default_rng(0).random(40)
    assert dip(7 - 3 * sample) == pytest.approx(dip(sample), abs=1e-12)
    with pytest.raises(ShapeError):
        dip([0.0, np.nan])


def test_dip_tells_two_peaks_from_one():
    rng = np.random.default_rng(1)
    one, two = rng.normal(size=60), np.concatenate([rng.normal(size=30), 5 + rng.normal(size=30)])
    assert dip_p_value(one, samples=200) > 0.2
    assert dip_p_value(two, samples=200) == pytest.approx(1 / 201)
    gain_one, gain_two = two_modes(one)[2], two_modes(two)[2]
    assert gain_one < 0 < 10 < gain_two
    assert two_modes(two)[3] == pytest.approx(5.0, abs=0.7)
    assert two_modes(np.ones(30)) == (0.5 / 30, 1.0, 0.0, 0.0)


def test_jumps_of_steps_lines_and_kinks():
    x = np.arange(41) / 20
    step = np.where(x < 1, 0.8, 0.1)
    slanted = np.where(x < 1, 1 - 0.2 * x, 0.3)
    rows = np.array([step, slanted, 1 - x / 2, (1 - x / 2) ** 2])
    found = jump_heights(Curve(20.0, x, rows, np.ones(4)))
    assert np.allclose(found, [0.7, 0.5, 0.0, 0.0], atol=0.03)
    mirrored = Curve(20.0, x, rows[:, ::-1], np.ones(4))
    assert np.allclose(jump_heights(mirrored, falling=False), found, atol=1e-12)
    assert np.isnan(jump_heights(Curve(20.0, x[:9], rows[:, :9], np.ones(4)))).all()


def test_noise_makes_no_jump():
    rng = np.random.default_rng(0)
    x = np.arange(41) / 20
    noisy = np.clip(1 - x / 2, 0, None) + 0.05 * rng.standard_normal((2000, 41))
    found = jump_heights(Curve(20.0, x, noisy, np.ones(2000)))
    assert abs(found.mean()) < 4 * found.std() / np.sqrt(2000)


def test_the_limit_of_the_jump():
    found = jump_scaling(ramps(0, jump=0.6), resamples=300)
    assert found.limit.ci95[0] < 0.6 < found.limit.ci95[1]
    assert found.contains_zero is False and found.resolved
    kink = jump_scaling(ramps(0, beta=1.0), resamples=300)
    assert kink.contains_zero and kink.limit.ci95[1] < 0.1
    few = jump_scaling(ramps(0, sizes=(10, 20, 40)), resamples=50)
    assert few.limit.value is None and "3 sizes" in few.limit.reason


def test_orders_of_simulated_truths():
    first = transition_order(ramps(3), BETA, resamples=300)
    assert first.outcome == "first order" and first.modes[-1].bimodal
    smooth = transition_order(ramps(3, beta=1.0), BETA, resamples=300)
    assert smooth.outcome == "continuous" and not smooth.modes[-1].bimodal
    for one in (first, smooth):
        assert {test.name for test in one.tests} == {"jump", "two peaks", "U4 minimum", "beta"}
        assert "second order" not in json.dumps(one.to_dict(), allow_nan=False)
        assert all(estimate.value is None and estimate.reason for estimate in one.u4_minimum)


def test_a_continuous_transition_needs_beta():
    curves = ramps(3, beta=1.0, trials=20)
    for beta in (Estimate(0.2, 0.2, (-0.1, 0.5)), Estimate(reason="not identified")):
        found = transition_order(curves, beta, resamples=100)
        assert found.outcome == "undecided"
    assert "beta: not identified" in found.message


def test_a_constant_is_no_continuous_transition():
    x = np.linspace(0, 1, 15)
    flat = whole([Curve(float(n), x, np.ones((30, 15)), np.ones(30)) for n in (8, 16, 32, 64)])
    found = transition_order(flat, BETA, resamples=50)
    assert found.outcome == "undecided" and "constant" in found.jump.limit.reason


def test_few_trials_are_undecided():
    found = transition_order(ramps(1, trials=12), BETA, resamples=100)
    assert found.outcome == "undecided" and "12 trials, 20 are needed" in found.message


def test_a_steep_fall_on_a_coarse_grid_is_no_first_order():
    """On one grid for all sizes, |x - x_c|^(1/4) drops by a fixed amount from point to point."""
    rng = np.random.default_rng(0)
    x = np.linspace(0, 1.6, 33)
    curves = []
    for size in (10, 20, 40, 80):
        x_c = 1 + 0.25 * size**-0.5 * rng.standard_normal((60, 1))
        m = np.clip(1 - x / x_c, 0, None) ** 0.25
        curves.append(Curve(float(size), x, m, np.ones(60)))
    found = transition_order(whole(curves), BETA, resamples=200)
    assert found.outcome == "undecided" and not found.jump.resolved
    assert "finer grid" in found.message
    assert found.u4_minimum[0].ci95 is not None


@pytest.mark.slow
@pytest.mark.parametrize("trials", [20, 60])
def test_rates_of_the_outcomes(trials):
    """First order and continuous truths are found, and never taken for each other."""
    for beta, right, power in (
        (None, "first order", 0.9),
        (1.0, "continuous", 0.7),
        (3.0, "continuous", 0.9),
    ):
        outcomes = [
            transition_order(ramps(seed, beta=beta, trials=trials), BETA, resamples=300).outcome
            for seed in range(60)
        ]
        wrong = {"first order": "continuous", "continuous": "first order"}[right]
        assert outcomes.count(right) >= power * 60
        assert outcomes.count(wrong) <= 1
