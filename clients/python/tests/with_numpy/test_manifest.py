"""What a manifest must be before it is trusted."""

from __future__ import annotations

import json
import re

import pytest

import teddyhub
from teddyhub.manifest import parse_manifest, set_digest, uuid_of


@pytest.fixture
def content(api) -> bytes:
    return (api.load("cutmix").folder / "manifest.json").read_bytes()


def canonical(fields: dict) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def signed(content: bytes, **changes: object) -> bytes:
    """The manifest with other fields, and the digest that fits them."""
    fields = {**json.loads(content), **changes}
    return canonical({**fields, "digest": set_digest(canonical(fields))})


def refused(content: bytes, code: str, words: str) -> None:
    with pytest.raises(teddyhub.TeddyhubError, match=re.escape(words)) as failure:
        parse_manifest(content)
    assert failure.value.code == code and "\n" not in str(failure.value)


def test_its_digest_is_the_one_that_the_service_has_computed(content):
    assert set_digest(content) == json.loads(content)["digest"]


def test_its_digest_is_of_the_numbers_as_they_are_written():
    # ECMAScript prints these in another way than Python does.
    digest = set_digest(b'{"a":1e-7,"b":1e+21,"c":0.000001,"d":5}')
    assert digest == set_digest(b'{"d":5,"c":0.000001,"b":1e+21,"a":1e-7}')
    assert digest != set_digest(b'{"a":1e-07,"b":1e+21,"c":0.000001,"d":5}')


def test_it_is_refused_where_it_was_changed(content):
    refused(canonical({**json.loads(content), "seed": 2}), "OBJECT_CORRUPT", "was changed: its content has the digest")


def test_it_is_refused_where_it_is_malformed(content):
    refused(b"{", "OBJECT_CORRUPT", "is not JSON")
    refused(b"[]", "OBJECT_CORRUPT", "is malformed")
    refused(signed(content, sampleCount=-1), "OBJECT_CORRUPT", "is malformed (sampleCount)")
    refused(signed(content, mean=[0.5]), "OBJECT_CORRUPT", "is malformed (mean)")


def test_it_is_refused_where_it_leads_out_of_the_folder(content):
    shard = {**json.loads(content)["shards"][0], "url": "shards/../../escaped.tar"}
    refused(signed(content, shards=[shard]), "OBJECT_CORRUPT", "is malformed (url: 'shards/../../escaped.tar')")


def test_it_is_refused_where_it_is_newer_than_the_package(content):
    refused(signed(content, schemaVersion=2), "INVALID_INPUT", "has version 2, this client reads 1: install clients/python")


def test_an_id_of_another_kind_is_no_set(api):
    assert uuid_of(api.sets["cutmix"]["globalId"]) == api.sets["cutmix"]["id"]
    for wrong in ["", "RGF0YXNldDowMThmMDAwMA", "é", "DistilledSet:1"]:
        with pytest.raises(teddyhub.TeddyhubError, match="not the id of a distilled set"):
            uuid_of(wrong)
