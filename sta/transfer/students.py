"""Teachers and students of K seeds, trained as one batched ensemble."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sta.errors import ConfigError
from sta.spectral.layer import SpectralLinear
from sta.transfer.conv import SpectralConv2d
from sta.transfer.factors import (
    Paraphraser,
    Translator,
    attention_loss,
    draw_batches,
    factor_loss,
    fit_paraphraser,
    freeze,
    scaled_beta,
)
from sta.transfer.networks import Classifier, features_of, read
from sta.transfer.objectives import Objective, label_loss, soft_loss


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Attributes
    ----------
    steps, batch : int
        Of Adam, and patterns a step.
    learning_rate : float
        At the start; it falls to zero along half a cosine.
    l2_eigenvalues, l2_phi : float
        Coefficients of sum lambda^2 and sum phi^2 over the spectral layers. Both are needed for
        units to vanish: one factor alone shrinks at the expense of the other.
    """

    steps: int = 1500
    batch: int = 128
    learning_rate: float = 5e-3
    l2_eigenvalues: float = 0.01
    l2_phi: float = 0.01


@dataclass(frozen=True)
class Factors:
    """Paraphrasers of K teachers.

    Attributes
    ----------
    paraphraser : Paraphraser or None
        Stack of K, frozen; None for a hint, whose factor is the map itself.
    reconstruction : Tensor or None, shape (K,)
        Relative reconstruction error.
    """

    paraphraser: Paraphraser | None
    reconstruction: Tensor | None


@dataclass(frozen=True)
class Signals:
    """What a teacher says about every training pattern, by the pattern's number.

    Attributes
    ----------
    logits : Tensor, shape (K, patterns, classes)
    maps : Tensor, shape (K, patterns, channels, h, w)
    """

    logits: Tensor
    maps: Tensor


def teacher_signals(teacher: Classifier, x: Tensor) -> Signals:
    """Return a frozen teacher's outputs for all patterns, computed once, in their order."""
    with torch.no_grad():
        maps = features_of(teacher, x)
        return Signals(read(teacher, maps), maps)


def penalty(network: Classifier, training: Training) -> Tensor:
    """Return the penalty of every member, shape (K,)."""
    first = next(network.parameters())
    total = torch.zeros(network.stack, dtype=first.dtype)
    for layer in network.modules():
        if isinstance(layer, SpectralLinear | SpectralConv2d):
            for eigenvalues in (layer.lambda_in, layer.lambda_out):
                if eigenvalues.requires_grad:
                    total = total + training.l2_eigenvalues * eigenvalues.square().sum(-1)
            if training.l2_phi:
                own = layer.phi.flatten(len(network.stack))
                total = total + training.l2_phi * own.square().sum(-1)
    return total


def train_teachers(
    teacher: Classifier,
    x: Tensor,
    y: Tensor,
    generators: Sequence[np.random.Generator],
    training: Training,
) -> None:
    """Train a stack of K teachers on labels, in place, and freeze them."""
    everything = torch.arange(y.shape[1]).expand(len(y), -1)
    train_students(teacher, x, y, everything, Objective("labels"), None, None, generators, training)
    freeze(teacher)


def make_factors(
    signals: Signals,
    objective: Objective,
    generators: Sequence[np.random.Generator],
    *,
    rate: float = 0.5,
    loss: str = "l1",
    steps: int = 1000,
) -> Factors:
    """Return the paraphrasers that an objective wants, trained on all maps of the teachers."""
    if objective.paraphrasing == "none":
        return Factors(None, None)
    channels, one_pixel = signals.maps.shape[-3], signals.maps.shape[-1] == 1
    if objective.paraphrasing == "attention" and one_pixel:
        raise ConfigError(
            "attention maps of one pixel say nothing; take a convolutional teacher and student"
        )
    paraphraser = Paraphraser(channels, rate, 1 if one_pixel else 3, generators)
    steps = 0 if objective.paraphrasing == "random" else steps
    found = fit_paraphraser(paraphraser, signals.maps, generators, loss=loss, steps=steps)
    return Factors(paraphraser, found)


