"""What may be asked of a gateway, whose account it shows, and how far its lists reach back."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from ib_async.order import OrderState
from ib_desk import SPY, a_connection, an_execution, an_order

from planfill.adapters.brokers.ib import PLUGIN, brokerage
from planfill.adapters.brokers.ib.account import IbAccount
from planfill.adapters.brokers.ib.asked import Refused
from planfill.adapters.brokers.ib.broker import IbBroker
from planfill.adapters.brokers.ib.connection import Connection
from planfill.adapters.brokers.ib.contracts import Contracts
from planfill.adapters.brokers.ib.doctor import IbExaminer
from planfill.adapters.brokers.ib.gateway import Gateway, never, was_not_asked
from planfill.adapters.brokers.ib.pace import Pace
from planfill.adapters.brokers.ib.quotes import IbMarketData
from planfill.adapters.brokers.ib.records import IbFeed, IbRecords
from planfill.adapters.brokers.ib.settings import IbSettings
from planfill.domain import errors as err
from planfill.domain.examination import CheckStatus
from planfill.domain.values import ClientOrderId
from planfill.testing.clock import VirtualClock

NOON = datetime(2026, 11, 27, 17, 0, tzinfo=UTC)
MIDNIGHT_IN_NEW_YORK = datetime(2026, 11, 27, 5, 0, tzinfo=UTC)


class At(VirtualClock):
    """A clock that stands at noon in New York."""

    def now(self) -> datetime:
        return NOON


class Desk(Gateway):
    """A gateway that is connected to the desk."""

    def __init__(self, connection: Connection, clock: VirtualClock | None = None) -> None:
        super().__init__(IbSettings(timeout_s=0.05), clock or At())
        self._connection = connection


def a_broker(gateway: Gateway, clock: VirtualClock | None = None) -> IbBroker:
    now = clock or At()
    contracts = Contracts(gateway, now)
    return IbBroker(gateway, contracts, IbAccount(gateway, IbMarketData(gateway, contracts, now)), now)


@pytest.mark.parametrize(
    ("offset", "since"),
    [
        (None, NOON),
        (timedelta(hours=-5), MIDNIGHT_IN_NEW_YORK),
        (timedelta(0), MIDNIGHT_IN_NEW_YORK),
        (timedelta(hours=9), datetime(2026, 11, 27, 15, 0, tzinfo=UTC)),
        (timedelta(hours=-8), datetime(2026, 11, 27, 8, 0, tzinfo=UTC)),
    ],
)
async def test_the_lists_reach_back_to_the_later_of_two_midnights(
    offset: timedelta | None, since: datetime
) -> None:
    connection = a_connection()
    connection.utc_offset = offset
    assert Desk(connection).reaches_back_to(connection) == since


@pytest.mark.parametrize("zone", ["China Standard Time", "\u4e2d\u56fd\u6807\u51c6\u65f6\u95f4"])
async def test_a_gateway_whose_zone_is_named_in_its_own_language_has_told_its_midnight(zone: str) -> None:
    connection = Connection(IbSettings(), At(), lambda: None)
    greeting = b"\0\0\0\x1a176\0" + f"20261128 01:00:00 {zone}".encode("gbk") + b"\0"
    connection._greeted(greeting)
    # At midnight there, noon less an hour in New York, its lists have forgotten what was done in the morning.
    assert Desk(connection).reaches_back_to(connection) == NOON - timedelta(hours=1)
    connection.close()


async def test_while_nobody_says_when_the_gateways_day_began_nothing_is_proved_absent() -> None:
    connection = Connection(IbSettings(), At(), lambda: None)
    connection._greeted(b"\0\0\0\x05176\0soon\0")
    connection.close()
    silent = a_connection()
    silent.utc_offset = connection.utc_offset
    with pytest.raises(err.OrderNotFound) as caught:
        await a_broker(Desk(silent)).get_order_status(ClientOrderId("pf-a-0-1"))
    assert not caught.value.tells_of(NOON - timedelta(seconds=1))


async def test_a_gateway_that_is_logged_in_as_somebody_else_meanwhile_gets_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logins = ["DU1", "DU2", "DU1"]

    async def open_(connection: Connection) -> None:
        connection.account = logins.pop(0)

    monkeypatch.setattr(Connection, "open", open_)
    gateway = Gateway(IbSettings(), At())
    assert (await gateway.connection()).account == "DU1"
    with pytest.raises(err.NotAuthorizedError, match="logged in to DU2 now, and was to DU1"):
        await gateway.connection()
    assert (await gateway.connection()).account == "DU1"


async def test_what_was_read_while_the_gateway_was_cut_off_is_no_answer() -> None:
    connection = a_connection()
    ask = connection.client.reqCompletedOrders

    def cut_off_for_a_moment(api_only: object) -> None:
        connection.inbox.error(-1, 1100, "Connectivity between IBKR and TWS has been lost", "")
        ask(api_only)
        connection.inbox.error(-1, 1102, "restored", "")

    connection.client.reqCompletedOrders = cut_off_for_a_moment
    with pytest.raises(err.BrokerConnectionError, match="cut off from IB meanwhile"):
        await a_broker(Desk(connection)).get_order_status(ClientOrderId("pf-a-0-1"))


async def test_not_found_says_since_when_there_would_be_something_to_find() -> None:
    with pytest.raises(err.OrderNotFound) as caught:
        await a_broker(Desk(a_connection())).get_order_status(ClientOrderId("pf-a-0-1"))
    assert caught.value.since == MIDNIGHT_IN_NEW_YORK
    assert not caught.value.tells_of(NOON - timedelta(days=1))
    assert caught.value.tells_of(NOON)


class Waiting(VirtualClock):
    """A clock on which something happens while somebody waits."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self.meanwhile = meanwhile

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        self.meanwhile()


