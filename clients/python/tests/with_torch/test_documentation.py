"""docs/trainers.md and docs/formats.md say what is true, where it needs PyTorch, webdataset or datasets."""

from __future__ import annotations

import numpy as np
import pytest
from documentation import blocks, run


@pytest.mark.parametrize("number, printed", [(0, "."), (1, "2"), (2, "(10, 8) 2")])
def test_its_blocks_run_as_they_stand(any_api, tmp_path, number, printed):
    found = blocks("python torch")
    assert len(found) == 3
    assert printed in run(found[number], any_api, tmp_path)


def test_its_workers_need_not_be_forked(api, tmp_path):
    spawning = 'import multiprocessing\nmultiprocessing.set_start_method("spawn", force=True)\n'
    assert "." in run(spawning + blocks("python torch")[0], api, tmp_path)


@pytest.mark.parametrize("name", ["cutmix", "mixup", "plain"])
def test_the_reader_of_the_formats_makes_the_batches_that_the_client_makes(api, name):
    loaded = api.load(name)
    block = blocks("python", "formats.md")[-1]
    told = {"folder": str(api.folder_of(name)), "made": []}
    exec(block.rstrip() + "\n        made.append((batch, logits))\n", told)
    expected = list(loaded.batches())
    assert len(told["made"]) == len(expected) > 0
    for (images, logits), batch in zip(told["made"], expected):
        np.testing.assert_allclose(images.numpy(), batch.images, atol=1e-4)
        np.testing.assert_array_equal(logits.numpy(), batch.logits)
