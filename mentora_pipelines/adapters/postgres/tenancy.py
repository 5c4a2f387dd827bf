"""Proof that the app role sees and writes one creator's rows only.

Run when a process opens the lessons and by `mentora doctor`: a database restored
without its policies, or a URL of a too powerful user, must not go unnoticed.
"""

from uuid import uuid4

import psycopg
from psycopg import sql

from mentora_pipelines.adapters.postgres.database import Connection, Database
from mentora_pipelines.errors import PermanentError

SELECT_POWERS = """
select rolsuper or rolbypassrls from pg_roles where rolname = current_user
"""

# Partitions are reached through their table, whose policies then hold.
SELECT_TENANT_TABLES = """
select
    relation.relname,
    relation.relrowsecurity
        and relation.relforcerowsecurity
        and (
            select bool_and(
                policy.qual like '%current_creator_id()%'
                and policy.with_check like '%current_creator_id()%')
            from pg_policies as policy
            where policy.schemaname = 'public'
              and policy.tablename = relation.relname
              and not policy.roles = array['mentora_admin']::name[])
from pg_class as relation
where relation.relnamespace = 'public'::regnamespace
  and relation.relkind in ('r', 'p')
  and not relation.relispartition
  and (
      relation.relname = 'creators'
      or exists (
          select from pg_attribute as attribute
          where attribute.attrelid = relation.oid
            and attribute.attname = 'creator_id'
            and not attribute.attisdropped))
order by relation.relname
"""

FOREIGN_EVENT = """
insert into events (id, name, schema_version, deduplication_key, creator_id, payload)
values (%(id)s, 'self-test', 1, %(id)s::text, %(creator_id)s, '{}')
"""


def check_tenancy(app: Database) -> int:
    """Return how many tenant tables were proved closed.

    A creator who does not exist, and no creator, must see no row of any of them and
    must not be able to write for another. Nothing is left behind. Raises
    `PermanentError` that names what is open.
    """
    with app.transaction() as connection:
        row = connection.execute(SELECT_POWERS).fetchone()
        tables = connection.execute(SELECT_TENANT_TABLES).fetchall()
        faults = [
            f"{table} is not closed by a policy" for table, ok in tables if not ok
        ]
        if row is not None and row[0]:
            faults.append("the user of DATABASE_URL bypasses row-level security")
        names = [table for table, _ in tables]
        faults += [f"without a creator, {fault}" for fault in _leaks(connection, names)]
    with app.transaction(uuid4()) as connection:
        faults += [f"to a stranger, {fault}" for fault in _leaks(connection, names)]
    if faults:
        raise PermanentError("tenancy does not hold: " + "; ".join(faults))
    return len(tables)


def _leaks(connection: Connection, tables: list[str]) -> list[str]:
    visible = sql.SQL(" union all ").join(
        sql.SQL("select {name} where exists (select from {table})").format(
            name=sql.Literal(table), table=sql.Identifier(table)
        )
        for table in tables
    )
    leaks = [f"rows of {name} show" for (name,) in connection.execute(visible)]
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(FOREIGN_EVENT, {"id": uuid4(), "creator_id": uuid4()})
    except psycopg.errors.InsufficientPrivilege:
        return leaks
    return [*leaks, "an event of another creator can be written"]
