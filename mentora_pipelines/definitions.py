"""What exists and what it is wired to: the page to read first."""

import dagster as dg

from assets.analytics.checks import (
    counts_equal_the_events,
    no_value_is_impossible,
    yesterdays_metrics_exist,
)
from assets.analytics.daily_metrics import daily_metrics
from assets.analytics.jobs import (
    daily_metrics_job,
    event_partitions_job,
    metrics_freshness_job,
)
from assets.jobs import lesson_job
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
from resources.catalogue import CatalogueResource
from resources.decoder import DecoderResource
from resources.embedder import EmbedderResource
from resources.lessons import LessonsResource
from resources.metric_reports import MetricReportsResource
from resources.metrics import MetricsResource
from resources.quiz_writer import QuizWriterResource
from resources.storage import StorageResource
from resources.transcriber import TranscriberResource
from schedules.daily_metrics import daily_metrics_schedule
from schedules.event_partitions import event_partitions_schedule
from schedules.metrics_freshness import metrics_freshness_schedule
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
        daily_metrics,
    ],
    asset_checks=[
        every_word_follows_the_one_before,
        captions_do_not_overlap,
        chunks_cover_the_speech,
        every_chunk_has_a_vector,
        counts_equal_the_events,
        no_value_is_impossible,
        yesterdays_metrics_exist,
    ],
    jobs=[
        lesson_job,
        daily_metrics_job,
        metrics_freshness_job,
        event_partitions_job,
    ],
    sensors=[new_uploads],
    schedules=[
        daily_metrics_schedule,
        metrics_freshness_schedule,
        event_partitions_schedule,
    ],
    resources={
        "catalogue": CatalogueResource(),
        "lessons": LessonsResource(),
        "storage": StorageResource(),
        "decoder": DecoderResource(),
        "transcriber": TranscriberResource(),
        "embedder": EmbedderResource(),
        "quiz_writer": QuizWriterResource(),
        "metrics": MetricsResource(),
        "metric_reports": MetricReportsResource(),
    },
    # One process per run: a process per asset would cost 3 s each in imports.
    executor=dg.in_process_executor,
)
