"""What events do at once, and the runs that are neither a lesson nor a quiz."""

from uuid import UUID

import dagster as dg
import pytest

from assets.jobs import lesson_job
from assets.tags import PARTITION_TAG
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.events.event_outbox import PostgresEventOutbox
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.definitions import defs
from mentora_pipelines.errors import ErrorCode
from tests.due_events import Tell, Ticks, fate, published
from tests.fix_runs import Connection
from tests.stored_lessons import register


def test_a_deleted_video_takes_its_rows_along_and_marks_its_blobs(
    tick: Ticks,
    tell: Tell,
    own_admin: Connection,
    instance: dg.DagsterInstance,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
) -> None:
    """Else a removed lesson is still found, paid for, and stored for ever."""
    video = published(own_catalogue, own_lessons)
    same_sound = register(own_catalogue, "bob@tests.example")
    own_lessons.record_source(
        same_sound, etag="1", source_hash="b" * 64, audio_key="audio/a", duration_s=9
    )
    own_admin.execute("delete from events")
    run = instance.create_run_for_job(
        defs.resolve_job_def(lesson_job.name),
        status=dg.DagsterRunStatus.STARTED,
        tags={PARTITION_TAG: str(video.id)},
    )
    event = tell(
        "video/deleted",
        video.creator_id,
        videoId=video.id,
        creatorId=video.creator_id,
    )
    assert tick() == []
    assert fate(own_admin, event) == ("done", "handled", 0)
    for table in ("transcripts", "transcript_chunks", "chunk_embeddings", "quizzes"):
        found = own_admin.execute(
            f"select from {table} where creator_id = %s",
            [video.creator_id],
        )
        assert found.rowcount == 0, table
    orphans = own_admin.execute("select storage_key from orphaned_blobs").fetchall()
    # Bob's lesson has the same sound.
    assert sorted(orphans) == [("captions/a",), (video.storage_key,)]
    ended = instance.get_run_by_id(run.run_id)
    assert ended is not None
    assert ended.status is dg.DagsterRunStatus.CANCELING


def test_a_deleted_video_stays_away_until_other_bytes_come(
    tick: Ticks,
    tell: Tell,
    own_outbox: PostgresEventOutbox,
    own_admin: Connection,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
) -> None:
    """Else the next look at storage brings a removed lesson back to students."""
    video = published(own_catalogue, own_lessons)
    event = tell(
        "video/deleted",
        video.creator_id,
        videoId=video.id,
        creatorId=video.creator_id,
    )
    tick()
    known = own_catalogue.known_uploads([video.storage_key])[video.storage_key]
    assert (known.etag, known.lost_event) == (video.upload_etag, False)
    # What is stored after the wish is another upload, however late it was granted.
    asked = own_admin.execute("select created_at from events where id = %s", [event])
    assert asked.fetchone() == (known.deleted_at,)

    again = register(own_catalogue, video.creator_email, etag="2")
    # What deleted the first one says nothing about the second, however often.
    own_outbox.replay(name="video/deleted")
    tick()
    assert own_catalogue.video(again.id) == again


MAIL = "select template, subject_id, recipient, variables from email_outbox"


def test_a_mail_that_is_asked_for_is_written_once(
    tick: Ticks,
    tell: Tell,
    own_admin: Connection,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
) -> None:
    """Else the web application's mails are lost, or the creator gets each twice."""
    video = register(own_catalogue, "ada@tests.example")
    own_lessons.mark_failed(video, ErrorCode.NO_SPEECH)
    asked = {
        "to": "ada@tests.example",
        "template": "video-processing-failed",
        # As the web application fills it; no foreign text may come into a mail.
        "variables": {"videoId": str(video.id), "error": "Traceback: password=1"},
    }
    mails = [tell("email/send", video.creator_id, **asked) for _ in range(2)]
    tick()
    # The failure itself has written the same mail.
    assert [fate(own_admin, mail) for mail in mails] == [
        ("done", "nothing to do", 0)
    ] * 2
    ((template, subject, recipient, variables),) = own_admin.execute(MAIL).fetchall()
    assert (template, subject) == ("video-processing-failed", str(video.id))
    assert recipient == "ada@tests.example"
    assert variables == {
        "videoId": str(video.id),
        "title": "lesson",
        "code": "no_speech",
        "uploadNumber": 1,
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"to": "nobody"}, "the recipient is not a mail address"),
        ({"template": "welcome"}, "there is no such mail template"),
        ({"variables": {"videoId": "x"}}, "variables.videoId is not an id"),
        ({"variables": {}}, "wrong or missing"),
    ],
)
def test_a_mail_that_cannot_be_made_is_parked(
    tick: Ticks,
    tell: Tell,
    own_admin: Connection,
    change: dict[str, object],
    reason: str,
) -> None:
    """Else a mail goes to nobody, and nobody knows."""
    whole: dict[str, object] = {
        "to": "ada@tests.example",
        "template": "video-processing-failed",
        "variables": {},
    }
    mail = tell("email/send", **(whole | change))
    tick()
    status, told, _ = fate(own_admin, mail)
    assert status == "dead"
    assert reason in told
    assert own_admin.execute(MAIL).fetchall() == []


