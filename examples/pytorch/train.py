#!/usr/bin/env python3
"""Trains students on a distilled set by its ID, by the set's own recipe, and reads them against real test images.

    pip install ./clients/python torch
    export TEDDYHUB_URL=http://127.0.0.1:4000 TEDDYHUB_KEY=...
    python examples/pytorch/train.py <id> --test fashion-mnist/
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from networks import build

import teddyhub
from teddyhub.pytorch import distillation_loss

EVALUATION_BATCH = 250


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("set", help="the id of a published distilled set")
    parser.add_argument(
        "--test", required=True, type=Path, help="real test images: .npz of `images` and `labels`, or a folder of IDX files"
    )
    parser.add_argument(
        "--labels",
        choices=["FKD", "STATIC", "HARD"],
        default="FKD",
        help="FKD: the ensemble's logits for each view; HARD: the same views with their classes; STATIC: one vector an image",
    )
    parser.add_argument("--architecture", choices=["convnet", "resnet18"], help="default: that of the set's recipe")
    parser.add_argument("--steps", type=int, help="default: that of the set's recipe")
    parser.add_argument("--batch-size", type=int, help="default: that of the set's recipe")
    parser.add_argument("--learning-rate", type=float, help="default: that of the set's recipe, or of the --architecture")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--workers", type=int, default=1, help="processes that render views")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--url", help="the service (default: TEDDYHUB_URL)")
    parser.add_argument("--key", help="an API key, or a token for the set (default: TEDDYHUB_KEY)")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object, the last line")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    modes = "STATIC" if options.labels == "STATIC" else "FKD"
    distilled = teddyhub.load(options.set, url=options.url, key=options.key, labels=modes, progress=show_progress)
    print(distilled, file=sys.stderr)
    images, labels = read_test(options.test, distilled.image_shape)
    recipe = dict(distilled.recipe)
    # A network of the kind that the recipe has is the recipe's own: depth, width and rate. These are the platform's for others.
    if options.architecture == "resnet18" and recipe["architecture"]["name"] != "RESNET18":
        recipe |= {"architecture": {"name": "RESNET18"}, "learningRate": 0.001}
    elif options.architecture == "convnet" and recipe["architecture"]["name"] != "CONVNET":
        recipe |= {"architecture": {"name": "CONVNET", "width": 128, "depth": 3}, "learningRate": 0.003}
    recipe["learningRate"] = options.learning_rate or recipe["learningRate"]
    recipe["steps"] = options.steps or recipe["steps"]
    recipe["batchSize"] = options.batch_size or recipe["batchSize"]

    accuracies = []
    for seed in options.seeds:
        model = train(distilled, recipe, options, seed)
        accuracies.append(evaluate(model, distilled, images, labels, options.device))
        print(f"seed {seed}: {accuracies[-1]:.2f} % of {len(labels)} test images", file=sys.stderr)
    # One seed has no deviation, which is not one of 0.
    spread = f" ± {statistics.stdev(accuracies):.2f}" if len(accuracies) > 1 else ""
    print(f"{options.labels}: {statistics.mean(accuracies):.2f}{spread} %", file=sys.stderr)
    if options.json:
        result = {"set": distilled.id, "labels": options.labels, "recipe": recipe, "accuracies": accuracies}
        print(json.dumps(result))


def train(distilled: teddyhub.DistilledSet, recipe: dict, options: argparse.Namespace, seed: int) -> torch.nn.Module:
    """A student after all steps; with a moving average of its weights, that."""
    torch.manual_seed(seed)
    model = build(recipe["architecture"], distilled.image_shape, len(distilled.class_names)).to(options.device)
    average = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimizer = make_optimizer(model, recipe)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_at(recipe, step))
    decay = recipe["averageDecay"]
    model.train()
    for step, (images, loss_of) in enumerate(batches(distilled, recipe, options), 1):
        loss = loss_of(model(images))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if decay > 0:
            # A short memory at first: the weights of the start are soon forgotten.
            kept = min(decay, (1 + step) / (10 + step))
            for name, tensor in model.state_dict().items():
                average[name] = average[name].lerp(tensor, 1 - kept) if tensor.is_floating_point() else tensor
        if sys.stderr.isatty():
            print(f"\rseed {seed}: step {step} of {recipe['steps']}, loss {loss.item():.3f} ", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    if decay > 0:
        model.load_state_dict(average)
    return model


def batches(distilled: teddyhub.DistilledSet, recipe: dict, options: argparse.Namespace) -> Iterator:
    """(images, loss of their logits), step after step."""
    if options.labels == "STATIC":
        yield from static_batches(distilled, recipe, options)
        return
    loader = distilled.torch_loader(recipe["batchSize"], recipe["steps"], num_workers=options.workers)
    for batch in loader:
        images, logits, own, partner, share = (tensor.to(options.device) for tensor in batch)

        def hard_loss(output: torch.Tensor) -> torch.Tensor:
            """Cross-entropy of the classes by their shares of each view."""
            losses = [F.cross_entropy(output, labels, reduction="none") for labels in (own, partner)]
            return losses[0].lerp(losses[1], 1 - share).mean()

        def soft_loss(output: torch.Tensor) -> torch.Tensor:
            if recipe["loss"] == "KL":
                return distillation_loss(output, logits, recipe["temperature"], recipe["scaleByTemperatureSquared"])
            return F.mse_loss(output, logits) + recipe["hardLabelWeight"] * hard_loss(output)

        yield images, hard_loss if options.labels == "HARD" else soft_loss


def static_batches(distilled: teddyhub.DistilledSet, recipe: dict, options: argparse.Namespace) -> Iterator:
    """Images with the one vector that each has, under crops and flips of our own."""
    crop = RandomCrop(distilled.manifest["labels"]["cropScaleMin"], flip=distilled.manifest["labels"]["flip"])
    dataset = distilled.torch_dataset("STATIC", crop)
    draws = torch.utils.data.RandomSampler(dataset, True, recipe["batchSize"] * recipe["steps"])
    for images, logits in torch.utils.data.DataLoader(dataset, recipe["batchSize"], sampler=draws, num_workers=options.workers):
        logits = logits.to(options.device)
        yield (
            images.to(options.device),
            lambda output, target=logits: distillation_loss(
                output, target, recipe["temperature"], recipe["scaleByTemperatureSquared"]
            ),
        )


class RandomCrop:
    """A crop of random area and aspect ratio, resized to the whole, and half of the time mirrored."""

    def __init__(self, smallest: float, flip: bool):
        self._smallest, self._flip = smallest, flip

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        _, height, width = image.shape
        share, turn, top, left, mirror = torch.rand(5).tolist()
        area = self._smallest + (1 - self._smallest) * share
        aspect = (4 / 3) ** (2 * turn - 1)
        rows = max(1, min(height, round(height * math.sqrt(area / aspect))))
        columns = max(1, min(width, round(width * math.sqrt(area * aspect))))
        y, x = round(top * (height - rows)), round(left * (width - columns))
        crop = image[None, :, y : y + rows, x : x + columns]
        view = F.interpolate(crop, (height, width), mode="bilinear", align_corners=False)[0]
        return view.flip(2) if self._flip and mirror < 0.5 else view


def make_optimizer(model: torch.nn.Module, recipe: dict) -> torch.optim.Optimizer:
    """AdamW decays matrices and kernels alone."""
    rate, decay = recipe["learningRate"], recipe["weightDecay"]
    if recipe["optimizer"] == "SGD":
        return torch.optim.SGD(model.parameters(), rate, momentum=0.9, weight_decay=decay)
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    return torch.optim.AdamW([{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}], rate)


def rate_at(recipe: dict, step: int) -> float:
    """The factor of the learning rate: half a cosine down to 0, a quarter of one, or none."""
    if recipe["schedule"] == "CONSTANT":
        return 1.0
    total = recipe["steps"] * (2 if recipe["schedule"] == "HALF_COSINE" else 1)
    return 0.5 * (1 + math.cos(math.pi * step / total))


@torch.no_grad()
def evaluate(model, distilled: teddyhub.DistilledSet, images: np.ndarray, labels: np.ndarray, device: str) -> float:
    """Top-1 accuracy, percent."""
    model.eval()
    mean, std = (torch.tensor(values, device=device).view(1, -1, 1, 1) for values in (distilled.mean, distilled.std))
    right = 0
    for start in range(0, len(labels), EVALUATION_BATCH):
        pixels = torch.from_numpy(images[start : start + EVALUATION_BATCH]).to(device).permute(0, 3, 1, 2)
        predicted = model((pixels.float() / 255 - mean) / std).argmax(1).cpu().numpy()
        right += int((predicted == labels[start : start + EVALUATION_BATCH]).sum())
    return 100 * right / len(labels)


def read_test(path: Path, shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """uint8 [n, height, width, channels] and integers [n]; classes count as in the manifest."""
    try:
        if path.is_dir():
            images, labels = (read_idx(find_idx(path, part)) for part in ("images", "labels"))
        else:
            with np.load(path) as arrays:
                images, labels = arrays["images"], arrays["labels"]
    except (OSError, ValueError, KeyError) as error:
        raise SystemExit(f"train.py: {path} has no test images that can be read ({error}): see --help.") from None
    images = images[..., None] if images.ndim == 3 else images
    # A column of classes is one, too; compared as it is, every prediction would meet every class.
    if labels.size == len(images):
        labels = labels.reshape(-1)
    if labels.shape != images.shape[:1] or not np.issubdtype(labels.dtype, np.integer):
        raise SystemExit(
            f"train.py: {path} has {labels.dtype} labels of shape {labels.shape}; {len(images)} images need one integer each."
        )
    if images.shape[1:] != shape or images.dtype != np.uint8:
        raise SystemExit(f"train.py: {path} has {images.dtype} images of {images.shape[1:]}; the set's are uint8 of {shape}.")
    return images, labels


def find_idx(folder: Path, part: str) -> Path:
    """The file of the test split: t10k-images-idx3-ubyte, test-images.idx, each perhaps gzipped."""
    found = [path for prefix in ("t10k", "test") for path in sorted(folder.glob(f"{prefix}*{part}*"))]
    if not found:
        raise ValueError(f"there is no t10k-{part}-idx* or test-{part}*")
    return found[0]


def read_idx(path: Path) -> np.ndarray:
    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
        content = file.read()
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise ValueError(f"{path.name} is not an IDX file of bytes")
    sizes = np.frombuffer(content, ">u4", content[3], 4).astype(int)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(sizes).copy()


def show_progress(path: str, have: int, size: int) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{path} {have / 1e6:.1f} of {size / 1e6:.1f} MB", end="\n" if have == size else "", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except teddyhub.TeddyhubError as error:
        sys.exit(f"train.py: {error}")
