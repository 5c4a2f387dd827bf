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
from assets.analytics.table_quality import (
    a_day_is_like_others,
    analytics_events_are_sound,
    chunk_embeddings_are_sound,
    published_transcripts_are_sound,
    stored_quizzes_are_sound,
    table_quality_job,
    video_chunks_are_sound,
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
from assets.lessons.quiz_statistics import (
    no_question_puzzles_its_students,
    quiz_statistics_job,
)
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
from assets.operations.memberships import memberships, memberships_job
from assets.operations.orphaned_objects import orphaned_objects_job
from assets.operations.platform_health import (
    every_part_is_well,
    platform_health,
    platform_health_job,
)
from assets.search.search_index import search_index, search_index_job
from assets.tables import (
    analytics_events_table,
    chunk_embeddings_table,
    quiz_questions_table,
    transcripts_table,
    video_chunks_table,
)
from resources.achievements import AchievementsResource
from resources.analytics import (
    MetricReportsResource,
    MetricsResource,
    ReportShelfResource,
    TableValidatorResource,
)
from resources.cache import CacheResource
from resources.content_health import HealthLedgerResource, LessonProberResource
from resources.events import EventOutboxResource
from resources.lessons import (
    CatalogueResource,
    LessonGapsResource,
    LessonsResource,
    StrandedVideosResource,
)
from resources.mail import EmailOutboxResource, MailerResource, MailRendererResource
from resources.media import DecoderResource
from resources.memberships import MembershipListingResource, MembershipRowsResource
from resources.models import (
    EmbedderResource,
    EmbeddersResource,
    QuestionEmbedderResource,
    TranscriberResource,
)
from resources.platform_health import PlatformLedgerResource, PlatformProbesResource
from resources.quizzes import (
    ItemAnalystResource,
    QuizAnswersResource,
    QuizWriterResource,
)
from resources.search import SearchUpkeepResource
from resources.spending import SpendingResource
from resources.storage import OrphansResource, StorageResource, UploadNoticesResource
from schedules.content_health import content_health_schedule
from schedules.daily_metrics import daily_metrics_schedule
from schedules.event_partitions import event_partitions_schedule
from schedules.event_retention import event_retention_schedule
from schedules.memberships import memberships_schedule
from schedules.metrics_freshness import metrics_freshness_schedule
from schedules.orphaned_objects import orphaned_objects_schedule
from schedules.platform_health import platform_health_schedule
from schedules.quiz_statistics import quiz_statistics_schedule
from schedules.search_index import search_index_schedule
from schedules.suspect_lessons import suspect_lessons_schedule
from schedules.table_quality import table_quality_schedule
from sensors.announced_uploads import announced_uploads
from sensors.changed_rows import changed_rows
from sensors.due_email import due_email
from sensors.due_events import due_events
from sensors.ended_runs import ended_runs
from sensors.lost_runs import lost_runs
from sensors.new_uploads import new_uploads
from sensors.stranded_videos import stranded_videos
from sensors.unanswered_calls import unanswered_calls
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
        search_index,
        content_health,
        memberships,
        daily_metrics,
        platform_health,
        transcripts_table,
        video_chunks_table,
        chunk_embeddings_table,
        quiz_questions_table,
        analytics_events_table,
    ],
    asset_checks=[
        every_word_follows_the_one_before,
        nothing_heard_is_doubtful,
        captions_pass_review,
        chunks_cover_the_speech,
        every_chunk_has_a_vector,
        no_question_puzzles_its_students,
        counts_equal_the_events,
        no_value_is_impossible,
        yesterdays_metrics_exist,
        a_day_is_like_others,
        analytics_events_are_sound,
        published_transcripts_are_sound,
        video_chunks_are_sound,
        chunk_embeddings_are_sound,
        stored_quizzes_are_sound,
        every_part_is_well,
    ],
    jobs=[
        lesson_job,
        quiz_job,
        search_index_job,
        quiz_statistics_job,
        deliver_email_job,
        unlock_achievements_job,
        event_retention_job,
        orphaned_objects_job,
        content_health_job,
        suspect_lessons_job,
        memberships_job,
        daily_metrics_job,
        metrics_freshness_job,
        event_partitions_job,
        table_quality_job,
        platform_health_job,
    ],
    sensors=[
        new_uploads,
        announced_uploads,
        due_events,
        stranded_videos,
        changed_rows,
        lost_runs,
        ended_runs,
        due_email,
        unlocked_achievements,
        unanswered_calls,
    ],
    schedules=[
        event_retention_schedule,
        orphaned_objects_schedule,
        content_health_schedule,
        suspect_lessons_schedule,
        memberships_schedule,
        daily_metrics_schedule,
        event_partitions_schedule,
        metrics_freshness_schedule,
        search_index_schedule,
        quiz_statistics_schedule,
        table_quality_schedule,
        platform_health_schedule,
    ],
    resources={
        "cache": CacheResource(),
        "catalogue": CatalogueResource(),
        "lessons": LessonsResource(),
        "outbox": EventOutboxResource(),
        "stranded": StrandedVideosResource(),
        "storage": StorageResource(),
        "orphans": OrphansResource(),
        "notices": UploadNoticesResource(),
        "decoder": DecoderResource(),
        "transcriber": TranscriberResource(),
        "embedder": EmbedderResource(),
        "embedders": EmbeddersResource(),
        "search_upkeep": SearchUpkeepResource(),
        "quiz_writer": QuizWriterResource(),
        "question_embedder": QuestionEmbedderResource(),
        "quiz_answers": QuizAnswersResource(),
        "item_analyst": ItemAnalystResource(),
        "email_outbox": EmailOutboxResource(),
        "mail_renderer": MailRendererResource(),
        "mailer": MailerResource(),
        "achievements": AchievementsResource(),
        "health_ledger": HealthLedgerResource(),
        "lesson_prober": LessonProberResource(),
        "lesson_gaps": LessonGapsResource(),
        "membership_listing": MembershipListingResource(),
        "membership_rows": MembershipRowsResource(),
        "metrics": MetricsResource(),
        "metric_reports": MetricReportsResource(),
        "spending": SpendingResource(),
        "report_shelf": ReportShelfResource(),
        "table_validator": TableValidatorResource(),
        "platform_probes": PlatformProbesResource(),
        "platform_ledger": PlatformLedgerResource(),
    },
    # One process per run: a process per asset would cost 3 s each in imports.
    executor=dg.in_process_executor,
)
