"""What tests expect of failures."""

from __future__ import annotations

import teddyhub


def fails(code: str, words: str):
    """The block raises a TeddyhubError of this code, whose message is one line with these words."""

    class Failure:
        message = ""

        def __enter__(self):
            return self

        def __exit__(self, kind, error, _):
            assert isinstance(error, teddyhub.TeddyhubError), f"{kind}: {error}"
            assert error.code == code, str(error)
            assert words in str(error), str(error)
            assert "\n" not in str(error)
            self.message = str(error)
            return True

    return Failure()
