"""One student, or a stacked ensemble of them, on disk.

A checkpoint is a torch file of plain types and tensors, so it can be read with
``weights_only=True`` and can never run code. This module is where torch stops: `weights` hands
the analysis numpy arrays.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import sta
from sta.errors import FileFormatError, ShapeError, StaError
from sta.files import sealed, write_bytes
from sta.formats import check_tensor, load_torch, network_from_state, read_network
from sta.spectral.network import Network, build_network, member

FORMAT = "sta.checkpoint"
VERSION = 1
CONV_FORMAT = "sta.conv"
FOREIGN_SUFFIXES = (".npz", ".safetensors")


@dataclass(frozen=True)
class Checkpoint:
    """A student or a stack of K students, with all that is needed to make sense of it.

    Attributes
    ----------
    student : Network
        The trained network, with stack dimension () or (K,).
    teacher : Network or None
        Its teacher, with the same stack dimension; None in foreign files.
    kind : str
        Kind of the student: ``spectral``, ``direct``, ``group-lasso``, ``dense``, ...
    config : dict
        Resolved settings; plain types.
    seeds : dict or list of dict
        Identity of the student (of every member of a stack): its address in the seed tree.
    metrics : dict
        Losses, effective size and history; plain types and tensors.
    versions : dict
        Versions of the packages that made it.
    """

    student: Network
    teacher: Network | None = None
    kind: str = "dense"
    config: dict[str, Any] = field(default_factory=dict)
    seeds: Any = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


def package_versions() -> dict[str, str]:
    """Return the versions of Python, sta and the packages that results depend on."""
    names = ("torch", "numpy", "scipy", "pandas")
    return {
        "python": platform.python_version(),
        "sta": sta.__version__,
        **{name: version(name) for name in names},
    }


def save_checkpoint(checkpoint: Checkpoint, path: Path, *, overwrite: bool = False) -> None:
    """Write a checkpoint atomically.

    Raises
    ------
    StaError
        If the file exists and may not be replaced, cannot be written, or has the suffix of
        another format.
    """
    if path.suffix in FOREIGN_SUFFIXES:
        raise StaError(f"{path}: a checkpoint is a torch file; name it {path.stem}.pt")
    content = {
        "format": FORMAT,
        "version": VERSION,
        "kind": checkpoint.kind,
        "config": checkpoint.config,
        "student": _pack(checkpoint.student),
        "teacher": None if checkpoint.teacher is None else _pack(checkpoint.teacher),
        "seeds": checkpoint.seeds,
        "metrics": checkpoint.metrics,
        "versions": checkpoint.versions or package_versions(),
    }
    write_bytes(path, sealed(lambda file: torch.save(content, file)), overwrite=overwrite)


def _pack(network: Network) -> dict[str, Any]:
    state = {name: tensor.detach().cpu() for name, tensor in network.state_dict().items()}
    return {"spec": network.spec(), "state": state}


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint of sta, or a network in a foreign format (see `sta.formats`).

    A stacked ensemble is returned whole, diverged members included; see `take_member`. Of
    convolutional students the channels are returned, see `sta.transfer.channel_network`.

    Raises
    ------
    FileFormatError
        If the file is missing, damaged, unsafe, of another version, or a single network in it
        is not finite.
    """
    content = None if path.suffix in FOREIGN_SUFFIXES else load_torch(path)
    if isinstance(content, dict) and content.get("format") == FORMAT:
        checkpoint = _unpack(content, path)
    elif isinstance(content, dict) and content.get("format") == CONV_FORMAT:
        checkpoint = _channels(content, path)
    else:
        read = read_network(path) if content is None else network_from_state(content, path)
        checkpoint = Checkpoint(read.network, kind=read.kind)
    if not checkpoint.student.stack:
        _refuse_nonfinite(checkpoint.student, path)
    return checkpoint


def load_single(path: Path, member: int | None = None) -> Checkpoint:
    """Read one student: the only one of a file, or a member of a stacked ensemble.

    Raises
    ------
    FileFormatError
        As `load_checkpoint`, or if the member is not finite because it diverged.
    StaError
        If the file is an ensemble and no member is named, or there is no such member.
    """
    checkpoint = load_checkpoint(path)
    stack = checkpoint.student.stack
    if stack and member is None:
        raise StaError(
            f"{path} holds {stack[0]} students; choose one with --member 0 to {stack[0] - 1}"
        )
    if member is not None:
        checkpoint = take_member(checkpoint, member)
        _refuse_nonfinite(checkpoint.student, path)
    return checkpoint


