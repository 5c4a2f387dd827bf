from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from mentora_pipelines.domain.storage import StoredObject
from mentora_pipelines.domain.upload_looks import (
    MAX_MALFORMED,
    MAX_UPLOADS,
    PAGE_KEYS,
    RECENT_PAGES,
    UploadCursor,
    UploadLook,
    look_for_uploads,
)
from mentora_pipelines.domain.uploads import (
    KnownUpload,
    parse_upload_key,
    run_key_of,
    upload_key,
)
from mentora_pipelines.errors import InvalidInput, TransientError
from tests.fakes import LONG_AGO, PENDING_VIDEO, FakeCatalogue, FakeStorage
from tests.million_uploads import COUNT, KnowsTheMillion, MillionUploads, old_key

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TODAY = "2026-11-23"
ADA = UUID("00000000-0000-5000-8000-00000000000a")
SECOND = timedelta(seconds=1)


def key_of(number: int, day: str = "2026-01-01", creator: str = "ada@x.org") -> str:
    """The key of one of many uploads, in the order of their numbers."""
    return f"uploads/{day}/{creator}/{number:05}.mp4"


def looks(
    storage: FakeStorage, catalogue: FakeCatalogue, count: int, cursor: str = ""
) -> list[UploadLook]:
    """Look `count` times, each from where the one before stopped."""
    made: list[UploadLook] = []
    place = UploadCursor(sweep=cursor)
    for _ in range(count):
        made.append(look_for_uploads(storage, catalogue, cursor=place, now=NOW))
        place = UploadCursor.parse(str(made[-1].cursor))
        assert place == made[-1].cursor
    return made


def due_keys(made: Iterable[UploadLook]) -> list[str]:
    """The keys that were due in some looks."""
    return [video.storage_key for look in made for video in look.due]


def settle(
    storage: FakeStorage, catalogue: FakeCatalogue, *, lost: bool = False
) -> None:
    """Pretend that every object is a video, with its event unless it is `lost`."""
    for upload in storage.objects.values():
        if lost:
            catalogue.lose_event(upload)
        else:
            catalogue.announce(upload)


def test_the_parts_of_a_key_are_read() -> None:
    """Else a lesson lands with the wrong creator, day or title."""
    key = parse_upload_key("uploads/2026-11-23/Ada@X.org/01_My--first lesson.v2.mp4")
    assert (key.day, key.creator) == (date(2026, 11, 23), "ada@x.org")
    assert key.title == "01 My first lesson.v2"
    assert parse_upload_key(f"uploads/{TODAY}/{ADA}/_.mp4").creator == ADA
    assert parse_upload_key(f"uploads/{TODAY}/{ADA}/_.mp4").title == "_.mp4"


@pytest.mark.parametrize(
    "key",
    [
        "uploads/2026-11-23/ada@x.org",
        "uploads/2026-11-23/ada@x.org/folder/a.mp4",
        "audio/2026-11-23/ada@x.org/a.mp4",
        "uploads/2026-13-01/ada@x.org/a.mp4",
        "uploads/20261123/ada@x.org/a.mp4",
        "uploads/2026-W47-1/ada@x.org/a.mp4",
        "uploads/2026-11-23/ada/a.mp4",
        "uploads/2026-11-23/ada@x/a.mp4",
        "uploads/2026-11-23/a b@x.org/a.mp4",
        "uploads/2026-11-23/ada@x.org/../a.mp4",
    ],
)
def test_a_key_of_another_form_is_refused(key: str) -> None:
    """Else a stray file becomes somebody's lesson."""
    with pytest.raises(InvalidInput):
        parse_upload_key(key)


def test_a_made_key_can_be_read_again() -> None:
    """Else the command line uploads what the sensor refuses."""
    key = upload_key(date(2026, 11, 23), "ada@x.org", "a.mp4")
    assert parse_upload_key(key).file_name == "a.mp4"
    with pytest.raises(InvalidInput):
        upload_key(date(2026, 11, 23), "ada@x.org", "a/b.mp4")


