import errno
import os
import zipfile
from pathlib import Path

import pytest

from sta.errors import FileFormatError, StaError
from sta.files import check_archive, readable, remove_temporaries, write_atomically, write_bytes


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "result"
    write_bytes(path, b"old")

    def fill_the_disk(file):
        file.write(b"half of the ne")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(StaError, match=r"result.*No space left"):
        write_atomically(path, fill_the_disk, overwrite=True)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_existing_file_is_kept_unless_told(tmp_path):
    path = tmp_path / "result"
    write_bytes(path, b"old")
    with pytest.raises(StaError, match="exists already"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    write_bytes(path, b"new", overwrite=True)
    assert path.read_bytes() == b"new"


def test_the_file_is_synced_before_it_is_renamed(tmp_path, monkeypatch):
    events = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (events.append("sync"), fsync(fd)))
    monkeypatch.setattr(
        Path, "replace", lambda self, to: (events.append("rename"), replace(self, to))
    )
    write_bytes(tmp_path / "result", b"x")
    assert events[:2] == ["sync", "rename"]


def test_other_errors_pass_and_leave_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError):
        write_atomically(tmp_path / "result", lambda _: 1 / 0)
    assert not list(tmp_path.iterdir())


def test_left_over_temporaries_are_removed(tmp_path):
    (tmp_path / ".0001.pt.abc.sta-tmp").write_bytes(b"half")
    (tmp_path / "0001.pt").write_bytes(b"whole")
    remove_temporaries(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["0001.pt"]


def test_an_archive_that_would_unpack_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("sta.files.LARGEST_FILE", 10_000)
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w1.npy", b"\0" * 1_000_000)
    assert path.stat().st_size < 10_000
    with pytest.raises(FileFormatError, match="1000000 bytes"):
        check_archive(path)


def test_what_cannot_be_read_says_so(tmp_path):
    with pytest.raises(FileFormatError, match="does not exist"), readable(tmp_path / "none"):
        pass
    with pytest.raises(FileFormatError, match="not a file"), readable(tmp_path):
        pass
