"""Simulations of quadratic networks against their bars, in processor time of one core.

    OMP_NUM_THREADS=1 pytest tests/benchmarks/bench_quadratic.py

prints at the end: a step of the overlap chain beside one of SGD with weight vectors, for 200
replicas; replicas together beside one at a time; the chain of p = 64, p* = 8 for N = 10^3, 10^4 and
10^6; and the motion of p = 64, p* = 8 to alpha = 100.
"""

from __future__ import annotations

import time

import numpy as np
import pytest

from sta.quadratic import (
    OverlapChain,
    VectorSGD,
    integrate_flow,
    make_system,
    random_overlaps,
)

FIGURE: dict[str, float] = {}
SMALL = make_system(2, 1, 0.06)
WIDE = make_system(64, 8, 0.03 * 64 * 8)


def stepper(kind, system, dimension, replicas):
    start = random_overlaps(system, dimension, replicas, np.random.default_rng(0))
    made = kind(system, *start, dimension, seed=1)
    made.step(3)
    return made


def per_step(benchmark, name, made, steps, rounds=3):
    """Microseconds a step by the processor's clock, the fastest of several rounds."""
    benchmark.group = "quadratic networks"
    times = []

    def run():
        start = time.process_time()
        made.step(steps)
        times.append((time.process_time() - start) / steps * 1e6)

    benchmark.pedantic(run, rounds=rounds, warmup_rounds=0)
    FIGURE[name] = min(times)


@pytest.mark.parametrize("dimension", [1_000, 10_000])
def test_chain_and_vectors(benchmark, dimension):
    per_step(
        benchmark, f"chain, N = {dimension}", stepper(OverlapChain, SMALL, dimension, 200), 2000
    )
    made = stepper(VectorSGD, SMALL, dimension, 200)
    times = []
    for _ in range(3):
        start = time.process_time()
        made.step(20)
        times.append((time.process_time() - start) / 20 * 1e6)
    FIGURE[f"vectors, N = {dimension}"] = min(times)


def test_one_at_a_time(benchmark):
    per_step(benchmark, "chain, one replica", stepper(OverlapChain, SMALL, 1_000, 1), 4000)


@pytest.mark.parametrize("dimension", [1_000, 10_000, 1_000_000])
def test_wide_networks(benchmark, dimension):
    per_step(benchmark, f"p = 64, N = {dimension}", stepper(OverlapChain, WIDE, dimension, 1), 1000)


def test_motion(benchmark):
    student, mixed = random_overlaps(WIDE, 1_000, 1, np.random.default_rng(0))

    def run():
        start = time.process_time()
        flow = integrate_flow(WIDE, student[0], mixed[0], 100.0)
        FIGURE["motion of p = 64 to alpha = 100, s"] = time.process_time() - start
        return flow

    benchmark.group = "quadratic networks"
    flow = benchmark.pedantic(run, rounds=1, warmup_rounds=0)
    assert flow.stop == "end" and flow.alpha[-1] == 100.0


def test_bars(capsys):
    """The figures, printed; run after the others of this file."""
    wide = [FIGURE[f"p = 64, N = {n}"] for n in (1_000, 10_000, 1_000_000)]
    ratios = {
        "vectors / chain, N = 1000": FIGURE["vectors, N = 1000"] / FIGURE["chain, N = 1000"],
        "vectors / chain, N = 10000": FIGURE["vectors, N = 10000"] / FIGURE["chain, N = 10000"],
        "one at a time / 200 together (at least 20)": (
            200 * FIGURE["chain, one replica"] / FIGURE["chain, N = 1000"]
        ),
        "p = 64, p* = 8: slowest N / fastest N (at most 1.2)": max(wide) / min(wide),
    }
    with capsys.disabled():
        print("\nmicroseconds a step, 200 replicas unless one is named")
        for name, value in {**FIGURE, **ratios}.items():
            print(f"{name:>52} {value:10.3g}")
    assert ratios["one at a time / 200 together (at least 20)"] >= 20
    assert ratios["p = 64, p* = 8: slowest N / fastest N (at most 1.2)"] <= 1.2
    assert FIGURE["motion of p = 64 to alpha = 100, s"] < 10
