"""Rows of `recognised_windows`, and what a creator has set about the speech."""

import re
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from mentora_pipelines.adapters.postgres.database import Rows
from mentora_pipelines.adapters.postgres.lessons.transcripts import (
    doubts_as_json,
    doubts_from_json,
    words_as_json,
)
from mentora_pipelines.domain.lessons.recognition import Hints, RecognisedWindow
from mentora_pipelines.domain.lessons.transcripts import Word
from mentora_pipelines.domain.videos import Video

SELECT_WINDOWS = """
select start_s, end_s, is_last, language, language_probability, words, doubts,
    speech_s, redone
from recognised_windows
where video_id = %(video_id)s and transcript_id = %(transcript_id)s
order by start_s
"""

FORGET_OTHER_VERSIONS = """
delete from recognised_windows
where video_id = %(video_id)s and transcript_id <> %(transcript_id)s
"""

INSERT_WINDOW = """
insert into recognised_windows (
    transcript_id, video_id, creator_id, start_s, end_s, is_last, language,
    language_probability, words, doubts, speech_s, redone)
values (
    %(transcript_id)s, %(video_id)s, %(creator_id)s, %(start_s)s, %(end_s)s,
    %(is_last)s, %(language)s, %(language_probability)s, %(words)s, %(doubts)s,
    %(speech_s)s, %(redone)s)
on conflict (transcript_id, start_s) do nothing
"""

SELECT_HINTS = """
select settings -> 'language', settings -> 'glossary' from creators
where id = %(creator_id)s
"""

MAX_TERMS = 200
MAX_TERM_LENGTH = 80
"""More than any model takes; the settings are what a web form let through."""


class RecognisedWindowRows(Rows):
    """Satisfies `WindowStore`."""

    def recognised_windows(
        self, video: Video, transcript_id: UUID
    ) -> list[RecognisedWindow]:
        """The windows of a version that are done, from the start without a gap."""
        with self._database.transaction(video.creator_id) as connection:
            rows = connection.execute(
                SELECT_WINDOWS, {"video_id": video.id, "transcript_id": transcript_id}
            ).fetchall()
        windows: list[RecognisedWindow] = []
        for row in rows:
            window = _window(row)
            if window.start_s != (windows[-1].end_s if windows else 0.0):
                break
            windows.append(window)
        return windows

    def add_recognised_window(
        self, video: Video, transcript_id: UUID, window: RecognisedWindow
    ) -> None:
        """Remember a window; the first one makes the store forget other versions."""
        names = {"video_id": video.id, "transcript_id": transcript_id}
        with self._database.transaction(video.creator_id) as connection:
            if window.start_s == 0:
                connection.execute(FORGET_OTHER_VERSIONS, names)
            connection.execute(
                INSERT_WINDOW,
                {
                    **names,
                    "creator_id": video.creator_id,
                    "start_s": window.start_s,
                    "end_s": window.end_s,
                    "is_last": window.is_last,
                    "language": window.language,
                    "language_probability": window.language_probability,
                    "words": Jsonb(words_as_json(window.words)),
                    "doubts": Jsonb(doubts_as_json(window.doubts)),
                    "speech_s": window.speech_s,
                    "redone": window.redone,
                },
            )

    def recognition_hints(self, video: Video) -> Hints:
        """What the creator of the video has set; what is malformed counts as unset."""
        with self._database.transaction(video.creator_id) as connection:
            row = connection.execute(
                SELECT_HINTS, {"creator_id": video.creator_id}
            ).fetchone()
        return Hints() if row is None else Hints(_language(row[0]), _glossary(row[1]))


def _window(row: tuple[Any, ...]) -> RecognisedWindow:
    (start_s, end_s, is_last, language, probability, words, doubts, *counts) = row
    speech_s, redone = counts
    return RecognisedWindow(
        start_s=start_s,
        end_s=end_s,
        is_last=is_last,
        language=language,
        language_probability=probability,
        words=tuple(Word(*word) for word in words),
        doubts=doubts_from_json(doubts),
        speech_s=speech_s,
        redone=redone,
    )


def _language(setting: object) -> str | None:
    """ISO 639-1 out of `en`, `EN` or `en-US`."""
    if not isinstance(setting, str):
        return None
    found = re.fullmatch(r"([a-z]{2,3})([-_][a-z0-9-]+)?", setting.strip().lower())
    return found[1] if found else None


def _glossary(setting: object) -> tuple[str, ...]:
    """The terms, each once, without line breaks and blanks around."""
    if not isinstance(setting, list):
        return ()
    terms = [" ".join(term.split()) for term in setting if isinstance(term, str)]
    kept = [term for term in terms if term and len(term) <= MAX_TERM_LENGTH]
    return tuple(dict.fromkeys(kept))[:MAX_TERMS]
