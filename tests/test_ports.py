"""Never run: the type checker reads here that each adapter fits its ports."""

from mentora_pipelines.adapters.claude.quiz_writer import ClaudeQuizWriter
from mentora_pipelines.adapters.eml_folder import EmlFolder
from mentora_pipelines.adapters.extractive_quiz.writer import ExtractiveQuizWriter
from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.adapters.http_probe.guard import Resolver, SystemResolver
from mentora_pipelines.adapters.http_probe.lessons import NoLinkRenewer, WebLessonProber
from mentora_pipelines.adapters.item_analysis import PandasItemAnalyst
from mentora_pipelines.adapters.mail_renderer import JinjaMailRenderer
from mentora_pipelines.adapters.media.decoder import LocalSource, PyAvDecoder
from mentora_pipelines.adapters.metric_reports import HtmlMetricReports
from mentora_pipelines.adapters.minilm.embedder import MiniLmEmbedder
from mentora_pipelines.adapters.openai.embeddings import OpenAiEmbedder
from mentora_pipelines.adapters.openai.transcription import OpenAiTranscriber
from mentora_pipelines.adapters.postgres.analytics.daily_metrics import PostgresMetrics
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.adapters.postgres.memberships import PostgresMemberships
from mentora_pipelines.adapters.postgres.operations.achievements import AchievementRows
from mentora_pipelines.adapters.postgres.operations.content_health import (
    ContentHealthRows,
)
from mentora_pipelines.adapters.postgres.operations.email_outbox import EmailOutboxRows
from mentora_pipelines.adapters.postgres.operations.lesson_gaps import LessonGapRows
from mentora_pipelines.adapters.postgres.operations.orphans import OrphanRows
from mentora_pipelines.adapters.postgres.operations.platform_health import (
    PlatformHealthRows,
)
from mentora_pipelines.adapters.postgres.quizzes.quiz_desk import QuizDesk
from mentora_pipelines.adapters.postgres.search.golden_rows import GoldenIndex
from mentora_pipelines.adapters.postgres.spending.ai_usage import PostgresUsageLedgers
from mentora_pipelines.adapters.postgres.spending.spending import SpendingRows
from mentora_pipelines.adapters.price_table import GenaiPrices
from mentora_pipelines.adapters.quiz_exports.printer import FileHandouts
from mentora_pipelines.adapters.s3_storage.links import S3Links
from mentora_pipelines.adapters.s3_storage.notices import SqsNotices
from mentora_pipelines.adapters.s3_storage.storage import S3Storage
from mentora_pipelines.adapters.smtp import SmtpMailer
from mentora_pipelines.adapters.table_quality.validator import (
    GreatExpectationsValidator,
)
from mentora_pipelines.adapters.valkey.async_rate_limiter import AsyncValkeyRateLimiter
from mentora_pipelines.adapters.valkey.cache import ValkeyCache
from mentora_pipelines.adapters.valkey.rate_limiter import ValkeyRateLimiter
from mentora_pipelines.adapters.whisper.transcriber import WhisperTranscriber
from mentora_pipelines.adapters.whop.memberships import WhopMemberships
from mentora_pipelines.domain.analytics.daily_metrics import MetricsCalendar
from mentora_pipelines.domain.analytics.event_partitions import EventPartitions
from mentora_pipelines.domain.analytics.metric_reports import (
    MetricReports,
    MetricsBook,
)
from mentora_pipelines.domain.analytics.table_quality import TableValidator
from mentora_pipelines.domain.caching.cache import Cache, CacheInvalidator
from mentora_pipelines.domain.caching.embeddings import CachedEmbedder, TextModel
from mentora_pipelines.domain.events.consumers import MembershipWriter
from mentora_pipelines.domain.lessons.audio import AudioStore, MediaDecoder, Source
from mentora_pipelines.domain.lessons.captions import CaptionStore
from mentora_pipelines.domain.lessons.chunks import ChunkStore, TokenCounter
from mentora_pipelines.domain.lessons.embeddings import (
    BatchingEmbedder,
    Embedder,
    EmbeddingStore,
    GenerationRegistry,
)
from mentora_pipelines.domain.lessons.lesson_store import LessonCatalogue, LessonStore
from mentora_pipelines.domain.lessons.published_lessons import (
    LessonFactsReader,
    LessonPublisher,
)
from mentora_pipelines.domain.lessons.recognition import (
    RecognitionStore,
    Transcriber,
    WindowStore,
)
from mentora_pipelines.domain.lessons.transcripts import TranscriptStore
from mentora_pipelines.domain.lessons.versions import (
    EditCatalogue,
    EditedLessons,
    VersionStore,
)
from mentora_pipelines.domain.memberships.access import AccessDesk, AccessLedger
from mentora_pipelines.domain.memberships.deliveries import DeliveryRows
from mentora_pipelines.domain.memberships.memberships import (
    MembershipListing,
    MembershipRows,
    MembershipsOff,
)
from mentora_pipelines.domain.operations.achievements import AchievementLedger
from mentora_pipelines.domain.operations.content_health import (
    LessonProber,
    LinkRenewer,
)
from mentora_pipelines.domain.operations.health_looks import HealthLedger
from mentora_pipelines.domain.operations.lesson_gaps import GapFinder
from mentora_pipelines.domain.operations.mail_delivery import (
    EmailOutbox,
    Mailer,
    MailRenderer,
)
from mentora_pipelines.domain.operations.orphan_ledger import OrphanLedger
from mentora_pipelines.domain.operations.platform_health import (
    PlatformLedger,
    PlatformProbes,
)
from mentora_pipelines.domain.operations.stage_timings import StageTimings
from mentora_pipelines.domain.operations.unused_vectors import VectorLedger
from mentora_pipelines.domain.quizzes.handouts import HandoutPrinter
from mentora_pipelines.domain.quizzes.item_statistics import AnswerCounts, ItemAnalyst
from mentora_pipelines.domain.quizzes.life import EditableQuizzes
from mentora_pipelines.domain.quizzes.notices import QuizNotices
from mentora_pipelines.domain.quizzes.paid_answers import PaidAnswerStore, Remembers
from mentora_pipelines.domain.quizzes.questions import PlansQuiz, QuizWriter
from mentora_pipelines.domain.quizzes.quizzes import QuizReader, QuizStore
from mentora_pipelines.domain.quizzes.writing import LessonWithQuizzes
from mentora_pipelines.domain.rate_limits.limits import (
    AsyncRateLimiter,
    RateLimiter,
    UsageReader,
)
from mentora_pipelines.domain.search import SearchIndex
from mentora_pipelines.domain.spending.bills import Bills
from mentora_pipelines.domain.spending.budgets import Budgets
from mentora_pipelines.domain.spending.metering import MeteredTranscriber
from mentora_pipelines.domain.spending.prices import PriceBook, PriceTable
from mentora_pipelines.domain.spending.usage import (
    Billed,
    PlansEmbedding,
    PlansRecognition,
    UnansweredCalls,
    UsageLedgers,
)
from mentora_pipelines.domain.storage import (
    LinkSigner,
    ObjectStorage,
    StorageKeeper,
)
from mentora_pipelines.domain.upload_notices import (
    NoNotices,
    NoticeCatalogue,
    UploadNotices,
)
from mentora_pipelines.domain.uploads import UploadCatalogue
from mentora_pipelines.domain.videos import VideoCatalogue, VideoStatus
from mentora_pipelines.probes import Probes
from tests.fakes import (
    FakeCatalogue,
    FakeEmbedder,
    FakeLessonStore,
    FakeStorage,
    FakeTranscriber,
)


