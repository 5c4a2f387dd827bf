from collections.abc import Callable

import pytest

from mentora_pipelines.domain.caching import keys
from mentora_pipelines.domain.caching.cache import CacheKey, Entity
from mentora_pipelines.errors import InvalidInput, PermanentError

CONTRACT: list[tuple[CacheKey[object], str, int]] = [
    (keys.chat_session("a"), "chat:session:a", 600),
    (keys.chat_history("a"), "chat:history:a", 600),
    (keys.membership("c", "user_1"), "membership:c:user_1", 300),
    (keys.video("a"), "video:a", 3600),
    (keys.videos_of_creator("c"), "videos:creator:c:page:1", 3600),
    (keys.videos_of_creator("c", "x.y-z_"), "videos:creator:c:page:x.y-z_", 3600),
    (keys.creator_settings("c"), "creator:settings:c", 1800),
    (keys.student_progress("a"), "student:progress:a", 900),
    (keys.student_achievements("a"), "student:achievements:a", 900),
    (keys.quiz_attempt("a", "s"), "quiz:attempt:a", 3600),
]

ONE_ID: list[Callable[[str], CacheKey[object]]] = [
    keys.chat_session,
    keys.video,
    keys.creator_settings,
    keys.student_progress,
    lambda text: keys.videos_of_creator("c", text),
    lambda text: keys.membership("c", text),
]

HOSTILE = ["*", "?", "[a]", "a:b", "a b", "a\n", "é", "{a}", "a%3Ab", "a\x00", "../a"]


@pytest.mark.parametrize(("key", "name", "ttl_s"), CONTRACT)
def test_names_and_lives_are_those_of_the_contract(
    key: CacheKey[object], name: str, ttl_s: int
) -> None:
    """Else the web application and we cache past each other."""
    assert (key.name, key.ttl_s) == (name, ttl_s)


def test_limits_and_vectors_are_named_by_all_that_decides_them() -> None:
    """Else two models share a vector, or two limiters a counter."""
    assert keys.rate_limit("chat", "u1") == "ratelimit:chat:u1"
    assert keys.embedding_name("local", "mini-lm", 384, "ab") == (
        "embedding:local:mini-lm:384:ab"
    )
    assert (keys.SHORT_S, keys.MEDIUM_S, keys.LONG_S, keys.DAY_S, keys.PERMANENT) == (
        60,
        300,
        3600,
        86400,
        None,
    )


@pytest.mark.parametrize("make", ONE_ID)
def test_ids_of_any_letters_make_distinct_plain_names(
    make: Callable[[str], CacheKey[object]],
) -> None:
    """Else an id is a pattern, or a piece of another name."""
    names = [make(text).name for text in HOSTILE]
    assert len(set(names)) == len(HOSTILE)
    depth = make("a").name.count(":")
    for name in names:
        assert name.count(":") == depth
        assert name.isascii()
        assert not set(name) & set("*?[]{} \n\x00/\\")


def test_two_ids_cannot_be_split_otherwise() -> None:
    """Else a user of one creator is answered with the membership of another."""
    assert keys.membership("a:b", "c").name != keys.membership("a", "b:c").name
    assert keys.membership("a%3Ab", "c").name != keys.membership("a:b", "c").name


@pytest.mark.parametrize("refused", ["", "x" * 1025, "*" * 400, "\ud800"])
def test_an_id_that_cannot_be_a_name_is_refused(refused: str) -> None:
    """Else an empty id names everybody's value, or an endless one fills the server."""
    with pytest.raises(InvalidInput, match="an id in a cache key"):
        keys.video(refused)


@pytest.mark.parametrize(("key", "name", "ttl_s"), CONTRACT)
def test_every_key_that_can_change_is_found_by_its_entity(
    key: CacheKey[object], name: str, ttl_s: int
) -> None:
    """Else a change leaves its copy until it expires."""
    assert ttl_s > 0
    assert key.entities
    assert all(entity.indexed or name in entity.keys for entity in key.entities)


def test_a_key_that_no_invalidation_would_find_cannot_be_made() -> None:
    """Else the next kind of key repeats the mistake of the settings."""
    with pytest.raises(PermanentError, match="settings: an invalidation would not"):
        CacheKey("settings:c", keys.JSON, 60, (Entity("creator:c"),))
    with pytest.raises(PermanentError, match="needs a TTL"):
        CacheKey("page:c", keys.JSON, None, (Entity("creator:c", indexed=True),))
    with pytest.raises(PermanentError, match="index would forget it"):
        CacheKey("page:c", keys.JSON, 3601, (Entity("creator:c", indexed=True),))
