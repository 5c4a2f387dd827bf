"""Every environment variable the platform reads, one class per service.

Here belong names, defaults and their checks. Not here: connecting to anything. A
class reads the environment when it is made, never at import.
"""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from email.headerregistry import Address
from email.utils import parseaddr
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from mentora_pipelines.errors import SettingsError


def _postgres_url(url: SecretStr) -> SecretStr:
    if urlsplit(url.get_secret_value()).scheme not in ("postgresql", "postgres"):
        raise ValueError("must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
    return url


def _redis_url(url: SecretStr) -> SecretStr:
    if urlsplit(url.get_secret_value()).scheme not in ("redis", "rediss"):
        raise ValueError("must be redis://… or rediss://… (TLS)")
    return url


def _storage_url(url: str) -> str:
    if re.fullmatch("file:///.*", url) or re.fullmatch(
        # Names of buckets as Amazon has them; a prefix of plain parts.
        "s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?",
        url,
    ):
        return url
    raise ValueError("must be file:///ABSOLUTE/FOLDER or s3://BUCKET/PREFIX")


def _smtp_url(url: SecretStr) -> SecretStr:
    _parse_smtp(url.get_secret_value())
    return url


def _mail_from(text: str) -> str:
    name, address = parseaddr(text)
    if not (text.isprintable() and address.isascii() and address.find("@") > 0):
        raise ValueError("must be NAME <ADDRESS@DOMAIN>")
    try:
        Address(name, addr_spec=address)
    except (ValueError, IndexError):
        raise ValueError("must be NAME <ADDRESS@DOMAIN>") from None
    return text


def _web_url(url: str) -> str:
    parts = urlsplit(url)
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.username is not None
        or parts.query
        or parts.fragment
        or not url.isprintable()
        or " " in url
    ):
        raise ValueError("must be https://HOST or https://HOST/PATH")
    return url.rstrip("/")


def _blank_is_unset(value: object) -> object:
    return None if value == "" else value


_Price = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres_url)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]


class _Settings(BaseSettings):
    """Reads its variables when made; raises `SettingsError` that names every fault."""

    def __init__(self) -> None:
        try:
            super().__init__()
        except ValidationError as error:
            faults = "\n".join(f"  {_sentence(fault)}" for fault in error.errors())
            raise SettingsError(f"wrong settings:\n{faults}") from None

    model_config = SettingsConfigDict(
        env_ignore_empty=True,
        extra="ignore",
        # A refused value may be a secret.
        hide_input_in_errors=True,
    )


class DatabaseSettings(_Settings):
    """The lessons' database; the embedded server when both URLs are unset."""

    app_url: PostgresUrl | None = Field(None, alias="DATABASE_URL")
    admin_url: PostgresUrl | None = Field(None, alias="DATABASE_ADMIN_URL")

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.app_url is None) != (self.admin_url is None):
            raise ValueError(
                "set both DATABASE_URL (role mentora_app) and DATABASE_ADMIN_URL "
                "(role mentora_admin), or neither for the embedded server"
            )
        return self


class DagsterStorageSettings(_Settings):
    """Dagster's own database; the embedded server when unset."""

    url: PostgresUrl | None = Field(None, alias="DAGSTER_POSTGRES_URL")


class RedisSettings(_Settings):
    """Cache and coordination; the embedded servers when `REDIS_URL` is unset."""

    cache_url: RedisUrl | None = Field(None, alias="REDIS_URL")
    coordination_url: RedisUrl | None = Field(
        None, alias="MENTORA_COORDINATION_REDIS_URL"
    )
    prefix: str = Field(
        "", max_length=64, pattern="^[A-Za-z0-9_.:-]*$", alias="MENTORA_CACHE_PREFIX"
    )


