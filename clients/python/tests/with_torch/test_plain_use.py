"""Reading a set without this package, as docs/trainers.md shows it: webdataset and datasets."""

from __future__ import annotations

import json
import urllib.request

import numpy as np
import pytest


@pytest.fixture
def shards(any_api) -> list[str]:
    """The URLs of the shards of a set."""
    base = f"{any_api.url}/v1/distilled-sets/{any_api.sets['cutmix']['globalId']}"
    request = urllib.request.Request(f"{base}/manifest.json", headers={"Authorization": f"Bearer {any_api.key}"})
    with urllib.request.urlopen(request) as answer:
        manifest = json.load(answer)
    return [f"{base}/{shard['url']}" for shard in manifest["shards"]]


def test_webdataset_reads_shards_over_http(any_api, shards):
    import webdataset

    urls = [f"pipe:curl -fsSL -H 'Authorization: Bearer {any_api.key}' {url}" for url in shards]
    dataset = webdataset.WebDataset(urls, shardshuffle=False).decode("rgb8").to_tuple("png", "cls", "soft.npy")
    images, labels, logits = zip(*dataset)
    loaded = any_api.load("cutmix")
    np.testing.assert_array_equal(np.stack(images), loaded.images)
    np.testing.assert_array_equal(labels, loaded.labels)
    np.testing.assert_array_equal(np.stack(logits), loaded.static_logits)


@pytest.mark.parametrize("streaming", [False, True])
def test_datasets_reads_shards_over_http(any_api, shards, streaming, tmp_path):
    import datasets

    options = {"client_kwargs": {"headers": {"Authorization": f"Bearer {any_api.key}"}}}
    rows = datasets.load_dataset(
        "webdataset",
        data_files={"train": shards},
        split="train",
        streaming=streaming,
        storage_options=options,
        cache_dir=str(tmp_path / "datasets"),
    )
    loaded = any_api.load("cutmix")
    rows = list(rows)
    np.testing.assert_array_equal(np.stack([np.asarray(row["png"]) for row in rows]), loaded.images)
    np.testing.assert_array_equal([row["cls"] for row in rows], loaded.labels)
