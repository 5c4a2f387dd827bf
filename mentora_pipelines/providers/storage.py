"""Object storage: the objects, links to them, notices and orphans."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from typing import TYPE_CHECKING

from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.errors import SettingsError
from mentora_pipelines.providers.databases import admin_database
from mentora_pipelines.services import storage_folder
from mentora_pipelines.settings.media import MediaSettings
from mentora_pipelines.settings.storage import StorageSettings

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.operations.orphans import OrphanRows
    from mentora_pipelines.adapters.s3_storage.links import S3Links
    from mentora_pipelines.adapters.s3_storage.notices import SqsNotices
    from mentora_pipelines.adapters.s3_storage.storage import S3Storage
    from mentora_pipelines.domain.upload_notices import NoNotices


def make_storage() -> "FolderStorage | S3Storage":
    """Where uploads, audio and captions lie: a bucket, else a folder."""
    settings = StorageSettings()
    if not settings.is_bucket:
        return FolderStorage(storage_folder())
    from mentora_pipelines.adapters.s3_storage.connection import open_bucket
    from mentora_pipelines.adapters.s3_storage.storage import S3Storage

    return S3Storage(open_bucket(settings))


@contextmanager
def open_storage() -> "Iterator[FolderStorage | S3Storage]":
    """Where uploads, audio and captions lie; its connections closed at the end."""
    storage = make_storage()
    with nullcontext() if isinstance(storage, FolderStorage) else closing(storage):
        yield storage


def make_links() -> "S3Links":
    """Signs links to the objects of a bucket; raises `SettingsError` for a folder."""
    from mentora_pipelines.adapters.s3_storage.connection import open_bucket
    from mentora_pipelines.adapters.s3_storage.links import S3Links

    settings = StorageSettings()
    if not settings.is_bucket:
        raise SettingsError(
            "a folder signs no links: set MENTORA_STORAGE_URL=s3://BUCKET"
        )
    return S3Links(open_bucket(settings), MediaSettings().max_bytes)


def address_of(key: str) -> str:
    """Where a person reads an object: a signed link, or the path of a folder's file."""
    if StorageSettings().is_bucket:
        return make_links().sign_download(key)
    with FolderStorage(storage_folder()).local(key) as path:
        return str(path)


def make_upload_notices() -> "SqsNotices | NoNotices":
    """What a bucket tells of its new objects, where a queue for that is named."""
    from mentora_pipelines.domain.upload_notices import NoNotices

    settings = StorageSettings()
    if settings.queue_url is None:
        return NoNotices()
    from mentora_pipelines.adapters.s3_storage.connection import make_client
    from mentora_pipelines.adapters.s3_storage.notices import SqsNotices

    return SqsNotices(
        make_client("sqs", settings),
        settings.queue_url,
        settings.bucket,
        settings.prefix,
        settings.retry_s,
    )


@contextmanager
def open_upload_notices() -> "Iterator[SqsNotices | NoNotices]":
    """What a bucket tells of its new objects; its connections closed at the end."""
    from mentora_pipelines.domain.upload_notices import NoNotices

    notices = make_upload_notices()
    with nullcontext() if isinstance(notices, NoNotices) else closing(notices):
        yield notices


@contextmanager
def open_orphans() -> "Iterator[OrphanRows]":
    """Which objects and vectors nobody names, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.operations.orphans import OrphanRows

    with admin_database("mentora-orphans") as database:
        yield OrphanRows(database)
