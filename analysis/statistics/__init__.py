"""Statistics of sweeps and of any curves: order parameters, thresholds, scaling collapse.

Tables and arrays in, frozen results out; the unit of replication is the trial, or the teacher.
`collapse_sweep`, `collapse_table` and `collapse_curves` run the whole chain; the other functions
are its parts, usable alone.
"""

from sta.analysis.statistics.agreement import Agreement, agreement
from sta.analysis.statistics.claim import Claim, claim_transition
from sta.analysis.statistics.collapse import collapse_sweep
from sta.analysis.statistics.counts import jackknife_counts, resample_counts
from sta.analysis.statistics.covariance import NoiseModel, mean_covariance, noise_model
from sta.analysis.statistics.curves import Curve, CurveSet
from sta.analysis.statistics.estimate import Estimate, estimate_from_replicates
from sta.analysis.statistics.importance import Gap, effective_size_curve, largest_gap
from sta.analysis.statistics.intervals import (
    bca_interval,
    percentile_interval,
    studentised_interval,
)
from sta.analysis.statistics.oracles import Oracle, generate_oracle
from sta.analysis.statistics.order_parameter import (
    WidthSlope,
    effective_size_by_width,
    effective_size_components,
    width_slope,
)
from sta.analysis.statistics.paired_difference import PairedDifference, paired_difference
from sta.analysis.statistics.plateau import Plateau, ThresholdGap, threshold_gap
from sta.analysis.statistics.ramp import (
    RampFamily,
    mean_ramp,
    pruning_cost,
    ramp_components,
    ramp_families,
)
from sta.analysis.statistics.ranking_nulls import RankingNull, ranking_nulls
from sta.analysis.statistics.resampling import bootstrap, bootstrap_mean
from sta.analysis.statistics.scaling.coverage import collapse_coverage
from sta.analysis.statistics.scaling.joint import JointFit, fit_joint
from sta.analysis.statistics.scaling.master import (
    ScalingCollapse,
    bootstrap_scaling,
    fit_collapse,
)
from sta.analysis.statistics.scaling.quality import Quality, collapse_quality
from sta.analysis.statistics.scaling.universality import Universality, universality
from sta.analysis.statistics.size_curve import CellGap, effective_size_curves, threshold_gaps
from sta.analysis.statistics.table import collapse_curves, collapse_table
from sta.analysis.statistics.threshold.comparison import Comparison
from sta.analysis.statistics.threshold.coverage import threshold_coverage, threshold_power
from sta.analysis.statistics.threshold.fit import ModelFit, ModelFits, fit_models
from sta.analysis.statistics.transition.cumulants import Cumulants, cumulants
from sta.analysis.statistics.transition.logarithmic import (
    LogarithmicScaling,
    logarithmic_scaling,
)
from sta.analysis.statistics.transition.nulls import (
    PairedKinds,
    ShuffledSizes,
    paired_kinds,
    shuffled_sizes,
)
from sta.analysis.statistics.transition.order import TransitionOrder, transition_order
from sta.analysis.statistics.transition.spread import PseudoCritical, pseudo_critical_scaling
from sta.analysis.statistics.variance_components import VarianceComponents, variance_components
from sta.analysis.statistics.verdict import CollapseResult

__all__ = [
    "Agreement",
    "CellGap",
    "Claim",
    "CollapseResult",
    "Comparison",
    "Cumulants",
    "Curve",
    "CurveSet",
    "Estimate",
    "Gap",
    "JointFit",
    "LogarithmicScaling",
    "ModelFit",
    "ModelFits",
    "NoiseModel",
    "Oracle",
    "PairedDifference",
    "PairedKinds",
    "Plateau",
    "PseudoCritical",
    "Quality",
    "RampFamily",
    "RankingNull",
    "ScalingCollapse",
    "ShuffledSizes",
    "ThresholdGap",
    "TransitionOrder",
    "Universality",
    "VarianceComponents",
    "WidthSlope",
    "agreement",
    "bca_interval",
    "bootstrap",
    "bootstrap_mean",
    "bootstrap_scaling",
    "claim_transition",
    "collapse_coverage",
    "collapse_curves",
    "collapse_quality",
    "collapse_sweep",
    "collapse_table",
    "cumulants",
    "effective_size_by_width",
    "effective_size_components",
    "effective_size_curve",
    "effective_size_curves",
    "estimate_from_replicates",
    "fit_collapse",
    "fit_joint",
    "fit_models",
    "generate_oracle",
    "jackknife_counts",
    "largest_gap",
    "logarithmic_scaling",
    "mean_covariance",
    "mean_ramp",
    "noise_model",
    "paired_difference",
    "paired_kinds",
    "percentile_interval",
    "pruning_cost",
    "pseudo_critical_scaling",
    "ramp_components",
    "ramp_families",
    "ranking_nulls",
    "resample_counts",
    "shuffled_sizes",
    "studentised_interval",
    "threshold_coverage",
    "threshold_gap",
    "threshold_gaps",
    "threshold_power",
    "transition_order",
    "universality",
    "variance_components",
    "width_slope",
]
