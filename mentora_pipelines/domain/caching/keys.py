"""The catalogue: every key that is cached, its TTL, and whose change makes it stale.

Names and TTLs are a contract with the web application. An id stands in a name
percent-encoded but for letters, digits and `-._~`, so that whatever it holds, it
names one key; a UUID stands as it is. The adapter puts the environment's prefix in
front. Not here: what is stored under a key, or when it is forgotten.
"""

from typing import TypeAlias
from urllib.parse import quote
from uuid import UUID

from pydantic import JsonValue

from mentora_pipelines.domain.caching.cache import CacheKey, Entity
from mentora_pipelines.domain.caching.codecs import JsonCodec
from mentora_pipelines.errors import InvalidInput

Id: TypeAlias = UUID | str

SHORT_S = 60
MEDIUM_S = 300
LONG_S = 3600
DAY_S = 86_400
PERMANENT: None = None
"""No expiry; the server forgets what was not used for longest."""

CHAT_S = 600
CREATOR_SETTINGS_S = 1800
STUDENT_S = 900

MAX_ID_CHARACTERS = 1024
"""Encoded; room for a signed cursor, and no place to keep a file."""

FIRST_PAGE = "1"

JSON: JsonCodec[object] = JsonCodec(JsonValue, schema_version=1)
"""Any JSON. For values whose shape a part knows: `key.holding(its codec)`."""


def encoded(value: Id) -> str:
    """An id as it stands in a key; raises `InvalidInput`."""
    try:
        text = quote(str(value), safe="")
    except UnicodeEncodeError:
        raise InvalidInput("an id in a cache key must be valid Unicode") from None
    if not 1 <= len(text) <= MAX_ID_CHARACTERS:
        raise InvalidInput(
            f"an id in a cache key has 1 to {MAX_ID_CHARACTERS} characters"
        )
    return text


def _key(name: str, ttl_s: int, *entities: Entity) -> CacheKey[object]:
    return CacheKey(name, JSON, ttl_s, entities)


def _named(kind: str, value: Id, *prefixes: str, indexed: bool = False) -> Entity:
    """An entity whose own keys are these prefixes before its id."""
    text = encoded(value)
    keys = tuple(prefix + text for prefix in prefixes)
    return Entity(f"{kind}:{text}", keys, indexed)


def chat_session_entity(session_id: Id) -> Entity:
    """A student's chat session, and what was said in it."""
    return _named("chat", session_id, "chat:session:", "chat:history:")


def membership_entity(creator_id: Id, user_id: Id) -> Entity:
    """What a user may see of a creator."""
    name = f"membership:{encoded(creator_id)}:{encoded(user_id)}"
    return Entity(name, (name,))


def video_entity(video_id: Id) -> Entity:
    """One video."""
    return _named("video", video_id, "video:")


def creator_videos_entity(creator_id: Id) -> Entity:
    """The list of a creator's videos; its pages are found through its index."""
    name = f"videos:creator:{encoded(creator_id)}"
    # The first page also by name: the web application writes it without an index.
    return Entity(name, (f"{name}:page:{FIRST_PAGE}",), indexed=True)


def creator_entity(creator_id: Id) -> Entity:
    """A creator's own row."""
    return _named("creator", creator_id, "creator:settings:")


def student_entity(student_id: Id) -> Entity:
    """A student; their quiz attempts are found through the index."""
    return _named(
        "student",
        student_id,
        "student:progress:",
        "student:achievements:",
        indexed=True,
    )


def chat_session(session_id: Id) -> CacheKey[object]:
    """The context of a chat session."""
    entity = chat_session_entity(session_id)
    return _key(entity.keys[0], CHAT_S, entity)


def chat_history(session_id: Id) -> CacheKey[object]:
    """What was said in a chat session."""
    entity = chat_session_entity(session_id)
    return _key(entity.keys[1], CHAT_S, entity)


def membership(creator_id: Id, user_id: Id) -> CacheKey[object]:
    """Whether a user is a member of a creator's community."""
    entity = membership_entity(creator_id, user_id)
    return _key(entity.keys[0], MEDIUM_S, entity)


def video(video_id: Id) -> CacheKey[object]:
    """Facts of one video (`domain/caching/videos.py` says which)."""
    entity = video_entity(video_id)
    return _key(entity.keys[0], LONG_S, entity)


def videos_of_creator(creator_id: Id, cursor: str | None = None) -> CacheKey[object]:
    """A page of a creator's videos: the first, or the one behind a cursor."""
    entity = creator_videos_entity(creator_id)
    page = FIRST_PAGE if cursor is None else encoded(cursor)
    return _key(f"{entity.name}:page:{page}", LONG_S, entity)


def creator_settings(creator_id: Id) -> CacheKey[object]:
    """A creator's settings."""
    entity = creator_entity(creator_id)
    return _key(entity.keys[0], CREATOR_SETTINGS_S, entity)


def student_progress(student_id: Id) -> CacheKey[object]:
    """How far a student has come."""
    entity = student_entity(student_id)
    return _key(entity.keys[0], STUDENT_S, entity)


def student_achievements(student_id: Id) -> CacheKey[object]:
    """What a student has achieved."""
    entity = student_entity(student_id)
    return _key(entity.keys[1], STUDENT_S, entity)


def quiz_attempt(attempt_id: Id, student_id: Id) -> CacheKey[object]:
    """The result of one attempt, which goes with its student."""
    name = f"quiz:attempt:{encoded(attempt_id)}"
    return _key(name, LONG_S, student_entity(student_id))


def embedding_name(provider: str, model: str, dimensions: int, sha256: str) -> str:
    """Where the vector of a text lies, by all that decides what it is."""
    return (
        f"embedding:{encoded(provider)}:{encoded(model)}:{dimensions}:{encoded(sha256)}"
    )


def rate_limit(limiter: str, identity: Id) -> str:
    """Where a limiter counts the calls of one identity."""
    return f"ratelimit:{encoded(limiter)}:{encoded(identity)}"
