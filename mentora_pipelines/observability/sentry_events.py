"""What of an event may leave for Sentry: an allow-list, and the patterns after it.

Here belong pure functions over the SDK's plain dictionaries. Not here: the SDK.
"""

import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import TypeAlias

from mentora_pipelines.errors import MentoraError
from mentora_pipelines.observability.scrubbing import scrubbed, scrubbed_value

Event: TypeAlias = MutableMapping[str, object]
Safe: TypeAlias = Callable[[object], object]

OUR_ERRORS = MentoraError.__module__

NOT_TOLD = "its words are not told"
"""Instead of what a foreign error says: a driver quotes rows, an SDK requests."""

BOTS = re.compile(r"(?i)bot|crawler|spider")

KEPT = frozenset((
    "event_id", "timestamp", "start_timestamp", "type", "level", "platform", "release",
    "environment", "sdk", "server_name", "fingerprint", "tags", "extra", "contexts",
    "transaction", "transaction_info", "breadcrumbs", "exception", "spans", "user",
    "message", "logger", "logentry", "request", "_metrics_summary", "measurements",
    "_dropped_spans", "modules",
))  # fmt: skip

KEPT_CRUMBS = frozenset(("http", "httplib", "httpx", "httpx2", "redis", "mentora"))
"""Not `console`, nor the log lines of libraries: httpx logs signed addresses."""

KEPT_SPAN_DATA = frozenset((
    "db.system", "db.operation", "http.method", "http.request.method",
    "http.response.status_code", "network.peer.address", "reason", "server.address",
    "server.port", "sentry.op", "sentry.origin", "status_code",
))  # fmt: skip


def safe_event(event: Event) -> Event | None:
    """The event as it may be sent; None for what a bot has caused."""
    if _is_of_a_bot(event):
        return None
    if event.get("type") == "check_in":
        return event
    for name in [name for name in event if name not in KEPT]:
        del event[name]
    _replace(event, "exception", _exceptions)
    _replace(event, "logentry", _log_entry)
    _replace(event, "request", _request)
    _replace(event, "user", _user)
    _replace(event, "breadcrumbs", _breadcrumbs)
    _replace(event, "spans", _spans)
    for name in ("tags", "extra", "contexts"):
        _replace(event, name, scrubbed_value)
    for name in ("message", "transaction"):
        if isinstance(text := event.get(name), str):
            event[name] = scrubbed(text)
    return event


def safe_breadcrumb(crumb: Event) -> Event | None:
    """A breadcrumb without its address's query; None for what is not kept."""
    if crumb.get("category") not in KEPT_CRUMBS:
        return None
    data = crumb.get("data")
    if isinstance(data, Mapping):
        crumb["data"] = _span_data(data)
    if isinstance(crumb.get("message"), str):
        crumb["message"] = scrubbed(str(crumb["message"]))
    return crumb


def _replace(event: Event, name: str, safe: Safe) -> None:
    if event.get(name) is not None:
        event[name] = safe(event[name])


def is_a_bots(user_agent: str) -> bool:
    """Whether a request is one of a robot, which says so."""
    return BOTS.search(user_agent) is not None


def _is_of_a_bot(event: Event) -> bool:
    headers = _mapping(_mapping(event.get("request")).get("headers"))
    agents = [v for k, v in headers.items() if str(k).lower() == "user-agent"]
    return any(is_a_bots(str(agent)) for agent in agents)


def _exceptions(exception: object) -> object:
    for one in _sequence(_mapping(exception).get("values")):
        if not isinstance(one, MutableMapping):
            continue
        ours = one.get("module") == OUR_ERRORS
        one["value"] = scrubbed(str(one.get("value"))) if ours else NOT_TOLD
        mechanism = _mapping(one.get("mechanism"))
        one["mechanism"] = {
            name: mechanism[name] for name in ("type", "handled") if name in mechanism
        }
        for frame in _sequence(_mapping(one.get("stacktrace")).get("frames")):
            if isinstance(frame, MutableMapping):
                frame.pop("vars", None)
    return exception


def _log_entry(entry: object) -> object:
    """The template of a line that a library logged, without what it was filled with.

    Most of Dagster's are filled before they are logged: their first words are kept.
    """
    message = str(_mapping(entry).get("message") or "")
    return {"message": scrubbed(message.partition("\n")[0].partition(":")[0])}


def _request(request: object) -> object:
    kept = _mapping(request)
    return {
        name: scrubbed(str(kept[name])) for name in ("method", "url") if name in kept
    }


def _user(user: object) -> object:
    return {"id": scrubbed(str(_mapping(user).get("id")))}


def _breadcrumbs(crumbs: object) -> object:
    values = _sequence(_mapping(crumbs).get("values"))
    safe = (safe_breadcrumb(c) for c in values if isinstance(c, MutableMapping))
    return {"values": [crumb for crumb in safe if crumb is not None]}


def _spans(spans: object) -> object:
    for span in _sequence(spans):
        if isinstance(span, MutableMapping):
            operation = str(span.get("op") or "")
            told = str(span.get("description") or "")
            # A command line names files, and a file its creator.
            hidden = operation.startswith("subprocess")
            span["description"] = operation if hidden else scrubbed(told)
            span["data"] = _span_data(_mapping(span.get("data")))
            _replace(span, "tags", scrubbed_value)
    return spans


def _span_data(data: Mapping[str, object]) -> dict[str, object]:
    return {
        name: scrubbed_value(value)
        for name, value in data.items()
        if name in KEPT_SPAN_DATA
    }


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()
