"""Quadratic networks: one-pass SGD from plateau to solution (arXiv 2604.03068).

Overlaps Q = W W^T / N and M = W W*^T / N of a student W and a teacher W*, as functions of
alpha = steps / N: their motion for N to infinity, simulations at finite N, plateau, escape,
solutions and the curvature of the loss.
"""

from sta.quadratic.chain import OverlapChain
from sta.quadratic.deviation import Deviation, deviation
from sta.quadratic.escape import (
    EscapePrediction,
    escape_constant,
    predict_escape,
    times_of_starts,
)
from sta.quadratic.exact import exact_flow
from sta.quadratic.flow import Flow, integrate_flow
from sta.quadratic.hessian import (
    NumericHessian,
    ZeroModes,
    critical_weights,
    numeric_hessian,
    zero_modes,
)
from sta.quadratic.landscape import Mode, hessian_modes, spectrum
from sta.quadratic.late import late_loss, late_rate
from sta.quadratic.overlaps import (
    check_overlaps,
    drift,
    order_parameter,
    perpendicular,
    population_loss,
)
from sta.quadratic.overparameterization import (
    Overparameterization,
    overparameterization,
    typical_escapes,
)
from sta.quadratic.plateau import Plateau, gathered_noise, plateau
from sta.quadratic.selection import (
    Selection,
    noise_overlap,
    select_by_flow,
    select_by_sgd,
)
from sta.quadratic.selection_studies import (
    SelectionByGain,
    SelectionByStart,
    selection_by_gain,
    selection_by_start,
)
from sta.quadratic.sgd import VectorSGD
from sta.quadratic.simulation import Simulation, escape_times, simulate
from sta.quadratic.solutions import (
    conserved_matrix,
    distance_to_solution,
    factor_overlap,
    polar_factor,
    sequential_factor,
    solution,
)
from sta.quadratic.stability import check_learning_rate, critical_learning_rate
from sta.quadratic.starts import (
    check_dimension,
    informed_overlaps,
    random_overlaps,
    weights_with_overlaps,
)
from sta.quadratic.system import System, make_system

__all__ = [
    "Deviation",
    "EscapePrediction",
    "Flow",
    "Mode",
    "NumericHessian",
    "OverlapChain",
    "Overparameterization",
    "Plateau",
    "Selection",
    "SelectionByGain",
    "SelectionByStart",
    "Simulation",
    "System",
    "VectorSGD",
    "ZeroModes",
    "check_dimension",
    "check_learning_rate",
    "check_overlaps",
    "conserved_matrix",
    "critical_learning_rate",
    "critical_weights",
    "deviation",
    "distance_to_solution",
    "drift",
    "escape_constant",
    "escape_times",
    "exact_flow",
    "factor_overlap",
    "gathered_noise",
    "hessian_modes",
    "informed_overlaps",
    "integrate_flow",
    "late_loss",
    "late_rate",
    "make_system",
    "noise_overlap",
    "numeric_hessian",
    "order_parameter",
    "overparameterization",
    "perpendicular",
    "plateau",
    "polar_factor",
    "population_loss",
    "predict_escape",
    "random_overlaps",
    "select_by_flow",
    "select_by_sgd",
    "selection_by_gain",
    "selection_by_start",
    "sequential_factor",
    "simulate",
    "solution",
    "spectrum",
    "times_of_starts",
    "typical_escapes",
    "weights_with_overlaps",
    "zero_modes",
]
