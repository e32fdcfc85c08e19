"""Training and pruning against their peers, as ratios within one run.

    pytest tests/benchmarks/bench_spectral.py

prints the times of each group and, at the end, the ratios with their bars.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from sta.spectral import (
    Architecture,
    Dataset,
    Recipe,
    Schedule,
    TeacherConfig,
    draw_dataset,
    make_student,
    make_teacher,
    masked_forward,
    ramp,
    ranking,
    stack_datasets,
    stack_networks,
    stream,
    train,
)

K, H, SECOND, INPUTS, PATTERNS, BATCH = 32, 60, 20, 10, 8000, 300
EPOCHS, ROUNDS = 4, 5
STEPS = EPOCHS * -(-PATTERNS // BATCH)
RECIPE = Recipe()
FASTEST: dict[str, float] = {}


@pytest.fixture(scope="module")
def data() -> Dataset:
    teacher = make_teacher(TeacherConfig(), stream(0, "teacher", 20, 0))
    sets = [draw_dataset(teacher, PATTERNS, stream(0, "train", k)) for k in range(K)]
    return stack_datasets(sets).to(torch.device("cpu"), torch.float32)


def students() -> list:
    architecture = Architecture(INPUTS, (H, SECOND))
    return [make_student(architecture, RECIPE.train, stream(0, "initial", k)) for k in range(K)]


def timed(benchmark, name, group, run, setup, steps):
    """Time a run several times and keep the fastest, per student-step (or per call)."""
    benchmark.group = group
    benchmark.pedantic(run, setup=setup, rounds=ROUNDS, warmup_rounds=1)
    FASTEST[name] = benchmark.stats.stats.min / steps
    benchmark.extra_info["milliseconds"] = 1e3 * FASTEST[name]


def test_ensemble(benchmark, data):
    """What sta does: K students as a stack; one record of the history at either end."""
    schedule = Schedule(epochs=EPOCHS, history_points=1)
    small = Dataset(data.x[:, :300], data.y[:, :300])

    def setup():
        generators = [stream(0, "shuffle", k) for k in range(K)]
        return (stack_networks(students()), data, small, RECIPE, schedule, generators), {}

    timed(benchmark, "ensemble", "training", train, setup, K * STEPS)


class Plain(nn.Module):
    """The same student as anybody would write it."""

    def __init__(self, student):
        super().__init__()
        first, second = student.chain
        self.phi = nn.Parameter(first.phi.detach().float().clone())
        self.eigenvalues = nn.Parameter(first.lambda_out.detach().float().clone())
        self.second = nn.Linear(H, SECOND, bias=False)
        self.second.weight.data.copy_(second.weight)

    def forward(self, x):
        first = nn.functional.linear(x, -self.eigenvalues[:, None] * self.phi)
        return torch.relu(self.second(torch.relu(first))).sum(-1)


def test_one_after_another(benchmark, data):
    """Ordinary torch code, all students in turn in this process."""

    def run(models):
        for k, model in enumerate(models):
            optimizer = torch.optim.Adam(model.parameters(), RECIPE.learning_rate, eps=1e-7)
            generator = stream(0, "shuffle", k)
            for _ in range(EPOCHS):
                for batch in torch.from_numpy(generator.permutation(PATTERNS)).split(BATCH):
                    loss = nn.functional.mse_loss(model(data.x[k, batch]), data.y[k, batch])
                    loss = loss + RECIPE.l2_phi * model.phi.square().sum()
                    loss = loss + RECIPE.l2_eigenvalues * model.eigenvalues.square().sum()
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()

    def setup():
        return ([Plain(student) for student in students()],), {}

    timed(benchmark, "one after another", "training", run, setup, K * STEPS)


def test_hand_written_stacked_bmm(benchmark, data):
    """The least code that trains the stack: raw tensors, bmm, one Adam."""

    def run(phi, eigenvalues, second):
        leaves = [phi, eigenvalues, second]
        optimizer = torch.optim.Adam(leaves, RECIPE.learning_rate, eps=1e-7, fused=True)
        generators = [stream(0, "shuffle", k) for k in range(K)]
        index = torch.arange(K)[:, None]
        for _ in range(EPOCHS):
            order = torch.from_numpy(np.stack([g.permutation(PATTERNS) for g in generators]))
            x, y = data.x[index, order], data.y[index, order]
            for start in range(0, PATTERNS, BATCH):
                part = slice(start, start + BATCH)
                first = -(eigenvalues[:, None, :] * phi)
                z = torch.relu(torch.bmm(torch.relu(torch.bmm(x[:, part], first)), second))
                loss = (z.sum(-1) - y[:, part]).square().mean(-1).sum()
                loss = loss + RECIPE.l2_phi * phi.square().sum()
                loss = loss + RECIPE.l2_eigenvalues * eigenvalues.square().sum()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    def setup():
        state = stack_networks(students()).state_dict()
        phi = state["layers.0.phi"].float().mT.contiguous()
        second = state["layers.1.weight"].float().mT.contiguous()
        eigenvalues = state["layers.0.lambda_out"].float().clone()
        return tuple(tensor.requires_grad_() for tensor in (phi, eigenvalues, second)), {}

    timed(benchmark, "hand-written bmm", "training", run, setup, K * STEPS)


@pytest.fixture(scope="module")
def wide():
    network = make_student(Architecture(INPUTS, (500, SECOND)), ("phi",), stream(0, "initial"))
    x = torch.from_numpy(stream(0, "test").normal(size=(10_000, INPUTS))).float()
    return network.float(), Dataset(x, torch.zeros(10_000))


def test_ramp(benchmark, wide):
    """The whole ramp of h = 500 over 10 000 patterns, in float64."""
    timed(benchmark, "ramp", "ramp", lambda: ramp(*wide), None, 1)


def test_masking_for_every_n(benchmark, wide):
    """The same by masking and a forward pass for every n, in float32."""
    network, data = wide
    rank = ranking(network).argsort()

    def run():
        with torch.no_grad():
            for n in range(501):
                (masked_forward(network, {0: rank < n}, data.x) - data.y).square().mean()

    benchmark.group = "ramp"
    benchmark.pedantic(run, rounds=2, warmup_rounds=0)
    FASTEST["masking"] = benchmark.stats.stats.min


MEMORY = """
import re, sys, torch
from pathlib import Path
from sta.spectral import *
network = make_student(Architecture(10, (500, 20)), ("phi",), stream(0, "initial")).float()
def data(n):
    return Dataset(torch.randn(n, 10), torch.zeros(n))
