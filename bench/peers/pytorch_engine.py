"""PyTorch's side of the engine benchmark: the same training and synthesis steps, timed on request.

    python bench/peers/pytorch_engine.py        (needs torch alone: pip install torch==2.13.0)

Reads one JSON request a line and answers each with one JSON line, so that a benchmark can take turns with it in one run:

    {"case": {"architecture": "CONVNET", "width": 128, "depth": 3, "height": 28, "width_px": 28, "channels": 1,
              "classes": 10, "batch": 100}, "kind": "SYNTHESIS", "mode": "eager", "steps": 10, "warmup": 3}
    -> {"milliseconds": [...], "loss": ...}     or {"error": "..."}

architecture: CONVNET or RESNET18 (without width and depth); kind: SYNTHESIS, TEACHER or STUDENT; mode: eager or compile.
A case goes on where its last request left it, so that it is compiled once.
"""

import json
import math
import os
import random
import sys
import time
from collections.abc import Callable

# Read when torch loads OpenMP. Threads that spin for one that lost its core to another process make steps several times
# as long: ResNet-18's synthesis beside another benchmark took 590 to 3180 ms, and 465 to 522 ms so.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
import torch.nn.functional as F

from networks import Classifier, convnet, resnet18

Step = Callable[[], float]
LossOf = Callable[[torch.Tensor], torch.Tensor]

TEMPERATURE = 2.0
SHIFT = 2
SCALE_MIN = 0.3
ASPECT = math.log(4 / 3)
# Keeps the gradient of a norm finite where the norm is 0.
TINY = 1e-12
# The faster format for every kind of step, in CPU milliseconds on one thread of a shared 2-core machine, NCHW against
# channels last; synthesis, teacher, student:
#   ConvNet 128x3, 28x28x1, batch 100   eager 565/497 462/340 461/345   compile 289/286 330/330 330/326
#   ConvNet 128x3, 32x32x3, batch 100   eager 759/712 619/500 616/471   compile 329/321 364/363 348/350
#   ResNet-18, 32x32x3, batch 16        eager 432/444 574/543 568/543   compile 377/355 550/533 569/569
MEMORY_FORMAT = torch.channels_last


class Case:
    """The network and the data of one case, drawn from a fixed seed."""

    def __init__(self, case: dict):
        torch.manual_seed(0)
        height, width, channels, classes = (case[name] for name in ("height", "width_px", "channels", "classes"))
        if case["architecture"] == "CONVNET":
            model = convnet(height, width, channels, classes, filters=case["width"], depth=case["depth"])
        elif case["architecture"] == "RESNET18":
            model = resnet18(channels, classes)
        else:
            raise ValueError(f"unknown architecture {case['architecture']}")
        self.model: Classifier = model.to(memory_format=MEMORY_FORMAT)
        self.images = torch.rand(case["batch"], channels, height, width).to(memory_format=MEMORY_FORMAT)
        self.labels = torch.arange(case["batch"]) % classes
        self.classes = classes
        self.mean = torch.full((1, channels, 1, 1), 0.5)
        self.std = torch.full((1, channels, 1, 1), 0.25)

    def normalized(self, images: torch.Tensor) -> torch.Tensor:
        return (images - self.mean) / self.std


def view(images: torch.Tensor, scale_min: float, shift: int) -> torch.Tensor:
    """Random resized crop of at least `scale_min` of the area, flip, and shift by whole pixels over zeros, an image each."""
    n, _, height, width = images.shape
    share = torch.empty(n).uniform_(scale_min, 1)
    aspect = torch.empty(n).uniform_(-ASPECT, ASPECT).exp() if scale_min < 1 else torch.ones(n)
    rows, columns = (share / aspect).sqrt().clamp(max=1), (share * aspect).sqrt().clamp(max=1)
    flip = 1 - 2 * torch.randint(0, 2, (n,))
    # A box in the coordinates of grid_sample: its half sides, and its centre.
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = columns * flip, rows
    theta[:, 0, 2] = (1 - columns) * torch.empty(n).uniform_(-1, 1) + 2 * torch.randint(-shift, shift + 1, (n,)) / width
    theta[:, 1, 2] = (1 - rows) * torch.empty(n).uniform_(-1, 1) + 2 * torch.randint(-shift, shift + 1, (n,)) / height
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def cutmix(images: torch.Tensor) -> torch.Tensor:
    """One box for the whole batch (Yun et al., 2019), each image's from a partner of its own."""
    n, _, height, width = images.shape
    side = (1 - random.random()) ** 0.5
    rows, columns = int(height * side) // 2, int(width * side) // 2
    y, x = random.randrange(height), random.randrange(width)
    box = (..., slice(max(0, y - rows), y + rows), slice(max(0, x - columns), x + columns))
    images[box] = images[torch.randperm(n)][box]
    return images


def length(x: torch.Tensor) -> torch.Tensor:
    return (x.square().sum() + TINY).sqrt()