class StorageSettings(_Settings):
    """Object storage; `.mentora/storage` when unset.

    The names that begin with `AWS_` are those of Amazon's own tools.
    """

    url: Annotated[str, AfterValidator(_storage_url)] | None = Field(
        None, alias="MENTORA_STORAGE_URL"
    )
    endpoint_url: Annotated[str, AfterValidator(_web_url)] | None = Field(
        None, alias="AWS_ENDPOINT_URL"
    )
    s3_endpoint_url: Annotated[str, AfterValidator(_web_url)] | None = Field(
        None, alias="AWS_ENDPOINT_URL_S3"
    )
    sqs_endpoint_url: Annotated[str, AfterValidator(_web_url)] | None = Field(
        None, alias="AWS_ENDPOINT_URL_SQS"
    )
    region: str | None = Field(None, alias="AWS_REGION")
    default_region: str | None = Field(None, alias="AWS_DEFAULT_REGION")
    access_key_id: str | None = Field(None, alias="AWS_ACCESS_KEY_ID")
    secret_access_key: SecretStr | None = Field(None, alias="AWS_SECRET_ACCESS_KEY")
    session_token: SecretStr | None = Field(None, alias="AWS_SESSION_TOKEN")
    encrypt_with: Literal["AES256", "aws:kms"] | None = Field(
        None, alias="MENTORA_STORAGE_ENCRYPTION"
    )
    kms_key_id: str | None = Field(None, alias="MENTORA_STORAGE_KMS_KEY_ID")
    # Of one answer, and of all attempts to get it: less than Dagster gives a sensor.
    timeout_s: float = Field(
        10.0, gt=0, le=60, allow_inf_nan=False, alias="MENTORA_STORAGE_TIMEOUT_S"
    )
    retry_s: float = Field(
        40.0, ge=0, le=600, allow_inf_nan=False, alias="MENTORA_STORAGE_RETRY_S"
    )
    queue_url: Annotated[str, AfterValidator(_web_url)] | None = Field(
        None, alias="MENTORA_UPLOADS_QUEUE_URL"
    )
    orphan_grace_days: int = Field(7, ge=1, alias="MENTORA_ORPHAN_GRACE_DAYS")

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        lacks_a_key = (self.access_key_id is None) != (self.secret_access_key is None)
        if self.is_bucket and lacks_a_key:
            raise ValueError(
                "set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither"
            )
        if self.kms_key_id is not None and self.encrypt_with != "aws:kms":
            raise ValueError(
                "MENTORA_STORAGE_KMS_KEY_ID needs MENTORA_STORAGE_ENCRYPTION=aws:kms"
            )
        if self.queue_url is not None and not self.is_bucket:
            raise ValueError(
                "MENTORA_UPLOADS_QUEUE_URL needs MENTORA_STORAGE_URL=s3://BUCKET"
            )
        return self

    @property
    def is_bucket(self) -> bool:
        """Whether the URL names a bucket."""
        return self.url is not None and self.url.startswith("s3://")

    @property
    def folder(self) -> Path | None:
        """The folder that the URL names."""
        if self.url is None or self.is_bucket:
            return None
        return Path(unquote(urlsplit(self.url).path))

    @property
    def bucket(self) -> str:
        """The bucket that the URL names; empty without one."""
        return urlsplit(self.url or "").netloc if self.is_bucket else ""

    @property
    def prefix(self) -> str:
        """What stands before every key: empty, or ending in a slash."""
        path = urlsplit(self.url or "").path.strip("/") if self.is_bucket else ""
        return f"{path}/" if path else ""

    @property
    def endpoint_host(self) -> str | None:
        """The host of a store that is not Amazon's."""
        return urlsplit(self.endpoint_of("s3") or "").hostname

    def endpoint_of(self, service: Literal["s3", "sqs"]) -> str | None:
        """The address of a service that is not Amazon's."""
        own = self.s3_endpoint_url if service == "s3" else self.sqs_endpoint_url
        return own or self.endpoint_url

    @property
    def encryption(self) -> dict[str, str]:
        """How a new object is to be encrypted, in the words of the protocol."""
        asked: dict[str, str] = {}
        if self.encrypt_with is not None:
            asked["ServerSideEncryption"] = self.encrypt_with
        if self.kms_key_id is not None:
            asked["SSEKMSKeyId"] = self.kms_key_id
        return asked


class MediaSettings(_Settings):
    """Limits of an upload, and of the process that decodes it."""

    max_bytes: int = Field(8 << 30, gt=0, alias="MENTORA_MAX_UPLOAD_BYTES")
    max_duration_s: float = Field(
        6 * 3600.0, gt=0, allow_inf_nan=False, alias="MENTORA_MAX_DURATION_S"
    )
    # Address space; half of the least is taken by the libraries.
    decoder_memory_bytes: int = Field(
        1 << 30, ge=256 << 20, alias="MENTORA_DECODER_MEMORY_BYTES"
    )


