"""What failing work has left everywhere: lines, mails, and what others were told."""

import json
from dataclasses import dataclass
from email import message_from_string
from email.policy import default
from pathlib import Path
from typing import Any

import psycopg

from mentora_pipelines.domain.videos import Video
from mentora_pipelines.services import dagster_postgres_url
from tests.fix_sentry import EnvelopeSink

TOLD_BY_DAGSTER = """
select coalesce(string_agg(event, E'\n'), '') from event_logs
where run_id = any(%(run_ids)s) or %(run_ids)s::text[] is null
"""


@dataclass(frozen=True)
class FailedWork:
    """What one process has left everywhere."""

    output: str
    sink: EnvelopeSink
    creator: str
    videos: list[Video]
    captured: str
    mails: list[str]

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines of its log."""
        lines = [one for one in self.output.splitlines() if one.startswith("{")]
        return [one for one in map(json.loads, lines) if "timestamp" in one]

    def of_video(self, video: Video) -> list[dict[str, Any]]:
        """The lines about one lesson."""
        return [line for line in self.lines if line.get("video") == str(video.id)]

    def events(self, asset: str) -> list[dict[str, Any]]:
        """What Sentry heard of one asset, sensor or schedule."""
        events = self.sink.of_type("event")
        return [one for one in events if one["tags"].get("asset") == asset]

    def event(self, asset: str) -> dict[str, Any]:
        """The only thing that Sentry heard of one."""
        events = self.events(asset)
        assert len(events) == 1, [one["tags"] for one in self.sink.of_type("event")]
        return events[0]


def text_of(folder: Path, *names: str) -> list[str]:
    """The files of a folder."""
    return [path.read_text() for name in names for path in folder.rglob(name)]


def read_mail(text: str) -> str:
    """Its subject and its parts, decoded: what somebody reads."""
    mail = message_from_string(text, policy=default)
    parts = [part.get_content() for part in mail.walk() if not part.is_multipart()]
    return "\n".join([str(mail["subject"]), *parts])


def told_by_dagster(run_ids: list[str] | None) -> str:
    """All that Dagster has kept of some runs, or of all."""
    with psycopg.connect(dagster_postgres_url()) as connection:
        row = connection.execute(TOLD_BY_DAGSTER, {"run_ids": run_ids}).fetchone()
    assert row is not None
    return str(row[0])
