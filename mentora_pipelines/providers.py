"""Which adapter stands behind each port: settings in, adapter out.

Here belongs the choice, once, for the assets' resources and for the command line.
Not here: Dagster, or what an adapter does. Heavy packages load when they are used.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from mentora_pipelines import migrations
from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.adapters.media.decoder import PyAvDecoder
from mentora_pipelines.adapters.metric_reports import HtmlMetricReports
from mentora_pipelines.adapters.minilm.embedder import MiniLmEmbedder
from mentora_pipelines.adapters.price_table import GenaiPrices
from mentora_pipelines.domain.analytics.report_shelf import ReportShelf
from mentora_pipelines.domain.lessons.recognition import Transcriber
from mentora_pipelines.domain.memberships.memberships import MembershipsOff
from mentora_pipelines.domain.operations.health_alerts import AlertRule
from mentora_pipelines.domain.quizzes.questions import QuizWriter
from mentora_pipelines.domain.spending.metering import MeteredTranscriber
from mentora_pipelines.domain.spending.prices import (
    LocalPrices,
    ModelPrice,
    OwnPrices,
    PriceBook,
)
from mentora_pipelines.domain.spending.usage import UsageLedgers
from mentora_pipelines.errors import InvalidInput, PermanentError, SettingsError
from mentora_pipelines.hosted_models import (
    make_claude_quiz_writer,
    make_openai_embedder,
    make_openai_transcriber,
)
from mentora_pipelines.services import (
    DatabaseUrls,
    database_urls,
    mail_folder,
    redis_urls,
    storage_folder,
)
from mentora_pipelines.settings import (
    EmbedderSettings,
    FlowSettings,
    HealthSettings,
    HomeSettings,
    MailSettings,
    MediaSettings,
    MetricsSettings,
    QuizSettings,
    RedisSettings,
    ReportSettings,
    SpendingSettings,
    StorageSettings,
    TranscriberSettings,
    WhopSettings,
)

if TYPE_CHECKING:
    from mentora_pipelines.adapters.asgi.whop_deliveries import WhopDeliveries
    from mentora_pipelines.adapters.eml_folder import EmlFolder
    from mentora_pipelines.adapters.http_probe.lessons import WebLessonProber
    from mentora_pipelines.adapters.item_analysis import PandasItemAnalyst
    from mentora_pipelines.adapters.mail_renderer import JinjaMailRenderer
    from mentora_pipelines.adapters.postgres.achievements import AchievementRows
    from mentora_pipelines.adapters.postgres.ai_usage import PostgresUsageLedgers
    from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
    from mentora_pipelines.adapters.postgres.content_health import ContentHealthRows
    from mentora_pipelines.adapters.postgres.daily_metrics import PostgresMetrics
    from mentora_pipelines.adapters.postgres.email_outbox import EmailOutboxRows
    from mentora_pipelines.adapters.postgres.event_outbox import PostgresEventOutbox
    from mentora_pipelines.adapters.postgres.generation_builds import (
        GenerationBuildRows,
    )
    from mentora_pipelines.adapters.postgres.golden_rows import GoldenIndex
    from mentora_pipelines.adapters.postgres.lesson_gaps import LessonGapRows
    from mentora_pipelines.adapters.postgres.lessons import PostgresLessons
    from mentora_pipelines.adapters.postgres.memberships import PostgresMemberships
    from mentora_pipelines.adapters.postgres.orphans import OrphanRows
    from mentora_pipelines.adapters.postgres.platform_health import PlatformHealthRows
    from mentora_pipelines.adapters.postgres.quiz_desk import QuizDesk
    from mentora_pipelines.adapters.postgres.spending import SpendingRows
    from mentora_pipelines.adapters.postgres.stranded_videos import (
        PostgresStrandedVideos,
    )
    from mentora_pipelines.adapters.quiz_exports.printer import FileHandouts
    from mentora_pipelines.adapters.s3_storage.links import S3Links
    from mentora_pipelines.adapters.s3_storage.notices import SqsNotices
    from mentora_pipelines.adapters.s3_storage.storage import S3Storage
    from mentora_pipelines.adapters.smtp import SmtpMailer
    from mentora_pipelines.adapters.table_quality.validator import (
        GreatExpectationsValidator,
    )
    from mentora_pipelines.adapters.valkey.async_rate_limiter import (
        AsyncValkeyRateLimiter,
    )
    from mentora_pipelines.adapters.valkey.cache import ValkeyCache
    from mentora_pipelines.adapters.valkey.rate_limiter import ValkeyRateLimiter
    from mentora_pipelines.adapters.whop.memberships import WhopMemberships
    from mentora_pipelines.domain.caching.cache import Cache
    from mentora_pipelines.domain.caching.embeddings import TextModel
    from mentora_pipelines.domain.generations import Judge
    from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel
    from mentora_pipelines.domain.memberships.access import AccessChecks
    from mentora_pipelines.domain.search_quality import GoldenLesson, SearchFigures
    from mentora_pipelines.domain.spending.plans import LessonServices
    from mentora_pipelines.domain.upload_notices import NoNotices

NAME_SERVER_THREADS = 16
"""A look-up holds a thread for up to ten seconds when a name server is away."""


@contextmanager
def open_catalogue() -> "Iterator[PostgresCatalogue]":
    """What crosses creators, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
    from mentora_pipelines.adapters.postgres.database import Database

    url = _migrated_urls().admin
    database = Database(url, "mentora-catalogue")
    try:
        yield PostgresCatalogue(
            database,
            cursor_secret=url,
            auto_generate_quiz=QuizSettings().auto_generate,
        )
    finally:
        database.close()


