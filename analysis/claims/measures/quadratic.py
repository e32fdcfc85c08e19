"""Measures for the claims about one-pass SGD in quadratic networks (arXiv 2604.03068)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ortho_group

from sta.analysis.claims.rules import Measurement
from sta.analysis.claims.workplace import Workplace
from sta.quadratic import (
    OverlapChain,
    conserved_matrix,
    escape_times,
    integrate_flow,
    make_system,
    numeric_hessian,
    plateau,
    population_loss,
    random_overlaps,
    select_by_flow,
    select_by_sgd,
    solution,
)
from sta.quadratic.system import System

Array = NDArray[np.float64]
GAIN = 0.03  # g = a b eta, the learning rate free of conventions
DIMENSION = 1000
BATCHES = 8
WIDTHS = (1, 8, 32)
MANY = (4, 2)  # p and p* of the landscape


def _system(p: int, p_star: int = 1) -> System:
    return make_system(p, p_star, GAIN * p * p_star)


def _settings(**given: Any) -> dict[str, Any]:
    return {"g": GAIN, **given}


def rate(place: Workplace) -> Measurement:
    """Growth rate of the overlap in the integrated motion at p = 64, over that at p = 1."""
    del place
    widths, times = (64, 1), np.array([10.0, 60.0])
    rates = []
    for p in widths:
        system = _system(p)
        mixed = np.zeros((p, 1))
        mixed[0] = 1e-8
        flow = integrate_flow(
            system, plateau(system).norm_sgd * np.eye(p), mixed, times, atol=1e-20
        )
        first, last = np.linalg.norm(flow.at(times)[1], axis=(-2, -1))
        rates.append(float(np.log(last / first) / (times[1] - times[0])))
    note = f"{rates[0]:.5f} at p = 64 and {rates[1]:.5f} at p = 1; 4 g = {4 * GAIN:g}"
    return Measurement((rates[0] / rates[1],), "", _settings(widths=list(widths)), note)


def delays(place: Workplace, p: int) -> Array:
    """Return 2 lambda times the escape times of runs of SGD, a mean a batch."""

    def run() -> Array:
        system, size = _system(p), place.choose(25, 100)
        starts, patterns = np.random.SeedSequence([place.seed, p]).spawn(2)
        rng = np.random.default_rng(starts)
        student, mixed = random_overlaps(system, DIMENSION, BATCHES * size, rng)
        chain = OverlapChain(system, student, mixed, DIMENSION, seed=patterns)
        double = 2.0 * plateau(system).growth_rate
        # 30 over the mean: a start that has not left by then has |M_0|^2 of 1e-13 of the usual.
        times = escape_times(chain, (np.log(DIMENSION) + 30.0) / double)
        return np.asarray(double * times.reshape(BATCHES, size).mean(1))

    return place.stored(f"escapes of quadratic networks, p = {p}", run)


def _gained(place: Workplace, narrow: int, wide: int) -> Measurement:
    values = delays(place, narrow) - delays(place, wide)
    settings = _settings(n=DIMENSION, runs=BATCHES * place.choose(25, 100), seed=place.seed)
    return Measurement(tuple(values.tolist()), "batches of runs", settings)


def prefactor(place: Workplace) -> Measurement:
    """2 lambda (mean escape time of p = 1 less that of p = 8)."""
    return _gained(place, WIDTHS[0], WIDTHS[1])


def saturates(place: Workplace) -> Measurement:
    """2 lambda (mean escape time of p = 8 less that of p = 32)."""
    return _gained(place, WIDTHS[1], WIDTHS[2])


def manifold(place: Workplace) -> Measurement:
    """Largest population loss of random rotations of a solution."""
    system = _system(*MANY)
    p, p_star = MANY
    rotations = ortho_group.rvs(p, size=1000, random_state=np.random.default_rng(place.seed))
    student, mixed = solution(system, np.eye(p)[:, :p_star])
    turned = rotations @ student @ np.swapaxes(rotations, -1, -2), rotations @ mixed
    losses = population_loss(system, *turned)
    settings = _settings(p=p, p_star=p_star, rotations=len(rotations), seed=place.seed)
    return Measurement((float(np.max(np.abs(losses))),), "", settings)


def conserved(place: Workplace) -> Measurement:
    """Largest relative change of J under gradient flow, from random starts."""
    system, times = _system(*MANY), np.linspace(0.0, 30.0, 31)
    rng = np.random.default_rng(place.seed)
    student, mixed = random_overlaps(system, DIMENSION, 16, rng)
    flow = integrate_flow(system, student, mixed, times, gradient_flow=True, rtol=1e-11, atol=1e-14)
    kept = conserved_matrix(system, flow.student, flow.mixed, times[:, None])
    scale = np.abs(kept[0]).max((-2, -1))
    change = np.abs(kept - kept[0]).max((-2, -1)) / scale
    settings = _settings(p=MANY[0], p_star=MANY[1], n=DIMENSION, starts=16, seed=place.seed)
    return Measurement((float(change.max()),), "", settings)


def closest(place: Workplace) -> Measurement:
    """Overlap of the solution that gradient flow selects with the closest one."""
    system = _system(2, 2)
    starts = place.choose(16, 64)
    rng = np.random.default_rng(place.seed)
    student, mixed = random_overlaps(system, DIMENSION, starts, rng)
    values = place.stored(
        "selection by gradient flow", lambda: select_by_flow(system, student, mixed).closest
    )
    return _selected(values, starts, place)


def closest_sgd(place: Workplace) -> Measurement:
    """Overlap of the solution that SGD selects with the closest one."""
    runs = place.choose(64, 400)
    values = place.stored(
        "selection by SGD",
        lambda: select_by_sgd(_system(2, 2), DIMENSION, runs, seed=place.seed).closest,
    )
    return _selected(values, runs, place)


def _selected(values: Array, number: int, place: Workplace) -> Measurement:
    settings = _settings(p=2, p_star=2, n=DIMENSION, starts=number, seed=place.seed)
    return Measurement(tuple(values.tolist()), "starts", settings)


def _smallest(at: str) -> Measurement:
    values = numeric_hessian(_system(*MANY), 24, at).eigenvalues
    settings = _settings(p=MANY[0], p_star=MANY[1], n=24)
    flat = int(np.sum(np.abs(values) < 1e-9 * values[-1]))
    note = f"{int(np.sum(values < -1e-9 * values[-1]))} negative, {flat} zero of {len(values)}"
    return Measurement((float(values[0] / values[-1]),), "", settings, note)


def saddle(place: Workplace) -> Measurement:
    """Smallest eigenvalue of the Hessian at the plateau over the largest."""
    del place
    return _smallest("plateau")


def marginal(place: Workplace) -> Measurement:
    """Smallest eigenvalue of the Hessian at a solution over the largest."""
    del place
    return _smallest("manifold")