def test_other_bytes_under_one_key_are_another_run() -> None:
    """Else a replaced video is never processed, since a run key counts for ever."""
    other = replace(PENDING_VIDEO, upload_etag="2", upload_number=2)
    back_again = replace(PENDING_VIDEO, upload_number=3)
    keys = {run_key_of(video) for video in (PENDING_VIDEO, other, back_again)}
    assert len(keys) == 3
    assert not any("@tests.example" in key for key in keys)


@pytest.mark.parametrize(
    ("known", "is_due"),
    [
        (KnownUpload("0", lost_event=False), True),
        (KnownUpload("1", lost_event=False), False),
        (KnownUpload("1", lost_event=True), True),
        (KnownUpload("1", lost_event=False, deleted_at=LONG_AGO), False),
        (KnownUpload("0", lost_event=False, deleted_at=LONG_AGO), True),
        (KnownUpload("1", lost_event=False, deleted_at=LONG_AGO - SECOND), True),
    ],
)
def test_only_new_bytes_and_lost_events_are_due(
    known: KnownUpload, *, is_due: bool
) -> None:
    """Else a failed lesson runs for ever, or a replaced or returned one never."""
    assert known.is_due(StoredObject(key_of(1), "1", 1, LONG_AGO)) is is_due


def test_a_growing_file_waits_until_it_has_settled() -> None:
    """Else half a video is transcribed."""
    storage, catalogue = FakeStorage(), FakeCatalogue()
    storage.add(
        key_of(1, TODAY), modified=NOW - timedelta(seconds=storage.settle_s / 2)
    )
    growing = look_for_uploads(storage, catalogue, cursor=UploadCursor(), now=NOW)
    assert (growing.due, catalogue.registered) == ((), [])
    later = NOW + timedelta(seconds=storage.settle_s)
    settled = look_for_uploads(storage, catalogue, cursor=growing.cursor, now=later)
    assert due_keys([settled]) == [key_of(1, TODAY)]


def test_a_file_dated_in_the_future_is_seen() -> None:
    """Else a file from a machine with a wrong clock is left alone without a word."""
    storage, catalogue = FakeStorage(), FakeCatalogue()
    storage.add(key_of(1, TODAY), modified=NOW + timedelta(days=400))
    assert due_keys(looks(storage, catalogue, 1)) == [key_of(1, TODAY)]


