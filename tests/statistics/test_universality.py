"""Joint fits and the test of shared exponents."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import f as fisher

from sta import ConfigError
from sta.analysis.statistics.curves import Curve, CurveSet
from sta.analysis.statistics.oracles.mock import TRUTH, mock_curves
from sta.analysis.statistics.scaling.design import build_points
from sta.analysis.statistics.scaling.fit import CollapseFit, fit_points
from sta.analysis.statistics.scaling.intervals import ScalingCovariance, scaling_covariance
from sta.analysis.statistics.scaling.joint import fit_joint
from sta.analysis.statistics.scaling.universality import difference_p_value, holm, universality

STEEP = 0.3  # what the second observable adds to beta/nu


def fit_of(curves: CurveSet) -> CollapseFit:
    return fit_points(build_points(curves, corrections=False), screened=16)


def labelled(curves: CurveSet, name: str) -> CurveSet:
    return replace(curves, trials=tuple((name, trial) for trial in curves.trials))


def steeper(curves: CurveSet) -> CurveSet:
    """An observable with the same x_c and nu, and beta/nu + 0.3."""
    scaled = (Curve(c.size, c.x, c.values * c.size**-STEEP, c.norm) for c in curves.curves)
    return replace(curves, curves=tuple(scaled))


def other_class(curves: CurveSet) -> CurveSet:
    """Sizes renamed L^(3/2): 1/nu = 1/2 and beta/nu = 1/12."""
    renamed = (replace(curve, size=curve.size**1.5) for curve in curves.curves)
    return replace(curves, curves=tuple(renamed))


@pytest.fixture(scope="module")
def fits() -> list[CollapseFit]:
    """Two observables of trials of their own."""
    one = labelled(mock_curves(points=8, noise=0.02, seed=0), "a")
    two = labelled(steeper(mock_curves(points=8, noise=0.02, seed=1)), "b")
    return [fit_of(one), fit_of(two)]


def test_two_observables_share_x_c_and_nu(fits):
    joint = fit_joint(fits, ("x_c", "inv_nu"))
    assert joint.converged
    np.testing.assert_allclose(joint.scaling[0, :2], joint.scaling[1, :2], rtol=1e-12)
    truth = np.array([TRUTH["x_c"], TRUTH["inv_nu"], TRUTH["beta_over_nu"]])
    truth = np.stack([truth, truth + np.array([0, 0, STEEP])])
    se = np.sqrt(np.diag(joint.covariance)).reshape(2, 3)
    assert (np.abs(joint.scaling - truth) < 4 * se).all()
    single = [np.sqrt(np.diag(scaling_covariance(fit).covariance)[:2]) for fit in fits]
    assert (se[0, :2] <= 1.02 * np.minimum(*single)).all()
    assert joint.value > sum(fit.value for fit in fits) - 1e-3


def test_nothing_shared_is_the_single_fits(fits):
    joint = fit_joint(fits, ())
    assert joint.value == pytest.approx(sum(fit.value for fit in fits), abs=1e-3)
    for place, fit in enumerate(fits):
        mine = slice(3 * place, 3 * place + 3)
        own = scaling_covariance(fit).covariance[:3, :3]
        np.testing.assert_allclose(joint.scaling[place], fit.scaling, atol=1e-3)
        np.testing.assert_allclose(joint.covariance[mine, mine], own, rtol=0.02, atol=1e-7)
    assert not joint.covariance[:3, 3:].any()


def test_trials_of_one_label_are_one_trial(fits):
    """The same data twice: estimates correlated by one, and no error gained by sharing."""
    twice = [fits[0], fits[0]]
    apart = fit_joint(twice, ()).covariance
    np.testing.assert_allclose(apart[:3, 3:], apart[:3, :3], rtol=1e-6)
    shared = fit_joint(twice, ("x_c", "inv_nu", "beta_over_nu")).covariance
    np.testing.assert_allclose(shared[:3, :3], apart[:3, :3], rtol=0.1)


def test_joint_refusals(fits):
    with pytest.raises(ConfigError, match="1 data set: give two data sets or more"):
        fit_joint(fits[:1], ("x_c",))
    with pytest.raises(ConfigError, match="'nu' cannot be shared"):
        fit_joint(fits, ("nu",))


def test_shared_exponents_are_consistent_and_others_differ(fits):
    same = fit_of(labelled(mock_curves(points=8, noise=0.02, seed=2), "c"))
    apart = fit_of(labelled(other_class(mock_curves(points=8, noise=0.02, seed=3)), "d"))
    found = universality({"a": fits[0], "c": same})
    assert found.outcome == "consistent"
    assert found.p_value > 0.01
    assert found.log_evidence_gain < 6.0
    error = found.shared["inv_nu"].se
    assert error < found.separate["a"]["inv_nu"].se
    assert abs(found.shared["inv_nu"].value - TRUTH["inv_nu"]) < 4 * error
    found = universality({"a": fits[0], "c": same, "d": apart})
    assert found.outcome == "differ"
    assert found.pairs[("a", "c")] > 0.01
    assert max(found.pairs[("a", "d")], found.pairs[("c", "d")]) < 0.01
    assert found.log_evidence_gain > 10.0
    assert "a / d" in found.to_dict()["pairs"]


def test_difference_is_a_squared_distance():
    """Two estimates: d^T (V1 + V2)^-1 d / 2 by Fisher's F."""
    rng = np.random.default_rng(0)
    found, parts = [], []
    for freedom in (30.0, 12.0):
        root = rng.standard_normal((4, 4))
        value = rng.standard_normal(4)
        found.append(ScalingCovariance(value, root @ root.T, np.full(4, freedom)))
        parts.append((value[1:3], (root @ root.T)[1:3, 1:3]))
    d = parts[0][0] - parts[1][0]
    wald = d @ np.linalg.solve(parts[0][1] + parts[1][1], d)
    assert difference_p_value(found) == pytest.approx(fisher.sf(wald / 2, 2, 12.0))


def test_holm():
    """S. Holm's procedure by hand: 4 x 0.005, 3 x 0.01, 2 x 0.03, then not below the last."""
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.5, 0.9]), [1.0, 1.0])
    assert holm([0.02]).tolist() == [0.02]


@pytest.mark.slow
def test_covariance_of_the_joint_fit_is_that_of_repeats():
    """Two observables of the same trials, whose noise is one."""
    values, errors = [], []
    for seed in range(60):
        curves = mock_curves(points=8, noise=0.02, seed=seed)
        joint = fit_joint([fit_of(curves), fit_of(steeper(curves))], ("x_c", "inv_nu"))
        values.append(joint.scaling.ravel())
        errors.append(np.diag(joint.covariance))
    ratio = np.sqrt(np.mean(errors, axis=0)) / np.std(values, axis=0, ddof=1)
    np.testing.assert_allclose(ratio, 1.0, atol=0.3)


@pytest.mark.slow
def test_false_alarms_and_power():
    number, alarms, found = 100, 0, 0
    for seed in range(number):
        first, second, third = (
            labelled(mock_curves(seed=1000 * k + seed), str(k)) for k in range(3)
        )
        one, two, far = fit_of(first), fit_of(second), fit_of(other_class(third))
        alarms += universality({"a": one, "b": two}).outcome == "differ"
        found += universality({"a": one, "c": far}).outcome == "differ"
    assert alarms / number <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / number)
    assert found / number >= 0.9
