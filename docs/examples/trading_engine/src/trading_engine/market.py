"""Daily closes of twenty American stocks, adjusted for splits and dividends, as skfolio ships them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from skfolio.datasets import load_sp500_dataset

Prices = dict[str, Decimal]
"""Dollars a share, by symbol."""


class Market:
    """The closes, 1990 to 2022: a table with a row a trading day and a column a symbol."""

    def __init__(self) -> None:
        self._closes: Any = load_sp500_dataset()

    def days(self, first: date, last: date) -> list[date]:
        """List the trading days from one to another, both included."""
        return [moment.date() for moment in self._closes.loc[str(first) : str(last)].index]

    def month_ends(self, year: int) -> list[date]:
        """List the last trading day of each month of a year."""
        return sorted({day.month: day for day in self.days(date(year, 1, 1), date(year, 12, 31))}.values())

    def prices(self, day: date) -> Prices:
        """Give the closes of a day, as they are written in the file: not their binary neighbours."""
        return {symbol: Decimal(repr(float(close))) for symbol, close in self._closes.loc[str(day)].items()}

    def history(self, day: date, rows: int) -> Any:  # noqa: ANN401
        """Give the last rows of the table as it was known on a day, that day's closes included."""
        return self._closes.loc[: str(day)].iloc[-rows:]
