"""`mentora events` and `replay`, in processes of their own."""

from uuid import UUID, uuid4

import pytest

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from tests.fix_commands import Mentora
from tests.fix_runs import Connection
from tests.stored_lessons import register

BURY = """
update events
set status = 'dead', dead_reason = 'for a test', handled_at = now(), attempts = 3
where creator_id = %(creator_id)s and name = 'video/upload.completed'
returning id
"""


@pytest.fixture
def dead(admin: Connection, catalogue: PostgresCatalogue) -> str:
    """An event that was given up."""
    video = register(catalogue, f"{uuid4()}@tests.example")
    row = admin.execute(BURY, {"creator_id": video.creator_id}).fetchone()
    assert row is not None
    return str(row[0])


def test_a_dead_event_is_shown_with_its_reason_and_replayed(
    mentora: Mentora, dead: str
) -> None:
    """Else an operator needs SQL to see, and to mend, what was parked."""
    shown = mentora("events", "--status", "dead", "--json")
    (event,) = [e for e in shown.json["events"] if e["id"] == dead]
    assert (event["reason"], event["attempts"]) == ("for a test", 3)
    assert "for a test" in mentora("events", "--status", "dead").output

    answer = mentora("replay", dead, "--json")
    assert (answer.code, answer.json) == (0, {"replayed": 1})
    name = "video/upload.completed"
    pending = mentora("events", "--name", name, "--status", "pending", "--json")
    (event,) = [e for e in pending.json["events"] if e["id"] == dead]
    assert (event["attempts"], event["replays"], event["reason"]) == (0, 1, None)

    again = mentora("replay", dead)
    assert again.code == 1
    assert "0 of 1 events are replayed" in again.progress


def test_all_that_is_dead_or_recent_is_replayed_at_once(
    mentora: Mentora, dead: str
) -> None:
    """Else an outage of an hour is mended event by event."""
    none = mentora("replay", "--dead", "--name", "email/send", "--json")
    assert none.json == {"replayed": 0}
    assert mentora("replay", "--dead", "--json").json["replayed"] >= 1
    counts = mentora("events", "--count", "--json").json["counts"]
    # What is not replayed: uploads that were refused by tests of others.
    left = {count["name"] for count in counts if count["status"] == "dead"}
    assert left <= {"storage/upload.refused", "storage/notice.refused"}, dead
    future = mentora("replay", "--since", "2999-01-01", "--json")
    assert future.json == {"replayed": 0}


@pytest.mark.parametrize("words", [[], ["--dead", "--name"], [UUID(int=1), "--dead"]])
def test_a_replay_of_nothing_in_particular_is_refused(
    mentora: Mentora, words: list[object]
) -> None:
    """Else a forgotten word makes everything happen again."""
    assert mentora("replay", *words).code == 2
