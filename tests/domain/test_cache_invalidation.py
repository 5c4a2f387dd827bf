from collections.abc import Sequence
from uuid import UUID

import pytest

from mentora_pipelines.domain.caching.cache import Entity
from mentora_pipelines.domain.caching.invalidation import invalidate_for
from mentora_pipelines.errors import InvalidInput, TransientError

ROW = str(UUID(int=1))
CREATOR = str(UUID(int=2))
VIDEO_PAGES = f"videos:creator:{CREATOR}"

CHANGE = {"id": ROW, "creatorId": CREATOR, "operation": "update", "changed": ["xp"]}


class FakeInvalidator:
    """Satisfies `CacheInvalidator`: remembers what it was told to forget."""

    def __init__(self, *, away: bool = False) -> None:
        self.forgotten: list[str] = []
        self._away = away

    def invalidate(self, entities: Sequence[Entity]) -> int:
        """One entry for each entity."""
        if self._away:
            raise TransientError("away")
        self.forgotten += [entity.name for entity in entities]
        return len(entities)


@pytest.mark.parametrize(
    ("event", "extra", "stale"),
    [
        ("change/students", {}, {f"student:{ROW}"}),
        ("change/creators", {}, {f"creator:{ROW}", f"videos:creator:{ROW}"}),
        ("change/videos", {}, {f"video:{ROW}", VIDEO_PAGES}),
        (
            "change/memberships",
            {"userId": "user_1", "studentId": ROW},
            {f"membership:{CREATOR}:user_1"},
        ),
        ("change/chat_sessions", {"studentId": ROW, "ended": True}, {f"chat:{ROW}"}),
        ("change/chat_sessions", {"studentId": ROW, "ended": False}, {f"chat:{ROW}"}),
    ],
)
def test_each_event_names_what_it_made_stale(
    event: str, extra: dict[str, object], stale: set[str]
) -> None:
    """Else a change is followed by the wrong cache, or by none."""
    cache = FakeInvalidator()
    assert invalidate_for(event, CHANGE | extra, cache) == len(stale)
    assert set(cache.forgotten) == stale


def test_a_published_transcript_makes_its_video_stale() -> None:
    """Else the web application shows a lesson as unfinished for an hour."""
    payload: dict[str, object] = {"videoId": ROW, "transcriptUrl": "https://x.example"}
    cache = FakeInvalidator()
    assert invalidate_for("video/transcription.completed", payload, cache) == 1
    payload["creatorId"] = CREATOR
    invalidate_for("video/transcription.completed", payload, cache)
    assert cache.forgotten == [f"video:{ROW}", f"video:{ROW}", VIDEO_PAGES]


@pytest.mark.parametrize(
    ("event", "broken"),
    [
        ("change/students", {"id": None}),
        ("change/students", {"id": ""}),
        ("change/students", {"id": 12}),
        ("change/students", {"id": "*"}),
        ("change/creators", {"id": ["x"]}),
        ("change/videos", {"creatorId": "12"}),
        ("change/memberships", {"userId": ""}),
        ("change/memberships", {}),
        ("video/transcription.completed", {}),
        ("video/transcription.completed", {"videoId": ROW, "creatorId": "*"}),
        ("change/unknown", {}),
        ("email/send", {}),
    ],
)
def test_a_malformed_event_is_refused_and_touches_nothing(
    event: str, broken: dict[str, object]
) -> None:
    """Else it is repeated for ever, or empties another's cache."""
    cache = FakeInvalidator()
    with pytest.raises(InvalidInput):
        invalidate_for(event, CHANGE | broken, cache)
    assert cache.forgotten == []


def test_a_cache_that_is_away_is_told_to_whoever_can_repeat_the_event() -> None:
    """Else the change is lost and its copies stay."""
    with pytest.raises(TransientError):
        invalidate_for("change/students", CHANGE, FakeInvalidator(away=True))
