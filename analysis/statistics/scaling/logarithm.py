"""A logarithm of the size instead of a power of it: y = F((x - x_c) log L).

Over two decades of sizes a logarithm looks like a small power, and a collapse by one is no
evidence for the other. The two are compared by their evidence on the same points.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.resampling import Estimate
from sta.analysis.statistics.scaling.design import HELD, PRIOR
from sta.analysis.statistics.scaling.fit import BETA_OVER_NU, INV_NU, CollapseFit, fit_points
from sta.analysis.statistics.scaling.intervals import interval_estimates, scaling_covariance
from sta.errors import StaError

CLEAR = 3.0  # in log evidence: odds of 20 to 1


@dataclass(frozen=True)
class LogarithmicCollapse:
    """The collapse y = F((x - x_c) log L) beside that with powers of L.

    Attributes
    ----------
    x_c
        Of the logarithmic collapse.
    gain
        Log evidence of the powers less that of the logarithm (Laplace's approximation, priors
        of the two exponents included); None where the logarithm could not be fitted.
    told_apart
        Whether the powers are better by `CLEAR`, so that they may be quoted.
    message
        The same in words.
    """

    x_c: Estimate
    gain: float | None
    told_apart: bool
    message: str

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def logarithmic_collapse(fit: CollapseFit, *, seed: int = 0) -> LogarithmicCollapse:
    """Fit the logarithm to the points of a collapse and compare.

    Parameters
    ----------
    fit
        A collapse with powers of the size.
    seed
        Of the random starts.
    """
    sizes = np.array(fit.points.sizes)
    if sizes.min() <= 1.0:
        missing = Estimate(reason="sizes of 1 and below have no positive logarithm")
        return LogarithmicCollapse(missing, None, True, str(missing.reason))
    depth = np.log(np.log(sizes))
    prior, deviation = fit.points.design.prior_mean.copy(), fit.points.design.prior_deviation.copy()
    prior[[INV_NU, BETA_OVER_NU]] = 1.0, PRIOR[BETA_OVER_NU][0]
    deviation[[INV_NU, BETA_OVER_NU]] = HELD
    design = replace(
        fit.points.design, log_size=(depth - depth.mean())[fit.points.place],
        prior_mean=prior, prior_deviation=deviation,
    )  # fmt: skip
    try:
        held = fit_points(replace(fit.points, design=design), seed=seed)
    except StaError as error:
        return LogarithmicCollapse(Estimate(reason=str(error)), None, True, str(error))
    gain = _log_evidence(fit) - _log_evidence(held)
    units = held.points.curves.n_units or None
    x_c = interval_estimates(scaling_covariance(held), units)["x_c"]
    apart = bool(gain > CLEAR)
    words = "better than" if apart else "no better than"
    return LogarithmicCollapse(
        x_c, gain, apart,
        f"powers of the size are {words} its logarithm (log evidence {gain:+.3g})",
    )  # fmt: skip


def _log_evidence(fit: CollapseFit) -> float:
    """Laplace's approximation of the log evidence, up to a constant of the points."""
    deviation = fit.points.design.prior_deviation
    determinant = float(np.linalg.slogdet(fit.curvature)[1])
    return -fit.value - float(np.sum(np.log(deviation))) - 0.5 * determinant
