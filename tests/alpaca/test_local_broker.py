"""What the local brokers have in common."""

from __future__ import annotations

import gc
import socket
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from alpaca_server import AlpacaServer, Market

TIMES, CALLERS = 5, 3


def test_what_calls_while_it_closes_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    left = list[object]()
    monkeypatch.setattr("sys.unraisablehook", lambda found: left.append(found.exc_value))
    market = Market({"prices": {"SPY": "400"}, "book": ":memory:"})
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        for _ in range(TIMES):
            closed, called = threading.Event(), threading.Barrier(CALLERS + 1)
            server = AlpacaServer(market)
            with ThreadPoolExecutor(CALLERS) as pool, server:
                for _ in range(CALLERS):
                    pool.submit(call_until, closed, called, server.port)
                called.wait()
                server.refuse_connections()
                closed.set()
            del server
            gc.collect()
    assert left == []


def call_until(closed: threading.Event, called: threading.Barrier, port: int) -> None:
    """Connect again and again, until it has closed."""
    called.wait()
    while not closed.is_set():
        with socket.socket() as caller:
            caller.connect_ex(("127.0.0.1", port))
