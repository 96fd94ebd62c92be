"""Validates croissant.json, of a URL or a folder, and reads every record of the folder's. Prints JSON."""
import json
import os
import sys

import mlcroissant

served, folder, token = sys.argv[1:4]
# What mlcroissant sends with every request for a file.
os.environ["CROISSANT_BASIC_AUTH_USERNAME"], os.environ["CROISSANT_BASIC_AUTH_PASSWORD"] = "any", token
remote = mlcroissant.Dataset(jsonld=served)
local = mlcroissant.Dataset(jsonld=f"{folder}/croissant.json")
records = {name: list(local.records(name)) for name in ("classes", "images", "labels")}
print(json.dumps({
    "errors": sorted(remote.metadata.ctx.issues.errors) + sorted(local.metadata.ctx.issues.errors),
    "warnings": sorted(remote.metadata.ctx.issues.warnings),
    "classes": [record["classes/name"] for record in records["classes"]],
    "keys": [record["images/key"].decode() for record in records["images"]],
    "sizes": sorted({record["images/image"].size for record in records["images"]}),
    "labels": [record["labels/label"] for record in records["labels"]],
    "label_keys": [record["labels/key"].decode() for record in records["labels"]],
    # Downloaded files come in the order of their names in its cache: the key says which is which.
    "remote_labels": [label for _, label in sorted((r["labels/key"], r["labels/label"]) for r in remote.records("labels"))],
}))
