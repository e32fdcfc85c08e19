"""Statistics of student-teacher sweeps: effective size, pruning ramps, thresholds, verdict.

Tables in, frozen results out; the unit of replication is the trial.  `collapse_sweep` and
`collapse_table` run the whole chain; the other functions are its parts, usable alone.
"""

from sta.analysis.statistics.agreement import Agreement, agreement
from sta.analysis.statistics.collapse import collapse_sweep
from sta.analysis.statistics.comparison import Comparison
from sta.analysis.statistics.curves import Curve, CurveSet
from sta.analysis.statistics.importance import Gap, effective_size_curve, largest_gap
from sta.analysis.statistics.order_parameter import (
    WidthSlope,
    effective_size_by_width,
    width_slope,
)
from sta.analysis.statistics.ramp import RampFamily, mean_ramp, pruning_cost, ramp_families
from sta.analysis.statistics.resampling import (
    Estimate,
    bca_interval,
    bootstrap_mean,
    estimate_from_replicates,
    percentile_interval,
    resample_counts,
)
from sta.analysis.statistics.table import collapse_table
from sta.analysis.statistics.threshold import ModelFit, ModelFits, fit_models
from sta.analysis.statistics.verdict import CollapseResult

__all__ = [
    "Agreement",
    "CollapseResult",
    "Comparison",
    "Curve",
    "CurveSet",
    "Estimate",
    "Gap",
    "ModelFit",
    "ModelFits",
    "RampFamily",
    "WidthSlope",
    "agreement",
    "bca_interval",
    "bootstrap_mean",
    "collapse_sweep",
    "collapse_table",
    "effective_size_by_width",
    "effective_size_curve",
    "estimate_from_replicates",
    "fit_models",
    "largest_gap",
    "mean_ramp",
    "percentile_interval",
    "pruning_cost",
    "ramp_families",
    "resample_counts",
    "width_slope",
]
