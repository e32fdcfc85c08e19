"""A stack of students in training: one epoch after another, and its state between epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sta.errors import FileFormatError
from sta.spectral.gradient import Backpropagation, FlatParameters
from sta.spectral.network import Network
from sta.spectral.student import Recipe
from sta.spectral.teacher import Dataset

# One permutation is too small a task for a thread: its numbers are drawn in this many portions.
PORTIONS = 4
_shufflers = ThreadPoolExecutor(thread_name_prefix="shuffle")


class Trainer:
    """Adam on the mean squared error of a stack of K students, with all arrays made once.

    On an accelerator the steps of an epoch are recorded as a graph in the second epoch and
    replayed from then on, and the next epoch is shuffled while the device works.

    Parameters
    ----------
    network : Network
        Stack of K students on its device and in its type; moved in place.
    data : Dataset
        Training sets, on the same device and of the same type.
    recipe : Recipe
        What is minimised.
    generators : sequence of numpy.random.Generator
        One a student, for the shuffling.
    """

    def __init__(
        self,
        network: Network,
        data: Dataset,
        recipe: Recipe,
        generators: Sequence[np.random.Generator],
    ) -> None:
        members, patterns, inputs = data.x.shape
        self._generators = generators
        self._flat = FlatParameters(network)
        self._x, self._y = data.x.reshape(-1, inputs), data.y.flatten()
        self._device = data.x.device
        accelerated = self._device.type == "cuda"
        # eps is Keras' default, which the published protocol used.
        moved = torch.nn.Parameter(self._flat.values)
        moved.grad = self._flat.gradient
        self._optimizer = torch.optim.Adam(
            [moved], recipe.learning_rate, eps=1e-7, fused=True, capturable=accelerated
        )
        self._batches = [
            slice(start, min(start + recipe.batch_size, patterns))
            for start in range(0, patterns, recipe.batch_size)
        ]
        # The last batch of an epoch may be smaller.
        self._passes = {
            size: _Pass(network, recipe, self._flat, members, size, inputs)
            for size in {batch.stop - batch.start for batch in self._batches}
        }
        self._total = data.y.new_zeros(members)
        self._patterns = patterns
        # While one is copied to an accelerator, the next epoch's order goes into the other.
        self._orders = [
            torch.empty(members, patterns, dtype=torch.int32, pin_memory=accelerated)
            for _ in range(1 + accelerated)
        ]
        self._rows = self._orders[0].to(self._device)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._warm = False
        self._drawing: list[Future[None]] = []

    def shuffle(self) -> None:
        """Draw the order of the next epoch's patterns, one permutation a student.

        Beside an accelerator's work it is done by threads; `start_epoch` waits for them.
        """
        everyone = range(len(self._generators))
        if self._device.type != "cuda":
            self._draw(everyone)
            return
        self._orders.reverse()
        self._drawing = [
            _shufflers.submit(self._draw, everyone[start::PORTIONS]) for start in range(PORTIONS)
        ]

    def _draw(self, members: range) -> None:
        rows = self._orders[0].numpy()
        for k in members:
            # Rows of the members laid end to end, so that one index finds a pattern.
            order = self._generators[k].permutation(self._patterns)
            np.add(order, k * self._patterns, rows[k], casting="same_kind")

    def start_epoch(self) -> None:
        """Take one pass over the shuffled data; an accelerator may still be at it afterwards."""
        for portion in self._drawing:
            portion.result()
        if self._device.type != "cuda":
            self._steps()
            return
        self._rows.copy_(self._orders[0], non_blocking=True)
        if self._graph is not None:
            self._graph.replay()
        elif not self._warm:
            self._steps()
            self._warm = True
        else:
            self._record()

    def _record(self) -> None:
        stream: torch.cuda.Stream | None = torch.cuda.current_stream()
        if stream is not None:
            stream.synchronize()
        if stream == torch.cuda.default_stream():  # on which nothing can be recorded
            stream = None
        self._graph = torch.cuda.CUDAGraph()
        # Other stacks may be at work beside this one.
        with torch.cuda.graph(self._graph, stream=stream, capture_error_mode="thread_local"):
            self._steps()
        self._graph.replay()

    def losses(self) -> NDArray[np.float64]:
        """Wait for the epoch and return its summed batch losses, shape (K,)."""
        return np.asarray(self._total.double().cpu().numpy(), dtype=np.float64)

    def _steps(self) -> None:
        self._total.zero_()
        for batch in self._batches:
            self._passes[batch.stop - batch.start].load(self._x, self._y, self._rows[:, batch])
            self._total += self._passes[batch.stop - batch.start].run()
            self._optimizer.step()

    def state(self) -> dict[str, Any]:
        """Return everything that the next epochs depend on, as plain types and tensors."""
        return {
            "values": self._flat.values.detach().cpu().clone(),
            "optimizer": {
                name: value.detach().cpu().clone()
                for name, value in next(iter(self._optimizer.state.values()), {}).items()
            },
            "generators": [_plain(g.bit_generator.state) for g in self._generators],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned.

        Raises
        ------
        FileFormatError
            If the state belongs to another stack.
        """
        values, moments = state["values"], state["optimizer"]
        shape = self._flat.values.shape
        if values.shape != shape or any(
            moments[name].shape != shape for name in ("exp_avg", "exp_avg_sq")
        ):
            raise FileFormatError("a saved state of training belongs to other students")
        with torch.no_grad():
            self._flat.values.copy_(values)
        parameter = self._optimizer.param_groups[0]["params"][0]
        self._optimizer.state[parameter] = {
            name: value.to(self._device) if name != "step" or self._device.type == "cuda" else value
            for name, value in moments.items()
        }
        for generator, saved in zip(self._generators, state["generators"], strict=True):
            generator.bit_generator.state = _numbers(saved)


class _Pass:
    """The arrays of batches of one size."""

    def __init__(
        self,
        network: Network,
        recipe: Recipe,
        flat: FlatParameters,
        members: int,
        batch: int,
        inputs: int,
    ) -> None:
        self._gradient = Backpropagation(network, recipe, flat.gradients, batch)
        self._x = flat.values.new_empty(members * batch, inputs)
        self._y = flat.values.new_empty(members * batch)
        self._shape = (members, batch)

    def load(self, x: Tensor, y: Tensor, rows: Tensor) -> None:
        index = rows.reshape(-1)
        torch.index_select(x, 0, index, out=self._x)
        torch.index_select(y, 0, index, out=self._y)

    def run(self) -> Tensor:
        return self._gradient(self._x.view(*self._shape, -1), self._y.view(self._shape))


def _plain(state: Any) -> Any:
    """Return a generator's state with its 128-bit numbers as text, which a torch file can hold."""
    if isinstance(state, Mapping):
        return {key: _plain(value) for key, value in state.items()}
    return f"int:{state}" if isinstance(state, int) and state.bit_length() > 62 else state


def _numbers(state: Any) -> Any:
    if isinstance(state, Mapping):
        return {key: _numbers(value) for key, value in state.items()}
    return int(state[4:]) if isinstance(state, str) and state.startswith("int:") else state
