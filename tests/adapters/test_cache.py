"""The cache over real servers: what is stored, found and computed once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest

from mentora_pipelines.adapters.valkey.entries import Entries
from mentora_pipelines.domain.caching import keys
from mentora_pipelines.domain.caching.cache import CacheKey, Entity, Miss
from mentora_pipelines.domain.caching.codecs import JsonCodec
from tests.fix_cache import OpenCache, open_test_cache
from tests.fix_valkey import ValkeyProcess
from tests.waiting import wait_until

PAGE = keys.videos_of_creator("ada", "next")
"""A key that only its creator's index can find."""

VIDEO = keys.video("v1")
"""A key that is found by its name."""


@dataclass(frozen=True)
class Lesson:
    """A value with types of its own."""

    id: UUID
    made: datetime
    tags: tuple[str, ...]


LESSON = Lesson(UUID(int=1), datetime(2026, 1, 1, tzinfo=UTC), ("a", "ü"))


def seconds_left(opened: OpenCache, key: CacheKey[object]) -> float:
    """Until the server forgets a value."""
    left = opened.values.pttl(opened.prefix + key.name)
    assert isinstance(left, int)
    return left / 1000


def ends_soon(opened: OpenCache, name: str, ms: int) -> None:
    """Let a name expire soon, as if its time had passed."""
    assert opened.values.pexpire(opened.prefix + name, ms)


@pytest.mark.parametrize("key", [PAGE, VIDEO])
def test_what_is_set_is_got_until_it_is_deleted(
    opened: OpenCache, key: CacheKey[object]
) -> None:
    """Else nothing is cached, or nothing is ever forgotten."""
    assert isinstance(opened.cache.get(key), Miss)
    assert opened.cache.set(key, {"title": "ü", "pages": [1, None]})
    assert opened.cache.get(key) == {"title": "ü", "pages": [1, None]}
    assert opened.cache.delete(key)
    assert not opened.cache.delete(key)
    assert isinstance(opened.cache.get(key), Miss)


def test_a_value_comes_back_with_its_types(opened: OpenCache) -> None:
    """Else a reader of a copy gets other types than a reader of the row."""
    key = VIDEO.holding(JsonCodec(Lesson, 1))
    opened.cache.set(key, LESSON)
    assert opened.cache.get(key) == LESSON


def test_none_is_a_value_and_not_a_miss(opened: OpenCache) -> None:
    """Else every look at what does not exist goes to the database."""
    calls = []
    for _ in range(2):
        assert opened.cache.get_or_compute(VIDEO, lambda: calls.append(1)) is None
    assert calls == [1]
    assert opened.cache.get(VIDEO) is None
    assert seconds_left(opened, VIDEO) <= keys.SHORT_S


def test_many_are_got_in_one_round_trip(opened: OpenCache) -> None:
    """Else a page of fifty videos waits fifty times."""
    wanted = [keys.video(f"v{number}") for number in range(50)]
    for key in wanted[::2]:
        opened.cache.set(key, key.name)
    found = opened.cache.get_many(wanted)
    assert found[::2] == [key.name for key in wanted[::2]]
    assert all(isinstance(one, Miss) for one in found[1::2])
    assert opened.cache.get_many([]) == []


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "not json",
        '{"title": "as the web application writes it"}',
        '{"schema_version": 1, "epochs": []}',
        '{"schema_version": 1, "epochs": [], "value": {"no": "lesson"}}',
        '{"schema_version": 1, "epochs": "x", "value": null}',
    ],
)
def test_what_cannot_be_read_is_a_miss_and_is_replaced(
    opened: OpenCache, stored: str
) -> None:
    """Else a stray value breaks its page until it expires."""
    key = VIDEO.holding(JsonCodec(Lesson, 1))
    opened.values.set(opened.prefix + key.name, stored)
    found = opened.cache.get(key)
    assert isinstance(found, Miss)
    assert opened.cache.get_or_compute(key, lambda: LESSON) == LESSON
    assert opened.cache.get(key) == LESSON


