"""What is learned: patterns with classes, split into training, validation and test sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sta.errors import ConfigError, FileFormatError
from sta.files import check_archive, readable
from sta.formats import load_torch
from sta.spectral.seeds import stream
from sta.spectral.teacher import TeacherConfig, draw_dataset, make_teacher

TRAINING, VALIDATION = 0.6, 0.1
SYNTHETIC_PATTERNS, SYNTHETIC_CLASSES = 2000, 4


@dataclass(frozen=True)
class Material:
    """Patterns with classes.

    Attributes
    ----------
    name : str
    x : array of float32, shape (patterns, ...)
        Vectors, or images (channels, height, width).
    y : array of int, shape (patterns,)
        Classes 0, 1, ...
    """

    name: str
    x: NDArray[np.float32]
    y: NDArray[np.int64]

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.y.max()) + 1

    @property
    def image(self) -> tuple[int, int, int]:
        """(channels, height, width).

        Raises
        ------
        ConfigError
            If the patterns are vectors.
        """
        if self.x.ndim != 4:
            raise ConfigError(
                f"{self.name} has vectors of {self.x.shape[1:]}, a convolution needs images of"
                " (channels, height, width)"
            )
        return (int(self.x.shape[1]), int(self.x.shape[2]), int(self.x.shape[3]))


def load_material(name: str, seed: int = 0) -> Material:
    """Return patterns by name: "digits", "synthetic", or a file of x and y.

    "digits": the 1797 images of 8 x 8 pixels of scikit-learn, from 0 to 1. "synthetic": standard
    normal vectors of 10 numbers, labelled by a teacher of `sta.spectral` (20 + 20 units) with the
    quarter in which its output lies. A file: npz or torch, arrays x (patterns, ...) and y.

    Parameters
    ----------
    name : str
    seed : int
        Of the synthetic teacher and its patterns.

    Raises
    ------
    FileFormatError
        If the file is missing, damaged, or x and y do not fit.
    """
    if name == "digits":
        from sklearn.datasets import load_digits

        found = load_digits()
        images = (found.images / 16.0).astype(np.float32)[:, None]
        return Material(name, images, found.target.astype(np.int64))
    if name == "synthetic":
        teacher = make_teacher(TeacherConfig(), stream(seed, "teacher", 20, 0))
        data = draw_dataset(teacher, SYNTHETIC_PATTERNS, stream(seed, "train", 20, 0))
        edges = np.quantile(data.y.numpy(), np.arange(1, SYNTHETIC_CLASSES) / SYNTHETIC_CLASSES)
        return Material(
            name, data.x.numpy().astype(np.float32),
            np.digitize(data.y.numpy(), edges).astype(np.int64),
        )  # fmt: skip
    return _from_file(Path(name))


def _from_file(path: Path) -> Material:
    if path.suffix == ".npz":
        with readable(path):
            check_archive(path)
            try:
                with np.load(path, allow_pickle=False) as archive:
                    given = {key: archive[key] for key in ("x", "y") if key in archive}
            except (ValueError, OSError) as error:
                raise FileFormatError(f"{path} is no archive of plain arrays") from error
    elif path.suffix in (".pt", ".pth"):
        content = load_torch(path)
        content = content if isinstance(content, dict) else {}
        given = {key: v.numpy() for key, v in content.items() if isinstance(v, torch.Tensor)}
    else:
        raise FileFormatError(
            f"{path}: data are 'digits', 'synthetic', or a file .npz or .pt with x and y"
        )
    if not {"x", "y"} <= given.keys():
        raise FileFormatError(f"{path} has no arrays x and y; found {sorted(given)}")
    x, y = np.asarray(given["x"]), np.asarray(given["y"])
    if x.ndim < 2 or y.shape != x.shape[:1] or x.dtype.kind not in "fiu":
        raise FileFormatError(f"{path}: x is {x.dtype} {x.shape} and y {y.shape}; one y a pattern")
    whole = np.asarray(y, dtype=np.float64)
    if y.dtype.kind not in "fiu" or np.any(whole != np.floor(whole)) or whole.min(initial=0) < 0:
        raise FileFormatError(f"{path}: y must be classes 0, 1, ...")
    if not np.all(np.isfinite(x)):
        raise FileFormatError(f"{path}: x has numbers that are NaN or infinite")
    known, y = np.unique(whole.astype(np.int64), return_inverse=True)
    if len(known) != known[-1] + 1:
        raise FileFormatError(f"{path}: classes {known.tolist()} have gaps; number them 0, 1, ...")
    return Material(path.stem, x.astype(np.float32), y.astype(np.int64))


@dataclass(frozen=True)
class Splits:
    """Numbers of patterns of K members.

    Attributes
    ----------
    training, validation, test : Tensor of int, shape (K, ...)
    labelled : Tensor of int, shape (K, labels)
        Positions within `training` of the patterns whose labels students see.
    """

    training: Tensor
    validation: Tensor
    test: Tensor
    labelled: Tensor


def split(material: Material, seeds: Sequence[int], labels: int | None) -> Splits:
    """Split stratified by class: 60 % training, 10 % validation, 30 % test, a split a seed.

    Parameters
    ----------
    material : Material
    seeds : sequence of int
        One a member.
    labels : int or None
        Labels that students see, as evenly over classes as they go; all if None.

    Raises
    ------
    ConfigError
        If there are fewer labels than classes, more than patterns, or a class is too rare to be
        in each set.
    """
    parts = [_one_split(material, seed, labels) for seed in seeds]
    names = ("training", "validation", "test", "labelled")
    return Splits(*(torch.from_numpy(np.stack([one[name] for one in parts])) for name in names))


def _one_split(material: Material, seed: int, labels: int | None) -> dict[str, NDArray[np.int64]]:
    from sklearn.model_selection import train_test_split

    y, everything = material.y, np.arange(len(material.y))
    counts = np.bincount(y)
    if counts.min() < 10:
        raise ConfigError(
            f"{material.name}: class {int(np.argmin(counts))} has {counts.min()} patterns, too few"
            " for training, validation and test sets; give 10 or more"
        )
    training, rest = train_test_split(
        everything, train_size=TRAINING, stratify=y, random_state=seed
    )
    validation, test = train_test_split(
        rest, train_size=VALIDATION / (1.0 - TRAINING), stratify=y[rest], random_state=seed
    )
    for name, part in (("training", training), ("validation", validation), ("test", test)):
        missing = set(range(material.classes)) - set(y[part].tolist())
        if missing:
            raise ConfigError(f"{material.name}: class {min(missing)} is not in the {name} set")
    chosen = _labelled(y[training], labels, np.random.default_rng([seed, 1]), material)
    return {"training": training, "validation": validation, "test": test, "labelled": chosen}


def _labelled(
    y: NDArray[np.int64], labels: int | None, rng: np.random.Generator, material: Material
) -> NDArray[np.int64]:
    if labels is None or labels == len(y):
        return np.arange(len(y))
    if not material.classes <= labels < len(y):
        raise ConfigError(
            f"{labels} labels: give {material.classes} (one a class) to {len(y)} (all)"
        )
    # One of each class in turn, until there are enough.
    order = rng.permutation(len(y))
    turn = np.zeros(len(y), dtype=np.int64)
    for kind in range(material.classes):
        own = order[y[order] == kind]
        turn[own] = np.arange(len(own))
    return np.sort(order[np.argsort(turn[order], kind="stable")][:labels])
