"""A client of a bucket, whose every request is repeated within bounds of ours.

Here belong the client's settings, the pauses, and the translation of the SDK's errors.
Not here: what is asked of a bucket. The SDK itself repeats nothing.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)
from urllib3.exceptions import HTTPError

from mentora_pipelines.errors import (
    InvalidInput,
    NotFound,
    ObjectChanged,
    PermanentError,
    SettingsError,
    TransientError,
)
from mentora_pipelines.settings.storage import StorageSettings

Answer = TypeVar("Answer")

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0

CONNECTIONS = 16
"""As many as the threads of one process that ask at once, and some more."""

R2_HOSTS = ".r2.cloudflarestorage.com"

_MISSING = frozenset(("404", "NoSuchKey", "NoSuchVersion", "NotFound", "NoSuchUpload"))
_CHANGED = frozenset(("412", "PreconditionFailed"))
_MALFORMED = frozenset(("KeyTooLongError", "InvalidURI", "InvalidObjectName"))
_DENIED = frozenset((400, 401, 403))
"""Statuses of keys that are not valid any more; to HEAD no code is told."""

_PASSING = frozenset(
    (
        "BadDigest",
        "ConditionalRequestConflict",
        "InternalError",
        "InvalidPart",
        "OperationAborted",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "XAmzContentSHA256Mismatch",
    )
)
"""Codes that pass by themselves, or when all is sent again; the digests are of bytes
damaged on their way, a part of a store that was restarted."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which part of which bucket is ours; the prefix is empty or ends in `/`."""

    bucket: str
    prefix: str
    is_r2: bool
    encryption: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """As in `MENTORA_STORAGE_URL`."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


class Bucket:
    """A client of one bucket; safe to be used by several threads.

    `retry_s` is how long a request is repeated while the store is away.
    """

    def __init__(self, place: Place, client: Any, retry_s: float) -> None:  # noqa: ANN401  (the SDK has no types)
        self.place = place
        self.client = client
        self.retry_s = retry_s

    def ask(self, what: str, request: Callable[[], Answer]) -> Answer:
        """The answer to an idempotent request, repeated while that can help.

        Raises `NotFound`, `ObjectChanged` and the other errors of `translated`.
        """
        pauses = Pauses(self.retry_s)
        while True:
            try:
                with translated(what):
                    return request()
            except ObjectChanged:
                raise
            except TransientError as error:
                pauses.wait_after(error)

    def close(self) -> None:
        """Close its connections."""
        self.client.close()


class Pauses:
    """Pauses between attempts, until the time for them is over."""

    def __init__(self, retry_s: float) -> None:
        self._retry_s = retry_s
        self._pause_s = FIRST_PAUSE_S
        self._until = time.monotonic() + retry_s

    def renew(self) -> None:
        """Begin anew, since there was progress."""
        self._pause_s = FIRST_PAUSE_S
        self._until = time.monotonic() + self._retry_s

    def wait_after(self, error: TransientError) -> None:
        """Pause, or raise `error` when another attempt would come too late."""
        pause_s = self._pause_s * random.uniform(0.5, 1.0)  # noqa: S311  (no secret)
        if time.monotonic() + pause_s > self._until:
            raise error
        time.sleep(pause_s)
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turns the SDK's errors into ours; their text, which may tell much, is left out.

    A missing object is `NotFound`, another one than was asked for `ObjectChanged`, a
    malformed request `InvalidInput`. Missing credentials are `SettingsError`, and what
    else the store refuses is `PermanentError`; the rest may pass, `TransientError`.
    """
    try:
        yield
    except ClientError as error:
        raise _translation(what, error) from None
    except (NoCredentialsError, PartialCredentialsError) as error:
        sdk_session.cache_clear()
        raise SettingsError(
            "no complete credentials for the bucket: set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or give this machine a role"
        ) from error
    except ParamValidationError:
        raise InvalidInput(f"storage: {what} is malformed") from None
    except (BotoCoreError, HTTPError, ConnectionError, TimeoutError) as error:
        raise TransientError(f"storage: {what}: {type(error).__name__}") from None


def _translation(what: str, error: ClientError) -> Exception:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _CHANGED or status == 412:
        return ObjectChanged(f"storage: {what}: other bytes are there by now")
    if code in _PASSING or status in (408, 429) or status >= 500:
        return TransientError(f"storage: {what}: {code or status}")
    if code in _MISSING:
        return NotFound(f"storage: {what}: there is nothing")
    if code in _MALFORMED:
        return InvalidInput(f"storage: {what}: {code}")
    if status in _DENIED:
        sdk_session.cache_clear()
    return PermanentError(f"storage refuses {what}: {code or status}")


def open_bucket(settings: StorageSettings) -> Bucket:
    """A client of the bucket that the settings name; asks nothing yet."""
    host = settings.endpoint_host or ""
    is_r2 = host.endswith(R2_HOSTS)
    place = Place(settings.bucket, settings.prefix, is_r2, settings.encryption)
    return Bucket(place, make_client("s3", settings), settings.retry_s)


_making = threading.Lock()
"""Sessions are not safe for threads; clients are."""


@cache
def sdk_session() -> boto3.session.Session:
    """The one of this process: it reads the SDK's own files, and keeps a role's keys.

    A new one for each client would cost 0.1 s, and ask for the role's keys again. It
    never reads a file anew: where keys are refused or missing, the next client has a
    new one, since they may have been replaced.
    """
    return boto3.session.Session()


def make_client(service: Literal["s3", "sqs"], settings: StorageSettings) -> Any:  # noqa: ANN401  (the SDK has no types)
    """A client of the SDK that gives up after one attempt.

    Without keys in the settings the SDK looks for a role or a profile.
    """
    endpoint_url = settings.endpoint_of(service)
    region = settings.region or settings.default_region
    if region is None and endpoint_url is not None:
        # A store of one's own has one region, whatever it is called; R2's is auto.
        is_r2 = service == "s3" and (settings.endpoint_host or "").endswith(R2_HOSTS)
        region = "auto" if is_r2 else "us-east-1"
    with _making:
        return sdk_session().client(
            service,
            region_name=region,
            endpoint_url=endpoint_url,
            aws_access_key_id=settings.access_key_id,
            aws_secret_access_key=_revealed(settings.secret_access_key),
            aws_session_token=_revealed(settings.session_token),
            config=Config(
                signature_version="s3v4" if service == "s3" else None,
                connect_timeout=min(settings.timeout_s, 5.0),
                read_timeout=settings.timeout_s,
                retries={"total_max_attempts": 1, "mode": "standard"},
                max_pool_connections=CONNECTIONS,
                # A store of one's own has no name server for bucket.host.
                s3={"addressing_style": "path" if endpoint_url else "auto"},
                # R2 and others refuse the checksums that the SDK adds by itself.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )


def _revealed(secret: Any) -> str | None:  # noqa: ANN401
    return None if secret is None else str(secret.get_secret_value())
