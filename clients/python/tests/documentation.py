"""The code blocks of docs/, to be run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"


def blocks(kind: str, page: str = "trainers.md") -> list[str]:
    """Those that begin with ``` and `kind`, in order."""
    return re.findall(rf"^```{re.escape(kind)}\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)


def run(block: str, api, folder: Path, shell: bool = False) -> str:
    """What a block printed, run in `folder` with the environment that the page tells of."""
    chosen = api.sets["cutmix"]
    facts = {"TEDDYHUB_URL": api.url, "TEDDYHUB_KEY": api.key, "TOKEN": chosen["token"], "SET": chosen["globalId"]}
    kept = {"TEDDYHUB_CACHE": str(api.cache), "HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": "1"}
    # From a file: worker processes of other kinds than fork read it again.
    script = folder / "block"
    script.write_text(block)
    command = ["sh", "-e", str(script)] if shell else [sys.executable, str(script)]
    done = subprocess.run(command, cwd=folder, env={**os.environ, **facts, **kept}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout
