"""Reading an object as a stream that outlives a lost connection.

Here belong position, length and the etag that keeps all bytes of one version. Not
here: how long to be patient (see `connection`).
"""

import io
from typing import Any

from mentora_pipelines.adapters.s3_storage.connection import (
    Bucket,
    Pauses,
    translated,
)
from mentora_pipelines.domain.storage import shown_key
from mentora_pipelines.errors import NotFound, ObjectChanged, TransientError


class ObjectStream(io.RawIOBase):
    """The bytes of one version of an object, from its first to its last.

    After a lost connection it goes on where it was, with the same etag. Reading raises
    `ObjectChanged` when the version is gone, `TransientError` when the store stays
    away.
    """

    def __init__(self, bucket: Bucket, key: str, etag: str | None) -> None:
        super().__init__()
        self._bucket = bucket
        self._key = key
        self._position = 0
        self._body: Any = None
        self.size = 0
        self.etag = etag
        bucket.ask(f"reading {shown_key(key)}", self._connect)

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401  (typeshed's WriteableBuffer)
        """Fill a part of `buffer`; 0 at the end of the object."""
        wanted = memoryview(buffer)[: self.size - self._position]
        if not wanted:
            return 0
        pauses = Pauses(self._bucket.retry_s)
        what = f"reading {shown_key(self._key)}"
        while True:
            try:
                with translated(what):
                    if self._body is None:
                        self._connect()
                    count = int(self._body.readinto(wanted))
            except ObjectChanged:
                raise
            except NotFound:
                raise ObjectChanged(f"storage: {what}: it was removed") from None
            except TransientError as error:
                fault = error
            else:
                if count:
                    self._position += count
                    return count
                fault = TransientError(f"storage: {what}: it breaks off")
            self._disconnect()
            pauses.wait_after(fault)

    def close(self) -> None:
        """Let the connection go."""
        self._disconnect()
        super().close()

    def _connect(self) -> None:
        conditions = {}
        if self.etag is not None:
            conditions["IfMatch"] = f'"{self.etag}"'
        if self._position:
            conditions["Range"] = f"bytes={self._position}-"
        place = self._bucket.place
        answer = self._bucket.client.get_object(
            Bucket=place.bucket, Key=place.prefix + self._key, **conditions
        )
        etag = str(answer["ETag"]).strip('"')
        size = self._position + int(answer["ContentLength"])
        if self.etag not in (None, etag) or (self._position and size != self.size):
            # A store that knows no conditions answers with what it has.
            answer["Body"].close()
            raise ObjectChanged(
                f"storage: {shown_key(self._key)} holds other bytes by now"
            )
        self._body, self.etag, self.size = answer["Body"], etag, size

    def _disconnect(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None
