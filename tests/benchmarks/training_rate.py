"""One process of the training benchmark: prints the student-steps it does in a second.

    python training_rate.py MODE H K SECONDS THREADS

MODE is ``sta`` (an ensemble of K), ``plain`` (one student in ordinary torch code) or
``products`` (the five matrix products of a step, alone). It says when it is warm and counts from
the next line of its input on, so that several processes count together.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import torch
from torch import nn

from sta.spectral import (
    Architecture,
    Dataset,
    Recipe,
    TeacherConfig,
    draw_dataset,
    make_student,
    make_teacher,
    stack_datasets,
    stack_networks,
    stream,
)
from sta.spectral.trainer import Trainer

INPUTS, SECOND, PATTERNS, BATCH = 10, 20, 8000, 300
STEPS = -(-PATTERNS // BATCH)
RECIPE = Recipe()


def data(members: int) -> Dataset:
    teacher = make_teacher(TeacherConfig(), stream(0, "teacher", 20, 0))
    sets = [draw_dataset(teacher, PATTERNS, stream(0, "train", k)) for k in range(members)]
    return stack_datasets(sets).to(torch.device("cpu"), torch.float32)


def student(h: int, k: int):
    return make_student(Architecture(INPUTS, (h, SECOND)), RECIPE.train, stream(0, "initial", k))


def ensemble(h: int, members: int) -> Callable[[], int]:
    network = stack_networks([student(h, k) for k in range(members)]).float()
    shuffles = [stream(0, "shuffle", k) for k in range(members)]
    trainer = Trainer(network, data(members), RECIPE, shuffles)

    def epoch() -> int:
        trainer.shuffle()
        trainer.start_epoch()
        trainer.losses()
        return members * STEPS

    return epoch


class Plain(nn.Module):
    """The student as anybody would write it."""

    def __init__(self, one) -> None:
        super().__init__()
        first, second = one.chain
        self.phi = nn.Parameter(first.phi.detach().float().clone())
        self.eigenvalues = nn.Parameter(first.lambda_out.detach().float().clone())
        self.second = nn.Linear(*second.weight.shape[::-1], bias=False)
        self.second.weight.data.copy_(second.weight)

    def forward(self, x):
        first = nn.functional.linear(x, -self.eigenvalues[:, None] * self.phi)
        return torch.relu(self.second(torch.relu(first))).sum(-1)


def plain(h: int, _: int) -> Callable[[], int]:
    model, sets, generator = Plain(student(h, 0)), data(1), stream(0, "shuffle", 0)
    x, y = sets.x[0], sets.y[0]
    optimizer = torch.optim.Adam(model.parameters(), RECIPE.learning_rate, eps=1e-7)

    def epoch() -> int:
        for batch in torch.from_numpy(generator.permutation(PATTERNS)).split(BATCH):
            loss = nn.functional.mse_loss(model(x[batch]), y[batch])
            loss = loss + RECIPE.l2_phi * model.phi.square().sum()
            loss = loss + RECIPE.l2_eigenvalues * model.eigenvalues.square().sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return STEPS

    return epoch


def products(h: int, members: int) -> Callable[[], int]:
    def array(*shape: int) -> torch.Tensor:
        return torch.randn(members, *shape)

    x, first, second = array(BATCH, INPUTS), array(h, INPUTS), array(SECOND, h)
    hidden, slope, top = array(h, BATCH), array(h, BATCH), array(SECOND, BATCH)
    first_slope, second_slope = torch.empty_like(first), torch.empty_like(second)
    top_slope = array(SECOND, BATCH)

    def epoch() -> int:
        for _ in range(STEPS):
            torch.bmm(first, x.mT, out=hidden)
            torch.bmm(second, hidden, out=top)
            torch.bmm(top_slope, hidden.mT, out=second_slope)
            torch.bmm(second.mT, top_slope, out=slope)
            torch.bmm(slope, x, out=first_slope)
        return members * STEPS

    return epoch


def main() -> None:
    mode, h, members, seconds, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    epoch = {"sta": ensemble, "plain": plain, "products": products}[mode](int(h), int(members))
    for _ in range(2):
        epoch()
    print("warm", flush=True)
    sys.stdin.readline()
    started, steps = time.perf_counter(), 0
    while (passed := time.perf_counter() - started) < float(seconds):
        steps += epoch()
    print(steps / passed)


if __name__ == "__main__":
    main()