def synthesis(case: Case, compiled: Callable[[LossOf], LossOf]) -> Step:
    """One step of matching a frozen teacher: the loss of docs/teddy.md, descended on the images alone."""
    model = case.model.eval().requires_grad_(False)
    distances: list[torch.Tensor] = []

    def compare(norm: torch.nn.BatchNorm2d, inputs: tuple[torch.Tensor]) -> None:
        variance, mean = torch.var_mean(inputs[0], dim=[0, 2, 3], unbiased=False)
        distances.append(length(mean - norm.running_mean) + length(variance - norm.running_var))

    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.register_forward_pre_hook(compare)
    one_hot = F.one_hot(case.labels, case.classes).float()
    average = (one_hot / one_hot.sum(0).clamp(min=1)).T.contiguous()
    targets = torch.randn(case.classes, model.classifier.in_features)

    def loss_of(images: torch.Tensor) -> torch.Tensor:
        distances.clear()
        features = model.features(case.normalized(images))
        cross_entropy = F.cross_entropy(model.classifier(features), case.labels)
        moments = 2 * distances[0] + torch.stack(distances[1:]).sum()
        class_means = (average @ features - targets).square().sum(1).mean()
        return cross_entropy + 0.1 * moments + class_means

    loss_of = compiled(loss_of)
    images = case.images.requires_grad_()
    optimizer = torch.optim.Adam([images], lr=0.01, betas=(0.5, 0.9), fused=True)

    def step() -> float:
        loss = loss_of(view(images, SCALE_MIN, SHIFT))
        (images.grad,) = torch.autograd.grad(loss, images)
        optimizer.step()
        with torch.no_grad():
            images.clamp_(0, 1)
        return loss.item()

    return step


def _training(
    model: Classifier, loss_of: LossOf, views: Callable[[], torch.Tensor], optimizer: torch.optim.Optimizer
) -> Step:
    model.train()

    def step() -> float:
        optimizer.zero_grad()
        loss = loss_of(views().contiguous(memory_format=MEMORY_FORMAT))
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def teacher(case: Case, compiled: Callable[[LossOf], LossOf]) -> Step:
    model = case.model
    loss_of = compiled(lambda images: F.cross_entropy(model(case.normalized(images)), case.labels))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4, fused=True)
    return _training(model, loss_of, lambda: view(case.images, 1, SHIFT), optimizer)


def student(case: Case, compiled: Callable[[LossOf], LossOf]) -> Step:
    model = case.model
    targets = F.log_softmax(torch.randn(len(case.images), case.classes) / TEMPERATURE, 1)

    def loss_of(images: torch.Tensor) -> torch.Tensor:
        log_probabilities = F.log_softmax(model(case.normalized(images)) / TEMPERATURE, 1)
        return F.kl_div(log_probabilities, targets, reduction="batchmean", log_target=True)

    kernels = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    groups = [{"params": kernels, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, fused=True)
    return _training(model, compiled(loss_of), lambda: cutmix(view(case.images, SCALE_MIN, 0)), optimizer)


KINDS = {"SYNTHESIS": synthesis, "TEACHER": teacher, "STUDENT": student}
# Static shapes: a second case must not make the first one's kernels general, and so slower.
MODES: dict[str, Callable[[LossOf], LossOf]] = {
    "eager": lambda loss_of: loss_of,
    "compile": lambda loss_of: torch.compile(loss_of, dynamic=False),
}


def measure(request: dict, steppers: dict[str, Step]) -> dict:
    case, kind, mode = request["case"], request["kind"], request["mode"]
    if kind not in KINDS or mode not in MODES:
        raise ValueError(f"unknown kind {kind} or mode {mode}")
    steps, warmup = int(request["steps"]), int(request["warmup"])
    if steps < 1:
        raise ValueError("steps must be at least 1")
    key = json.dumps([case, kind, mode], sort_keys=True)
    if key not in steppers:
        steppers[key] = KINDS[kind](Case(case), MODES[mode])
    step = steppers[key]
    for _ in range(warmup):
        step()
    milliseconds = []
    loss = 0.0
    for _ in range(steps):
        began = time.perf_counter()
        loss = step()
        milliseconds.append(round((time.perf_counter() - began) * 1000, 3))
    return {"milliseconds": milliseconds, "loss": loss}


def answer(line: str, steppers: dict[str, Step]) -> dict:
    # Whatever goes wrong, a missing C++ compiler as well, is the answer to this request and not the end of the others.
    try:
        return measure(json.loads(line), steppers)
    except Exception as error:
        first = str(error).strip().split("\n")[0]
        return {"error": f"{type(error).__name__}: {first}"}


def main() -> None:
    random.seed(0)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    # The cases of a benchmark share the code of one function, and each is compiled on its own.
    torch._dynamo.config.recompile_limit = 64
    steppers: dict[str, Step] = {}
    for line in sys.stdin:
        if line.strip():
            print(json.dumps(answer(line, steppers)), flush=True)


if __name__ == "__main__":
    main()
