"""The scaling collapse against its bars, in processor time of one core.

    OMP_NUM_THREADS=1 pytest tests/benchmarks/bench_collapse.py

prints the figures at the end: one fit of 120 points from curves to optimum, with the noise and a
correction to scaling; 200 refits of it to resampled trials; the share of 50 random starts that
reach the same optimum; and beside them the usual fit, Houdayer and Hartmann's S by a simplex.
"""

from __future__ import annotations

import time

import numpy as np
import pytest

from sta import StaError
from sta.analysis.statistics.curves import CurveSet
from sta.analysis.statistics.oracles.mock import TRUTH, mock_curves
from sta.analysis.statistics.scaling.design import build_points
from sta.analysis.statistics.scaling.fit import (
    SAME_OPTIMUM,
    CollapseFit,
    fit_points,
    random_starts,
)
from sta.analysis.statistics.scaling.intervals import scaling_covariance
from sta.analysis.statistics.scaling.master import bootstrap_scaling
from sta.analysis.statistics.scaling.peer import simplex_collapse

SIZES = (16, 24, 32, 48, 64, 128)
STARTS = 50
FIGURE: dict[str, float] = {}


def timed(benchmark, name, run, rounds=3):
    """Time a call several times by the processor's clock and keep the fastest."""
    benchmark.group = "scaling collapse"
    times = []

    def clocked():
        start = time.process_time()
        result = run()
        times.append(time.process_time() - start)
        return result

    result = benchmark.pedantic(clocked, rounds=rounds, warmup_rounds=0)
    FIGURE[name] = min(times)
    return result


@pytest.fixture(scope="module")
def curves() -> CurveSet:
    return mock_curves(sizes=SIZES, points=20, correlated=True, correction=0.6, seed=1)


@pytest.fixture(scope="module")
def fit(curves) -> CollapseFit:
    return fit_points(build_points(curves, corrections=True))


def test_one_fit(benchmark, curves):
    """From curves to optimum, error bars included."""

    def run():
        found = fit_points(build_points(curves, corrections=True))
        return found, scaling_covariance(found)

    found, spread = timed(benchmark, "one fit", run)
    assert found.points.design.x.size == 120
    assert found.converged
    truth = [TRUTH["x_c"], TRUTH["inv_nu"], TRUTH["beta_over_nu"]]
    se = np.sqrt(np.diag(spread.covariance)[:3])
    FIGURE["largest z"] = float(np.max(np.abs(found.scaling - truth) / se))


def test_bootstrap(benchmark, fit):
    """200 refits to resampled whole trials."""
    draws = timed(benchmark, "200 refits", lambda: bootstrap_scaling(fit, 200, 0), rounds=1)
    FIGURE["refits that came to rest"] = float(np.isfinite(draws).all(axis=1).mean())
    jackknife = np.sqrt(np.diag(scaling_covariance(fit).covariance)[:3])
    half = 0.5 * np.ptp(np.nanquantile(draws, [0.16, 0.84], axis=0), axis=0)
    for name, ratio in zip(("x_c", "1/nu", "beta/nu"), half / jackknife, strict=True):
        FIGURE[f"bootstrap error / ours, {name}"] = float(ratio)


def near_starts(fit: CollapseFit) -> np.ndarray:
    """x_c within a quarter of the range, exponents within a factor of two, the rest anywhere."""
    rng = np.random.default_rng(0)
    starts = random_starts(fit.points, STARTS, seed=1)
    reach = 0.25 * np.ptp(fit.points.design.x)
    starts[:, 0] = fit.parameters[0] + reach * rng.uniform(-1, 1, STARTS)
    starts[:, 1:3] = fit.parameters[1:3] * 2.0 ** rng.uniform(-1, 1, (STARTS, 2))
    return starts


def value_from(fit: CollapseFit, start: np.ndarray) -> float:
    try:
        return fit_points(fit.points, start=start).value
    except StaError:
        return np.inf


def test_starts(fit):
    """Single searches, and whole fits with other random starts."""
    near = [value_from(fit, start) for start in near_starts(fit)]
    wide = [value_from(fit, start) for start in random_starts(fit.points, STARTS, seed=2)]
    seeds = [fit_points(fit.points, seed=seed).value for seed in range(STARTS)]
    best = min(*near, *wide, *seeds, fit.value) + SAME_OPTIMUM
    for name, values in (("near", near), ("wide", wide), ("whole fits", seeds)):
        FIGURE[f"same optimum, {name}"] = float(np.mean(np.array(values) < best))


def test_simplex(benchmark, curves):
    """The usual fit, from the truth."""
    truth = np.array([TRUTH["x_c"], TRUTH["inv_nu"], TRUTH["beta_over_nu"]])
    found = timed(benchmark, "simplex", lambda: simplex_collapse(curves, truth))
    FIGURE["largest z of the simplex"] = float(np.nanmax(np.abs(found.value - truth) / found.se))
    FIGURE["evaluations of S"] = found.evaluations


def test_bars(capsys):
    """The figures, printed; run after the others of this file."""
    bars = {
        "one fit": (None, 1.0),
        "200 refits": (None, 30.0),
        "same optimum, near": (0.95, None),
        "same optimum, whole fits": (0.95, None),
    }
    words = {
        "one fit": "one fit of 120 points with errors, s (at most 1)",
        "200 refits": "200 refits, s (at most 30)",
        "simplex": "Nelder-Mead fit of S, no refits, s",
        "same optimum, near": "same optimum from 50 starts near by (at least 0.95)",
        "same optimum, whole fits": "same optimum from 50 seeds of the fit (at least 0.95)",
        "same optimum, wide": "same optimum from 50 single starts anywhere",
    }
    with capsys.disabled():
        print()
        for name, value in FIGURE.items():
            print(f"{words.get(name, name):>58}: {value:8.3f}")
    for name, (low, high) in bars.items():
        assert low is None or FIGURE[name] >= low, name
        assert high is None or FIGURE[name] <= high, name
