"""The overlap chain and SGD with weight vectors: one law, and that of the motion for large N."""

import numpy as np
import pytest
from scipy.stats import ks_2samp

from sta.errors import ConfigError, ShapeError
from sta.quadratic import (
    OverlapChain,
    VectorSGD,
    check_overlaps,
    drift,
    escape_times,
    informed_overlaps,
    integrate_flow,
    make_system,
    random_overlaps,
    simulate,
    weights_with_overlaps,
)

SYSTEMS = {
    "one": make_system(1, 1, 0.04),
    "wide": make_system(4, 2, 0.3),
    "batch 4, noise": make_system(2, 1, 0.2, batch=4, label_noise=0.3),
    "batch 16": make_system(3, 2, 0.5, batch=16),
    "free scales, unequal": make_system(
        3, 2, 0.01, student_scale=1.0, teacher_scale=2.0, teacher_overlap=[[1.2, 0.4], [0.4, 0.8]]
    ),
    "spherical": make_system(4, 2, 0.3, spherical=True),
    "spherical, noise, batch 4": make_system(
        2, 2, 0.3, spherical=True, label_noise=0.2, batch=4, teacher_overlap=[1.5, 0.5]
    ),
}


def start(system, replicas, dimension=200, seed=0, same=True):
    rng = np.random.default_rng(seed)
    student, mixed = informed_overlaps(system, dimension, 1 if same else replicas, rng)
    shape = (replicas, system.student_width)
    return (
        np.broadcast_to(student, (*shape, system.student_width)).copy(),
        np.broadcast_to(mixed, (*shape, system.teacher_width)).copy(),
    )


@pytest.mark.parametrize("name", SYSTEMS)
def test_one_step_moves_by_the_drift_on_average(name):
    """N so large that corrections of order 1 / N are below the error of the average."""
    system, dimension, replicas = SYSTEMS[name], 10**6, 40_000
    student, mixed = start(system, replicas)
    sums = squares = 0.0
    for seed in range(5):
        chain = OverlapChain(system, student, mixed, dimension, seed=seed)
        chain.step()
        moved = np.concatenate(
            [(chain.student - student).reshape(replicas, -1),
             (chain.mixed - mixed).reshape(replicas, -1)], axis=1,
        ) * dimension  # fmt: skip
        sums, squares = sums + moved.sum(0), squares + (moved**2).sum(0)
    mean = sums / (5 * replicas)
    error = np.sqrt((squares / (5 * replicas) - mean**2) / (5 * replicas))
    exact = np.concatenate([one.ravel() for one in drift(system, student[0], mixed[0])])
    assert np.all(np.abs(mean - exact) < 5 * error + 1e-6)


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize(
    ("dimension", "runs", "alpha"),
    [(10, 150, 4.0), pytest.param(100, 300, 10.0, marks=pytest.mark.slow)],
)
def test_chain_and_vectors_have_one_law(name, dimension, runs, alpha):
    system = SYSTEMS[name]
    student, mixed = start(system, runs, dimension)
    ends = []
    for stepper in (
        OverlapChain(system, student, mixed, dimension, seed=1),
        VectorSGD(system, student, mixed, dimension, seed=2),
    ):
        done = simulate(stepper, np.array([alpha]))
        ends.append(np.concatenate(
            [done.student[0].reshape(runs, -1), done.mixed[0].reshape(runs, -1)], axis=1
        ))  # fmt: skip
    p = system.student_width
    fixed = [k * p + k for k in range(p)] if system.spherical else []
    p_values = [
        ks_2samp(one, other).pvalue
        for k, (one, other) in enumerate(zip(*(end.T for end in ends), strict=True))
        if k not in fixed
    ]
    assert min(p_values) > 1e-3 / len(p_values)
    assert np.median(p_values) > 0.02


def test_weights_have_the_overlaps_that_were_asked_for():
    system = SYSTEMS["free scales, unequal"]
    student, mixed = start(system, 3)
    rng = np.random.default_rng(0)
    weights, teacher = weights_with_overlaps(system, student, mixed, 50, rng)
    assert weights.shape == (3, 3, 50)
    assert weights @ weights.swapaxes(1, 2) / 50 == pytest.approx(student)
    assert weights @ teacher.T / 50 == pytest.approx(mixed)
    assert teacher @ teacher.T / 50 == pytest.approx(system.teacher_overlap)


@pytest.mark.parametrize("spherical", [False, True])
@pytest.mark.parametrize("dimension", [5, 40])
def test_random_overlaps_have_the_law_of_random_weights(dimension, spherical):
    system = make_system(3, 2, 0.1, teacher_overlap=[[1.2, 0.4], [0.4, 0.8]], spherical=spherical)
    rng = np.random.default_rng(0)
    student, mixed = random_overlaps(system, dimension, 2000, rng, scale=1.0 if spherical else 0.7)
    check_overlaps(system, student, mixed)
    weights = rng.standard_normal((2000, 3, dimension)) * (1.0 if spherical else np.sqrt(0.7))
    if spherical:
        weights *= np.sqrt(dimension) / np.linalg.norm(weights, axis=2, keepdims=True)
    teacher = np.linalg.cholesky(system.teacher_overlap) @ np.eye(2, dimension) * np.sqrt(dimension)
    for drawn, made in (
        (student, weights @ weights.swapaxes(1, 2) / dimension),
        (mixed, weights @ teacher.T / dimension),
    ):
        for entry in ((0, 0), (0, 1), (2, 1)):
            if spherical and drawn is student and entry == (0, 0):
                continue
            assert ks_2samp(drawn[:, *entry], made[:, *entry]).pvalue > 1e-4


