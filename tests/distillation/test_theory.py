"""Fixed points against the paper's curves, closed forms, identities and each other."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.svm import SVC

from sta.distillation import (
    bayes_error,
    best_ridge,
    generalization_error,
    inheritance,
    make_setting,
    separability_threshold,
    solve_square,
    theory,
)
from sta.distillation.erm import solve_erm
from sta.distillation.losses import Distilled
from sta.distillation.moments import HingeMoments
from sta.distillation.newton import minimum
from sta.errors import ConfigError

# Saglietti and Zdeborova, arXiv 2012.00194, rho = 0.2, Delta = 1, eta = 0.5; read off the figures.
FIGURE_2 = {
    0.01: {2.2: (0.1838, 0.2210), 4.5: (0.1718, 0.1864), 9.0: (0.1413, 0.1721)},
    0.1: {2.2: (0.1603, 0.1980), 4.5: (0.1468, 0.1796), 9.0: (0.1338, 0.1699)},
}
DIRECT_2 = {2.2: 0.2333, 4.5: 0.1890, 9.0: 0.1725}
FIGURE_3_TOP = {
    (1.5, 0.01): (0.2600, 0.2333),
    (1.5, 0.1): (0.2144, 0.1937),
    (4.5, 0.3): (0.1763, 0.1756),
    (4.5, 1.0): (0.1843, 0.1901),
}
FIGURE_3_BOTTOM = {
    1.0: (0.1807, 0.1905, 0.1998),
    0.4: (0.1760, 0.1754, 0.1846),
    0.8: (0.1758, 0.1811, 0.1961),
}
FIGURE_5 = {0.5: 0.3847, 1.0: 0.2388, 3.0: 0.1885, 6.0: 0.1749}


@pytest.mark.parametrize("ridge", FIGURE_2)
def test_figure_2(ridge):
    points = FIGURE_2[ridge]
    found = theory(make_setting(list(points), lam_teacher=ridge))
    published = np.array(list(points.values()))
    assert found.teacher.test_error == pytest.approx(published[:, 0], abs=5e-4)
    assert found.student.test_error == pytest.approx(published[:, 1], abs=5e-4)


def test_figure_2_without_teacher():
    found = theory(make_setting(list(DIRECT_2), chi=0.0))
    assert found.student.test_error == pytest.approx(list(DIRECT_2.values()), abs=5e-4)


def test_figure_3_top():
    alpha, ridge = np.array(list(FIGURE_3_TOP)).T
    distilled = theory(make_setting(alpha, lam_teacher=ridge)).student.test_error
    direct = theory(make_setting(alpha, lam=ridge, chi=0.0)).student.test_error
    published = np.array(list(FIGURE_3_TOP.values()))
    assert distilled == pytest.approx(published[:, 0], abs=1e-3)
    assert direct == pytest.approx(published[:, 1], abs=1e-3)


def test_figure_3_bottom():
    """At lambda~ = 0.15, T = 2; the caption's 0.1 misses its own curves by up to 0.017 (T = 1)."""
    chi = np.array(list(FIGURE_3_BOTTOM))[:, None]
    ridges = np.array([0.1, 0.2, 0.5])
    published = np.array(list(FIGURE_3_BOTTOM.values()))
    found = theory(make_setting(4.5, lam_teacher=0.15, temperature=2.0, chi=chi, lam=ridges))
    assert found.student.test_error == pytest.approx(published, abs=3e-4)
    caption = theory(make_setting(4.5, lam_teacher=0.1, temperature=1.0, chi=chi, lam=ridges))
    assert np.abs(caption.student.test_error - published).max() > 0.005


def test_figure_5():
    found = theory(make_setting(list(FIGURE_5), lam_teacher=0.1))
    assert found.student.test_error == pytest.approx(list(FIGURE_5.values()), abs=1e-3)


MIXED = {
    "logistic": make_setting(
        [0.8, 2.0, 5.0], rho=[0.2, 0.4, 0.5], delta=[1.0, 0.7, 1.5], eta=[0.3, 0.7, 1.0],
        lam=[0.1, 0.01, 0.5], chi=0.0,
    ),
    "square": make_setting(
        [0.8, 2.0, 5.0], rho=[0.2, 0.4, 0.5], delta=[1.0, 0.7, 1.5], eta=[0.3, 0.7, 1.0],
        lam=[0.1, 0.01, 0.5], chi=0.0, loss="square",
    ),
}  # fmt: skip


