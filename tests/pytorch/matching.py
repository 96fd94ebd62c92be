"""The matching loss of docs/teddy.md, in PyTorch: what workers/teddy/matching.ts is held against.

A module for make_goldens.py; nothing to run. The targets are at hand without real data: a norm's own running moments,
and class means of 0.
"""

import torch
import torch.nn.functional as F
from torch import nn

from torch_models import penultimate

CROSS_ENTROPY_WEIGHT = 1.0
MOMENTS_WEIGHT = 0.1
FIRST_LAYER_WEIGHT = 2.0
CLASS_MEAN_WEIGHT = 1.0
# Keeps the gradient of a norm finite where the norm is 0.
TINY = 1e-12


def _length(x: torch.Tensor) -> torch.Tensor:
    return (x.square().sum() + TINY).sqrt()


def matching_loss(model: nn.Module, x: torch.Tensor, labels: torch.Tensor, classes: int) -> dict[str, torch.Tensor]:
    """The loss, its three terms before their weights, and the logits, of a frozen model in evaluation mode."""
    distances: list[torch.Tensor] = []
    features: list[torch.Tensor] = []

    def compare(norm: nn.BatchNorm2d, inputs: tuple[torch.Tensor]) -> None:
        variance, mean = torch.var_mean(inputs[0], dim=[0, 2, 3], unbiased=False)
        distances.append(_length(mean - norm.running_mean) + _length(variance - norm.running_var))

    hooks = [m.register_forward_pre_hook(compare) for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    hooks.append(penultimate(model).register_forward_pre_hook(lambda _, inputs: features.append(inputs[0])))
    logits = model(x)
    for hook in hooks:
        hook.remove()

    one_hot = F.one_hot(labels, classes).to(x.dtype)
    own = one_hot[:, one_hot.sum(0) > 0]  # of the classes that the batch has
    means = (own / own.sum(0)).T @ features[0]
    cross_entropy = F.cross_entropy(logits, labels)
    # Hooks run as the network does, so that the first distance is that of the first norm.
    moments = FIRST_LAYER_WEIGHT * distances[0] + torch.stack(distances[1:]).sum()
    class_means = means.square().sum(1).mean()
    total = CROSS_ENTROPY_WEIGHT * cross_entropy + MOMENTS_WEIGHT * moments + CLASS_MEAN_WEIGHT * class_means
    return {
        "logits": logits,
        "total": total,
        "crossEntropy": cross_entropy,
        "moments": moments,
        "classMeans": class_means,
    }
