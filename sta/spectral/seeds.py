"""One tree of seeds a sweep: every random draw has an address, none has a shared state.

A generator is named by the sweep's seed, a purpose and the student's (or teacher's) identity.
The *kind* of a student is no part of its identity: spectral and direct students of the same
trial see the same data, the same shuffling and the same initial eigenvectors (paired controls).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch

Purpose = Literal["teacher", "train", "test", "initial", "shuffle"]

# The positions are part of the published seeds: append, never reorder.
_PURPOSES: tuple[Purpose, ...] = ("teacher", "train", "test", "initial", "shuffle")


def stream(seed: int, purpose: Purpose, *identity: int) -> torch.Generator:
    """Return the generator of one purpose of one student or teacher.

    Parameters
    ----------
    seed : int
        Seed of the whole sweep, not negative.
    purpose : {"teacher", "train", "test", "initial", "shuffle"}
        What is drawn.
    *identity : int
        (teacher_width, teacher_seed) of a teacher, with (student_width, trial) after it of a
        student.

    Returns
    -------
    torch.Generator
        On the CPU, so that draws do not depend on the device.

    Examples
    --------
    >>> a = torch.rand(2, generator=stream(0, "train", 20, 0, 60, 1))
    >>> b = torch.rand(2, generator=stream(0, "train", 20, 0, 60, 1))
    >>> bool((a == b).all())
    True
    """
    key = (_PURPOSES.index(purpose), *identity)
    state = np.random.SeedSequence(seed, spawn_key=key).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))
