"""What tests share: a tiny finished sweep, and a generator."""

from __future__ import annotations

import os
from pathlib import Path

# Two test processes on two cores: threads of linear algebra on small matrices would only fight.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch

from sta.sweep import SweepTables, config_from_table, run_sweep
from tiny import TINY

# Files of minutes go first, so that two test processes finish together.
LONGEST = ("test_readme.py", "test_run.py", "test_shapes.py", "test_page.py", "test_commands.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the files by their length; within a file nothing moves."""
    rank = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.name, len(LONGEST)))


@pytest.fixture(scope="session")
def tiny_sweep(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SweepTables]:
    """A finished sweep of 16 students that takes a second."""
    folder = tmp_path_factory.mktemp("sweep") / "out"
    return folder, run_sweep(config_from_table(TINY), folder, workers=1)


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