@contextmanager
def _no_denormals() -> Iterator[None]:
    # Units that vanish pass through the denormal numbers, where a processor is many times slower.
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@_no_denormals()
def train_students(
    student: Classifier,
    x: Tensor,
    y: Tensor,
    labelled: Tensor,
    objective: Objective,
    signals: Signals | None,
    factors: Factors | None,
    generators: Sequence[np.random.Generator],
    training: Training,
    seen: Tensor | None = None,
) -> float | None:
    """Train a stack of K students in place.

    Parameters
    ----------
    student : Network or ConvNetwork
        Stack of K.
    x : Tensor, shape (K, patterns, ...)
        All training patterns.
    y : Tensor, shape (K, patterns)
        Their classes; only those of `labelled` are read.
    labelled : Tensor, shape (K, labels)
        Numbers of the patterns with labels.
    objective : Objective
    signals, factors : Signals, Factors or None
        Of the teachers; None for labels alone.
    generators : sequence of numpy.random.Generator
        Of the batches and of the translator's weights, one a member.
    training : Training
    seen : Tensor, shape (K, n), optional
        Numbers of the patterns on which the teacher is heard; those of `labelled` unless told.

    Returns
    -------
    float or None
        Weight of the factor loss after scaling; None without one.

    Raises
    ------
    ConfigError
        If the objective needs a teacher and there is none, or factors do not match.
    """
    if signals is None and (objective.soft or objective.factor or objective.pseudo):
        raise ConfigError(f"objective {objective.name!r} needs a teacher's signals")
    heard = labelled if seen is None else seen
    if objective.pseudo and signals is not None:
        y, labelled = signals.logits.argmax(-1), heard
    targets, translator, beta = _targets(student, x, objective, signals, factors, generators)
    parameters = [p for p in student.parameters() if p.requires_grad]
    parameters += [] if translator is None else list(translator.parameters())
    optimiser = torch.optim.Adam(parameters, lr=training.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, training.steps)
    rows = torch.arange(len(y))[:, None]
    together = heard is labelled
    student.train()
    for _ in range(training.steps):
        part = labelled[rows, draw_batches(generators, labelled.shape[1], training.batch)]
        maps = features_of(student, x[rows, part])
        logits = read(student, maps)
        loss = objective.labels * label_loss(logits, y[rows, part]) + penalty(student, training)
        if signals is not None and (objective.soft or objective.factor):
            if not together:
                part = heard[rows, draw_batches(generators, heard.shape[1], training.batch)]
                maps = features_of(student, x[rows, part])
                logits = read(student, maps)
            if objective.soft:
                told = signals.logits[rows, part]
                loss = loss + objective.soft * soft_loss(logits, told, objective.temperature)
            if translator is not None and targets is not None:
                own = translator(maps)
                loss = loss + beta * _factor_part(objective, own, targets[rows, part])
        optimiser.zero_grad()
        # Summed over members: each has the gradient that it would have alone.
        loss.sum().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    student.eval()
    return beta if objective.factor else None


def _factor_part(objective: Objective, own: Tensor, target: Tensor) -> Tensor:
    if objective.paraphrasing == "attention":
        return attention_loss(own, target)
    return factor_loss(own, target, objective.p)


def _targets(
    student: Classifier,
    x: Tensor,
    objective: Objective,
    signals: Signals | None,
    factors: Factors | None,
    generators: Sequence[np.random.Generator],
) -> tuple[Tensor | None, Translator | None, float]:
    """Return the teachers' factors of all patterns, the students' translator, and its weight."""
    if not objective.factor or signals is None:
        return None, None, 0.0
    with torch.no_grad():
        paraphraser = None if factors is None else factors.paraphraser
        target = signals.maps if paraphraser is None else paraphraser.encode(signals.maps)
        own = features_of(student, x[:, :1])
    if own.shape[-2:] != target.shape[-2:]:
        raise ConfigError(
            f"the student's maps are {tuple(own.shape[-2:])}, the teacher's"
            f" {tuple(target.shape[-2:])}; give both as many convolutions, or none"
        )
    kernel = 1 if target.shape[-1] == 1 else 3
    translator = Translator(own.shape[-3], target.shape[-3], kernel, generators)
    size = target.shape[-1] * target.shape[-2]
    size *= 1 if objective.paraphrasing == "attention" else target.shape[-3]
    return target, translator, scaled_beta(objective.factor, size, objective.p)


def accuracy(network: Classifier, x: Tensor, y: Tensor) -> Tensor:
    """Return the share of right classes of every member, shape (K,)."""
    was = network.training
    network.eval()
    with torch.no_grad():
        right = read(network, features_of(network, x)).argmax(-1) == y
    network.train(was)
    return right.double().mean(-1)
