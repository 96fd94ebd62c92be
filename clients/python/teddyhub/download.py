"""Files of a set on disk: whole and verified under their names, or to be gone on with."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

from .errors import TeddyhubError, disk_error
from .manifest import File
from .remote import Remote, Retriable

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_CHUNK = 1 << 20

Progress = Callable[[str, int, int], None]
"""Is told a file's path, how many of its bytes are here, and how many there are."""


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One process at a time: of the many of a training job, one fetches and the others find what it fetched."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = open(folder / ".lock", "ab")
    except OSError as error:
        raise disk_error(error, str(folder)) from None
    with file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def digest_of(path: Path) -> str:
    """`sha256:` and 64 hex digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return f"sha256:{digest.hexdigest()}"


def is_intact(folder: Path, file: File) -> bool:
    """Whether `file` is there with the bytes of its digest. What cannot be read is as good as absent."""
    path = folder / file.path
    try:
        return path.stat().st_size == file.size and digest_of(path) == file.digest
    except OSError:
        return False


def fetch(remote: Remote, folder: Path, files: list[File], progress: Progress | None) -> None:
    """Fetches files into `folder`. Raises STORAGE_FULL, before it begins where the disk says so; OBJECT_CORRUPT, which names
    the file; and what Remote raises."""
    try:
        needed = sum(file.size - _size(_partial(folder, file)) for file in files)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise disk_error(error, str(folder)) from None
    if needed > free:
        raise TeddyhubError(
            "STORAGE_FULL",
            f"{folder} needs {needed / 1e6:.1f} MB more and its disk has {free / 1e6:.1f} MB: free some space or choose "
            "another cache= (TEDDYHUB_CACHE).",
        )
    for file in files:
        _fetch_one(remote, folder, file, progress or (lambda *_: None))


def write_whole(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise disk_error(error, str(path)) from None


def _fetch_one(remote: Remote, folder: Path, file: File, progress: Progress) -> None:
    partial = _partial(folder, file)
    found = ""
    # A second copy tells an accident on the way from a damaged object.
    for _ in range(2):
        try:
            partial.parent.mkdir(parents=True, exist_ok=True)
            _receive(remote, partial, file, progress)
            found = digest_of(partial)
            if found == file.digest:
                os.replace(partial, folder / file.path)
                return
            partial.unlink()
        except OSError as error:
            raise disk_error(error, str(folder / file.path)) from None
    raise TeddyhubError(
        "OBJECT_CORRUPT",
        f"{file.path} arrived twice with other bytes than the manifest says ({file.digest}, but got {found}): it is refused. "
        "The stored object is damaged: tell who runs the service.",
    )


def _receive(remote: Remote, partial: Path, file: File, progress: Progress) -> None:
    """Goes on with `partial` until it is as long as the file is to be."""

    def attempt(got_ahead: Callable[[], None]) -> None:
        have = _size(partial)
        if have < file.size or (file.size == 0 and not partial.exists()):
            body = remote.open(file.path, have)
            if body.total not in (None, file.size):
                body.close()
                raise TeddyhubError(
                    "OBJECT_CORRUPT",
                    f"{file.path} has {body.total} bytes where it is stored, and {file.size} in the manifest: it is refused. "
                    "Tell who runs the service.",
                )
            with contextlib.closing(body), open(partial, "r+b" if partial.exists() else "wb") as sink:
                sink.seek(body.start)
                sink.truncate()
                for chunk in body.chunks:
                    sink.write(chunk)
                    if sink.tell() > max(have, body.start):
                        got_ahead()
                    progress(file.path, sink.tell(), file.size)
                    if sink.tell() > file.size:
                        break
                sink.flush()
                os.fsync(sink.fileno())
        if _size(partial) < file.size:
            raise Retriable(f"it ended after {_size(partial)} of {file.size} bytes")

    remote.persist(file.path, attempt)


def _partial(folder: Path, file: File) -> Path:
    path = folder / file.path
    return path.with_name(f".{path.name}.part")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
