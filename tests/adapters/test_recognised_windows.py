"""Checkpoints of recognition and a creator's hints, in the real database."""

import json
from dataclasses import replace
from uuid import UUID, uuid4

import psycopg
import pytest

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.domain.lessons.recognition import Hints, RecognisedWindow
from mentora_pipelines.domain.lessons.transcripts import (
    Doubt,
    DoubtKind,
    Segment,
    Word,
)
from mentora_pipelines.domain.videos import Video
from tests.stored_lessons import SENTENCES, register, take_in, transcript_for

FIRST = RecognisedWindow(
    start_s=0.0,
    end_s=110.304,
    is_last=False,
    language="en",
    language_probability=0.97,
    words=(Word("Plants", 0.5, 0.9, 0.98), Word("grow.", 0.9, 1.3, 0.7)),
    doubts=(Doubt(DoubtKind.LOW_PROBABILITY, 0.5, 1.3, -1.2),),
    speech_s=0.8,
    redone=1,
)
SECOND = RecognisedWindow(110.304, 150.0, True, None, 0.0, (), (), 0.0, 0)


@pytest.fixture
def video(catalogue: PostgresCatalogue, lessons: PostgresLessons) -> Video:
    """A video of a creator of its own, whose bytes were taken in."""
    found = register(catalogue, f"{uuid4()}@tests.example")
    take_in(lessons, found)
    return catalogue.video(found.id)


def test_a_window_is_read_as_it_was_written(
    lessons: PostgresLessons, video: Video
) -> None:
    """Else a lesson that was taken up again has other words or times."""
    version = uuid4()
    assert lessons.recognised_windows(video, version) == []
    for window in (FIRST, SECOND, FIRST):
        lessons.add_recognised_window(video, version, window)
    assert lessons.recognised_windows(video, version) == [FIRST, SECOND]


def test_windows_behind_a_gap_do_not_count(
    lessons: PostgresLessons, video: Video
) -> None:
    """Else the words of the gap are never heard."""
    version = uuid4()
    lessons.add_recognised_window(video, version, SECOND)
    assert lessons.recognised_windows(video, version) == []


def test_the_windows_of_an_abandoned_version_go(
    lessons: PostgresLessons, video: Video
) -> None:
    """Else every replaced upload leaves its words behind for ever."""
    old, new = uuid4(), uuid4()
    lessons.add_recognised_window(video, old, FIRST)
    lessons.add_recognised_window(video, new, FIRST)
    assert lessons.recognised_windows(video, old) == []
    assert lessons.recognised_windows(video, new) == [FIRST]


def test_windows_go_when_their_transcript_stands(
    lessons: PostgresLessons, video: Video
) -> None:
    """Else every lesson is stored twice."""
    transcript = transcript_for(video, SENTENCES)
    lessons.add_recognised_window(video, transcript.id, FIRST)
    lessons.add_transcript(video, transcript)
    assert lessons.recognised_windows(video, transcript.id) == []


def test_another_creator_sees_no_window(
    lessons: PostgresLessons, catalogue: PostgresCatalogue, video: Video
) -> None:
    """Else what one creator says is read by another."""
    version = uuid4()
    lessons.add_recognised_window(video, version, FIRST)
    stranger = register(catalogue, f"{uuid4()}@tests.example")
    disguised = replace(video, creator_id=stranger.creator_id)
    assert lessons.recognised_windows(disguised, version) == []


def test_doubts_are_stored_with_their_sentence_and_old_rows_have_none(
    lessons: PostgresLessons, video: Video, admin: psycopg.Connection
) -> None:
    """Else what is doubtful is forgotten, or an older transcript cannot be read."""
    plain = transcript_for(video, SENTENCES)
    doubted: list[Segment] = [
        replace(plain.segments[0], doubts=FIRST.doubts),
        *plain.segments[1:],
    ]
    lessons.add_transcript(video, replace(plain, segments=tuple(doubted)))
    assert lessons.transcript(video, plain.id).segments == tuple(doubted)
    admin.execute(
        "update transcripts set segments = segments #- '{0,doubts}' where id = %s",
        [plain.id],
    )
    assert lessons.transcript(video, plain.id).segments == plain.segments


@pytest.mark.parametrize(
    ("settings", "hints"),
    [
        ({}, Hints()),
        (
            {"language": "de-AT", "glossary": [" Calvin\ncycle ", "Krebs", "Krebs"]},
            Hints("de", ("Calvin cycle", "Krebs")),
        ),
        ({"language": "english please", "glossary": "Krebs"}, Hints()),
        (
            {"language": 7, "glossary": [7, None, "", "x" * 500, "ok"]},
            Hints(None, ("ok",)),
        ),
        ({"glossary": [f"term {n}" for n in range(900)]}, None),
    ],
)
def test_hints_are_what_the_creator_has_set(
    lessons: PostgresLessons,
    video: Video,
    admin: psycopg.Connection,
    settings: dict[str, object],
    hints: Hints | None,
) -> None:
    """Else a form's odd value fails every lesson of a creator."""
    set_up(admin, video.creator_id, settings)
    found = lessons.recognition_hints(video)
    if hints is None:
        assert len(found.glossary) == 200
    else:
        assert found == hints


def set_up(
    admin: psycopg.Connection, creator_id: UUID, settings: dict[str, object]
) -> None:
    """Write a creator's settings, as the web application does."""
    admin.execute(
        "update creators set settings = %s where id = %s",
        [json.dumps(settings), creator_id],
    )
