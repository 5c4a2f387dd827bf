"""Uploads that the bucket itself tells of: real events of moto, through its queue."""

import itertools
import json
from collections.abc import Callable, Iterator

import dagster as dg
import pytest

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.s3_storage.notices import SqsNotices
from mentora_pipelines.adapters.s3_storage.storage import S3Storage
from mentora_pipelines.domain.storage import StoredObject
from mentora_pipelines.domain.upload_notices import (
    NoNotices,
    UploadNotice,
    UploadNotices,
)
from mentora_pipelines.errors import TransientError
from mentora_pipelines.probes import PROBES, probe
from sensors.announced_uploads import announced_uploads
from tests.fix_object_stores import BUCKET, S3Server
from tests.fix_runs import Connection
from tests.storage_calls import put

EVENTS = """
select payload ->> 'videoUrl', payload ->> 'uploadNumber' from events
where name = 'video/upload.completed' and creator_id = (
    select id from creators where email = %(email)s)
order by created_at, id
"""

REFUSED = """
select deduplication_key, status, dead_reason, payload ->> 'text' from events
where name = 'storage/notice.refused' order by created_at
"""

_queues = itertools.count(1)


class HeldNotices(SqsNotices):
    """The real adapter, which knows what it was given last."""

    receipts: tuple[str, ...] = ()

    def receive(self, limit: int) -> list[UploadNotice]:
        """What waits."""
        received = super().receive(limit)
        self.receipts = tuple(notice.receipt for notice in received)
        return received


class Queue:
    """One queue of moto's, and what leads to it."""

    def __init__(self, server: S3Server, prefix: str) -> None:
        self.client = server.client("sqs")
        name = f"uploads-{next(_queues)}"
        self.url: str = self.client.create_queue(QueueName=name)["QueueUrl"]
        self.arn: str = self.client.get_queue_attributes(
            QueueUrl=self.url, AttributeNames=["QueueArn"]
        )["Attributes"]["QueueArn"]
        self.notices = HeldNotices(self.client, self.url, BUCKET, f"{prefix}/", 1.0)

    def send(self, body: object) -> None:
        """Put a message into it."""
        text = body if isinstance(body, str) else json.dumps(body)
        self.client.send_message(QueueUrl=self.url, MessageBody=text)

    def let_go(self) -> None:
        """Show again what was received last, as time would."""
        for receipt in self.notices.receipts:
            self.client.change_message_visibility(
                QueueUrl=self.url, ReceiptHandle=receipt, VisibilityTimeout=0
            )

    def left(self) -> int:
        """How many messages it holds, seen or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.client.get_queue_attributes(
            QueueUrl=self.url, AttributeNames=names
        )["Attributes"]
        return sum(int(found[name]) for name in names)


@pytest.fixture
def prefix(new_prefix: Callable[[], str]) -> str:
    """The part of the bucket that is this test's."""
    return new_prefix()


@pytest.fixture
def queue(moto: S3Server, prefix: str) -> Iterator[Queue]:
    """A queue to which the bucket tells of new objects."""
    made = Queue(moto, prefix)
    bucket = moto.client()
    asked = {"QueueArn": made.arn, "Events": ["s3:ObjectCreated:*"]}
    bucket.put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration={"QueueConfigurations": [asked]}
    )
    yield made
    bucket.put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration={}
    )
    bucket.close()
    made.client.close()


@pytest.fixture
def store(moto: S3Server, prefix: str) -> S3Storage:
    """The storage of this test."""
    return moto.storage(prefix)


@pytest.fixture
def look(
    instance: dg.DagsterInstance, catalogue: PostgresCatalogue
) -> Callable[..., str]:
    """One tick of the sensor; what it says."""

    def tick(notices: UploadNotices, store: S3Storage, **other: object) -> str:
        resources = {"notices": notices, "storage": store, "catalogue": catalogue}
        context = dg.build_sensor_context(
            instance=instance, resources={**resources, **other}
        )
        found = announced_uploads(context)
        assert isinstance(found, dg.SkipReason)
        return str(found.skip_message)

    return tick


def record(
    key: str, bucket: str = BUCKET, event: str = "ObjectCreated:Put"
) -> dict[str, object]:
    """A message of S3 about one object; the key as it stands there."""
    about = {"bucket": {"name": bucket}, "object": {"key": key}}
    return {"Records": [{"eventName": event, "s3": about}]}


