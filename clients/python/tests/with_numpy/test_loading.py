"""Fetching, verifying and caching of sets, and what is said where that fails."""

from __future__ import annotations

import concurrent.futures
import errno
import os
import pickle
import shutil
import threading
from pathlib import Path

import pytest
from failing import fails
from faulty_proxy import FaultyProxy

import teddyhub
from teddyhub.download import digest_of

FILES = ["labels/fkd-000000.safetensors", "labels/fkd-000004.safetensors", "labels/static.safetensors"]
SHARDS = ["shards/000000.tar", "shards/000001.tar", "shards/000002.tar"]


def files_in(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and p.name != ".lock")


def test_fetches_every_file_of_a_set_and_verifies_it(any_api):
    loaded = any_api.load("cutmix")
    facts = any_api.sets["cutmix"]
    assert files_in(loaded.folder) == sorted([*FILES, *SHARDS, "manifest.json"])
    for path in [*FILES, *SHARDS]:
        assert digest_of(loaded.folder / path) == facts["files"][path.split("/")[1]]["digest"]
    assert (loaded.id, loaded.name) == (facts["id"], facts["name"])
    assert len(loaded) == 24 and loaded.images.shape == (24, 8, 10, 3) and loaded.image_shape == (16, 20, 3)
    assert loaded.class_names[1] == "class 1 «é»"


def test_takes_the_uuid_as_well_as_the_id_of_graphql(api):
    assert teddyhub.load(api.sets["plain"]["id"].upper(), url=api.url, key=api.key, cache=api.cache).id == api.load("plain").id


def test_a_set_in_the_cache_needs_no_service(api):
    api.load("cutmix")
    again = api.load("cutmix", url="http://127.0.0.1:1")
    assert len(again) == 24


def test_fetches_only_the_label_mode_that_is_asked_for_and_the_other_one_later(api):
    assert files_in(api.load("cutmix", labels="STATIC").folder) == sorted([FILES[2], *SHARDS, "manifest.json"])
    assert files_in(api.load("cutmix").folder) == sorted([*FILES, *SHARDS, "manifest.json"])


def test_fetches_again_what_was_damaged_in_the_cache(api, proxy):
    folder = api.load("cutmix").folder
    shard = (folder / SHARDS[0]).read_bytes()
    (folder / SHARDS[0]).write_bytes(b"x" * len(shard))
    (folder / FILES[0]).unlink()
    (folder / "manifest.json").write_text("{}")
    api.load("cutmix", url=proxy.url)
    asked = [line.split("/v1/distilled-sets/")[1].split(" ")[0].split("/", 1)[1] for line in proxy.requests]
    assert sorted(asked) == sorted(["manifest.json", SHARDS[0], FILES[0]])
    assert (folder / SHARDS[0]).read_bytes() == shard


def test_unpacks_again_what_was_damaged_beside_the_files(api):
    images = api.load("cutmix").images.copy()
    (unpacked,) = api.cache.glob("unpacked/*/images.npy")
    content = bytearray(unpacked.read_bytes())
    content[-1] ^= 1
    unpacked.write_bytes(content)
    assert (api.load("cutmix").images == images).all()


def test_goes_on_with_a_file_that_broke_off_instead_of_beginning_again(any_api):
    partial = any_api.folder_of("cutmix") / "shards" / ".000000.tar.part"
    whole = (any_api.load("cutmix").folder / SHARDS[0]).read_bytes()
    shutil.rmtree(any_api.cache)
    partial.parent.mkdir(parents=True)
    partial.write_bytes(whole[:10_000])
    with FaultyProxy(any_api.url) as proxy:
        told = []
        loaded = any_api.load("cutmix", url=proxy.url, progress=lambda *state: told.append(state))
        (asked,) = [request for request in proxy.requests if SHARDS[0] in request]
    assert "Range: bytes=10000-" in asked
    assert (loaded.folder / SHARDS[0]).read_bytes() == whole
    sizes = [have for path, have, _ in told if path == SHARDS[0]]
    assert min(sizes) > 10_000 and sizes[-1] == len(whole)


