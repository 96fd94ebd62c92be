"""Writes what PyTorch computes with the platform's architectures, as goldens for the TypeScript tests.

    python tests/pytorch/make_goldens.py [--out DIR] [--only CASE]   JSON goldens (default: tests/fixtures/pytorch)
    python tests/pytorch/make_goldens.py --settle [--only CASE]      the first input of each case that lies at no kink
    python tests/pytorch/make_goldens.py --export DIR [--only CASE]  state dicts and float32 runs as safetensors

Goldens are computed in float64 from the float32 values of deterministic.py and rounded to 9 significant digits, so that
they are the same wherever they are made; both sides can then be held against one truth.
"""

import argparse
import json
import math
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path

import torch

import deterministic
from matching import matching_loss
from torch_models import build, import_torchvision
from training import OPTIMIZERS, train

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "pytorch"
GRADIENT_SAMPLES = 256
PARAMETER_SAMPLES = 8
# Noise on the images of about the size of float32 rounding; how many draws of it are tried; and what a gradient may change
# under them to count as settled: a quarter of the bound that the tests hold ours to.
ROUNDING = 2e-6
ROUNDING_DRAWS = 4
SETTLED = 2.5e-4


@dataclass(frozen=True)
class Case:
    architecture: str
    height: int
    width: int
    channels: int
    classes: int
    batch: int
    # Of CONVNET alone.
    filters: int | None = None
    depth: int | None = None
    # Of all others, where it is not the one that goes with the side.
    stem: str | None = None
    # Other images where those of "input" lie at a kink: see `settled`.
    input: str | None = None

    @property
    def name(self) -> str:
        stem = f"-{self.stem.lower()}-stem" if self.stem else ""
        return f"{self.architecture.lower().replace('_', '-')}-{self.height}x{self.width}x{self.channels}{stem}"

    def fresh(self) -> torch.nn.Module:
        options = {} if self.filters is None else {"convnet_width": self.filters, "convnet_depth": self.depth}
        return build(self.architecture, self.height, self.width, self.channels, self.classes, stem=self.stem, **options)

    def model(self) -> torch.nn.Module:
        model = self.fresh()
        deterministic.fill(model)
        return model

    def images(self) -> torch.Tensor:
        return deterministic.images(self.input or "input", self.batch, self.channels, self.height, self.width)

    def labels(self) -> torch.Tensor:
        return deterministic.labels(self.batch, self.classes)

    def described(self) -> dict:
        return {key: value for key, value in asdict(self).items() if value is not None}


def _imagenet(architecture: str, side: int, input: str | None = None) -> Case:
    return Case(architecture, side, side, 3, 10, 4, input=input)


def _grey(architecture: str, input: str | None = None) -> Case:
    """Images of the MNIST family: one channel, and sides that halve to odd ones."""
    return Case(architecture, 28, 28, 1, 10, 4, input=input)


MATCHING = [
    Case("CONVNET", 28, 28, 1, 10, 4, filters=8, depth=3),
    _imagenet("RESNET18", 32),
    _imagenet("RESNET50", 32),
    _imagenet("RESNET101", 32),
    _imagenet("DENSENET121", 32, "input-70"),
    _imagenet("MOBILENET_V2", 32, "input-5"),
    _imagenet("SHUFFLENET_V2_X0_5", 32, "input-1"),
    _imagenet("SHUFFLENET_V2_X1_0", 32, "input-1"),
    _imagenet("EFFICIENTNET_B0", 32),
    # The largest images of the small stem, and the smallest of interest beyond it.
    _imagenet("RESNET18", 64),
    _imagenet("RESNET18", 96, "input-1"),
    _imagenet("DENSENET121", 96, "input-31"),
    _imagenet("SHUFFLENET_V2_X1_0", 96, "input-1"),
    _imagenet("MOBILENET_V2", 96, "input-68"),
    _imagenet("EFFICIENTNET_B0", 96),
    replace(_imagenet("RESNET18", 64, "input-2"), stem="LARGE"),
    _grey("RESNET18"),
    _grey("DENSENET121"),
    _grey("MOBILENET_V2", "input-2"),
    _grey("SHUFFLENET_V2_X0_5", "input-1"),
    _grey("EFFICIENTNET_B0"),
    # ImageNet's size.
    _imagenet("EFFICIENTNET_B0", 224),
]

TRAINING = [Case("CONVNET", 16, 16, 3, 10, 8, filters=8, depth=2), _imagenet("RESNET18", 32)]


def _versions() -> dict:
    # Without "+cpu" and the like, which differ between machines while the numbers do not.
    return {
        "torch": torch.__version__.split("+")[0],
        "torchvision": import_torchvision().__version__.split("+")[0],
    }


def _rounded(values: torch.Tensor | float) -> list | float:
    if isinstance(values, torch.Tensor):
        values = values.tolist()
    return [_rounded(value) for value in values] if isinstance(values, list) else float(f"{values:.9g}")


def _sample(tensor: torch.Tensor, most: int) -> dict:
    """Every `stride`-th value, at most `most`. An odd stride meets all columns and phases of what has even sides."""
    flat = tensor.detach().flatten()
    stride = max(1, math.ceil(flat.numel() / most)) | 1
    return {"stride": stride, "values": _rounded(flat[::stride])}


