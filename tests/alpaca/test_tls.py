"""Over real TLS on loopback: whom the adapter trusts, and what its connections cost."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import anyio
import certifi
import pytest
import trustme
from alpaca.trading.client import TradingClient
from alpaca_server import AlpacaServer, Market
from certificates import served, written
from pydantic import SecretStr

from planfill.adapters.brokers.alpaca import AlpacaSettings
from planfill.adapters.brokers.alpaca.connections import tls_context
from planfill.adapters.brokers.alpaca.family import family
from planfill.adapters.brokers.alpaca.transport import Transport
from planfill.adapters.clock import SystemClock
from planfill.application.ports.brokerage import Brokerage
from planfill.domain.errors import BrokerUnavailable
from planfill.testing.builders import an_order

ORDERS: Final = 6


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", written(authority, tmp_path))


def settings_for(server: AlpacaServer) -> AlpacaSettings:
    return AlpacaSettings(
        key_id=SecretStr(server.key), secret_key=SecretStr(server.secret), trading_url=server.url,
        data_url=server.url, stream_url=server.stream_url, timeout_s=5, requests_per_minute=10_000,
    )  # fmt: skip


@asynccontextmanager
async def a_family(server: AlpacaServer) -> AsyncIterator[Brokerage]:
    built = family(settings_for(server), SystemClock())
    yield built
    assert built.close is not None
    await built.close()


@pytest.mark.usefixtures("trusted")
async def test_with_the_right_authority_orders_prices_and_the_stream_work(
    authority: trustme.CA, market: Market
) -> None:
    with AlpacaServer(market, tls=served(authority, "localhost")) as server:
        async with a_family(server) as at:
            await at.market_data.get_current_prices(["SPY"])
            report = await at.broker.place_order(an_order(symbol="SPY", quantity=1))
            assert report.symbol == "SPY"
            await server.wait_for_listener()
            assert server.stream_is_heard
        assert server.url.startswith("https://")


async def test_a_certificate_of_an_unknown_authority_is_refused_and_nothing_is_sent(
    authority: trustme.CA, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
    with AlpacaServer(market, tls=served(authority, "localhost")) as server:
        await _is_refused(server, "unable to get local issuer|self.signed|verify failed")


@pytest.mark.usefixtures("trusted")
async def test_a_certificate_for_another_host_is_refused_and_nothing_is_sent(
    authority: trustme.CA, market: Market
) -> None:
    with AlpacaServer(market, tls=served(authority, "elsewhere.example")) as server:
        await _is_refused(server, "not valid for 'localhost'|verify failed")


async def _is_refused(server: AlpacaServer, why: str) -> None:
    async with a_family(server) as at:
        with pytest.raises(BrokerUnavailable, match=why) as caught:
            await at.broker.place_order(an_order(symbol="SPY"))
        assert type(caught.value) is BrokerUnavailable
    assert server.connections
    assert server.requests == []
    assert server.orders() == []


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("proxies", [False, True], ids=["direct", "with proxies for others"])
async def test_certificates_are_read_once_for_all_connections(
    authority: trustme.CA, market: Market, monkeypatch: pytest.MonkeyPatch, *, proxies: bool
) -> None:
    if proxies:
        # Where the environment counts, requests would have each connection read its certificates.
        monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
        monkeypatch.setenv("no_proxy", "localhost")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", os.environ["SSL_CERT_FILE"])
    read = []
    reading = ssl.SSLContext.load_verify_locations

    def counted(self: ssl.SSLContext, *args: Any, **kwargs: Any) -> None:
        read.append(args)
        reading(self, *args, **kwargs)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counted)
    with AlpacaServer(market, tls=served(authority, "localhost"), rtt_s=0.02) as server:
        async with a_family(server) as at:
            await at.market_data.get_current_prices(["SPY", "QQQ", "KO"])
            async with anyio.create_task_group() as group:
                for number in range(ORDERS):
                    order = an_order(symbol="SPY", quantity=1, client_order_id=f"pf-{number}")
                    group.start_soon(at.broker.place_order, order)
        # How many orders share a connection is a matter of speed; several there are.
        assert server.connections >= 4
    assert len(read) == 1


@pytest.mark.usefixtures("trusted")
async def test_connections_opened_ahead_are_used_with_session_tickets_pending(
    authority: trustme.CA, market: Market
) -> None:
    context = served(authority, "localhost")
    assert context.num_tickets
    with AlpacaServer(market, tls=context, rtt_s=0.05) as server:
        client = TradingClient(server.key, server.secret, url_override=server.url)
        transport = Transport(client, settings_for(server), tls_context(), None)
        await transport.open(server.url, ORDERS)
        assert server.connections == ORDERS
        assert server.requests == []
        async with anyio.create_task_group() as group:
            for _ in range(ORDERS):
                group.start_soon(transport.get, "/clock")
        assert server.count("clock") == ORDERS
        assert server.connections == ORDERS
        await transport.aclose()
