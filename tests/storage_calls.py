"""What tests ask of a storage, and a stream that breaks."""

import io

from mentora_pipelines.domain.storage import ObjectStorage


class BrokenStream(io.BytesIO):
    """A stream that ends in an error after its bytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        """The bytes once, then an error."""
        block = super().read(size)
        if not block:
            raise OSError("the connection broke")
        return block


def put(storage: ObjectStorage, key: str, content: bytes = b"x") -> None:
    """Store some bytes."""
    storage.put(key, io.BytesIO(content))


def read(storage: ObjectStorage, key: str) -> bytes:
    """All bytes under a key."""
    with storage.open(key) as stream:
        return stream.read()


def listed(
    storage: ObjectStorage, prefix: str = "", after: str = "", limit: int = 1000
) -> list[str]:
    """The keys of a listing."""
    return [found.key for found in storage.list(prefix, after=after, limit=limit)]
