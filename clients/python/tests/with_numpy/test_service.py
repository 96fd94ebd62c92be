"""Which service is asked, with which key, and what is said where it does not answer."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from urllib.parse import quote

from failing import fails

import teddyhub


def test_says_in_one_line_that_nobody_answers_after_its_retries(api, proxy):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with fails("UNAVAILABLE", "(ECONNREFUSED), 2 times in "):
        api.load("plain", url=f"http://127.0.0.1:{port}")
    proxy.answer("502 Bad Gateway", 99)
    with fails("UNAVAILABLE", "manifest.json (HTTP 502), 2 times"):
        api.load("plain", url=proxy.url)
    for url in ["nowhere", "http://[::1:4000"]:
        with fails("INVALID_INPUT", f"{url!r} is not the URL of a service"):
            api.load("plain", url=url)


def test_says_in_one_line_that_certificates_are_not_where_they_should_be(api, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/bundle.pem")
    with fails("INVALID_INPUT", "https://127.0.0.1:1 cannot be asked: Could not find a suitable TLS CA certificate bundle"):
        api.load("plain", url="https://127.0.0.1:1")


def test_says_without_another_try_that_a_port_speaks_no_tls(api):
    with fails("UNAVAILABLE", "cannot be trusted or speaks no TLS (") as failure:
        api.load("plain", url=api.url.replace("http://", "https://"))
    assert "EPERM" not in failure.message


def test_says_that_a_service_is_none_of_teddyhubs(api, proxy):
    proxy.answer("404 Not Found", 1)
    with fails("UNAVAILABLE", "answers 404 for manifest.json, and no Teddyhub says so: check url="):
        api.load("plain", url=proxy.url)


def test_names_the_address_that_a_service_has_moved_to(api, proxy):
    path = f"/v1/distilled-sets/{quote(api.sets['plain']['globalId'], safe='')}/manifest.json"
    for prefix in ("", "/teddyhub"):
        proxy.answer("301 Moved Permanently", 1, f"Location: {api.url}{prefix}{path}\r\n")
        words = f"{proxy.url} sends everything on to {api.url}{prefix}: give that as url= (TEDDYHUB_URL)."
        with fails("INVALID_INPUT", words):
            api.load("plain", url=f"{proxy.url}{prefix}")


def test_says_that_a_key_is_wrong_or_missing(api):
    with fails("UNAUTHENTICATED", "Send a valid API key"):
        api.load("plain", key="teddy_wrong")
    with fails("UNAUTHENTICATED", "holds characters that no key has"):
        api.load("plain", key="a key\n")
    with fails("UNAUTHENTICATED", "No API key: give key=, or set TEDDYHUB_KEY"):
        api.load("plain", key=None)


def test_takes_a_token_for_one_set_in_place_of_a_key(any_api):
    token = any_api.sets["cutmix"]["token"]
    assert len(any_api.load("cutmix", key=token)) == 24
    with fails("NOT_FOUND", "There is no DistilledSet with the id"):
        any_api.load("plain", key=token)
    with fails("UNAUTHENTICATED", "This token does not work, or not any more"):
        any_api.load("mixup", key=token[:-1] + ("A" if token[-1] != "A" else "B"))


def test_finds_key_service_and_cache_in_the_environment(api, monkeypatch, tmp_path):
    for name, value in {"URL": api.url, "KEY": api.key, "CACHE": str(tmp_path / "other")}.items():
        monkeypatch.setenv(f"TEDDYHUB_{name}", value)
    loaded = teddyhub.load(api.sets["plain"]["id"])
    assert loaded.folder.is_relative_to(tmp_path / "other")


def embedded_service(folder, key):
    """Leaves what a service of this folder would, as if it were this process."""
    (folder / ".teddyhub" / "services").mkdir(parents=True)
    (folder / ".teddyhub" / "admin-key").write_text(f"{key}\n")
    own = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]

    def leave(url, born=own):
        (folder / ".teddyhub" / "services" / f"{os.getpid()}-{born}").write_text(f"{url}\n")

    return leave


def test_finds_an_embedded_service_of_this_folder_and_its_key(api, tmp_path, monkeypatch):
    monkeypatch.delenv("TEDDYHUB_URL", raising=False)
    leave = embedded_service(tmp_path, api.key)
    with fails("UNAUTHENTICATED", "No API key"):
        api.load("plain", key=None)
    # Of a process that has ended: its number is this one's by now.
    leave(api.url, born="1")
    with fails("UNAUTHENTICATED", "No API key"):
        api.load("plain", key=None)
    leave(api.url)
    assert len(api.load("plain", key=None, url=None)) == 24
    with fails("UNAUTHENTICATED", "No API key"):
        api.load("cutmix", key=None, url="http://teddyhub.invalid")


def test_says_that_an_id_is_wrong(api):
    load = lambda set_id: teddyhub.load(set_id, url=api.url, key=api.key, cache=api.cache)  # noqa: E731
    with fails("NOT_FOUND", "'nothing' is not the id of a distilled set"):
        load("nothing")
    with fails("NOT_FOUND", "There is no DistilledSet with the id"):
        load("018f0000-0000-7000-8000-000000000001")
    with fails("NOT_FOUND", "There is no DistilledSet with the id"):
        api.load("foreign")
    with fails("INVALID_STATE", "is not published yet: publish it"):
        api.load("staging")
    with fails("INVALID_INPUT", "labels are STATIC, FKD or both"):
        api.load("plain", labels="SOFT")


def test_keeps_the_key_from_the_object_store(redirecting_api, monkeypatch):
    import teddyhub.remote

    sent = []
    original = teddyhub.remote.requests.Session.send

    def send(self, request, **options):
        sent.append((request.url, request.headers.get("Authorization")))
        return original(self, request, **options)

    monkeypatch.setattr(teddyhub.remote.requests.Session, "send", send)
    redirecting_api.load("plain")
    presigned = [authorization for url, authorization in sent if "X-Amz-Signature" in url]
    assert presigned and set(presigned) == {None}
    assert {a for url, a in sent if "X-Amz-Signature" not in url} == {f"Bearer {redirecting_api.key}"}


def test_prefers_its_key_to_a_password_of_netrc(api, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert len(api.load("plain")) == 24


def test_tells_the_key_of_the_embedded_service_to_no_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TEDDYHUB_KEY", raising=False)
    embedded_service(tmp_path, "thk_secret")("http://127.0.0.1:9")
    elsewhere = ("http://127.0.0.1:9@127.0.0.2:9", "http://localhost:@127.0.0.2:9", "http://localhost.example:9", "http://127.0.0.1:8")
    for url in elsewhere:
        with fails("UNAUTHENTICATED", "No API key"):
            teddyhub.load("0198c5d0-0000-7000-8000-000000000000", url=url, cache=tmp_path)
