"""What the server's own catalogue tells of our schema."""

import psycopg

from mentora_pipelines.adapters.postgres.database import Connection

CATALOGUE = """
with relations as (
    select * from pg_class
    where relnamespace = 'public'::regnamespace
      and relname not in ('alembic_version', 'alembic_version_pkc')
),
functions as (
    select * from pg_proc
    where pronamespace = 'public'::regnamespace
      and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')
)
select 'relation', relname, concat_ws(
    ' ', relkind, relispartition, relrowsecurity, relforcerowsecurity, relacl,
    reloptions, pg_get_expr(relpartbound, oid), obj_description(oid))
from relations where relkind in ('r', 'p', 'v')
union all
select 'column', relname || '.' || attname, concat_ws(
    ' ', format_type(atttypid, atttypmod), attnotnull, attgenerated,
    pg_get_expr(adbin, adrelid), col_description(attrelid, attnum))
from relations
join pg_attribute on attrelid = relations.oid and attnum > 0 and not attisdropped
left join pg_attrdef on adrelid = attrelid and adnum = attnum
where relkind in ('r', 'p', 'v')
union all
select 'constraint', relname || '.' || conname,
    concat_ws(' ', pg_get_constraintdef(pg_constraint.oid), convalidated)
from relations join pg_constraint on conrelid = relations.oid
union all
select 'index', relname, concat_ws(' ', pg_get_indexdef(indexrelid), indisvalid)
from relations join pg_index on indexrelid = relations.oid
union all
select 'policy', relname || '.' || polname, concat_ws(
    ' ', polroles::regrole[], polcmd, pg_get_expr(polqual, polrelid),
    pg_get_expr(polwithcheck, polrelid))
from relations join pg_policy on polrelid = relations.oid
union all
select 'trigger', relname || '.' || tgname, pg_get_triggerdef(pg_trigger.oid)
from relations join pg_trigger on tgrelid = relations.oid and not tgisinternal
union all
select 'view', relname, pg_get_viewdef(oid) from relations where relkind = 'v'
union all
select 'function', proname, concat_ws(
    ' ', pg_get_functiondef(oid), proacl, obj_description(oid, 'pg_proc'))
from functions
order by 1, 2, 3
"""

TENANT_TABLES = """
select relname from pg_class
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
  and not relispartition
  and (relname = 'creators' or exists (
      select from pg_attribute
      where attrelid = pg_class.oid and attname = 'creator_id' and not attisdropped))
order by relname
"""

OPEN_TABLES = """
select relname from pg_class
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
  and (relname = 'creators' or exists (
      select from pg_attribute
      where attrelid = pg_class.oid and attname = 'creator_id' and not attisdropped))
  and not (
      relrowsecurity and relforcerowsecurity
      and coalesce(
          (
              select array_agg((polname, polroles, polcmd, polpermissive)::text
                  order by polname)
              from pg_policy where polrelid = pg_class.oid
          ) = array[
              format('(creator,{%s},*,t)', 'mentora_app'::regrole::oid),
              format('(platform,{%s},*,t)', 'mentora_admin'::regrole::oid)],
          -- A part of the vectors has no policy: it shows nothing to anybody.
          relname like 'chunk_embeddings\\_%'))
"""


def snapshot(url: str) -> list[tuple[object, ...]]:
    """Everything that the catalogue knows of our schema."""
    with psycopg.connect(url) as connection:
        return connection.execute(CATALOGUE).fetchall()


def open_tables(connection: Connection) -> list[str]:
    """The tables with rows of creators that row-level security does not close."""
    return [name for (name,) in connection.execute(OPEN_TABLES)]
