"""The safetensors format (https://github.com/huggingface/safetensors#format), read without copying: tensors stay in the file
until they are looked at, and processes that read the same file share its pages."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

from .errors import TeddyhubError

_DTYPES = {"U8": "u1", "I16": "<i2", "I32": "<i4", "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8"}


def read_safetensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Read-only arrays by name, and the file's metadata. Raises OBJECT_CORRUPT, in one line, on what is gone or malformed."""
    try:
        data = np.memmap(path, np.uint8, "r") if path.stat().st_size > 0 else np.empty(0, np.uint8)
        begin = 8 + int.from_bytes(data[:8].tobytes(), "little")
        if len(data) < begin:
            raise ValueError("it is shorter than its header")
        header = json.loads(data[8:begin].tobytes())
        metadata = header.pop("__metadata__", {})
        return {name: _tensor(data[begin:], name, entry) for name, entry in header.items()}, metadata
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TeddyhubError("OBJECT_CORRUPT", f"{path} is not a valid safetensors file: {error}.") from None
    except OSError as error:
        raise TeddyhubError("OBJECT_CORRUPT", f"{path} cannot be read: {error.strerror}.") from None


def _tensor(body: np.ndarray, name: str, entry: dict) -> np.ndarray:
    dtype = np.dtype(_DTYPES[entry["dtype"]])
    start, end = entry["data_offsets"]
    shape = tuple(entry["shape"])
    if not 0 <= start <= end <= len(body) or math.prod(shape) * dtype.itemsize != end - start:
        raise ValueError(f"the bytes of tensor {name} do not fit its shape")
    return body[start:end].view(dtype).reshape(shape)