def test_a_value_of_an_older_schema_is_a_miss(opened: OpenCache) -> None:
    """Else a new release reads what the old one meant otherwise."""
    opened.cache.set(VIDEO.holding(JsonCodec(int, 1)), 5)
    newer = VIDEO.holding(JsonCodec(int, 2))
    found = opened.cache.get(newer)
    assert isinstance(found, Miss)
    assert opened.cache.get_or_compute(newer, lambda: 6) == 6


def test_a_value_lives_no_longer_than_the_contract_and_not_all_equally_long(
    opened: OpenCache,
) -> None:
    """Else all copies of a page expire in one second and stampede the database."""
    stored = [CacheKey(f"n{number}", keys.JSON, 3600) for number in range(100)]
    assert opened.cache.set_many([(key, 1) for key in stored]) == 100
    lives_s = [seconds_left(opened, key) for key in stored]
    assert max(lives_s) <= 3600
    assert min(lives_s) > 3600 * 0.9 - 60
    assert max(lives_s) - min(lives_s) > 100


def test_a_value_too_large_or_of_another_type_is_not_stored(opened: OpenCache) -> None:
    """Else one value keeps the server from all others, or fails its caller."""
    assert opened.cache.get_or_compute(VIDEO, lambda: "x" * (2 << 20))
    wrong = VIDEO.holding(JsonCodec[object](int, 1))
    assert opened.cache.get_or_compute(wrong, lambda: "no number") == "no number"
    assert not opened.cache.set_many([(CacheKey("e", keys.JSON, 5), "x" * (2 << 20))])
    assert opened.names() == set()
    assert opened.cache.get_or_compute(VIDEO, lambda: 1) == 1, "no lease was left"


def test_64_callers_make_one_computation(opened: OpenCache) -> None:
    """Else an expired page sends every reader to the database at once."""
    calls: list[int] = []
    together = threading.Barrier(64)

    def compute() -> str:
        calls.append(1)
        time.sleep(0.1)
        return "computed"

    def ask(_: int) -> object:
        together.wait()
        return opened.cache.get_or_compute(PAGE, compute, wait_s=30)

    with ThreadPoolExecutor(64) as callers:
        answers = set(callers.map(ask, range(64)))
    assert (answers, calls) == ({"computed"}, [1])


def test_who_waits_too_long_computes_for_itself(opened: OpenCache) -> None:
    """Else one slow computation holds up every reader."""
    started, done = threading.Event(), threading.Event()

    def slow() -> str:
        started.set()
        assert done.wait(30)
        return "slow"

    with ThreadPoolExecutor(1) as other:
        first = other.submit(lambda: opened.cache.get_or_compute(PAGE, slow))
        assert started.wait(30)
        own = opened.cache.get_or_compute(PAGE, lambda: "own", wait_s=0.02)
        done.set()
        assert (own, first.result()) == ("own", "slow")
    assert opened.cache.get(PAGE) == "slow", "only the holder of the lease stores"


