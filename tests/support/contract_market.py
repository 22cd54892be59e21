"""The one market that the contracts are kept at, whoever the broker is: its symbols, prices and account."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from planfill.domain.values import Money, Price, Quantity
from planfill.testing.troubled_venue import TroubledVenue

_PRICES: Final[dict[str, Any]] = {
    "SPY": "396.33", "QQQ": "319.13", "KO": "52.71", "MSFT": "235.77", "NVR": "4711.09",
    "LEHMQ": "30", "ZERO": 0, "MINUS": "-3", "WORDS": "n/a",
}  # fmt: skip


class ContractMarket(TroubledVenue):
    """A venue at which only the way to the market is still to be made."""

    symbol = "SPY"
    others = ("QQQ", "KO")
    price = Price(Decimal("396.33"))
    held = "MSFT"
    held_quantity = Quantity(Decimal("7.2273576"))
    cash_usd = Money(Decimal(100_000))
    whole_only = "NVR"
    untradable = "LEHMQ"
    unknown = "NOSUCH"
    nonsense = ("ZERO", "MINUS", "WORDS")

    def account(self) -> dict[str, Any]:
        """Give the settings of the simulated exchange behind it."""
        return {
            "prices": _PRICES,
            "cash": self.cash_usd,
            "holdings": {self.held: self.held_quantity},
            "not_fractionable": frozenset({self.whole_only}),
            "not_tradable": frozenset({self.untradable}),
        }
