"""The API and its sets come from outside (tests/clients/python.test.ts), as JSON in TEDDYHUB_TEST_CONTEXT."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from faulty_proxy import FaultyProxy

import teddyhub


class Api:
    """One of the APIs, with a cache of its own for each test."""

    def __init__(self, facts: dict, cache: Path):
        self.url, self.key, self.sets = facts["url"], facts["key"], facts["sets"]
        self.cache = cache

    def load(self, name: str, **changes) -> teddyhub.DistilledSet:
        options = {"url": self.url, "key": self.key, "cache": self.cache, "retries": 1, **changes}
        return teddyhub.load(self.sets[name]["globalId"], **options)

    def folder_of(self, name: str) -> Path:
        """Where the cache keeps the files of a set."""
        return self.cache / "sets" / self.sets[name]["id"]

    def golden(self, name: str) -> dict:
        from teddyhub.safetensors import read_safetensors

        return read_safetensors(Path(self.sets[name]["golden"]))[0]


@pytest.fixture(scope="session")
def context() -> dict:
    return json.loads(os.environ["TEDDYHUB_TEST_CONTEXT"])


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch, tmp_path):
    """No test finds a key, a service or a cache that it was not given."""
    for name in ("TEDDYHUB_URL", "TEDDYHUB_KEY", "TEDDYHUB_CACHE", "TEDDYHUB_STATE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def api(context, tmp_path) -> Api:
    """Sends the bytes of files itself."""
    return Api(context["folder"], tmp_path / "cache")


@pytest.fixture(params=["folder", "redirecting"])
def any_api(request, context, tmp_path) -> Api:
    """Each API in turn; the second redirects to presigned URLs of an S3 server."""
    return Api(context[request.param], tmp_path / "cache")


@pytest.fixture
def redirecting_api(context, tmp_path) -> Api:
    return Api(context["redirecting"], tmp_path / "cache")


@pytest.fixture
def proxy(api):
    with FaultyProxy(api.url) as running:
        yield running


@pytest.fixture
def in_process():
    """Runs Python code in a process of its own and answers what it printed."""

    def run(code: str, *args: object) -> str:
        done = subprocess.run([sys.executable, "-c", code, *map(str, args)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def pytest_runtest_logreport(report):
    """One line a test, for the process that runs this one."""
    path = os.environ.get("TEDDYHUB_TEST_REPORT")
    if path and (report.when == "call" or report.outcome != "passed"):
        line = {"name": report.nodeid, "outcome": report.outcome, "message": str(report.longrepr or "")}
        with open(path, "a") as file:
            file.write(json.dumps(line) + "\n")