def test_ten_thousand_uploads_are_all_found_and_each_look_is_bounded() -> None:
    """Else a bulk import is lost in part, or the sensor times out."""
    storage, catalogue = FakeStorage(), FakeCatalogue()
    for number in range(10_000):
        storage.add(key_of(number))
    found: set[str] = set()
    cursor = UploadCursor()
    for _ in range(10_000 // MAX_UPLOADS):
        listed = storage.listed
        look = look_for_uploads(storage, catalogue, cursor=cursor, now=NOW)
        cursor = look.cursor
        assert len(look.due) <= 2 * MAX_UPLOADS
        assert look.listings <= 1 + RECENT_PAGES
        assert storage.listed - listed == look.keys <= look.listings * PAGE_KEYS
        for video in look.due:
            found.add(video.storage_key)
    assert found == set(storage.objects)
    assert len(catalogue.registered) == 10_000


def test_several_pages_of_uploads_of_today_are_all_found() -> None:
    """Else only the first page of a busy day becomes lessons."""
    storage, catalogue = FakeStorage(), FakeCatalogue()
    for number in range(3 * PAGE_KEYS):
        storage.add(key_of(number, TODAY))
    made = looks(storage, catalogue, 3 * PAGE_KEYS // MAX_UPLOADS + 1)
    assert set(due_keys(made)) == set(storage.objects)


def test_the_cursor_goes_round_and_finds_a_replaced_old_upload() -> None:
    """Else a creator's corrected video is never processed."""
    storage, catalogue = FakeStorage(), FakeCatalogue()
    for number in range(2500):
        storage.add(key_of(number))
    settle(storage, catalogue)
    round_trip = looks(storage, catalogue, 3)
    assert [look.cursor == UploadCursor() for look in round_trip] == [
        False,
        False,
        True,
    ]
    storage.add(key_of(700), etag="2")
    storage.add(key_of(2400), etag="2")
    # Somebody looks from the middle: what lies before it comes with the next round.
    made = looks(storage, catalogue, 3, cursor=key_of(1500))
    assert sorted(due_keys(made)) == [key_of(700), key_of(2400)]


def test_a_lost_event_is_found_and_written_again() -> None:
    """Else an upload whose event somebody deleted waits for ever."""
    storage, catalogue = FakeStorage(), FakeCatalogue()
    storage.add(key_of(1))
    settle(storage, catalogue)
    assert looks(storage, catalogue, 1)[0].due == ()
    settle(storage, catalogue, lost=True)
    assert due_keys(looks(storage, catalogue, 1)) == [key_of(1)]


def test_a_new_upload_does_not_wait_behind_a_long_queue() -> None:
    """Else everybody waits a quarter of an hour behind one creator's bulk import."""
    storage, catalogue = FakeStorage(), FakeCatalogue()
    for number in range(10_000):
        storage.add(key_of(number))
    settle(storage, catalogue, lost=True)
    newest = key_of(1, TODAY, "bob@x.org")
    storage.add(newest)
    assert newest in due_keys(looks(storage, catalogue, 1, cursor=key_of(5)))


def test_a_queue_that_never_moves_does_not_hide_what_lies_behind_it() -> None:
    """Else uploads after the first fifty waiting ones are never reached."""
    storage, catalogue = FakeStorage(), FakeCatalogue()
    for number in range(400):
        storage.add(key_of(number))
    settle(storage, catalogue, lost=True)
    storage.add(key_of(399), etag="2")
    made = looks(storage, catalogue, 400 // MAX_UPLOADS)
    assert set(due_keys(made)) == set(storage.objects)


def test_malformed_keys_are_named_and_stop_nobody() -> None:
    """Else one stray file halts every creator's uploads, or goes unnoticed."""
    storage, catalogue = FakeStorage(), FakeCatalogue()
    bad = ["uploads/notes.txt", f"uploads/{TODAY}/nobody/a.mp4", "uploads/a//b/c"]
    for key in (*bad, key_of(1)):
        storage.add(key)
    look, again = looks(storage, catalogue, 2)
    assert due_keys([look]) == [key_of(1)]
    assert sorted(key for key, _ in look.malformed) == sorted(bad)
    assert all(reason for _, reason in look.malformed)
    assert again.malformed == ()


def test_thousands_of_malformed_keys_are_passed_and_few_are_named() -> None:
    """Else a folder of stray files fills the log and hides the lessons behind it."""
    storage, catalogue = FakeStorage(), FakeCatalogue()
    for number in range(3000):
        storage.add(f"uploads/0-{number:05}.txt")
    storage.add(key_of(1))
    made = looks(storage, catalogue, 4)
    assert due_keys(made) == [key_of(1)]
    assert max(len(look.malformed) for look in made) == MAX_MALFORMED


def test_a_malformed_key_is_named_once_a_look() -> None:
    """Else the log names one key twice and another one not at all."""
    storage, catalogue = FakeStorage(), FakeCatalogue()
    storage.add(f"uploads/{TODAY}/nobody/a.mp4")
    look = looks(storage, catalogue, 1, cursor="uploads/2026-01-01")[0]
    assert len(look.malformed) == 1


def test_a_malformed_key_is_named_once_its_file_has_settled() -> None:
    """Else a long copy to a wrong name is another alarm at each look."""
    storage, catalogue = FakeStorage(), FakeCatalogue()
    key = f"uploads/{TODAY}/nobody/a.mp4"
    for etag in "12":
        storage.add(key, etag, modified=NOW)
        assert looks(storage, catalogue, 1)[0].malformed == ()
    storage.add(key, "3", modified=NOW - timedelta(seconds=storage.settle_s))
    assert [named for named, _ in looks(storage, catalogue, 1)[0].malformed] == [key]


def test_an_unknown_creators_id_stops_nobody() -> None:
    """Else one folder with a wrong id halts every creator's uploads."""
    storage, catalogue = FakeStorage(), FakeCatalogue()
    catalogue.absent.add(ADA)
    wrong = [key_of(number, TODAY, str(ADA)) for number in range(2 * MAX_UPLOADS)]
    for key in (*wrong, key_of(1, TODAY, "bob@x.org")):
        storage.add(key)
    made = looks(storage, catalogue, 3)
    assert due_keys(made) == [key_of(1, TODAY, "bob@x.org")]
    assert made[0].malformed[0][0] == wrong[0]


def test_an_empty_storage_asks_for_nothing() -> None:
    """Else a new installation fails before its first upload."""
    (look,) = looks(FakeStorage(), FakeCatalogue(), 1)
    assert look == UploadLook((), (), UploadCursor(), keys=0, listings=1)


def test_a_storage_that_lost_everything_is_no_empty_one() -> None:
    """Else a folder that is not mounted says for ever that nobody has uploaded."""
    storage, catalogue = FakeStorage(), FakeCatalogue()
    storage.add(key_of(1))
    settle(storage, catalogue)
    (look,) = looks(storage, catalogue, 1)
    storage.objects.clear()
    with pytest.raises(TransientError, match="no upload at all"):
        look_for_uploads(storage, catalogue, cursor=look.cursor, now=NOW)


def test_a_look_at_a_million_uploads_costs_no_more_than_at_a_thousand() -> None:
    """Else the sensor times out as soon as there are many lessons."""
    storage, catalogue = MillionUploads(), KnowsTheMillion()
    storage.add(key_of(1, TODAY))
    for sweep in ("", old_key(COUNT // 2), old_key(COUNT - 1)):
        storage.listed = 0
        (look,) = looks(storage, catalogue, 1, cursor=sweep)
        assert look.listings == 2
        assert storage.listed == look.keys <= PAGE_KEYS + 1
        assert look.cursor != UploadCursor(sweep)
    assert set(catalogue.registered) == {key_of(1, TODAY)}


def test_a_cursor_behind_the_last_key_starts_again() -> None:
    """Else deleting the newest uploads stops the sensor for good."""
    storage, catalogue = FakeStorage(), FakeCatalogue()
    storage.add(key_of(1))
    made = looks(storage, catalogue, 2, cursor="uploads/9999")
    assert due_keys(made) == [key_of(1)]


def test_a_busy_day_is_seen_whole_before_the_round_over_all_comes_to_it() -> None:
    """Else a day of many thousand uploads waits for hours without notices."""
    storage, catalogue = FakeStorage(), FakeCatalogue()
    for number in range(40 * PAGE_KEYS):
        storage.add(key_of(number))
    for number in range(5 * PAGE_KEYS):
        storage.add(key_of(number, TODAY))
    settle(storage, catalogue)
    newest = key_of(5 * PAGE_KEYS, TODAY)
    storage.add(newest)
    assert newest in due_keys(looks(storage, catalogue, 2))


def test_a_late_key_of_an_earlier_day_is_found_by_the_round() -> None:
    """Else an upload that took over midnight, or over a week, is lost."""
    storage, catalogue = FakeStorage(), FakeCatalogue()
    for number in range(3 * PAGE_KEYS):
        storage.add(key_of(number, "2026-06-01"))
    settle(storage, catalogue)
    late = key_of(1, "2026-02-01")
    storage.add(late)
    made = looks(storage, catalogue, 4, cursor=key_of(1500, "2026-06-01"))
    assert due_keys(made) == [late]


@pytest.mark.parametrize("text", [None, "-", "uploads/2026", "[1]", "[1, 2]", "{}"])
def test_a_cursor_of_another_form_is_a_new_start(text: str | None) -> None:
    """Else the sensor fails at every tick after it was updated."""
    assert UploadCursor.parse(text) == UploadCursor()
