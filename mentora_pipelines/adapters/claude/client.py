"""Requests to Claude: one tool call that the model must make, checked against a model.

Here belong the stream, its limits of time and size, the stop reason, and the
translation of the SDK's exceptions. Not here: what is asked (`quiz_prompt`), or the
shape of what comes back (`quiz_schema`).
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

from mentora_pipelines.adapters.provider_calls.calls import Answer
from mentora_pipelines.adapters.provider_calls.clock import Clock, SystemClock
from mentora_pipelines.adapters.provider_calls.connections import connection, lost_by
from mentora_pipelines.adapters.provider_calls.faults import (
    Fault,
    Spent,
    malformed,
    of_status,
    refused,
)
from mentora_pipelines.errors import Refusal, SettingsError

if TYPE_CHECKING:
    from anthropic import Anthropic, Stream
    from anthropic.types import RawMessageStreamEvent, ToolChoiceParam

PROVIDER = "anthropic"

SILENCE_TIMEOUT_S = 30.0
"""Between two pieces of an answer; the service sends a sign of life more often."""

BEGIN_S = 60.0
TOKENS_PER_S = 50.0
"""What a busy service takes to begin, and a slow model writes."""

MAX_ANSWER_CHARACTERS = 1_000_000

THINKERS = ("claude-sonnet-5-5", "claude-opus-5-5", "claude-fable-", "claude-mythos-")
"""Models that refuse to be forced to a tool and always think first (Anthropic's
migration guides): they are offered the tool and told to use it."""

THINKING_TOKENS = 8_000
"""Room for their thoughts, which count as output."""

Input = TypeVar("Input", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Tool(Generic[Input]):
    """A tool whose input is what we want to have; nothing runs when it is called."""

    name: str
    description: str
    input: type[Input]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is asked: who the model is and does, then the material."""

    system: str
    content: str


@dataclass(slots=True)
class _Heard:
    """What of a stream has come so far."""

    tool_names: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    characters: int = 0
    stop_reason: str | None = None
    is_complete: bool = False
    spent: Spent | None = None


class ClaudeClient:
    """Sends one request at a time; never repeats one."""

    def __init__(
        self,
        model: str,
        *,
        base_url: str,
        key: SecretStr | None,
        silence_timeout_s: float = SILENCE_TIMEOUT_S,
        clock: Clock | None = None,
    ) -> None:
        self.model = model
        self._base_url = base_url
        self._key = key
        self._silence_timeout_s = silence_timeout_s
        self._clock = clock or SystemClock()

    @property
    def thinking_tokens(self) -> int:
        """Tokens of output that the model may need beyond its answer."""
        return THINKING_TOKENS if self.model.startswith(THINKERS) else 0

    @cached_property
    def api(self) -> "Anthropic":
        """The SDK's client; raises `SettingsError` when the key is missing."""
        from anthropic import Anthropic, DefaultHttpxClient

        if self._key is None:
            raise SettingsError("ANTHROPIC_API_KEY is not set")
        return Anthropic(
            api_key=self._key.get_secret_value(),
            base_url=self._base_url,
            max_retries=0,
            http_client=DefaultHttpxClient(**connection(self._silence_timeout_s)),
        )

    def call_tool(
        self, tool: Tool[Input], prompt: Prompt, max_tokens: int
    ) -> Answer[Input]:
        """The input that the model gives to the tool; raises `Fault`.

        The answer must end because the tool was called, and fit its schema. The more
        it may hold, the longer it may take.
        """
        heard = _Heard()
        room = max_tokens + self.thinking_tokens
        until = self._clock.now() + BEGIN_S + room / TOKENS_PER_S
        try:
            with _translated(), self._stream(tool, prompt, room) as events:
                self._listen(heard, events, until)
        except Fault as fault:
            if heard.spent is None:
                raise
            # It broke off: what was told until then is known to be spent.
            raise Fault(fault.error, _so_far(heard)) from None
        return Answer(_checked(heard, tool), _so_far(heard))

    def check_model(self) -> None:
        """Raise what is wrong unless the service answers and knows the model."""
        try:
            with _translated():
                self.api.models.retrieve(self.model)
        except Fault as fault:
            raise fault.error from None

    def _stream(
        self, tool: Tool[Input], prompt: Prompt, max_tokens: int
    ) -> "Stream[RawMessageStreamEvent]":
        from anthropic import omit

        thinks = self.model.startswith(THINKERS)
        choice: ToolChoiceParam = (
            {"type": "auto", "disable_parallel_tool_use": True}
            if thinks
            else {
                "type": "tool",
                "name": tool.name,
                "disable_parallel_tool_use": True,
            }
        )
        return self.api.messages.create(
            model=self.model,
            max_tokens=max_tokens,
            system=prompt.system,
            messages=[{"role": "user", "content": prompt.content}],
            tools=[
                {
                    "name": tool.name,
                    "description": tool.description,
                    "input_schema": tool.input.model_json_schema(),
                }
            ],
            tool_choice=choice,
            # A model that thinks cannot be forced to a tool.
            thinking=omit if thinks else {"type": "disabled"},
            stream=True,
        )

    def _listen(
        self, heard: _Heard, events: "Stream[RawMessageStreamEvent]", until: float
    ) -> None:
        from mentora_pipelines.adapters.provider_calls.deadlines import hurry

        hurry(events.response, until, self._clock)
        for event in events:
            _take(heard, event)
            if heard.characters > MAX_ANSWER_CHARACTERS:
                raise malformed(PROVIDER, "the answer is too long")


