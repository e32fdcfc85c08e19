"""Measures against sweeps whose truth was planted, and against closed forms."""

from types import SimpleNamespace

import numpy as np
import pytest

from planted import exponential_ramp, linear_ramp, power_ramp, sweep
from sta.analysis.claims import judge, level_for, load_ledger
from sta.analysis.claims.measures import measure_named, quadratic, spectral
from sta.analysis.claims.workplace import VARIANTS, Workplace
from sta.quadratic import make_system, plateau

FROM_TABLES = (
    "size", "width", "conventional", "free", "costly", "accuracy", "universal_widths",
    "universal_teachers",
)  # fmt: skip


@pytest.fixture
def place(tmp_path):
    return Workplace(tmp_path, full=False)


def planted(monkeypatch, spectral_ramp, **given):
    given = {"widths": (40, 80), "teachers": (10,), "trials": 1, "teacher_seeds": 8} | given
    tables = sweep({"spectral": spectral_ramp, "direct": linear_ramp()}, seed=3, **given)
    students = tables[0]
    students["importance"] = [np.array(one) for one in students["importance"]]
    found = SimpleNamespace(students=students, ramps=tables[1])
    monkeypatch.setattr(spectral, "run_sweep", lambda *_: found)
    return students, tables[1]


def verdicts(place):
    entries = load_ledger(["spectral"])
    return {
        one.name.partition(".")[2]: judge(
            one, measure_named(one.measure)(place), level_for(entries)
        )
        for one in entries
        if one.name.partition(".")[2] in FROM_TABLES
    }


def test_a_world_in_which_the_paper_is_right(place, monkeypatch):
    students, _ = planted(monkeypatch, power_ramp(1.05, 2.0), noise=0.002, extra=lambda _: 0)
    students.loc[students["kind"] == "spectral", "test_loss"] = 0.0095
    found = verdicts(place)
    assert {name: one.verdict for name, one in found.items()} == dict.fromkeys(FROM_TABLES, "holds")
    assert found["size"].value == pytest.approx(1.0)
    assert found["width"].value == pytest.approx(0.0, abs=1e-12)
    # (1 - 0.5 / 1.05)^2
    assert found["costly"].value == pytest.approx(0.274, abs=0.01)
    assert found["accuracy"].value == pytest.approx(np.log2(0.95))


def test_a_world_in_which_it_is_wrong(place, monkeypatch):
    """Cores that grow, ramps that differ by teacher and by width, errors that are larger."""
    students, ramps = planted(
        monkeypatch, exponential_ramp(2.0, 0.5), noise=0.002, trials=2, extra=lambda h: h // 4
    )
    students.loc[students["kind"] == "spectral", "test_loss"] = 0.02
    direct = students["kind"] == "direct"
    students.loc[direct, "importance"] = students.loc[direct, "importance"].map(
        lambda one: np.where(np.arange(len(one)) < 12, one, 0.0)
    )
    whole = ramps["student_id"].map(ramps.groupby("student_id")["delta_mse"].max())
    early = (ramps["n_kept"] > 0) & (ramps["n_kept"] <= 5) & (ramps["kind"] == "spectral")
    ramps.loc[early, "delta_mse"] = 0.001 * whole[early]
    late = (ramps["n_kept"] == 10) & (ramps["kind"] == "spectral")
    ramps.loc[late, "delta_mse"] = 0.2 * whole[late]
    found = verdicts(place)
    wrong = {"size", "width", "conventional", "free", "costly", "accuracy"}
    assert {name for name, one in found.items() if one.verdict == "fails"} >= wrong
    assert found["universal_teachers"].verdict != "holds"


