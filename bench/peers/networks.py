"""The benchmark's networks in plain PyTorch: `features` gives the flattened penultimate features, `classifier` the logits.

A module for pytorch_engine.py; nothing to run.
"""

import torch
from torch import nn


class Classifier(nn.Module):
    """Layers, and a linear classifier over their flattened output."""

    def __init__(self, layers: nn.Module, features: int, classes: int):
        super().__init__()
        self.layers = layers
        self.classifier = nn.Linear(features, classes)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x).flatten(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(x))


def convnet(height: int, width: int, channels: int, classes: int, *, filters: int, depth: int) -> Classifier:
    """`depth` blocks of 3x3 convolution, batch norm, ReLU and 2x2 average pooling."""
    layers: list[nn.Module] = []
    for block in range(depth):
        inputs = channels if block == 0 else filters
        layers += [
            nn.Conv2d(inputs, filters, 3, padding=1, bias=False),
            nn.BatchNorm2d(filters),
            nn.ReLU(inplace=True),
            nn.AvgPool2d(2),
        ]
    return Classifier(nn.Sequential(*layers), filters * (height >> depth) * (width >> depth), classes)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu_(self.residual(x) + self.shortcut(x))


def resnet18(channels: int, classes: int) -> Classifier:
    """With the stem of small images: one 3x3 convolution and no pooling."""
    layers: list[nn.Module] = [
        nn.Conv2d(channels, 64, 3, 1, 1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
    ]
    inputs = 64
    for stage in range(4):
        for block in range(2):
            outputs = 64 << stage
            layers.append(BasicBlock(inputs, outputs, 2 if stage > 0 and block == 0 else 1))
            inputs = outputs
    layers.append(nn.AdaptiveAvgPool2d(1))
    return Classifier(nn.Sequential(*layers), inputs, classes)
