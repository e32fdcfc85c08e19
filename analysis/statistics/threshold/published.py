"""The exponential of the published analysis, for comparison with its b of about 6."""

import numpy as np
from numpy.typing import NDArray

from sta.analysis.statistics.curves import Curve, CurveSet, mean_curve
from sta.analysis.statistics.threshold.fit import ModelFit, fit_models


def published_exponential(
    curve: Curve, counts: NDArray[np.int64] | None, curves: CurveSet, teacher_width: int
) -> ModelFit:
    """Fit the published form a exp(-b x') + c on x' = n / h_T - 1 in [-1, 0], n >= 1.

    Unweighted, on the mean ramp divided by its largest value, as the paper fits it (there to
    one student, here to the mean over trials).

    Parameters
    ----------
    curve
        A ramp on x = n / h_T.
    counts
        Resamples of the trials, shape (B, T), or None for no intervals.
    curves
        The set the curve belongs to; its trials are the rows of the curve.
    teacher_width
        h_T.

    References
    ----------
    L. Giambagli et al., arXiv:2310.12612.
    """
    part = curve.select((curve.x > 0.5 / teacher_width) & (curve.x <= 1.0 + 1e-9))
    mean = mean_curve(part)[0]
    if mean.size < 5 or not np.isfinite(mean).all():
        message = "fewer than five points with 1 <= n <= h_T, or no positive normaliser"
        return ModelFit("exponential", False, message)
    top = int(np.argmax(mean))
    scaled = Curve(part.size, part.x - 1.0, part.values, part.values[:, top])
    single = CurveSet((scaled,), curves.trials, curves.replicated)
    fits = fit_models(single, models=("exponential",), counts=counts, resamples=0, weighted=False)
    return fits.fits["exponential"]
