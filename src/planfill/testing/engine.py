"""
For the tests of a trading engine: a façade over a mock exchange, with nothing outside this process.

The one module here that stands on all the layers: what an engine calls is the whole of Planfill.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from planfill.adapters.brokers.mock import MockBroker, MockSettings, On, Script
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.bootstrap.manager import ExecutionManager
from planfill.testing.clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from planfill.application.ports.listener import EventListener
    from planfill.domain.policy import Policy
    from planfill.domain.values import Money, Quantity
    from planfill.testing.builders import Number


class MockExecution(ExecutionManager):
    """
    An ``ExecutionManager`` whose exchange, ledger and clock are objects of the test.

    Reads no settings, writes no file, and waits for nothing: time is virtual, and begins at
    ``planfill.testing.clock.START``. ``prices`` are dollars a share, ``cash`` dollars, ``holdings`` shares,
    all by symbol. ``faults`` say which calls of the broker go wrong, and how
    (``planfill.adapters.brokers.mock.faults``). ``policy`` is what the tables ``[execution]`` and
    ``[limits]`` would say; ``settings`` are more of the table ``[mock]``, such as ``fee_bps`` or
    ``not_tradable``.

    Raises:
        ValidationError: One of the settings is none.

    """

    def __init__(
        self,
        prices: Mapping[str, Number],
        *,
        cash: Number = 100_000,
        holdings: Mapping[str, Number] | None = None,
        faults: Sequence[On] = (),
        policy: Policy | None = None,
        listeners: Sequence[EventListener] = (),
        **settings: Any,  # noqa: ANN401 - MockSettings says what each may be
    ) -> None:
        self._exchange = MockBroker(
            MockSettings.model_validate(
                {
                    "prices": {symbol: str(price) for symbol, price in prices.items()},
                    "cash": str(cash),
                    "holdings": {symbol: str(held) for symbol, held in (holdings or {}).items()},
                    "book": ":memory:",
                    **settings,
                }
            ),
            VirtualClock(),
            Script(*faults),
        )
        super().__init__(
            broker=self._exchange,
            ledger=MemoryLedger(),
            clock=self._exchange.desk.clock,
            policy=policy,
            listeners=listeners,
        )

    @property
    def cash(self) -> Money:
        """The cash of the account, to its last digit."""
        return self._exchange.desk.cash()

    @property
    def positions(self) -> Mapping[str, Quantity]:
        """The shares that the account holds, by symbol."""
        return self._exchange.desk.positions()

    def set_price(self, symbol: str, price: Number) -> None:
        """Let the market come to another price; limit orders that it reaches are filled."""
        self._exchange.desk.move(symbol, Decimal(price))
