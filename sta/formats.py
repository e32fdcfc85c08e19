"""Networks in foreign files: state_dicts, safetensors, the published npz, plain matrices.

Nothing here runs code from a file: torch files are read with ``weights_only=True``, npz files
without pickle, and shapes and values are checked before a network is built.
"""

from __future__ import annotations

import contextlib
import pickle
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from sta.errors import FileFormatError, ShapeError
from sta.files import check_archive, check_seal, readable
from sta.spectral.layer import layer_from_tensors
from sta.spectral.network import Network, Readout

PUBLISHED_KEYS = ("base", "diag_end", "eigenvalues", "second_layer")
PRUNED_NAMES = ("weight", "bias")
STATE_NAMES = (
    "phi",
    "lambda_in",
    "lambda_out",
    *(f"{name}{part}" for name in PRUNED_NAMES for part in ("", "_orig", "_mask")),
)


@dataclass(frozen=True)
class ReadNetwork:
    """A network from a foreign file.

    Attributes
    ----------
    network : Network
        The layers, in the file's order.
    kind : str
        ``spectral``, ``direct`` or ``dense``.
    """

    network: Network
    kind: str


def read_network(path: Path) -> ReadNetwork:
    """Read a network from a foreign file, chosen by its suffix.

    ``.npz``: the published code's students (``base``, ``diag_end``, ``eigenvalues``,
    ``second_layer``; kernel = -base diag_end) or plain matrices ``w1``, ``w2``, ... of shape
    (n_in, n_out). ``.safetensors`` and ``.pt``/``.pth``: a state_dict of a chain of linear
    (``*.weight``) or spectral (``*.phi``, ``*.lambda_in``, ``*.lambda_out``) layers.

    A last layer of a single unit is the linear output, unless it is all ones without bias: that
    is the frozen readout that sums the layer before. A wider last layer of an npz file is a
    hidden one whose units are summed; of a state_dict it is a linear output of several units.

    Raises
    ------
    FileFormatError
        If the file is missing, damaged, unsafe, not finite, or of another content.
    """
    if path.suffix == ".npz":
        return network_from_npz(path)
    return network_from_state(
        load_safetensors(path) if path.suffix == ".safetensors" else load_torch(path), path
    )


def load_safetensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file, in the order of the numbers in their names."""
    with readable(path), parsing(path):
        loaded = load_file(path)
    # The format keeps no order of its own.
    return {name: loaded[name] for name in sorted(loaded, key=_natural)}


def load_torch(path: Path) -> Any:
    """Return the plain content of a torch file, and never run code that is in it.

    Raises
    ------
    FileFormatError
        If the file is missing, is no torch file, is damaged, or needs more than plain types.
    """
    with readable(path):
        with path.open("rb") as file:
            start = file.read(4)
        with parsing(path):
            if start == b"PK\x03\x04":
                check_archive(path)
                check_seal(path)
            try:
                return torch.load(path, map_location="cpu", weights_only=True)
            except pickle.UnpicklingError as error:
                if start[:1] != b"\x80" and start[:2] != b"PK":
                    raise FileFormatError(f"{path} is not a torch file") from error
                raise FileFormatError(
                    f"{path} holds more than tensors and plain types, which could run code; "
                    "export it with torch.save(model.state_dict(), PATH)"
                ) from error


@contextlib.contextmanager
def parsing(path: Path) -> Iterator[None]:
    """Turn whatever a parser raises on a stranger's file into one line.

    A damaged file can make the parsers of zip, npy and pickle raise nearly anything.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except FileFormatError:
        raise
    except Exception as error:
        raise FileFormatError(
            f"{path} is damaged or not the kind of file its name says "
            f"({type(error).__name__}); write it again"
        ) from error


def network_from_npz(path: Path) -> ReadNetwork:
    """Read the published code's npz or plain matrices w1, w2, ...; see `read_network`."""
    arrays = load_npz(path)
    if set(PUBLISHED_KEYS) <= set(arrays):
        return _published_student(arrays, path)
    names = sorted((k for k in arrays if re.fullmatch(r"w\d+", k)), key=lambda k: int(k[1:]))
    if not names or names != [f"w{i}" for i in range(1, len(names) + 1)]:
        raise FileFormatError(
            f"{path} has the keys {sorted(arrays)}; needed are w1, w2, ... or {PUBLISHED_KEYS}"
        )
    layers = [{"weight": tensor_of(arrays[name].T, f"{path}: {name}")} for name in names]
    readout: Readout = "sum" if arrays[names[-1]].shape[-1:] > (1,) else "linear"
    return ReadNetwork(_chain(layers, path, readout), "dense")


