"""The tables that the migrations make are the tables that the code uses."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from planfill.adapters.ledgers import migrations
from planfill.adapters.ledgers.schema import HEAD, METADATA, VERSION_TABLE
from planfill.adapters.ledgers.sql import SqlLedger


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[Connection]:
    ledger = SqlLedger(f"sqlite:///{tmp_path}/ledger.db")
    await ledger.executions()
    connection = ledger._database._connection
    assert connection is not None
    with ledger._database.file.transaction(connection, writing=False):
        yield connection
    await ledger.aclose()


def test_the_newest_migration_is_the_version_that_the_code_asks_for() -> None:
    assert migrations.versions()[0] == HEAD


async def test_the_migrations_make_the_tables_that_the_code_uses(connection: Connection) -> None:
    options = {"version_table": VERSION_TABLE, "compare_server_default": True}
    context = MigrationContext.configure(connection, opts=options)
    assert context.get_current_revision() == HEAD
    assert compare_metadata(context, METADATA) == []
