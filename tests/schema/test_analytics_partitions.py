"""The monthly partitions of what happened: each fact is kept, in its month."""

from datetime import datetime

from mentora_pipelines.adapters.postgres.database import Connection
from tests.schema.catalog import open_tables

ADD_FACTS = """
insert into analytics_events (id, creator_id, event_name, created_at)
select gen_random_uuid(), null, 'test', moment::timestamptz
from (values ('1999-12-31T23:59:59Z'), ('2031-05-01T00:00:00Z'),
    ('2031-05-01T01:00:00Z'),
    ('2031-04-30T23:59:59.999Z'), ('2031-05-31T23:59:59.999Z'),
    ('2031-06-01T00:00:00Z')) as moments (moment)
"""
"""Three facts of May 2031, its edges among them, and three of other months."""

PARTITIONS = """
select tableoid::regclass::text, count(*) from analytics_events
where event_name = 'test' group by 1 order by 1
"""


def test_a_fact_of_any_month_is_kept(admin: Connection) -> None:
    """Else a late mail or a wrong clock loses what students did."""
    admin.execute(ADD_FACTS)
    default = "analytics_events_default"
    assert admin.execute(PARTITIONS).fetchall() == [(default, 6)]


def test_a_new_partition_takes_its_month_from_the_default_one(
    admin: Connection,
) -> None:
    """Else a month that began before its partition can never get one."""
    admin.execute(ADD_FACTS)
    # The session's time zone must not move the edges of a month.
    admin.execute("set local timezone to 'America/New_York'")
    make = "select create_analytics_partitions('2031-05-31', 1)"
    assert admin.execute(make).fetchone() == (1,)
    assert admin.execute(PARTITIONS).fetchall() == [
        ("analytics_events_2031_05", 3),
        ("analytics_events_default", 3),
    ]
    assert open_tables(admin) == []


def test_partitions_are_made_once(admin: Connection) -> None:
    """Else the job that makes them ahead fails in its second month."""
    make = "select create_analytics_partitions('2031-11-15', 3)"
    assert admin.execute(make).fetchone() == (3,)
    assert admin.execute(make).fetchone() == (0,)
    later = "select create_analytics_partitions('2031-11-01', 4)"
    assert admin.execute(later).fetchone() == (1,)
    made = admin.execute(
        "select relname from pg_class where relname ~ '^analytics_events_203._..$'"
    ).fetchall()
    assert {name for (name,) in made} == {
        "analytics_events_2031_11",
        "analytics_events_2031_12",
        "analytics_events_2032_01",
        "analytics_events_2032_02",
    }


def test_the_months_around_now_have_partitions(admin: Connection) -> None:
    """Else every fact of the first months is in one table without an end."""
    (row,) = admin.execute(
        "select tableoid::regclass::text, created_at from analytics_events "
        "where creator_id is null"
    ).fetchall()
    name, created_at = row
    assert isinstance(created_at, datetime)
    assert name == f"analytics_events_{created_at:%Y_%m}"
