"""How alembic runs the migrations: on the connection, and in the transaction, of the caller."""

from alembic import context

from planfill.adapters.ledgers.schema import METADATA, VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
context.run_migrations()
