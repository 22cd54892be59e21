"""What was opened to Alpaca is closed with the façade, not once it is forgotten."""

from __future__ import annotations

from typing import Any

from alpaca.trading.client import TradingClient
from alpaca_server import AlpacaServer
from pydantic import SecretStr

from planfill.adapters.brokers.alpaca.connections import tls_context
from planfill.adapters.brokers.alpaca.settings import AlpacaSettings
from planfill.adapters.brokers.alpaca.transport import Transport


async def test_connections_are_closed_also_those_that_were_opened_ahead(server: AlpacaServer) -> None:
    client = TradingClient(server.key, server.secret, url_override=server.url)
    settings = AlpacaSettings(key_id=SecretStr(server.key), secret_key=SecretStr(server.secret))
    transport = Transport(client, settings, tls_context(), None)
    await transport.open(server.url, 3)
    await transport.get("/clock")
    pool: Any = transport._connections.pool(server.url).pool
    pooled = [one for one in pool.queue if one is not None]
    assert [one.is_closed for one in pooled] == [False] * 3
    await transport.aclose()
    assert [one.is_closed for one in pooled] == [True] * 3
