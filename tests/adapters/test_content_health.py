"""The history of probes and the mails that follow from it, over a real database."""

import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from mentora_pipelines.adapters.http_probe.lessons import WebLessonProber
from mentora_pipelines.adapters.http_probe.prober import ProbeLimits
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.operations.content_health import (
    ContentHealthRows,
)
from mentora_pipelines.domain.operations.content_health import (
    HealthOutcome,
    LessonAddress,
    ProbeFault,
    Sighting,
)
from mentora_pipelines.domain.operations.health_alerts import AlertRule
from mentora_pipelines.domain.operations.health_looks import (
    PAGE_LESSONS,
    LookFigures,
    LookScope,
    look,
)
from mentora_pipelines.services import DatabaseUrls
from tests.fakes import FakeStorage
from tests.web import FRONT, Web, prober_for, serving, status

WELL = Sighting(status=206, has_bytes=True, content_type="video/mp4", latency_ms=3.0)
GONE = Sighting(status=404)
SILENT = Sighting(fault=ProbeFault.NO_ANSWER)
BLOCKED = Sighting(fault=ProbeFault.REFUSED)
THROTTLED = Sighting(fault=ProbeFault.THROTTLED)

INSERT_CREATOR = "insert into creators (id, email) values (%(id)s, %(email)s)"

# A completed video needs a version that it shows.
INSERT_VIDEOS = """
with made as (
    insert into videos (id, creator_id, title, storage_key, upload_etag, video_url)
    select id, %(creator_id)s, 'Lesson ' || place, 'uploads/' || id, '1',
        'https://h' || place %% 7 || '.example/' || id || '.mp4'
    from unnest(%(ids)s::uuid[]) with ordinality as given (id, place)
    returning id, creator_id
)
insert into transcripts (id, video_id, creator_id, source_hash, fingerprint, origin,
    language, duration_s, word_count, full_text, segments)
select id, id, creator_id, 's', 'f', 'recognised', 'en', 2, 2, 'Plants grow.',
    '[{"start": 0, "end": 2}]'
from made
"""
COMPLETE = """
update videos set processing_status = 'completed', published_transcript_id = id
where processing_status = 'pending'
"""


@dataclass
class World:
    """Lessons whose videos look as the test says, and time that it turns."""

    admin: psycopg.Connection[tuple[Any, ...]]
    ledger: ContentHealthRows
    seen: dict[UUID, Sighting] = field(default_factory=dict)
    probed: list[UUID] = field(default_factory=list)
    dies_after: int | None = None
    meanwhile: Callable[[], object] | None = None

    def creator(self, lessons: int, email: str | None = None) -> list[UUID]:
        """The lessons of a new creator."""
        creator_id = uuid4()
        address = f"{creator_id}@tests.example" if email is None else email
        self.admin.execute(INSERT_CREATOR, {"id": creator_id, "email": address})
        ids = [uuid4() for _ in range(lessons)]
        self.admin.execute(INSERT_VIDEOS, {"creator_id": creator_id, "ids": ids})
        self.admin.execute(COMPLETE)
        return ids

    def probe(self, lessons: Sequence[LessonAddress]) -> list[Sighting]:
        """What the test says; well, unless it says something else."""
        if self.meanwhile is not None:
            self.meanwhile()
        if self.dies_after is not None and len(self.probed) >= self.dies_after:
            raise ConnectionError
        self.probed += [lesson.video_id for lesson in lessons]
        return [self.seen.get(lesson.video_id, WELL) for lesson in lessons]

    def controls_answer(self) -> bool | None:
        """There is none."""
        return None

    def look(
        self, scope: LookScope = LookScope.ALL, look_id: UUID | None = None
    ) -> LookFigures:
        """One look."""
        self.probed.clear()
        return look(scope, look_id or uuid4(), self.ledger, self)

    def wait(self, **time: float) -> None:
        """Turn the clock."""
        self.admin.execute(
            "update content_health_checks set checked_at = checked_at - %s",
            [timedelta(**time)],
        )

    def mails(self) -> list[tuple[str, dict[str, str]]]:
        """Recipient, and outcome by title, in the order they were written."""
        rows = self.admin.execute(
            "select recipient, variables -> 'lessons' from email_outbox "
            "where template = 'video-health-alert' order by created_at, recipient"
        )
        return [
            (recipient, {line["title"]: line["outcome"] for line in lines})
            for recipient, lines in rows
        ]

    def told(self) -> list[dict[str, str]]:
        """What the mails say."""
        return [lines for _, lines in self.mails()]