def test_a_transcript_that_is_edited_becomes_a_staged_version_and_one_run(
    tick: Ticks,
    tell: Tell,
    own_admin: Connection,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
) -> None:
    """Else a correction in the web application never reaches students."""
    video = published(own_catalogue, own_lessons)
    own_admin.execute("delete from events")
    base = video.published_transcript_id
    edit = {"replace": "simple", "with": "plain", "baseVersion": str(base)}
    about = {"videoId": video.id, "creatorId": video.creator_id}
    event = tell("video/transcript.edited", video.creator_id, **about, edit=edit)
    for _ in range(2):
        # A tick that is cut off tells it again: the version is made once.
        (request,) = tick(keep_cursor=False)
        assert request.run_key == f"edit {event}"
        assert [key.to_user_string() for key in request.asset_selection or []] == [
            "captions",
            "chunks",
            "embeddings",
            "published_lessons",
        ]
    after = own_catalogue.video(video.id)
    assert after.published_transcript_id == base, "readers keep what they have"
    assert after.staged_transcript_id != base
    assert after.staged_transcript_id is not None
    edited = own_lessons.transcript(after, after.staged_transcript_id)
    assert edited.text.startswith("Glucose is a plain sugar.")

    unnamed = tell(
        "video/transcript.edited",
        video.creator_id,
        **about,
        edit={"replace": "Starch", "with": "It"},
    )
    tick()
    assert fate(own_admin, unnamed)[:2] == ("dead", "edit.baseVersion is missing")


def test_a_day_whose_metrics_are_wanted_gets_a_run(tick: Ticks, tell: Tell) -> None:
    """Else an analyst waits for tonight."""
    event = tell("analytics/daily.aggregate", date="2026-03-01")
    (request,) = tick()
    assert request.job_name == "daily_metrics_job"
    assert request.partition_key == "2026-03-01"
    assert request.run_key == f"metrics {event}"


def test_a_membership_is_what_whop_told_last_in_whatever_order_it_comes(
    tick: Ticks, tell: Tell, own_admin: Connection, own_catalogue: PostgresCatalogue
) -> None:
    """Else a late delivery reopens a course, or one told twice counts twice."""
    creator = register(own_catalogue, "ada@tests.example").creator_id
    bob = register(own_catalogue, "bob@tests.example").creator_id
    told = {
        "creatorId": creator,
        "membershipId": "mem_1",
        "userId": "user_1",
        "companyId": "biz_1",
        "productId": "prod_1",
    }

    def at(hour: int, status: str, **more: object) -> UUID:
        time = f"2026-11-01T{hour:02}:00:00Z"
        fields = told | {"status": status, "changedAt": time, "toldAt": time} | more
        return tell("membership/changed", creator, **fields)

    newest, middle = at(3, "canceled"), at(2, "past_due")
    oldest, again = at(1, "active"), at(3, "canceled")
    malformed = at(4, "active", changedAt="yesterday")
    foreign = at(5, "active", creatorId=bob)
    tick()
    assert fate(own_admin, newest)[:2] == ("done", "handled")
    for late in (middle, oldest, again):
        assert fate(own_admin, late)[:2] == ("done", "nothing to do")
    assert fate(own_admin, malformed)[0] == "dead"
    assert "somebody else's" in fate(own_admin, foreign)[1]
    rows = own_admin.execute(
        "select creator_id, external_id, user_id, status, granted_at from memberships"
    )
    assert rows.fetchall() == [(creator, "mem_1", "user_1", "canceled", None)]
