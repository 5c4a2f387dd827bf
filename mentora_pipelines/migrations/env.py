"""Alembic's entry: connects as the owner and runs the revisions.

Who calls it holds the lock under which migrations take turns (`migrations`).
"""

from alembic import context
from sqlalchemy import NullPool, create_engine
from sqlalchemy.engine import make_url


def run() -> None:
    """Run the wanted revisions, each in its transaction."""
    url = make_url(context.config.attributes["database_url"])
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        connect_args={"connect_timeout": 10, "application_name": "mentora migrate"},
    )
    with engine.connect() as connection:
        context.configure(connection=connection, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
