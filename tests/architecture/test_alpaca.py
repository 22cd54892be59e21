"""The promises of the Alpaca adapter: a time-out on each call, no retry by the SDK, no float on the wire."""

from __future__ import annotations

import ast
import json
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from alpaca_venue import AlpacaVenue
from urllib3 import HTTPConnectionPool, Timeout

from planfill.adapters.brokers.alpaca.broker import AlpacaBroker
from planfill.adapters.brokers.alpaca.market import AlpacaMarketData
from planfill.adapters.brokers.alpaca.transport import Transport
from planfill.application.ports.brokerage import Brokerage
from planfill.testing.builders import an_order
from planfill.testing.clock import START

ALPACA: Final = Path(__file__).resolve().parents[2] / "src/planfill/adapters/brokers/alpaca"
EXACT: Final = ("account", "broker", "market", "outcomes", "records", "wire")
MODULES: Final = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in ALPACA.glob("*.py")}


def names_a_float(tree: ast.AST) -> list[int]:
    """List the lines that name the type float, or write a number with a point."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Name) and node.id == "float")
        or (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value == "float")
    ]


def reached(tree: ast.AST, attribute: str) -> list[int]:
    return [n.lineno for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr == attribute]


@pytest.mark.parametrize("module", EXACT)
def test_no_float_is_between_plan_and_wire(module: str) -> None:
    assert names_a_float(MODULES[module]) == []


@pytest.mark.parametrize("text", ["x = float(y)", "def f(x: float) -> int: ...", "y = x * 0.1", "x: 'float'"])
def test_a_float_would_be_noticed(text: str) -> None:
    assert names_a_float(ast.parse(text))


def test_the_session_is_reached_in_the_transport_alone() -> None:
    assert [name for name, tree in MODULES.items() if reached(tree, "_session")] == ["transport"]


def test_nobody_else_makes_requests() -> None:
    """Alpaca is asked by way of ``Transport``; the doctor alone also looks at names and certificates."""
    looks = {
        "doctor": {"getaddrinfo", "create_connection"},
        "session": {"HTTPError", "ReadTimeout"},  # what failed, in the SDK's words
    }
    for name, tree in MODULES.items():
        calls = [
            node.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in {"requests", "http", "urllib", "socket"}
            and node.func.attr not in looks.get(name, set())
        ]
        assert calls == [], f"{name}:{calls}"


def test_no_retry_is_asked_for_anywhere() -> None:
    sets = [
        (name, node.value)
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and any(isinstance(t, ast.Attribute) and t.attr == "_retry" for t in node.targets)
    ]
    assert [(name, value.value) for name, value in sets if isinstance(value, ast.Constant)] == [
        ("transport", 0)
    ]
    retries = [
        node.value
        for tree in MODULES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg in {"retries", "max_retries"}
    ]
    assert sorted(ast.unparse(value) for value in retries) == ["0", "False"]


@pytest.fixture
def venue() -> Iterator[AlpacaVenue]:
    with AlpacaVenue() as venue:
        yield venue


@pytest.fixture
async def family(venue: AlpacaVenue) -> AsyncIterator[Brokerage]:
    family = venue.family()
    yield family
    assert family.close is not None
    await family.close()


def transports(family: Brokerage) -> tuple[Transport, Transport]:
    assert isinstance(family.broker, AlpacaBroker)
    assert isinstance(family.market_data, AlpacaMarketData)
    return family.broker._trading, family.market_data._data


async def test_neither_client_of_the_sdk_repeats_anything(family: Brokerage) -> None:
    for transport in transports(family):
        assert transport._client._retry == 0
        for scheme in ("https://", "http://"):
            assert transport._connections.max_retries.total == 0
            assert transport._client._session.get_adapter(scheme) is transport._connections


async def test_numbers_in_answers_are_decimals(family: Brokerage) -> None:
    _, data = transports(family)
    answer = await data.get("/stocks/quotes/latest", symbols="SPY")
    assert type(answer["quotes"]["SPY"]["ap"]) is Decimal


class Sent(NamedTuple):
    method: str
    body: bytes | None
    timeout: Timeout


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Sent]:
    """Record what leaves, and with which time-out, where our own code ends."""
    left: list[Sent] = []
    sending = HTTPConnectionPool.urlopen

    def recorded(
        self: HTTPConnectionPool, method: str, url: str, body: Any, *args: Any, **kwargs: Any
    ) -> Any:
        left.append(Sent(method, body, kwargs["timeout"]))
        return sending(self, method, url, body, *args, **kwargs)

    monkeypatch.setattr(HTTPConnectionPool, "urlopen", recorded)
    return left


async def test_every_request_that_leaves_has_a_time_out(
    venue: AlpacaVenue, family: Brokerage, sent: list[Sent]
) -> None:
    order = an_order(symbol="SPY", limit_price="100")
    await family.market_data.get_current_prices(["SPY"])
    await family.instruments.get_instruments(["SPY"])
    await family.hours.get_session()
    await family.account.get_account()
    await family.account.get_sellable(["SPY"])
    await family.broker.place_order(order)
    await family.broker.get_order_status(order.client_order_id)
    await family.broker.cancel_order(order.client_order_id)
    await family.records.list_orders(START)
    await family.records.list_fills(START)
    settings = venue.settings()
    assert {one.method for one in sent} == {"GET", "POST", "DELETE"}
    assert {(one.timeout.connect_timeout, one.timeout.read_timeout) for one in sent} == {
        (settings.connect_timeout_s, settings.timeout_s)
    }
    assert len(sent) == len(venue.server.requests) >= 12


@pytest.mark.parametrize("terms", [{"quantity": "7.2273576"}, {"limit_price": "100.07"}], ids=str)
async def test_what_is_posted_holds_strings_and_booleans_alone(
    family: Brokerage, sent: list[Sent], terms: dict[str, Any]
) -> None:
    await family.broker.place_order(an_order(**({"symbol": "SPY"} | terms)))
    (posted,) = [one for one in sent if one.method == "POST"]
    assert posted.body is not None
    body = json.loads(posted.body)
    assert {type(value) for value in body.values()} == {str, bool}
    assert body["qty"] == terms.get("quantity", "10")
    assert body.get("limit_price") == terms.get("limit_price")
