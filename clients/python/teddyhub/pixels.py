"""The images of a set, unpacked once from its shards into a file that all processes of a machine map."""

from __future__ import annotations

import contextlib
import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from .download import digest_of, locked, own_name
from .errors import TeddyhubError, disk_error
from .manifest import Manifest
from .png import decode_pngs

_IMAGES, _LABELS, _DIGESTS = "images.npy", "labels.npy", "digests"


def unpack(manifest: Manifest, folder: Path, cache: Path) -> Path:
    """The folder of the unpacked images of the set in `folder`, below `cache`; made unless it is there, intact. Raises
    OBJECT_CORRUPT, which names the shard; STORAGE_FULL."""
    unpacked = cache / "unpacked" / manifest.digest.removeprefix("sha256:")
    with locked(unpacked):
        if not _is_intact(unpacked):
            try:
                _write(manifest, folder, unpacked)
            except OSError as error:
                shutil.rmtree(unpacked, ignore_errors=True)
                raise disk_error(error, str(unpacked)) from None
    return unpacked


def open_images(unpacked: Path) -> tuple[np.ndarray, np.ndarray]:
    """uint8 [samples, height, width, channels], mapped from the file and read-only; int64 [samples]."""
    return np.load(unpacked / _IMAGES, mmap_mode="r"), np.load(unpacked / _LABELS)


def _is_intact(unpacked: Path) -> bool:
    try:
        return (unpacked / _DIGESTS).read_text() == _digests(unpacked)
    except OSError:
        return False


def _digests(unpacked: Path) -> str:
    return f"{digest_of(unpacked / _IMAGES)}\n{digest_of(unpacked / _LABELS)}\n"


def _write(manifest: Manifest, folder: Path, unpacked: Path) -> None:
    (unpacked / _DIGESTS).unlink(missing_ok=True)
    labels: list[int] = []
    # Written, not mapped: a mapped page that finds no room on the disk ends the process. And beside the file that another process
    # may have mapped, which ends with it where it becomes shorter.
    with _replacing(unpacked / _IMAGES) as sink:
        shape = (manifest.sample_count, *manifest.image_shape)
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(sink, header)
        for shard, samples in zip(manifest.shards, manifest.shard_samples):
            path = folder / shard.path
            try:
                images, classes = _read_shard(path, len(labels), samples, manifest)
            except (ValueError, tarfile.TarError) as error:
                raise TeddyhubError("OBJECT_CORRUPT", f"{path}: {error}; publish the set again.") from None
            labels += classes
            sink.write(images.tobytes())
        if len(labels) != manifest.sample_count:
            raise TeddyhubError(
                "OBJECT_CORRUPT", f"The shards hold {len(labels)} samples, the manifest says {manifest.sample_count}."
            )
    with _replacing(unpacked / _LABELS) as sink:
        np.save(sink, np.array(labels, np.int64))
    # Last: an interrupted unpacking has none.
    with _replacing(unpacked / _DIGESTS) as sink:
        sink.write(_digests(unpacked).encode())


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` once it is whole."""
    partial = own_name(path)
    try:
        with open(partial, "wb") as sink:
            yield sink
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _read_shard(path: Path, first: int, samples: int, manifest: Manifest) -> tuple[np.ndarray, list[int]]:
    """Images and classes of one WebDataset tar, whose keys count the samples of the set from `first` on."""
    pngs: dict[int, bytes] = {}
    classes: dict[int, int] = {}
    with tarfile.open(path, "r:") as tar:
        for member in tar:
            key, _, extension = member.name.partition(".")
            content = tar.extractfile(member)
            if content is not None and extension == "png":
                pngs[int(key)] = content.read()
            elif content is not None and extension == "cls":
                classes[int(key)] = int(content.read())
    order = range(first, first + samples)
    if sorted(pngs) != list(order) or sorted(classes) != list(order):
        raise ValueError(f"it does not hold an image and a class of each of the samples {first} to {first + samples - 1}")
    if not all(0 <= label < len(manifest.class_names) for label in classes.values()):
        raise ValueError("it names a class that the manifest does not have")
    return decode_pngs([pngs[key] for key in order], manifest.image_shape), [classes[key] for key in order]
