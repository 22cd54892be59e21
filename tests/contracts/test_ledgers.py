"""Every ledger keeps the contract."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from planfill.adapters.ledgers.memory import MemoryLedger, MemoryStore
from planfill.adapters.ledgers.sql import SqlLedger
from planfill.testing.ledger import LedgerContract
from planfill.testing.ledger_cards import Opener


class TestMemoryLedger(LedgerContract):
    @pytest.fixture
    def open_ledger(self) -> Opener:
        store = MemoryStore()
        return lambda: MemoryLedger(store)


class TestSqlLedger(LedgerContract):
    @pytest.fixture
    async def open_ledger(self, tmp_path: Path) -> AsyncIterator[Opener]:
        opened: list[SqlLedger] = []

        def open_ledger() -> SqlLedger:
            opened.append(SqlLedger(f"sqlite:///{tmp_path}/ledger.db"))
            return opened[-1]

        yield open_ledger
        for ledger in opened:
            await ledger.aclose()