def load_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Return the numeric arrays of an npz file, read without pickle."""
    with readable(path), parsing(path):
        check_archive(path)
        with np.load(path, allow_pickle=False) as archive:
            try:
                arrays = {name: archive[name] for name in archive.files}
            except ValueError as error:
                if "pickle" not in str(error):
                    raise
                raise FileFormatError(
                    f"{path} holds pickled objects, which could run code; save plain arrays"
                ) from error
            return {name: np.asarray(a) for name, a in arrays.items() if a.dtype.kind in "fiu"}


def tensor_of(array: NDArray[Any], where: str) -> Tensor:
    """Return an array of any numeric type as a checked tensor of native float32 or float64."""
    small = array.dtype.kind == "f" and array.dtype.itemsize <= 4
    return check_tensor(torch.tensor(array.astype(np.float32 if small else np.float64)), where)


def check_tensor(tensor: object, where: str, *, finite: bool = True) -> Tensor:
    """Return a stranger's tensor if it is plain: dense, floating, finite, and as large as it says.

    Raises
    ------
    FileFormatError
        With the name `where` and what is wrong.
    """
    if not isinstance(tensor, Tensor):
        raise FileFormatError(f"{where} is no tensor but {type(tensor).__name__}")
    kinds = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
    if tensor.layout != torch.strided or tensor.dtype not in kinds or tensor.device.type != "cpu":
        raise FileFormatError(
            f"{where} is of type {tensor.dtype} and layout {tensor.layout}; "
            "dense floating numbers are needed"
        )
    # Zero strides let a file of a kilobyte claim any number of entries.
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise FileFormatError(f"{where} claims {tensor.numel()} entries but stores fewer")
    bad = int((~torch.isfinite(tensor)).sum()) if finite else 0
    if bad:
        raise FileFormatError(
            f"{where} has {bad} entries that are NaN or infinite; mend them first"
        )
    return tensor


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a sorting key in which layer 2 comes before layer 10."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def _published_student(arrays: Mapping[str, NDArray[Any]], path: Path) -> ReadNetwork:
    base, diag_end, second = (
        tensor_of(arrays[key].T, f"{path}: {key}") for key in ("base", "diag_end", "second_layer")
    )
    if base.ndim != 2 or diag_end.shape != (base.shape[0], 1):
        raise FileFormatError(
            f"{path}: base {arrays['base'].shape} and diag_end {arrays['diag_end'].shape} do not "
            "fit; needed are (d, h) and (1, h)"
        )
    first = {
        "phi": base,
        "lambda_in": base.new_zeros(base.shape[1]),
        "lambda_out": diag_end[:, 0],
    }
    direct = bool((diag_end == 1).all())
    network = _chain([first, {"weight": second}], path, "sum")
    return ReadNetwork(network, "direct" if direct else "spectral")


def network_from_state(state: object, path: Path) -> ReadNetwork:
    """Return the chain of linear or spectral layers of a state_dict, in its order."""
    if not isinstance(state, Mapping) or not all(isinstance(name, str) for name in state):
        raise FileFormatError(
            f"{path} is neither a checkpoint of sta nor a state_dict; "
            "export one with torch.save(model.state_dict(), PATH)"
        )
    layers: dict[str, dict[str, Tensor]] = {}
    for name, value in state.items():
        prefix, _, last = name.rpartition(".")
        if last not in STATE_NAMES:
            raise FileFormatError(
                f"{path}: {name!r} is no part of a linear or spectral layer; "
                "keep only the chain of those layers"
            )
        layers.setdefault(prefix, {})[last] = check_tensor(value, f"{path}: {name}")
    if not layers:
        raise FileFormatError(f"{path} holds no linear or spectral layer")
    found = [_unmasked(tensors, f"{path}: {prefix}") for prefix, tensors in layers.items()]
    summed = len(found) > 1 and _is_summation(found[-1])
    kind = "spectral" if any("phi" in tensors for tensors in found) else "dense"
    if summed:
        return ReadNetwork(_chain(found[:-1], path, "sum"), kind)
    return ReadNetwork(_chain(found, path, "linear"), kind)


def _unmasked(tensors: dict[str, Tensor], where: str) -> dict[str, Tensor]:
    """Apply the mask that torch.nn.utils.prune keeps; fill in absent source eigenvalues."""
    for name in PRUNED_NAMES:
        if f"{name}_orig" in tensors:
            whole, mask = tensors.pop(f"{name}_orig"), tensors.pop(f"{name}_mask", None)
            if mask is not None and mask.shape != whole.shape:
                raise FileFormatError(f"{where}.{name}_mask does not fit {tuple(whole.shape)}")
            tensors[name] = whole if mask is None else whole * mask
    if "phi" in tensors and "lambda_in" not in tensors:
        tensors["lambda_in"] = tensors["phi"].new_zeros(tensors["phi"].shape[-1:])
    return tensors


def _is_summation(tensors: Mapping[str, Tensor]) -> bool:
    weight = tensors.get("weight")
    return weight is not None and len(tensors) == len(weight) == 1 and bool((weight == 1).all())


def _chain(layers: list[dict[str, Tensor]], path: Path, readout: Readout) -> Network:
    """Return the network of the layers' tensors, all in the widest of their types."""
    wide = any(tensor.dtype == torch.float64 for layer in layers for tensor in layer.values())
    dtype = torch.float64 if wide else torch.float32
    built = []
    try:
        for number, tensors in enumerate(layers):
            where = f"layer {number}: "
            shape = tuple(tensors["phi" if "phi" in tensors else "weight"].shape)
            if len(shape) != 2 or 0 in shape:
                raise ShapeError(f"the shape is {shape}; a matrix is needed")
            direct = "phi" in tensors and bool((tensors["lambda_out"] == 1).all())
            train = ("phi",) if direct else ("phi", "lambda_out")
            built.append(layer_from_tensors({k: t.to(dtype) for k, t in tensors.items()}, train))
        where = ""
        return Network(built, readout)
    except KeyError as error:
        raise FileFormatError(f"{path}: {where}{error} is missing") from error
    except ShapeError as error:
        raise FileFormatError(f"{path}: {where}{error}") from error
