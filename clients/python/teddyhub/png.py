"""8-bit PNG files, grey or RGB, many of one shape at once: the pixels of all of them are reconstructed together, which makes
plain NumPy about as fast as a compiled decoder on small images (https://www.w3.org/TR/png-3/)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Colour types: grey, RGB.
_CHANNELS = {0: 1, 2: 3}


def decode_pngs(files: Sequence[bytes], shape: tuple[int, int, int]) -> np.ndarray:
    """uint8 [files, height, width, channels]. Raises ValueError, which names the file by its position, on anything that is
    not a PNG of this shape."""
    height, width, channels = shape
    lines = np.empty((len(files), height, 1 + width * channels), np.uint8)
    for position, file in enumerate(files):
        try:
            lines[position] = np.frombuffer(_scanlines(file, shape), np.uint8).reshape(lines.shape[1:])
        except (ValueError, struct.error, zlib.error) as error:
            raise ValueError(f"image {position} is not a PNG of {height}x{width}x{channels}: {error}") from None
    return _reconstruct(lines, channels).reshape(len(files), *shape)


def _scanlines(file: bytes, shape: tuple[int, int, int]) -> bytes:
    """The filtered scanlines, each behind the byte of its filter."""
    if not file.startswith(_SIGNATURE):
        raise ValueError("it has another signature")
    height, width, channels = shape
    data: list[bytes] = []
    for kind, content in _chunks(file):
        if kind == b"IHDR":
            found_width, found_height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", content)
            if (found_height, found_width, _CHANNELS.get(colour), depth, interlace) != (height, width, channels, 8, 0):
                raise ValueError("it has another size, depth or colour type")
        elif kind == b"IDAT":
            data.append(content)
    size = height * (1 + width * channels)
    # No more than is expected: a small file may unpack to any size.
    unpacked = zlib.decompressobj().decompress(b"".join(data), size + 1)
    if len(unpacked) != size:
        raise ValueError("it has not as many pixels as its header says")
    return unpacked


def _chunks(file: bytes):
    position = len(_SIGNATURE)
    kind = b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", file, position)
        content = file[position + 8 : position + 8 + length]
        (checksum,) = struct.unpack_from(">I", file, position + 8 + length)
        if zlib.crc32(kind + content) != checksum:
            raise ValueError("a checksum does not hold")
        yield kind, content
        position += 12 + length


def _reconstruct(lines: np.ndarray, channels: int) -> np.ndarray:
    """Undoes the filters of scanlines [n, height, 1 + width * channels], row by row for all images. uint8 arithmetic wraps,
    as the format wants it."""
    count, height, _ = lines.shape
    pixels = lines[:, :, 1:].reshape(count, height, -1, channels).copy()
    above = np.zeros_like(pixels[:, 0])
    for y in range(height):
        filters = lines[:, y, 0]
        for kind in np.unique(filters):
            if kind != 0:
                rows = np.flatnonzero(filters == kind)
                pixels[rows, y] = _unfilter(int(kind), pixels[rows, y], above[rows])
        above = pixels[:, y]
    return pixels


def _unfilter(kind: int, line: np.ndarray, above: np.ndarray) -> np.ndarray:
    """One line [n, width, channels] of filter 1 to 4, under the line `above`."""
    if kind == 1:
        return np.cumsum(line, axis=1, dtype=np.uint8)
    if kind == 2:
        return line + above
    if kind not in (3, 4):
        raise ValueError(f"there is no PNG filter {kind}")
    left = np.zeros_like(line[:, 0], np.int16)
    corner = left
    for x in range(line.shape[1]):
        up = above[:, x].astype(np.int16)
        predicted = (left + up) >> 1 if kind == 3 else _paeth(left, up, corner)
        line[:, x] += predicted.astype(np.uint8)
        left, corner = line[:, x].astype(np.int16), up
    return line


def _paeth(left: np.ndarray, up: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """Of the three, the nearest to left + up - corner; of equals, the first."""
    to_left, to_up = np.abs(up - corner), np.abs(left - corner)
    to_corner = np.abs(left + up - 2 * corner)
    nearest = np.where(to_up <= to_corner, up, corner)
    return np.where((to_left <= to_up) & (to_left <= to_corner), left, nearest)
