"""Transfer against its bars: a full table, and seeds together beside one after another.

    pytest -s tests/benchmarks/bench_transfer.py

prints the time of six objectives of 8 seeds (digits, 50 labels, spectral students of 128 units),
and how many times faster seeds train together than one by one: dense (at least 4) and
convolutional, medians of three. Teachers, splits and paraphrasers are part of either.
"""

from __future__ import annotations

import time
from dataclasses import replace
from statistics import median

import pytest

from sta.transfer.objectives import objectives_named
from sta.transfer.students import Training
from sta.transfer.study import Study, run_study

SIX = objectives_named(["labels", "soft", "factor", "factor+soft", "random-paraphraser", "hint"])
FIGURE: dict[str, float] = {}


def timed(study, objectives, **given):
    start = time.perf_counter()
    rows = run_study(study, objectives, **given)
    assert len(rows) == study.seeds * len(objectives)
    return time.perf_counter() - start


def test_full_table(benchmark):
    FIGURE["8 seeds x 6 objectives, s (at most 180)"] = benchmark.pedantic(
        lambda: timed(Study(), SIX), rounds=1
    )


@pytest.mark.parametrize("kind", ["dense", "convolutional"])
def test_seeds_together(benchmark, kind):
    """Both ways in turn, a third of the steps, so that a slow minute of the machine hits both."""
    study = replace(Study(), training=Training(steps=500), teacher_steps=170, paraphraser_steps=330)
    if kind == "convolutional":
        study = replace(
            study, teacher="conv:16,32", student="spectral-conv:4,8", training=Training(steps=60),
            teacher_steps=20, paraphraser_steps=40,
        )  # fmt: skip
    together, alone = [], []

    def both():
        together.append(timed(study, SIX[:4]))
        alone.append(timed(study, SIX[:4], batched=False))

    benchmark.pedantic(both, rounds=3, warmup_rounds=0)
    bar = " (at least 4)" if kind == "dense" else ""
    FIGURE[f"{kind} seeds one by one / together{bar}"] = median(alone) / median(together)


def test_bars(capsys):
    """The figures, printed; run after the others of this file."""
    with capsys.disabled():
        print()
        for name, value in FIGURE.items():
            print(f"{name:>55} {value:10.3g}")
    assert FIGURE["8 seeds x 6 objectives, s (at most 180)"] < 180
    assert FIGURE["dense seeds one by one / together (at least 4)"] > 4