@pytest.fixture
def world(own_urls: DatabaseUrls, own_database: Database) -> Iterator[World]:
    """No lesson yet."""
    with psycopg.connect(own_urls.admin, autocommit=True) as admin:
        yield World(admin, ContentHealthRows(own_database, AlertRule()))
        admin.execute("truncate creators cascade")


def test_failures_are_told_once_and_the_recovery_once(world: World) -> None:
    """Else a creator is mailed each week, or never learns that all is well."""
    broken, *_ = world.creator(2)
    world.seen[broken] = GONE
    for _ in range(2):
        world.look()
        world.wait(hours=20)
    assert world.told() == []
    world.look()
    assert world.told() == [{"Lesson 1": "gone"}]
    for _ in range(4):
        world.wait(days=7)
        world.look()
    assert len(world.told()) == 1, "told again"
    world.wait(days=1)
    world.seen.clear()
    figures = world.look()
    assert (figures.told.recoveries, figures.told.alerts) == (1, 0)
    world.wait(days=1)
    world.look()
    assert world.told() == [{"Lesson 1": "gone"}, {"Lesson 1": "ok"}]
    world.seen[broken] = GONE
    for _ in range(3):
        world.wait(days=1)
        world.look()
    assert world.told()[2:] == [{"Lesson 1": "gone"}], "the next time is not told"


def test_failures_within_hours_are_not_told_yet(world: World) -> None:
    """Else an evening's maintenance of a host alarms everybody."""
    broken, *_ = world.creator(2)
    world.seen[broken] = GONE
    for _ in range(5):
        world.look()
        world.wait(hours=4)
    assert world.told() == []
    world.wait(hours=5)
    world.look()
    assert world.told() == [{"Lesson 1": "gone"}]


def test_an_answer_between_failures_begins_the_count_anew(world: World) -> None:
    """Else a lesson that plays nearly always is called broken."""
    flaky, *_ = world.creator(2)
    for sighting in (GONE, GONE, WELL, GONE, GONE):
        world.seen[flaky] = sighting
        world.look()
        world.wait(days=2)
    assert world.told() == []


@pytest.mark.parametrize("nothing", [BLOCKED, THROTTLED], ids=["blocked", "ours"])
def test_what_says_nothing_of_the_lesson_neither_counts_nor_clears(
    nothing: Sighting, world: World
) -> None:
    """Else our own limits are a creator's fault, or hide a broken lesson."""
    only_that, failing, *_ = world.creator(4)
    world.seen[only_that] = nothing
    for sighting in (GONE, nothing, GONE, nothing, GONE):
        world.seen[failing] = sighting
        world.look()
        world.wait(days=2)
    assert world.told() == [{"Lesson 2": "gone"}]


def test_our_own_outage_alarms_nobody_however_long_it_lasts(world: World) -> None:
    """Else a week without network is a mail to every creator."""
    world.seen = dict.fromkeys([*world.creator(5), *world.creator(5)], SILENT)
    for _ in range(6):
        figures = world.look()
        world.wait(days=2)
        assert figures.outcomes.keys() == {"ours"}
        assert figures.pages_without_network == 1
    assert world.mails() == []
    # A control's word would have been proof.
    world.seen.clear()
    assert world.look().outcomes.keys() == {"ok"}
    assert world.mails() == []


