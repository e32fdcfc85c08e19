"""How many students are trained as one ensemble: what the memory and the cache hold."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import torch

from sta.spectral.training import resolve_dtype
from sta.sweep.config import KindRecipe, SweepConfig

# Arrays of a step that lie near a core: a larger stack is fetched from afar at every step, and a
# smaller one leaves more time to calls than to arithmetic (measured; the optimum is flat).
CACHE_BYTES = 1.5e7
# Ensembles that take turns on an accelerator: one of small students leaves most of it idle.
LANES_OF_AN_ACCELERATOR = 24
# The rest is for the library's own work space and for measuring.
SHARE_OF_MEMORY = 0.5
# Parameters, gradient, two moments, and three arrays of a spectral weight.
ARRAYS_A_WEIGHT = 7


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def ensemble_size(config: SweepConfig, recipe: KindRecipe, width: int, later: list[int]) -> int:
    """Return how many students of a width are best trained together.

    Parameters
    ----------
    config : SweepConfig
        Gives the data, the device and, in ``training.ensemble``, the most that is allowed.
    recipe : KindRecipe
        Of the students' kind.
    width : int
        Units of the first hidden layer.
    later : list of int
        Units of the layers after it.

    Notes
    -----
    On a processor the arrays of a step stay in the cache; on an accelerator all ensembles in work
    share half of the free memory.
    """
    most = config.training.ensemble
    step, kept = student_bytes(config, recipe, width, later)
    if config.training.device != "cpu":
        room = SHARE_OF_MEMORY * accelerator_memory(config.training.device)
        room /= LANES_OF_AN_ACCELERATOR
    else:
        most = min(most, max(1, round(CACHE_BYTES / step)))
        room = SHARE_OF_MEMORY * free_memory() / available_cores()
    # The rows of all members are numbered in 32 bits.
    most = min(most, (2**31 - 1) // config.data.train_patterns)
    return max(1, min(most, int(room / (step + kept))))


def student_bytes(
    config: SweepConfig, recipe: KindRecipe, width: int, later: list[int]
) -> tuple[int, int]:
    """Return the bytes of a student that every step touches, and of its data.

    Two arrays of activations a layer, the weights with all that belongs to them; the training and
    test sets with the order of the patterns.
    """
    number = resolve_dtype(config.training.dtype).itemsize
    widths = [config.teacher.input_width, width, *later]
    batch = min(recipe.batch_size, config.data.train_patterns)
    weights = sum(a * b for a, b in pairwise(widths))
    step = number * (2 * batch * sum(widths[1:]) + ARRAYS_A_WEIGHT * weights)
    patterns = config.data.train_patterns + config.data.test_patterns
    return step, number * patterns * (widths[0] + 1) + 16 * config.data.train_patterns


def accelerator_memory(name: str) -> float:
    """Return the free bytes of a device, or 16 GB if it is that of another machine."""
    if not torch.cuda.is_available():
        return 16e9
    return float(torch.cuda.mem_get_info(torch.device(name))[0])


def free_memory() -> float:
    """Return the bytes of memory that the system says it can give, or 4 GB if it does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return 4e9
    sizes = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return 1024.0 * int(sizes[0]) if sizes else 4e9
