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
from assets.jobs import lesson_job, quiz_job
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
from assets.operations.achievements import unlock_achievements_job
from assets.operations.content_health import (
    content_health,
    content_health_job,
    suspect_lessons_job,
)
from assets.operations.email_delivery import deliver_email_job
from assets.operations.event_retention import event_retention_job
from assets.operations.platform_health import (
    every_part_is_well,
    platform_health,
    platform_health_job,
)
from resources.achievements import AchievementsResource
from resources.cache import CacheResource
from resources.catalogue import CatalogueResource
from resources.decoder import DecoderResource
from resources.email_outbox import EmailOutboxResource
from resources.embedder import EmbedderResource
from resources.event_outbox import EventOutboxResource
from resources.health_ledger import HealthLedgerResource
from resources.lesson_gaps import LessonGapsResource
from resources.lesson_prober import LessonProberResource
from resources.lessons import LessonsResource
from resources.mail_renderer import MailRendererResource
from resources.mailer import MailerResource
from resources.metric_reports import MetricReportsResource
from resources.metrics import MetricsResource
from resources.platform_ledger import PlatformLedgerResource
from resources.platform_probes import PlatformProbesResource
from resources.quiz_writer import QuizWriterResource
from resources.storage import StorageResource
from resources.stranded_videos import StrandedVideosResource
from resources.transcriber import TranscriberResource
from schedules.content_health import content_health_schedule
from schedules.daily_metrics import daily_metrics_schedule
from schedules.event_partitions import event_partitions_schedule
from schedules.event_retention import event_retention_schedule
from schedules.metrics_freshness import metrics_freshness_schedule
from schedules.platform_health import platform_health_schedule
from schedules.suspect_lessons import suspect_lessons_schedule
from sensors.changed_rows import changed_rows
from sensors.due_email import due_email
from sensors.due_events import due_events
from sensors.ended_runs import ended_runs
from sensors.lost_runs import lost_runs
from sensors.new_uploads import new_uploads
from sensors.stranded_videos import stranded_videos
from sensors.unlocked_achievements import unlocked_achievements

defs = dg.Definitions(
    assets=[
        audio,
        transcripts,
        captions,
        chunks,
        embeddings,
        published_lessons,
        quizzes,
        content_health,
        daily_metrics,
        platform_health,
    ],
    asset_checks=[
        every_word_follows_the_one_before,
        nothing_heard_is_doubtful,
        captions_pass_review,
        chunks_cover_the_speech,
        every_chunk_has_a_vector,
        counts_equal_the_events,
        no_value_is_impossible,
        yesterdays_metrics_exist,
        every_part_is_well,
    ],
    jobs=[
        lesson_job,
        quiz_job,
        deliver_email_job,
        unlock_achievements_job,
        event_retention_job,
        content_health_job,
        suspect_lessons_job,
        daily_metrics_job,
        metrics_freshness_job,
        event_partitions_job,
        platform_health_job,
    ],
    sensors=[
        new_uploads,
        due_events,
        stranded_videos,
        changed_rows,
        lost_runs,
        ended_runs,
        due_email,
        unlocked_achievements,
    ],
    schedules=[
        event_retention_schedule,
        content_health_schedule,
        suspect_lessons_schedule,
        daily_metrics_schedule,
        event_partitions_schedule,
        metrics_freshness_schedule,
        platform_health_schedule,
    ],
    resources={
        "cache": CacheResource(),
        "catalogue": CatalogueResource(),
        "lessons": LessonsResource(),
        "outbox": EventOutboxResource(),
        "stranded": StrandedVideosResource(),
        "storage": StorageResource(),
        "decoder": DecoderResource(),
        "transcriber": TranscriberResource(),
        "embedder": EmbedderResource(),
        "quiz_writer": QuizWriterResource(),
        "email_outbox": EmailOutboxResource(),
        "mail_renderer": MailRendererResource(),
        "mailer": MailerResource(),
        "achievements": AchievementsResource(),
        "health_ledger": HealthLedgerResource(),
        "lesson_prober": LessonProberResource(),
        "lesson_gaps": LessonGapsResource(),
        "metrics": MetricsResource(),
        "metric_reports": MetricReportsResource(),
        "platform_probes": PlatformProbesResource(),
        "platform_ledger": PlatformLedgerResource(),
    },
    # One process per run: a process per asset would cost 3 s each in imports.
    executor=dg.in_process_executor,
)
