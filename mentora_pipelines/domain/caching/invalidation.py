"""What a change makes stale: one function per kind of change, and one for events.

The events are those that database triggers write about changed rows, and
`video/transcription.completed`. Not here: reading events, or how entries are found.
"""

from collections.abc import Mapping
from typing import TypeAlias
from uuid import UUID

from mentora_pipelines.domain.caching import keys
from mentora_pipelines.domain.caching.cache import CacheInvalidator, Entity
from mentora_pipelines.domain.caching.keys import Id
from mentora_pipelines.errors import InvalidInput

Payload: TypeAlias = Mapping[str, object]


def on_student_update(cache: CacheInvalidator, student_id: Id) -> int:
    """Progress, achievements and quiz attempts of a student; entries removed."""
    return cache.invalidate([keys.student_entity(student_id)])


def on_creator_update(cache: CacheInvalidator, creator_id: Id) -> int:
    """Settings of a creator and the pages of their videos; entries removed."""
    return cache.invalidate(
        [keys.creator_entity(creator_id), keys.creator_videos_entity(creator_id)]
    )


def on_video_update(
    cache: CacheInvalidator, video_id: Id, creator_id: Id | None
) -> int:
    """A video and the pages of its creator's videos; entries removed.

    `creator_id` is None where it is not known: then only the video.
    """
    stale: list[Entity] = [keys.video_entity(video_id)]
    if creator_id is not None:
        stale.append(keys.creator_videos_entity(creator_id))
    return cache.invalidate(stale)


def on_membership_change(cache: CacheInvalidator, creator_id: Id, user_id: Id) -> int:
    """What a user may see of a creator; entries removed."""
    return cache.invalidate([keys.membership_entity(creator_id, user_id)])


def on_chat_session_end(cache: CacheInvalidator, session_id: Id) -> int:
    """A chat session and its history; entries removed."""
    return cache.invalidate([keys.chat_session_entity(session_id)])


def invalidate_for(event_name: str, payload: Payload, cache: CacheInvalidator) -> int:
    """Forget what an event has made stale; how many entries were removed.

    Harmless to repeat. Raises `InvalidInput` for an event that is malformed or that
    no cached value follows, and `TransientError` when it must be tried again.
    """
    match event_name:
        case "change/students":
            return on_student_update(cache, _uuid(payload, "id"))
        case "change/creators":
            return on_creator_update(cache, _uuid(payload, "id"))
        case "change/videos":
            creator_id = _uuid(payload, "creatorId")
            return on_video_update(cache, _uuid(payload, "id"), creator_id)
        case "change/memberships":
            creator_id = _uuid(payload, "creatorId")
            return on_membership_change(cache, creator_id, _text(payload, "userId"))
        case "change/chat_sessions":
            # A session that goes on has changed as well: its copy shows the old row.
            return on_chat_session_end(cache, _uuid(payload, "id"))
        case "video/transcription.completed":
            # Its creator is not part of it; the change of the row tells theirs.
            named = payload.get("creatorId") is not None
            owner_id = _uuid(payload, "creatorId") if named else None
            return on_video_update(cache, _uuid(payload, "videoId"), owner_id)
        case _:
            raise InvalidInput(f"no cached value follows the event {event_name!r}")


def _text(payload: Payload, field: str) -> str:
    value = payload.get(field)
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"the event has no {field}")
    return value


def _uuid(payload: Payload, field: str) -> UUID:
    try:
        return UUID(_text(payload, field))
    except ValueError:
        raise InvalidInput(f"the event's {field} is not a UUID") from None
