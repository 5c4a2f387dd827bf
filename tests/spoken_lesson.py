"""A lesson that is transcribed as often as a test wants."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Generic, TypeVar

from mentora_pipelines.domain.lessons.recognition import (
    Transcriber,
    TranscriptFigures,
    transcribe_lesson,
)
from mentora_pipelines.domain.videos import Video
from tests.fakes import PENDING_VIDEO, FakeLessonStore, FakeStorage

AUDIO_KEY = "audio/a.flac"
VIDEO = replace(PENDING_VIDEO, audio_key=AUDIO_KEY, source_hash="a" * 64)

Listener = TypeVar("Listener", bound=Transcriber)


class SpokenLesson(Generic[Listener]):
    """Its sound and its transcripts, and who listens to it."""

    def __init__(self, folder: Path, transcriber: Listener) -> None:
        self.storage = FakeStorage(folder)
        self.storage.put(AUDIO_KEY, io.BytesIO(b"sound"))
        self.store = FakeLessonStore()
        self.transcriber = transcriber

    def transcribe(self, video: Video = VIDEO) -> TranscriptFigures:
        """Transcribe the video as it stands in the store."""
        return transcribe_lesson(
            replace(video, staged_transcript_id=self.store.staged),
            storage=self.storage,
            transcriber=self.transcriber,
            store=self.store,
            status=self.store,
        )
