"""Reading a set without this package, as docs/trainers.md shows it: curl and urllib."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import urllib.request

import pytest

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def base_of(api) -> str:
    return f"{api.url}/v1/distilled-sets/{api.sets['cutmix']['globalId']}"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def curl(api, path: str, *options: str) -> bytes:
    command = ["curl", "-fsSL", "-H", f"Authorization: Bearer {api.key}", *options, f"{base_of(api)}/{path}"]
    return subprocess.run(command, check=True, capture_output=True).stdout


@needs_curl
def test_curl_fetches_manifest_shards_and_labels(any_api):
    manifest = json.loads(curl(any_api, "manifest.json"))
    for file in [*manifest["shards"], *(file for mode in manifest["labelModes"] for file in mode["files"])]:
        assert digest_of(curl(any_api, file["url"])) == file["sha256"]


@needs_curl
def test_curl_goes_on_with_a_file_that_broke_off(any_api, tmp_path):
    shard = json.loads(curl(any_api, "manifest.json"))["shards"][0]
    target = tmp_path / "000000.tar"
    target.write_bytes(curl(any_api, shard["url"])[:10_000])
    curl(any_api, shard["url"], "-C", "-", "-o", str(target))
    assert digest_of(target.read_bytes()) == shard["sha256"]


def test_urllib_fetches_a_set_where_the_key_stays_with_the_service(any_api):
    def fetch(path: str) -> bytes:
        request = urllib.request.Request(f"{base_of(any_api)}/{path}")
        request.add_unredirected_header("Authorization", f"Bearer {any_api.key}")
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    manifest = json.loads(fetch("manifest.json"))
    assert [digest_of(fetch(shard["url"])) for shard in manifest["shards"]] == [s["sha256"] for s in manifest["shards"]]
