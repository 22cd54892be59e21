"""What can be set about the simulated exchange."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from planfill.domain.numerals import exact

IN_MEMORY: Final = ":memory:"

_SHAPES: Final = {
    "prices": "a file of last prices, or the prices by symbol",
    "holdings": '"plan", or shares by symbol, none below 0, such as {"SPY": "10.5"}',
}

_Exact = Annotated[Decimal, BeforeValidator(exact), Field(ge=0)]
_Ticker = Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True)]
_BasisPoints = Annotated[Decimal, BeforeValidator(exact), Field(ge=0, le=5000)]
_Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class MockSettings(BaseModel, frozen=True, extra="forbid"):
    """
    The section ``[mock]``. Names ending in ``_s`` are seconds, in ``_bps`` basis points.

    ``prices``
        The file of last prices, ``{"as_of": ..., "last": {"SPY": "450.10"}}`` or CSV with the header
        ``symbol,price``; or the prices themselves, by symbol. Quotes stand ``spread_bps`` apart around them
        and bear the time at which they were asked for.
    ``book``
        The file (SQLite) in which the exchange lives, so that any process sees its orders; ``:memory:``
        keeps it in this object and is faster.
    ``holdings``, ``cash``
        What an empty book is opened with: shares by symbol, and dollars. ``"plan"`` takes the shares that
        the first plan says are held, and ``cash`` unset what that plan says is left beside them.
    ``quote_size``
        How many shares are shown at the bid and at the ask; unset, quotes do not say. Any size fills.
    ``slippage_bps``
        How much worse than the quote a fill is; the second step of a fill pays it twice.
    ``fill_delay_s``, ``partial_fills``
        How long after the acceptance, and after each step, an order fills; and the share of orders (0 to 1)
        that fill in two steps.
    ``fee_bps``, ``fee_usd_per_share``
        Charged on every fill, to the cent.
    ``latency_s``
        What a call takes, half of it before its effect.
    ``read_lag_s``, ``proceeds_delay_s``
        How long an order stays invisible to look-ups, and a sale's proceeds to the account.
    ``unique_ids``, ``max_delivery_delay_s``
        Whether one client order id makes one order (off: a second order is placed, as crash tests need it),
        and how late a placement may arrive, which is declared but never done without a script.
    ``market_open``, ``opens_at``, ``closes_at``
        The session. Orders expire at ``closes_at``; without it they work until canceled.
    ``not_tradable``, ``not_fractionable``
        Symbols that are refused, and that trade in whole shares only.
    ``blocked``
        Why the account may not trade; empty if it may.
    ``seed``
        Decides which orders fill in two steps; the same seed decides the same.
    """

    prices: Path | dict[str, Any] | None = None
    book: Path = Path("planfill-mock.db")
    account: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,100}$")] = "MOCK-1"
    cash: _Exact | None = None
    holdings: Literal["plan"] | dict[_Ticker, _Exact] = "plan"
    spread_bps: _BasisPoints = Decimal(2)
    quote_size: _Exact | None = None
    slippage_bps: _BasisPoints = Decimal(1)
    fee_bps: _BasisPoints = Decimal(0)
    fee_usd_per_share: _Exact = Decimal(0)
    fill_delay_s: _Seconds = 0
    partial_fills: Annotated[float, Field(ge=0, le=1)] = 0
    latency_s: _Seconds = 0
    read_lag_s: _Seconds = 0
    proceeds_delay_s: _Seconds = 0
    unique_ids: bool = True
    max_delivery_delay_s: _Seconds = 0
    market_open: bool = True
    opens_at: AwareDatetime | None = None
    closes_at: AwareDatetime | None = None
    not_tradable: frozenset[_Ticker] = frozenset()
    not_fractionable: frozenset[_Ticker] = frozenset()
    blocked: str = ""
    seed: int = 0

    @field_validator("prices", "holdings", mode="wrap")
    @classmethod
    def _in_one_message(
        cls, value: object, handler: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> object:
        try:
            return handler(value)
        except ValidationError:
            raise ValueError(_SHAPES[info.field_name or ""]) from None

    @property
    def in_memory(self) -> bool:
        """Whether the book has no file."""
        return str(self.book) == IN_MEMORY

    @property
    def apart(self) -> dict[str, list[object]]:
        """What another account must not have too: its number, and the file of its book."""
        return {"account": [self.account], "book": [] if self.in_memory else [self.book.absolute()]}
