/** load.py of an export of tensors: needs PyTorch and nothing else. */
export const LOADER = `"""Gives the tensors of set.safetensors in the forms that the code of dataset-distillation papers reads.

    from load import load, load_data
    image_syn, label_syn = load()            # instead of torch.load("images_best.pt"), torch.load("labels_best.pt")
    checkpoint = load_data()                 # instead of torch.load("res_..._ipc.pt"): {"data": [[images, labels]], ...}

Images are float32 [n, channels, height, width], normalized; labels int64 [n]; soft labels, where there are any, logits
float16 [n, classes]. Nothing is unpickled.
"""
import json
import os

import torch

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "set.safetensors")
DTYPES = {"F32": torch.float32, "I64": torch.int64, "F16": torch.float16}


def tensors(path=FILE):
    """Every tensor of the file by its name, and the file's metadata."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        start = file.tell()
        metadata = header.pop("__metadata__", {})
        found = {}
        for name, entry in header.items():
            first, last = entry["data_offsets"]
            file.seek(start + first)
            content = bytearray(file.read(last - first))
            found[name] = torch.frombuffer(content, dtype=DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return found, metadata


def load(path=FILE):
    """(images, labels)"""
    found, _ = tensors(path)
    return found["images"], found["labels"]


def load_data(path=FILE):
    """What torch.save({"data": [[images, labels]]}) kept, with the soft labels and class names beside it."""
    found, metadata = tensors(path)
    return {
        "data": [[found["images"], found["labels"]]],
        "soft_labels": found.get("logits"),
        "class_names": json.loads(metadata["class_names"]),
    }
`;
