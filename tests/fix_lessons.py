"""Uploads for tests, each of a creator of its own, so that no test sees another's."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.domain.uploads import parse_upload_key
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.services import storage_folder
from tests.fix_services import PROJECT

SAMPLES = PROJECT / "samples"

_creators = itertools.count(1)


@pytest.fixture
def creator_email() -> str:
    """A creator whom no other test uses."""
    return f"creator-{next(_creators)}@tests.example"


@pytest.fixture(scope="session")
def storage(home: Path) -> FolderStorage:
    """The storage of this test run."""
    assert home.is_dir()
    return FolderStorage(storage_folder())


@pytest.fixture
def upload(
    catalogue: PostgresCatalogue, storage: FolderStorage, creator_email: str
) -> Callable[[Path], Video]:
    """Put a file into storage and register it, as the sensor would."""

    def put(file: Path, name: str | None = None) -> Video:
        key = f"uploads/2026-11-01/{creator_email}/{name or file.name}"
        with file.open("rb") as content:
            stored = storage.put(key, content)
        return catalogue.register_upload(stored, parse_upload_key(key))

    return put
