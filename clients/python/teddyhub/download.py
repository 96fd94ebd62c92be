"""Files of a set on disk: whole and verified under their names, or to be gone on with."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import threading
import uuid
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
    import msvcrt

_CHUNK = 1 << 20

Progress = Callable[[str, int, int], None]
"""Is told a file's path, how many of its bytes are here, and how many there are."""


_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}
_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}
# Of this process alone, wherever it runs: containers that share a folder all have the process id 1.
_OWN = uuid.uuid4().hex[:12]


def own_name(path: Path) -> Path:
    """A name beside `path` that nobody else has, in whatever process or thread."""
    return path.with_name(f".{path.name}.{_OWN}-{os.getpid()}-{threading.get_ident()}.part")


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """One process at a time: of the many of a training job, one fetches and the others find what it fetched. Yields whether it
    is so: it is not in a folder that can only be read, which is no matter while all is there, nor where the file system has no
    locks."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, str(folder)) from None
    try:
        file = open(folder / ".lock", "ab")
    except OSError as error:
        if error.errno not in _READ_ONLY:
            raise disk_error(error, str(folder)) from None
        yield False
        return
    with file:
        try:
            alone = _lock(file.fileno())
        except OSError as error:
            raise disk_error(error, str(folder)) from None
        yield alone


def _lock(file: int) -> bool:
    """Waits until nobody else has it. False where the file system has no locks."""
    while True:
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
            else:
                msvcrt.locking(file, msvcrt.LK_LOCK, 1)
            return True
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return False
            # What Windows says after ten seconds of waiting.
            if fcntl is not None or error.errno != errno.EDEADLK:
                raise


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


def fetch(remote: Remote, folder: Path, files: list[File], progress: Progress | None, alone: bool = True) -> None:
    """Fetches files into `folder`; where others may do the same at once (not `alone`), beside them. Raises STORAGE_FULL, before it begins where the disk says so; OBJECT_CORRUPT, which names
    the file; and what Remote raises."""
    try:
        needed = sum(file.size - _size(_partial(folder, file, alone)) for file in files)
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
        _fetch_one(remote, folder / file.path, _partial(folder, file, alone), file, progress or (lambda *_: None))


def write_whole(path: Path, content: bytes) -> None:
    partial = own_name(path)
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise disk_error(error, str(path)) from None


def _fetch_one(remote: Remote, path: Path, partial: Path, file: File, progress: Progress) -> None:
    found = ""
    # A second copy tells an accident on the way from a damaged object.
    for _ in range(2):
        try:
            partial.parent.mkdir(parents=True, exist_ok=True)
            _receive(remote, partial, file, progress)
            found = digest_of(partial)
            if found == file.digest:
                os.replace(partial, path)
                return
            partial.unlink()
        except OSError as error:
            raise disk_error(error, str(path)) from None
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


def _partial(folder: Path, file: File, alone: bool) -> Path:
    path = folder / file.path
    return path.with_name(f".{path.name}.part") if alone else own_name(path)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
