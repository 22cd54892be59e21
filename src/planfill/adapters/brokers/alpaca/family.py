"""The family of ports for one account at Alpaca."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Final

from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.trading.client import TradingClient

from planfill.adapters.brokers.alpaca.account import AlpacaAccount
from planfill.adapters.brokers.alpaca.ahead import Ahead
from planfill.adapters.brokers.alpaca.broker import AlpacaBroker
from planfill.adapters.brokers.alpaca.connections import tls_context
from planfill.adapters.brokers.alpaca.doctor import AlpacaExaminer
from planfill.adapters.brokers.alpaca.feed import Feed
from planfill.adapters.brokers.alpaca.market import AlpacaHours, AlpacaInstruments, AlpacaMarketData
from planfill.adapters.brokers.alpaca.moment import Moment
from planfill.adapters.brokers.alpaca.news import NewsStream
from planfill.adapters.brokers.alpaca.rate import Bucket, FixedWindows
from planfill.adapters.brokers.alpaca.records import AlpacaRecords
from planfill.adapters.brokers.alpaca.transport import Transport
from planfill.application.ports.brokerage import Brokerage

if TYPE_CHECKING:
    from planfill.adapters.brokers.alpaca.settings import AlpacaSettings
    from planfill.application.ports.clock import Clock

# What is asked of the account when a plan is taken up, at the same time.
_QUESTIONS: Final = 5
_RATES: Final = {"fixed": FixedWindows, "bucket": Bucket}


def family(settings: AlpacaSettings, clock: Clock, *, sending: bool = True) -> Brokerage:
    """
    Build the family; without ``sending``, nothing is opened that only sending needs.

    Raises:
        SettingsError: Keys are missing, or are not of this environment.

    """
    settings.check()
    # To read the certificates takes its time, and nobody presents one over plain http.
    context = tls_context() if settings.is_encrypted else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    key, secret = settings.key_id.get_secret_value(), settings.secret_key.get_secret_value()
    limiter = _RATES[settings.rate](clock, settings.requests_per_minute)
    trading = Transport(
        TradingClient(key, secret, paper=not settings.is_live, url_override=settings.trading),
        settings,
        context,
        limiter,
    )
    data = Transport(
        StockHistoricalDataClient(key, secret, url_override=settings.data_url), settings, context, None
    )

    def stream() -> NewsStream:
        tls = {"ssl": context} if settings.stream.startswith("wss") else {}
        parameters = {"ping_interval": 10, "ping_timeout": 10, "max_queue": 1024, **tls}
        return NewsStream(
            key, secret, raw_data=True, url_override=settings.stream, websocket_params=parameters
        )

    feed = Feed(stream, clock)
    moment = Moment(clock)
    opening = set[asyncio.Task[None]]()

    def connect() -> None:
        """Subscribe, and open the connections over which a plan's questions go."""
        if sending:
            feed.start()
        trading.connect(settings.trading, _QUESTIONS)
        data.connect(settings.data_url, 1)

    def make_ready(orders: int) -> None:
        """Open connections for orders, while the prices are on their way."""
        if not sending:
            return
        feed.start()
        task = asyncio.create_task(trading.open(settings.trading, orders))
        opening.add(task)
        task.add_done_callback(opening.discard)

    async def close() -> None:
        await feed.aclose()
        await asyncio.gather(*opening, moment.aclose(), return_exceptions=True)
        await trading.aclose()
        await data.aclose()

    market_data = AlpacaMarketData(data, settings.data_feed, moment, make_ready)
    account = AlpacaAccount(
        trading, settings.environment, AlpacaMarketData(data, settings.data_feed, moment), moment
    )
    instruments = AlpacaInstruments(trading, clock, moment)
    hours = AlpacaHours(trading, moment)
    return Brokerage(
        broker=AlpacaBroker(trading, feed if sending else None, moment),
        records=AlpacaRecords(trading, clock, moment),
        market_data=market_data,
        account=account,
        instruments=instruments,
        hours=hours,
        feed=feed,
        capabilities=settings.capabilities,
        limiter=limiter,
        endpoint=settings.trading,
        close=close,
        ahead=Ahead(moment, (account, hours, instruments), market_data, connect, make_ready),
        examiner=AlpacaExaminer(settings, trading, limiter, clock, context),
    )
