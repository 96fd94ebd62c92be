"""Sets for PyTorch. Nothing else in this package needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

import numpy as np

try:
    import torch
except ModuleNotFoundError as error:
    # An installed one that does not load says itself why.
    if error.name != "torch":
        raise
    raise ImportError("This part of teddyhub needs PyTorch: pip install torch") from None
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

from .errors import TeddyhubError
from .replay import Batch
from .views import fractions, resize

if TYPE_CHECKING:
    from .distilled_set import DistilledSet


class SetImages(Dataset):
    """`DistilledSet.torch_dataset`."""

    def __init__(
        self, distilled_set: DistilledSet, labels: str, transform: Callable[[torch.Tensor], torch.Tensor] | None
    ):
        if labels not in ("HARD", "STATIC"):
            raise TeddyhubError("INVALID_INPUT", f"labels are HARD or STATIC here, not {labels!r}; for FKD: torch_loader().")
        self._set = distilled_set
        self._logits = distilled_set.static_logits if labels == "STATIC" else None
        self._transform = transform
        self._mean, self._std = (torch.tensor(v).view(-1, 1, 1) for v in (distilled_set.mean, distilled_set.std))

    def __len__(self) -> int:
        return len(self._set)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        height, width, _ = self._set.image_shape
        pixels = resize(fractions(self._set.images[index]), height, width)
        image = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
        if self._transform is not None:
            image = self._transform(image)
        label = self._set.labels[index] if self._logits is None else self._logits[index].astype(np.float32)
        return (image - self._mean) / self._std, torch.as_tensor(label)

    def __getstate__(self) -> dict[str, Any]:
        # The logits are mapped from a file, which another process maps again.
        return {**self.__dict__, "_logits": self._logits is not None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._logits = self._set.static_logits if state["_logits"] else None


class _ReplayBatches(Dataset):
    """Those of `numbers`, each a function of its number alone, so that any worker can make any."""

    def __init__(self, distilled_set: DistilledSet, size: int, numbers: range):
        self._set, self._size, self._numbers = distilled_set, size, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: int) -> Batch:
        return Batch(*map(torch.from_numpy, self._set.replay.batch(self._numbers[index], self._size)))


def replay_loader(distilled_set: DistilledSet, size: int, numbers: range, options: dict[str, Any]) -> DataLoader:
    """`DistilledSet.torch_loader`."""
    refused = {"batch_size", "shuffle", "sampler", "batch_sampler", "drop_last", "collate_fn"} & options.keys()
    if refused:
        raise TeddyhubError("INVALID_INPUT", f"The stored labels settle {', '.join(sorted(refused))}: leave it out.")
    return DataLoader(_ReplayBatches(distilled_set, size, numbers), batch_size=None, **options)


def distillation_loss(
    logits: torch.Tensor, target: torch.Tensor, temperature: float, scale_by_temperature_squared: bool = False
) -> torch.Tensor:
    """KL(softmax(target / T) || softmax(logits / T)), mean over the batch; [n, classes] both. Temperature and scaling are
    those of the set's recipe: gradients shrink with 1 / T^2 unless the loss is scaled by T^2 (Hinton, Vinyals and Dean, 2015).
    """
    student = F.log_softmax(logits / temperature, 1)
    teacher = F.softmax(target / temperature, 1)
    loss = F.kl_div(student, teacher, reduction="batchmean")
    return loss * temperature**2 if scale_by_temperature_squared else loss
