"""The store of one creator's lessons, as the assets name it.

Here belongs only the sum of the narrow ports that the steps declare beside their
rules: one object stands behind all of them.
"""

from typing import Protocol, runtime_checkable

from mentora_pipelines.domain.leases import Leases
from mentora_pipelines.domain.lessons.audio import AudioStore
from mentora_pipelines.domain.lessons.captions import CaptionStore
from mentora_pipelines.domain.lessons.chunks import ChunkStore
from mentora_pipelines.domain.lessons.embeddings import (
    EmbeddingStore,
    GenerationRegistry,
)
from mentora_pipelines.domain.lessons.published_lessons import (
    LessonFactsReader,
    LessonPublisher,
)
from mentora_pipelines.domain.lessons.recognition import WindowStore
from mentora_pipelines.domain.lessons.transcripts import TranscriptStore
from mentora_pipelines.domain.lessons.versions import VersionStore
from mentora_pipelines.domain.operations.stage_timings import StageTimings
from mentora_pipelines.domain.videos import VideoCatalogue, VideoStatus


@runtime_checkable
class LessonStore(
    VideoStatus,
    Leases,
    AudioStore,
    VersionStore,
    TranscriptStore,
    WindowStore,
    CaptionStore,
    ChunkStore,
    EmbeddingStore,
    LessonFactsReader,
    LessonPublisher,
    Protocol,
):
    """Everything that the steps of a lesson read and write."""


@runtime_checkable
class LessonCatalogue(VideoCatalogue, GenerationRegistry, StageTimings, Protocol):
    """What the steps look up across creators, and where they keep what they took."""
