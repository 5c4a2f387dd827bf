"""Incidents: what an engineer must look at, told to Sentry.

Here belong the SDK and its life in one process: started once, flushed once, at most
`FLUSH_S`. Not here: what is an incident. Without SENTRY_DSN nothing is imported, and
every function here returns at once.
"""

import atexit
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from importlib.metadata import version
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from mentora_pipelines.observability.scrubbing import scrubbed_value
from mentora_pipelines.observability.sentry_events import safe_breadcrumb, safe_event
from mentora_pipelines.observability.timers import show_spans
from mentora_pipelines.settings.observability import ObservabilitySettings

if TYPE_CHECKING:
    from sentry_sdk.types import Breadcrumb, BreadcrumbHint, Event, Hint

FLUSH_S = 0.8
"""Seconds that a process waits at its end for what is not sent yet; a second at most
with what surrounds it."""

Level = Literal["info", "warning", "error", "fatal"]
CheckIn = Literal["in_progress", "ok", "error"]

CHECK_IN_MARGIN_MIN = 15
"""Minutes that a tick may come late: the daemon starts again within two."""

QUIET_S = 300.0
"""Seconds until `at_intervals` tells the same again."""

_sdk: ModuleType | None = None
_pid: int | None = None
_last_told: dict[tuple[str, ...], float] = {}


def start(process: str) -> None:
    """Let this process tell Sentry; `process` says which of ours it is.

    Called at the beginning of each process; again in the same one it does nothing. In
    an application that tells Sentry itself, nothing of ours is told.
    """
    global _sdk, _pid  # noqa: PLW0603  (one for the process, as the client itself)
    dsn = ObservabilitySettings().sentry_dsn
    if dsn is None or _pid == os.getpid() or (_sdk is None and _has_a_client()):
        return
    _pid = os.getpid()
    _sdk = _initialised(dsn.get_secret_value(), process)
    show_spans(_span)
    # The last to run: what other handlers meet is sent too.
    atexit.register(flush)


def _has_a_client() -> bool:
    sdk = sys.modules.get("sentry_sdk")
    return sdk is not None and bool(sdk.get_client().is_active())


def is_on() -> bool:
    """Whether this process tells Sentry."""
    return _sdk is not None


def capture_exception(
    error: BaseException,
    *,
    user_id: str | None = None,
    creator_id: UUID | str | None = None,
    membership_id: UUID | str | None = None,
    extra: Mapping[str, object] | None = None,
    tags: Mapping[str, object] | None = None,
    fingerprint: Sequence[str] = (),
    level: Level = "error",
) -> None:
    """Tell of an error: where it happened and to whom, not what it says.

    The words of a foreign error stay here, and no local variable is told.
    """
    if _sdk is None:
        return
    named = {"creator_id": creator_id, "membership_id": membership_id, **(tags or {})}
    with _scope(user_id, named, extra, fingerprint, level) as sdk:
        sdk.capture_exception(error)


def capture_message(
    message: str,
    *,
    tags: Mapping[str, object] | None = None,
    extra: Mapping[str, object] | None = None,
    fingerprint: Sequence[str] = (),
    level: Level = "error",
) -> None:
    """Tell of what has no error: a sentence of ours, without a value."""
    if _sdk is None:
        return
    with _scope(None, tags or {}, extra, fingerprint, level) as sdk:
        sdk.capture_message(message, level)


def at_intervals(*name: str) -> bool:
    """Whether to tell what `name` says: again after `QUIET_S` seconds.

    A sensor that fails at each look would send thousands of the same an hour.
    """
    now = time.monotonic()
    last = _last_told.get(name)
    if last is not None and now - last < QUIET_S:
        return False
    _last_told[name] = now
    return True


@contextmanager
def traced(operation: str, name: str, **tags: object) -> Iterator[None]:
    """A trace of the body, with a span for each part that is timed."""
    if _sdk is None:
        yield
        return
    with (
        _sdk.isolation_scope(),
        _sdk.start_transaction(op=operation, name=name) as trace,
    ):
        for tag, value in tags.items():
            if value is not None:
                trace.set_tag(tag, str(value))
        yield


def check_in(
    monitor: str,
    status: CheckIn,
    *,
    check_in_id: UUID,
    crontab: str,
    timezone: str,
    max_runtime_min: int,
    duration_s: float | None = None,
) -> None:
    """Tell the monitor of a schedule that it has begun, or how it ended."""
    if _sdk is None:
        return
    from sentry_sdk.crons import capture_checkin

    capture_checkin(
        monitor_slug=monitor,
        check_in_id=check_in_id.hex,
        status=status,
        duration=duration_s,
        monitor_config={
            "schedule": {"type": "crontab", "value": crontab},
            "timezone": timezone,
            "checkin_margin": CHECK_IN_MARGIN_MIN,
            "max_runtime": max_runtime_min,
            "failure_issue_threshold": 1,
            "recovery_threshold": 1,
        },
    )


def flush() -> None:
    """Send what waits, for at most `FLUSH_S`; a server that hangs costs no more."""
    if _sdk is not None:
        # At the end of a process nobody is left to be told.
        with suppress(Exception):
            _sdk.flush(timeout=FLUSH_S)


