"""Files that are never half-written, and archives whose sizes are checked before reading."""

from __future__ import annotations

import contextlib
import hashlib
import io
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
SEAL = b"sta-sha256:"


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


def sealed(write: Callable[[BinaryIO], object]) -> bytes:
    """Return the zip archive that `write` writes, with its SHA-256 as the archive's comment.

    Every program reads it as before; `check_seal` notices a single changed bit.
    """
    buffer = io.BytesIO()
    write(buffer)
    content = bytearray(buffer.getvalue())
    content[-2:] = (len(SEAL) + 64).to_bytes(2, "little")
    return bytes(content) + SEAL + hashlib.sha256(content).hexdigest().encode()


def check_seal(path: Path) -> None:
    """Check the seal of an archive; one that was written without passes.

    Raises
    ------
    FileFormatError
        If the file has changed since it was written.
    """
    with readable(path):
        content = path.read_bytes()
    length = len(SEAL) + 64
    # The archive's last record has 22 bytes and says at its end how long the comment is. Where it
    # is not found there is another's comment, or no archive, which is for its reader to say.
    start = content.rfind(b"PK\5\6", max(0, len(content) - 22 - length))
    body, comment = content[: start + 22], content[start + 22 :]
    intact = start < 0 or int.from_bytes(body[-2:], "little") == len(comment)
    if start >= 0 and intact and len(comment) == length:
        intact = comment == SEAL + hashlib.sha256(body).hexdigest().encode()
    if not intact:
        raise FileFormatError(f"{path} is damaged: its checksum is not that of its content")


@contextlib.contextmanager
def locked(
    folder: Path, name: str = LOCK_NAME, *, shared: bool = False, wait: bool = False
) -> Iterator[None]:
    """Keep other processes out of a folder; the lock frees itself when its owner dies.

    Parameters
    ----------
    folder : Path
        Made if need be.
    name : str
        Of the lock: those of different names do not exclude each other.
    shared : bool
        Whether other holders of a shared lock are let in.
    wait : bool
        Whether to wait for whoever holds the lock.

    Raises
    ------
    StaError
        If another process holds the lock, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / name).open("a")
    except OSError as error:
        raise StaError(f"cannot write into {folder}: {error.strerror or error}") from error
    with file:
        try:
            if fcntl is not None:
                how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
                fcntl.flock(file, how if wait else how | fcntl.LOCK_NB)
        except OSError as error:
            raise StaError(
                f"another process works in {folder}; wait for it or choose another folder"
            ) from error
        yield


def is_internal(path: Path) -> bool:
    """Return whether a file is a lock or the remains of a killed writer."""
    return path.name.startswith(LOCK_NAME) or path.name.endswith(TEMPORARY_SUFFIX)


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
