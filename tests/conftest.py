"""What tests share: a tiny finished sweep, and a generator."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sta.sweep import SweepTables, config_from_table, run_sweep
from tiny import TINY


@pytest.fixture(scope="session")
def tiny_sweep(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SweepTables]:
    """A finished sweep of 16 students that takes a second."""
    folder = tmp_path_factory.mktemp("sweep") / "out"
    return folder, run_sweep(config_from_table(TINY), folder, workers=1)


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