def test_survives_connections_that_break_off_in_the_middle_again_and_again(api, proxy):
    # More failures than retries, each of which got ahead by a piece of a shard.
    for _ in range(6):
        proxy.cut_after(20_000)
    loaded = api.load("cutmix", url=proxy.url, retries=1)
    assert digest_of(loaded.folder / SHARDS[0]) == api.sets["cutmix"]["files"]["000000.tar"]["digest"]
    assert sum("Range:" in request for request in proxy.requests) >= 2


def test_starts_afresh_where_what_was_begun_is_of_another_file(api):
    partial = api.folder_of("cutmix") / "shards" / ".000000.tar.part"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"x" * 3_000)
    loaded = api.load("cutmix")
    assert digest_of(loaded.folder / SHARDS[0]) == api.sets["cutmix"]["files"]["000000.tar"]["digest"]


def test_tries_again_where_a_service_restarts_or_is_overloaded(api, proxy):
    proxy.refuse(1)
    assert len(api.load("plain", url=proxy.url)) == 24
    # A gateway with a hiccup; a presigned URL that has expired, which an object store says without a word of Teddyhub.
    for status in ("503 Service Unavailable", "403 Forbidden"):
        shutil.rmtree(api.cache)
        proxy.answer(status, 1, "Retry-After: 1\r\n")
        assert len(api.load("plain", url=proxy.url)) == 24


def test_refuses_a_file_whose_bytes_are_not_those_of_its_digest(api, redirecting_api):
    with fails("OBJECT_CORRUPT", "Shard 000001.tar of distilled set"):
        api.load("damaged")
    assert files_in(api.folder_of("damaged")) == ["shards/000000.tar"]
    # The object store sends whatever it has: the client itself refuses it.
    with fails("OBJECT_CORRUPT", "shards/000001.tar arrived twice with other bytes than the manifest says"):
        redirecting_api.load("damaged")
    assert files_in(redirecting_api.folder_of("damaged")) == ["shards/000000.tar"]


def test_says_which_shard_holds_no_images(api):
    with fails("OBJECT_CORRUPT", "shards/000000.tar"):
        api.load("arbitrary")


def test_says_that_the_disk_is_full_and_goes_on_when_there_is_room(api, in_process):
    code = """
import resource, sys, teddyhub
resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, resource.RLIM_INFINITY))
url, key, cache, set_id = sys.argv[1:]
try:
    teddyhub.load(set_id, url=url, key=key, cache=cache)
except teddyhub.TeddyhubError as error:
    print(error.code, error)
"""
    said = in_process(code, api.url, api.key, api.cache, api.sets["cutmix"]["id"])
    assert said.startswith("STORAGE_FULL No room left on this disk for ") and said.count("\n") == 1
    partial = api.folder_of("cutmix") / "shards" / ".000000.tar.part"
    assert 0 < partial.stat().st_size <= 12_000
    assert len(api.load("cutmix")) == 24


def test_says_before_it_begins_that_a_set_does_not_fit(api, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 0))
    with fails("STORAGE_FULL", "and its disk has 0.0 MB"):
        api.load("plain")


def test_says_that_a_cache_cannot_be_written(api, tmp_path):
    (tmp_path / "a-file").write_text("")
    with fails("INVALID_INPUT", "cannot be written (ENOTDIR): fix its permissions or choose another cache="):
        api.load("plain", cache=tmp_path / "a-file")


def test_a_whole_cache_that_can_only_be_read_needs_no_more(api, monkeypatch):
    images = api.load("cutmix").images.copy()
    opened = open

    def read_only(path, mode="r", *rest, **options):
        if str(path).startswith(str(api.cache)) and set(mode) & set("wax+"):
            raise OSError(errno.EROFS, "Read-only file system")
        return opened(path, mode, *rest, **options)

    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", read_only)
        folder = api.load("cutmix", url="http://127.0.0.1:1").folder
        assert (teddyhub.open_folder(folder, cache=api.cache).images == images).all()
        (folder / FILES[0]).unlink()
        with fails("INVALID_INPUT", "cannot be written (EROFS)"):
            api.load("cutmix")


