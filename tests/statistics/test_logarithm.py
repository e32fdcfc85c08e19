"""A logarithm of the size in the place of its powers: refused as an exponent, not as a collapse."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sta.analysis.statistics import collapse_table, generate_oracle
from sta.analysis.statistics.scaling.logarithm import logarithmic_collapse
from sta.analysis.statistics.scaling.master import fit_collapse

X_C = 4.0


def escapes(seed, trials=60):
    """Logistic growth from a random start of variance 1 / L: a threshold in x = t / log L."""
    rng = np.random.default_rng(seed)
    x = np.linspace(2.0, 8.0, 21)
    rows = []
    for size in (500, 2000, 8000, 32000):
        start = rng.chisquare(4, trials) / 4.0
        grown = start[:, None] * np.exp(np.log(size) * (x / X_C - 1.0))
        rows += [(size, x[k], y, t) for t, curve in enumerate(grown / (1.0 + grown))
                 for k, y in enumerate(curve)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["size", "x", "y", "trial"])
    table["trial"] = table["size"].astype(str) + "-" + table["trial"].astype(str)
    return table


@pytest.mark.parametrize("seed", range(2))
def test_a_logarithm_is_not_taken_for_a_small_exponent(seed):
    result = collapse_table(escapes(seed), "x", "y", "size", "trial")
    found = result.to_dict()
    assert not found["identified"]
    for name in ("inv_nu", "beta_over_nu", "beta"):
        assert found["estimates"][name] is None or found["estimates"][name]["value"] is None
        assert any(note.startswith(name) and "logarithm" in note for note in found["notes"])
    x_c = result.estimates["x_c"]
    assert abs(x_c.value - X_C) < 4.0 * x_c.se and x_c.se < 0.3
    assert "no exponent is identified" in found["verdict"]
    assert not found["logarithm"]["told_apart"]


@pytest.mark.parametrize("name", ["mock", "mock-correlated", "mock-correction"])
def test_powers_are_told_from_a_logarithm(name):
    found = logarithmic_collapse(fit_collapse(generate_oracle(name, seed=3).curves).fit)
    assert found.told_apart and found.gain > 3.0


def test_sizes_without_a_logarithm_leave_the_powers_alone():
    curves = generate_oracle("mock", seed=3).curves
    small = replace(
        curves, curves=tuple(replace(curve, size=curve.size / 1e3) for curve in curves.curves)
    )
    found = logarithmic_collapse(fit_collapse(small).fit)
    assert found.told_apart and found.gain is None
