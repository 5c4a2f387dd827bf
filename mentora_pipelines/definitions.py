"""What exists and what it is wired to: the page to read first."""

import dagster as dg

from assets.jobs import lesson_job, quiz_job
from assets.lessons.audio import audio
from assets.lessons.captions import captions
from assets.lessons.checks import (
    captions_do_not_overlap,
    chunks_cover_the_speech,
    every_chunk_has_a_vector,
    every_word_follows_the_one_before,
)
from assets.lessons.chunks import chunks
from assets.lessons.embeddings import embeddings
from assets.lessons.published_lessons import published_lessons
from assets.lessons.quizzes import quizzes
from assets.lessons.transcripts import transcripts
from assets.operations.event_retention import event_retention_job
from resources.catalogue import CatalogueResource
from resources.decoder import DecoderResource
from resources.embedder import EmbedderResource
from resources.event_outbox import EventOutboxResource
from resources.lessons import LessonsResource
from resources.quiz_writer import QuizWriterResource
from resources.storage import StorageResource
from resources.stranded_videos import StrandedVideosResource
from resources.transcriber import TranscriberResource
from schedules.event_retention import event_retention_schedule
from sensors.due_events import due_events
from sensors.new_uploads import new_uploads
from sensors.stranded_videos import stranded_videos

defs = dg.Definitions(
    assets=[
        audio,
        transcripts,
        captions,
        chunks,
        embeddings,
        published_lessons,
        quizzes,
    ],
    asset_checks=[
        every_word_follows_the_one_before,
        captions_do_not_overlap,
        chunks_cover_the_speech,
        every_chunk_has_a_vector,
    ],
    jobs=[lesson_job, quiz_job, event_retention_job],
    sensors=[new_uploads, due_events, stranded_videos],
    schedules=[event_retention_schedule],
    resources={
        "catalogue": CatalogueResource(),
        "lessons": LessonsResource(),
        "outbox": EventOutboxResource(),
        "stranded": StrandedVideosResource(),
        "storage": StorageResource(),
        "decoder": DecoderResource(),
        "transcriber": TranscriberResource(),
        "embedder": EmbedderResource(),
        "quiz_writer": QuizWriterResource(),
    },
    # One process per run: a process per asset would cost 3 s each in imports.
    executor=dg.in_process_executor,
)
