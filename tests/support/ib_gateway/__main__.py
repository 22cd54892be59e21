"""``python -m ib_gateway --prices FILE``: a TWS gateway to try the adapter by hand, until Ctrl-C."""

from __future__ import annotations

import argparse
import threading
from contextlib import suppress
from pathlib import Path

from ib_gateway import IbGateway, Market


def main() -> None:
    """Start, and say how to use it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prices", type=Path, required=True, help="a file of last prices")
    parser.add_argument("--cash", default="1000000", help="dollars in the account")
    parser.add_argument("--port", type=int, default=0, help="a free one if not given")
    chosen = parser.parse_args()
    market = Market({"prices": chosen.prices, "book": ":memory:", "cash": chosen.cash, "holdings": {}})
    with IbGateway(market, port=chosen.port) as gateway, suppress(KeyboardInterrupt):
        for name, value in gateway.environment().items():
            print(f"export {name}={value}")  # noqa: T201
        print("# until Ctrl-C", flush=True)  # noqa: T201
        threading.Event().wait()


if __name__ == "__main__":
    main()
