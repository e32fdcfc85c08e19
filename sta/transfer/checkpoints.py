"""Students and teachers of a study on disk, and their channels as graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sta.errors import FileFormatError, StaError
from sta.files import sealed, write_bytes
from sta.spectral.network import Network, stack_networks
from sta.transfer.networks import Classifier, ConvNetwork, build_conv_network

VERSION = 1


def save_students(
    student: Classifier, teacher: Classifier, name: str, config: dict[str, Any], folder: Path
) -> Path:
    """Write a stack of students with their teachers, ``students/<name>.pt``.

    Dense students make a checkpoint of `sta.checkpoint`, convolutional ones a file that
    `load_conv` reads; `sta analyze` takes either.
    """
    from sta.checkpoint import CONV_FORMAT, Checkpoint, package_versions, save_checkpoint

    path = folder / "students" / f"{name}.pt"
    seeds = [{"seed": config["seed"], "member": k} for k in range(student.stack[0])]
    kind = config["student"].partition(":")[0]
    if isinstance(student, Network) and isinstance(teacher, Network):
        kept = Checkpoint(student, teacher, kind, {"study": config}, seeds)
        save_checkpoint(kept, path, overwrite=True)
        return path
    content = {
        "format": CONV_FORMAT,
        "version": VERSION,
        "kind": kind,
        "config": {"study": config},
        "seeds": seeds,
        "student": _packed(student),
        "teacher": _packed(teacher),
        "versions": package_versions(),
    }
    write_bytes(path, sealed(lambda file: torch.save(content, file)), overwrite=True)
    return path


def _packed(network: Classifier) -> dict[str, Any]:
    state = {name: tensor.detach().cpu() for name, tensor in network.state_dict().items()}
    return {"spec": network.spec(), "state": state}


def conv_from(content: dict[str, Any], part: str, where: Path) -> ConvNetwork:
    """Return the "student" or "teacher" of the content of a file.

    Raises
    ------
    FileFormatError
        If it is not whole.
    """
    from sta.formats import check_tensor

    try:
        if content.get("version") != VERSION:
            raise FileFormatError(
                f"{where} has format version {content.get('version')!r}; this sta reads {VERSION}"
            )
        packed = content[part]
        state: dict[str, Tensor] = {
            str(name): check_tensor(tensor, f"{where}: {name}")
            for name, tensor in packed["state"].items()
        }
        return build_conv_network(packed["spec"], state)
    except FileFormatError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:100]
        raise FileFormatError(f"{where} is not a whole checkpoint: {reason} is wrong") from error


def conv_member(network: ConvNetwork, index: int) -> ConvNetwork:
    """Return network `index` of a stack of K as a network of its own.

    Raises
    ------
    StaError
        If there is no such member.
    """
    count = network.stack[0] if network.stack else 0
    if not 0 <= index < count:
        raise StaError(f"--member {index} does not exist; the stack has {count} members")
    state = {name: tensor[index].clone() for name, tensor in network.state_dict().items()}
    return build_conv_network(network.spec(), state)


def load_teacher(path: Path, members: int) -> Classifier:
    """Return a teacher in a file, `members` times: dense, or the teacher of a study's students.

    Raises
    ------
    FileFormatError
        If the file is missing, damaged, or no network that classifies.
    StaError
        If it is an ensemble.
    """
    from sta.checkpoint import CONV_FORMAT, load_single
    from sta.formats import load_torch

    content = load_torch(path) if path.suffix in (".pt", ".pth") else None
    if isinstance(content, dict) and content.get("format") == CONV_FORMAT:
        network = conv_member(conv_from(content, "teacher", path), 0)
        state = {
            name: torch.stack([tensor] * members) for name, tensor in network.state_dict().items()
        }
        return build_conv_network(network.spec(), state).requires_grad_(False)
    alone = load_single(path).student.float()
    if alone.readout != "linear" or alone.outputs < 2:
        raise FileFormatError(f"{path} has {alone.outputs} output; a teacher needs one a class")
    return stack_networks([alone] * members).requires_grad_(False)
