"""What must be known of market and account before an order is made."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from planfill.domain.market import Account, Instrument, MarketSession, NoQuote, Quote
    from planfill.domain.values import Quantity


@runtime_checkable
class MarketData(Protocol):
    """Quotes. Proven by ``planfill.testing.market``."""

    @abstractmethod
    async def get_current_prices(self, symbols: Collection[str]) -> Mapping[str, Quote | NoQuote]:
        """
        Quote every symbol in one call.

        A symbol that the source does not know, or of which it says nonsense (0, negative, crossed), comes
        back as ``NoQuote`` with the reason, or is absent: never as a made-up price.

        Raises:
            BrokerConnectionError: The source could not be asked.

        """


@runtime_checkable
class InstrumentCatalog(Protocol):
    """The broker's rules for each symbol; cached by the adapter."""

    @abstractmethod
    async def get_instruments(self, symbols: Collection[str]) -> Mapping[str, Instrument]:
        """
        Describe every symbol in one call; a symbol the broker does not have is absent.

        Raises:
            BrokerConnectionError: The broker could not be asked.

        """


@runtime_checkable
class BrokerAccount(Protocol):
    """The account: whose it is, its cash, what it holds, and what of that it can sell."""

    @abstractmethod
    async def get_account(self) -> Account:
        """
        Read the account now.

        A buy that fills meanwhile must not be missing from both ``cash_usd`` and ``open_buys_usd``: read the
        open orders first. Only where no order of ours works yet may both be asked for together.

        Raises:
            BrokerConnectionError: The broker could not be asked.

        """

    @abstractmethod
    async def get_sellable(self, symbols: Collection[str]) -> Mapping[str, Quantity]:
        """
        Tell how many shares of each symbol can be sold now: held, and not held by open orders.

        A symbol that is not held is absent; of a short position nothing can be sold.

        Raises:
            BrokerConnectionError: The broker could not be asked.

        """

    @abstractmethod
    async def get_positions(self, symbols: Collection[str]) -> Mapping[str, Quantity]:
        """
        Tell how many shares of each symbol are held, whether or not open orders hold them.

        A symbol that is not held is absent.

        Raises:
            BrokerConnectionError: The broker could not be asked.

        """


@runtime_checkable
class MarketHours(Protocol):
    """The market's regular session."""

    @abstractmethod
    async def get_session(self) -> MarketSession:
        """
        Tell whether the market is open now, and when it next opens and closes.

        Raises:
            BrokerConnectionError: It could not be asked. The market then counts as closed.

        """
