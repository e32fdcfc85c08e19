"""Claims: none on curves without a transition, and the right numbers where there is one."""

import numpy as np
import pytest

from sta.analysis.statistics.claim import Claim, claim_transition
from sta.analysis.statistics.oracles import ramps
from sta.analysis.statistics.oracles.percolation import BETA_OVER_NU, INV_NU, P_C, percolation
from sta.analysis.statistics.resampling import Estimate
from sta.analysis.statistics.table import collapse_curves

NULLS = ("exponential", "line", "crossover")
NO_THRESHOLD = {
    "model": "exponential",
    "x_c": Estimate(reason="no threshold"),
    "beta": Estimate(reason="no threshold"),
    "message": "an exponential predicts unseen trials better",
}


def assert_honest(claim: Claim) -> None:
    """Every number has an interval or a reason, and no word says more than was tested."""
    text = " ".join([claim.sentence, *claim.tests]).lower()
    assert "second order" not in text
    assert "second-order" not in text
    assert set(claim.estimates) == {"x_c", "inv_nu", "beta_over_nu", "beta"}
    for estimate in claim.estimates.values():
        assert estimate.ci95 is not None or estimate.reason
        assert estimate.value is None or np.isfinite(estimate.value)
    assert claim.transition == (claim.ground != "none")
    assert claim.transition or claim.order is None
    assert claim.transition or claim.estimates["x_c"].value is None
    assert claim.identified == (claim.estimates["inv_nu"].value is not None)


@pytest.mark.parametrize("name", NULLS)
def test_collapse_alone_claims_nothing_on_nulls(name):
    """Curves that are one in x for every size do not tell exponents apart."""
    oracle = getattr(ramps, name)(seed=1, points=12, sizes=(10, 20, 40))
    claim = claim_transition(oracle.curves, NO_THRESHOLD)
    assert_honest(claim)
    assert not claim.transition
    assert claim.sentence.startswith("No transition is claimed: an exponential predicts")
    assert all(estimate.value is None for estimate in claim.estimates.values())


def test_one_size_has_no_collapse():
    oracle = ramps.exponential(seed=1, points=12, sizes=(20,))
    claim = claim_transition(oracle.curves, NO_THRESHOLD)
    assert_honest(claim)
    assert claim.collapse is None
    assert claim.estimates["inv_nu"].reason.startswith("no scaling collapse: one size")
    assert any("not fitted (one size" in test for test in claim.tests)


def test_threshold_is_claimed_with_its_beta():
    oracle = ramps.threshold(beta=2.0, seed=1, points=16, sizes=(20, 40), trials=12)
    found = collapse_curves(oracle.curves, "ramp", resamples=60)
    assert found.details["transition"]
    assert not found.identified
    for name, truth in (("x_c", 1.1), ("beta", 2.0)):
        estimate = found.estimates[name]
        low, high = estimate.ci95
        assert low - estimate.systematic < truth < high + estimate.systematic
    assert found.estimates["inv_nu"].value is None
    assert "not identified" in found.verdict
    assert "second order" not in found.verdict


@pytest.fixture(scope="module")
def lattice() -> Claim:
    oracle = percolation(sizes=(16, 32, 64, 128), trials=300, points=12)
    return claim_transition(oracle.curves, NO_THRESHOLD)


def test_percolation_is_identified(lattice):
    assert_honest(lattice)
    assert lattice.ground == "collapse"
    assert lattice.identified
    truth = {"x_c": P_C, "inv_nu": INV_NU, "beta_over_nu": BETA_OVER_NU, "beta": 5 / 36}
    for name, exact in truth.items():
        estimate = lattice.estimates[name]
        assert abs(estimate.value - exact) <= 3 * estimate.se
        assert estimate.se < 0.1 * exact


def test_percolation_in_words(lattice):
    assert "4 sizes collapse" in lattice.sentence
    assert "1/nu = 0." in lattice.sentence
    assert not lattice.sentence.startswith("A first-order")
    assert any(test.startswith("collapse: ") and "with a correction" in test
               for test in lattice.tests)  # fmt: skip
    assert lattice.to_dict()["estimates"]["x_c"]["ci95"] is not None


@pytest.mark.slow
@pytest.mark.parametrize("name", NULLS)
def test_nulls_are_claimed_in_at_most_five_percent(name):
    claimed = 0
    for seed in range(200):
        oracle = getattr(ramps, name)(seed=seed, points=20)
        claimed += bool(
            collapse_curves(oracle.curves, name, seed=seed, resamples=100).details["transition"]
        )
    assert claimed <= 10


@pytest.mark.slow
@pytest.mark.parametrize("beta", [1.0, 2.0, 3.0])
def test_thresholds_are_found_with_their_beta(beta):
    found = inside = 0
    for seed in range(30):
        oracle = ramps.threshold(beta=beta, seed=seed, points=20)
        result = collapse_curves(oracle.curves, "ramp", seed=seed, resamples=100)
        if result.details["transition"]:
            found += 1
            estimate = result.estimates["beta"]
            reach = estimate.systematic or 0.0
            inside += estimate.ci95[0] - reach <= beta <= estimate.ci95[1] + reach
    assert found >= 27
    assert inside >= 0.88 * found