ramp(network, data(2000))
large = data(int(sys.argv[1]))
Path("/proc/self/clear_refs").write_text("5")  # the peak so far becomes the present
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
before = peak()
ramp(network, large)
print(peak() - before)
"""


def test_ramp_memory():
    """Peak memory that the ramp adds, for 10 000 and for 100 000 patterns, in megabytes."""
    for patterns in (10_000, 100_000):
        command = [sys.executable, "-P", "-c", MEMORY, str(patterns)]
        added = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        FASTEST[f"memory {patterns}"] = int(added) / 1024


def test_bars(capsys):
    """The ratios, printed; run after the others of this file."""
    rows = [
        ("one after another / ensemble, K=32, h=60 (at least 5)",
         FASTEST["one after another"] / FASTEST["ensemble"], 5, None),
        ("ensemble / hand-written stacked bmm (at most 1.3)",
         FASTEST["ensemble"] / FASTEST["hand-written bmm"], None, 1.3),
        ("masking for every n / ramp, h=500 (at least 5)",
         FASTEST["masking"] / FASTEST["ramp"], 5, None),
        ("ramp's added peak memory at 10 000 patterns, MB (at most 100)",
         FASTEST["memory 10000"], None, 100),
        ("ramp's added peak memory at 100 000 patterns, MB (at most 100)",
         FASTEST["memory 100000"], None, 100),
    ]  # fmt: skip
    with capsys.disabled():
        print()
        for name in ("ensemble", "one after another", "hand-written bmm"):
            print(f"{name:>66}: {1e3 * FASTEST[name]:8.4f} ms per student-step")
        for name, value, _, _ in rows:
            print(f"{name:>66}: {value:8.2f}")
    for name, value, low, high in rows:
        assert low is None or value >= low, name
        assert high is None or value <= high, name
