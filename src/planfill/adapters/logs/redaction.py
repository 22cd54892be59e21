"""Keeping secrets out of what is written for people."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SECRET_NAME: Final = re.compile(r"(KEY|SECRET|TOKEN|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)(_ID)?$")
_SECRET_URL: Final = re.compile(r"^PLANFILL_ALERTS__.*URL$")
_PASSWORD_IN_URL: Final = re.compile(r"://[^/\s:@]+:([^/\s@]+)@")
# A shorter value stands in too much that is harmless.
_SHORTEST: Final = 6
HIDDEN: Final = "***"


def redactor(environment: Mapping[str, str]) -> Callable[[str], str]:
    """
    Give a function that hides in a text every secret which the environment holds.

    Secret is the value of a variable that is named like one (``..._KEY``, ``..._KEY_ID``, ``..._SECRET``,
    ``..._TOKEN``, ``..._PASSWORD``), every URL of ``[alerts]``, and the password in any other URL.
    """
    secrets: set[str] = set()
    for name, untrimmed in environment.items():
        # A key from a file may bring its line end along, which those who use it leave out.
        value = untrimmed.strip()
        if len(value) >= _SHORTEST and (
            _SECRET_NAME.search(name.upper()) or _SECRET_URL.search(name.upper())
        ):
            secrets.add(value)
        secrets.update(found for found in _PASSWORD_IN_URL.findall(value) if found)
    if not secrets:
        return _as_it_is
    # In JSON a secret may be written otherwise; the longest first, since one may begin with another.
    written = secrets | {json.dumps(secret)[1:-1] for secret in secrets}
    longest_first = sorted(written, key=len, reverse=True)

    def redact(text: str) -> str:
        # Every event is looked through, and next to none holds one: a pattern would be ten times slower.
        for secret in longest_first:
            if secret in text:
                text = text.replace(secret, HIDDEN)
        return text

    return redact


def _as_it_is(text: str) -> str:
    return text
