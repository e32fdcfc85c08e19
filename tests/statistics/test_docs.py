"""Examples in docstrings run, and every public name is documented."""

import doctest
import importlib
import pkgutil

import pytest

from sta.analysis import statistics

MODULES = [
    f"{statistics.__name__}.{module.name}" for module in pkgutil.iter_modules(statistics.__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_public_names_are_documented():
    assert list(statistics.__all__) == sorted(statistics.__all__)
    for name in statistics.__all__:
        assert getattr(statistics, name).__doc__
