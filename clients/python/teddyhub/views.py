"""Rendering of views: what a student saw when the ensemble labelled it (docs/formats.md, FKD labels)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class _Taps:
    """Along one axis, each result is `low * (1 - weight) + high * weight` of two positions of the source, or 0."""

    low: np.ndarray
    high: np.ndarray
    weight: np.ndarray
    outside: np.ndarray


def _taps(positions: np.ndarray, length: int) -> _Taps:
    outside = (positions < 0) | (positions > length - 1)
    inside = np.where(outside, 0, positions)
    low = np.floor(inside)
    return _Taps(low.astype(np.intp), np.ceil(inside).astype(np.intp), inside - low, outside)


def _interpolate(image: np.ndarray, taps: _Taps, axis: int) -> np.ndarray:
    """float32 [height, width, channels] along its axis 0 or 1."""
    over = (slice(None), None, None) if axis == 0 else (None, slice(None), None)
    low = image.take(taps.low, axis)
    result = low + (image.take(taps.high, axis) - low) * taps.weight[over]
    if taps.outside.any():
        result[taps.outside if axis == 0 else (slice(None), taps.outside)] = 0
    return result


def _crop_positions(begin: np.float32, end: np.float32, length: int) -> np.ndarray:
    """Where in the source the rows (or columns) of a view of the same `length` lie. In the order of rounding of TensorFlow's
    CropAndResize in float32: what falls outside by a rounding error does so there and here."""
    span = max(1, length - 1)
    first, last = np.float32(np.float64(begin) / span), np.float32(np.float64(end) / span)
    if length == 1:
        return np.array([np.float32(0.5) * (first + last) * np.float32(0)], np.float32)
    step = (last - first) * np.float32(length - 1) / np.float32(length - 1)
    return first * np.float32(length - 1) + np.arange(length, dtype=np.float32) * step


def resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear, with half-pixel centres and no antialiasing; float32 [height, width, channels]."""
    for axis, length in ((1, width), (0, height)):
        stored = image.shape[axis]
        if stored != length:
            positions = (np.arange(length, dtype=np.float32) + np.float32(0.5)) * np.float32(stored / length)
            image = _interpolate(image, _taps(np.clip(positions - np.float32(0.5), 0, stored - 1), stored), axis)
    return image


def crop(image: np.ndarray, box: np.ndarray, flip: bool) -> np.ndarray:
    """The view of `box`: y1, x1, y2, x2 are where, in pixels, the centres of its first and last rows and columns lie. It has
    the size of the image, is 0 outside of it, and is mirrored left to right where `flip` says so."""
    height, width, _ = image.shape
    y1, x1, y2, x2 = box
    left, right = (x2, x1) if flip else (x1, x2)
    across = _interpolate(image, _taps(_crop_positions(left, right, width), width), 1)
    return _interpolate(across, _taps(_crop_positions(y1, y2, height), height), 0)


def mix(own: np.ndarray, partner: np.ndarray, box: np.ndarray, share: float) -> np.ndarray:
    """CutMix: the partner's view fills the box (top, left, bottom, right). Where the box is empty, MixUp: `share` of one's
    own, the rest of the partner's."""
    top, left, bottom, right = box
    if bottom > top and right > left:
        mixed = own.copy()
        mixed[top:bottom, left:right] = partner[top:bottom, left:right]
        return mixed
    return own if share == 1 else own + (partner - own) * np.float32(1 - share)


def fractions(pixels: np.ndarray) -> np.ndarray:
    """uint8 pixels as float32, scaled to [0, 1]."""
    return pixels.astype(np.float32) / np.float32(255)
