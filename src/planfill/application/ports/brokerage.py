"""A broker: one family of ports behind one factory."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel

from planfill.application.counting import Tally
from planfill.application.ports.ahead import AsksAhead
from planfill.application.ports.broker import Broker, BrokerRecords, ReportFeed
from planfill.application.ports.clock import Clock
from planfill.application.ports.examiner import BrokerExaminer
from planfill.application.ports.limiter import RequestLimiter
from planfill.application.ports.market import (
    BrokerAccount,
    InstrumentCatalog,
    MarketData,
    MarketHours,
)
from planfill.domain.market import Capabilities
from planfill.domain.plan import Plan


@runtime_checkable
class OpensForPlan(Protocol):
    """A simulated broker that opens its book with what the first plan says is held."""

    @abstractmethod
    def open_for(self, plan: Plan) -> None:
        """Open an empty book for the plan; leave any other as it is."""


@dataclass(frozen=True, slots=True)
class Brokerage:
    """
    All that execution needs of one broker.

    ``opening`` is called with each plan before its account is read: the mock broker opens its book with
    the shares that the first plan says are held. ``limiter`` paces the orders, ``endpoint`` says where they
    go, ``close`` ends what the family has opened. ``examiner`` checks for ``planfill doctor`` what only this
    adapter can. ``second_prices`` is what quotes are compared with, where the settings name it. ``ahead``,
    where there is one, is told of a plan before anything is asked for it. ``tally`` counts what is asked.
    """

    broker: Broker
    records: BrokerRecords
    market_data: MarketData
    account: BrokerAccount
    instruments: InstrumentCatalog
    hours: MarketHours
    feed: ReportFeed
    capabilities: Capabilities
    opening: Callable[[Plan], None] | None = None
    limiter: RequestLimiter | None = None
    endpoint: str = ""
    close: Callable[[], Awaitable[None]] | None = None
    examiner: BrokerExaminer | None = None
    second_prices: MarketData | None = None
    ahead: AsksAhead | None = None
    tally: Tally | None = None


@dataclass(frozen=True, slots=True)
class BrokerPlugin:
    """
    What the entry-point group ``planfill.brokers`` holds under a broker's name.

    ``settings`` is the pydantic model of the table that bears the name; ``build`` makes the family from
    it, ``rehearse`` one for previews where that must not be the same. The module must not import an SDK
    before one of them is called. ``is_live`` tells whether real money would be at stake;
    ``max_plan_age_s`` is the broker's default for ``ExecutionPolicy.max_plan_age_s``. ``apart`` gives, by
    the name of the setting, what no two accounts of one file may both have.
    """

    settings: type[BaseModel]
    build: Callable[[Any, Clock], Brokerage]
    rehearse: Callable[[Any, Clock], Brokerage] | None = None
    is_live: Callable[[Any], bool] | None = None
    max_plan_age_s: float | None = None
    apart: Callable[[Any], Mapping[str, Collection[object]]] | None = None
