"""What the gain of a threshold over a smooth model is worth.

The threshold has a parameter, x_c, that does not exist under a smooth model, and trades it
against beta; so the gain in chi2 follows no chi2 distribution (Davies 1987), and a smooth
model is no special case of it either (Cox 1961).  The gain is therefore referred to its own
distribution in data made from the smooth model: mean curves with the pooled covariance of
the trials, to which both models are fitted as to the data.

References
----------
R. B. Davies, Biometrika 74, 33 (1987).  D. R. Cox, Proc. 4th Berkeley Symp. 1, 105 (1961).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import f as fisher_f

from sta.analysis.statistics.resampling import FloatArray, Seed
from sta.analysis.statistics.threshold.means import Means
from sta.analysis.statistics.threshold.separable import predict, solve
from sta.analysis.statistics.threshold.shapes import Block, Shape, Solution

SIMULATIONS = 199
ROUGH = 1e-6


def gain_p_values(
    means: Means,
    shapes: Mapping[str, Shape],
    solutions: Mapping[str, Solution],
    rivals: Sequence[str],
    *,
    level: float,
    simulations: int = SIMULATIONS,
    seed: Seed = 0,
) -> dict[str, float]:
    """Chance, under each smooth model, of a gain of the threshold as large as that found.

    Parameters
    ----------
    means
        The mean curves.
    shapes, solutions
        Of the models, "threshold" among them.
    rivals
        Smooth models to test against, the best of them first.
    level
        Largest p at which a model is rejected.
    simulations, seed
        Simulated data sets for each rival, all with the same noise.

    Returns
    -------
    dict
        Rival to p = (1 + number of gains at least as large) / (1 + simulations), 1 where the
        threshold gains nothing; where one is not rejected, the others are not tested.

    Notes
    -----
    The covariance is that of the weights, floor included.  It is an estimate from T trials, so
    the noise of each simulated data set is divided by sqrt(chi2_{T-1} / (T - 1)), as in
    Student's t.
    """
    sharp = float(solutions["threshold"].rss[0])
    gains = {name: float(solutions[name].rss[0]) - sharp for name in rivals}
    p_values = {name: 1.0 for name in rivals if gains[name] <= 0.0}
    if p_values or not gains:
        return p_values
    noise = simulated_noise(means, simulations, seed)
    ranked = sorted(gains, key=lambda name: gains[name])
    for group in (ranked[:1], ranked[1:]):
        if all(p <= level for p in p_values.values()):
            found = _null_gains(means, shapes, solutions, group, noise)
            for name, null in found.items():
                larger = int(np.sum(null >= gains[name]))
                p_values[name] = (1.0 + larger) / (1.0 + simulations)
    return p_values


def _null_gains(
    means: Means,
    shapes: Mapping[str, Shape],
    solutions: Mapping[str, Solution],
    rivals: Sequence[str],
    noise: Sequence[FloatArray],
) -> dict[str, FloatArray]:
    """Gains of the threshold in data made from each rival, (simulations,) a rival."""
    if not rivals:
        return {}
    data = {name: _simulated(means, shapes[name], solutions[name], noise) for name in rivals}
    stacked = [
        Block(block.x, np.concatenate([data[name][place].y for name in rivals]), block.whitening)
        for place, block in enumerate(means.blocks)
    ]
    fitted = solve(shapes["threshold"], stacked, tolerance=ROUGH).rss.reshape(len(rivals), -1)
    return {
        name: solve(shapes[name], data[name], start=solutions[name].unit[:1], tolerance=ROUGH).rss
        - sharp
        for name, sharp in zip(rivals, fitted, strict=True)
    }


def simulated_noise(means: Means, number: int, seed: Seed) -> list[FloatArray]:
    """Noise of the mean curves, floor included, (number, P_k) a curve, with Student's tails."""
    rng = np.random.default_rng(seed)
    freedom = means.interval_trials - 1
    scale = np.sqrt(rng.chisquare(freedom, size=number) / freedom)
    drawn = []
    for block in means.blocks:
        root = np.linalg.inv(block.whitening)
        drawn.append((rng.standard_normal((number, len(root))) @ root.T) / scale[:, None])
    return drawn


def rounding_p_value(means: Means, sharp: Solution, rounded: Solution) -> float:
    """Chance of the gain of a rounded over a sharp threshold, if it is sharp.

    The width w = 0 lies on the boundary, so half the weight is at no gain and half follows
    F(1, T - 1), T trials.
    """
    gain = max(float(sharp.rss[0] - rounded.rss[0]), 0.0)
    return 0.5 * float(fisher_f.sf(gain, 1, means.interval_trials - 1)) if gain > 0.0 else 1.0


def _simulated(
    means: Means, shape: Shape, solution: Solution, noise: Sequence[FloatArray]
) -> list[Block]:
    return [
        Block(
            block.x,
            predict(shape, solution, place, block.x)[0] + noise[place],
            block.whitening,
        )
        for place, block in enumerate(means.blocks)
    ]
