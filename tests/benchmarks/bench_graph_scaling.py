"""Cost of path histograms and path moments against edges, bins and depth.

    pytest tests/benchmarks/bench_graph_scaling.py

prints fitted exponents beside the expected ones, the largest network within 8 GB, and what
bounds the sums; the plot is written to ``.benchmarks/path_scaling.png``. Some four minutes.

Time is the processor's (``time.process_time``), the least of a few runs. Memory is the weights
plus what a call allocates at most beside them by tracemalloc; of the two networks that have a
process of their own it is the peak resident size of that process (VmHWM), building included.
Exponents are fitted by least squares in log-log over the upper half of a sweep.

The model: a layer of E edges costs 2 E B additions into histograms of B bins. B adds up over
the layers to the cut in the middle, so that L equal layers cost E L^2; joining the two sides
costs n B_a B_b products. A histogram layer takes 2 n B numbers, the weights 8 E bytes. Against
edges B grows by the rarer, smaller weights of a wider layer: a little over linear. What does
not grow with E - n B for the histograms, lists of edges of bounded length - lowers the exponents
of memory, and those of sparse layers, where n stays the same.
"""

from __future__ import annotations

import cProfile
import itertools
import json
import math
import os
import pstats
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import scipy.sparse
from matplotlib.ticker import NullFormatter

from sta.analysis.figures.style import DASHES, MARKERS, new_figure, theme
from sta.analysis.graph import LayeredGraph, path_histogram, path_moments
from sta.analysis.graph.paths import shifted_sums

BIN = 0.05
LIMIT = 8e9  # bytes
LONGEST = 180.0  # seconds that the largest network may take
PICTURE = Path(".benchmarks/path_scaling.png")
LAYERED = (784, 1024, 1024, 1024, 10)
POINTS: dict[str, list[tuple[float, float, float]]] = {}
VALUE: dict[str, float] = {}
LINES: list[str] = []


def network(widths, seed=0) -> LayeredGraph:
    """Dense layers of normal weights with the variance of a usual initialisation."""
    rng = np.random.default_rng(seed)
    shapes = itertools.pairwise(widths)
    return LayeredGraph.from_arrays([rng.normal(size=s) / math.sqrt(s[0]) for s in shapes])


