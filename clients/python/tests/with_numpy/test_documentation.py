"""docs/trainers.md says what is true, where it needs neither PyTorch nor other packages."""

from __future__ import annotations

import json
import shutil

import pytest
from documentation import blocks, run

from teddyhub.download import digest_of


def test_the_client(any_api, tmp_path):
    client, _ = blocks("python")
    printed = run(client, any_api, tmp_path)
    assert "24 samples of 3 classes, 16x20x3" in printed and "48 views" in printed


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(any_api, tmp_path):
    (block,) = blocks("sh curl")
    printed = run(block, any_api, tmp_path, shell=True)
    manifest = json.loads((tmp_path / "manifest.json").read_bytes())
    assert digest_of(tmp_path / "000000.tar") == manifest["shards"][0]["sha256"]
    assert manifest["shards"][0]["sha256"].removeprefix("sha256:") in printed


def test_python_without_any_package(any_api, tmp_path):
    _, block = blocks("python")
    assert run(block, any_api, tmp_path).startswith("24 samples in ")
