"""A set on this machine, and how it gets here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Literal
from urllib.parse import urlsplit

import numpy as np

from .download import Progress, fetch, is_intact, locked, write_whole
from .errors import TeddyhubError
from .manifest import Manifest, parse_manifest, uuid_of
from .pixels import open_images, unpack
from .remote import Remote
from .replay import Batch, Replay
from .safetensors import read_safetensors
from .services import service_urls

if TYPE_CHECKING:
    import torch

    from .pytorch import SetImages

Mode = Literal["STATIC", "FKD"]
MODES: tuple[Mode, ...] = ("STATIC", "FKD")

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class DistilledSet:
    """A verified set: its images, classes and labels.

    Arrays are mapped from files, so any number of processes on a machine hold them once. A set can be sent to another
    process: it goes as the paths of its files.
    """

    def __init__(self, manifest: Manifest, folder: Path, unpacked: Path, modes: tuple[str, ...]):
        self._parts = (manifest, folder, unpacked, modes)
        self._manifest = manifest
        self.folder = folder
        """Where the files lie: `webdataset` and the like can read `folder / "shards"`."""
        self.images, self.labels = open_images(unpacked)
        """uint8 [samples, height, width, channels] as stored, and int64 [samples] class indices"""
        self._replay: Replay | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return DistilledSet, self._parts

    def __len__(self) -> int:
        return self._manifest.sample_count

    def __repr__(self) -> str:
        height, width, channels = self._manifest.full_image_shape
        return (
            f"<teddyhub.DistilledSet {self._manifest.name!r} {self.id}: {len(self)} samples of {len(self.class_names)} "
            f"classes, {height}x{width}x{channels}>"
        )

    @property
    def id(self) -> str:
        """The set's UUID."""
        return self._manifest.id

    @property
    def name(self) -> str:
        return self._manifest.name

    @property
    def digest(self) -> str:
        """Of the content: equal sets have equal ones."""
        return self._manifest.digest

    @property
    def manifest(self) -> dict[str, Any]:
        """manifest.json (docs/formats.md)."""
        return self._manifest.raw

    @property
    def class_names(self) -> list[str]:
        """Position is class index."""
        return self._manifest.class_names

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the full image: what networks are trained on."""
        return self._manifest.full_image_shape

    @property
    def mean(self) -> list[float]:
        """Mean of each channel over the training images, for pixel values scaled to [0, 1]."""
        return self._manifest.mean

    @property
    def std(self) -> list[float]:
        """Standard deviation of each channel over the training images, for pixel values scaled to [0, 1]."""
        return self._manifest.std

    @property
    def recipe(self) -> dict[str, Any]:
        """How the set's own evaluation trains students by default."""
        return self._manifest.raw["recipe"]

    @property
    def static_logits(self) -> np.ndarray:
        """float16 [samples, classes]: the ensemble's, averaged over views, before temperature and softmax."""
        for path in self._label_paths("STATIC"):
            logits = read_safetensors(path)[0].get("logits")
            if logits is None or logits.shape != (len(self), len(self.class_names)):
                raise TeddyhubError("OBJECT_CORRUPT", f"{path} does not hold the logits of {len(self)} samples.")
            return logits
        raise TeddyhubError("INVALID_INPUT", "The set has no STATIC labels here: load it with labels='STATIC'.")

    @property
    def replay(self) -> Replay:
        """The FKD labels: views of the images, each with the ensemble's logits."""
        if self._replay is None:
            self._replay = Replay(self._manifest, self.images, self.labels, self._label_paths("FKD"))
        return self._replay

    def batches(self, batch_size: int | None = None, steps: int | None = None, start: int = 0) -> Iterator[Batch]:
        """Batches of FKD labels as NumPy arrays: those of steps `start` to `steps` - 1, of any size (default: the size that
        they were labelled in). `steps` is by default what goes through all stored views once."""
        size, steps = self._plan(batch_size, steps, start)
        return (self.replay.batch(step, size) for step in range(start, steps))

    def torch_dataset(
        self, labels: Literal["HARD", "STATIC"] = "HARD", transform: Callable[[torch.Tensor], torch.Tensor] | None = None
    ) -> SetImages:
        """A map-style `torch.utils.data.Dataset` of (image, label). The image is float32 [channels, height, width], resized
        to the full size and normalised; `transform` is applied in between, to fractions from 0 to 1. The label is the class
        index, or with STATIC the logits, float32 [classes]."""
        from .pytorch import SetImages

        return SetImages(self, labels, transform)

    def torch_loader(
        self,
        batch_size: int | None = None,
        steps: int | None = None,
        start: int = 0,
        *,
        rank: int = 0,
        world_size: int = 1,
        **options: Any,
    ) -> torch.utils.data.DataLoader:
        """A `DataLoader` of `Batch`es of tensors, the same ones as of `batches`, in the same order, however many workers make
        them. `options` are those of DataLoader: `num_workers`, `pin_memory`, `prefetch_factor` ...

        Of `world_size` processes that train one model, each says its `rank`. `batch_size` is then that of each: in every step
        they have, in the order of their ranks, the views of one batch of `world_size` times the size."""
        from .pytorch import replay_loader

        if not 0 <= rank < world_size:
            raise TeddyhubError("INVALID_INPUT", f"rank is from 0 to world_size - 1, not {rank} of {world_size}.")
        size, steps = self._plan(batch_size, steps, start, world_size)
        numbers = range(start * world_size + rank, steps * world_size + rank, world_size)
        return replay_loader(self, size, numbers, options)

    def _plan(self, batch_size: int | None, steps: int | None, start: int, world_size: int = 1) -> tuple[int, int]:
        size = self.replay.stored_batch_size if batch_size is None else batch_size
        if size < 1:
            raise TeddyhubError("INVALID_INPUT", f"A batch has at least one view, not {size}.")
        for name, value in (("start", start), ("steps", steps)):
            if value is not None and value < 0:
                raise TeddyhubError("INVALID_INPUT", f"{name} is a number of steps from 0 on, not {value}.")
        return size, -(-len(self.replay) // (size * world_size)) if steps is None else steps

    def _label_paths(self, mode: Mode) -> list[Path]:
        files = self._manifest.label_files.get(mode, []) if mode in self._parts[3] else []
        return [self.folder / file.path for file in files]


def load(
    set_id: str,
    *,
    url: str | None = None,
    key: str | None = None,
    labels: Mode | tuple[Mode, ...] = MODES,
    cache: str | os.PathLike[str] | None = None,
    retries: int = 5,
    progress: Progress | None = None,
) -> DistilledSet:
    """The published set `set_id` (the id of GraphQL, or the UUID), downloaded unless it is in the cache, and verified.

    url: the service (TEDDYHUB_URL; default the embedded service of this folder, or http://127.0.0.1:4000). key: an API key, or a
    token for the set (TEDDYHUB_KEY; default that of the embedded service).
    labels: which label modes to fetch. cache: the folder to keep sets in (TEDDYHUB_CACHE; default ~/.cache/teddyhub).
    retries: how often in a row a request that brings nothing is tried again, after growing pauses. progress: is called with
    a file's path, its bytes so far and its size.

    A set never changes: one that is in the cache needs no service. An interrupted download goes on where it was. Raises
    TeddyhubError, whose message is one line.
    """
    uuid = uuid_of(set_id)
    modes = _modes(labels)
    root = _cache(cache)
    folder = root / "sets" / uuid
    with locked(folder) as alone:
        kept = _kept_manifest(folder, uuid)
        missing = [] if kept is None else [file for file in kept.files(modes) if not is_intact(folder, file)]
        if kept is None or missing:
            remote = _open_remote(url, key, set_id, retries)
            try:
                content = remote.read("manifest.json")
                kept = parse_manifest(content, uuid)
                lacking = [file for file in kept.files(modes) if not is_intact(folder, file)]
                fetch(remote, folder, lacking, progress, alone)
                write_whole(folder / "manifest.json", content)
            finally:
                remote.close()
    return DistilledSet(kept, folder, unpack(kept, folder, root), modes)


def open_folder(
    folder: str | os.PathLike[str], *, cache: str | os.PathLike[str] | None = None, labels: Mode | tuple[Mode, ...] = MODES
) -> DistilledSet:
    """A set that `teddyhub pull` or anything else has put into `folder`, verified."""
    # Absolute: labels are mapped again later, wherever the process or its workers are by then.
    place, modes = Path(folder).expanduser().absolute(), _modes(labels)
    try:
        content = (place / "manifest.json").read_bytes()
    except OSError:
        raise TeddyhubError("INVALID_INPUT", f"{place} holds no manifest.json: it is not the folder of a set.") from None
    manifest = parse_manifest(content)
    for file in manifest.files(modes):
        if not is_intact(place, file):
            raise TeddyhubError(
                "OBJECT_CORRUPT", f"{place / file.path} is missing or was changed: fetch it again (teddyhub pull)."
            )
    return DistilledSet(manifest, place, unpack(manifest, place, _cache(cache)), modes)


def _modes(labels: Any) -> tuple[str, ...]:
    modes = (labels,) if isinstance(labels, str) else tuple(labels)
    if not set(modes) <= set(MODES):
        raise TeddyhubError("INVALID_INPUT", f"labels are STATIC, FKD or both, not {labels!r}.")
    return modes


def _cache(cache: str | os.PathLike[str] | None) -> Path:
    chosen = cache or os.environ.get("TEDDYHUB_CACHE")
    root = Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "teddyhub"
    return root.expanduser().absolute()


def _kept_manifest(folder: Path, uuid: str) -> Manifest | None:
    try:
        return parse_manifest((folder / "manifest.json").read_bytes(), uuid)
    except (OSError, TeddyhubError):
        # Absent or damaged: the service has it.
        return None


def _state_folder() -> Path:
    return Path(os.environ.get("TEDDYHUB_STATE_DIR") or ".teddyhub")


def _open_remote(url: str | None, key: str | None, set_id: str, retries: int) -> Remote:
    where = url or os.environ.get("TEDDYHUB_URL") or next(iter(service_urls(_state_folder())), None) or "http://127.0.0.1:4000"
    secret = key or os.environ.get("TEDDYHUB_KEY") or _embedded_key(where)
    return Remote(where, secret, set_id, retries)


def _embedded_key(url: str) -> str:
    """The key that the embedded service of this folder has left, which no other service is told."""
    try:
        where = urlsplit(url)
        # What stands before an @ is no host: http://127.0.0.1@elsewhere is elsewhere.
        here = where.scheme in ("http", "https") and where.hostname in _LOOPBACK
        known = [urlsplit(own) for own in service_urls(_state_folder())]
        own = any((one.scheme, one.hostname, one.port) == (where.scheme, where.hostname, where.port) for one in known)
        if where.username is None and (own or (here and any(one.port == where.port for one in known))):
            return (_state_folder() / "admin-key").read_text().strip()
    except (OSError, ValueError):
        pass
    raise TeddyhubError("UNAUTHENTICATED", "No API key: give key=, or set TEDDYHUB_KEY, to an API key or a token for the set.")
