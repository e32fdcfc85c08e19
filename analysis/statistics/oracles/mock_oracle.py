"""Mock curves as oracles: noise that is independent, shared along a trial, or corrected."""

from typing import Any

from sta.analysis.statistics.oracles.mock import TRUTH, mock_curves
from sta.analysis.statistics.oracles.oracle import Oracle, truth
from sta.analysis.statistics.resampling import Seed

# The relative size A L^-1 of the correction is then 4 % at L = 16 and half a percent at 128.
CORRECTION = 0.6

DESCRIPTION = (
    "Mock data y = L^(-beta/nu) F((x - x_c) L^(1/nu)) (1 + A L^(-w)) with a smooth F that rises"
    " as |z|^beta on its left, Gaussian noise and parameters chosen freely: x_c = 0.5, 1/nu ="
    " 3/4, beta/nu = 1/8 (the form of Fisher and Barber, Phys. Rev. Lett. 28, 1516, 1972)."
)


def mock(*, seed: Seed = 0, **options: Any) -> Oracle:
    """Draw mock curves; the options are those of `mock_curves`."""
    return _oracle("mock", seed, options)


def mock_correlated(*, seed: Seed = 0, correlated: bool = True, **options: Any) -> Oracle:
    """Draw mock curves whose noise is shared along a trial; options as `mock_curves`."""
    return _oracle("mock-correlated", seed, {"correlated": correlated, **options})


def mock_correction(*, seed: Seed = 0, correction: float = CORRECTION, **options: Any) -> Oracle:
    """Draw mock curves with a correction to scaling; options as `mock_curves`."""
    return _oracle("mock-correction", seed, {"correction": correction, **options})


def _oracle(name: str, seed: Seed, options: dict[str, Any]) -> Oracle:
    return Oracle(
        name=name,
        curves=mock_curves(seed=seed, **options),
        truth=truth(**TRUTH),
        x_name="x",
        y_name="y",
        size_name="size L",
        description=DESCRIPTION,
        corrections=bool(options.get("correction", 0.0)),
    )
