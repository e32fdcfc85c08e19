"""Factor transfer and its rivals: what the training objective does to a student.

Paraphraser and translator of *Paraphrasing complex network: network compression via factor
transfer* (Kim, Park, Kwak, NeurIPS 2018), soft labels, and labels alone, for dense and
convolutional students in spectral form.
"""

from sta.transfer.conv import SpectralConv2d, StackedConv2d
from sta.transfer.convert import to_spectral
from sta.transfer.factors import (
    Paraphraser,
    Translator,
    attention_loss,
    factor_loss,
    fit_paraphraser,
    reconstruction_error,
    scaled_beta,
)
from sta.transfer.material import Material, Splits, load_material, split
from sta.transfer.networks import ConvNetwork, channel_network, features_of, shrink_channels
from sta.transfer.objectives import (
    CONTROLS,
    OBJECTIVES,
    Objective,
    label_loss,
    objectives_named,
    soft_loss,
)
from sta.transfer.ranking import accuracy_ramp, units_needed
from sta.transfer.students import Signals, Training, accuracy, teacher_signals, train_students
from sta.transfer.study import Study, run_study

__all__ = [
    "CONTROLS",
    "OBJECTIVES",
    "ConvNetwork",
    "Material",
    "Objective",
    "Paraphraser",
    "Signals",
    "SpectralConv2d",
    "Splits",
    "StackedConv2d",
    "Study",
    "Training",
    "Translator",
    "accuracy",
    "accuracy_ramp",
    "attention_loss",
    "channel_network",
    "factor_loss",
    "features_of",
    "fit_paraphraser",
    "label_loss",
    "load_material",
    "objectives_named",
    "reconstruction_error",
    "run_study",
    "scaled_beta",
    "shrink_channels",
    "soft_loss",
    "split",
    "teacher_signals",
    "to_spectral",
    "train_students",
    "units_needed",
]
