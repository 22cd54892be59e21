"""The steps from one version of the ledger's tables to the next; alembic, imported only when one is due."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

if TYPE_CHECKING:
    from sqlalchemy import Connection


def config(connection: Connection | None = None) -> Config:
    """Configure alembic without a file; ``connection`` is what it shall work on."""
    made = Config(attributes={"connection": connection})
    made.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return made


def versions() -> list[str]:
    """Name every version that this program knows, the newest first."""
    return [step.revision for step in ScriptDirectory.from_config(config()).walk_revisions()]


def upgrade(connection: Connection) -> None:
    """Take every step that is due, in the transaction that is under way."""
    command.upgrade(config(connection), "head")
