"""Parameters and inputs as a function of a tensor's name and an element's position, the same in every language.

A module for make_goldens.py; nothing to run. Element i (row-major, in torch's layout) of the tensor `name` is made of
u = mix(fnv1a32(name) + i * 0x9E3779B1) / 2^32 in [0, 1), where mix is the finalizer of MurmurHash3 and all integers are
modulo 2^32. Fixtures so need no weights: the TypeScript side computes them.
"""

import math

import numpy as np
import torch
from torch import nn


def fnv1a32(text: str) -> int:
    """FNV-1a of the text's UTF-8 bytes."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def uniform(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """u of every element, float64 and exact: 32 bits fit its significand."""
    # Arrays of uint32 wrap silently, which is the arithmetic wanted.
    x = np.arange(math.prod(shape), dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(fnv1a32(name))
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> np.uint32(16)
    return (x.astype(np.float64) / 2.0**32).reshape(shape)


def _values(name: str, shape: tuple[int, ...], is_norm: bool) -> np.ndarray:
    """float64 values of one parameter.

    One set of constants serves all architectures: larger weights of norms let the residual sums of ResNet-101 grow past
    float32's use, smaller ones let the images fade out of EfficientNet's logits. Biases are positive for the same reason:
    convolutions have them in squeeze-and-excitation alone, where they keep the gates open.
    """
    u = uniform(name, shape)
    part = name.rsplit(".", 1)[-1]
    if part == "running_mean":
        return (u - 0.5) * 0.5
    if part == "running_var":
        return 0.5 + 1.5 * u
    if is_norm:
        return 0.5 + 0.7 * u if part == "weight" else u - 0.5
    if part == "weight":
        return (2 * u - 1) * math.sqrt(3) * math.sqrt(2 / math.prod(shape[1:]))
    return 3 * u


def fill(model: nn.Module) -> None:
    """Replaces every parameter and running moment; values are computed in float64 and rounded to float32 once."""
    norms = {name for name, module in model.named_modules() if isinstance(module, nn.BatchNorm2d)}
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            owner = name.rpartition(".")[0]
            if not name.endswith("num_batches_tracked"):
                tensor.copy_(torch.from_numpy(_values(name, tuple(tensor.shape), owner in norms).astype(np.float32)))


def images(name: str, batch: int, channels: int, height: int, width: int) -> torch.Tensor:
    """Normalised images [n, c, h, w] of float32."""
    values = (uniform(name, (batch, channels, height, width)) - 0.5) * 4
    return torch.from_numpy(values.astype(np.float32))


def labels(batch: int, classes: int) -> torch.Tensor:
    return torch.arange(batch) % classes
