"""Files that are never half-written, and archives whose sizes are checked before reading."""

from __future__ import annotations

import contextlib
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from sta.errors import FileFormatError, StaError

try:
    import fcntl
except ImportError:  # not a POSIX system: no lock
    fcntl = None  # type: ignore[assignment]

LARGEST_FILE = 2 * 2**30
TEMPORARY_SUFFIX = ".sta-tmp"
LOCK_NAME = ".lock"


def write_atomically(
    path: Path, write: Callable[[BinaryIO], object], *, overwrite: bool = False
) -> None:
    """Write a file under a temporary name, sync it to the disk, and rename it.

    The destination holds either what it held before or the whole new file, never a part.

    Parameters
    ----------
    path : Path
        Destination; its folder is made if need be.
    write : callable
        Writes the content into the open binary file it is given.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    StaError
        If the file exists and may not be replaced, or the system refuses (disk full, read-only).
    """
    if not overwrite:
        refuse_existing(path)
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(TEMPORARY_SUFFIX, f".{path.name}.", path.parent)
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StaError(
            f"cannot write {path}: {reason}; mend that or choose another place"
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes, *, overwrite: bool = False) -> None:
    """Write bytes atomically; see `write_atomically`."""
    write_atomically(path, lambda file: file.write(content), overwrite=overwrite)


def refuse_existing(path: Path) -> None:
    """Raise StaError if something is at `path` already."""
    if path.exists():
        raise StaError(f"{path} exists already; choose another name or remove it first")


def remove_temporaries(folder: Path) -> None:
    """Remove what killed writers left behind in a folder that nobody else writes into."""
    for path in folder.glob(f".*{TEMPORARY_SUFFIX}"):
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn the system's refusals to read `path` into one-line errors."""
    try:
        if not path.exists():
            raise FileFormatError(f"{path} does not exist; check the name")
        if not path.is_file():
            raise FileFormatError(f"{path} is not a file")
        if path.stat().st_size > LARGEST_FILE:
            raise FileFormatError(f"{path} has {path.stat().st_size} bytes; at most {LARGEST_FILE}")
        yield
    except OSError as error:
        raise FileFormatError(f"cannot read {path}: {error.strerror or error}") from error


def check_archive(path: Path) -> None:
    """Raise FileFormatError if an archive is damaged or would unpack to more than is allowed."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise FileFormatError(
            f"{path} is damaged or not the archive its name says; write it again"
        ) from error
    if unpacked > LARGEST_FILE:
        raise FileFormatError(f"{path} would unpack to {unpacked} bytes; at most {LARGEST_FILE}")


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a second process out of a folder; the lock frees itself when its owner dies.

    Raises
    ------
    StaError
        If another process holds the lock, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK_NAME).open("a")
    except OSError as error:
        raise StaError(f"cannot write into {folder}: {error.strerror or error}") from error
    with file:
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StaError(
                f"another process works in {folder}; wait for it or choose another folder"
            ) from error
        yield


def is_internal(path: Path) -> bool:
    """Return whether a file is a lock or the remains of a killed writer."""
    return path.name == LOCK_NAME or path.name.endswith(TEMPORARY_SUFFIX)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    # Only POSIX systems can open a folder, and only there is it needed for the rename to last.
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
