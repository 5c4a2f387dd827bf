"""Columns as the schema's comments tell of them, for the UI.

`python -m tests.column_schemas` writes `assets/columns.json` from the database of the
settings; a test fails when that differs from the schema.
"""

import json

import psycopg

from assets.cockpit import COLUMNS, TABLES

SELECT = """
select
    attname as name, format_type(atttypid, atttypmod) as type,
    attnotnull as required, col_description(attrelid, attnum) as description
from pg_attribute
where attrelid = to_regclass(%(table)s) and attnum > 0 and not attisdropped
order by attnum
"""


def column_schemas(url: str) -> dict[str, list[dict[str, object]]]:
    """The columns of the tables that the UI shows, in their order."""
    found: dict[str, list[dict[str, object]]] = {}
    with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as connection:
        for table in TABLES.values():
            found[table] = connection.execute(SELECT, {"table": table}).fetchall()
    return found


def main() -> None:
    """Write the file."""
    from mentora_pipelines.providers.lessons import open_catalogue
    from mentora_pipelines.services import database_urls

    with open_catalogue():
        schemas = column_schemas(database_urls().admin)
    text = json.dumps(schemas, indent=1, ensure_ascii=False)
    COLUMNS.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
