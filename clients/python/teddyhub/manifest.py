"""manifest.json: what a set consists of, and whether it is what its digest says (docs/formats.md)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from .errors import TeddyhubError

SCHEMA_VERSION = 1

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
# A file's URL becomes a path here, so it may not lead anywhere else.
_SAFE_URL = re.compile(r"(?:shards|labels)/[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)


@dataclass(frozen=True)
class File:
    """A file of a set: `path` below the set's URL and below its folder alike."""

    path: str
    digest: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """The checked fields; `raw` is the whole manifest as parsed JSON."""

    raw: dict[str, Any]
    id: str
    name: str
    digest: str
    class_names: list[str]
    # (height, width, channels) of a sample as stored, and of the full image that it is to be resized to.
    image_shape: tuple[int, int, int]
    full_image_shape: tuple[int, int, int]
    sample_count: int
    mean: list[float]
    std: list[float]
    shards: list[File]
    shard_samples: list[int]
    # By mode: STATIC, FKD.
    label_files: dict[str, list[File]]

    def files(self, modes: tuple[str, ...]) -> list[File]:
        """The shards, then the label files of these modes; each file once."""
        wanted = [*self.shards, *(file for mode in modes for file in self.label_files.get(mode, []))]
        return list({file.path: file for file in wanted}.values())


def uuid_of(set_id: str) -> str:
    """The UUID of a set's id, which is that UUID or the id of GraphQL. Raises INVALID_INPUT for what is no text, NOT_FOUND for anything else."""
    if not isinstance(set_id, str):
        raise TeddyhubError("INVALID_INPUT", f"The id of a set is a text, not {set_id!r}: is a variable for it not set?")
    if _UUID.fullmatch(set_id.lower()):
        return set_id.lower()
    try:
        padded = set_id + "=" * (-len(set_id) % 4)
        kind, _, uuid = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii").partition(":")
    except (binascii.Error, ValueError):
        kind, uuid = "", ""
    if kind == "DistilledSet" and _UUID.fullmatch(uuid):
        return uuid
    raise TeddyhubError(
        "NOT_FOUND",
        f"{set_id[:100]!r} is not the id of a distilled set: take the id that GraphQL gives, or the set's UUID.",
    )


def parse_manifest(content: bytes, uuid: str | None = None) -> Manifest:
    """The manifest in `content`. Raises OBJECT_CORRUPT where it is malformed, not what its own digest says, or another
    set's than `uuid`; INVALID_INPUT for a version that this package does not read."""
    try:
        raw = json.loads(content.decode("utf-8"))
    except ValueError:
        raise _corrupt("is not JSON") from None
    version = raw.get("schemaVersion") if isinstance(raw, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise TeddyhubError(
            "INVALID_INPUT",
            f"manifest.json has version {version}, this client reads {SCHEMA_VERSION}: install clients/python of a newer Teddyhub.",
        )
    try:
        manifest = _checked(raw)
    except (KeyError, TypeError, ValueError) as error:
        raise _corrupt(f"is malformed ({error})") from None
    if uuid is not None and manifest.id != uuid:
        raise _corrupt(f"is of the set {manifest.id} and not of {uuid}")
    digest = set_digest(content)
    if digest != manifest.digest:
        raise _corrupt(f"was changed: its content has the digest {digest}, not {manifest.digest}")
    return manifest


def set_digest(content: bytes) -> str:
    """sha256 of the canonical manifest without id, name, digest and the run's id (RFC 8785)."""
    # Numbers stay the text that they are: the manifest is canonical already, and ECMAScript prints floats in its own way.
    fields = json.loads(content.decode("utf-8"), parse_float=_Number, parse_int=_Number)
    for name in ("id", "name", "digest"):
        fields.pop(name, None)
    if isinstance(fields.get("lineage"), dict):
        fields["lineage"].pop("runId", None)
    return "sha256:" + hashlib.sha256(_canonical(fields).encode("utf-8", "surrogatepass")).hexdigest()


class _Number(str):
    pass


def _canonical(value: Any) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda item: item[0].encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_text(key)}:{_canonical(item)}" for key, item in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_canonical, value)) + "]"
    return _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _checked(raw: Any) -> Manifest:
    if raw["schemaVersion"] != SCHEMA_VERSION:
        raise ValueError("schemaVersion")
    image_shape, full_image_shape = _shape(raw["imageShape"]), _shape(raw["fullImageShape"])
    modes = {mode["mode"]: [_file(file) for file in mode["files"]] for mode in raw["labelModes"]}
    return Manifest(
        raw=raw,
        id=_matching(_UUID, raw["id"], "id"),
        name=str(raw["name"]),
        digest=_matching(_DIGEST, raw["digest"], "digest"),
        class_names=[str(name) for name in raw["classNames"]],
        image_shape=image_shape,
        full_image_shape=full_image_shape,
        sample_count=_count(raw["sampleCount"], "sampleCount"),
        mean=_per_channel(raw["mean"], image_shape, "mean"),
        std=_per_channel(raw["std"], image_shape, "std"),
        shards=[_file(shard) for shard in raw["shards"]],
        shard_samples=[_count(shard["samples"], "samples") for shard in raw["shards"]],
        label_files=modes,
    )


def _file(entry: Any) -> File:
    url = _matching(_SAFE_URL, entry["url"], "url")
    return File(url, _matching(_DIGEST, entry["sha256"], "sha256"), _count(entry["bytes"], "bytes"))


def _shape(entry: Any) -> tuple[int, int, int]:
    height, width, channels = (_count(entry[name], name) for name in ("height", "width", "channels"))
    if height < 1 or width < 1 or channels not in (1, 3):
        raise ValueError("imageShape")
    return height, width, channels


def _per_channel(values: Any, shape: tuple[int, int, int], name: str) -> list[float]:
    if len(values) != shape[2]:
        raise ValueError(name)
    return [float(value) for value in values]


def _count(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(name)
    return value


def _matching(pattern: re.Pattern[str], value: Any, name: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{name}: {str(value)[:100]!r}")
    return value


def _corrupt(problem: str) -> TeddyhubError:
    return TeddyhubError("OBJECT_CORRUPT", f"manifest.json {problem}: it is refused; tell who runs the service.")
