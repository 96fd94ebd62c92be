"""Reads an export of every format with the programs that it is for. Prints JSON."""
import json
import sys

import datasets
import numpy
import pyarrow.parquet

folders, parquet, npz, split_words = sys.argv[1:5]
by_class = datasets.load_dataset("imagefolder", data_dir=folders, split="train")
table = datasets.load_dataset("parquet", data_files=f"{parquet}/data/*.parquet", split="train")
worded = datasets.load_dataset("imagefolder", data_dir=split_words)
arrays = numpy.load(f"{npz}/data.npz")
print(json.dumps({
    "folder_names": sorted({row["class_name"] for row in by_class}),
    "folder_count": len(by_class),
    "split_words": {split: [len(rows), sorted({row["class_name"] for row in rows})] for split, rows in worded.items()},
    "parquet_names": table.features["label"].names,
    "parquet_labels": table["label"][:],
    "parquet_sizes": sorted({row["image"].size for row in table}),
    "parquet_logits": table[5]["logits"],
    "same_pixels": all((numpy.asarray(table[i]["image"]) == arrays["images"][i, :, :, 0]).all() for i in range(len(table))),
    "npz": {name: [list(arrays[name].shape), str(arrays[name].dtype)] for name in arrays.files},
    "parquet_facts": json.loads(pyarrow.parquet.read_schema(f"{parquet}/data/train-00000-of-00001.parquet").metadata[b"teddyhub"]),
    "npz_facts": {name: arrays[name].tolist() for name in ("mean", "std", "full_image_shape", "temperature")},
    "npz_labels": arrays["labels"].tolist(),
    "npz_names": arrays["class_names"].tolist(),
    "npz_logits": arrays["logits"][5].tolist(),
}))