def take_member(checkpoint: Checkpoint, index: int) -> Checkpoint:
    """Return student `index` of a stacked ensemble.

    Raises
    ------
    StaError
        If there is no such member.
    """
    stack = checkpoint.student.stack
    if not stack:
        raise StaError(f"the checkpoint holds one student; leave --member {index} out")
    if not 0 <= index < stack[0]:
        raise StaError(f"--member {index} does not exist; the members are 0 to {stack[0] - 1}")
    rows = checkpoint.metrics.get("students")
    return Checkpoint(
        student=member(checkpoint.student, index),
        teacher=None if checkpoint.teacher is None else member(checkpoint.teacher, index),
        kind=checkpoint.kind,
        config=checkpoint.config,
        seeds=checkpoint.seeds[index],
        metrics=dict(rows[index]) if rows else {},
        versions=checkpoint.versions,
    )


def _unpack(content: dict[str, Any], path: Path) -> Checkpoint:
    if content.get("version") != VERSION:
        raise FileFormatError(
            f"{path} has format version {content.get('version')!r}; this sta reads {VERSION}"
        )
    try:
        student = _network(content["student"], f"{path}: student")
        packed = content["teacher"]
        teacher = None if packed is None else _network(packed, f"{path}: teacher")
        rest = {name: content[name] for name in ("kind", "config", "seeds", "metrics", "versions")}
    except FileFormatError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:100]
        raise FileFormatError(f"{path} is not a whole checkpoint: {reason} is wrong") from error
    if teacher is not None:
        teacher.requires_grad_(False)
        if teacher.stack != student.stack:
            raise FileFormatError(
                f"{path} has {student.stack} students but {teacher.stack} teachers"
            )
    members = student.stack[0] if student.stack else None
    types = {"kind": str, "config": dict, "metrics": dict, "versions": dict}
    types["seeds"] = dict if members is None else list
    for name, wanted in types.items():
        value = rest[name]
        if not isinstance(value, wanted) or (wanted is list and len(value) != members):
            raise FileFormatError(f"{path}: {name} is not the {wanted.__name__} it should be")
    return Checkpoint(student, teacher, **rest)


def _channels(content: dict[str, Any], path: Path) -> Checkpoint:
    """Return convolutional students and teachers as networks of their channels."""
    from sta.transfer.checkpoints import conv_from
    from sta.transfer.networks import channel_network

    student, teacher = (
        channel_network(conv_from(content, part, path)) for part in ("student", "teacher")
    )
    kind, config, seeds = (content.get(name) for name in ("kind", "config", "seeds"))
    if not (isinstance(kind, str) and isinstance(config, dict) and isinstance(seeds, list)):
        raise FileFormatError(f"{path} is not a whole checkpoint: kind, config or seeds are wrong")
    return Checkpoint(student, teacher, f"{kind}, channels", config, seeds)


def _network(packed: Any, where: str) -> Network:
    state = {
        str(name): check_tensor(tensor, f"{where}: {name}", finite=False)
        for name, tensor in packed["state"].items()
    }
    if len({tensor.dtype for tensor in state.values()}) > 1:
        raise FileFormatError(f"{where} mixes floating types; one is needed")
    try:
        return build_network(packed["spec"], state)
    except StaError as error:
        raise FileFormatError(f"{where}: {error}") from error


def _refuse_nonfinite(network: Network, path: Path) -> None:
    for name, tensor in network.state_dict().items():
        bad = int((~torch.isfinite(tensor)).sum())
        if bad:
            raise FileFormatError(
                f"{path}: {name} has {bad} entries that are NaN or infinite; a student that "
                "diverged cannot be analysed, choose another"
            )


def weights(network: Network) -> list[NDArray[np.float64]]:
    """Return the effective weight matrices as arrays of shape (n_in, n_out), float64.

    They run from the inputs to the last trained layer: a frozen all-ones readout is no part.

    Raises
    ------
    ShapeError
        If the network is a stack.
    """
    if network.stack:
        raise ShapeError(f"a stack of {network.stack[0]} networks is no graph; take one member")
    return [_array(layer.effective_weight().mT) for layer in network.chain]


def _array(tensor: Tensor) -> NDArray[np.float64]:
    array: NDArray[np.float64] = tensor.detach().cpu().double().numpy()
    return array