def test_a_computation_that_fails_is_told_and_tried_again(opened: OpenCache) -> None:
    """Else the next caller waits for a result that will not come."""
    with pytest.raises(ZeroDivisionError):
        opened.cache.get_or_compute(PAGE, lambda: 1 // 0)
    assert opened.cache.get_or_compute(PAGE, lambda: 1, wait_s=0) == 1
    assert opened.cache.get(PAGE) == 1


def test_the_lease_of_a_dead_process_ends(opened: OpenCache) -> None:
    """Else a crash while computing leaves a page uncached for good."""
    entries = Entries(opened.server, opened.prefix)
    opened.cache.get(VIDEO)  # makes the epoch, which a lease must name
    assert entries.claim(VIDEO).granted, "and is never given back"
    ends_soon(opened, f"cache-lease:{opened.prefix}{VIDEO.name}", 60)
    assert opened.cache.get_or_compute(VIDEO, lambda: "next") == "next"
    assert opened.cache.get(VIDEO) == "next"


def test_a_value_near_its_end_is_served_while_one_caller_renews_it(
    opened: OpenCache,
) -> None:
    """Else each expiry makes every reader wait."""
    opened.cache.set(PAGE, "old")
    renewing, may_end = threading.Event(), threading.Event()
    calls = []

    def compute() -> str:
        calls.append(1)
        renewing.set()
        assert may_end.wait(30)
        return "new"

    def read(refresh_s: float) -> object:
        return opened.cache.get_or_compute(PAGE, compute, refresh_s=refresh_s)

    assert read(60) == "old"
    assert calls == [], "it is far from its end"
    ends_soon(opened, PAGE.name, 50_000)
    assert [read(60) for _ in range(3)] == ["old"] * 3
    assert renewing.wait(30)
    may_end.set()
    wait_until(lambda: opened.cache.get(PAGE) == "new")
    assert read(60) == "new"
    assert calls == [1]


def test_a_renewal_that_fails_costs_nobody_anything(
    opened: OpenCache, caplog: pytest.LogCaptureFixture
) -> None:
    """Else readers of a good copy see the fault of a new one."""
    opened.cache.set(VIDEO, "old")
    ends_soon(opened, VIDEO.name, 50_000)
    for _ in range(2):
        caplog.clear()
        got = opened.cache.get_or_compute(VIDEO, lambda: 1 // 0, refresh_s=60)
        assert got == "old"
        wait_until(lambda: "ZeroDivisionError" in caplog.text)
        opened.cache.close()


def test_a_counter_opens_its_window_at_the_first_hit(opened: OpenCache) -> None:
    """Else a steady caller is counted in one window that never ends."""
    name = keys.rate_limit("chat", "ada")
    counts = [opened.cache.increment(name, 60) for _ in range(3)]
    assert [count and count.hits for count in counts] == [1, 2, 3]
    ends = opened.indexes.pexpiretime(opened.prefix + name)
    opened.cache.increment(name, 60)
    assert opened.indexes.pexpiretime(opened.prefix + name) == ends


def test_a_counter_without_an_end_gets_one(opened: OpenCache) -> None:
    """Else whoever made it has locked a user out for ever."""
    name = keys.rate_limit("auth", "ada")
    opened.indexes.set(opened.prefix + name, 99)
    count = opened.cache.increment(name, 60)
    assert count is not None
    assert (count.hits, count.resets_in_s) == (100, 60)
    assert 0 < opened.indexes.ttl(opened.prefix + name) <= 60


def test_two_prefixes_share_nothing(
    valkey_cache: ValkeyProcess, valkey_coordination: ValkeyProcess
) -> None:
    """Else staging reads and empties what production has cached."""
    servers = valkey_cache, valkey_coordination
    with open_test_cache(*servers) as here, open_test_cache(*servers) as there:
        here.cache.set(PAGE, "here")
        assert isinstance(there.cache.get(PAGE), Miss)
        there.cache.invalidate([keys.creator_videos_entity("ada")])
        assert here.cache.get(PAGE) == "here"


def test_the_index_forgets_names_whose_entries_are_gone(opened: OpenCache) -> None:
    """Else the index of a busy creator grows for ever."""
    entity = Entity("videos:creator:busy", (), indexed=True)
    index = f"{opened.prefix}cache-index:{entity.name}"
    for number in range(3):
        key = CacheKey(f"videos:creator:busy:page:{number}", keys.JSON, 60, (entity,))
        opened.cache.set(key, number)
    assert opened.indexes.zcard(index) == 3
    # Their time has come; the fourth, written after it, sweeps them out.
    for name in opened.indexes.zrange(index, 0, -1):
        opened.indexes.zadd(index, {str(name): 1})
    opened.cache.set(
        CacheKey("videos:creator:busy:page:3", keys.JSON, 60, (entity,)), 3
    )
    assert opened.indexes.zcard(index) == 1
    lives_s = opened.indexes.ttl(index)
    assert isinstance(lives_s, int)
    assert keys.LONG_S <= lives_s <= 3 * keys.LONG_S
