"""Spectral students: layers, teachers, batched training and pruning (arXiv 2310.12612)."""

from sta.spectral.layer import (
    SpectralLinear,
    StackedLinear,
    adjacency,
    eigenvalues,
    eigenvectors,
    inverse_eigenvectors,
)
from sta.spectral.network import Network, member, stack_networks
from sta.spectral.pruning import (
    Ramp,
    effective_sizes,
    importance,
    masked_forward,
    ramp,
    ranking,
    relative_importance,
    shrink,
    units_above,
    units_kept,
)
from sta.spectral.seeds import stream
from sta.spectral.student import Architecture, Recipe, make_student, penalty, spectral_layers
from sta.spectral.teacher import (
    Dataset,
    TeacherConfig,
    draw_dataset,
    make_teacher,
    stack_datasets,
)
from sta.spectral.training import History, Schedule, mean_squared_error, train

__all__ = [
    "Architecture",
    "Dataset",
    "History",
    "Network",
    "Ramp",
    "Recipe",
    "Schedule",
    "SpectralLinear",
    "StackedLinear",
    "TeacherConfig",
    "adjacency",
    "draw_dataset",
    "effective_sizes",
    "eigenvalues",
    "eigenvectors",
    "importance",
    "inverse_eigenvectors",
    "make_student",
    "make_teacher",
    "masked_forward",
    "mean_squared_error",
    "member",
    "penalty",
    "ramp",
    "ranking",
    "relative_importance",
    "shrink",
    "spectral_layers",
    "stack_datasets",
    "stack_networks",
    "stream",
    "train",
    "units_above",
    "units_kept",
]