def sparse_layer(rng, n_in, n_out, degree):
    """Every source has so many edges, spread evenly from a random start."""
    steps = np.arange(degree) * (n_out // degree)
    targets = np.sort((rng.integers(0, n_out, (n_in, 1)) + steps) % n_out, axis=1)
    starts = np.arange(0, n_in * degree + 1, degree, dtype=np.int32)
    weights = rng.standard_normal(n_in * degree, dtype=np.float32)
    return scipy.sparse.csr_array(
        (weights, targets.ravel().astype(np.int32), starts), shape=(n_in, n_out)
    )


def sparse_network(n, degree):
    rng = np.random.default_rng(0)
    shapes = ((784, n, degree), (n, n, degree), (n, 10, 10))
    return LayeredGraph.from_arrays([sparse_layer(rng, *shape) for shape in shapes])


def weights_of(graph):
    """Bytes that the weights take."""
    sizes = [
        sum(part.nbytes for part in (layer.data, layer.indices, layer.indptr))
        if scipy.sparse.issparse(layer)
        else layer.nbytes
        for layer in graph.layers
    ]
    return float(sum(sizes))


def measured(name, at, graph, run):
    """Append the size, the processor's seconds and the bytes of a call to the points of a sweep."""
    seconds: list[float] = []
    while len(seconds) < 5 and sum(seconds) < 2:
        start = time.process_time()
        result = run(graph)
        seconds.append(time.process_time() - start)
    tracemalloc.start()
    run(graph)
    added = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    size = result.positive.size if at is None else at
    POINTS.setdefault(name, []).append((size, min(seconds), weights_of(graph) + added))


def test_edges_of_dense_layers():
    for width in 2 ** np.arange(7, 14):
        graph = network((784, width, width, 10))
        edges = graph.n_edges
        measured("dense", edges, graph, lambda graph: path_histogram(graph, BIN))
        measured("moments", edges, graph, path_moments)


def test_edges_of_sparse_layers():
    for degree in 2 ** np.arange(5, 13):
        graph = sparse_network(4096, int(degree))
        measured("sparse", graph.n_edges, graph, lambda graph: path_histogram(graph, BIN))


def test_bins():
    graph = network((784, 1024, 1024, 10))
    for width in (0.2, 0.1, 0.05, 0.02, 0.01, 0.005):
        measured("bins", None, graph, lambda graph, width=width: path_histogram(graph, width))


def test_depth():
    for depth in (2, 3, 5, 8, 12, 16, 22, 30):
        graph = network((256,) * (depth + 1))
        measured("depth", depth, graph, lambda graph: path_histogram(graph, 0.1))


def upper_half(points):
    """Of a sweep, and at least four points."""
    return points[min(len(points) // 2, len(points) - 4) :]


def fitted(name, column):
    """Slope, its standard error and the offset in log-log, over the upper half of the points."""
    upper = np.log(upper_half(POINTS[name]))
    (slope, offset), residual, *_ = np.polyfit(upper[:, 0], upper[:, column], 1, full=True)
    spread = ((upper[:, 0] - upper[:, 0].mean()) ** 2).sum()
    return slope, math.sqrt(residual[0] / (len(upper) - 2) / spread), offset


def predicted(name, column, at):
    slope, _, offset = fitted(name, column)
    return math.exp(offset + slope * math.log(at))


PROCESS = """
import json, re, resource, sys, time
from pathlib import Path
import numpy as np
resource.setrlimit(resource.RLIMIT_AS, (9 * 10**9, 9 * 10**9))
from sta.analysis.graph import LayeredGraph, path_histogram
sys.path.insert(0, sys.argv[1])
from bench_graph_scaling import sparse_network
def peak():
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
kind, width, degree = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
if kind == "dense":
    rng = np.random.default_rng(0)
    shapes = ((784, width), (width, width), (width, 10))
    layers = [rng.standard_normal(size=shape, dtype=np.float32) for shape in shapes]
    graph = LayeredGraph.from_arrays(layers)
    del layers
else:
    graph = sparse_network(width, degree)
built = peak()
Path("/proc/self/clear_refs").write_text("5")  # the peak so far becomes the present
held = peak()
start = time.process_time()
paths = path_histogram(graph, 0.05)
seconds = time.process_time() - start
found = peak()
count = None
if kind == "dense":  # a few of the weights in single precision are exactly 0
    first, middle, last = graph.layers
    ends = np.count_nonzero(last, axis=1)
    on = [ends[row != 0].sum() for row in middle]
    count = int(np.count_nonzero(first, axis=0) @ np.array(on))
print(json.dumps({"edges": graph.n_edges, "seconds": seconds, "built": built, "held": held,
                  "peak": found, "count": count,
                  "paths": float(paths.positive.sum() + paths.negative.sum())}))
"""


def alone(kind, width, degree=0):
    """Run one network in a process of its own."""
    folder = str(Path(__file__).parent)
    command = [sys.executable, "-P", "-c", PROCESS, folder, kind, str(width), str(degree)]
    run = subprocess.run(
        command, check=False, capture_output=True, text=True, env={**os.environ, **ONE_THREAD}
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout)


ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def test_largest_dense_network():
    """The widest 784-W-W-10, W a multiple of 1024, that the laws allow; float32 copied once."""

    def bytes_for(width):
        # while building: single-precision input, its copy, a flag for every weight; the program
        edges = width * (width + 794)
        return 3e8 + max(13 * edges, predicted("dense", 2, edges))

    width = max(w for w in range(1024, 65536, 1024) if bytes_for(w) <= LIMIT)
    expected = predicted("dense", 1, width * (width + 794))
    bound = "memory"
    while expected > LONGEST:
        width, bound = width - 1024, "time"
        expected = predicted("dense", 1, width * (width + 794))
    found = alone("dense", width)
    LINES.append(
        f"largest dense network in 8 GB, bounded by {bound}: 784-{width}-{width}-10, "
        f"{found['edges']:.3g} edges, {found['paths']:.3g} paths: {found['seconds']:.0f} s "
        f"(predicted {expected:.0f}); peak {max(found['built'], found['peak']) / 1e9:.2f} GB "
        f"building, {found['peak'] / 1e9:.2f} counting, of which "
        f"{(found['peak'] - 8 * found['edges']) / 1e9:.2f} beside the weights"
    )
    VALUE["largest"] = max(found["built"], found["peak"])
    VALUE["largest count"] = abs(found["paths"] - found["count"])
    POINTS["largest"] = [(found["edges"], found["seconds"], VALUE["largest"])]


def test_sparse_network_of_1e8_edges():
    found = alone("sparse", 100_000, 1000)
    LINES.append(
        f"sparse 784-100000-100000-10, {found['edges']:.3g} edges: {found['seconds']:.0f} s; "
        f"peak {found['built'] / 1e9:.2f} GB building, {found['peak'] / 1e9:.2f} counting, "
        f"{found['held'] / 1e9:.2f} held before"
    )
    VALUE["sparse"] = max(found["built"], found["peak"])


def additions_per_second(kind, monkeypatch, graph):
    """Additions 2 E B over the time in scipy's product, all of them in one type."""
    done = 0.0
    plain = shifted_sums._moved

    def counting(state, step, memory):
        nonlocal done
        done += 2.0 * step.n_edges * state.counts.shape[2]
        return plain(state, step, memory)

    with monkeypatch.context() as patch:
        patch.setattr(shifted_sums, "_moved", counting)
        patch.setattr(shifted_sums, "_EDGES_WORTH_SORTING", math.inf)  # no addition left out
        patch.setattr(shifted_sums, "_smallest_type", lambda _: kind)
        return done_per_second(graph, lambda: done)


def done_per_second(graph, done):
    seconds = time_in(graph)
    return done() / seconds["csr_matvecs"]


def time_in(graph):
    """Seconds in every function, without and (names with a +) with what it calls."""
    profile = cProfile.Profile()
    profile.runcall(path_histogram, graph, BIN)
    seconds: dict[str, float] = {}
    for (_, _, name), (_, _, own, total, _) in pstats.Stats(profile).stats.items():
        short = name.rsplit(".", 1)[-1].rstrip(">")
        for key, value in ((short, own), (f"{short}+", total)):
            seconds[key] = seconds.get(key, 0.0) + value
    seconds["all"] = seconds["path_histogram+"]
    return seconds


def numpy_additions(kind, size):
    """Numbers a second that numpy adds in place, of two arrays of so many bytes together."""
    y, x = np.ones((2, size // 2 // np.dtype(kind).itemsize), kind)
    repeats = max(1, 2**28 // size)
    times = []
    for _ in range(5):
        start = time.process_time()
        for _ in range(repeats):
            np.add(y, x, out=y)
        times.append(time.process_time() - start)
    return repeats * y.size / min(times)


def test_what_bounds_the_sums(monkeypatch):
    graph = network(LAYERED)
    path_histogram(graph, BIN)
    for kind in (np.uint16, np.float32, np.float64):
        reached = max(additions_per_second(kind, monkeypatch, graph) for _ in range(3))
        inside, outside = numpy_additions(kind, 2**19), numpy_additions(kind, 2**28)
        VALUE[kind.__name__] = reached / inside
        LINES.append(
            f"sums in {kind.__name__:>7}: {reached / 1e9:5.1f} 1e9/s, {reached / inside:4.0%} of "
            f"numpy's y += x in the cache ({inside / 1e9:.1f}), {reached / outside:4.0%} of the "
            f"same in memory ({outside / 1e9:.1f}, "
            f"{3 * np.dtype(kind).itemsize * outside / 1e9:.0f} GB/s)"
        )


def test_where_the_time_goes():
    seconds = min((time_in(network(LAYERED)) for _ in range(3)), key=lambda some: some["all"])
    parts = {
        "additions": seconds["csr_matvecs"],
        "sums of groups and copies": seconds["_add_edges"] + seconds["_copied+"],
        "logarithms and lists of edges": seconds["edges+"] + seconds["rounded_step+"],
        "sorting edges by shift": seconds["coo_tocsr"] + seconds["_groups+"],
        "joining": seconds["joined+"],
    }
    parts["the rest"] = seconds["all"] - sum(parts.values())
    shares = ", ".join(f"{name} {value / seconds['all']:.0%}" for name, value in parts.items())
    LINES.append(f"784-1024-1024-1024-10 in {seconds['all']:.2f} s: {shares}")


EXPECTED = {
    # sweep: label, unit of the abscissa, expected exponents of time and memory
    "dense": ("dense 784-W-W-10", "edges", "1", "up to 1"),
    "sparse": ("sparse 784-4096-4096-10", "edges", "up to 1", "up to 1"),
    "moments": ("moments, dense", "edges", "1", "1"),
    "bins": ("784-1024-1024-10", "bins", "1", "up to 1"),
    "depth": ("256 units a layer", "layers", "2", "1"),
}


def draw():
    """Time above, memory below, against edges, bins and depth."""
    with theme():
        figure = new_figure(9.0, 5.4)
        panels = figure.subplots(2, 3, sharex="col")
        axis_of = {"edges": 0, "bins": 1, "layers": 2}
        for number, (name, (label, unit, *_)) in enumerate(EXPECTED.items()):
            for row, quantity in enumerate((1, 2)):
                axes = panels[row, axis_of[unit]]
                x, y = np.array(POINTS[name])[:, (0, quantity)].T
                slope, error, offset = fitted(name, quantity)
                text = f"{label}: {slope:.2f} ± {error:.2f}"
                axes.plot(x, y / (1, 1e6)[row], MARKERS[number], color=f"C{number}", label=text)
                half = upper_half(x)
                line = np.exp(offset) * half**slope / (1, 1e6)[row]
                axes.plot(half, line, ls=DASHES[0], color=f"C{number}")
        if "largest" in POINTS:
            edges, seconds, peak = POINTS["largest"][0]
            panels[0, 0].plot(edges, seconds, "*", color="black", ms=9, label="largest in 8 GB")
            panels[1, 0].plot(edges, peak / 1e6, "*", color="black", ms=9, label="largest in 8 GB")
        panels[1, 0].axhline(LIMIT / 1e6, color="0.55", lw=0.9, ls=":")
        for axes in panels.flat:
            axes.set(xscale="log", yscale="log")
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.yaxis.set_minor_formatter(NullFormatter())
            low, high = axes.get_ylim()
            axes.set_ylim(low, high * (high / low) ** 0.45)  # room for the legend
            axes.legend(loc="upper left", handlelength=1.0, handletextpad=0.4, fontsize=7)
        for column, text in enumerate(("edges", "bins", "layers")):
            panels[1, column].set_xlabel(f"number of {text}")
        for column, ticks in ((1, (200, 500, 1000, 2000, 5000)), (2, (2, 3, 5, 10, 20, 30))):
            panels[1, column].set_xticks(ticks, [str(tick) for tick in ticks])
        panels[1, 1].set_yticks((30, 100, 300), ("30", "100", "300"))
        panels[0, 0].set_ylabel("processor time (s)")
        panels[1, 0].set_ylabel("memory with weights (MB)")
        PICTURE.parent.mkdir(exist_ok=True)
        figure.savefig(PICTURE, dpi=110)


def test_bars(capsys):
    """The exponents, printed and drawn; run after the others of this file."""
    rows = []
    for name, (label, unit, time_law, memory_law) in EXPECTED.items():
        for column, quantity, law in ((1, "time", time_law), (2, "memory", memory_law)):
            slope, error, _ = fitted(name, column)
            rows.append((f"{label}: {quantity} ~ {unit}^", slope, error, law))
            VALUE[f"{name} {quantity}"] = slope
    draw()
    with capsys.disabled():
        print()
        for text, slope, error, law in rows:
            print(f"{text:>50} {slope:5.2f} ± {error:.2f} (expected {law})")
        for name, label in EXPECTED.items():
            size, seconds, peak = POINTS[name][-1]
            print(f"{label[0]:>50}: {size:.3g} {label[1]}, {seconds:.3g} s, {peak / 1e6:.0f} MB")
        for line in LINES:
            print(line)
    for name, most in (("dense", 1.25), ("sparse", 1.25), ("moments", 1.25), ("bins", 1.35)):
        assert VALUE[f"{name} time"] < most, name
        assert VALUE[f"{name} memory"] < 1.2, name
    assert VALUE["depth time"] < 2.5 and VALUE["depth memory"] < 1.3
    assert VALUE["largest"] <= LIMIT and VALUE["sparse"] <= LIMIT
    assert VALUE["largest count"] == 0
    assert all(VALUE[kind] > 0.2 for kind in ("uint16", "float32", "float64"))
