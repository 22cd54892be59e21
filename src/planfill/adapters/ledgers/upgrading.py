"""What version a database is at, and bringing it to ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import column, inspect, select, table

from planfill.adapters.ledgers.schema import HEAD, VERSION_TABLE
from planfill.domain.errors import LedgerTooNew

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from planfill.adapters.ledgers.sqlite import SqliteFile


def bring_up_to_date(database: SqliteFile, connection: Connection) -> None:
    """
    Make the tables of a new database, or change those of an older one to what this program needs.

    Raises:
        LedgerTooNew: A version wrote it that this program does not know.
        LedgerUnavailable: It is somebody else's database.

    """
    with database.transaction(connection, writing=False):
        version = _version(database, connection)
    if version == HEAD:
        return
    from planfill.adapters.ledgers import migrations

    if version is not None and version not in migrations.versions():
        msg = (
            f"the ledger {database.path} was written by a newer Planfill (ledger version {version}, this one "
            f"knows {HEAD}): upgrade planfill, or set ledger.url to another file"
        )
        raise LedgerTooNew(msg)
    # Whoever makes it first is waited for, and then nothing is left to be done.
    with database.transaction(connection, writing=True):
        migrations.upgrade(connection)


def _version(database: SqliteFile, connection: Connection) -> str | None:
    tables = inspect(connection).get_table_names()
    if VERSION_TABLE in tables:
        found = connection.scalar(select(column("version_num")).select_from(table(VERSION_TABLE)))
        return None if found is None else str(found)
    if tables:
        names = ", ".join(sorted(tables)[:3])
        raise database.unavailable(
            f"it is a database of something else, with tables {names}: set ledger.url to another file"
        )
    return None
