"""Networks in foreign files: state_dicts, safetensors, the published npz, plain matrices.

Nothing here runs code from a file: torch files are read with ``weights_only=True``, npz files
without pickle, and shapes and values are checked before a network is built.
"""

from __future__ import annotations

import pickle
import re
import struct
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from sta.errors import FileFormatError, ShapeError
from sta.files import check_archive, readable
from sta.spectral.layer import SpectralLinear, StackedLinear
from sta.spectral.network import Network

PUBLISHED_KEYS = ("base", "diag_end", "eigenvalues", "second_layer")


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

    A last layer of a single unit is the linear output; a wider last layer of an npz file is a
    hidden one whose units are summed, and of a state_dict a linear output of several units.

    Raises
    ------
    FileFormatError
        If the file is missing, damaged, unsafe, not finite, or of another content.
    """
    with readable(path):
        if path.suffix == ".npz":
            return network_from_npz(path)
        if path.suffix == ".safetensors":
            try:
                loaded = load_file(path)
            except SafetensorError as error:
                raise FileFormatError(f"{path} is not a safetensors file: {error}") from error
            # The format keeps no order of its own: take that of the numbers in the names.
            state: Any = {name: loaded[name] for name in sorted(loaded, key=_natural)}
        else:
            state = load_torch(path)
    return network_from_state(state, path)


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
        if start == b"PK\x03\x04":
            check_archive(path)
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            if start[:1] != b"\x80" and start[:2] != b"PK":
                raise FileFormatError(f"{path} is not a torch file") from error
            raise FileFormatError(
                f"{path} holds more than tensors and plain types, which could run code; "
                "export it with torch.save(model.state_dict(), PATH)"
            ) from error
        except (RuntimeError, EOFError, ValueError, KeyError, struct.error) as error:
            raise FileFormatError(
                f"{path} is damaged or not a torch file; write it again"
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
    layers = [_dense(torch.from_numpy(arrays[name].T), None, f"{path}: {name}") for name in names]
    return ReadNetwork(_chain(layers, path, outputs_are_hidden=True), "dense")


def load_npz(path: Path) -> dict[str, NDArray[np.floating[Any]]]:
    """Return the floating arrays of an npz file, read without pickle and checked to be finite."""
    check_archive(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, KeyError) as error:
        raise FileFormatError(
            f"{path} is damaged or holds pickled objects; save plain arrays"
        ) from error
    return {name: a for name, a in arrays.items() if np.issubdtype(a.dtype, np.floating)}


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a sorting key in which layer 2 comes before layer 10."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def _published_student(arrays: Mapping[str, NDArray[Any]], path: Path) -> ReadNetwork:
    base, diag_end, second = (
        torch.from_numpy(arrays[key].T) for key in ("base", "diag_end", "second_layer")
    )
    if base.ndim != 2 or diag_end.shape != (base.shape[0], 1):
        raise FileFormatError(
            f"{path}: base {arrays['base'].shape} and diag_end {arrays['diag_end'].shape} do not "
            "fit; needed are (d, h) and (1, h)"
        )
    _check_matrix(base, f"{path}: base")
    _check_matrix(diag_end, f"{path}: diag_end")
    direct = bool((diag_end == 1).all())
    spectral = SpectralLinear(
        base.shape[1],
        base.shape[0],
        bias=False,
        train=("phi",) if direct else ("phi", "lambda_out"),
        dtype=base.dtype,
    )
    with torch.no_grad():
        spectral.phi.copy_(base)
        spectral.lambda_out.copy_(diag_end[:, 0])
    layers = [spectral, _dense(second, None, f"{path}: second_layer")]
    network = _chain(layers, path, outputs_are_hidden=True)
    return ReadNetwork(network, "direct" if direct else "spectral")


def network_from_state(state: object, path: Path) -> ReadNetwork:
    """Return the chain of linear or spectral layers of a state_dict, in its order."""
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise FileFormatError(
            f"{path} is neither a checkpoint of sta nor a state_dict; "
            "export one with torch.save(model.state_dict(), PATH)"
        )
    layers: list[StackedLinear] = []
    for name in state:
        prefix, _, last = name.rpartition(".")
        dot = f"{prefix}." if prefix else ""
        bias = state.get(f"{dot}bias")
        if last == "phi":
            layers.append(_spectral(state, dot, path))
        elif last == "weight":
            layers.append(_dense(state[name], bias, f"{path}: {name}"))
        elif last == "weight_orig":  # torch.nn.utils.prune keeps the mask beside the weight
            mask = state.get(f"{dot}weight_mask", torch.ones_like(state[name]))
            layers.append(_dense(state[name] * mask, bias, f"{path}: {name}"))
        elif last not in ("bias", "lambda_in", "lambda_out", "weight_mask"):
            raise FileFormatError(
                f"{path}: {name!r} is no part of a linear or spectral layer; "
                "keep only the chain of those layers"
            )
    if not layers:
        raise FileFormatError(f"{path} holds no linear or spectral layer")
    spectral = any(isinstance(layer, SpectralLinear) for layer in layers)
    return ReadNetwork(
        _chain(layers, path, outputs_are_hidden=False), "spectral" if spectral else "dense"
    )


def _spectral(state: Mapping[str, Tensor], dot: str, path: Path) -> SpectralLinear:
    phi, bias = state[f"{dot}phi"], state.get(f"{dot}bias")
    _check_matrix(phi, f"{path}: {dot}phi")
    layer = SpectralLinear(phi.shape[1], phi.shape[0], bias is not None, dtype=phi.dtype)
    for name, tensor in layer.state_dict().items():
        given = state.get(f"{dot}{name}")
        # A layer saved without source eigenvalues has them at zero.
        if given is None and name == "lambda_in":
            continue
        if given is None or given.shape != tensor.shape or not torch.isfinite(given).all():
            raise FileFormatError(
                f"{path}: {dot}{name} is missing, not finite or not of shape {tuple(tensor.shape)}"
            )
        tensor.copy_(given)
    return layer


def _dense(weight: Tensor, bias: Tensor | None, where: str) -> StackedLinear:
    _check_matrix(weight, where)
    layer = StackedLinear(weight.shape[1], weight.shape[0], bias is not None, dtype=weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(weight)
        if layer.bias is not None and bias is not None:
            if bias.shape != layer.bias.shape or not torch.isfinite(bias).all():
                raise FileFormatError(f"{where}: its bias is not finite or does not fit")
            layer.bias.copy_(bias)
    return layer


def _check_matrix(matrix: Tensor, where: str) -> None:
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise FileFormatError(f"{where} has shape {tuple(matrix.shape)}; a matrix is needed")
    if not matrix.dtype.is_floating_point:
        raise FileFormatError(f"{where} is of type {matrix.dtype}; floating numbers are needed")
    bad = int((~torch.isfinite(matrix)).sum())
    if bad:
        raise FileFormatError(
            f"{where} has {bad} entries that are NaN or infinite; mend them first"
        )


def _chain(layers: list[StackedLinear], path: Path, *, outputs_are_hidden: bool) -> Network:
    summed = outputs_are_hidden and layers[-1].out_features > 1
    try:
        with warnings.catch_warnings():
            return Network(layers, "sum" if summed else "linear")
    except ShapeError as error:
        raise FileFormatError(f"{path}: {error}") from error
