"""Invalidation over real servers: all that is stale goes, and nothing else."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest

from mentora_pipelines.domain.caching import keys
from mentora_pipelines.domain.caching.cache import CacheKey, Miss
from mentora_pipelines.domain.caching.invalidation import (
    invalidate_for,
    on_chat_session_end,
    on_creator_update,
    on_membership_change,
    on_student_update,
    on_video_update,
)
from mentora_pipelines.services import DatabaseUrls
from tests.fix_cache import OpenCache

HOSTILE = [
    "12",
    "123",
    "1",
    "*",
    "?2",
    "[12]",
    "12:13",
    "1*",
    "{12}",
    "12\n",
    "é",
    "%2A",
]
"""Ids that a pattern or a careless joining of names would confuse."""


def all_keys(creator: str, other: str) -> dict[str, CacheKey[object]]:
    """A key of each kind, for a creator and one more id."""
    made: list[CacheKey[object]] = [
        keys.chat_session(other),
        keys.chat_history(other),
        keys.membership(creator, other),
        keys.video(other),
        keys.videos_of_creator(creator),
        keys.videos_of_creator(creator, other),
        keys.creator_settings(creator),
        keys.student_progress(other),
        keys.student_achievements(other),
        keys.quiz_attempt(f"of {other}", other),
    ]
    return {key.name: key for key in made}


def test_each_change_removes_what_it_made_stale_and_nothing_else(
    opened: OpenCache,
) -> None:
    """Else one student's change empties another's page, or leaves their own stale."""
    cache = opened.cache
    held = all_keys("c", "12") | all_keys("c2", "123")

    def gone_after(change: Callable[[], int]) -> set[str]:
        for key in held.values():
            cache.set(key, "x")
        assert opened.names() == set(held)
        removed = change()
        gone = set(held) - opened.names()
        assert removed == len(gone)
        for name, key in held.items():
            assert isinstance(cache.get(key), Miss) == (name in gone)
        return gone

    pages = {"videos:creator:c:page:1", "videos:creator:c:page:12"}
    assert gone_after(lambda: on_student_update(cache, "12")) == {
        "student:progress:12",
        "student:achievements:12",
        "quiz:attempt:of%2012",
    }
    assert gone_after(lambda: on_creator_update(cache, "c")) == {
        "creator:settings:c",
        *pages,
    }
    assert gone_after(lambda: on_video_update(cache, "12", "c")) == {"video:12", *pages}
    assert gone_after(lambda: on_video_update(cache, "12", None)) == {"video:12"}
    assert gone_after(lambda: on_membership_change(cache, "c", "12")) == {
        "membership:c:12"
    }
    assert gone_after(lambda: on_chat_session_end(cache, "12")) == {
        "chat:session:12",
        "chat:history:12",
    }


@pytest.mark.parametrize("hostile", HOSTILE)
def test_an_id_reaches_no_key_but_its_own(opened: OpenCache, hostile: str) -> None:
    """Else an id that somebody chose empties or reads the cache of another."""
    cache = opened.cache
    for student in HOSTILE:
        cache.set(keys.student_progress(student), student)
        cache.set(keys.quiz_attempt(student, student), student)
    on_student_update(cache, hostile)
    for student in HOSTILE:
        for key in (
            keys.student_progress(student),
            keys.quiz_attempt(student, student),
        ):
            found = cache.get(key)
            assert isinstance(found, Miss) if student == hostile else found == student


def test_a_creators_thousands_of_pages_go_in_one_call(opened: OpenCache) -> None:
    """Else a large creator's readers see pages of before."""
    cache = opened.cache
    pages = [keys.videos_of_creator("big", f"c{n}") for n in range(1_200)]
    for page in pages:
        cache.set(page, 1)
    assert on_creator_update(cache, "big") == len(pages)
    assert opened.names() == set()
    assert on_creator_update(cache, "big") == 0, "and their names with them"
    assert not opened.indexes.exists(f"{opened.prefix}cache-index:videos:creator:big")


@pytest.mark.parametrize("key", [keys.videos_of_creator("c", "2"), keys.video("v")])
def test_a_value_computed_before_a_change_is_not_stored_after_it(
    opened: OpenCache, key: CacheKey[object]
) -> None:
    """Else a slow reader puts the old row back, and it stays for an hour."""
    cache = opened.cache

    def compute() -> str:
        on_video_update(cache, "v", "c")
        return "read before the change"

    assert cache.get_or_compute(key, compute) == "read before the change"
    assert opened.names() == set()
    assert cache.get_or_compute(key, lambda: "read after") == "read after"
    assert cache.get(key) == "read after"


def test_a_value_read_by_hand_before_a_change_is_not_stored_after_it(
    opened: OpenCache,
) -> None:
    """Else reading many and storing the missing ones brings old rows back."""
    key = keys.creator_settings("c")
    miss = opened.cache.get(key)
    assert isinstance(miss, Miss)
    assert opened.cache.set(key, "in time", since=miss)
    on_creator_update(opened.cache, "c")
    assert not opened.cache.set(key, "too late", since=miss)
    assert not opened.cache.set(key, "of an unknown time", since=Miss())
    assert isinstance(opened.cache.get(key), Miss)


