import itertools
import json

import numpy as np
import pytest
import scipy.stats

from sta.analysis.graph.likeness.paired_trials import paired_difference_test
from sta.errors import ShapeError, StaError


def all_signs(differences, alternative):
    """P-value from every pattern of signs, sums taken exactly."""
    whole = np.round(np.asarray(differences) * 1000).astype(int)
    sums = np.array([np.dot(s, whole) for s in itertools.product((-1, 1), repeat=whole.size)])
    less, greater = (sums <= whole.sum()).mean(), (sums >= whole.sum()).mean()
    return {"less": less, "greater": greater, "two-sided": min(1, 2 * min(less, greater))}[
        alternative
    ]


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
@pytest.mark.parametrize("n", [2, 3, 6, 9])
@pytest.mark.parametrize("decimals", [1, 3])
def test_every_pattern_of_signs(n, alternative, decimals):
    rng = np.random.default_rng(n)
    first = rng.normal(size=n).round(decimals)
    second = (first + rng.normal(0.4, 1, size=n)).round(decimals)
    test = paired_difference_test(first, second, alternative=alternative)
    assert test.exact
    assert test.p_value == pytest.approx(all_signs(first - second, alternative), rel=1e-12)
    assert test.difference.value == pytest.approx((first - second).mean())
    assert test.p_value >= test.smallest_p * (1 - 1e-12)


@pytest.mark.parametrize(("n", "two_sided"), [(4, 1 / 8), (6, 1 / 32), (15, 2.0**-14)])
def test_a_difference_of_one_sign_has_the_smallest_p(n, two_sided):
    second = np.linspace(1, 2, n)
    test = paired_difference_test(second - np.linspace(0.1, 0.3, n), second)
    assert test.p_value == pytest.approx(two_sided)
    assert test.smallest_p == pytest.approx(two_sided)
    assert ("no p-value below" in test.reason) == (two_sided > 0.05)
    assert paired_difference_test(second - 1, second, alternative="less").p_value == pytest.approx(
        two_sided / 2
    )


def test_many_pairs_draw_patterns():
    rng = np.random.default_rng(0)
    first = rng.normal(size=40)
    second = first + rng.normal(0.25, 1, size=40)
    tests = [paired_difference_test(first, second, seed=5) for _ in range(2)]
    assert tests[0] == tests[1]
    assert not tests[0].exact
    assert tests[0].smallest_p == pytest.approx(2e-4)
    # close to the t-test where differences are normal
    expected = scipy.stats.ttest_rel(first, second).pvalue
    assert tests[0].p_value == pytest.approx(expected, abs=0.02)
    low, high = tests[0].difference.ci95
    interval = scipy.stats.ttest_rel(first, second).confidence_interval()
    assert (low, high) == pytest.approx((interval.low, interval.high), abs=0.1)


def test_p_is_uniform_without_a_difference():
    rng = np.random.default_rng(2)
    tests = [
        paired_difference_test(*rng.normal(size=(2, 6)), alternative="less") for _ in range(100)
    ]
    # 64 equally likely ranks
    spread = [test.p_value - rng.random() / 64 for test in tests]
    assert scipy.stats.kstest(spread, "uniform").pvalue > 0.01


def test_equal_pairs_and_few_pairs():
    test = paired_difference_test([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    assert (test.p_value, test.smallest_p) == (1, 1)
    one = paired_difference_test([1.0], [2.0])
    assert one.p_value is None and one.smallest_p is None
    assert one.difference.value == -1 and one.difference.ci95 is None
    assert "at least 2" in one.reason
    two = paired_difference_test([1.0, 1.0], [2.0, 3.0])
    assert two.p_value == two.smallest_p == 0.5
    assert "interval needs at least 3" in two.reason and "below 0.5" in two.reason
    for test in (one, two):
        report = json.loads(json.dumps(test.to_dict(), allow_nan=False))
        assert report["difference"]["ci95"] is None and report["reason"]


def test_what_is_refused():
    for first, second, error, message in [
        ([1.0], [1.0, 2.0], ShapeError, "one of each kind"),
        ([], [], ShapeError, "one of each kind"),
        ([1.0, np.nan], [1.0, 2.0], ShapeError, "trial 1"),
    ]:
        with pytest.raises(error, match=message):
            paired_difference_test(first, second)
    with pytest.raises(StaError, match="alternative is 'closer'"):
        paired_difference_test([1.0], [2.0], alternative="closer")
    with pytest.raises(StaError, match="samples is 0"):
        paired_difference_test([1.0], [2.0], samples=0)
