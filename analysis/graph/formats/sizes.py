"""How large a file of a graph may be; what is written can be read again."""

from __future__ import annotations

from pathlib import Path

from sta import files
from sta.errors import FileFormatError, StaError

__all__ = ["check_read", "check_written"]


def check_written(path: Path, size: int) -> None:
    """Raise StaError if a file would take more bytes than are read back."""
    if size > files.LARGEST_FILE:
        raise StaError(
            f"{path} would take {size} bytes, and at most {files.LARGEST_FILE} are read back; "
            "prune the graph, or give its layers as scipy.sparse arrays and write npz"
        )


def check_read(path: Path, size: int) -> None:
    """Raise FileFormatError if a file would unpack to more bytes than are read."""
    if size > files.LARGEST_FILE:
        raise FileFormatError(f"{path} would unpack to {size} bytes; at most {files.LARGEST_FILE}")