def test_one_digest_tells_a_creator_all_that_is_new(world: World) -> None:
    """Else a broken host is forty mails, or one creator reads of another's lessons."""
    ada, bob = world.creator(20), world.creator(9)
    world.seen = dict.fromkeys([*ada[:5], *bob[:2]], GONE)
    for _ in range(3):
        figures = world.look()
        world.wait(days=1)
    assert (figures.told.digests, figures.told.alerts) == (2, 7)
    assert sorted(len(lines) for lines in world.told()) == [2, 5]
    world.seen = dict.fromkeys([*ada[1:6]], GONE)
    for _ in range(3):
        world.look()
        world.wait(days=1)
    mended = [lines for lines in world.told() if "ok" in lines.values()]
    assert sorted(len(lines) for lines in mended) == [1, 2]
    assert len(world.mails()) == 5


def test_a_creator_without_an_address_stops_nobody_else(world: World) -> None:
    """Else one malformed row silences all alerts."""
    lost, found = world.creator(1, "nobody"), world.creator(3)
    world.seen = dict.fromkeys([*lost, found[0]], GONE)
    for _ in range(3):
        figures = world.look()
        world.wait(days=1)
    assert figures.told.unreachable == 1
    assert len(world.mails()) == 1


def test_suspects_are_what_failed_or_was_not_judged_or_was_overlooked(
    world: World,
) -> None:
    """Else the daily look asks for everything, or for nothing."""
    gone, silent, blocked, well, new = world.creator(5)
    world.seen = {gone: GONE, silent: THROTTLED, blocked: BLOCKED}
    world.admin.execute(
        "update videos set processing_status = 'pending' where id = %s", [new]
    )
    world.look()
    assert set(world.probed) == {gone, silent, blocked, well}
    world.admin.execute(COMPLETE)
    world.wait(minutes=30)
    assert world.look(LookScope.SUSPECTS).lessons == 0, "of this very night"
    world.wait(days=1)
    world.look(LookScope.SUSPECTS)
    assert set(world.probed) == {gone, silent}
    world.wait(days=8)
    world.admin.execute("update videos set created_at = now() - interval '9 days'")
    world.look(LookScope.SUSPECTS)
    assert set(world.probed) == {gone, silent, blocked, well, new}


def test_all_of_more_than_a_thousand_lessons_are_looked_at_once(world: World) -> None:
    """Else the first thousand are all that is ever seen."""
    ids = world.creator(1_050)
    assert world.look().lessons == len(ids)
    assert sorted(world.probed) == sorted(ids)


def test_a_look_that_died_goes_on_where_it_was(world: World) -> None:
    """Else a restart at two thirds asks every host for everything again."""
    ids = world.creator(1_050)
    look_id = uuid4()
    world.dies_after = 500
    with pytest.raises(ConnectionError):
        world.look(look_id=look_id)
    first = set(world.probed)
    world.dies_after = None
    world.look(look_id=look_id)
    assert not first & set(world.probed)
    assert first | set(world.probed) == set(ids)


def test_a_lesson_that_is_deleted_meanwhile_is_forgotten(world: World) -> None:
    """Else one deletion fails the look of ten thousand lessons."""
    gone, stays = world.creator(2)
    world.meanwhile = lambda: world.admin.execute(
        "delete from videos where id = %s", [gone]
    )
    world.look()
    rows = world.admin.execute("select video_id from content_health_checks").fetchall()
    assert rows == [(stays,)]


def test_the_history_holds_what_was_seen(world: World) -> None:
    """Else nobody can tell why a creator was alarmed."""
    one, other = world.creator(2)
    world.seen[other] = BLOCKED
    world.look()
    rows = world.admin.execute(
        "select video_id, outcome, http_status, latency_ms, detail "
        "from content_health_checks order by outcome desc"
    ).fetchall()
    assert rows == [
        (one, "ok", 206, 3.0, "video/mp4"),
        (other, "blocked", None, None, "address refused"),
    ]


def test_a_creators_keys_are_theirs_by_id_and_by_mail(world: World) -> None:
    """Else a link that can be renewed is told as ended, and a lost file never is."""
    world.creator(1, "Ada@x.org")
    world.look()
    pages = (
        world.ledger.page(LookScope.ALL, uuid4(), None, 9),
        world.ledger.witnesses(9),
    )
    for (lesson,) in pages:
        by_id = f"uploads/2026-11-01/{lesson.creator_id}/a.mp4"
        of_ada = replace(lesson, storage_key=by_id)
        assert of_ada.owns("uploads/2026-11-02/ada@X.org/b.mp4")
        assert not of_ada.owns("uploads/2026-11-02/bob@x.org/b.mp4")


