"""The family of ports for one account at IB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planfill.adapters.brokers.ib.account import IbAccount
from planfill.adapters.brokers.ib.broker import IbBroker
from planfill.adapters.brokers.ib.contracts import Contracts, IbHours, IbInstruments
from planfill.adapters.brokers.ib.doctor import IbExaminer
from planfill.adapters.brokers.ib.gateway import Gateway
from planfill.adapters.brokers.ib.quotes import IbMarketData
from planfill.adapters.brokers.ib.records import IbFeed, IbRecords
from planfill.application.ports.brokerage import Brokerage

if TYPE_CHECKING:
    from planfill.adapters.brokers.ib.settings import IbSettings
    from planfill.application.ports.clock import Clock


def family(settings: IbSettings, clock: Clock) -> Brokerage:
    """Build the family; it connects when it is first asked something."""
    gateway = Gateway(settings, clock)
    contracts = Contracts(gateway, clock)
    market_data = IbMarketData(gateway, contracts, clock)
    account = IbAccount(gateway, market_data)
    return Brokerage(
        broker=IbBroker(gateway, contracts, account, clock),
        records=IbRecords(gateway, clock),
        market_data=market_data,
        account=account,
        instruments=IbInstruments(contracts),
        hours=IbHours(gateway, clock),
        feed=IbFeed(gateway),
        capabilities=settings.capabilities,
        endpoint=f"{settings.host}:{settings.listens_at}",
        close=gateway.aclose,
        examiner=IbExaminer(gateway, clock),
    )
