"""Knowledge distillation, solved: a Gaussian mixture, large N (arXiv 2012.00194).

A teacher with all weights and a student with a fraction of them, trained on the same patterns:
fixed points of their order parameters, and the same networks trained at finite N.
"""

from sta.distillation.bounds import bayes_error, separability_threshold
from sta.distillation.comparison import Comparison, compare
from sta.distillation.erm import generalization_error
from sta.distillation.optimum import (
    BestRidge,
    Inheritance,
    best_direct,
    best_ridge,
    inheritance,
)
from sta.distillation.peaks import Peak, error_curve, error_peaks
from sta.distillation.phase_map import phase_map
from sta.distillation.setting import Setting, make_setting
from sta.distillation.simulation import DistillationRuns, simulate_distillation
from sta.distillation.square import SquareSolution, solve_square
from sta.distillation.student import Student, Teacher
from sta.distillation.theory import Theory, theory

__all__ = [
    "BestRidge",
    "Comparison",
    "DistillationRuns",
    "Inheritance",
    "Peak",
    "Setting",
    "SquareSolution",
    "Student",
    "Teacher",
    "Theory",
    "bayes_error",
    "best_direct",
    "best_ridge",
    "compare",
    "error_curve",
    "error_peaks",
    "generalization_error",
    "inheritance",
    "make_setting",
    "phase_map",
    "separability_threshold",
    "simulate_distillation",
    "solve_square",
    "theory",
]
