"""One tree of seeds a sweep: every random draw has an address, none has a shared state.

A generator is named by the sweep's seed, a purpose and the student's (or teacher's) identity.
The *kind* of a student is no part of its identity: spectral and direct students of the same
trial see the same data, the same shuffling and the same initial eigenvectors (paired controls).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

Purpose = Literal["teacher", "train", "test", "initial", "shuffle"]

# The positions are part of the published seeds: append, never reorder.
_PURPOSES: tuple[Purpose, ...] = ("teacher", "train", "test", "initial", "shuffle")


def stream(seed: int, purpose: Purpose, *identity: int) -> np.random.Generator:
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
    numpy.random.Generator
        On the processor, so that draws do not depend on the device.

    Examples
    --------
    >>> a = stream(0, "train", 20, 0, 60, 1).normal(size=2)
    >>> b = stream(0, "train", 20, 0, 60, 1).normal(size=2)
    >>> bool((a == b).all())
    True
    """
    key = (_PURPOSES.index(purpose), *identity)
    # Not torch's generator: on the CPU it keeps 32 bits of its seed, so that among 10^5 streams
    # some would be the same.
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