@contextmanager
def open_generations() -> "Iterator[GenerationBuildRows]":
    """Every generation of vectors, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.generation_builds import (
        GenerationBuildRows,
    )

    with closing(Database(_migrated_urls().admin, "mentora-generations")) as database:
        yield GenerationBuildRows(database)


def make_judge(ledgers: UsageLedgers) -> "Judge":
    """What a model makes of the golden set; the platform pays for its questions."""
    from mentora_pipelines.adapters.golden_set.lessons import golden_lessons
    from mentora_pipelines.domain.search_quality import judge_model

    def judge(model: "EmbeddingModel") -> "SearchFigures | None":
        try:
            embedder = embedder_of(model, ledgers)
        except SettingsError:
            return None
        lessons = golden_lessons()
        with open_golden_index(lessons, embedder) as index:
            return judge_model(lessons, index, embedder, creator_id=index.creator_id)

    return judge


@contextmanager
def open_golden_index(
    lessons: "Sequence[GoldenLesson]", embedder: "TextModel"
) -> "Iterator[GoldenIndex]":
    """The golden set in the database, as the admin role; rolled back at the end."""
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.golden_rows import golden_index

    database = Database(_migrated_urls().admin, "mentora-eval")
    try:
        with golden_index(database, lessons, embedder) as index:
            yield index
    finally:
        database.close()


@contextmanager
def open_event_outbox() -> "Iterator[PostgresEventOutbox]":
    """The queue of events across creators, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.event_outbox import PostgresEventOutbox

    url = _migrated_urls().admin
    database = Database(url, "mentora-events")
    try:
        yield PostgresEventOutbox(
            database, FlowSettings().plan_weights, cursor_secret=url
        )
    finally:
        database.close()


@contextmanager
def open_stranded_videos() -> "Iterator[PostgresStrandedVideos]":
    """What the reaper looks after, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.stranded_videos import (
        PostgresStrandedVideos,
    )

    database = Database(_migrated_urls().admin, "mentora-reaper")
    try:
        yield PostgresStrandedVideos(database)
    finally:
        database.close()


@contextmanager
def open_lessons() -> "Iterator[PostgresLessons]":
    """The lessons of one creator at a time, as the app role; closed at the end.

    Raises `PermanentError` when that role could see another creator's rows.
    """
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.lessons import PostgresLessons
    from mentora_pipelines.adapters.postgres.tenancy import check_tenancy

    database = Database(_migrated_urls().app, "mentora-lessons")
    try:
        check_tenancy(database)
        lessons = PostgresLessons(database)
        try:
            yield lessons
        finally:
            lessons.close()
    finally:
        database.close()


@contextmanager
def open_email_outbox() -> "Iterator[EmailOutboxRows]":
    """The mails to send, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.email_outbox import EmailOutboxRows

    database = Database(_migrated_urls().admin, "mentora-mail")
    try:
        yield EmailOutboxRows(database)
    finally:
        database.close()


