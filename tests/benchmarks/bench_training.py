"""What a student-step costs, beside ordinary torch code and the matrix products alone.

    pytest tests/benchmarks/bench_training.py

One process a core trains, as a sweep does; beside it as many processes with one student each in
ordinary torch code, one such student with all threads, and the five batched products of a step,
2 B h (2 d + 3 h_2) floating-point operations, which are the floor. All are counted over the same
seconds; the numbers are microseconds of the whole machine per student-step.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sta.sweep import load_config
from sta.sweep.ensemble import available_cores, ensemble_size

WIDTHS, MEMBERS = (20, 60, 200, 500), (1, 8, 32, 128)
SECONDS = 3.0
CORES = available_cores()
BATCH, INPUTS, SECOND = 300, 10, 20
COST: dict[tuple[str, int, int], float] = {}
LONGER: dict[float, float] = {}


def chosen(h: int) -> int:
    settings = load_config("paper")
    return ensemble_size(settings, settings.kinds["spectral"], h, [SECOND])


def measure(
    mode: str, h: int, members: int, processes: int, threads: int, seconds: float = SECONDS
) -> float:
    """Return microseconds a student-step, over all processes."""
    script = Path(__file__).with_name("training_rate.py")
    words = [mode, str(h), str(members), str(seconds), str(threads)]
    command = [sys.executable, "-P", str(script), *words]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    for one in running:
        assert one.stdout is not None and one.stdout.readline() == "warm\n"
    for one in running:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    rates = [float(one.communicate()[0]) for one in running]
    COST[mode if threads == 1 else "all threads", h, members] = 1e6 / sum(rates)
    return 1e6 / sum(rates)


@pytest.mark.parametrize("h", WIDTHS)
def test_a_student_step(benchmark, h):
    benchmark.group = f"h = {h}"

    def run():
        for members in sorted({*MEMBERS, chosen(h)}):
            measure("sta", h, members, CORES, 1)
        measure("products", h, chosen(h), CORES, 1)
        measure("plain", h, 1, CORES, 1)
        measure("plain", h, 1, 1, CORES)

    benchmark.pedantic(run, rounds=1)


def test_longer_training(benchmark):
    """The same for more and more steps."""

    def run():
        for seconds in (1.0, 4.0, 16.0):
            LONGER[seconds] = seconds / measure("sta", 60, chosen(60), CORES, 1, seconds)

    benchmark.pedantic(run, rounds=1)


def exponent(x, y) -> tuple[float, float]:
    """Return the slope of log y over log x and its standard error."""
    (slope, _), covariance = np.polyfit(np.log(x), np.log(y), 1, cov=len(x) > 2 and "unscaled")
    rest = np.log(y) - np.polyval(np.polyfit(np.log(x), np.log(y), 1), np.log(x))
    return slope, float(np.sqrt(covariance[0, 0] * rest @ rest / (len(x) - 2)))


def test_bars(capsys):
    """The table and the ratios, printed; run after the others of this file."""
    best = {h: COST["sta", h, chosen(h)] for h in WIDTHS}
    floor = {h: COST["products", h, chosen(h)] for h in WIDTHS}
    rows = []
    for h, bar in ((60, 4.0), (200, 2.0), (500, 1.4)):
        rows.append((f"one student a core / chosen K, h={h}", COST["plain", h, 1] / best[h], bar))
    rows.append(
        ("one student, all threads / chosen K, h=60", COST["all threads", 60, 1] / best[60], 8.0)
    )
    rows += [(f"chosen K / floor, h={h}", best[h] / floor[h], -1.6) for h in WIDTHS[1:]]
    # Per student-step, so that 0 means linear.
    in_h = exponent(WIDTHS[1:], [best[h] for h in WIDTHS[1:]])
    in_members = exponent((8, 32, 128), [k * COST["sta", 200, k] for k in (8, 32, 128)])
    in_steps = exponent(list(LONGER.values()), list(LONGER))
    with capsys.disabled():
        print("\n\nmicroseconds a student-step")
        columns = [f"K={k}" for k in MEMBERS]
        columns += ["chosen", "(K)", "a core each", "all threads", "floor", "GFLOP/s"]
        print(f"{'h':>5}" + "".join(f"{name:>13}" for name in columns))
        for h in WIDTHS:
            flops = 2 * BATCH * h * (2 * INPUTS + 3 * SECOND)
            values = [COST["sta", h, k] for k in MEMBERS]
            values += [best[h], chosen(h), COST["plain", h, 1], COST["all threads", h, 1]]
            values += [floor[h], flops / floor[h] / 1e3]
            print(f"{h:>5}" + "".join(f"{value:>13.4g}" for value in values))
        for name, value, bar in rows:
            print(f"{name:>45}: {value:6.2f}  ({'at least' if bar > 0 else 'at most'} {abs(bar)})")
        print(f"cost ~ h^{in_h[0]:.2f} +- {in_h[1]:.2f} from h = 60 on")
        print(f"cost ~ K^{in_members[0]:.2f} +- {in_members[1]:.2f} from K = 8 on, at h = 200")
        print(f"time ~ steps^{in_steps[0]:.3f} +- {in_steps[1]:.3f}")
    for name, value, bar in rows:
        assert value >= bar if bar > 0 else value <= -bar, name
