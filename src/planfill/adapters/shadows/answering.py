"""The other end: what the process of a shadow does with its stdin and stdout."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from planfill.domain.errors import ExecutionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def answer(orders: Callable[[Mapping[str, Any]], object]) -> None:
    """
    Read the request, and write what ``orders`` makes of it, or why it makes nothing.

    What is printed meanwhile goes to stderr: stdout is for the answer alone.
    """
    reply = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        said = json.dumps({"orders": orders(json.load(sys.stdin))}, default=str)
    except ExecutionError as e:
        said = json.dumps({"error": str(e)})
    except (Exception, SystemExit) as e:  # noqa: BLE001 - whatever it is, it is the shadow's
        said = json.dumps({"error": f"{type(e).__name__}: {e}" if str(e) else type(e).__name__})
    with os.fdopen(reply, "w", encoding="utf-8") as stream:
        stream.write(said)
