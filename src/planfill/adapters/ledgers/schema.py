"""The tables of a ledger. A change here takes a migration beside it: ``migrations/versions``."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, Integer, MetaData, Table, Text

HEAD: Final = "0001"
"""The newest migration: what a database must be at to be used."""

METADATA: Final = MetaData(naming_convention={"pk": "pk_%(table_name)s"})

VERSION_TABLE: Final = "ledger_version"

EVENTS: Final = Table(
    "events",
    METADATA,
    Column("stream", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("payload", Text, nullable=False),
)
# The end of each stream, written with its events; ``account`` only for executions, so that they can be
# listed.
STREAMS: Final = Table(
    "streams",
    METADATA,
    Column("stream", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("head", Text, nullable=False),
    Column("account", Text),
    Column("started_at", Text, nullable=False),
    Column("finished", Boolean, nullable=False),
)
FENCES: Final = Table(
    "fences",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("fence", Integer, nullable=False),
)
CURSORS: Final = Table(
    "cursors",
    METADATA,
    Column("stream", Text, primary_key=True),
    Column("listener", Text, primary_key=True),
    Column("number", Integer, nullable=False),
)
