"""What the ledger in memory does beyond the contract."""

import pytest

from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.adapters.ledgers.rows import Row
from planfill.domain.errors import AccountBusy, LedgerCorrupt
from planfill.testing.events import ACCOUNT, AT, an_alert


async def test_the_next_ledger_on_a_store_continues_what_the_last_one_left() -> None:
    first = MemoryLedger()
    left = await first.claim(ACCOUNT, holder="first", at=AT)
    await first.append("system", [an_alert()], at=AT, claim=left)
    second = MemoryLedger(first.store)
    with pytest.raises(AccountBusy):
        await second.claim(ACCOUNT, holder="second", at=AT)
    await first.aclose()
    async with await second.claim(ACCOUNT, holder="second", at=AT) as claim:
        assert claim.fence == left.fence + 1
        await second.append("system", [an_alert()], at=AT, claim=claim)
    assert [one.number for one in await second.read("system")] == [1, 2]


async def test_closing_frees_only_what_the_ledger_itself_held() -> None:
    first = MemoryLedger()
    second = MemoryLedger(first.store)
    async with await first.claim(ACCOUNT, holder="first", at=AT):
        await second.aclose()
        with pytest.raises(AccountBusy):
            await second.claim(ACCOUNT, holder="second", at=AT)


async def test_a_row_that_cannot_be_read_is_named() -> None:
    ledger = MemoryLedger()
    await ledger.append("system", [an_alert(), an_alert()], at=AT)
    rows = ledger.store.streams["system"].rows
    rows[1] = Row(2, rows[1].at, rows[1].hash, "{}")
    with pytest.raises(LedgerCorrupt, match="event 2 of system cannot be read"):
        await ledger.read("system")
    assert len(await ledger.read("system", after=2)) == 0