@contextmanager
def open_metrics() -> "Iterator[PostgresMetrics]":
    """Metrics of days and the events beneath, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.daily_metrics import PostgresMetrics
    from mentora_pipelines.adapters.postgres.database import Database

    database = Database(_migrated_urls().admin, "mentora-metrics")
    try:
        yield PostgresMetrics(database)
    finally:
        database.close()


@contextmanager
def open_achievements() -> "Iterator[AchievementRows]":
    """Rewards to give, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.achievements import AchievementRows
    from mentora_pipelines.adapters.postgres.database import Database

    database = Database(_migrated_urls().admin, "mentora-achievements")
    try:
        yield AchievementRows(database)
    finally:
        database.close()


@contextmanager
def open_health_ledger() -> "Iterator[ContentHealthRows]":
    """The history of the health of lessons, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.content_health import ContentHealthRows
    from mentora_pipelines.adapters.postgres.database import Database

    settings = HealthSettings()
    rule = AlertRule(settings.failures, timedelta(hours=settings.hours))
    database = Database(_migrated_urls().admin, "mentora-health")
    try:
        yield ContentHealthRows(
            database, rule, retention_months=settings.retention_months
        )
    finally:
        database.close()


@contextmanager
def open_lesson_gaps() -> "Iterator[LessonGapRows]":
    """Finds what lessons lack, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.lesson_gaps import LessonGapRows

    database = Database(_migrated_urls().admin, "mentora-gaps")
    try:
        yield LessonGapRows(database)
    finally:
        database.close()