async def test_on_a_new_connection_nothing_is_absent_before_what_was_sent_over_the_last_has_arrived() -> None:
    connection = a_connection()
    arrived = [(SPY, an_order(), OrderState(status="Submitted"))]
    clock = Waiting(lambda: setattr(connection.client, "open", arrived))
    gateway = Desk(connection, clock)
    gateway._quiet_at = clock.monotonic() + 10
    report = await a_broker(gateway, clock).get_order_status(ClientOrderId("pf-a-0-1"))
    assert report.broker_order_id == "7"
    assert clock.monotonic() >= 10
    with pytest.raises(err.OrderNotFound):
        await a_broker(gateway, clock).get_order_status(ClientOrderId("pf-b-0-1"))


async def test_while_connections_are_lost_one_after_the_other_nothing_is_absent() -> None:
    def lost_again() -> None:
        gateway._quiet_at = clock.monotonic() + 10

    clock = Waiting(lost_again)
    gateway = Desk(a_connection(), clock)
    lost_again()
    with pytest.raises(err.BrokerConnectionError, match="may yet arrive"):
        await a_broker(gateway, clock).get_order_status(ClientOrderId("pf-a-0-1"))


async def test_while_the_list_of_fills_is_not_whole_an_order_that_is_nowhere_may_be_there() -> None:
    connection = a_connection()
    state = OrderState(status="Filled", completedTime="20261127 09:31:05 US/Eastern")
    another = an_order("pf-b-0-1", perm_id=8, filledQuantity=5.0)
    connection.client.completed = [(SPY, another, state)]
    with pytest.raises(err.BrokerConnectionError, match="not whole"):
        await a_broker(Desk(connection)).get_order_status(ClientOrderId("pf-a-0-1"))
    connection.client.executions = [an_execution(5, 400, perm_id=8, ref="pf-b-0-1")]
    with pytest.raises(err.OrderNotFound):
        await a_broker(Desk(connection)).get_order_status(ClientOrderId("pf-a-0-1"))


async def test_an_order_that_has_no_number_yet_is_neither_found_nor_absent() -> None:
    connection = a_connection()
    connection.client.open = [(SPY, an_order(perm_id=0), OrderState(status="PendingSubmit"))]
    with pytest.raises(err.BrokerConnectionError, match="no number yet"):
        await a_broker(Desk(connection)).get_order_status(ClientOrderId("pf-a-0-1"))


async def test_an_order_of_another_program_is_not_canceled_by_this_one() -> None:
    connection = a_connection()
    theirs = an_order()
    theirs.clientId = 5
    connection.client.open = [(SPY, theirs, OrderState(status="Submitted"))]
    with pytest.raises(err.BrokerConnectionError, match=r"client_id = 5"):
        await a_broker(Desk(connection)).cancel_order(ClientOrderId("pf-a-0-1"))
    assert not connection.client.sent


async def test_fills_from_before_today_are_not_an_empty_list() -> None:
    connection = a_connection()
    connection.client.executions = [an_execution(5, 400)]
    records = IbRecords(Desk(connection), At())
    assert len(await records.list_fills(MIDNIGHT_IN_NEW_YORK)) == 1
    with pytest.raises(err.BrokerConnectionError, match="2026-11-27 00:00 EST"):
        await records.list_fills(MIDNIGHT_IN_NEW_YORK - timedelta(seconds=1))


async def test_while_the_gateway_is_cut_off_from_ib_nothing_is_asked() -> None:
    connection = a_connection()
    gateway = Desk(connection)
    connection.inbox.error(-1, 1100, "Connectivity between IBKR and TWS has been lost", "")
    with pytest.raises(err.BrokerUnavailable, match="cut off"):
        await gateway.connection()
    connection.inbox.error(-1, 1102, "restored", "")
    assert await gateway.connection() is connection


async def test_a_gateway_that_lets_programs_only_look_says_what_to_do() -> None:
    async def refused(_: Connection) -> None:
        raise Refused(321, "The API interface is currently in Read-Only mode.")

    with pytest.raises(err.NotAuthorizedError, match="untick Read-Only API"):
        await Desk(a_connection()).ask("orders", refused)