class TranscriberSettings(_Settings):
    """Who turns speech into words."""

    transcriber: Literal["faster-whisper", "openai"] = Field(
        "faster-whisper", alias="MENTORA_TRANSCRIBER"
    )
    whisper_model: str = Field("tiny.en", min_length=1, alias="MENTORA_WHISPER_MODEL")
    whisper_device: Literal["cpu", "cuda"] = Field(
        "cpu", alias="MENTORA_WHISPER_DEVICE"
    )
    language: Annotated[str | None, BeforeValidator(_blank_is_unset)] = Field(
        None, pattern="^[a-z]{2,3}$", alias="MENTORA_LANGUAGE"
    )

    @model_validator(mode="after")
    def _model_knows_the_language(self) -> Self:
        # A model's own languages are known when it is loaded; its name tells this much.
        if (
            self.transcriber == "faster-whisper"
            and self.whisper_model.endswith(".en")
            and self.language not in (None, "en")
        ):
            raise ValueError(
                f"MENTORA_WHISPER_MODEL: {self.whisper_model} understands English "
                "only, and MENTORA_LANGUAGE is another language"
            )
        return self


class EmbedderSettings(_Settings):
    """Who turns texts into vectors."""

    embedder: Literal["minilm", "openai"] = Field("minilm", alias="MENTORA_EMBEDDER")


class QuizSettings(_Settings):
    """Who writes quizzes, and whether each new lesson gets one."""

    writer: Literal["extractive", "claude"] = Field(
        "extractive", alias="MENTORA_QUIZ_WRITER"
    )
    auto_generate: bool = Field(True, alias="MENTORA_AUTO_GENERATE_QUIZ")