def _initialised(dsn: str, process: str) -> ModuleType:
    import sentry_sdk
    from sentry_sdk.integrations.dedupe import DedupeIntegration
    from sentry_sdk.integrations.excepthook import ExcepthookIntegration
    from sentry_sdk.integrations.logging import LoggingIntegration
    from sentry_sdk.integrations.redis import RedisIntegration
    from sentry_sdk.integrations.stdlib import StdlibIntegration
    from sentry_sdk.integrations.threading import ThreadingIntegration

    settings = ObservabilitySettings()
    sentry_sdk.init(
        dsn=dsn,
        release=f"mentora-pipelines@{version('mentora-pipelines')}",
        environment=settings.environment,
        sample_rate=1.0,
        traces_sample_rate=settings.traces_sample_rate,
        before_send=_before_send,
        before_send_transaction=_before_send,
        before_breadcrumb=_before_breadcrumb,
        # Both this and the scrubbing are needed: locals hold keys and transcripts.
        include_local_variables=False,
        send_default_pii=False,
        max_request_body_size="never",
        # No header of ours goes to a provider, which may sign or refuse it.
        trace_propagation_targets=[],
        auto_session_tracking=False,
        send_client_reports=False,
        shutdown_timeout=FLUSH_S,
        # Named one by one: the argument vector of a command holds mail addresses, and
        # those of the models' SDKs hold prompts.
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            DedupeIntegration(),
            ExcepthookIntegration(),
            ThreadingIntegration(),
            StdlibIntegration(),
            RedisIntegration(),
            *_http_integrations(),
            # Dagster logs what its daemon and its servers meet. A failed step is told
            # by the step, and is an error in Dagster's log too: not told twice.
            LoggingIntegration(
                level=None,
                event_level=logging.ERROR if process in DAGSTERS_OWN else None,
            ),
        ],
    )
    scope = sentry_sdk.get_global_scope()
    scope.set_tag("process", process)
    return sentry_sdk


DAGSTERS_OWN = ("daemon", "webserver")
"""Processes in which no code of ours works."""


def _http_integrations() -> list[Any]:
    from sentry_sdk.integrations import DidNotEnable

    found: list[Any] = []
    with suppress(DidNotEnable, ImportError):
        from sentry_sdk.integrations.httpx import HttpxIntegration

        found.append(HttpxIntegration())
    with suppress(DidNotEnable, ImportError):
        from sentry_sdk.integrations.httpx2 import Httpx2Integration

        found.append(Httpx2Integration())
    return found


def _before_send(event: "Event", hint: "Hint") -> "Event | None":  # noqa: ARG001
    safe: Event | None = _or_nothing(safe_event, event)
    return safe


def _before_breadcrumb(
    crumb: "Breadcrumb",
    hint: "BreadcrumbHint",  # noqa: ARG001  (the SDK's signature)
) -> "Breadcrumb | None":
    safe: Breadcrumb | None = _or_nothing(safe_breadcrumb, crumb)
    return safe


def _or_nothing(safe: Callable[[Any], Any], told: Any) -> Any:  # noqa: ANN401
    """What is safe of it; nothing at all when that cannot be told.

    The SDK would send the event as it was.
    """
    try:
        return safe(told)
    except Exception:  # noqa: BLE001  (whatever it is, the event may leak)
        return None


def _span(label: str) -> AbstractContextManager[object]:
    import sentry_sdk

    operation = "db" if label == "database" else "function"
    span: AbstractContextManager[object] = sentry_sdk.start_span(
        op=operation, name=label
    )
    return span


@contextmanager
def _scope(
    user_id: str | None,
    tags: Mapping[str, object],
    extra: Mapping[str, object] | None,
    fingerprint: Sequence[str],
    level: Level,
) -> Iterator[ModuleType]:
    assert _sdk is not None  # noqa: S101  (each caller has asked)
    with _sdk.new_scope() as scope:
        scope.set_level(level)
        if user_id is not None:
            scope.set_user({"id": user_id})
        for name, value in tags.items():
            if value is not None:
                scope.set_tag(name, str(value))
        if extra:
            scope.set_context("extra", scrubbed_value(extra))
        if fingerprint:
            scope.fingerprint = list(fingerprint)
        yield _sdk


def process_name(arguments: Sequence[str] | None = None) -> str:
    """Which of Dagster's processes this is, told from its command line."""
    words = " ".join(sys.orig_argv if arguments is None else arguments)
    for mark, name in PROCESSES:
        if mark in words:
            return name
    return "dagster"


PROCESSES = (
    # A run worker is a child of the code server, spawned by multiprocessing.
    ("multiprocessing.spawn", "run worker"),
    ("multiprocessing-fork", "run worker"),
    ("execute_run", "run worker"),
    ("execute_step", "run worker"),
    ("api grpc", "code server"),
    ("code-server", "code server"),
    ("dagster._daemon", "daemon"),
    ("dagster-daemon", "daemon"),
    ("dagster_webserver", "webserver"),
    ("dagster-webserver", "webserver"),
)
