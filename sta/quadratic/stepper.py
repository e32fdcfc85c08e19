"""What every simulation of finite N is: replicas that can be trained a step at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from sta.quadratic.overlaps import Array, order_parameter
from sta.quadratic.system import System


class Stepper(ABC):
    """Replicas under one-pass SGD; see `OverlapChain` and `VectorSGD`.

    Attributes
    ----------
    system : System
        What is trained.
    dimension : int
        N.
    steps : int
        Steps so far.
    """

    def __init__(self, system: System, dimension: int) -> None:
        self.system, self.dimension, self.steps = system, dimension, 0

    @property
    def alpha(self) -> float:
        """Steps over N so far."""
        return self.steps / self.dimension

    @property
    def order_parameter(self) -> Array:
        """Return m2 of each replica, shape (R,)."""
        return order_parameter(self.system, self.mixed)

    def step(self, number: int = 1) -> None:
        """Train for a number of steps."""
        for _ in range(number):
            self._step()
        self.steps += number

    @property
    @abstractmethod
    def replicas(self) -> int:
        """Number of replicas."""

    @property
    @abstractmethod
    def student(self) -> Array:
        """Return Q, shape (R, p, p)."""

    @property
    @abstractmethod
    def mixed(self) -> Array:
        """Return M, shape (R, p, p*)."""

    @abstractmethod
    def keep(self, which: NDArray[np.bool_]) -> None:
        """Go on with the replicas of a mask only."""

    @abstractmethod
    def _step(self) -> None:
        """Train by one step."""
