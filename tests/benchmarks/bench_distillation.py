"""Knowledge distillation against its bars, in processor time of one core.

    OMP_NUM_THREADS=1 pytest tests/benchmarks/bench_distillation.py

prints at the end: one fixed point of teacher and student, on average over a curve; a map of 40 x 40
points (a tenth of it is solved); and networks of N = 1000, alpha = 3 trained one after the other
beside scikit-learn's LogisticRegression at the same ridge, with the distance of the two optima.
"""

from __future__ import annotations

import time

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from sta.distillation import make_setting, theory
from sta.distillation.losses import Distilled
from sta.distillation.newton import minimum

FIGURE: dict[str, float] = {}
RIDGE = 0.1
SEEDS = 8


def timed(benchmark, run):
    start = time.process_time()
    found = benchmark.pedantic(run, rounds=1, warmup_rounds=0)
    return found, time.process_time() - start


def test_one_fixed_point(benchmark):
    benchmark.group = "distillation"
    setting = make_setting(np.geomspace(0.3, 8.0, 20))
    found, seconds = timed(benchmark, lambda: theory(setting))
    assert np.all(found.student.residual < 1e-8)
    FIGURE["one fixed point, s (at most 0.5)"] = seconds / 20


def test_map(benchmark):
    benchmark.group = "distillation"
    setting = make_setting(
        np.geomspace(0.3, 8.0, 40)[::4], lam_teacher=np.geomspace(0.01, 2, 16)[:, None]
    )
    _, seconds = timed(benchmark, lambda: theory(setting))
    FIGURE["map of 1600 points, s on two cores (at most 300)"] = seconds * 10 / 2


@pytest.fixture(scope="module")
def draws():
    label = np.where(np.arange(3000) < 600, 1.0, -1.0)
    found = []
    for seed in range(SEEDS):
        noise = np.random.default_rng(seed).standard_normal((3000, 1000))
        found.append(((noise + label[:, None] / np.sqrt(1000)) / np.sqrt(1000), label))
    return found


@pytest.mark.parametrize("who", ["sta", "scikit-learn"])
def test_networks(benchmark, who, draws):
    benchmark.group = "distillation"
    zero = np.zeros(1)
    loss = Distilled("logistic", zero, zero + 1.0)

    def run():
        found = []
        for x, label in draws:
            if who == "sta":
                found.append(minimum(x, loss, loss.pull(label, zero), RIDGE)[0])
            else:
                peer = LogisticRegression(C=1.0 / RIDGE, tol=1e-9, max_iter=10_000).fit(x, label)
                found.append(peer.coef_[0])
        return np.array(found)

    run()
    weights, seconds = timed(benchmark, run)
    FIGURE[f"one network by {who}, s"] = seconds / SEEDS
    FIGURE.setdefault("norm", float(np.sum(weights**2)))
    FIGURE["distance of optima, |w|^2, relative"] = abs(np.sum(weights**2) / FIGURE["norm"] - 1.0)


def test_bars(capsys):
    """The figures, printed; run after the others of this file."""
    FIGURE.pop("norm")
    FIGURE["scikit-learn / sta (at least 3)"] = (
        FIGURE["one network by scikit-learn, s"] / FIGURE["one network by sta, s"]
    )
    with capsys.disabled():
        print()
        for name, value in FIGURE.items():
            print(f"{name:>52} {value:10.3g}")
    assert FIGURE["one fixed point, s (at most 0.5)"] < 0.5
    assert FIGURE["map of 1600 points, s on two cores (at most 300)"] < 300
    assert FIGURE["distance of optima, |w|^2, relative"] < 1e-6
    assert FIGURE["scikit-learn / sta (at least 3)"] > 3
