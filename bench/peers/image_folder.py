"""Images a second of torchvision's ImageFolder over a folder of class folders: one process, pixels as an array.

    python bench/peers/image_folder.py <folder> <images>

Prints one line of JSON. torchvision's compiled operators are declared first, as it does not import without them where its
own library does not load; ImageFolder uses none of them.
"""

import json
import sys
import time

import torch

OPERATORS = ("nms", "qnms", "roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool", "qroi_align")
library = torch.library.Library("torchvision", "DEF")
for name in OPERATORS + tuple(f"_{name}_backward" for name in OPERATORS[2:6]):
    library.define(f"{name}(Tensor a) -> Tensor")

import numpy  # noqa: E402
import torchvision  # noqa: E402

folder, limit = sys.argv[1], int(sys.argv[2])
dataset = torchvision.datasets.ImageFolder(folder)
# One class after the other would be one part of the disk after the other: the same order as the loop beside it.
count = min(limit, len(dataset))
start = time.perf_counter()
for index in range(count):
    image, label = dataset[index]
    numpy.asarray(image)
seconds = time.perf_counter() - start
versions = {"torchvision": torchvision.__version__, "torch": torch.__version__}
print(json.dumps({"images": count, "seconds": seconds, "versions": versions}))