class FlowSettings(_Settings):
    """How fast lessons are started, and whose come first."""

    starts_per_minute: int = Field(5, ge=1, alias="MENTORA_STARTS_PER_MINUTE")
    plan_weights: dict[str, Annotated[int, Field(ge=1, le=100)]] = Field(
        default={"free": 1, "pro": 3, "business": 9}, alias="MENTORA_PLAN_WEIGHTS"
    )


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A mail server, and how it is to be spoken to."""

    host: str
    port: int
    implicit_tls: bool
    starttls: bool
    user: str | None
    password: SecretStr | None


def _parse_smtp(url: str) -> SmtpServer:
    """The parts of an SMTP URL; raises `ValueError` without any of them.

    STARTTLS is required unless the host is this machine, or `?starttls=no`.
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    wanted = options.pop("starttls", None)
    implicit_tls = parts.scheme == "smtps"
    if (
        parts.scheme not in ("smtp", "smtps")
        or not parts.hostname
        or parts.path not in ("", "/")
        or options
        or parts.fragment
        or wanted not in ((None,) if implicit_tls else (None, "yes", "no"))
    ):
        raise ValueError(
            "must be smtp://USER:PASSWORD@HOST:PORT[?starttls=no] or smtps://…"
        )
    if bool(parts.username) != bool(parts.password):
        raise ValueError("must have both a user and a password, or neither")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not (user.isascii() and password.isascii()):
        raise ValueError("the user and the password may hold ASCII characters only")
    try:
        port = parts.port
    except ValueError:
        raise ValueError("the port is not a number up to 65535") from None
    return SmtpServer(
        parts.hostname,
        # 587 submission (RFC 6409), 465 submission over TLS (RFC 8314)
        port or (465 if implicit_tls else 587),
        implicit_tls,
        not implicit_tls
        and (wanted == "yes" or (wanted is None and not _is_loopback(parts.hostname))),
        user or None,
        SecretStr(password) if password else None,
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class MailSettings(_Settings):
    """Who sends mail: `.eml` files in `.mentora/mail` when no server is named."""

    smtp_url: Annotated[SecretStr, AfterValidator(_smtp_url)] | None = Field(
        None, alias="MENTORA_SMTP_URL"
    )
    mail_from: Annotated[str, AfterValidator(_mail_from)] | None = Field(
        None, alias="MENTORA_MAIL_FROM"
    )
    app_url: Annotated[str, AfterValidator(_web_url)] | None = Field(
        None, alias="MENTORA_APP_URL"
    )

    @model_validator(mode="after")
    def _a_server_needs_a_sender(self) -> Self:
        if self.smtp_url is not None and self.mail_from is None:
            raise ValueError("MENTORA_SMTP_URL needs MENTORA_MAIL_FROM, the sender")
        return self

    @property
    def server(self) -> SmtpServer | None:
        """The mail server, or None for the folder."""
        url = self.smtp_url
        return None if url is None else _parse_smtp(url.get_secret_value())

    @property
    def sender(self) -> Address:
        """Who the mail is from."""
        name, address = parseaddr(self.mail_from or "Mentora <mentora@localhost>")
        return Address(name, addr_spec=address)


def _trusted_host(entry: str) -> str:
    """`HOST` or `HOST:PORT`, in lower case."""
    host, _, port = entry.strip().lower().partition(":")
    labels = host.split(".")
    if (
        not all(
            re.fullmatch("[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?", part) for part in labels
        )
        or labels[-1].isdigit()
        or (":" in entry and not (port.isdigit() and 0 < int(port) < 65536))
    ):
        raise ValueError("must be HOST or HOST:PORT, no address and no wildcard")
    return f"{host}:{port}" if port else host


def _trusted_hosts(entries: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(_trusted_host, entries))


def _web_urls(urls: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(_web_url, urls))


class HealthSettings(_Settings):
    """How the videos of lessons are asked for, and when a creator is told."""

    failures: int = Field(3, ge=1, alias="MENTORA_HEALTH_FAILURES")
    hours: float = Field(24.0, ge=0, allow_inf_nan=False, alias="MENTORA_HEALTH_HOURS")
    timeout_s: float = Field(
        15.0, ge=1, le=120, allow_inf_nan=False, alias="MENTORA_HEALTH_TIMEOUT_S"
    )
    concurrency: int = Field(64, ge=1, le=512, alias="MENTORA_HEALTH_CONCURRENCY")
    per_host: int = Field(4, ge=1, le=64, alias="MENTORA_HEALTH_PER_HOST")
    trusted_hosts: Annotated[tuple[str, ...], AfterValidator(_trusted_hosts)] = Field(
        (), alias="MENTORA_HEALTH_TRUSTED_HOSTS"
    )
    control_urls: Annotated[tuple[str, ...], AfterValidator(_web_urls)] = Field(
        (), alias="MENTORA_HEALTH_CONTROL_URLS"
    )
    # A quarter holds a dozen weekly looks, more than any alert is made of.
    retention_months: int = Field(12, ge=3, alias="MENTORA_HEALTH_RETENTION_MONTHS")

    @property
    def trusted(self) -> dict[str, frozenset[int]]:
        """The trusted hosts with the ports that they may be asked on."""
        ports: dict[str, frozenset[int]] = {}
        for entry in self.trusted_hosts:
            host, _, port = entry.partition(":")
            own = frozenset((int(port),)) if port else frozenset((80, 443))
            ports[host] = ports.get(host, frozenset()) | own
        return ports


class MetricsSettings(_Settings):
    """How long a day's metrics follow late events, and how long events are kept."""

    look_back_days: int = Field(14, ge=1, le=90, alias="MENTORA_METRICS_LOOK_BACK_DAYS")
    # A month is put away when no look-back reaches it any more: three, plus this one.
    retention_months: int | None = Field(
        None, ge=4, alias="MENTORA_EVENTS_RETENTION_MONTHS"
    )


class AiPrice(BaseModel):
    """US dollars for a million tokens in and out, and for a minute of sound."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: _Price | None = None
    output: _Price | None = None
    minute: _Price | None = None


class SpendingSettings(_Settings):
    """Prices of models that no published list knows, or of a contract of one's own."""

    prices: dict[Annotated[str, Field(pattern="^[^/]+/.+$")], AiPrice] = Field(
        default_factory=dict, alias="MENTORA_AI_PRICES"
    )

    @property
    def version(self) -> str:
        """Names these prices: other prices have another name."""
        text = repr(sorted((name, str(price)) for name, price in self.prices.items()))
        return f"own {sha256(text.encode()).hexdigest()[:12]}"


_Limit = Annotated[int, Field(ge=1)]


class OpenAiSettings(_Settings):
    """OpenAI's API, or a server that speaks it, and the models that are asked there.

    A server for transcription alone, as on a GPU machine, has a URL and a key of its
    own. Limits are those of the account, for each minute; None: not known.
    """

    key: SecretStr | None = Field(None, alias="OPENAI_API_KEY")
    base_url: Annotated[str, AfterValidator(_web_url)] = Field(
        "https://api.openai.com/v1", alias="OPENAI_BASE_URL"
    )
    embedding_model: str = Field(
        "text-embedding-3-small", min_length=1, alias="MENTORA_EMBEDDING_MODEL"
    )
    # What an index of pgvector holds at most.
    embedding_dimensions: int = Field(
        1536, ge=1, le=2000, alias="MENTORA_EMBEDDING_DIMENSIONS"
    )
    embedding_requests: _Limit | None = Field(
        3_000, alias="MENTORA_EMBEDDING_REQUESTS_PER_MINUTE"
    )
    embedding_tokens: _Limit | None = Field(
        1_000_000, alias="MENTORA_EMBEDDING_TOKENS_PER_MINUTE"
    )
    transcription_url: Annotated[str, AfterValidator(_web_url)] | None = Field(
        None, alias="MENTORA_TRANSCRIPTION_URL"
    )
    transcription_key: SecretStr | None = Field(None, alias="MENTORA_TRANSCRIPTION_KEY")
    # The hosted one that tells when each word was said.
    transcription_model: str = Field(
        "whisper-1", min_length=1, alias="MENTORA_TRANSCRIPTION_MODEL"
    )
    transcription_requests: _Limit | None = Field(
        500, alias="MENTORA_TRANSCRIPTION_REQUESTS_PER_MINUTE"
    )
    transcription_timeout_s: float = Field(
        300.0,
        ge=1,
        le=3600,
        allow_inf_nan=False,
        alias="MENTORA_TRANSCRIPTION_TIMEOUT_S",
    )


class AnthropicSettings(_Settings):
    """Anthropic's API and the model that writes quizzes."""

    key: SecretStr | None = Field(None, alias="ANTHROPIC_API_KEY")
    base_url: Annotated[str, AfterValidator(_web_url)] = Field(
        "https://api.anthropic.com", alias="ANTHROPIC_BASE_URL"
    )
    quiz_model: str = Field("claude-sonnet-5", min_length=1, alias="MENTORA_QUIZ_MODEL")
    requests: _Limit | None = Field(50, alias="MENTORA_QUIZ_REQUESTS_PER_MINUTE")
    tokens: _Limit | None = Field(30_000, alias="MENTORA_QUIZ_INPUT_TOKENS_PER_MINUTE")


class WhopSettings(_Settings):
    """Who sells memberships; off when no key is named."""

    api_key: SecretStr | None = Field(None, alias="WHOP_API_KEY")
    webhook_secret: SecretStr | None = Field(None, alias="WHOP_WEBHOOK_SECRET")
    base_url: Annotated[str, AfterValidator(_web_url)] = Field(
        "https://api.whop.com/api/v1", alias="WHOP_BASE_URL"
    )
    grace_hours: float = Field(
        24.0, ge=0, le=168, allow_inf_nan=False, alias="MENTORA_MEMBERSHIP_GRACE_HOURS"
    )

    @model_validator(mode="after")
    def _the_key_is_sent_over_tls(self) -> Self:
        parts = urlsplit(self.base_url)
        if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
            raise ValueError("WHOP_BASE_URL: must be https, but for this machine")
        return self


class ReportSettings(_Settings):
    """Where people open the pages of reports."""

    base_url: Annotated[str, AfterValidator(_web_url)] | None = Field(
        None, alias="MENTORA_REPORTS_URL"
    )


def _sentry_dsn(dsn: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(dsn.get_secret_value())
        whole = parts.username and parts.hostname and parts.path.strip("/").isdigit()
    except ValueError:
        whole = False
    if not whole or parts.scheme not in ("http", "https"):
        raise ValueError("must be https://KEY@HOST/PROJECT")
    return dsn


class ObservabilitySettings(_Settings):
    """Where errors are told, under which name, and how much is logged."""

    sentry_dsn: Annotated[SecretStr, AfterValidator(_sentry_dsn)] | None = Field(
        None, alias="SENTRY_DSN"
    )
    # Sentry allows no space and no slash in the name of an environment.
    environment: str = Field(
        "development",
        max_length=64,
        pattern="^[A-Za-z0-9_.-]+$",
        alias="MENTORA_ENVIRONMENT",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", alias="MENTORA_LOG_LEVEL"
    )

    @property
    def traces_sample_rate(self) -> float:
        """The share of runs whose spans are sent, as specified."""
        return 0.1 if self.environment == "production" else 1.0


def _mail_address(text: str) -> str:
    # What a template does to it is checked where mail is written.
    if not re.fullmatch(r"[^\s@<>,;]+@[^\s@<>,;]+", text):
        raise ValueError("must be one mail address")
    return text


class PlatformHealthSettings(_Settings):
    """From when on the platform is not well, and who is told."""

    operator: Annotated[str, AfterValidator(_mail_address)] | None = Field(
        None, alias="MENTORA_OPERATOR_EMAIL"
    )
    max_waiting: int = Field(200, ge=1, alias="MENTORA_ALERT_WAITING_UPLOADS")
    max_oldest_minutes: float = Field(
        60.0, gt=0, allow_inf_nan=False, alias="MENTORA_ALERT_OLDEST_UPLOAD_MINUTES"
    )
    max_dead_letters: int = Field(0, ge=0, alias="MENTORA_ALERT_DEAD_LETTERS")
    max_budget_share: float = Field(
        0.9, gt=0, allow_inf_nan=False, alias="MENTORA_ALERT_BUDGET_SHARE"
    )
    confirmations: int = Field(2, ge=1, le=100, alias="MENTORA_ALERT_CONFIRMATIONS")


class HomeSettings(_Settings):
    """The folder that holds `dagster.yaml`, and `.mentora/` beside it."""

    dagster_home: Path | None = Field(None, alias="DAGSTER_HOME")

    @property
    def home(self) -> Path:
        """`DAGSTER_HOME`, else the nearest folder upwards with a `dagster.yaml`.

        Raises `SettingsError` when there is none.
        """
        if self.dagster_home is not None:
            home = self.dagster_home.expanduser().resolve()
            if not (home / "dagster.yaml").is_file():
                raise SettingsError(f"DAGSTER_HOME: there is no dagster.yaml in {home}")
            return home
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (folder / "dagster.yaml").is_file():
                return folder
        raise SettingsError(
            f"there is no dagster.yaml in {here} or above it: go to the project's "
            "folder, or set DAGSTER_HOME to it"
        )

    @property
    def state_folder(self) -> Path:
        """Where the embedded servers and the local storage keep their files."""
        return self.home / ".mentora"


ALL_SETTINGS: tuple[type[_Settings], ...] = (
    HomeSettings,
    DatabaseSettings,
    DagsterStorageSettings,
    RedisSettings,
    StorageSettings,
    MediaSettings,
    TranscriberSettings,
    EmbedderSettings,
    QuizSettings,
    FlowSettings,
    MailSettings,
    HealthSettings,
    MetricsSettings,
    SpendingSettings,
    OpenAiSettings,
    AnthropicSettings,
    WhopSettings,
    ReportSettings,
    ObservabilitySettings,
    PlatformHealthSettings,
)


def check_settings() -> None:
    """Read every class once; raises one `SettingsError` that names every fault."""
    faults: list[str] = []
    for settings in ALL_SETTINGS:
        try:
            settings()
        except SettingsError as error:
            faults += str(error).splitlines()[1:]
    if faults:
        raise SettingsError("wrong settings:\n" + "\n".join(faults))


def _sentence(fault: Mapping[str, object]) -> str:
    """One fault without its value, which may be a secret."""
    place = fault["loc"]
    name = ".".join(map(str, place)) if isinstance(place, tuple) else ""
    message = str(fault["msg"]).removeprefix("Value error, ")
    return f"{name}: {message}" if name else message


def secret_values() -> frozenset[str]:
    """Every secret of the environment, to be taken out of what is told to others.

    Of a URL its password, as it stands there and decoded; of a key the key.
    """
    found: set[str] = set()
    for settings in ALL_SETTINGS:
        try:
            values = settings().model_dump().values()
        except SettingsError:
            continue
        for value in values:
            if isinstance(value, SecretStr):
                found |= _secret_parts(value.get_secret_value())
    return frozenset(found)


MIN_SECRET_CHARACTERS = 4
"""A shorter one stands in too many words to be taken out of them."""


def _secret_parts(secret: str) -> set[str]:
    parts = {secret}
    if "://" in secret:
        url = urlsplit(secret)
        # A DSN of Sentry has its key where others have the user.
        kept = url.password or url.username or ""
        parts = {secret, kept, unquote(kept)}
    return {part for part in parts if len(part) >= MIN_SECRET_CHARACTERS}


def bare_environment() -> dict[str, str]:
    """What a confined process gets: where libraries lie, and no secret."""
    wanted = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    return {
        name: os.environ[name]  # noqa: TID251  (the one place that reads it)
        for name in wanted
        if name in os.environ  # noqa: TID251  (the same)
    }


def child_environment(**overrides: str) -> dict[str, str]:
    """The environment of this process with `overrides`, for a process it starts."""
    return {**os.environ, **overrides}  # noqa: TID251  (the one place that reads it)
