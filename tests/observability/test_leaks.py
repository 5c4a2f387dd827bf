"""Failing work in a real process: what reaches logs, Sentry, mail and the database."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.domain.uploads import parse_upload_key
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.services import DatabaseUrls, mail_folder
from mentora_pipelines.settings.environment import child_environment
from tests.failed_work import FailedWork, read_mail, text_of, told_by_dagster
from tests.fix_sentry import running_sink
from tests.fix_services import PROJECT

WORD = f"leak{uuid4().hex[:12]}x"
"""Stands nowhere else: neither in what other tests left nor in an id."""

MARKERS = {
    "bearer header": f"Authorization: Bearer {WORD}1-Zm9vYmFyYmF6cXV4",
    "database password": f"postgresql://ada:{WORD}2-hunter2@db.internal/mentora",
    "API key": f"api_key='sk-ant-{WORD}3-0123456789abcdef'",
    "mail address": f"to {WORD}4.person@private.example failed",
    "transcript sentence": f"quoted: {WORD}5 the oxygen comes from the water.",
    "presigned signature": (
        f"GET https://b.s3.amazonaws.com/k.mp4?X-Amz-Signature={WORD}6beef&X-Amz-Date=1"
    ),
}

TABLES = (
    "videos", "email_outbox", "events", "analytics_events", "stage_timings",
    "platform_health_checks",
)  # fmt: skip


@pytest.fixture(scope="module")
def late_tail(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a `tail` that is killed before it has copied a single line.

    Dagster's mirror of a run is late where the machine is busy, or files tell nobody
    that they grow.
    """
    folder = tmp_path_factory.mktemp("late")
    (folder / "tail").write_text("#!/bin/sh\nexec sleep 600\n")
    (folder / "tail").chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def work(
    home: Path,
    urls: DatabaseUrls,
    late_tail: Path,
    media: Path,
    catalogue: PostgresCatalogue,
    storage: FolderStorage,
) -> Iterator[FailedWork]:
    """Lessons, a look, a sensor and a schedule that fail with the markers."""

    def upload(file: str, name: str) -> Video:
        key = f"uploads/2026-11-02/leaks@tests.example/{name}.mp4"
        with (media / file).open("rb") as content:
            stored = storage.put(key, content)
        return catalogue.register_upload(stored, parse_upload_key(key))

    videos = [
        upload("tone.mp4", "broken"),
        upload("tone.mp4", "flaky"),
        upload("not_media.mp4", "refused"),
    ]
    with running_sink() as sink, psycopg.connect(urls.admin, autocommit=True) as admin:
        # No part of the platform is known to be away, and no other mail waits.
        admin.execute("delete from email_outbox where status = 'pending'")
        admin.execute("delete from platform_health_checks")
        done = subprocess.run(
            [
                sys.executable, "-m", "tests.leaking_work",
                *(str(video.id) for video in videos), "\n".join(MARKERS.values()),
            ],
            cwd=home,
            env=child_environment(
                PYTHONPATH=str(PROJECT),
                SENTRY_DSN=sink.dsn,
                MENTORA_ENVIRONMENT="staging",
                MENTORA_OPERATOR_EMAIL="ops@tests.example",
                MENTORA_ALERT_CONFIRMATIONS="1",
                PATH=f"{late_tail}:{child_environment()['PATH']}",
            ),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        yield FailedWork(
            done.stdout + done.stderr,
            sink,
            str(videos[0].creator_id),
            videos,
            "\n".join(text_of(home / ".mentora/dagster/logs", "*.err", "*.out")),
            [read_mail(mail) for mail in text_of(mail_folder(), "*.eml")],
        )
        admin.execute("delete from platform_health_checks")
        admin.execute("delete from email_outbox where template = 'platform-health'")


def leaked(text: str) -> list[str]:
    """The markers of which something stands in a text."""
    found = []
    for number, name in enumerate(MARKERS, 1):
        if f"{WORD}{number}" in text.lower():
            found.append(name)
    return found


def test_no_secret_reaches_a_log(work: FailedWork) -> None:
    """Else whoever reads logs reads keys, addresses and lessons."""
    assert leaked(work.output) == [], work.output[-6000:]
    assert leaked(work.captured) == []
    failed = [line for line in work.lines if line["event"] == "step failed"]
    assert {line["asset"] for line in failed} == {
        "audio", "embeddings", "platform_health", "watched",
    }  # fmt: skip
    errors = {line["asset"]: line["error"] for line in failed}
    assert errors["platform_health"].startswith("KeyError at platform_health.py:")


def test_no_secret_reaches_sentry(work: FailedWork) -> None:
    """Else keys, addresses and lessons lie on somebody else's server."""
    assert leaked(work.sink.text) == []
    assert work.sink.of_type("event")
    assert work.sink.of_type("transaction")


def test_no_secret_reaches_dagster(work: FailedWork) -> None:
    """Else everybody who may look at runs reads them, in the UI or the event log."""
    assert leaked(told_by_dagster(None)) == []
    told = told_by_dagster([line["run"] for line in work.of_video(work.videos[1])])
    assert "STEP_UP_FOR_RETRY" in told
    ticks = [json.loads(one) for one in work.output.splitlines() if '"tick"' in one]
    assert len(ticks) == 3
    for tick in ticks:
        assert "MentoraError: internal: KeyError at " in tick["tick"], tick


def test_no_secret_reaches_a_creator_or_a_table(
    work: FailedWork, urls: DatabaseUrls
) -> None:
    """Else a creator reads a password, or it stands in every backup."""
    with psycopg.connect(urls.admin) as connection:
        for table in TABLES:
            row = connection.execute(
                psycopg.sql.SQL(
                    "select string_agg(t::text, E'\n') from {} as t"
                ).format(psycopg.sql.Identifier(table))
            ).fetchone()
            assert row is not None
            assert leaked(row[0] or "") == [], table
    (notice,) = [mail for mail in work.mails if "cache: KeyError" in mail]
    assert notice.startswith("Mentora: ")
    assert leaked("\n".join(work.mails)) == []


def test_an_incident_says_whose_work_failed_and_where(work: FailedWork) -> None:
    """Else an engineer reads a type of error and begins to search."""
    event = work.event("embeddings")
    tags = event["tags"]
    assert tags["creator_id"] == work.creator
    assert tags["video"] == str(work.videos[0].id)
    assert tags["error_code"] == "internal"
    assert {"run", "process"} < set(tags)
    traced = [one["tags"].get("video") for one in work.sink.of_type("transaction")]
    assert set(traced) == {None, *(str(video.id) for video in work.videos)}
    assert event["fingerprint"] == ["embeddings", "internal"]
    assert event["environment"] == "staging"
    assert event["release"].startswith("mentora-pipelines@")
    frames = event["exception"]["values"][-1]["stacktrace"]["frames"]
    assert frames[-1]["function"] == "raise_it"
    assert all("vars" not in frame for frame in frames)


def test_what_is_tried_again_is_no_incident(work: FailedWork) -> None:
    """Else each outage of a second wakes somebody."""
    broken, flaky, _ = work.videos
    ends = [
        line["event"] for line in work.of_video(flaky) if line["asset"] == "embeddings"
    ]
    assert ends == ["step will be tried again", "step done"]
    assert work.event("embeddings")["tags"]["video"] == str(broken.id)


def test_a_creators_bad_file_is_an_incident_when_it_is_repeated(
    work: FailedWork,
) -> None:
    """Else text files wake somebody, or a decoder that refuses all goes unseen."""
    event = work.event("audio")
    assert event["level"] == "warning"
    assert event["tags"]["video"] == str(work.videos[2].id)
    assert event["fingerprint"] == ["audio", "not_media"]
    assert event["contexts"]["extra"]["times"] == 2
    refused = [line for line in work.lines if line.get("asset") == "audio"]
    assert sum(line["event"] == "step failed" for line in refused) == 2


def test_a_lesson_found_broken_is_an_incident_and_one_over_budget_never(
    work: FailedWork,
) -> None:
    """Else our own fault waits for a second one, or a limit that works wakes people."""
    event = work.event("watched")
    assert event["level"] == "error"
    assert event["fingerprint"] == ["watched", "check_failed"]


def test_a_check_of_the_platform_that_fails_is_told(work: FailedWork) -> None:
    """Else wrong numbers stand until somebody opens the UI."""
    name = "daily_metrics_yesterdays_metrics_exist"
    assert work.event(name)["fingerprint"] == [name, "check_failed"]
    failed = [line for line in work.lines if line["event"] == "check failed"]
    assert ("error", name) in [(line["level"], line["asset"]) for line in failed]


def test_a_lost_run_is_an_incident_that_says_whose_lesson_it_was(
    work: FailedWork,
) -> None:
    """Else a killed worker is found by the creator whose lesson never comes."""
    event = work.event("lesson_job")
    assert event["tags"]["creator_id"] == work.creator
    assert event["tags"]["video"] == str(work.videos[0].id)
    assert event["fingerprint"] == ["lesson_job", "run_exception"]


@pytest.mark.parametrize("name", ["new_uploads", "daily_metrics_schedule"])
def test_a_trigger_that_fails_is_told(work: FailedWork, name: str) -> None:
    """Else nothing starts any more, and nobody knows."""
    assert work.event(name)["fingerprint"] == [name, "KeyError"]
    assert [x["event"] for x in work.lines if x.get("asset") == name] == ["tick failed"]


def test_the_monitor_of_a_schedule_hears_how_its_run_ended(work: FailedWork) -> None:
    """Else a night without its job is noticed when somebody misses its numbers."""
    told = {
        (one["monitor_slug"], one["status"]): one
        for one in work.sink.of_type("check_in")
    }
    assert set(told) == {
        ("daily_metrics_schedule", "error"),
        ("event_retention_schedule", "in_progress"),
        ("event_retention_schedule", "ok"),
    }
    begun = told["event_retention_schedule", "in_progress"]
    ended = told["event_retention_schedule", "ok"]
    assert begun["check_in_id"] == ended["check_in_id"]
    assert ended["duration"] > 0
    assert ended["monitor_config"]["schedule"] == {
        "type": "crontab", "value": "30 4 * * *",
    }  # fmt: skip


def test_every_line_names_its_run_and_its_creator(work: FailedWork) -> None:
    """Else the lines of four runs at once cannot be told apart."""
    of_lessons = [line for line in work.lines if "video" in line]
    assert of_lessons
    for line in of_lessons:
        assert {"run", "creator", "asset", "event", "level"} < set(line)
        assert line["duration_s"] >= 0
    (by_hand,) = [line for line in work.lines if line["event"] == "told by hand"]
    assert by_hand["transcript"] == "[hidden]"