@pytest.mark.parametrize("loss", MIXED)
def test_without_teacher_the_student_is_trained_directly(loss):
    s = MIXED[loss]
    direct = solve_erm(s.alpha, s.rho, s.delta, s.eta, s.lam, loss)
    found = theory(s).student
    for name in ("m", "q", "b", "test_error", "training_error"):
        assert getattr(found, name) == pytest.approx(getattr(direct, name), abs=1e-8)


def runs_of(alpha, rho, lam, fit, seeds=24, dimension=200):
    """m, q, b and training error of networks that `fit` trains on patterns over sqrt N."""
    found = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        patterns = int(alpha * dimension)
        label = np.where(np.arange(patterns) < rho * patterns, 1.0, -1.0)
        x = rng.standard_normal((patterns, dimension)) + label[:, None] / np.sqrt(dimension)
        x /= np.sqrt(dimension)
        w, b = fit(x, label, lam)
        wrong = np.mean(label * (x @ w + b) < 0.0)
        found.append([w.sum() / dimension, w @ w / dimension, b, wrong])
    return np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / np.sqrt(seeds)


def support_vectors(x, label, lam):
    machine = SVC(kernel="linear", C=1.0 / lam, tol=1e-6).fit(x, label)
    return machine.coef_[0], machine.intercept_[0]


def smoothed(x, label, lam):
    loss = Distilled("logistic", np.array([0.3]), np.array([1.0]))
    return minimum(x, loss, loss.pull(label, np.zeros(1)), lam)


@pytest.mark.parametrize(
    ("loss", "smoothing", "fit"), [("hinge", 0.0, support_vectors), ("logistic", 0.3, smoothed)]
)
@pytest.mark.parametrize(("alpha", "rho", "lam"), [(2.0, 0.2, 0.3), (4.0, 0.4, 1.0)])
def test_hinge_loss_and_label_smoothing_against_networks(loss, smoothing, fit, alpha, rho, lam):
    one = np.ones(1)
    found = solve_erm(alpha * one, rho * one, one, one, lam * one, loss, smoothing * one)
    mean, error = runs_of(alpha, rho, lam, fit)
    exact = np.array([found.m[0], found.q[0], found.b[0], found.training_error[0]])
    assert np.all(np.abs(mean - exact) < 4 * error + 0.01)  # and corrections of order 1 / N


def test_hinge_averages_against_the_grid():
    z = np.linspace(-9, 9, 200_001)
    weight = np.exp(-0.5 * z**2) / np.exp(-0.5 * z**2).sum()
    m, b, spread, width = (np.array([value]) for value in (0.4, -0.7, 1.3, 0.8))
    found = HingeMoments()(m, b, spread, width, np.arange(1))
    for side, label in enumerate((1.0, -1.0)):
        t = 1.0 - label * (label * m + b + spread * z)
        f = label * np.clip(t, 0.0, width) / width
        inside = (t > 0) & (t < width)
        exact = [np.sum(weight * f), np.sum(weight * f**2), -np.sum(weight * inside) / width[0]]
        assert [part[0, side] for part in found] == pytest.approx(exact, abs=1e-4)


@pytest.mark.parametrize("loss", MIXED)
def test_a_part_of_the_weights_is_a_dense_network_on_other_data(loss):
    s = MIXED[loss]
    one = np.ones(3)
    cut = solve_erm(s.alpha, s.rho, s.delta, s.eta, s.lam, loss)
    dense = solve_erm(s.alpha / s.eta, s.rho, s.delta / s.eta, one, s.lam / s.eta**2, loss)
    assert cut.test_error == pytest.approx(dense.test_error, abs=1e-8)
    assert cut.b == pytest.approx(dense.b, abs=1e-8)


