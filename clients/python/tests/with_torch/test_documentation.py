"""docs/trainers.md says what is true, where it needs PyTorch, webdataset or datasets."""

from __future__ import annotations

import pytest
from documentation import blocks, run


@pytest.mark.parametrize("number, printed", [(0, "."), (1, "2"), (2, "(10, 8) 2")])
def test_its_blocks_run_as_they_stand(any_api, tmp_path, number, printed):
    found = blocks("python torch")
    assert len(found) == 3
    assert printed in run(found[number], any_api, tmp_path)
