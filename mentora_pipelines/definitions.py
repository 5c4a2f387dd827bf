"""What exists and what it is wired to: the page to read first."""

import dagster as dg

from assets.jobs import lesson_job
from assets.lessons.audio import audio
from assets.lessons.captions import captions
from assets.lessons.checks import (
    captions_pass_review,
    chunks_cover_the_speech,
    every_chunk_has_a_vector,
    every_word_follows_the_one_before,
    nothing_heard_is_doubtful,
)
from assets.lessons.chunks import chunks
from assets.lessons.embeddings import embeddings
from assets.lessons.published_lessons import published_lessons
from assets.lessons.quizzes import quizzes
from assets.lessons.transcripts import transcripts
from resources.catalogue import CatalogueResource
from resources.decoder import DecoderResource
from resources.embedder import EmbedderResource
from resources.lessons import LessonsResource
from resources.quiz_writer import QuizWriterResource
from resources.storage import StorageResource
from resources.transcriber import TranscriberResource
from sensors.new_uploads import new_uploads

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
        nothing_heard_is_doubtful,
        captions_pass_review,
        chunks_cover_the_speech,
        every_chunk_has_a_vector,
    ],
    jobs=[lesson_job],
    sensors=[new_uploads],
    schedules=[],
    resources={
        "catalogue": CatalogueResource(),
        "lessons": LessonsResource(),
        "storage": StorageResource(),
        "decoder": DecoderResource(),
        "transcriber": TranscriberResource(),
        "embedder": EmbedderResource(),
        "quiz_writer": QuizWriterResource(),
    },
    # One process per run: a process per asset would cost 3 s each in imports.
    executor=dg.in_process_executor,
)