def test_square_loss_in_closed_form():
    s = make_setting(
        [0.4, 0.5, 1.0, 2.0, 3.0, 8.0], lam_teacher=[0.1, 0.1, 0.1, 0.5, 0.5, 1.0],
        lam=[1e-4, 1e-2, 1e-5, 0.1, 1e-5, 0.3], chi=[1.0, 1.0, 1.0, 0.5, 1.0, 0.2],
        rho=[0.2, 0.2, 0.2, 0.2, 0.4, 0.5], eta=[0.5, 0.5, 0.5, 0.5, 0.3, 1.0], loss="square",
    )  # fmt: skip
    exact, found = solve_square(s), theory(s)
    for name in ("m", "q", "s", "b"):
        assert getattr(found.student, name) == pytest.approx(getattr(exact, name), abs=1e-8)
    for name in ("m", "q", "b"):
        pair = getattr(found.teacher, name), getattr(exact, f"teacher_{name}")
        assert pair[0] == pytest.approx(pair[1], abs=1e-8)


def test_a_student_with_all_weights_and_no_ridge_of_its_own_repeats_its_teacher():
    """With square loss on the teacher's outputs alone the teacher's weights have no loss."""
    found = theory(make_setting(3.0, eta=1.0, lam=1e-9, loss="square", lam_teacher=0.5))
    assert found.student.test_error == pytest.approx(found.teacher.test_error, abs=1e-6)
    assert found.student.s == pytest.approx(found.teacher.q, rel=1e-6)
    assert found.student.distance_outputs == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("teacher", ["erm", "bayes", "hebb"])
def test_nobody_beats_the_bayes_bound(teacher):
    found = theory(make_setting([0.5, 1.5, 4.0], lam=[[0.01], [0.3]], teacher=teacher))
    assert np.all(found.student.test_error >= found.bayes_student)
    assert np.all(found.teacher.test_error >= found.bayes_teacher - 1e-12)
    if teacher != "erm":
        assert found.teacher.test_error == pytest.approx(found.bayes_teacher)


def test_bayes_bound_is_the_best_bias_and_ridge():
    """The bound is the limit of a large ridge, at the best bias."""
    m, q = 0.5, 0.5 * (1 + 1 / 4.5)
    biases = np.linspace(-3, 1, 4001)
    best = generalization_error(0.2, 1.0, m, q, biases).min()
    assert bayes_error(4.5, eta=0.5) == pytest.approx(best, abs=1e-7)
    assert bayes_error(4.5, eta=[1.0, 0.5]) == pytest.approx([0.1269, 0.1682], abs=1e-4)


# alpha: lambda~ and error of teacher and distilled student, inherited, direct, unregularised, Bayes
INHERITED = {
    2.0: (0.1597, 0.47, 0.1882, 0.1939, 0.1855, 0.2458, 0.1769),
    4.5: (0.1417, 0.29, 0.1762, 0.1762, 0.1753, 0.1891, 0.1682),
    8.0: (0.1318, 0.29, 0.1697, 0.1697, 0.1694, 0.1745, 0.1643),
}


@pytest.mark.parametrize(
    "alpha", [4.5, *(pytest.param(alpha, marks=pytest.mark.slow) for alpha in (2.0, 8.0))]
)
def test_what_a_student_inherits(alpha):
    found = inheritance(make_setting(alpha))
    teacher, ridge, distilled, inherited, direct, plain, bayes = INHERITED[alpha]
    assert found.teacher.inside and found.direct.inside and found.distilled.inside
    assert found.teacher.test_error == pytest.approx(teacher, abs=2e-4)
    assert found.distilled.test_error == pytest.approx(distilled, abs=2e-4)
    assert np.log(found.distilled.ridge / ridge) == pytest.approx(0.0, abs=0.35)  # of 12 values
    assert found.inherited == pytest.approx(inherited, abs=3e-4)
    assert direct - 6e-4 < found.direct.test_error < direct + 1e-4  # not only 12 values
    assert found.unregularised == pytest.approx(plain, abs=3e-4)
    assert found.bayes == pytest.approx(bayes, abs=1e-4)


def test_no_neighbour_beats_the_best_ridge():
    found = best_ridge(make_setting(3.0, loss="square"), over="lam_teacher")
    near = found.ridge * np.array([0.9, 0.99, 1.01, 1.1])
    errors = theory(make_setting(3.0, loss="square", lam_teacher=near)).student.test_error
    assert np.all(errors >= found.test_error) and found.inside
    even = best_ridge(make_setting(10.0, rho=0.5), of="teacher", over="lam_teacher")
    assert not even.inside and even.ridge == pytest.approx(30.0)  # even clusters: Hebb's rule
    for wrong in ({"of": "class"}, {"over": "eta"}, {"low": 2.0, "high": 1.0}):
        with pytest.raises(ConfigError):
            best_ridge(make_setting(1.0), **wrong)
    with pytest.raises(ConfigError, match="2 points"):
        best_ridge(make_setting([1.0, 2.0]))


