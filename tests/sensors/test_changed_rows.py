"""The cache follows the database: real change rows, a real cache."""

from uuid import UUID

import dagster as dg

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.events.event_outbox import PostgresEventOutbox
from mentora_pipelines.domain.caching.cache import Entity
from mentora_pipelines.domain.caching.keys import creator_videos_entity, video_entity
from mentora_pipelines.errors import TransientError
from sensors.changed_rows import changed_rows
from tests.fix_runs import Connection
from tests.stored_lessons import register

PENDING = (
    "select count(*) from events where status = 'pending' and name like 'change/%'"
)


class Forgetting:
    """Satisfies `CacheInvalidator`: remembers what it was told to forget."""

    def __init__(self) -> None:
        self.entities: list[Entity] = []
        self.is_away = False

    def invalidate(self, entities: list[Entity]) -> int:
        """As many as there were."""
        if self.is_away:
            raise TransientError("cache: away")
        self.entities += entities
        return len(entities)


def look(
    instance: dg.DagsterInstance, outbox: PostgresEventOutbox, cache: Forgetting
) -> None:
    """One tick of the sensor."""
    context = dg.build_sensor_context(
        instance=instance, resources={"outbox": outbox, "cache": cache}
    )
    assert isinstance(changed_rows(context), dg.SkipReason)


def test_what_changed_is_forgotten_once_and_the_change_is_done(
    instance: dg.DagsterInstance,
    own_outbox: PostgresEventOutbox,
    own_catalogue: PostgresCatalogue,
    own_admin: Connection,
) -> None:
    """Else students see what their creator has changed an hour ago."""
    video = register(own_catalogue, "ada@tests.example")
    for title in ("One", "Two", "Three"):
        own_admin.execute("update videos set title = %s", [title])
    cache = Forgetting()
    look(instance, own_outbox, cache)
    of_video = [e for e in cache.entities if e == video_entity(video.id)]
    assert of_video == [video_entity(video.id)], "four changes of one row"
    assert creator_videos_entity(video.creator_id) in cache.entities
    assert own_admin.execute(PENDING).fetchone() == (0,)
    look(instance, own_outbox, cache)
    assert cache.entities.count(video_entity(video.id)) == 1


def test_a_cache_that_is_away_loses_no_change_and_fails_nothing(
    instance: dg.DagsterInstance,
    own_outbox: PostgresEventOutbox,
    own_catalogue: PostgresCatalogue,
    own_admin: Connection,
) -> None:
    """Else an outage of the cache leaves stale copies, or stops the daemon."""
    video = register(own_catalogue, "ada@tests.example")
    cache = Forgetting()
    cache.is_away = True
    before = own_admin.execute(PENDING).fetchone()
    look(instance, own_outbox, cache)
    assert own_admin.execute(PENDING).fetchone() == before != (0,)
    cache.is_away = False
    look(instance, own_outbox, cache)
    assert video_entity(video.id) in cache.entities


def test_a_malformed_change_is_parked_and_stops_no_other(
    instance: dg.DagsterInstance,
    own_outbox: PostgresEventOutbox,
    own_catalogue: PostgresCatalogue,
    own_admin: Connection,
) -> None:
    """Else one odd row leaves every cached copy stale."""
    bad = UUID(int=1)
    own_admin.execute(
        "insert into events (id, name, schema_version, deduplication_key, payload)"
        " values (%s, 'change/videos', 1, 'bad', '{}')",
        [bad],
    )
    video = register(own_catalogue, "ada@tests.example")
    cache = Forgetting()
    look(instance, own_outbox, cache)
    fate = own_admin.execute(
        "select status, dead_reason from events where id = %s", [bad]
    )
    assert fate.fetchone() == ("dead", "the event has no creatorId")
    assert video_entity(video.id) in cache.entities
