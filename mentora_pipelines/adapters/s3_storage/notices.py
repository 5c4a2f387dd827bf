"""Bucket notifications out of a queue that speaks SQS.

Here belong messages and how S3 writes keys into them. Not here: what follows from one
(`domain/upload_notices`).
"""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote_plus

from mentora_pipelines.adapters.s3_storage.connection import Pauses, translated
from mentora_pipelines.domain.upload_notices import UploadNotice
from mentora_pipelines.errors import TransientError

AT_ONCE = 10
"""The most that SQS gives or forgets in one request."""

HIDDEN_S = 120
"""How long a message that was received is shown to nobody else: longer than a look."""

TEXT_CHARACTERS = 500

WAITING = "ApproximateNumberOfMessages"

UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What a message of another form meets on its way through `_keys`."""


class SqsNotices:
    """Satisfies `UploadNotices` for one bucket and what lies under its prefix.

    Takes what S3 writes, also through SNS. Notices of other buckets, of other prefixes
    and of anything but new objects are read over.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401  (the SDK has no types)
        queue_url: str,
        bucket: str,
        prefix: str,
        retry_s: float,
    ) -> None:
        self._client = client
        self._queue_url = queue_url
        self._bucket = bucket
        self._prefix = prefix
        # A look waits for nobody: the next one comes in seconds.
        self._retry_s = min(retry_s, 5.0)

    def check(self) -> str:
        """How many notices wait; raises `MentoraError` when the queue cannot say."""
        with translated("asking the queue of notices"):
            answer = self._client.get_queue_attributes(
                QueueUrl=self._queue_url, AttributeNames=[WAITING]
            )
        return f"about {answer['Attributes'][WAITING]} notices wait"

    def receive(self, limit: int) -> list[UploadNotice]:
        """At most `limit` notices that wait now; raises `TransientError`."""
        received: list[UploadNotice] = []
        while len(received) < limit:
            with translated("receiving notices"):
                answer = self._client.receive_message(
                    QueueUrl=self._queue_url,
                    MaxNumberOfMessages=min(AT_ONCE, limit - len(received)),
                    VisibilityTimeout=HIDDEN_S,
                    WaitTimeSeconds=0,
                )
            messages = answer.get("Messages", ())
            received += [self._notice(message) for message in messages]
            if not messages:
                break
        return received

    def acknowledge(self, notices: Sequence[UploadNotice]) -> None:
        """Let the queue forget these; one that comes again changes nothing."""
        for start in range(0, len(notices), AT_ONCE):
            entries = [
                {"Id": str(number), "ReceiptHandle": notice.receipt}
                for number, notice in enumerate(notices[start : start + AT_ONCE])
            ]
            pauses = Pauses(self._retry_s)
            while True:
                try:
                    with translated("acknowledging notices"):
                        self._client.delete_message_batch(
                            QueueUrl=self._queue_url, Entries=entries
                        )
                    break
                except TransientError as error:
                    pauses.wait_after(error)

    def _notice(self, message: dict[str, Any]) -> UploadNotice:
        name, receipt = str(message["MessageId"]), str(message["ReceiptHandle"])
        body = str(message.get("Body", ""))
        try:
            keys = tuple(_keys(json.loads(body), self._bucket, self._prefix))
        except UNREADABLE as error:
            fault = f"the notice cannot be read: {type(error).__name__}"
            return UploadNotice(name, receipt, (), fault, body[:TEXT_CHARACTERS])
        return UploadNotice(name, receipt, keys, None, body[:TEXT_CHARACTERS])

    def close(self) -> None:
        """Close its connections."""
        self._client.close()


def _keys(event: dict[str, Any], bucket: str, prefix: str) -> list[str]:
    """The keys of new objects; raises one of several errors for another form."""
    if event.get("Type") == "Notification":
        event = json.loads(event["Message"])
    if event.get("Event") == "s3:TestEvent":
        return []
    keys = []
    for record in event["Records"]:
        # "s3:ObjectCreated:Put" in some stores.
        if "ObjectCreated:" not in str(record["eventName"]):
            continue
        name = str(record["s3"]["bucket"]["name"])
        # As in a form: a space is a plus, a plus is %2B; an invalid byte is an error.
        key = unquote_plus(record["s3"]["object"]["key"], errors="strict")
        if name == bucket and key.startswith(prefix):
            keys.append(key.removeprefix(prefix))
    return keys