def test_a_computation_does_not_overwrite_what_was_set_or_deleted_meanwhile(
    opened: OpenCache,
) -> None:
    """Else the older of two values wins."""
    cache, key = opened.cache, keys.videos_of_creator("c", "2")

    def overtaken() -> str:
        assert cache.set(key, "newer")
        return "older"

    assert cache.get_or_compute(key, overtaken) == "older"
    assert cache.get(key) == "newer"
    cache.delete(key)

    def deleted() -> str:
        cache.delete(key)
        return "older"

    cache.get_or_compute(key, deleted)
    assert isinstance(cache.get(key), Miss)


def test_who_asks_after_a_change_does_not_get_what_was_computed_before_it(
    opened: OpenCache,
) -> None:
    """Else a waiting reader is handed the row that the change has replaced."""
    cache, key = opened.cache, keys.video("v")
    started, may_end = threading.Event(), threading.Event()

    def old() -> str:
        started.set()
        assert may_end.wait(30)
        return "old"

    with ThreadPoolExecutor(1) as other:
        first = other.submit(lambda: cache.get_or_compute(key, old))
        assert started.wait(30)
        on_video_update(cache, "v", None)
        # It does not even wait: the lease of the old computation counts no more.
        assert cache.get_or_compute(key, lambda: "new", wait_s=0) == "new"
        may_end.set()
        assert first.result() == "old"
    assert cache.get(key) == "new"


def test_an_index_that_is_lost_leaves_no_old_value(opened: OpenCache) -> None:
    """Else whoever flushes the coordination server freezes every list for an hour."""
    cache, page = opened.cache, keys.videos_of_creator("c", "2")
    cache.set(page, "old")
    opened.indexes.unlink(f"{opened.prefix}cache-index:videos:creator:c")
    on_creator_update(cache, "c")
    assert isinstance(cache.get(page), Miss)


def test_nothing_stale_is_read_and_nothing_is_lost_under_fire(
    opened: OpenCache,
) -> None:
    """Else two changes at once leave an entry that no later change finds."""
    cache, pages = opened.cache, [keys.videos_of_creator("c", f"{n}") for n in range(3)]
    rows = [0]
    stop = threading.Event()
    stale: list[tuple[object, int]] = []

    def read() -> None:
        while not stop.is_set():
            for page in pages:
                cache.get_or_compute(page, lambda: rows[-1])

    def disturb() -> None:
        while not stop.is_set():
            on_creator_update(cache, "c")

    with ThreadPoolExecutor(5) as crowd:
        others = [crowd.submit(work) for work in (read, read, read, disturb, disturb)]
        for row in range(1, 101):
            rows.append(row)
            on_video_update(cache, "v", "c")
            # What is read after a change is of that change, or of a later one.
            got = cache.get_or_compute(pages[row % 3], lambda: rows[-1])
            if got != row:
                stale.append((got, row))
        stop.set()
        for other in others:
            other.result()
    assert stale == []
    # Whatever is left, the index finds.
    on_creator_update(cache, "c")
    assert opened.names() == set()


CHANGES = """
select name, payload from events
where name like 'change/%%' and xmin = pg_current_xact_id()::xid
  and payload ->> 'id' = %(row_id)s
"""
"""The change rows that this transaction wrote about a row."""

STATEMENTS: dict[str, LiteralString] = {
    "creators": "insert into creators (id, email) values (%(row_id)s, 'c@x.example')",
    "videos": "insert into videos (id, creator_id, title, storage_key, upload_etag) "
    "values (%(row_id)s, %(creator_id)s, 't', 'cache', 'e')",
    "students": "insert into students (id, creator_id, email) "
    "values (%(row_id)s, %(creator_id)s, 's@x.example')",
    "memberships": "insert into memberships (id, creator_id, user_id, product_id, "
    "status, synced_at) "
    "values (%(row_id)s, %(creator_id)s, 'user_1', 'p', 'active', now())",
    "chat_sessions": "insert into chat_sessions (id, creator_id, student_id, ended_at) "
    "values (%(row_id)s, %(creator_id)s, %(student_id)s, now())",
}


def test_a_change_of_a_row_reaches_the_cache(
    opened: OpenCache, urls: DatabaseUrls
) -> None:
    """Else what the web application saves is not what its next page shows."""
    cache = opened.cache
    ids = {table: str(UUID(int=n + 77)) for n, table in enumerate(STATEMENTS)}
    creator, video, student, _, session = ids.values()
    pages = {f"videos:creator:{creator}:page:{page}" for page in ("1", "12")}
    stale = {
        "creators": {f"creator:settings:{creator}", *pages},
        "videos": {f"video:{video}", *pages},
        "students": {f"student:progress:{student}", f"quiz:attempt:of%20{student}"},
        "memberships": {f"membership:{creator}:user_1"},
        "chat_sessions": {f"chat:session:{session}", f"chat:history:{session}"},
    }
    held = all_keys(creator, "12")
    for row_id in (*ids.values(), "user_1"):
        held |= all_keys(creator, row_id)
    with psycopg.connect(urls.admin) as admin:
        for table, statement in STATEMENTS.items():
            for key in held.values():
                cache.set(key, "x")
            row = {"row_id": ids[table], "creator_id": creator, "student_id": student}
            admin.execute(statement, row)
            ((name, payload),) = admin.execute(CHANGES, row).fetchall()
            assert invalidate_for(name, payload, cache) >= len(stale[table])
            gone = set(held) - opened.names()
            assert gone & set().union(*stale.values()) == stale[table]
        admin.rollback()
