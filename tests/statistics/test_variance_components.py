"""Variance between and within groups: published data, unbiasedness, coverage."""

import numpy as np
import pytest
from scipy import stats

from sta import ShapeError
from sta.analysis.statistics.variance_components import variance_components

# yield of dyestuff, six batches of five (Davies and Goldsmith 1972; lme4's Dyestuff)
DYESTUFF = {
    "A": (1545, 1440, 1440, 1520, 1580),
    "B": (1540, 1555, 1490, 1560, 1495),
    "C": (1595, 1550, 1605, 1510, 1560),
    "D": (1445, 1440, 1595, 1465, 1545),
    "E": (1595, 1630, 1515, 1635, 1625),
    "F": (1520, 1455, 1450, 1480, 1445),
}


def test_published_dyestuff():
    values = np.concatenate(list(DYESTUFF.values()))
    found = variance_components(values, np.repeat(list(DYESTUFF), 5).tolist())
    # lme4 by REML, which is analysis of variance for equal groups: 1764 and 2451
    assert found.between.value == pytest.approx(1764, abs=1)
    assert found.within.value == pytest.approx(2451, abs=1)
    assert found.p_value == pytest.approx(stats.f_oneway(*DYESTUFF.values()).pvalue)
    assert found.intraclass.value == pytest.approx(1764 / (1764 + 2451), abs=1e-3)
    assert (found.n_groups, found.n_values) == (6, 30)
    assert found.to_dict()["between"]["ci95"][0] == found.between.ci95[0]


def draws(rng, sizes, between, within):
    effects = np.repeat(rng.normal(0, np.sqrt(between), len(sizes)), sizes)
    return effects + rng.normal(0, np.sqrt(within), sum(sizes))


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(4,) * 6, (2, 3, 8, 4, 2, 6), (8,) * 3])
def test_unbiased_and_covered_for_unequal_groups(sizes):
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(len(sizes)), sizes).tolist()
    found = [variance_components(draws(rng, sizes, 4.0, 1.0), groups) for _ in range(1500)]
    between = np.array([one.between.value for one in found])
    assert between.mean() == pytest.approx(4.0, abs=4 * between.std() / np.sqrt(1500))
    for name, truth in (("between", 4.0), ("within", 1.0), ("intraclass", 0.8)):
        ends = np.array([getattr(one, name).ci95 for one in found])
        covered = np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1]))
        assert 0.93 <= covered <= 0.975, (name, covered)
        ends = np.array([getattr(one, name).ci68 for one in found])
        assert 0.63 <= np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1])) <= 0.74, name


def test_unbiased_for_unequal_groups():
    rng, sizes = np.random.default_rng(5), (2, 3, 8, 4, 2, 6)
    groups = np.repeat(np.arange(6), sizes).tolist()
    found = [variance_components(draws(rng, sizes, 4.0, 1.0), groups) for _ in range(250)]
    for name, truth in (("between", 4.0), ("within", 1.0)):
        values = np.array([getattr(one, name).value for one in found])
        assert values.mean() == pytest.approx(truth, abs=4 * values.std() / np.sqrt(250))
        ends = np.array([getattr(one, name).ci95 for one in found])
        assert 0.90 <= np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1])) <= 0.99, name


def test_no_group_effect_is_found_in_five_percent():
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(5), 6).tolist()
    found = [variance_components(rng.normal(size=30), groups) for _ in range(250)]
    low, high = stats.binom.ppf([0.001, 0.999], 250, 0.05)
    assert low <= sum(one.p_value <= 0.05 for one in found) <= high
    assert min(one.between.value for one in found) == 0.0
    assert np.mean([one.between.ci95[0] == 0.0 for one in found]) > 0.93


def test_degenerate_tables():
    one = variance_components([1.0, 2.0], "aa")
    assert one.between.value is None and "1 group" in one.between.reason
    single = variance_components([1.0, 2.0, 3.0], "abc")
    assert "cannot be told apart" in single.within.reason and single.p_value is None
    flat = variance_components([2.0] * 6, "aabbcc")
    assert (flat.between.value, flat.within.value, flat.intraclass.value) == (0.0, 0.0, None)
    exact = variance_components([1.0, 1.0, 5.0, 5.0], "aabb")
    assert exact.intraclass.value == 1.0 and exact.p_value is None
    with pytest.raises(ShapeError, match="1 groups for 2 trials"):
        variance_components([1.0, 2.0], "a")
    with pytest.raises(ShapeError, match="nan"):
        variance_components([1.0, np.nan], "ab")
