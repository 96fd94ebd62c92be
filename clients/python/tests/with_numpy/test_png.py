"""PNG files of any filter, written here by the specification."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from teddyhub.png import decode_pngs


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(lines: bytes, shape, colour: int | None = None, depth: int = 8) -> bytes:
    height, width, channels = shape
    colour = {1: 0, 3: 2}[channels] if colour is None else colour
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    packed = zlib.compress(lines)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", packed[:5]), chunk(b"IDAT", packed[5:]), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def filtered(image: np.ndarray, filters: list[int]) -> bytes:
    """Pixel by pixel, as the specification defines the filters."""
    height, width, channels = image.shape
    at = lambda y, x, c: int(image[y, x, c]) if y >= 0 and x >= 0 else 0  # noqa: E731
    lines = bytearray()
    for y in range(height):
        lines.append(filters[y])
        for x in range(width):
            for c in range(channels):
                left, up, corner = at(y, x - 1, c), at(y - 1, x, c), at(y - 1, x - 1, c)
                estimate = left + up - corner
                paeth = min((left, up, corner), key=lambda v: abs(estimate - v))
                predicted = [0, left, up, (left + up) // 2, paeth][filters[y]]
                lines.append((at(y, x, c) - predicted) % 256)
    return bytes(lines)


@pytest.mark.parametrize("channels", [1, 3])
def test_reads_every_filter_in_any_mixture(channels):
    shape = (7, 5, channels)
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (20, *shape), np.uint8)
    files = [png(filtered(image, random.integers(0, 5, 7).tolist()), shape) for image in images]
    np.testing.assert_array_equal(decode_pngs(files, shape), images)


def test_names_the_image_that_it_cannot_read():
    shape = (2, 2, 1)
    good = png(bytes(6), shape)
    for bad in [
        b"",
        good[:-20],
        good.replace(b"IHDR", b"IHDS"),
        png(bytes(5), shape),
        png(bytes(7), shape),
        png(bytes(6), (2, 2, 1), colour=3),
        png(bytes(6), (2, 2, 1), depth=4),
        png(b"\x05" + bytes(5), shape),
        png(bytes(10**6), shape),
        good[:47] + bytes([good[47] ^ 1]) + good[48:],
    ]:
        with pytest.raises(ValueError, match="image 1 is not a PNG of 2x2x1|no PNG filter"):
            decode_pngs([good, bad], shape)
