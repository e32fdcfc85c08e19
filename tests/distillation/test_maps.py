"""Maps, peaks, claims: who wins, where errors rise and fall, and what is said about it."""

import json
import sys

import numpy as np
import pytest

from sta.analysis.claims import PaperClaim, distillation_claims, distillation_errata
from sta.analysis.claims.claim import sign_verdict
from sta.analysis.statistics.estimate import Estimate
from sta.distillation import (
    best_direct,
    best_ridge,
    compare,
    error_peaks,
    make_setting,
    phase_map,
    solve_square,
    theory,
)
from sta.errors import ConfigError, FileFormatError, StaError


def test_best_direct_is_the_best_ridge():
    setting = make_setting([1.0, 3.0, 8.0], loss="square", rho=0.3)
    ridges, errors = best_direct(setting)
    for k in range(3):
        one = best_ridge(make_setting(setting.alpha[k], loss="square", rho=0.3, chi=0.0))
        assert ridges[k] == pytest.approx(one.ridge, rel=0.02)
        assert errors[k] == pytest.approx(one.test_error, abs=1e-7)


def test_comparison_against_the_closed_form():
    """Square loss: every rival is a case of the closed solution."""
    given = {"lam_teacher": np.array([0.02, 0.5, 3.0]), "loss": "square", "lam": 1e-3}
    found = compare(make_setting(2.0, **given))
    for name, changed in (
        ("distilled", {}), ("unregularised", {"chi": 0.0}),
        ("direct", {"chi": 0.0, "lam": given["lam_teacher"]}),
    ):  # fmt: skip
        s = make_setting(2.0, **given | changed)
        exact = solve_square(s)
        wrong = theory(s).student.test_error
        assert np.allclose(getattr(found, name), wrong, atol=1e-9)
        assert np.all(exact.m > 0)
    assert np.all(found.best_direct <= found.direct + 1e-9)
    assert np.all(found.bayes < found.best_direct)


@pytest.fixture
def grid():
    alpha, ridge = np.meshgrid([0.5, 2.0], np.geomspace(0.01, 1.0, 20), indexing="ij")
    return make_setting(alpha, lam_teacher=ridge, loss="square", lam=1e-3)


def test_a_map_goes_on_where_it_stopped(grid, tmp_path):
    path, whole = tmp_path / "map.json", phase_map(grid)
    calls = []

    def stopped(done, _):
        calls.append(done)
        if done >= 32:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        phase_map(grid, path, on_progress=stopped)
    kept = json.loads(path.read_text())["rows"]
    assert len(kept) == 32 and kept == whole[:32]
    calls.clear()
    assert phase_map(grid, path, on_progress=lambda done, _: calls.append(done)) == whole
    assert calls == [32, 40]
    assert phase_map(grid, path) == whole


def test_a_map_of_another_grid_is_refused(grid, tmp_path):
    path = tmp_path / "map.json"
    phase_map(grid.ravel().take(slice(0, 3)), path)
    with pytest.raises(FileFormatError, match="another grid"):
        phase_map(make_setting([1.0, 2.0, 3.0], loss="square"), path)
    path.write_text('{"rows": 3}')
    with pytest.raises(FileFormatError, match="no map"):
        phase_map(grid, path)


def test_a_point_that_does_not_converge_is_named(grid, monkeypatch):
    module = sys.modules[phase_map.__module__]

    def failing(setting):
        if np.any(setting.lam_teacher > 0.9):
            raise StaError("the student did not converge: residual 0.1")
        return compare(setting)

    monkeypatch.setattr(module, "compare", failing)
    rows = phase_map(grid)
    lost = [row for row in rows if row["winner"] is None]
    assert len(lost) == 2 and all("residual" in row["reason"] for row in lost)
    assert all(np.isfinite(row["distilled"]) for row in rows if row["winner"] is not None)


@pytest.mark.parametrize("eta", [0.3, 0.7])
def test_peak_at_alpha_equal_eta(eta):
    (peak,) = error_peaks(make_setting(1.0, eta=eta, loss="square", lam=1e-6), low=0.15, high=3.0)
    assert peak.alpha == pytest.approx(eta, rel=0.01)
    low = theory(make_setting([0.15, 3.0], eta=eta, loss="square", lam=1e-6)).student.test_error
    assert peak.prominence == pytest.approx(peak.test_error - low.max(), abs=0.02)
    assert error_peaks(make_setting(1.0, eta=eta, loss="square", lam=2.0), low=0.15, high=3.0) == []
    with pytest.raises(ConfigError, match="range above 0"):
        error_peaks(make_setting(1.0), low=3.0, high=1.0)


def test_without_any_ridge_it_converges():
    """Both ridges 1e-5: figure 5 of the paper, blue; at 1.75 the norm is of order 1e4."""
    published = {0.3: 0.2427, 0.5: 0.2576, 1.0: 0.2696, 1.5: 0.2741, 1.75: 0.2757, 3.0: 0.2079}
    found = theory(make_setting(list(published), lam_teacher=1e-5, lam=1e-5))
    # The point at 0.5 is read off a steep part of the figure.
    assert np.allclose(found.student.test_error, list(published.values()), atol=6e-4)
    assert np.all(found.student.residual < 1e-8)


def test_verdicts():
    above, below, both = (Estimate(x, ci95=(x - 1.0, x + 1.0)) for x in (2.0, -2.0, 0.5))
    assert sign_verdict([above, above]) == "holds"
    assert sign_verdict([above, both]) == "undecided" == sign_verdict([above, Estimate(3.0)])
    assert sign_verdict([both, below]) == "fails"


@pytest.mark.slow
def test_claims():
    found = distillation_claims(dimension=500, seeds=24)
    assert all(isinstance(one, PaperClaim) for one in found)
    assert [one.verdict for one in found] == ["holds", "holds", "holds"] or (
        found[1].verdict == "undecided"
    )
    for claim in found:
        for one in claim.measured:
            if one.runs is not None:
                assert abs(one.runs.value - one.theory) < 4.5 * one.runs.se + 0.01 * abs(one.theory)


@pytest.mark.slow
def test_errata():
    for one in distillation_errata(dimension=1000, seeds=24):
        if one.published is not None and one.runs is None:
            assert abs(one.as_right - one.published) < 5e-4
            assert abs(one.as_printed - one.published) > 2e-3
        if one.runs is not None:  # trained networks agree with the equations, not with the figure
            assert abs(one.runs.value - one.as_printed) < 4 * one.runs.se
            assert abs(one.runs.value - one.published) > 3 * one.runs.se
