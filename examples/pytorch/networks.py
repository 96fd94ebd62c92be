"""The students of train.py, with torchvision's parameter names: a ConvNet and ResNet-18."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

# Sides of up to this many pixels have the small stem where the architecture names none.
SMALL_SIDE = 64


class ConvNet(nn.Module):
    """`depth` blocks of 3x3 convolution, batch norm, ReLU and 2x2 average pooling, then one linear layer."""

    def __init__(self, shape: tuple[int, int, int], classes: int, width: int, depth: int):
        super().__init__()
        height, breadth, channels = shape
        layers: list[nn.Module] = []
        for block in range(depth):
            inputs = channels if block == 0 else width
            layers += [nn.Conv2d(inputs, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(), nn.AvgPool2d(2)]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(width * (height >> depth) * (breadth >> depth), classes)
        _initialize(self, "fan_in")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(x).flatten(1))


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride > 1 or inputs != outputs:
            shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(x)) + shortcut)


class ResNet18(nn.Module):
    """torchvision's; the small stem is one 3x3 convolution, without max pooling."""

    def __init__(self, shape: tuple[int, int, int], classes: int, stem: str | None = None):
        super().__init__()
        height, width, channels = shape
        small = stem == "SMALL" if stem else max(height, width) <= SMALL_SIDE
        kernel, stride = (3, 1) if small else (7, 2)
        self.conv1 = nn.Conv2d(channels, 64, kernel, stride, padding=kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.Identity() if small else nn.MaxPool2d(3, 2, padding=1)
        inputs = 64
        for stage, outputs in enumerate((64, 128, 256, 512), 1):
            blocks = nn.Sequential(_Block(inputs, outputs, 1 if stage == 1 else 2), _Block(outputs, outputs, 1))
            setattr(self, f"layer{stage}", blocks)
            inputs = outputs
        self.fc = nn.Linear(512, classes)
        _initialize(self, "fan_out")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


def _initialize(model: nn.Module, mode: str) -> None:
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode=mode, nonlinearity="relu")


def build(architecture: dict, shape: tuple[int, int, int], classes: int) -> nn.Module:
    """The network of a manifest's `architecture`: {"name": "CONVNET", "width", "depth"} or {"name": "RESNET18", "stem"}."""
    if architecture["name"] == "CONVNET":
        return ConvNet(shape, classes, architecture["width"], architecture["depth"])
    if architecture["name"] == "RESNET18":
        return ResNet18(shape, classes, architecture.get("stem"))
    raise SystemExit(f"train.py: it has no {architecture['name']}: choose one with --architecture.")
