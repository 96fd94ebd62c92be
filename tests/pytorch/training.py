"""Two training steps by PyTorch's own optimizers.

A module for make_goldens.py; nothing to run.
"""

import torch
import torch.nn.functional as F
from torch import nn

STEPS = 2

# AdamW decays matrices and kernels alone, as the platform's does.
OPTIMIZERS: dict[str, dict] = {
    "SGD": {"name": "SGD", "rate": 0.05, "momentum": 0.9, "weightDecay": 5e-4},
    "ADAMW": {"name": "ADAMW", "rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "weightDecay": 0.01},
}


def _optimizer(name: str, model: nn.Module) -> torch.optim.Optimizer:
    options = OPTIMIZERS[name]
    if name == "SGD":
        return torch.optim.SGD(
            model.parameters(),
            lr=options["rate"],
            momentum=options["momentum"],
            weight_decay=options["weightDecay"],
        )
    decayed = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    return torch.optim.AdamW(
        [{"params": decayed, "weight_decay": options["weightDecay"]}, {"params": others, "weight_decay": 0.0}],
        lr=options["rate"],
        betas=(options["beta1"], options["beta2"]),
    )


def train(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, optimizer: str) -> list[float]:
    """Steps on one batch in training mode; the losses before each."""
    model.train()
    stepper = _optimizer(optimizer, model)
    losses = []
    for _ in range(STEPS):
        loss = F.cross_entropy(model(images), labels)
        stepper.zero_grad()
        loss.backward()
        stepper.step()
        losses.append(loss.item())
    return losses