def test_the_variance_between_teachers_is_unbiased(place, monkeypatch):
    """Scales with known variances between and within teachers, over many sweeps."""
    import pandas as pd

    planted(monkeypatch, power_ramp())
    rng = np.random.default_rng(0)
    between, within, means = 0.3, 0.4, []
    index = pd.MultiIndex.from_product(
        [[10], range(6), [40, 80], [0]],
        names=["teacher_width", "teacher_seed", "student_width", "trial"],
    )
    for _ in range(1500):
        values = between * np.repeat(rng.standard_normal(6), 2) + within * rng.standard_normal(12)
        scales = pd.Series(values, index=index)
        monkeypatch.setattr(spectral.SpectralStudy, "scales", lambda *_, own=scales: own)
        means.append(np.mean(spectral.universal_teachers(place).values))
    error = np.std(means) / np.sqrt(len(means))
    assert np.mean(means) == pytest.approx(between**2, abs=4 * error)


def test_the_threshold_of_a_variant_is_used(place, monkeypatch):
    planted(monkeypatch, power_ramp(1.05, 2.0), extra=lambda _: 5)
    strict = place.varied(VARIANTS[2])
    assert VARIANTS[2].threshold == 0.1
    # The planted leftovers are at .07 to .2 of the largest importance.
    loose, tight = (np.mean(spectral.effective_size(one).values) for one in (place, strict))
    assert 1.4 < loose <= 1.5 and 1.0 < tight < loose


def test_variants_have_their_own_sweeps(place):
    folders = {spectral.SpectralStudy(place.varied(one)).folder.name for one in VARIANTS}
    assert folders == {"10-float32", "20-float32", "10-float64"}
    tables = [spectral.SpectralStudy(place.varied(one)).table for one in VARIANTS]
    assert tables[1]["teacher"]["input_width"] == 20 and tables[3]["training"]["dtype"] == "float64"


def test_a_small_sweep_as_graphs(tmp_path):
    """Real students, hardly trained: every number that graphs give is there, one a teacher."""
    place = Workplace(tmp_path, full=False)
    study = spectral.SpectralStudy(place)
    study.widths = [12]
    study.table["teacher"]["draws"] = 3
    study.table |= {"student": {"widths": [12], "trials": 1}}
    study.table["training"] |= {"epochs": 3}
    rows = study.pairs()
    assert len(rows) == 3
    for row in rows:
        assert 0.0 <= row["spectral.matched"] <= 1.0 and 0.0 <= row["direct.degree"] <= 1.0
        assert row["spectral.paths"] > 0.0 and np.isfinite(row["direct.paths"])


def test_rate_against_the_roots(place):
    """The integrated motion grows at the rate of the plateau's root formula, p by p."""
    roots = [plateau(make_system(p, 1, 0.03 * p)).growth_rate for p in (64, 1)]
    assert quadratic.rate(place).values[0] == pytest.approx(roots[0] / roots[1], abs=1e-6)
    first = [1 - 0.03 * (1 + 1 / (p + 2)) for p in (64, 1)]  # lambda / 4 g to first order in g
    assert roots[0] / roots[1] == pytest.approx(first[0] / first[1], abs=3 * 0.03**2)


def test_the_landscape(place):
    """Smallest over largest eigenvalue: -4 a b t at the plateau over max(8 a^2 q0, 4 a b tr T)."""
    p, p_star = quadratic.MANY
    a, b = 1 / p, 1 / p_star
    q0 = b * p_star / (a * (p + 2))
    expected = -4 * a * b / max(8 * a**2 * q0, 4 * a * b * p_star)
    assert quadratic.saddle(place).values[0] == pytest.approx(expected, abs=1e-9)
    assert abs(quadratic.marginal(place).values[0]) < 1e-12
    assert quadratic.manifold(place).values[0] < 1e-14
    assert quadratic.conserved(place).values[0] < 1e-8
    assert min(quadratic.closest(place).values) > 0.999


def test_what_is_not_conserved_is_seen(place, monkeypatch):
    """With the noise of SGD in the motion J changes."""
    flow = quadratic.integrate_flow
    monkeypatch.setattr(
        quadratic, "integrate_flow",
        lambda *one, gradient_flow, **given: flow(*one, gradient_flow=not gradient_flow, **given),
    )  # fmt: skip
    (entry,) = [one for one in load_ledger(["quadratic"]) if one.name == "quadratic.conserved"]
    assert judge(entry, quadratic.conserved(place), 0.95).verdict == "fails"
