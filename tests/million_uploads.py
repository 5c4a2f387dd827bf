"""A million uploads, listed and never held."""

from collections.abc import Iterable

from mentora_pipelines.domain.storage import StoredObject
from mentora_pipelines.domain.uploads import UPLOADS_PREFIX, KnownUpload
from tests.fakes import LONG_AGO, FakeCatalogue, FakeStorage

COUNT = 1_000_000
PLACE = f"{UPLOADS_PREFIX}{LONG_AGO.date()}/ada@x.org/"


def old_key(number: int) -> str:
    """The key of one of the million, in the order of their numbers."""
    return f"{PLACE}{number:07}.mp4"


class MillionUploads(FakeStorage):
    """Lists a million uploads of one past day, and then what it holds."""

    def list(self, prefix: str, *, after: str = "", limit: int) -> list[StoredObject]:
        """At most `limit` objects under `prefix` above `after`, by key."""
        first = COUNT if after > PLACE else 0
        if after.startswith(PLACE):
            first = 1 + int(after.removeprefix(PLACE).removesuffix(".mp4"))
        numbers = range(first, min(first + limit, COUNT))
        found = [StoredObject(old_key(n), "1", 1, LONG_AGO) for n in numbers]
        self.listed += len(found)
        return found + super().list(prefix, after=after, limit=limit - len(found))


class KnowsTheMillion(FakeCatalogue):
    """A catalogue to which those are nothing new."""

    def known_uploads(self, keys: Iterable[str]) -> dict[str, KnownUpload]:
        """What is known of those of `keys` that have a video."""
        wanted = list(keys)
        settled = KnownUpload("1", lost_event=False)
        old = {key: settled for key in wanted if key.startswith(PLACE)}
        return old | super().known_uploads(wanted)