def test_separability():
    assert separability_threshold(eta=0.5) == pytest.approx(1.804, abs=1e-3)
    assert separability_threshold(eta=1.0) == pytest.approx(4.849, abs=1e-3)
    # without a signal Cover's two patterns a weight
    assert separability_threshold(rho=0.5, delta=1e6) == pytest.approx(2.0, abs=1e-2)
    low, high = 0.97 * 1.804, 1.03 * 1.804
    error = theory(make_setting([low, high], chi=0.0, lam=1e-5)).student.training_error
    assert error[0] < 1e-3 < error[1]


def test_every_point_has_its_certificate():
    found = theory(make_setting([0.3, 0.5, 1.0, 1.75, 1.8, 2.5], lam_teacher=[[0.1], [2.0]]))
    for level in (found.teacher, found.student):
        assert np.all(level.residual < 1e-8) and np.all(level.iterations > 0)
    assert found.student.test_error.shape == (2, 6)
    peak = found.student.test_error[0]
    assert np.argmax(peak) == 1 and peak[1] > 0.34  # double descent at alpha = eta


@pytest.mark.parametrize("chi", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("temperature", [1.0, 5.0])
def test_proximal_operator_against_bisection(chi, temperature):
    rng = np.random.default_rng(0)
    omega, width = 30 * rng.standard_normal(200), np.exp(rng.uniform(-3, 9, 200))
    label, teacher = rng.choice([-1.0, 1.0], 200), 8 * rng.standard_normal(200)
    loss = Distilled("logistic", np.array(chi), np.array(temperature))
    found = loss.prox(omega, width, loss.pull(label, teacher))

    def off(h, k):
        hard = expit(h) - (label[k] > 0)
        soft = expit(h / temperature) - expit(teacher[k] / temperature)
        return h - omega[k] + width[k] * ((1 - chi) * hard + chi / temperature * soft)

    for k in range(200):
        exact = brentq(off, omega[k] - 2 * width[k], omega[k] + 2 * width[k], args=(k,), xtol=1e-12)
        assert found[k] == pytest.approx(exact, rel=1e-9, abs=1e-9)


BAD = {
    "rho": ({"rho": 1.0}, r"rho = 1: .*in \(0, 1\)"),
    "eta": ({"eta": 1.5}, r"eta = 1.5: .*in \(0, 1\]"),
    "lam": ({"lam": 0.0}, r"lam = 0: .*separability_threshold"),
    "lam_teacher": ({"lam_teacher": [0.1, -1.0]}, "lam_teacher = -1"),
    "temperature": ({"temperature": 0.0}, "temperature = 0: give a number above 0"),
    "chi": ({"chi": -0.1}, "chi = -0.1"),
    "loss": ({"loss": "cubic"}, "loss 'cubic' is unknown"),
    "teacher": ({"teacher": "oracle"}, "teacher 'oracle' is unknown"),
    "nan": ({"delta": float("nan")}, "delta = nan"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_names_the_bound(name):
    given, words = BAD[name]
    with pytest.raises(ConfigError, match=words):
        make_setting(2.0, **given)
    with pytest.raises(ConfigError, match="closed form"):
        solve_square(make_setting(2.0))
    with pytest.raises(ConfigError, match="rho = 0"):
        separability_threshold(rho=0.0)


@pytest.mark.slow
def test_figure_5_without_ridges():
    """Both ridges 1e-5: the student imitates a teacher that has no minimum of its own."""
    published = {0.3: 0.2427, 0.5: 0.2576, 1.0: 0.2696, 1.5: 0.2741, 2.0: 0.2458, 3.0: 0.2079}
    found = theory(make_setting(list(published), lam_teacher=1e-5))
    assert found.student.test_error == pytest.approx(list(published.values()), abs=1e-3)
    assert np.all(found.student.residual < 1e-8)