async def test_what_waited_for_its_turn_when_the_connection_ended_was_not_asked_and_is_asked_again() -> None:
    gateway = Desk(a_connection())
    asked = list[Connection]()

    async def question(connection: Connection) -> int:
        asked.append(connection)
        if len(asked) == 1:
            connection.close()
            gateway._connection = a_connection()
        return len(await connection.unnumbered("open orders", connection.client.reqAllOpenOrders))

    assert await gateway.ask("orders", question, was_not_asked) == 0
    assert len(asked) == 2


async def test_what_cannot_be_read_is_no_answer() -> None:
    async def nonsense(_: Connection) -> None:
        raise ValueError("it has no TotalCashValue")

    async def refused(_: Connection) -> None:
        raise Refused(322, "too many subscriptions")

    for question, said in ((nonsense, "account cannot be read: it has no"), (refused, "account: IB 322")):
        with pytest.raises(err.BrokerConnectionError, match=said):
            await Desk(a_connection()).ask("account", question, never)


async def test_nobody_listens_is_said_in_a_line_and_once_closed_nothing_is_tried() -> None:
    gateway = Gateway(IbSettings(port=9, connect_timeout_s=1), At())
    with pytest.raises(err.BrokerUnavailable, match=r"no IB Gateway or TWS listens at 127\.0\.0\.1:9"):
        await gateway.connection()
    (finding,) = await IbExaminer(gateway, At()).check_way()
    assert (finding.check, finding.status) == ("gateway", CheckStatus.NOT_IN_ORDER)
    await gateway.aclose()
    with pytest.raises(err.BrokerUnavailable, match="closed by us"):
        await gateway.connection()


async def test_a_fill_that_the_gateway_writes_in_utc_is_not_taken_for_a_local_time() -> None:
    connection = Connection(IbSettings(), At(), lambda: None)
    told = list[object]()
    connection.inbox.execDetails = lambda _, __, execution: told.append(execution.time)  # type: ignore[assignment,method-assign]
    share = ["1", "SPY", "STK", "", "0", "", "", "ARCA", "USD", "SPY", "SPY"]
    filled = [
        "ACCOUNT",
        "ARCA",
        "BOT",
        "5",
        "400.1",
        "7",
        "71",
        "0",
        "5",
        "400.1",
        "pf-a-0-1",
        "",
        "",
        "",
        "2",
    ]
    for written in ("20261127-14:31:04", "20261127 09:31:04 US/Eastern"):
        connection.client.decoder.interpret(["11", "3", "1", *share, "0001.01", written, *filled])
    assert told == [datetime(2026, 11, 27, 14, 31, 4, tzinfo=UTC)] * 2
    connection.close()


@pytest.mark.parametrize(
    ("settings", "shown", "said"),
    [
        ({}, ["U1234567"], "is a live one"),
        ({}, ["D1234567"], "is a live one"),
        ({"environment": "live"}, ["DU1234567"], "is a paper one"),
        ({}, ["DU1", "DU2"], "shows 2 accounts"),
        ({}, [], "shows 0 accounts"),
        ({"account": "DU3"}, ["DU1", "DU2"], "other accounts than ib.account"),
    ],
)
def test_an_account_that_is_not_meant_is_refused(
    settings: dict[str, str], shown: list[str], said: str
) -> None:
    with pytest.raises(err.NotAuthorizedError, match=said):
        IbSettings.model_validate(settings).choose(shown)


def test_the_account_that_is_meant_is_chosen() -> None:
    assert IbSettings().choose(["DU1"]) == "DU1"
    assert IbSettings(account="DU2").choose(["DU1", "DU2"]) == "DU2"
    assert IbSettings(environment="live").choose(["U1"]) == "U1"


def test_the_port_is_the_gateways_own_and_live_is_said() -> None:
    assert (IbSettings().listens_at, IbSettings(environment="live").listens_at) == (4002, 4001)
    assert IbSettings(port=7497).listens_at == 7497
    assert PLUGIN.is_live is not None
    assert [PLUGIN.is_live(IbSettings(environment=kind)) for kind in ("paper", "live")] == [False, True]


def test_without_the_extra_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("family", "gateway", "connection"):
        monkeypatch.delitem(sys.modules, f"planfill.adapters.brokers.ib.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "ib_async.client", None)
    with pytest.raises(err.SettingsError, match=r"needs ib_async: pip install 'planfill\[ib\]'"):
        brokerage(IbSettings(), At())


async def test_no_more_than_the_gateway_takes_is_sent_in_a_second() -> None:
    pace, loop = Pace(), asyncio.get_running_loop()
    began = loop.time()
    for _ in range(46):
        await pace.turn()
    assert loop.time() - began >= 1


async def test_whoever_waits_for_news_is_woken_by_them_and_not_by_what_is_repeated() -> None:
    gateway = Desk(a_connection())
    feed = IbFeed(gateway)
    gateway.tell()
    await feed.wait(60)
    connection = Connection(gateway.settings, At(), gateway.tell)
    told = ("Submitted", 0, 5, 0, 7, 0, 0, 71, "")
    connection.inbox.orderStatus(1, *told)
    await feed.wait(60)
    connection.inbox.orderStatus(1, *told)
    before = asyncio.get_running_loop().time()
    await feed.wait(0.02)
    assert asyncio.get_running_loop().time() - before >= 0.02