@pytest.mark.skipif(os.name == "nt", reason="there are no such locks")
def test_fetches_beside_others_where_the_file_system_has_no_locks(api, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", no_locks)
    partial = api.folder_of("cutmix") / "shards" / ".000000.tar.part"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"somebody else writes this")
    assert len(api.load("cutmix")) == 24
    assert partial.read_bytes() == b"somebody else writes this"


@pytest.mark.skipif(os.name == "nt", reason="there are no such locks")
def test_fetches_in_many_threads_at_once_where_the_file_system_has_no_locks(api, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    # As in containers, whose first process has the same id in each.
    monkeypatch.setattr("os.getpid", lambda: 1)
    with concurrent.futures.ThreadPoolExecutor(6) as threads:
        loaded = list(threads.map(lambda _: len(api.load("cutmix")), range(6)))
    assert loaded == [24] * 6


def test_tells_what_is_wrong_across_processes():
    error = pickle.loads(pickle.dumps(teddyhub.TeddyhubError("UNAVAILABLE", "Nobody answers.")))
    assert (error.code, str(error)) == ("UNAVAILABLE", "Nobody answers.")


def test_leaves_the_images_that_a_process_has_open_while_they_are_unpacked_again(api, in_process):
    api.load("cutmix")
    (unpacked,) = api.cache.glob("unpacked/*")
    code = """
import pathlib, sys
import numpy as np
import teddyhub
unpacked, folder, cache = map(pathlib.Path, sys.argv[1:])
mapped = np.load(unpacked / "images.npy", mmap_mode="r")
before = mapped.copy()
size = (unpacked / "images.npy").stat().st_size
(unpacked / "digests").write_text("damaged")
teddyhub.open_folder(folder, cache=cache)
assert (mapped == before).all()
print((unpacked / "images.npy").stat().st_size == size)
"""
    inode = (unpacked / "images.npy").stat().st_ino
    assert in_process(code, unpacked, api.folder_of("cutmix"), api.cache).strip() == "True"
    assert (unpacked / "images.npy").stat().st_ino != inode


def test_many_processes_and_threads_fetch_a_set_once(api, proxy):
    failures = []

    def load():
        try:
            api.load("cutmix", url=proxy.url)
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(proxy.requests) == 1 + len(FILES) + len(SHARDS)


def test_a_set_of_relative_folders_outlives_a_change_of_the_working_directory(api, tmp_path, monkeypatch):
    shutil.copytree(api.load("cutmix").folder, tmp_path / "pulled")
    monkeypatch.setenv("XDG_CACHE_HOME", "kept")
    opened = [teddyhub.open_folder("pulled"), api.load("cutmix", cache=None)]
    monkeypatch.setenv("HOME", str(tmp_path))
    opened.append(teddyhub.open_folder("~/pulled"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for distilled in opened:
        assert len(pickle.loads(pickle.dumps(distilled))) == 24
        assert len(next(distilled.batches()).images) == 6


def test_opens_a_folder_that_something_else_has_fetched(api, tmp_path):
    folder = tmp_path / "pulled"
    shutil.copytree(api.load("cutmix").folder, folder)
    opened = teddyhub.open_folder(folder, cache=api.cache)
    assert (opened.images == api.load("cutmix").images).all()
    (folder / FILES[0]).write_bytes(b"changed")
    with fails("OBJECT_CORRUPT", "fkd-000000.safetensors is missing or was changed"):
        teddyhub.open_folder(folder, cache=api.cache)
    assert len(teddyhub.open_folder(folder, cache=api.cache, labels="STATIC")) == 24
    with fails("INVALID_INPUT", "holds no manifest.json"):
        teddyhub.open_folder(tmp_path, cache=api.cache)