def storage_fits(folder: FolderStorage, bucket: S3Storage, fake: FakeStorage) -> None:
    """Uploads, audio and captions, and what is removed of them."""
    _storage: ObjectStorage = folder
    _storage = fake
    _keeper: StorageKeeper = folder
    _keeper = bucket


def bucket_fits(links: S3Links, notices: SqsNotices, silence: NoNotices) -> None:
    """Links to objects, and what the bucket tells of them."""
    _signer: LinkSigner = links
    _renewer: LinkRenewer = links
    _notices: UploadNotices = notices
    _notices = silence


def orphans_fit(adapter: OrphanRows) -> None:
    """What nobody names any more."""
    _objects: OrphanLedger = adapter
    _vectors: VectorLedger = adapter


def decoder_fits(adapter: PyAvDecoder, source: LocalSource) -> None:
    """Sound out of uploads."""
    _decoder: MediaDecoder = adapter
    _source: Source = source


def whisper_fits(adapter: WhisperTranscriber, fake: FakeTranscriber) -> None:
    """Words out of sound."""
    _transcriber: Transcriber = adapter
    _transcriber = fake


def minilm_fits(adapter: MiniLmEmbedder, fake: FakeEmbedder) -> None:
    """Vectors out of texts, and their tokens."""
    _embedder: Embedder = adapter
    _embedder = fake
    _counter: TokenCounter = adapter


def hosted_models_fit(
    embedder: OpenAiEmbedder,
    transcriber: OpenAiTranscriber,
    writer: ClaudeQuizWriter,
    cached: CachedEmbedder,
) -> None:
    """Models that are asked over the network, and who pays for that."""
    _embedder: BatchingEmbedder = embedder
    _embedder = cached
    _model: TextModel = embedder
    _transcriber: Transcriber = transcriber
    _writer: QuizWriter = writer
    _embedding: PlansEmbedding = embedder
    _embedding = cached
    _recognition: PlansRecognition = transcriber
    _quiz: PlansQuiz = writer
    _remembers: Remembers = writer
    _billed: Billed = embedder
    _billed = transcriber
    _billed = writer
    _billed = cached


def cache_fits(adapter: ValkeyCache) -> None:
    """What is remembered, and what is forgotten after a change."""
    _cache: Cache = adapter
    _invalidator: CacheInvalidator = adapter


def cached_embedder_fits(embedder: CachedEmbedder, adapter: MiniLmEmbedder) -> None:
    """Vectors that are made once."""
    _model: TextModel = embedder
    _model = adapter