def test_deviations_from_the_motion_shrink_like_the_root_of_n():
    system = make_system(2, 1, 0.08)
    times = np.linspace(0.5, 10.0, 20)
    student, mixed = start(system, 100)
    flow = integrate_flow(system, student[0], mixed[0], times)
    sizes, medians = (250, 1000, 4000), []
    for dimension in sizes:
        done = simulate(OverlapChain(system, student, mixed, dimension), times)
        worst = np.maximum(
            np.abs(done.student - flow.student[:, None]).max((0, 2, 3)),
            np.abs(done.mixed - flow.mixed[:, None]).max((0, 2, 3)),
        )
        medians.append(np.median(worst))
    slope = np.polyfit(np.log(sizes), np.log(medians), 1)[0]
    assert -0.6 < slope < -0.4


@pytest.mark.slow
@pytest.mark.parametrize("spherical", [False, True])
@pytest.mark.parametrize(("p", "q"), [(1, 1), (2, 1), (4, 1), (2, 2), (4, 2)])
def test_informed_starts_follow_the_motion(p, q, spherical):
    dimension = 1000
    system = make_system(p, q, 0.04 * p * q, spherical=spherical)
    times = np.linspace(0.5, 50.0, 100)
    rng = np.random.default_rng(p + 10 * q)
    student, mixed = informed_overlaps(system, dimension, 5, rng)
    flow = integrate_flow(system, student, mixed, times)
    done = simulate(VectorSGD(system, student, mixed, dimension, seed=3), times)
    worst = np.maximum(
        np.abs(done.student - flow.student).max((0, 2, 3)),
        np.abs(done.mixed - flow.mixed).max((0, 2, 3)),
    )
    scaled = worst * system.student_scale / system.teacher_scale * np.sqrt(dimension)
    assert np.median(scaled) <= 3.0 and scaled.max() <= 5.0


def test_nothing_cancels_near_zero_loss():
    system = make_system(2, 2, 0.16)
    chain = OverlapChain(system, *start(system, 5), 20)
    done = simulate(chain, np.array([50.0, 400.0]))
    assert np.all(done.loss[1] < 1e-20) and np.all(done.loss >= 0)
    assert done.order_parameter[1] == pytest.approx(np.ones(5), abs=1e-9)
    assert np.linalg.eigvalsh(chain.student).min() > 0.5


def test_a_million_dimensions_of_wide_networks():
    system = make_system(64, 8, 0.03 * 64 * 8)
    rng = np.random.default_rng(0)
    chain = OverlapChain(system, *random_overlaps(system, 10**6, 1, rng), 10**6)
    before = chain.student
    chain.step(50)
    assert chain.alpha == 5e-5
    expected = 5e-5 * drift(system, before, chain.mixed)[0]
    assert np.abs(chain.student - before - expected).max() < 0.01
    assert np.abs(chain.student - before).max() > 0


@pytest.mark.parametrize("kind", [OverlapChain, VectorSGD])
def test_deterministic_under_the_seed(kind):
    system = SYSTEMS["batch 4, noise"]
    student, mixed = start(system, 4, 30)
    ends = []
    for seed in (1, 1, 2):
        stepper = kind(system, student, mixed, 30, seed=seed)
        stepper.step(40)
        ends.append(stepper.mixed)
    assert np.array_equal(ends[0], ends[1]) and not np.allclose(ends[0], ends[2])


@pytest.mark.parametrize("kind", [OverlapChain, VectorSGD])
def test_escape_times_are_first_passages(kind):
    system = make_system(2, 1, 0.06)
    rng = np.random.default_rng(0)
    student, mixed = random_overlaps(system, 60, 12, rng)
    seen = []
    times = escape_times(
        kind(system, student, mixed, 60, seed=5), 400.0, threshold=0.5,
        on_progress=lambda alpha, left: seen.append((alpha, left)),
    )  # fmt: skip
    assert np.all(np.isfinite(times)) and seen[-1][1] == 0
    assert [left for _, left in seen] == [int(np.sum(times > alpha)) for alpha, _ in seen]
    early = escape_times(kind(system, student, mixed, 60, seed=5), float(np.sort(times)[3]))
    assert np.isfinite(early).sum() in (3, 4, 5)


def test_divergence_names_the_critical_rate():
    system = make_system(1, 1, 0.4)
    student, mixed = start(system, 20)
    with pytest.raises(ConfigError, match=r"eta = 0\.4; the critical one is 0\.16666"):
        simulate(OverlapChain(system, student, mixed, 100), np.array([500.0]))


def test_bad_input():
    system = make_system(2, 1, 0.1)
    student, mixed = start(system, 2)
    for kind in (OverlapChain, VectorSGD):
        with pytest.raises(ConfigError, match=r"N = 2 is smaller than p \+ p. = 3"):
            kind(system, student, mixed, 2)
        with pytest.raises(ShapeError, match=r"at least 0"):
            kind(system, student, 10 * mixed, 50)
    with pytest.raises(ConfigError, match=r"N = 2 is smaller"):
        random_overlaps(system, 2, 1, np.random.default_rng(0))
    chain = OverlapChain(system, student, mixed, 50)
    for wrong in (np.array([0.0]), np.array([2.0, 1.0]), np.array([])):
        with pytest.raises(ConfigError, match="increasing times that end above 0"):
            simulate(chain, wrong)
    with pytest.raises(ConfigError, match="positive"):
        escape_times(chain, 0.0)
    chain.step(100)
    with pytest.raises(ConfigError, match="in the past"):
        simulate(chain, np.array([1.0, 3.0]))
