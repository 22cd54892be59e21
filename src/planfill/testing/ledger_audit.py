"""The contract of a ledger's audit trail."""

from __future__ import annotations

from datetime import timedelta

from planfill.domain.auditing import verify
from planfill.domain.chain import GENESIS, StoredRow, StoredStream, StreamEnd, link
from planfill.domain.events import encode
from planfill.testing.events import ACCOUNT, AT, a_start, an_alert, an_execution, one_of_each_kind
from planfill.testing.ledger_cards import LedgerCards, LedgerUnderTest, Opener


class AuditContract(LedgerCards):
    """Cards V01 to V05."""

    async def test_streams_of_every_kind_are_named_oldest_first(self, ledger: LedgerUnderTest) -> None:
        """V01."""
        late, early = an_execution("a"), an_execution("b")
        async with await ledger.claim(ACCOUNT, holder="contract", at=AT) as claim:
            await ledger.append("system", [an_alert()], at=AT + timedelta(seconds=2))
            await ledger.append(late, [a_start("a")], at=AT + timedelta(seconds=3), claim=claim)
            await ledger.append(f"account/{ACCOUNT}", [an_alert()], at=AT + timedelta(seconds=1))
            await ledger.append(early, [a_start("b")], at=AT, claim=claim)
            await ledger.append(early, [an_alert()], at=AT + timedelta(seconds=4), claim=claim)
        assert await ledger.streams() == (early, f"account/{ACCOUNT}", "system", late)

    async def test_the_texts_that_stand_there_are_those_that_were_hashed(
        self, ledger: LedgerUnderTest
    ) -> None:
        """V02."""
        events = one_of_each_kind()
        for number, event in enumerate(events):
            await ledger.append("system", [event], at=AT + timedelta(seconds=number))
        stored = await ledger.stored("system")
        head = GENESIS
        for number, (row, event) in enumerate(zip(stored.rows, events, strict=True), start=1):
            at = (AT + timedelta(seconds=number - 1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            head = link(head, "system", number, at, encode(event))
            assert row == StoredRow(number, at, head, encode(event))
        assert (stored.name, stored.end) == ("system", StreamEnd(len(events), head))
        assert verify(stored).findings == ()

    async def test_of_a_stream_that_nobody_wrote_nothing_is_stored(self, ledger: LedgerUnderTest) -> None:
        """V03."""
        await ledger.append("system", [an_alert()], at=AT)
        assert await ledger.stored(an_execution("never")) == StoredStream(an_execution("never"), (), None)

    async def test_what_another_opening_of_the_storage_wrote_is_there(self, open_ledger: Opener) -> None:
        """V04."""
        ledger = open_ledger()
        for number in (1, 2):
            await open_ledger().append("system", [an_alert(str(number))], at=AT)
            stored = await ledger.stored("system")
            assert [row.number for row in stored.rows] == list(range(1, number + 1))
            assert stored.end == StreamEnd(number, stored.rows[-1].hash)

    async def test_the_execution_of_a_plan_of_any_name_is_read(self, ledger: LedgerUnderTest) -> None:
        """V05."""
        names = ["a:b", "ü \n'\"%_?;--", "A", "a", " "]
        async with await ledger.claim(ACCOUNT, holder="contract", at=AT) as claim:
            for name in names:
                await ledger.append(an_execution(name), [a_start(name)], at=AT, claim=claim)
        assert set(await ledger.streams()) == {an_execution(name) for name in names}
        for name in names:
            assert verify(await ledger.stored(an_execution(name))).findings == ()