@contextmanager
def open_platform_ledger() -> "Iterator[PlatformHealthRows]":
    """The history of the platform's health, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.platform_health import PlatformHealthRows

    database = Database(_migrated_urls().admin, "mentora-platform")
    try:
        yield PlatformHealthRows(database)
    finally:
        database.close()


@contextmanager
def open_lesson_prober() -> "Iterator[WebLessonProber]":
    """Asks whether videos can be played; its threads are let go at the end."""
    from concurrent.futures import ThreadPoolExecutor

    from mentora_pipelines.adapters.http_probe.guard import Guard, SystemResolver
    from mentora_pipelines.adapters.http_probe.lessons import (
        NoLinkRenewer,
        WebLessonProber,
    )
    from mentora_pipelines.adapters.http_probe.prober import HttpProber, ProbeLimits

    settings = HealthSettings()
    threads = ThreadPoolExecutor(NAME_SERVER_THREADS, "name-servers")
    guard = Guard(SystemResolver(threads), trusted=settings.trusted)
    limits = ProbeLimits(settings.timeout_s, settings.concurrency, settings.per_host)
    prober = WebLessonProber(
        HttpProber(guard, limits),
        make_storage(),
        make_links() if StorageSettings().is_bucket else NoLinkRenewer(),
        settings.control_urls,
    )
    try:
        yield prober
    finally:
        prober.close()
        threads.shutdown(wait=False, cancel_futures=True)


@contextmanager
def open_membership_rows() -> "Iterator[PostgresMemberships]":
    """Memberships of one creator at a time, and who sells what; closed at the end."""
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.memberships import PostgresMemberships

    urls = _migrated_urls()
    with (
        closing(Database(urls.app, "mentora-memberships")) as app,
        closing(Database(urls.admin, "mentora-memberships")) as admin,
    ):
        yield PostgresMemberships(app, admin)


@contextmanager
def open_whop() -> "Iterator[WhopMemberships | MembershipsOff]":
    """Who sells memberships, nobody without a key; closed at the end."""
    settings = WhopSettings()
    if settings.api_key is None:
        yield MembershipsOff()
        return
    from mentora_pipelines.adapters.whop.memberships import WhopMemberships

    with closing(WhopMemberships(settings.api_key, settings.base_url)) as whop:
        yield whop


@contextmanager
def open_access_checks() -> "Iterator[AccessChecks]":
    """Decides who may see what creators sell; closed at the end."""
    from mentora_pipelines.domain.memberships.access import AccessChecks

    with open_whop() as desk, open_membership_rows() as rows, open_cache() as cache:
        yield AccessChecks(
            desk,
            rows,
            cache,
            clock=lambda: datetime.now(UTC),
            grace=timedelta(hours=WhopSettings().grace_hours),
        )


@contextmanager
def open_whop_deliveries() -> "Iterator[WhopDeliveries]":
    """The endpoint for Whop's deliveries, for an ASGI application.

    Raises `SettingsError` without WHOP_WEBHOOK_SECRET.
    """
    from mentora_pipelines.adapters.asgi.whop_deliveries import WhopDeliveries
    from mentora_pipelines.adapters.whop.signatures import verified
    from mentora_pipelines.domain.memberships.deliveries import (
        DeliveryOutcome,
        take_delivery,
    )

    secret = WhopSettings().webhook_secret
    if secret is None:
        raise SettingsError("WHOP_WEBHOOK_SECRET is not set: no delivery can be proven")
    with open_membership_rows() as rows, open_cache() as cache:

        def take(body: bytes, headers: Mapping[str, str]) -> DeliveryOutcome:
            delivery = verified(body, headers, secret)
            return take_delivery(delivery.id, delivery.body, rows, cache)

        yield WhopDeliveries(take)


@contextmanager
def open_mailer() -> "Iterator[SmtpMailer | EmlFolder]":
    """Hands mail over, to a server or into a folder; closed at the end."""
    mailer = make_mailer()
    try:
        yield mailer
    finally:
        mailer.close()


def make_mailer() -> "SmtpMailer | EmlFolder":
    """Hands mail over; the caller closes it."""
    from mentora_pipelines.adapters.eml_folder import EmlFolder
    from mentora_pipelines.adapters.smtp import SmtpMailer

    settings = MailSettings()
    if settings.server is None:
        return EmlFolder(mail_folder(), settings.sender)
    return SmtpMailer(settings.server, settings.sender)


def make_mail_renderer() -> "JinjaMailRenderer":
    """Fills the templates of mail."""
    from mentora_pipelines.adapters.mail_renderer import JinjaMailRenderer

    return JinjaMailRenderer(MailSettings().app_url)


@contextmanager
def open_rate_limiter() -> "Iterator[ValkeyRateLimiter]":
    """Counts what is limited, for code that may wait; closed at the end."""
    from mentora_pipelines.adapters.valkey.connection import ValkeyServer
    from mentora_pipelines.adapters.valkey.rate_limiter import ValkeyRateLimiter

    server = ValkeyServer(redis_urls().coordination, "mentora-limits")
    try:
        yield ValkeyRateLimiter(server, prefix=RedisSettings().prefix)
    finally:
        server.close()


def make_async_rate_limiter() -> "AsyncValkeyRateLimiter":
    """Counts what is limited, for one event loop; whoever makes it closes it."""
    from mentora_pipelines.adapters.valkey.async_connection import AsyncValkeyServer
    from mentora_pipelines.adapters.valkey.async_rate_limiter import (
        AsyncValkeyRateLimiter,
    )

    server = AsyncValkeyServer(redis_urls().coordination, "mentora-limits")
    return AsyncValkeyRateLimiter(server, prefix=RedisSettings().prefix)


@contextmanager
def open_table_validator() -> "Iterator[GreatExpectationsValidator]":
    """Tries what is expected of tables, as the admin role; closed at the end.

    The library behind it is loaded when it is first asked.
    """
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.table_quality.validator import (
        GreatExpectationsValidator,
    )

    url = _migrated_urls().admin
    database = Database(url, "mentora-quality")
    try:
        yield GreatExpectationsValidator(
            database, url, look_back_days=MetricsSettings().look_back_days
        )
    finally:
        database.close()


def make_metric_reports() -> HtmlMetricReports:
    """Makes pages of metrics."""
    return HtmlMetricReports()


def make_report_shelf() -> ReportShelf:
    """Where pages of reports are put; a folder of this machine has no address."""
    signer = make_links() if StorageSettings().is_bucket else None
    return ReportShelf(make_storage(), ReportSettings().base_url, signer)


def make_storage() -> "FolderStorage | S3Storage":
    """Where uploads, audio and captions lie: a bucket, else a folder."""
    settings = StorageSettings()
    if not settings.is_bucket:
        return FolderStorage(storage_folder())
    from mentora_pipelines.adapters.s3_storage.connection import open_bucket
    from mentora_pipelines.adapters.s3_storage.storage import S3Storage

    return S3Storage(open_bucket(settings))


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
def open_orphans() -> "Iterator[OrphanRows]":
    """Which objects and vectors nobody names, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.orphans import OrphanRows

    database = Database(_migrated_urls().admin, "mentora-orphans")
    try:
        yield OrphanRows(database)
    finally:
        database.close()


