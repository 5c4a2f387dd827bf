"""A database of their own for benchmarks: our schema on a fresh embedded server."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from mentora_pipelines import migrations
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.domain.identity import content_hash, transcript_id_of
from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel
from mentora_pipelines.domain.lessons.transcripts import (
    Origin,
    Segment,
    Transcript,
    Word,
)
from mentora_pipelines.domain.storage import StoredObject
from mentora_pipelines.domain.uploads import parse_upload_key
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.local_stack import ensure_local_stack, stop_local_stack

RETIRE_GENERATIONS = "update embedding_generations set status = 'retired'"


@dataclass(frozen=True)
class ScratchDatabase:
    """Both roles' stores, and their URLs for what is not ours."""

    admin_url: str
    app_url: str
    admin: Database
    app: Database
    catalogue: PostgresCatalogue
    lessons: PostgresLessons
    numbers: Iterator[int]

    def new_video(self) -> tuple[Video, UUID]:
        """A video with an empty transcript version to write chunks under."""
        key = f"uploads/2026-01-01/bench@tests.example/{next(self.numbers)}.mp4"
        upload = StoredObject(key, "etag", 1, datetime.now(UTC))
        video = self.catalogue.register_upload(upload, parse_upload_key(key))
        return video, self.new_version(video)

    def new_version(self, video: Video) -> UUID:
        """An empty transcript version of a video."""
        source_hash = content_hash(f"version {next(self.numbers)}")
        word = Word("word", 0.0, 1.0, 1.0)
        transcript = Transcript(
            id=transcript_id_of(video.id, source_hash, "bench"),
            video_id=video.id,
            creator_id=video.creator_id,
            source_hash=source_hash,
            fingerprint="bench",
            origin=Origin.RECOGNISED,
            language="en",
            duration_s=1.0,
            segments=(Segment("word", 0.0, 1.0, (word,)),),
        )
        self.lessons.add_transcript(video, transcript)
        return transcript.id

    def new_generation(self, dimensions: int) -> UUID:
        """An empty active generation; the one before is retired."""
        with self.admin.transaction() as connection:
            connection.execute(RETIRE_GENERATIONS)
        name = f"bench-{next(self.numbers)}"
        return self.catalogue.writable_generation(
            EmbeddingModel("bench", name, dimensions)
        )


@contextmanager
def scratch_database(folder: Path) -> Iterator[ScratchDatabase]:
    """A fresh server with our schema below `folder`, stopped at the end."""
    services = ensure_local_stack(folder)
    migrations.upgrade(services.database_admin_url)
    admin = Database(services.database_admin_url, "benchmark-admin")
    app = Database(services.database_url, "benchmark-app")
    try:
        yield ScratchDatabase(
            services.database_admin_url,
            services.database_url,
            admin,
            app,
            PostgresCatalogue(admin, services.database_admin_url),
            PostgresLessons(app),
            itertools.count(),
        )
    finally:
        admin.close()
        app.close()
        stop_local_stack(folder)