def test_the_doctor_asks_the_queue(
    queue: Queue, moto: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a queue that is gone, or whose key is wrong, is noticed by nobody."""
    ask = PROBES["upload notices"]
    assert "no MENTORA_UPLOADS_QUEUE_URL" in probe("upload notices", ask).detail
    for name, value in moto.variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MENTORA_UPLOADS_QUEUE_URL", queue.url)
    queue.send("{}")
    found = probe("upload notices", ask)
    assert (found.healthy, found.detail) == (
        True,
        f"about {queue.left()} notices wait",
    )
    monkeypatch.setenv("MENTORA_UPLOADS_QUEUE_URL", f"{queue.url}-gone")
    assert not probe("upload notices", ask).healthy


def test_an_upload_is_registered_as_soon_as_the_bucket_tells(
    look: Callable[..., str],
    queue: Queue,
    store: S3Storage,
    creator_email: str,
    admin: Connection,
) -> None:
    """Else an upload waits for a listing, or its key is read as another one."""
    names = [
        "lesson one.mp4",
        "1+1=2 & more.mp4",
        "100%25.mp4",
        "ä–日本.mp4",
        "%2F.mp4",
    ]
    keys = [f"uploads/2026-11-01/{creator_email}/{name}" for name in names]
    for key in keys:
        put(store, key)
    put(store, "audio/a.flac")
    said = look(queue.notices, store)
    assert f"{len(keys)} uploads registered, 0 refused" in said
    announced = admin.execute(EVENTS, {"email": creator_email}).fetchall()
    assert sorted(announced) == sorted((key, "1") for key in keys)
    assert queue.left() == 0
    assert look(queue.notices, store) == "nothing was announced"


def test_late_repeated_and_reversed_notices_change_nothing(
    look: Callable[..., str],
    queue: Queue,
    store: S3Storage,
    prefix: str,
    creator_email: str,
    admin: Connection,
) -> None:
    """Else a lesson is made twice, or the old bytes win over the new ones."""
    key = f"uploads/2026-11-01/{creator_email}/lesson.mp4"
    name = f"{prefix}/{key}".replace("@", "%40")
    put(store, key, b"old")
    look(queue.notices, store)
    put(store, key, b"new")
    put(store, f"uploads/2026-11-01/{creator_email}/gone.mp4")
    store.delete(f"uploads/2026-11-01/{creator_email}/gone.mp4")
    for event in ("ObjectCreated:Put", "ObjectRemoved:Delete", "ObjectCreated:Copy"):
        queue.send(record(name, event=event))
    look(queue.notices, store)
    queue.send(record(name))
    look(queue.notices, store)
    announced = admin.execute(EVENTS, {"email": creator_email}).fetchall()
    assert announced == [(key, "1"), (key, "2")]
    assert queue.left() == 0


def test_poison_is_kept_with_a_reason_and_stops_nobody(
    look: Callable[..., str],
    queue: Queue,
    store: S3Storage,
    prefix: str,
    creator_email: str,
    admin: Connection,
) -> None:
    """Else one broken message is read for ever, or vanishes without a trace."""
    admin.execute("delete from events where name = 'storage/notice.refused'")
    good = f"uploads/2026-11-01/{creator_email}/good.mp4"
    poison: list[object] = [
        "no json", "[1]", "null", {"Records": 3}, {"Records": [{}]}, {}, "\u0001",
        record(f"{prefix}/uploads/%FF.mp4"), '"\\ud800"',
        record(f"{prefix}/uploads/2026-11-01/nobody/a.mp4"),
        record(f"{prefix}/uploads/2026-11-01/{creator_email}/../x/a.mp4"),
        record(f"{prefix}/uploads/2026-11-01/00000000-0000-4000-8000-000000000000/a"),
    ]  # fmt: skip
    for body in poison[:6]:
        queue.send(body)
    put(store, good)
    for body in poison[6:]:
        queue.send(body)
    put(store, "uploads/2026-11-01/00000000-0000-4000-8000-000000000000/a")
    # Neither ours nor a fault.
    for ignored in (
        {"Event": "s3:TestEvent"},
        record(f"{prefix}/{good}", bucket="another-bucket"),
        record(good),
        record(f"{prefix}/uploads/2026-11-01/"),
    ):
        queue.send(ignored)
    said = look(queue.notices, store)
    assert "1 uploads registered" in said
    assert queue.left() == 0
    refused = admin.execute(REFUSED).fetchall()
    # moto tells of the upload of a creator who does not exist, too.
    assert len(refused) == len(poison) + 1
    assert {row[1] for row in refused} == {"dead"}
    assert all(row[2] for row in refused)
    assert any("no json" in str(row[3]) for row in refused)


def test_what_comes_through_another_service_is_read_too(
    look: Callable[..., str], queue: Queue, store: S3Storage, prefix: str,
    creator_email: str,
) -> None:  # fmt: skip
    """Else a bucket that tells several readers tells us nothing."""
    key = f"uploads/2026-11-01/{creator_email}/lesson.mp4"
    put(store, key)
    look(queue.notices, store)
    put(store, key, b"other")
    queue.client.purge_queue(QueueUrl=queue.url)
    message = json.dumps(record(f"{prefix}/{key}"))
    queue.send({"Type": "Notification", "Message": message})
    assert "1 uploads registered" in look(queue.notices, store)


class FailingCatalogue:
    """A catalogue whose database is away when an event is to be written."""

    def __init__(self, inner: PostgresCatalogue) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def register_upload(self, upload: StoredObject, *_: object) -> None:
        """It fails."""
        raise TransientError(f"no database for {upload.size} bytes")


def test_a_notice_stays_until_its_event_is_written(
    look: Callable[..., str],
    queue: Queue,
    store: S3Storage,
    catalogue: PostgresCatalogue,
    creator_email: str,
    admin: Connection,
) -> None:
    """Else an upload is lost while the database restarts."""
    look(queue.notices, store)
    key = f"uploads/2026-11-01/{creator_email}/lesson.mp4"
    put(store, key)
    said = look(queue.notices, store, catalogue=FailingCatalogue(catalogue))
    assert said.startswith("0 notices taken")
    assert said.endswith("1 come again")
    assert admin.execute(EVENTS, {"email": creator_email}).fetchall() == []
    assert queue.left() == 1
    queue.let_go()
    assert look(queue.notices, store).startswith("1 notices taken, 1 uploads")
    assert admin.execute(EVENTS, {"email": creator_email}).fetchall() == [(key, "1")]
    assert queue.left() == 0


def test_without_a_queue_nothing_is_announced(
    look: Callable[..., str], store: S3Storage
) -> None:
    """Else a project without notifications fails at every tick."""
    assert look(NoNotices(), store) == "nothing was announced"