def make_decoder() -> PyAvDecoder:
    """Gets the sound out of uploads, within the limits of the settings."""
    settings = MediaSettings()
    return PyAvDecoder(
        max_bytes=settings.max_bytes,
        max_duration_s=settings.max_duration_s,
        memory_bytes=settings.decoder_memory_bytes,
        language=TranscriberSettings().language,
    )


def make_transcriber(ledgers: UsageLedgers) -> Transcriber:
    """Turns speech into words, and books what it hears; whoever asks says who pays.

    A model of this machine loads at first use.
    """
    from mentora_pipelines.adapters.whisper.transcriber import WhisperTranscriber

    settings = TranscriberSettings()
    if settings.transcriber == "openai":
        return make_openai_transcriber(ledgers)
    local = WhisperTranscriber(
        settings.whisper_model,
        device=settings.whisper_device,
        language=settings.language,
    )
    return MeteredTranscriber(local, Path(settings.whisper_model).name, ledgers)


def make_embedder(ledgers: UsageLedgers) -> "TextModel":
    """Turns texts into vectors of the model that is searched.

    Another one that is set takes its place by `mentora reembed`; in a database without
    vectors the one that is set is the first. A model of this machine loads at first
    use.
    """
    with open_catalogue() as catalogue:
        active = catalogue.active_model()
    return (
        make_set_embedder(ledgers) if active is None else embedder_of(active, ledgers)
    )


def make_set_embedder(ledgers: UsageLedgers) -> "TextModel":
    """The model that the settings name."""
    if EmbedderSettings().embedder == "openai":
        return make_openai_embedder(ledgers)
    return make_local_embedder()


def embedder_of(model: "EmbeddingModel", ledgers: UsageLedgers) -> "TextModel":
    """What makes vectors of this very model; raises `SettingsError`."""
    local = make_local_embedder()
    if model == local.model:
        return local
    if model.provider == "openai":
        return make_openai_embedder(ledgers, model.model, model.dimensions)
    raise SettingsError(
        f"nothing here makes vectors of {model.provider}/{model.model} any more: "
        "`mentora reembed` makes those of another model"
    )


def make_local_embedder() -> MiniLmEmbedder:
    """The model of this machine."""
    return MiniLmEmbedder(HomeSettings().state_folder / "models")


def make_cached_embedder(cache: "Cache", ledgers: UsageLedgers) -> "TextModel":
    """The same behind a cache: a text that was embedded once is not asked for."""
    from mentora_pipelines.domain.caching.embeddings import CachedEmbedder

    return CachedEmbedder(make_embedder(ledgers), cache)


@contextmanager
def open_cache() -> "Iterator[ValkeyCache]":
    """The cache and its invalidation; closed at the end.

    Nothing is asked here: a server that is away is met, and borne, at first use.
    """
    from mentora_pipelines.adapters.valkey.cache import ValkeyCache
    from mentora_pipelines.adapters.valkey.connection import ValkeyServer

    urls = redis_urls()
    with (
        closing(ValkeyServer(urls.cache, "mentora-cache")) as values,
        closing(ValkeyServer(urls.coordination, "mentora-cache-index")) as index,
        closing(ValkeyCache(values, index, RedisSettings().prefix)) as cache,
    ):
        yield cache


