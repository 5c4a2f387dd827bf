"""Alembic's entry: connects as the owner and runs the revisions one at a time."""

from alembic import context
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.engine import make_url

MIGRATION_LOCK = 0x6D656E746F7261
"""Advisory lock held while migrating: "mentora" in ASCII."""


def run() -> None:
    """Run the wanted revisions under the migration lock."""
    url = make_url(context.config.attributes["database_url"])
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        connect_args={"connect_timeout": 10, "application_name": "mentora migrate"},
    )
    with engine.connect() as connection:
        connection.execute(text("select pg_advisory_lock(:id)"), {"id": MIGRATION_LOCK})
        connection.commit()
        context.configure(connection=connection, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