def _take(heard: _Heard, event: "RawMessageStreamEvent") -> None:
    """Note what an event brings; what is not ours to know is passed over."""
    if event.type == "message_start":
        usage = event.message.usage
        cached = (usage.cache_creation_input_tokens or 0) + (
            usage.cache_read_input_tokens or 0
        )
        heard.spent = Spent(usage.input_tokens + cached, usage.output_tokens)
    elif event.type == "content_block_start" and event.content_block.type == "tool_use":
        heard.tool_names.append(event.content_block.name)
    elif event.type == "content_block_delta" and event.delta.type == "input_json_delta":
        heard.arguments.append(event.delta.partial_json)
        heard.characters += len(event.delta.partial_json)
    elif event.type == "message_delta":
        heard.stop_reason = event.delta.stop_reason
        if heard.spent is not None:
            heard.spent = Spent(heard.spent.input_units, event.usage.output_tokens)
    elif event.type == "message_stop":
        heard.is_complete = True


def _so_far(heard: _Heard) -> Spent:
    """What was told to be used up, and for an answer that breaks off a guess."""
    spent = heard.spent or Spent(0.0)
    if heard.stop_reason is not None:
        return spent
    # About four characters a token: what was written is told at the end only.
    return Spent(spent.input_units, max(spent.output_units, heard.characters / 4))


def _checked(heard: _Heard, tool: Tool[Input]) -> Input:
    """The input of the tool; raises `Fault` when there is none that is whole."""
    spent = _so_far(heard)
    if not heard.is_complete or heard.stop_reason is None:
        raise malformed(PROVIDER, "the answer breaks off", spent)
    if heard.stop_reason == "refusal":
        raise refused(PROVIDER, Refusal.POLICY, "the model declines", spent)
    if heard.stop_reason in ("max_tokens", "model_context_window_exceeded"):
        raise refused(
            PROVIDER, Refusal.ANSWER, f"cut short by {heard.stop_reason}", spent
        )
    if heard.stop_reason != "tool_use" or heard.tool_names != [tool.name]:
        raise malformed(PROVIDER, "the answer is no call of the tool", spent)
    try:
        return tool.input.model_validate(json.loads("".join(heard.arguments)))
    except (ValidationError, ValueError, RecursionError):
        # Without the cause, which quotes the answer.
        raise malformed(PROVIDER, "the answer breaks its schema", spent) from None


@contextmanager
def _translated() -> Iterator[None]:
    """The SDK's exceptions, and those that slip through it, as faults."""
    import anthropic
    import httpx2

    try:
        yield
    except (Fault, SettingsError):
        raise
    except anthropic.APIStatusError as error:
        codes = [error.type, error.error_code]
        if "credit balance" in (error.api_message or "").lower():
            codes.append("billing_error")
        raise of_status(
            PROVIDER, error.status_code, error.response.headers, codes
        ) from None
    except anthropic.APIConnectionError as error:
        raise lost_by(PROVIDER, error.__cause__) from None
    except (httpx2.HTTPError, httpx2.StreamError) as error:
        raise lost_by(PROVIDER, error) from None
    except (anthropic.AnthropicError, ValueError, TypeError, KeyError, AttributeError):
        raise malformed(PROVIDER, "the answer cannot be read") from None
