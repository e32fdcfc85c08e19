"""How often the intervals of a collapse hold the truth, on mock curves with known exponents."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from multiprocessing import get_context

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from sta.analysis.statistics.curves import CurveSet
from sta.analysis.statistics.oracles.mock import TRUTH, mock_curves
from sta.analysis.statistics.resampling import FloatArray
from sta.analysis.statistics.scaling.design import build_points
from sta.analysis.statistics.scaling.fit import fit_points
from sta.analysis.statistics.scaling.intervals import scaling_covariance
from sta.analysis.statistics.scaling.peer import simplex_collapse

PARAMETERS = ("x_c", "inv_nu", "beta_over_nu")
METHODS = ("sta", "Houdayer-Hartmann")
CORRECTION = 0.6
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Case:
    """One kind of mock data: noise shared along a curve or not, with a correction or not."""

    trials: int
    correlated: bool
    correction: bool

    @property
    def noise(self) -> str:
        """The noise in a word."""
        return "correlated" if self.correlated else "independent"


def cases(trials: Sequence[int] = (20, 8, 5)) -> tuple[Case, ...]:
    """Return every combination of noise, correction and number of trials."""
    grid = product(trials, (False, True), (False, True))
    return tuple(Case(number, shared, bent) for number, shared, bent in grid)


def collapse_coverage(
    repeats: int = 200,
    *,
    trials: Sequence[int] = (20, 8, 5),
    methods: Sequence[str] = METHODS,
    seed: int = 0,
    workers: int = 1,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Simulate coverage and bias of x_c, 1/nu and beta/nu.

    Parameters
    ----------
    repeats
        Data sets a case, each of 4 sizes (16 to 128), 15 points a size.
    trials
        Trials a size.
    methods
        "sta": this package with a correction to scaling; "Houdayer-Hartmann": the usual fit
        with errors from curvature, started at the truth.
    seed
        Root of the seeds of all data sets.
    workers
        Processes; the numbers do not depend on it.
    progress
        Called with the cases done and their total.

    Returns
    -------
    DataFrame
        One row a method, case and parameter: method, trials, noise, correction, parameter,
        repeats, coverage68, coverage95 (shares of the repeats; an undefined interval does not
        cover), bias (mean error), sd (of the estimates), bias_over_sd, mean_se.
    """
    todo = cases(trials)
    work = partial(_case_rows, repeats=repeats, methods=tuple(methods), seed=seed)
    rows: list[dict[str, object]] = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for done, found in enumerate(pool.map(work, todo), start=1):
            rows += found
            if progress is not None:
                progress(done, len(todo))
    return pd.DataFrame(rows)


def _case_rows(
    case: Case, *, repeats: int, methods: tuple[str, ...], seed: int
) -> list[dict[str, object]]:
    key = [seed, case.trials, int(case.correlated), int(case.correction)]
    found: dict[str, list[FloatArray]] = {method: [] for method in methods}
    for stream in np.random.SeedSequence(key).spawn(repeats):
        curves = mock_curves(
            trials=case.trials,
            correlated=case.correlated,
            correction=CORRECTION * case.correction,
            seed=np.random.default_rng(stream),
        )
        for method in methods:
            found[method].append(_estimate(method, curves))
    return [row for method in methods for row in _rows(method, case, np.array(found[method]))]


def _estimate(method: str, curves: CurveSet) -> FloatArray:
    """Value, half-width at 68 % and at 95 % of every parameter, shape (3, 3)."""
    truth = np.array([TRUTH[name] for name in PARAMETERS])
    if method == "sta":
        found = scaling_covariance(fit_points(build_points(curves, corrections=True)))
        value, se = found.value[:3], np.sqrt(np.diag(found.covariance)[:3])
        freedom = found.degrees_of_freedom[:3]
    else:
        peer = simplex_collapse(curves, truth)
        value, se, freedom = peer.value, peer.se, np.full(3, np.inf)
    widths = [se * student_t.ppf(0.5 + level / 2, freedom) for level in (0.6827, 0.95)]
    return np.stack([value, *widths, se])


def _rows(method: str, case: Case, found: FloatArray) -> Iterator[dict[str, object]]:
    for place, name in enumerate(PARAMETERS):
        value, narrow, wide, se = found[:, :, place].T
        error = value - TRUTH[name]
        bias, sd = float(error.mean()), float(error.std(ddof=1))
        yield {
            "method": method,
            "trials": case.trials,
            "noise": case.noise,
            "correction": case.correction,
            "parameter": name,
            "repeats": len(found),
            "coverage68": float(np.mean(np.abs(error) <= narrow)),
            "coverage95": float(np.mean(np.abs(error) <= wide)),
            "bias": bias,
            "sd": sd,
            "bias_over_sd": bias / sd,
            "mean_se": float(np.nanmean(se)),
        }