def test_a_status_that_is_none_of_http_ends_no_look(world: World) -> None:
    """Else one link to such a host, and no creator is ever told anything again."""
    odd, well = world.creator(2)
    with serving(web := Web(FRONT)):
        web.answers["/odd"] = status("999 Denied")
        prober = prober_for(web)
        link = LessonAddress(odd, uuid4(), web.url("/odd"), "uploads/none", None)
        (world.seen[odd],) = prober.probe([link])
        prober.close()
    world.look()
    rows = world.admin.execute("select video_id, outcome from content_health_checks")
    assert dict(rows.fetchall()) == {odd: "timeout", well: "ok"}


def test_old_probes_are_forgotten_and_how_a_lesson_stands_is_not(world: World) -> None:
    """Else the history grows for ever, or a creator is told the same once more."""
    broken, throttled, well = world.creator(3)
    world.seen = {broken: GONE, throttled: GONE}
    for _ in range(3):
        world.look()
        world.wait(days=1)
    world.seen[throttled] = THROTTLED
    world.look()
    assert len(world.told()) == 1
    assert count_probes(world) == {broken: 4, throttled: 4, well: 4}
    world.wait(days=400)
    assert world.look().forgotten == 10
    # Of each the new one; of those that failed what was told, and what last said much.
    assert count_probes(world) == {broken: 2, throttled: 2, well: 1}
    assert len(world.told()) == 1, "told again"
    world.wait(days=1)
    world.seen.clear()
    assert world.look().told.recoveries == 2


ONE_IN_FIVE_ON_THE_WEB = """
with numbered as (
    select id, row_number() over (order by id) as number from videos
)
update videos
set video_url = case when number %% 5 = 0 then
    'http://host' || number %% 100 || '.example:' || %(port)s || '/v.mp4'
end
from numbered where numbered.id = videos.id
"""


def test_ten_thousand_lessons_stay_within_their_connections_and_memory(
    world: World,
) -> None:
    """Else a look takes the machine down that lessons are made on."""
    ids = world.creator(10_000)
    storage = FakeStorage()
    for video_id in ids:
        storage.add(f"uploads/{video_id}")
    limits = ProbeLimits(timeout_s=20, concurrency=32, per_host=2)
    with serving(web := Web(FRONT)):
        world.admin.execute(ONE_IN_FIVE_ON_THE_WEB, {"port": web.port})
        prober = Counting(prober_for(web, limits=limits, storage=storage))
        figures = look(LookScope.ALL, uuid4(), world.ledger, prober)
        prober.close()
    assert figures.outcomes == {HealthOutcome.OK: len(ids)}
    assert web.asked == {"HEAD /v.mp4": 2_000, "GET /v.mp4": 2_000}
    assert 2 < web.most_at_once <= 32
    # A page is made while the one before is let go, and one waits to be collected.
    assert prober.most_alive <= 3 * PAGE_LESSONS


@dataclass
class Counting:
    """Satisfies `LessonProber`: counts the lessons that are held when one is asked."""

    prober: WebLessonProber
    most_alive: int = 0

    def probe(self, lessons: Sequence[LessonAddress]) -> list[Sighting]:
        """What the prober sees."""
        seen = self.prober.probe(lessons)
        held = sum(isinstance(thing, LessonAddress) for thing in gc.get_objects())
        self.most_alive = max(self.most_alive, held)
        return seen

    def controls_answer(self) -> bool | None:
        """What the prober says."""
        return self.prober.controls_answer()

    def close(self) -> None:
        """Let the prober go."""
        self.prober.close()


def count_probes(world: World) -> dict[UUID, int]:
    """How long the history of each lesson is."""
    rows = world.admin.execute(
        "select video_id, count(*)::integer from content_health_checks group by 1"
    )
    return dict(rows.fetchall())
