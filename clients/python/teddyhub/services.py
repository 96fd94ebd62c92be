"""The services of a state folder, which leave there where they answer."""

from __future__ import annotations

import os
from pathlib import Path


def service_urls(state_folder: Path) -> list[str]:
    """URLs of the services that are alive, the longest running first.

    Each leaves `services/<pid>-<born>`. One that was killed leaves it for good, and on its port may by now listen anybody.
    """
    try:
        entries = [entry for entry in (state_folder / "services").iterdir() if _is_of_living(entry.name)]
        return [entry.read_text().strip() for entry in sorted(entries, key=lambda entry: entry.stat().st_mtime)]
    except (OSError, UnicodeDecodeError):
        # None was ever started here, or one has just ended.
        return []


def _is_of_living(name: str) -> bool:
    pid, _, born = name.partition("-")
    if not pid.isdecimal():
        return False
    try:
        # What follows the command's name, which may itself hold spaces and brackets.
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return state != "Z" and fields[18] == born
    except (OSError, IndexError):
        return born == "" and _runs(int(pid))


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True
