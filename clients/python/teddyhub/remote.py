"""The data plane over HTTP: one request at a time, tried again where that may help."""

from __future__ import annotations

import email.utils
import errno
import random
import re
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Callable, TypeVar
from urllib.parse import quote, urljoin, urlsplit

import requests

from .errors import TeddyhubError

_T = TypeVar("_T")

_TIMEOUT = (10.0, 60.0)  # to connect, and between two pieces of an answer; seconds
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
# What is lost where an answer breaks off: requests hands out whole pieces alone.
_CHUNK = 1 << 14
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)", re.ASCII)
# What the service says of a request that would fail again.
_FINAL = {"OBJECT_CORRUPT", "OBJECT_MISSING", "BAD_CONFIGURATION"}


class Retriable(Exception):
    """Nobody answered, or not to the end. `wait`: what the service asked for, in seconds."""

    def __init__(self, reason: str, wait: float | None = None):
        super().__init__(reason)
        self.wait = wait


@dataclass
class Body:
    """An answer's bytes, from `start` on, of a file of `total` bytes."""

    start: int
    total: int | None
    chunks: Iterator[bytes]
    close: Callable[[], None]


class _Bearer(requests.auth.AuthBase):
    """The header by way of `auth`: else requests would prefer a password that ~/.netrc has for the host."""

    def __init__(self, key: str | None):
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._key is not None:
            request.headers["Authorization"] = f"Bearer {self._key}"
        return request


class Remote:
    """One set's files. `key` is an API key, or a token for the set."""

    def __init__(self, url: str, key: str, set_id: str, retries: int):
        if not _is_service(url):
            raise TeddyhubError("INVALID_INPUT", f"{url!r} is not the URL of a service: it must begin with http://.")
        if not key.isascii() or not key.isprintable() or " " in key or key == "":
            raise TeddyhubError("UNAUTHENTICATED", "The key holds characters that no key has: check key= or TEDDYHUB_KEY.")
        self._origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        self._prefix = urlsplit(url).path.rstrip("/")
        self._base = f"{url.rstrip('/')}/v1/distilled-sets/{quote(set_id, safe='')}/"
        self._key = key
        self._retries = retries
        self._session = requests.Session()

    def close(self) -> None:
        self._session.close()

    def read(self, path: str) -> bytes:
        """A whole file in memory."""

        def attempt(_: Callable[[], None]) -> bytes:
            body = self.open(path)
            try:
                content = b"".join(body.chunks)
            finally:
                body.close()
            if body.total not in (None, len(content)):
                raise Retriable(f"it ended after {len(content)} of {body.total} bytes")
            return content

        return self.persist(path, attempt)

    def persist(self, path: str, attempt: Callable[[Callable[[], None]], _T]) -> _T:
        """Calls `attempt` until it ends without Retriable, with growing pauses. `attempt` is given what to call when it got
        ahead: only tries in a row that brought nothing count."""
        fruitless = 0
        began = time.monotonic()

        def got_ahead() -> None:
            nonlocal fruitless
            fruitless = 0

        while True:
            try:
                return attempt(got_ahead)
            except Retriable as failure:
                fruitless += 1
                if fruitless > self._retries:
                    raise TeddyhubError(
                        "UNAVAILABLE",
                        f"No complete answer from {self._origin} for {path} ({failure}), {fruitless} times in "
                        f"{time.monotonic() - began:.0f} s: check url= (TEDDYHUB_URL) and that the service runs, then load "
                        "again; what was fetched is kept.",
                    ) from None
                time.sleep(_pause(fruitless, failure.wait))

    def open(self, path: str, start: int = 0) -> Body:
        """A file from byte `start` on, or from 0 where the server sends the whole. Raises Retriable, or what the service
        says."""
        answer = self._ask(urljoin(self._base, path), self._key, start)
        if 300 <= answer.status_code < 400 and "Location" in answer.headers:
            location = urljoin(answer.url, answer.headers["Location"])
            answer.close()
            self._assert_elsewhere(answer.url, location)
            # The key is for the service alone: a presigned URL needs none, and stores refuse a request that carries two.
            answer = self._ask(location, None, start)
        if answer.status_code == 200:
            length = answer.headers.get("Content-Length", "")
            return Body(0, int(length) if length.isdigit() else None, _chunks(answer), answer.close)
        span = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if answer.status_code == 206 and span and int(span[1]) <= start:
            return Body(int(span[1]), int(span[2]), _chunks(answer), answer.close)
        with answer:
            raise _refusal(answer, path)

    def _assert_elsewhere(self, url: str, location: str) -> None:
        """A service that moved, or that is asked without TLS, would be sent no key where it is now, and miss it."""
        there = "{0.scheme}://{0.netloc}".format(urlsplit(location))
        if urlsplit(location).path == urlsplit(url).path and there != self._origin:
            raise TeddyhubError(
                "INVALID_INPUT",
                f"{self._origin} sends everything on to {there}{self._prefix}: give that as url= (TEDDYHUB_URL).",
            )

    def _ask(self, url: str, key: str | None, start: int) -> requests.Response:
        headers = {"Accept-Encoding": "identity"}
        if start > 0:
            headers["Range"] = f"bytes={start}-"
        try:
            return self._session.get(
                url, headers=headers, auth=_Bearer(key), stream=True, allow_redirects=False, timeout=_TIMEOUT
            )
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema):
            raise TeddyhubError("INVALID_INPUT", f"{url[:200]!r} is not a URL: check url= (TEDDYHUB_URL).") from None
        except requests.RequestException as error:
            reason = _reason(error)
            # No other try changes a certificate, or a port that speaks another protocol; a broken connection may be one.
            if isinstance(error, requests.exceptions.SSLError) and "EOF" not in reason:
                raise TeddyhubError(
                    "UNAVAILABLE",
                    f"{self._origin} cannot be trusted or speaks no TLS ({reason}): check url= (TEDDYHUB_URL), or name the "
                    "certificates of your own authority in REQUESTS_CA_BUNDLE.",
                ) from None
            raise Retriable(reason) from None
        except OSError as error:
            # A bundle of certificates that is not there, say.
            raise TeddyhubError("INVALID_INPUT", f"{self._origin} cannot be asked: {error}.") from None


def _is_service(url: str) -> bool:
    try:
        return url.startswith(("http://", "https://")) and bool(urlsplit(url).hostname)
    except ValueError:
        return False


def _chunks(answer: requests.Response) -> Iterator[bytes]:
    try:
        yield from answer.iter_content(_CHUNK)
    except requests.RequestException as error:
        raise Retriable(_reason(error)) from None


def _refusal(answer: requests.Response, path: str) -> Exception:
    """What an answer without the file means: Retriable, or the service's own words."""
    status = answer.status_code
    try:
        problem = answer.json()["error"]
        code, message, request_id = str(problem["code"]), str(problem["message"]), str(problem["requestId"])
    except (requests.RequestException, ValueError, KeyError, TypeError):
        # Presigned URLs expire, and gateways have hiccups: the next try asks the service for a new URL.
        if status in (403, 408, 429) or status >= 500:
            return Retriable(f"HTTP {status}", _retry_after(answer))
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(answer.url))
        return TeddyhubError(
            "UNAVAILABLE", f"{origin} answers {status} for {path}, and no Teddyhub says so: check url= (TEDDYHUB_URL)."
        )
    if (status == 429 or status >= 500) and code not in _FINAL:
        return Retriable(f"{code}: {message} (request {request_id})", _retry_after(answer))
    return TeddyhubError(code, f"{message} (request {request_id})" if status >= 500 else message)


def _retry_after(answer: requests.Response) -> float | None:
    value = answer.headers.get("Retry-After", "")
    if value.isdigit():
        return float(value)
    date = email.utils.parsedate_tz(value)
    return max(0.0, email.utils.mktime_tz(date) - time.time()) if date else None


def _pause(failures: int, asked: float | None) -> float:
    """Seconds before the next try: doubled each time, with jitter, so that many trainers do not come back at once."""
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (failures - 1))
    return max(random.uniform(longest / 2, longest), min(asked or 0.0, _LONGEST_PAUSE))


def _reason(error: BaseException) -> str:
    """A word for what failed, out of the exceptions that requests wraps it in."""
    seen: list[BaseException] = [error]
    for inner in seen:
        # Its errno is a number of OpenSSL, and would be read as EPERM.
        if isinstance(inner, ssl.SSLError):
            return inner.reason or type(inner).__name__
        found = inner.errno if isinstance(inner, OSError) and not isinstance(inner, requests.RequestException) else None
        if found in errno.errorcode:
            return errno.errorcode[found]
        args = (inner.__cause__, inner.__context__, getattr(inner, "reason", None), *inner.args)
        seen.extend(arg for arg in args if isinstance(arg, BaseException) and arg not in seen)
    return type(seen[-1]).__name__