@contextmanager
def open_usage_ledgers() -> "Iterator[PostgresUsageLedgers]":
    """Books what providers are asked for; its connections are closed at the end."""
    from mentora_pipelines.adapters.postgres.ai_usage import PostgresUsageLedgers
    from mentora_pipelines.adapters.postgres.database import Database

    urls = _migrated_urls()
    with (
        closing(Database(urls.app, "mentora-usage")) as app,
        closing(Database(urls.admin, "mentora-platform-usage")) as admin,
    ):
        yield PostgresUsageLedgers(app, admin, make_price_table())


@contextmanager
def open_spending() -> "Iterator[SpendingRows]":
    """Budgets, and the bill across creators, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.spending import SpendingRows

    with closing(Database(_migrated_urls().admin, "mentora-spending")) as database:
        yield SpendingRows(database)


@contextmanager
def open_lesson_services(ledgers: UsageLedgers) -> "Iterator[LessonServices]":
    """Whom the run of a lesson asks; closed at the end."""
    from mentora_pipelines.domain.spending.plans import LessonServices

    with open_cache() as cache:
        yield LessonServices(
            storage=make_storage(),
            decoder=make_decoder(),
            transcriber=make_transcriber(ledgers),
            embedder=make_cached_embedder(cache, ledgers),
            quiz_writer=make_quiz_writer(ledgers),
        )


def make_text_model(name: str, ledgers: UsageLedgers) -> "TextModel":
    """An embedding model by name, whatever is set; raises `InvalidInput`."""
    local = make_local_embedder()
    if name in ("minilm", local.model.model):
        return local
    if name == "openai" or name.startswith("text-embedding-"):
        return make_openai_embedder(ledgers, None if name == "openai" else name)
    raise InvalidInput(f"there is no embedding model {name!r}")


def make_price_table() -> PriceBook:
    """What calls cost: nothing here, else our own prices, else those published."""
    settings = SpendingSettings()
    own = {
        name: ModelPrice(price.input, price.output, price.minute)
        for name, price in settings.prices.items()
    }
    return PriceBook((LocalPrices(), OwnPrices(own, settings.version), GenaiPrices()))


@contextmanager
def open_quiz_desk() -> "Iterator[QuizDesk]":
    """Quizzes, requests and answers across creators, as the admin role."""
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.quiz_desk import QuizDesk

    database = Database(_migrated_urls().admin, "mentora-quizzes")
    try:
        yield QuizDesk(database)
    finally:
        database.close()


def make_item_analyst() -> "PandasItemAnalyst":
    """Computes what answers say about questions."""
    from mentora_pipelines.adapters.item_analysis import PandasItemAnalyst

    return PandasItemAnalyst()


def make_handouts() -> "FileHandouts":
    """Turns quizzes into files."""
    from mentora_pipelines.adapters.quiz_exports.printer import FileHandouts

    return FileHandouts()


def lesson_url(video_id: UUID) -> str | None:
    """Where the web application shows a lesson, if it is known where that is."""
    app_url = MailSettings().app_url
    return None if app_url is None else f"{app_url}/videos/{video_id}"


def make_quiz_writer(ledgers: UsageLedgers) -> QuizWriter:
    """Proposes questions about a lesson."""
    from mentora_pipelines.adapters.extractive_quiz.writer import ExtractiveQuizWriter

    if QuizSettings().writer == "claude":
        return make_claude_quiz_writer(ledgers)
    return ExtractiveQuizWriter()


def _migrated_urls() -> DatabaseUrls:
    """URLs of a database with our schema.

    The embedded database is brought up to date here; a hosted one never is without
    being asked. Raises `PermanentError` when that is still to be done.
    """
    urls = database_urls()
    _check_schema(urls)
    return urls


@cache
def _check_schema(urls: DatabaseUrls) -> None:
    if not migrations.is_behind(migrations.current_revision(urls.admin)):
        return
    if not urls.embedded:
        raise PermanentError(
            "the schema of the database is older than this code: run `mentora migrate`"
        )
    migrations.upgrade(urls.admin)
