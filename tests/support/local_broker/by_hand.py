"""A broker on this machine to try an adapter by hand."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from local_broker.server import LocalBroker


def until_ctrl_c(about: str | None, make: Callable[[Mapping[str, Any], int], LocalBroker]) -> None:
    """Read the command line, start what is made from settings and port, and say how to use it."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--prices", type=Path, required=True, help="a file of last prices")
    parser.add_argument("--cash", default="1000000", help="dollars in the account")
    parser.add_argument("--port", type=int, default=0, help="a free one if not given")
    chosen = parser.parse_args()
    settings = {"prices": chosen.prices, "book": ":memory:", "cash": chosen.cash, "holdings": {}}
    with make(settings, chosen.port) as broker, suppress(KeyboardInterrupt):
        for name, value in broker.environment().items():
            print(f"export {name}={value}")  # noqa: T201
        print("# until Ctrl-C", flush=True)  # noqa: T201
        threading.Event().wait()
