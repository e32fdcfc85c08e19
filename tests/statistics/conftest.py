"""Synthetic sweeps whose truth is known."""

from types import SimpleNamespace

import pandas as pd
import pytest

from planted import (
    curve_set,
    exponential_ramp,
    linear_ramp,
    logistic_ramp,
    power_ramp,
    stretched_ramp,
    sweep,
)


@pytest.fixture(scope="session")
def synth() -> SimpleNamespace:
    return SimpleNamespace(
        power_ramp=power_ramp,
        exponential_ramp=exponential_ramp,
        linear_ramp=linear_ramp,
        logistic_ramp=logistic_ramp,
        stretched_ramp=stretched_ramp,
        curve_set=curve_set,
        sweep=sweep,
    )


@pytest.fixture(scope="session")
def paper_like() -> tuple[pd.DataFrame, pd.DataFrame]:
    """A sweep that looks like the published one: spectral threshold, direct line."""
    return sweep({"spectral": power_ramp(1.05, 4.0, 0.02), "direct": linear_ramp()}, seed=1)
