"""Where pages of reports are put, and where a person opens them.

Here belongs the choice of an address. Not here: signing one, or making pages.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import Protocol, runtime_checkable

from mentora_pipelines.domain.storage import ObjectStorage

LINK_LIFETIME_S = 7 * 24 * 3600
"""The longest that S3 signs for; the key of the page stays good."""


@runtime_checkable
class DownloadSigner(Protocol):
    """Lets a browser read one object for a while."""

    def sign_download(self, key: str, *, lifetime_s: int) -> str:
        """An address of the object that asks for no account."""
        ...


@dataclass(frozen=True, slots=True)
class ReportPage:
    """A stored page; `url` is None where no browser can open it."""

    key: str
    url: str | None


@dataclass(frozen=True, slots=True)
class ReportShelf:
    """Stores pages and tells their addresses.

    `base_url` is where the keys of the storage are served to people who may see them;
    such a link stays. Without it a storage that signs gives one for a week.
    """

    storage: ObjectStorage
    base_url: str | None = None
    signer: DownloadSigner | None = None

    def put(self, key: str, page: str) -> ReportPage:
        """Store a page of HTML; one that was there is replaced."""
        self.storage.put(key, BytesIO(page.encode()))
        if self.base_url is not None:
            return ReportPage(key, f"{self.base_url}/{key}")
        if self.signer is not None:
            url = self.signer.sign_download(key, lifetime_s=LINK_LIFETIME_S)
            return ReportPage(key, url)
        return ReportPage(key, None)