def _gradient(case: Case, model: torch.nn.Module, images: torch.Tensor) -> tuple[dict, torch.Tensor]:
    images = images.detach().requires_grad_()
    result = matching_loss(model, images, case.labels(), case.classes)
    (gradient,) = torch.autograd.grad(result["total"], images)
    return result, gradient


def _run(case: Case, dtype: torch.dtype) -> tuple[torch.nn.Module, torch.Tensor, dict, torch.Tensor]:
    model = case.model().to(dtype).eval().requires_grad_(False)
    images = case.images().to(dtype)
    return model, images, *_gradient(case, model, images)


def is_settled(case: Case) -> bool:
    """Whether noise of the size of float32 rounding leaves the gradient as it is.

    A deep network of random weights has activations close to the kink of their ReLU. On which side they fall is decided by
    rounding, which differs from processor to processor, and one of them moves the gradient by a thousandth and more.
    """
    model, images, _, gradient = _run(case, torch.float64)
    for draw in range(ROUNDING_DRAWS):
        noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(draw), dtype=images.dtype)
        _, moved = _gradient(case, model, images + ROUNDING * noise)
        if (moved - gradient).norm() > SETTLED * gradient.norm():
            return False
    return True


def settled(case: Case) -> Case:
    """The case with the first input that is settled; some take a hundred tries."""
    candidates = (replace(case, input=f"input-{k}" if k else None) for k in count())
    return next(candidate for candidate in candidates if is_settled(candidate))


def matching_golden(case: Case) -> dict:
    _, _, result, gradient = _run(case, torch.float64)
    logits = result.pop("logits")
    if not logits.isfinite().all() or logits.abs().max() > 1e4:
        raise SystemExit(f"{case.name}: logits up to {logits.abs().max():.3g} say little in float32")
    return {
        "case": case.described(),
        "versions": _versions(),
        "logits": _rounded(logits),
        "loss": {name: _rounded(value.item()) for name, value in result.items()},
        "gradient": {"norm": _rounded(gradient.norm().item()), **_sample(gradient, GRADIENT_SAMPLES)},
    }


def training_golden(case: Case, optimizer: str) -> dict:
    model = case.model().double()
    losses = train(model, case.images().double(), case.labels(), optimizer)
    state = {name: tensor for name, tensor in model.state_dict().items() if tensor.is_floating_point()}
    return {
        "case": case.described(),
        "versions": _versions(),
        "optimizer": OPTIMIZERS[optimizer],
        "losses": _rounded(losses),
        "state": {
            name: {
                "sum": _rounded(tensor.sum().item()),
                "norm": _rounded(tensor.norm().item()),
                **_sample(tensor, PARAMETER_SAMPLES),
            }
            for name, tensor in state.items()
        },
    }


def _write(path: Path, content: dict | list) -> None:
    """One line a top-level entry: small, and a change of one value is a readable change of the file."""
    text = json.dumps(content, separators=(",", ":"))
    if isinstance(content, dict):
        lines = [f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}" for key, value in content.items()]
        text = "{\n" + ",\n".join(lines) + "\n}"
    path.write_text(text + "\n")


def export(case: Case, folder: Path) -> None:
    """`model.safetensors`, the whole state dict, `run.safetensors`, what the float32 model makes of the input, and `initial.json`,
    root mean square and largest size of every tensor of an untouched model.

    Beside it the gradient in float64: where an activation lies at a kink, float32 runs differ from each other, and only
    the distance of each to the truth says something.
    """
    from safetensors.torch import save_file

    model, images, result, gradient = _run(case, torch.float32)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(model.state_dict(), folder / "model.safetensors", metadata={"format": "pt"})
    exact = _run(case, torch.float64)[3].float()
    run = {"exact_gradient": exact, "input": images, "logits": result["logits"], "gradient": gradient, "loss": result["total"].reshape(1)}
    save_file({name: tensor.detach().contiguous() for name, tensor in run.items()}, folder / "run.safetensors")
    _write(folder / "case.json", case.described())
    torch.manual_seed(0)
    initial = {name: tensor for name, tensor in case.fresh().state_dict().items() if tensor.is_floating_point()}
    spread = {name: [tensor.square().mean().sqrt().item(), tensor.abs().max().item()] for name, tensor in initial.items()}
    _write(folder / "initial.json", spread)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=FIXTURES, help="folder of the JSON goldens")
    parser.add_argument("--export", type=Path, metavar="DIR", help="write safetensors there, and no goldens")
    parser.add_argument("--settle", action="store_true", help="look for inputs at no kink, and write nothing")
    parser.add_argument("--only", help="cases whose name contains this")
    options = parser.parse_args()
    wanted = [case for case in MATCHING if (options.only or "") in case.name]
    if options.settle:
        for case in wanted:
            print(case.name, settled(case).input or "input", flush=True)
        return
    if options.export is not None:
        for case in wanted:
            export(case, options.export / case.name)
        return
    options.out.mkdir(parents=True, exist_ok=True)
    for case in wanted:
        _write(options.out / f"{case.name}.json", matching_golden(case))
    for case in TRAINING:
        for optimizer in OPTIMIZERS:
            name = f"train-{case.name}-{optimizer.lower()}"
            if (options.only or "") in name:
                _write(options.out / f"{name}.json", training_golden(case, optimizer))


if __name__ == "__main__":
    main()
