"""What holds at the simulated exchange, whatever is asked of it."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from planfill.adapters.brokers.mock.exchange import Exchange
from planfill.adapters.brokers.mock.prices import Prices
from planfill.adapters.brokers.mock.settings import MockSettings
from planfill.domain.errors import OrderPlacementError
from planfill.domain.order import Side
from planfill.domain.report import ExecutionReport, merge
from planfill.domain.values import ClientOrderId, Money, Quantity, cents
from planfill.testing.clock import START
from planfill.testing.venue import a_new_order

_SYMBOLS = ("SPY", "QQQ", "KO")
_CASH = Money(Decimal(5000))
_HELD = {"SPY": Quantity(Decimal("7.2273576")), "KO": Quantity(Decimal(40))}

_names = st.integers(0, 12).map(lambda number: f"pf-{number}")
_placements = st.tuples(
    st.just("place"),
    _names,
    st.sampled_from(_SYMBOLS),
    st.sampled_from(Side),
    st.decimals("0.000000001", "12", places=9) | st.integers(1, 20).map(Decimal),
    st.none() | st.decimals("0.6", "130", places=2),
)
_steps = st.one_of(
    _placements,
    st.tuples(st.just("cancel"), _names),
    st.tuples(st.just("wait"), st.floats(0.001, 20)),
    st.tuples(st.just("fill"), st.sampled_from(_SYMBOLS), st.none() | st.integers(1, 3)),
    st.tuples(st.just("move"), st.sampled_from(_SYMBOLS), st.decimals("0.6", "130", places=4)),
)
_markets = st.fixed_dictionaries(
    {
        "partial_fills": st.sampled_from([0.0, 0.5, 1.0]),
        "fill_delay_s": st.sampled_from([0.0, 3.0]),
        "proceeds_delay_s": st.sampled_from([0.0, 5.0]),
        "fee_bps": st.sampled_from([0, 3]),
        "slippage_bps": st.sampled_from([0, 25]),
        "seed": st.integers(0, 3),
        "closes_at": st.none() | st.just(START + timedelta(seconds=40)),
    }
)


class Trial:
    """An exchange, driven by random steps, and checked after each."""

    def __init__(self, market: dict[str, Any]) -> None:
        chosen = MockSettings(**market)
        prices = Prices(
            {"SPY": "100", "QQQ": "50.5", "KO": "0.8"},
            spread_bps=chosen.spread_bps,
            slippage_bps=chosen.slippage_bps,
            origin="here",
        )
        self.exchange = Exchange(chosen, prices)
        self.exchange.balances.open(dict(_HELD), _CASH)
        self.now = START
        self.known: dict[str, ExecutionReport] = {}
        self.moved = False

    def do(self, kind: str, *arguments: Any) -> None:
        if kind == "wait":
            self.now += timedelta(seconds=arguments[0])
            self.exchange.advance(self.now)
        elif kind == "place":
            self.place(*arguments)
        elif kind == "cancel" and arguments[0] in self.known:
            self.exchange.cancel(ClientOrderId(arguments[0]), self.now)
        elif kind == "fill":
            shares = None if arguments[1] is None else Quantity(Decimal(arguments[1]))
            self.exchange.fill(arguments[0], self.now, shares)
        elif kind == "move":
            self.moved = True
            self.exchange.reprice(arguments[0], arguments[1], self.now)

    def place(self, name: str, symbol: str, side: Side, quantity: Decimal, limit: Decimal | None) -> None:
        order = a_new_order(symbol, quantity, side=side, limit=limit, name=name)
        try:
            report = self.exchange.place(order, self.now)
        except OrderPlacementError:
            return
        self.known[name] = merge(self.known.get(name), report)

    def check(self) -> None:
        balances, blotter = self.exchange.balances, self.exchange.blotter
        shares: defaultdict[str, Decimal] = defaultdict(Decimal, _HELD)
        cash = Decimal(_CASH)
        filled: defaultdict[str, Decimal] = defaultdict(Decimal)
        paid: defaultdict[str, Decimal] = defaultdict(Decimal)
        for fill in blotter.trades:
            sign = 1 if fill.side is Side.BUY else -1
            shares[fill.symbol] += sign * fill.quantity
            cash -= sign * fill.quantity * fill.price + fill.fees_usd
            filled[fill.broker_order_id] += fill.quantity
            paid[fill.broker_order_id] += fill.quantity * fill.price
            assert shares[fill.symbol] >= 0, "more was sold than was held"
        assert {symbol: held for symbol, held in shares.items() if held} == balances.shares
        assert balances.cash_usd + sum(usd for _, usd in balances.coming) == cash
        if not self.moved:
            assert balances.cash_usd >= 0
            assert balances.free_usd() >= 0
        for symbol in _SYMBOLS:
            assert 0 <= balances.sellable(symbol) <= shares[symbol]
        if not list(blotter.all_open()):
            assert balances.reserved_usd == 0
        for name, before in self.known.items():
            self.check_order(name, before, filled, paid)

    def check_order(
        self, name: str, before: ExecutionReport, filled: dict[str, Decimal], paid: dict[str, Decimal]
    ) -> None:
        report = self.exchange.status(ClientOrderId(name), self.now)
        if report != before:
            assert merge(before, report) is report, "a report took something back"
            assert not before.is_terminal, "an order was opened again"
        self.known[name] = report
        ticket = self.exchange.blotter.named(ClientOrderId(name))
        assert ticket is not None
        assert report.filled_quantity == filled[report.broker_order_id]
        assert ticket.order.quantity is not None
        assert report.filled_quantity <= ticket.order.quantity
        if report.filled_quantity:
            assert report.average_price is not None
            worth = report.filled_quantity * report.average_price
            assert abs(worth - paid[report.broker_order_id]) < Decimal("1e-18")
            assert abs(cents(worth) - cents(paid[report.broker_order_id])) <= Decimal("0.01")
        limit = ticket.order.limit_price
        if limit is not None and report.average_price is not None:
            better = limit - report.average_price
            assert (better if report.side is Side.BUY else -better) >= -Decimal("1e-18")


@settings(max_examples=150, deadline=None)
@given(market=_markets, steps=st.lists(_steps, max_size=40))
def test_books_balance_and_no_report_takes_anything_back(
    market: dict[str, Any], steps: list[tuple[Any, ...]]
) -> None:
    trial = Trial(market)
    for kind, *arguments in steps:
        trial.do(kind, *arguments)
        trial.check()
