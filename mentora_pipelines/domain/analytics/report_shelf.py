"""Where pages of reports are put, and where a person opens them.

Here belongs the choice of an address. Not here: making pages, or signing an address:
what is told of a run is kept and shown to everybody, longer than a signature lasts.
"""

from dataclasses import dataclass
from io import BytesIO

from mentora_pipelines.domain.storage import ObjectStorage

MAX_REPLACED = 1000
"""Pages about the same: a look-back makes one a night, and replaced ones are collected
after their grace."""


@dataclass(frozen=True, slots=True)
class ReportPage:
    """A stored page; `url` is None where nothing serves it."""

    key: str
    url: str | None


@dataclass(frozen=True, slots=True)
class ReportShelf:
    """Stores pages and tells their addresses.

    `base_url` is where the keys of the storage are served to people who may see them.
    Without it a page has its key alone, for which `mentora storage link` signs.
    """

    storage: ObjectStorage
    base_url: str | None = None

    def put(self, key: str, page: str) -> ReportPage:
        """Store a page of HTML; one that was there is replaced."""
        self.storage.put(key, BytesIO(page.encode()))
        return self._page(key)

    def newest(self, prefix: str) -> ReportPage | None:
        """The page about the same that was stored last, if there is one."""
        about_the_same = self.storage.list(prefix, limit=MAX_REPLACED)
        if not about_the_same:
            return None
        return self._page(max(about_the_same, key=lambda page: page.modified).key)

    def _page(self, key: str) -> ReportPage:
        url = None if self.base_url is None else f"{self.base_url}/{key}"
        return ReportPage(key, url)
