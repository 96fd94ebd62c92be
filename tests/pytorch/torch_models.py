"""The platform's architectures as PyTorch modules, for the parity goldens.

A module for make_goldens.py; nothing to run. Names of parameters are torchvision's, as in workers/nn/architectures.
"""

import torch
from torch import nn

SMALL_SIDE = 64


def _declare_operators() -> None:
    """Lets torchvision be imported where its operator library does not load, as with a CPU build of torch.

    Importing it registers shape rules for these operators, which no classification model calls: the schemas may be any.
    The library must outlive the import, since its operators leave with it.
    """
    global _operators
    _operators = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms", "roi_align", "qroi_align", "roi_pool", "ps_roi_align", "ps_roi_pool", "deform_conv2d"):
        for suffix in ("", "_backward"):
            _operators.define(f"_{name}{suffix}(Tensor x) -> Tensor" if suffix else f"{name}(Tensor x) -> Tensor")


def import_torchvision():
    """The torchvision module, with or without its operators."""
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        _declare_operators()
        import torchvision
    return torchvision


class ConvNet(nn.Module):
    """`depth` blocks of 3x3 convolution, batch norm, ReLU and 2x2 average pooling under one flat `features`."""

    def __init__(self, height: int, width: int, channels: int, classes: int, filters: int, depth: int):
        super().__init__()
        layers: list[nn.Module] = []
        for block in range(depth):
            inputs = channels if block == 0 else filters
            layers += [
                nn.Conv2d(inputs, filters, 3, padding=1, bias=False),
                nn.BatchNorm2d(filters),
                nn.ReLU(),
                nn.AvgPool2d(2),
            ]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(filters * (height >> depth) * (width >> depth), classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(x).flatten(1))


def _stem(channels: int, outputs: int, kernel: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(channels, outputs, kernel, stride, (kernel - 1) // 2, bias=False)


def build(
    name: str,
    height: int,
    width: int,
    channels: int,
    classes: int,
    *,
    convnet_width: int = 128,
    convnet_depth: int = 3,
    stem: str | None = None,
) -> nn.Module:
    """A network with random weights. The small stem, for sides of up to 64 pixels by default, has stride 1 and no max pooling."""
    if name == "CONVNET":
        return ConvNet(height, width, channels, classes, convnet_width, convnet_depth)
    small = stem == "SMALL" if stem else max(height, width) <= SMALL_SIDE
    models = import_torchvision().models
    model = getattr(models, name.lower())(num_classes=classes)
    kernel, stride = (3, 1) if small else (7, 2)
    if name.startswith("RESNET"):
        model.conv1 = _stem(channels, 64, kernel, stride)
        if small:
            model.maxpool = nn.Identity()
    elif name == "DENSENET121":
        model.features.conv0 = _stem(channels, 64, kernel, stride)
        if small:
            model.features.pool0 = nn.Identity()
    elif name.startswith("SHUFFLENET"):
        model.conv1[0] = _stem(channels, 24, 3, stride)
        if small:
            model.maxpool = nn.Identity()
    else:
        model.features[0][0] = _stem(channels, 32, 3, stride)
    _take_randomness_out(model)
    return model


def _take_randomness_out(model: nn.Module) -> None:
    """Our networks have neither dropout nor stochastic depth."""
    for module in model.modules():
        if isinstance(module, nn.Dropout) or type(module).__name__ == "StochasticDepth":
            module.p = 0.0


def penultimate(model: nn.Module) -> nn.Linear:
    """The last linear layer, whose input are the penultimate features."""
    return [module for module in model.modules() if isinstance(module, nn.Linear)][-1]
