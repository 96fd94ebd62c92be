"""The one exception of this package."""

from __future__ import annotations

import errno

_DISK_IS_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class TeddyhubError(Exception):
    """What went wrong and what to do, in one line.

    `code` is the service's name for it: UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, INVALID_STATE, INVALID_INPUT,
    UNAVAILABLE (nobody answers, after all retries), OBJECT_CORRUPT (bytes are not those of their digest),
    OBJECT_MISSING, STORAGE_FULL (no room on this disk), INTERNAL.
    """

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple:
        # As it comes back from the processes of a pool.
        return type(self), (self.code, str(self))


def disk_error(error: OSError, what: str) -> TeddyhubError:
    """The failure of writing or reading `what` on this machine's disk."""
    if error.errno in _DISK_IS_FULL:
        return TeddyhubError(
            "STORAGE_FULL",
            f"No room left on this disk for {what}: free some space or choose another cache= (TEDDYHUB_CACHE), then load "
            "again; what was fetched is kept.",
        )
    name = errno.errorcode.get(error.errno or 0, type(error).__name__)
    return TeddyhubError(
        "INVALID_INPUT", f"{what} cannot be written ({name}): fix its permissions or choose another cache= (TEDDYHUB_CACHE)."
    )