def rate_limiters_fit(
    adapter: ValkeyRateLimiter, async_adapter: AsyncValkeyRateLimiter
) -> None:
    """Whether a call is allowed, and how many were."""
    _limiter: RateLimiter = adapter
    _usage: UsageReader = adapter
    _async: AsyncRateLimiter = async_adapter


def quiz_writer_fits(adapter: ExtractiveQuizWriter) -> None:
    """Questions out of lessons."""
    _writer: QuizWriter = adapter


def quizzes_fit(
    desk: QuizDesk, analyst: PandasItemAnalyst, files: FileHandouts
) -> None:
    """What is handed out, and what students made of it."""
    _counts: AnswerCounts = desk
    _analyst: ItemAnalyst = analyst
    _printer: HandoutPrinter = files


def golden_index_fits(adapter: GoldenIndex) -> None:
    """Search that is judged, as it is."""
    _index: SearchIndex = adapter


def catalogue_fits(adapter: PostgresCatalogue, fake: FakeCatalogue) -> None:
    """What crosses creators."""
    _uploads: UploadCatalogue = adapter
    _uploads = fake
    _told: NoticeCatalogue = adapter
    _videos: VideoCatalogue = adapter
    _generations: GenerationRegistry = adapter
    _lessons: LessonCatalogue = adapter
    _index: SearchIndex = adapter
    _edits: EditCatalogue = adapter
    _timings: StageTimings = adapter


def platform_health_fits(ledger: PlatformHealthRows, probes: Probes) -> None:
    """What looks at the platform."""
    _ledger: PlatformLedger = ledger
    _probes: PlatformProbes = probes


def lessons_fit(adapter: PostgresLessons, fake: FakeLessonStore) -> None:
    """One creator's rows."""
    _all: LessonStore = adapter
    _shelf: EditableQuizzes = adapter
    _status: VideoStatus = adapter
    _audio: AudioStore = adapter
    _captions: CaptionStore = adapter
    _chunks: ChunkStore = adapter
    _vectors: EmbeddingStore = adapter
    _transcripts: TranscriptStore = adapter
    _windows: WindowStore = adapter
    _recognition: RecognitionStore = adapter
    _facts: LessonFactsReader = adapter
    _publisher: LessonPublisher = adapter
    _reader: QuizReader = adapter
    _quizzes: QuizStore = adapter
    _versions: VersionStore = adapter
    _edited: EditedLessons = adapter
    _with_quizzes: LessonWithQuizzes = adapter
    _notices: QuizNotices = adapter
    _answers: PaidAnswerStore = adapter
    _with_quizzes = fake
    _vectors = fake
    _status = fake


def mail_fits(
    outbox: EmailOutboxRows,
    renderer: JinjaMailRenderer,
    smtp: SmtpMailer,
    folder: EmlFolder,
) -> None:
    """Mail: what is due, how it looks, and where it goes."""
    _outbox: EmailOutbox = outbox
    _renderer: MailRenderer = renderer
    _mailer: Mailer = smtp
    _mailer = folder


def achievements_fit(adapter: AchievementRows) -> None:
    """Rewards for events."""
    _ledger: AchievementLedger = adapter


def content_health_fits(
    ledger: ContentHealthRows,
    gaps: LessonGapRows,
    prober: WebLessonProber,
    renewer: NoLinkRenewer,
    resolver: SystemResolver,
) -> None:
    """Looks at lessons."""
    _ledger: HealthLedger = ledger
    _gaps: GapFinder = gaps
    _prober: LessonProber = prober
    _renewer: LinkRenewer = renewer
    _resolver: Resolver = resolver


def memberships_fit(
    rows: PostgresMemberships, whop: WhopMemberships, off: MembershipsOff
) -> None:
    """Who bought what, and who may see it."""
    _rows: MembershipRows = rows
    _ledger: AccessLedger = rows
    _deliveries: DeliveryRows = rows
    _writer: MembershipWriter = rows
    _listing: MembershipListing = whop
    _listing = off
    _desk: AccessDesk = whop
    _desk = off


def metrics_fit(
    adapter: PostgresMetrics,
    reports: HtmlMetricReports,
    validator: GreatExpectationsValidator,
) -> None:
    """Metrics of days, their pages and the events beneath; the quality of tables."""
    _book: MetricsBook = adapter
    _calendar: MetricsCalendar = adapter
    _partitions: EventPartitions = adapter
    _reports: MetricReports = reports
    _validator: TableValidator = validator


def spending_fits(
    ledgers: PostgresUsageLedgers,
    spending: SpendingRows,
    published: GenaiPrices,
    book: PriceBook,
    transcriber: MeteredTranscriber,
) -> None:
    """The ledger, what limits it, and prices."""
    _ledgers: UsageLedgers = ledgers
    _budgets: Budgets = spending
    _bills: Bills = spending
    _unanswered: UnansweredCalls = spending
    _prices: PriceTable = published
    _prices = book
    _transcriber: Transcriber = transcriber
    _billed: Billed = transcriber
    _plans: PlansRecognition = transcriber
