"""Replay of FKD labels: every stored view is a sample of its own, so they can be cut into batches of any size.

A stored view names the sample it shows, its crop and flip, and its partner: another view of the batch that it was labelled
in, with which CutMix or MixUp has mixed it. So a view is rendered from the set's images and the label files alone. Batch i
of size n holds the views i n to (i + 1) n - 1 of the endless repetition of the stored ones: the same pixels and logits,
whatever process makes it, and with the size that the labels were made with, the very batches that the ensemble saw.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .errors import TeddyhubError
from .manifest import Manifest
from .safetensors import read_safetensors
from .views import crop, fractions, mix, resize

# The least float16: what stands for a logit that was not stored. Its probability is 0.
_DROPPED = np.float16(-65504)

# Each holds a file descriptor, of which a process may have 256 on some systems; a set may have thousands of label files.
_MAPPED_FILES = 32


class Batch(NamedTuple):
    """Views with their labels: arrays here, tensors out of a loader."""

    images: np.ndarray
    """float32 [n, channels, height, width], normalised"""
    logits: np.ndarray
    """float32 [n, classes]: the ensemble's, before temperature and softmax. Of a set that keeps only the largest, the others are
    -65504, whose probability is 0: a loss of probabilities, like KL, can use them, one of the logits themselves cannot."""
    labels: np.ndarray
    """int64 [n]: the class of what the view shows"""
    partner_labels: np.ndarray
    """int64 [n]: the class of what is mixed in"""
    own_share: np.ndarray
    """float32 [n]: how much of the view is its own"""


class _LabelFile:
    """The labels of S training steps of B views (docs/formats.md)."""

    def __init__(self, path: Path, classes: int, samples: int):
        tensors, metadata = read_safetensors(path)
        try:
            if (metadata.get("format"), metadata.get("version")) != ("teddyhub-fkd", "1"):
                raise ValueError("it is of a version that this client does not read: install clients/python of a newer Teddyhub")
            self.first_step = int(metadata["first_step"])
            self.sample, self.box, self.flip = tensors["sample"], tensors["box"], tensors["flip"]
            self.partner, self.mix_box, self.share = tensors["partner"], tensors["mix_box"], tensors["lambda"]
            self._logits, self._classes = tensors["logits"], tensors.get("classes")
            self.steps, self.batch = self.sample.shape
            self._check(classes, samples)
        except (KeyError, ValueError) as error:
            raise TeddyhubError("OBJECT_CORRUPT", f"{path} is not an FKD label file: {error}.") from None
        self._class_count = classes

    def _check(self, classes: int, samples: int) -> None:
        views = (self.steps, self.batch)
        kept = self._logits.shape[-1]
        shapes = [
            (self.box, (*views, 4)),
            (self.flip, views),
            (self.partner, views),
            (self.mix_box, (self.steps, 4)),
            (self.share, (self.steps,)),
            (self._logits, (*views, classes if self._classes is None else kept)),
        ]
        if self._classes is not None:
            shapes.append((self._classes, (*views, kept)))
        if any(tensor.shape != shape for tensor, shape in shapes):
            raise ValueError("its tensors have other shapes than the set's")
        bounds = [(self.sample, samples), (self.partner, self.batch)]
        if self._classes is not None:
            bounds.append((self._classes, classes))
        if any(tensor.size and not 0 <= tensor.min() <= tensor.max() < bound for tensor, bound in bounds):
            raise ValueError("it names samples, partners or classes that the set does not have")

    def logits(self, step: int, position: int) -> np.ndarray:
        """float32 [classes]"""
        stored = self._logits[step, position]
        if self._classes is None:
            return stored.astype(np.float32)
        dense = np.full(self._class_count, _DROPPED, np.float32)
        dense[self._classes[step, position]] = stored
        return dense


class _FileAbout(NamedTuple):
    first_step: int
    steps: int
    batch: int
    path: Path


class Replay:
    """The stored views of a set, in their order. Safe to use from many processes and threads at once."""

    def __init__(self, manifest: Manifest, images: np.ndarray, labels: np.ndarray, paths: Sequence[Path]):
        self._parts = (manifest, images, labels, paths)

        def map_file(path: Path) -> _LabelFile:
            return _LabelFile(path, len(manifest.class_names), manifest.sample_count)

        # Every one is checked here, and mapped again when its views are wanted.
        files = [_FileAbout(file.first_step, file.steps, file.batch, path) for path in paths for file in [map_file(path)]]
        files = [file for file in sorted(files) if file.steps * file.batch > 0]
        if not files:
            raise TeddyhubError("INVALID_INPUT", "The set has no FKD labels here: load it with labels='FKD'.")
        self._files = files
        self._mapped = lru_cache(_MAPPED_FILES)(lambda place: map_file(files[place].path))
        self._images, self._labels = images, labels
        self._height, self._width, _ = manifest.full_image_shape
        self._mean, self._std = (np.array(values, np.float32) for values in (manifest.mean, manifest.std))
        self._starts = np.cumsum([0, *(file.steps * file.batch for file in files)])

    def __reduce__(self) -> tuple[Any, ...]:
        return Replay, self._parts

    @property
    def stored_batch_size(self) -> int:
        """The batch size that the labels were made with."""
        return self._files[0].batch

    def __len__(self) -> int:
        """How many views are stored."""
        return int(self._starts[-1])

    def batch(self, index: int, size: int) -> Batch:
        """Batch `index`, from 0, of `size` views."""
        made: dict[tuple[int, int, int], np.ndarray] = {}

        def view(file: int, step: int, position: int) -> np.ndarray:
            # In a batch, most partners of views are views themselves.
            place = (file, step, position)
            if place not in made:
                made[place] = self._view(*place)
            return made[place]

        images, logits, labels, partners, shares = [], [], [], [], []
        for number in range(index * size, (index + 1) * size):
            place, step, position = self._place(number % len(self))
            file = self._mapped(place)
            partner, share = int(file.partner[step, position]), np.float32(file.share[step])
            own = view(place, step, position)
            other = own if share == 1 else view(place, step, partner)
            images.append(mix(own, other, file.mix_box[step], float(share)))
            logits.append(file.logits(step, position))
            labels.append(self._labels[file.sample[step, position]])
            partners.append(self._labels[file.sample[step, partner]])
            shares.append(share)
        normalized = (np.stack(images) - self._mean) / self._std
        return Batch(
            np.ascontiguousarray(normalized.transpose(0, 3, 1, 2)),
            np.stack(logits),
            np.array(labels, np.int64),
            np.array(partners, np.int64),
            np.array(shares, np.float32),
        )

    def _place(self, view: int) -> tuple[int, int, int]:
        """File, step in it and position in the batch of a stored view."""
        file = bisect_right(self._starts, view) - 1
        step, position = divmod(view - int(self._starts[file]), self._files[file].batch)
        return file, step, position

    def _view(self, place: int, step: int, position: int) -> np.ndarray:
        """float32 [height, width, channels], before mixing and normalisation."""
        file = self._mapped(place)
        image = resize(fractions(self._images[file.sample[step, position]]), self._height, self._width)
        return crop(image, file.box[step, position], bool(file.flip[step, position]))
