"""The functions that measure claims; the ledger names them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import cast

from sta.analysis.claims.ledger import PAPERS
from sta.analysis.claims.rules import Measurement
from sta.analysis.claims.workplace import Workplace
from sta.errors import ConfigError

Measure = Callable[[Workplace], Measurement]


def measure_named(name: str) -> Measure:
    """Return a function by its name in the ledger, ``module.function``.

    Raises
    ------
    ConfigError
        If there is none.
    """
    module, _, function = name.partition(".")
    if module in PAPERS and function.isidentifier():
        found = getattr(import_module(f"sta.analysis.claims.measures.{module}"), function, None)
        if found is not None:
            return cast(Measure, found)
    raise ConfigError(f"measure {name!r} is unknown; name module.function of {', '.join(PAPERS)}")
