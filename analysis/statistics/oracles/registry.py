"""All oracles by name."""

import inspect
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from sta.analysis.statistics.oracles.giant_component import giant_component
from sta.analysis.statistics.oracles.linear_student import linear_student
from sta.analysis.statistics.oracles.mock import mock_curves
from sta.analysis.statistics.oracles.mock_oracle import mock, mock_correction, mock_correlated
from sta.analysis.statistics.oracles.oracle import Oracle
from sta.analysis.statistics.oracles.order_statistics import order_statistics
from sta.analysis.statistics.oracles.percolation import percolation
from sta.analysis.statistics.oracles.ramps import crossover, exponential, line, ramps, threshold
from sta.analysis.statistics.resampling import Seed
from sta.errors import ConfigError

ORACLES: dict[str, Callable[..., Oracle]] = {
    "percolation": percolation,
    "giant-component": giant_component,
    "order-statistics": order_statistics,
    "linear": linear_student,
    "mock": mock,
    "mock-correlated": mock_correlated,
    "mock-correction": mock_correction,
    "exponential": exponential,
    "line": line,
    "crossover": crossover,
    "threshold": threshold,
}

# Where a generator passes on the options that it does not name itself.
_PASSED_TO: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("mock", "mock-correlated", "mock-correction"), mock_curves),
    **dict.fromkeys(("exponential", "line", "crossover", "threshold"), ramps),
}


def generate_oracle(name: str, seed: Seed = 0, **options: Any) -> Oracle:
    """Generate the data of an oracle.

    Parameters
    ----------
    name
        One of `ORACLES`.
    seed
        Anything `numpy.random.default_rng` takes; the same seed gives the same data.
    options
        Options of the generator, as `oracle_options` lists them.

    Raises
    ------
    ConfigError
        If the name or an option is unknown (the nearest known one is named), or an option is
        out of range.

    Examples
    --------
    >>> generate_oracle("linear", sizes=(4, 8), trials=3).truth["beta"]
    1.0
    """
    known = oracle_options(name)
    for option in options:
        if option not in known:
            raise ConfigError(f"oracle {name!r} has no option {option!r}{_nearest(option, known)}")
    return ORACLES[name](seed=seed, **options)


def oracle_options(name: str) -> tuple[str, ...]:
    """Return the names of the options of an oracle, but its seed.

    Raises
    ------
    ConfigError
        If there is no oracle of that name.

    Examples
    --------
    >>> oracle_options("percolation")
    ('sizes', 'trials', 'points', 'window')
    """
    if name not in ORACLES:
        raise ConfigError(f"there is no oracle {name!r}{_nearest(name, tuple(ORACLES))}")
    functions = [ORACLES[name], *([_PASSED_TO[name]] if name in _PASSED_TO else [])]
    found = [
        parameter.name
        for function in functions
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    return tuple(option for option in dict.fromkeys(found) if option != "seed")


def _nearest(name: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.0)
    return f"; did you mean {near[0]!r}?" if near else ""
