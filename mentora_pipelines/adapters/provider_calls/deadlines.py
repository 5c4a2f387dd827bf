"""Deadlines: an answer is whole by a moment, whatever signs of life come before it.

Not in the SDKs: they pass over the pings of a stream, each of which starts the time
limit of a silence anew.
"""

from collections.abc import Iterator

from httpx2 import ReadTimeout, Response, SyncByteStream

from mentora_pipelines.adapters.provider_calls.clock import Clock


class _Hurried(SyncByteStream):
    """The same bytes, as long as there is time for them."""

    def __init__(self, stream: SyncByteStream, until: float, clock: Clock) -> None:
        self._stream = stream
        self._until = until
        self._clock = clock

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._stream:
            if self._clock.now() > self._until:
                raise ReadTimeout("the answer takes too long")
            yield piece

    def close(self) -> None:
        self._stream.close()


def hurry(response: Response, until: float, clock: Clock) -> None:
    """Have the body, still unread, raise `ReadTimeout` after a moment of `clock`."""
    if isinstance(response.stream, SyncByteStream):
        response.stream = _Hurried(response.stream, until, clock)
