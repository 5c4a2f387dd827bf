"""Requests to OpenAI's API, or a server that speaks it, by the official SDK.

Here belong the client, its limits of time and size, and the translation of its
exceptions. Not here: what is asked, or what an answer means.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr, ValidationError

from mentora_pipelines.adapters.provider_calls.clock import Clock, SystemClock
from mentora_pipelines.adapters.provider_calls.connections import connection, lost_by
from mentora_pipelines.adapters.provider_calls.faults import Fault, malformed, of_status
from mentora_pipelines.errors import SettingsError

if TYPE_CHECKING:
    from httpx2 import Response
    from openai import OpenAI

PROVIDER = "openai"

HOSTED_URL = "https://api.openai.com/v1"

MAX_ANSWER_BYTES = 256 << 20
"""2,048 vectors of 3,072 numbers as JSON are 140 MB; base64 is a fifth of that."""

Body = TypeVar("Body", bound=BaseModel)


class Received(Protocol):
    """An answer whose body is still to come."""

    @property
    def http_response(self) -> "Response":
        """What it came as."""
        ...

    def iter_bytes(self) -> Iterator[bytes]:
        """The body, piece by piece."""
        ...


@dataclass(frozen=True, slots=True)
class Server:
    """Where the API is and what opens it; `key` is None for a server without keys."""

    base_url: str
    key: SecretStr | None

    @property
    def host(self) -> str:
        """The host and, if it is told, the port: no user, no path, no key."""
        return urlsplit(self.base_url).netloc.rpartition("@")[2]


class OpenAiClient:
    """Sends one request at a time; never repeats one."""

    def __init__(
        self, server: Server, *, timeout_s: float, clock: Clock | None = None
    ) -> None:
        self._server = server
        self._timeout_s = timeout_s
        self._clock = clock or SystemClock()

    @cached_property
    def api(self) -> "OpenAI":
        """The SDK's client; raises `SettingsError` when the key is missing."""
        from openai import DefaultHttpxClient, OpenAI

        if self._server.key is None and self._server.base_url == HOSTED_URL:
            raise SettingsError("OPENAI_API_KEY is not set")
        return OpenAI(
            api_key=self._server.key.get_secret_value() if self._server.key else "-",
            base_url=self._server.base_url,
            max_retries=0,
            http_client=DefaultHttpxClient(**connection(self._timeout_s)),
        )

    def read(
        self,
        request: Callable[[], AbstractContextManager[Received]],
        body: type[Body],
    ) -> Body:
        """The answer to a request; raises `Fault`.

        It must be complete within the time limit, however slowly it drips.
        """
        from mentora_pipelines.adapters.provider_calls.deadlines import hurry

        until = self._clock.now() + self._timeout_s
        received = bytearray()
        with _translated(), request() as response:
            hurry(response.http_response, until, self._clock)
            for piece in response.iter_bytes():
                received += piece
                if len(received) > MAX_ANSWER_BYTES:
                    raise malformed(PROVIDER, "the answer is too long")
        try:
            return body.model_validate(json.loads(received))
        except (ValidationError, ValueError, RecursionError):
            # Without the cause, which quotes the answer.
            raise malformed(PROVIDER, "the answer is not what was asked for") from None

    def check_model(self, name: str) -> None:
        """Raise what is wrong unless the server answers and knows the model."""
        try:
            with _translated():
                self.api.models.retrieve(name)
        except Fault as fault:
            raise fault.error from None


@contextmanager
def _translated() -> Iterator[None]:
    """The SDK's exceptions, and those that slip through it, as faults."""
    import httpx2
    import openai

    try:
        yield
    except (Fault, SettingsError):
        raise
    except openai.APIStatusError as error:
        raise of_status(
            PROVIDER,
            error.status_code,
            error.response.headers,
            (error.code, error.type),
        ) from None
    except openai.APIConnectionError as error:
        raise lost_by(PROVIDER, error.__cause__) from None
    except (httpx2.HTTPError, httpx2.StreamError) as error:
        raise lost_by(PROVIDER, error) from None
    except (openai.OpenAIError, ValueError, TypeError, KeyError, AttributeError):
        raise malformed(PROVIDER, "the answer cannot be read") from None
