"""The contract of a ledger's streams and cursors."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import partial
from typing import cast, get_args

import anyio
import pytest

from planfill.domain.events import Event, ExecutionCompleted, ExecutionResumed
from planfill.domain.identity import AccountKey
from planfill.testing.events import (
    ACCOUNT,
    AT,
    a_result,
    a_start,
    an_alert,
    an_execution,
    one_of_each_kind,
)
from planfill.testing.ledger_cards import LedgerCards, LedgerUnderTest, Opener, assert_chained

KINDS = one_of_each_kind()


class StreamContract(LedgerCards):
    """Cards L01 to L18."""

    async def test_events_are_numbered_from_one_without_a_gap(self, ledger: LedgerUnderTest) -> None:
        """L01."""
        first = await ledger.append("system", [an_alert(), an_alert()], at=AT)
        second = await ledger.append("system", [an_alert()], at=AT)
        assert [one.number for one in (*first, *second)] == [1, 2, 3]
        assert await ledger.read("system") == (*first, *second)

    async def test_each_event_carries_the_hash_of_all_before_it(self, ledger: LedgerUnderTest) -> None:
        """L02."""
        account = f"account/{ACCOUNT}"
        for number, event in enumerate(KINDS):
            await ledger.append(account, [event, an_alert()], at=AT + timedelta(seconds=number))
        assert_chained(await ledger.read(account), length=2 * len(KINDS))

    async def test_streams_are_apart(self, ledger: LedgerUnderTest) -> None:
        """L03."""
        account, other = f"account/{ACCOUNT}", f"account/{ACCOUNT}-2"
        for stream in (account, other, account, "system"):
            await ledger.append(stream, [an_alert(stream)], at=AT)
        for stream, length in ((account, 2), (other, 1), ("system", 1)):
            found = await ledger.read(stream)
            assert {(one.stream, cast("object", one.event)) for one in found} == {(stream, an_alert(stream))}
            assert_chained(found, length=length)

    async def test_reading_begins_after_a_number(self, ledger: LedgerUnderTest) -> None:
        """L04."""
        written = await ledger.append("system", [an_alert(str(n)) for n in range(5)], at=AT)
        assert await ledger.read("system", after=3) == written[3:]
        assert await ledger.read("system", after=5) == ()
        assert await ledger.read("system", after=9) == ()

    async def test_a_stream_that_nobody_wrote_is_empty(self, ledger: LedgerUnderTest) -> None:
        """L05."""
        assert await ledger.read(an_execution("never")) == ()
        assert await ledger.executions() == ()

    async def test_an_event_that_cannot_be_written_keeps_its_fellows_out(
        self, ledger: LedgerUnderTest
    ) -> None:
        """L06."""
        await ledger.append("system", [an_alert("before")], at=AT)
        unwritable = cast("Event", object())
        with pytest.raises(AttributeError):
            await ledger.append("system", [an_alert("lost"), unwritable], at=AT)
        await ledger.append("system", [an_alert("after")], at=AT)
        found = await ledger.read("system")
        assert [one.event for one in found] == [an_alert("before"), an_alert("after")]
        assert_chained(found, length=2)

    async def test_no_events_are_no_append(self, ledger: LedgerUnderTest) -> None:
        """L07."""
        assert await ledger.append("system", [], at=AT) == ()
        assert await ledger.read("system") == ()

    @pytest.mark.parametrize("event", KINDS, ids=lambda event: event.kind)
    async def test_every_kind_of_event_comes_back_as_it_was(self, open_ledger: Opener, event: Event) -> None:
        """L08."""
        (written,) = await open_ledger().append("system", [event], at=AT)
        (found,) = await open_ledger().read("system")
        assert found == written
        assert found.event == event
        assert type(found.event) is type(event)

    def test_the_examples_are_one_of_each_kind(self) -> None:
        """L09."""
        assert [type(event) for event in KINDS] == list(get_args(Event))

    async def test_a_megabyte_comes_back_as_it_was(self, open_ledger: Opener) -> None:
        """L10."""
        large = an_alert("\U0001f4b8\n\"'\\\x00€" * 100_000)
        await open_ledger().append("system", [large], at=AT)
        (found,) = await open_ledger().read("system")
        assert found.event == large

    async def test_a_plan_may_have_any_name(self, ledger: LedgerUnderTest) -> None:
        """L11."""
        names = ["a:b:c:d", "a/b", "ü \n'\"%_?;--", "A", "a", " ", "x" * 200]
        async with await ledger.claim(ACCOUNT, holder="contract", at=AT) as claim:
            for name in names:
                await ledger.append(an_execution(name), [a_start(name)], at=AT, claim=claim)
        assert {one.key.plan_id for one in await ledger.executions(ACCOUNT)} == set(names)
        for name in names:
            (found,) = await ledger.read(an_execution(name))
            assert found.event == a_start(name)

    async def test_another_storage_of_the_same_continues_the_chain(self, open_ledger: Opener) -> None:
        """L12."""
        await open_ledger().append("system", [an_alert("one")], at=AT)
        await open_ledger().append("system", [an_alert("two")], at=AT)
        assert_chained(await open_ledger().read("system"), length=2)

    async def test_appends_of_many_tasks_make_one_chain(self, open_ledger: Opener) -> None:
        """L13."""
        ledgers = (open_ledger(), open_ledger())
        async with anyio.create_task_group() as group:
            for number in range(40):
                append = ledgers[number % 2].append
                group.start_soon(partial(append, "system", [an_alert(str(number))] * 3, at=AT))
        found = await ledgers[0].read("system")
        assert_chained(found, length=120)
        threes = {found[n : n + 3] for n in range(0, 120, 3)}
        assert all(len({one.event for one in three}) == 1 for three in threes)

    async def test_times_are_kept_in_utc_to_the_microsecond(self, open_ledger: Opener) -> None:
        """L14."""
        elsewhere = AT.astimezone(timezone(timedelta(hours=-5)))
        (written,) = await open_ledger().append("system", [an_alert()], at=elsewhere)
        (found,) = await open_ledger().read("system")
        assert found.at == written.at == AT
        assert found.at.utcoffset() == written.at.utcoffset() == timedelta(0)
        assert_chained([found], length=1)
        with pytest.raises(ValueError, match="time zone"):
            await open_ledger().append("system", [an_alert()], at=datetime(2021, 3, 31))  # noqa: DTZ001

    @pytest.mark.parametrize("name", ["", "systems", "account/a:b", "execution/a:b:c", "other/a:b:c"])
    async def test_a_stream_has_one_of_three_kinds_of_names(self, ledger: LedgerUnderTest, name: str) -> None:
        """L15."""
        with pytest.raises(ValueError, match=name or "''"):
            await ledger.append(name, [an_alert()], at=AT)

    async def test_executions_are_listed_oldest_first_with_how_they_stand(
        self, ledger: LedgerUnderTest
    ) -> None:
        """L16."""
        other = AccountKey(broker="contract", environment="paper", number="A-10")
        events: dict[str, tuple[int, list[Event]]] = {
            "late": (3, [a_start()]),
            "early": (1, [a_start(), ExecutionCompleted(result=a_result()), an_alert()]),
            "again": (2, [a_start(), ExecutionCompleted(result=a_result()), ExecutionResumed(holder="x")]),
        }
        for account in (ACCOUNT, other):
            async with await ledger.claim(account, holder="contract", at=AT) as claim:
                for name, (second, happened) in events.items():
                    stream = an_execution(name, account)
                    for event in happened:
                        at = AT + timedelta(seconds=second)
                        await ledger.append(stream, [event], at=at, claim=claim)
        await ledger.append(f"account/{ACCOUNT}", [an_alert()], at=AT)
        found = await ledger.executions(ACCOUNT)
        assert [(one.key.plan_id, one.finished) for one in found] == [
            ("early", True),
            ("again", False),
            ("late", False),
        ]
        assert [(one.started_at - AT).seconds for one in found] == [1, 2, 3]
        assert {one.key.account for one in found} == {ACCOUNT}
        assert len(await ledger.executions()) == 6

    async def test_each_listener_has_a_cursor_in_each_stream(self, open_ledger: Opener) -> None:
        """L17."""
        ledger = open_ledger()
        assert await ledger.get_cursors("system") == {}
        await ledger.set_cursors("system", {"log": 3, "metrics": 2})
        await ledger.set_cursors("system", {"log": 5})
        await ledger.set_cursors(f"account/{ACCOUNT}", {"log": 1})
        await ledger.set_cursors("system", {})
        assert await open_ledger().get_cursors("system") == {"log": 5, "metrics": 2}
        assert await open_ledger().get_cursors(f"account/{ACCOUNT}") == {"log": 1}

    async def test_the_streams_that_a_listener_is_behind_in_are_named_oldest_first(
        self, open_ledger: Opener
    ) -> None:
        """L18."""
        ledger, account = open_ledger(), f"account/{ACCOUNT}"
        assert await ledger.behind("log") == ()
        for seconds, stream in enumerate((account, "system", account)):
            await ledger.append(stream, [an_alert()], at=AT + timedelta(seconds=seconds))
        assert await ledger.behind("log") == (account, "system")
        await ledger.move_cursors({"system": {"log": 1, "metrics": 1}, account: {"log": 1}})
        assert await open_ledger().behind("log") == (account,)
        assert await ledger.behind("metrics") == (account,)
        await ledger.move_cursors({account: {"log": 2}})
        assert await ledger.behind("log") == ()
        assert await ledger.behind("another") == (account, "system")
        await ledger.move_cursors({})
        assert await open_ledger().get_cursors("system") == {"log": 1, "metrics": 1}
