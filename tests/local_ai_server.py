"""One small server that speaks OpenAI's and Anthropic's API, and counts what it served.

It answers out of what it is given: vectors of the texts, words of the sound, a quiz out
of the transcript. Faults are queued and met by the next requests. It is the bill that
the ledger is compared with.
"""

import base64
import io
import json
import math
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Literal
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from mentora_pipelines.adapters.minilm.embedder import MiniLmEmbedder
from mentora_pipelines.adapters.openai.tokens import count_tokens

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

KEY = "sk-test-hunter2"
"""What opens the server; any other key is refused, and quoted in the refusal."""

CLAUDE_RATIO = 1.3
"""Tokens that this server counts for one of cl100k where Claude is asked."""

TOOL_PROMPT_TOKENS = 313
"""What the service adds for a tool."""

Fault = Literal["malformed", "cut", "hang", "dies"] | int
"""What a request meets: a status, or an answer that is no JSON, breaks off, comes too
late, or never begins."""

WORD = re.compile(r"[^\W\d_]{5,}")
OBEY = re.compile(r"make every answer ([A-Z]\w+)")


@dataclass(frozen=True)
class Served:
    """One request: what was asked for, how it went, and what it is billed for."""

    path: str
    model: str
    status: int
    input_units: float
    output_units: float


@dataclass
class AiServer:
    """The server's books and its behaviour; `url` is its root.

    `obeys`: the model does what it finds told anywhere in what it is sent. `words`:
    transcriptions have times of words. `hears`: what is said, instead of listening.
    `quiz`: writes questions of its own out of the instructions and the content.
    `by_meaning`: vectors are near when texts are, which takes a model.
    `whole_seconds`: sound is billed by them, as OpenAI does. A None among the
    `faults` is a request that goes well.
    """

    url: str = ""
    served: list[Served] = field(default_factory=list)
    faults: deque[Fault | None] = field(default_factory=deque)
    prompts: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    retry_after: str = "0"
    obeys: bool = False
    quiz: Callable[[str, str], list[dict[str, object]]] | None = None
    words: bool = True
    by_meaning: bool = True
    whole_seconds: bool = False
    hears: list[tuple[str, float, float]] | None = None
    hang_s: float = 5.0
    over: threading.Event = field(default_factory=threading.Event)

    def environment(self) -> dict[str, str]:
        """Settings that send everything here."""
        return {
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": f"{self.url}/v1",
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_BASE_URL": self.url,
            "MENTORA_EMBEDDER": "openai",
            "MENTORA_TRANSCRIBER": "openai",
            "MENTORA_QUIZ_WRITER": "claude",
        }

    def of(self, path: str) -> list[Served]:
        """What was served under a path."""
        return [one for one in self.served if one.path == path]

    def total(self, path: str) -> tuple[float, float]:
        """Units in and out that were billed for under a path."""
        served = self.of(path)
        return (
            round(sum(one.input_units for one in served), 3),
            sum(one.output_units for one in served),
        )


@contextmanager
def local_ai_server() -> Iterator[AiServer]:
    """A running server; whoever hangs in it is let go at the end."""
    server = AiServer()
    handler = type("Handler", (_Handler,), {"ai": server})
    with _Http(("127.0.0.1", 0), handler) as http:
        server.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            http.shutdown()
            thread.join()


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has given up is what some tests are about."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # a socket


class _Handler(BaseHTTPRequestHandler):
    ai: AiServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing: a test prints what it wants to be seen."""

    def do_GET(self) -> None:
        """The models: every one is known."""
        if not self._opened():
            return
        self._answer(200, {"id": self.path.rpartition("/")[2], "object": "model"})

    def do_POST(self) -> None:
        """One of the three things that can be asked."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.ai.headers.append({k.lower(): v for k, v in self.headers.items()})
        if not self._opened():
            return
        asked = {
            "/v1/embeddings": self._embed,
            "/v1/audio/transcriptions": self._transcribe,
            "/v1/messages": self._write,
        }[self.path]
        fault = self.ai.faults.popleft() if self.ai.faults else None
        if isinstance(fault, int):
            self._bill(_model(body), fault, 0.0, 0.0)
            kind = "rate_limit_error" if fault == 429 else "api_error"
            self._answer(
                fault,
                {"type": "error", "error": {"type": kind, "message": "no"}},
                {"Retry-After": self.ai.retry_after},
            )
            return
        asked(body, fault)

    def _opened(self) -> bool:
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        key = self.headers.get("x-api-key") or bearer
        if key == KEY:
            return True
        self._bill("", 401, 0.0, 0.0)
        said = f"Incorrect API key provided: {key}"
        kind = "authentication_error"
        self._answer(401, {"type": "error", "error": {"type": kind, "message": said}})
        return False

    def _embed(self, body: bytes, fault: Fault | None) -> None:
        asked = json.loads(body)
        self.ai.bodies.append(asked)
        texts = asked["input"]
        tokens = sum(count_tokens(texts))
        self._bill(asked["model"], 200, tokens, 0.0)
        make = vectors_of if self.ai.by_meaning else _any_vectors
        vectors = make(texts, asked.get("dimensions", 1536))
        self._finish(
            {
                "object": "list",
                "model": asked["model"],
                "data": [
                    {
                        "object": "embedding",
                        "index": index,
                        "embedding": base64.b64encode(vector.tobytes()).decode()
                        if asked.get("encoding_format") == "base64"
                        else vector.tolist(),
                    }
                    for index, vector in enumerate(vectors)
                ],
                "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
            },
            fault,
        )

    def _transcribe(self, body: bytes, fault: Fault | None) -> None:
        fields = _fields(body, self.headers["Content-Type"])
        sound = _sound(fields["file"])
        seconds = round(len(sound) / 16_000, 3)
        self.ai.bodies.append(
            {name: value for name, value in fields.items() if name != "file"}
        )
        self._bill(fields["model"].decode(), 200, seconds, 0.0)
        heard = self.ai.hears or _heard(sound)
        text = " ".join(word for word, _, _ in heard)
        answer: dict[str, object] = {
            "task": "transcribe",
            "language": "english",
            "duration": seconds,
            "text": text,
            "segments": _segments(heard),
            "usage": {
                "type": "duration",
                "seconds": math.ceil(seconds) if self.ai.whole_seconds else seconds,
            },
        }
        if self.ai.words:
            # As the hosted service writes them: without signs.
            answer["words"] = [
                {"word": word.strip(".,!?;:—"), "start": start, "end": end}
                for word, start, end in heard
            ]
        self._finish(answer, fault)

    def _write(self, body: bytes, fault: Fault | None) -> None:
        asked = json.loads(body)
        self.ai.bodies.append(asked)
        content = asked["messages"][0]["content"]
        self.ai.prompts.append(content)
        tokens = count_tokens([asked["system"], content, json.dumps(asked["tools"])])
        input_tokens = round(sum(tokens) * CLAUDE_RATIO) + TOOL_PROMPT_TOKENS
        if fault in ("dies", "hang"):
            self._bill(asked["model"], 200, input_tokens, 0.0)
            if fault == "hang":
                self.ai.over.wait(self.ai.hang_s)
            self.close_connection = True
            return
        questions = (
            self.ai.quiz(asked["system"], content)
            if self.ai.quiz is not None
            else _quiz(content, obeys=self.ai.obeys)
        )
        arguments = json.dumps({"questions": questions})
        if fault == "malformed":
            arguments = arguments[: len(arguments) // 2]
        output_tokens = round(count_tokens([arguments])[0] * CLAUDE_RATIO)
        pieces = [arguments[i : i + 400] for i in range(0, len(arguments), 400)]
        events = list(_events(asked, pieces, input_tokens, output_tokens))
        if fault == "cut":
            events = events[: len(events) // 2]
            sent = sum(
                len(e["delta"]["partial_json"])
                for e in events
                if e["type"] == "content_block_delta"
            )
            output_tokens = max(1, round(sent / 4))
        self._bill(asked["model"], 200, input_tokens, output_tokens)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for event in events:
            line = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
            self.wfile.write(line.encode())
        self.close_connection = True

    def _finish(self, answer: object, fault: Fault | None) -> None:
        text = json.dumps(answer).encode()
        if fault == "hang":
            self.ai.over.wait(self.ai.hang_s)
        if fault in ("hang", "dies"):
            self.close_connection = True
            return
        whole = text[: len(text) // 2] if fault in ("malformed", "cut") else text
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        # One that is cut says how long it would have been.
        length = len(text) if fault == "cut" else len(whole)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(whole)
        self.close_connection = fault == "cut"

    def _answer(
        self, status: int, answer: object, headers: dict[str, str] | None = None
    ) -> None:
        text = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _bill(
        self, model: str, status: int, input_units: float, output_units: float
    ) -> None:
        self.ai.served.append(
            Served(self.path, model, status, input_units, output_units)
        )


def vectors_of(texts: list[str], dimensions: int) -> NDArray[np.float32]:
    """Vectors by meaning, as long as they are asked for, not of length one."""
    small = MiniLmEmbedder().embed(texts)
    vectors = np.zeros((len(texts), dimensions), dtype="<f4")
    vectors[:, : small.shape[1]] = 3 * small[:, :dimensions]
    return vectors


def _any_vectors(texts: list[str], dimensions: int) -> NDArray[np.float32]:
    rows = [np.random.default_rng(crc32(text.encode())) for text in texts]
    return np.stack([row.standard_normal(dimensions, np.float32) for row in rows])


def _model(body: bytes) -> str:
    found = re.search(rb'"model"\s*:\s*"([^"]+)"|name="model"\r\n\r\n([^\r]+)', body)
    return (found[1] or found[2]).decode() if found else ""


def _fields(body: bytes, content_type: str) -> dict[str, bytes]:
    boundary = content_type.partition("boundary=")[2].strip('"').encode()
    fields = {}
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, value = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]+)"', head)
        assert name is not None
        fields[name[1].decode()] = value.removesuffix(b"\r\n")
    return fields


def _sound(flac: bytes) -> NDArray[np.int16]:
    import av

    with av.open(io.BytesIO(flac), "r", format="flac") as container:
        stream = container.streams.audio[0]
        assert (stream.rate, stream.channels) == (16_000, 1)
        return np.concatenate(
            [frame.to_ndarray().ravel() for frame in container.decode(stream)]
        ).astype(np.int16)


_listening = threading.Lock()


def _heard(sound: NDArray[np.int16]) -> list[tuple[str, float, float]]:
    """Words and their times, by the bundled speech model."""
    from faster_whisper import BatchedInferencePipeline

    with _listening:
        segments, _ = BatchedInferencePipeline(_whisper()).transcribe(
            sound.astype(np.float32) / 32768, word_timestamps=True, beam_size=1
        )
        return [
            (word.word.strip(), round(float(word.start), 2), round(float(word.end), 2))
            for segment in segments
            for word in segment.words or ()
        ]


@cache
def _whisper() -> "WhisperModel":
    from mentora_pipelines.adapters.whisper.models import BUNDLED_MODEL, load

    return load(BUNDLED_MODEL, "cpu")


def _segments(heard: list[tuple[str, float, float]]) -> list[dict[str, object]]:
    """Sentences, as far as full stops tell."""
    segments: list[dict[str, object]] = []
    held: list[tuple[str, float, float]] = []
    for word in heard:
        held.append(word)
        if word[0].endswith((".", "?", "!")) or word is heard[-1]:
            segments.append(
                {
                    "id": len(segments),
                    "start": held[0][1],
                    "end": held[-1][2],
                    "text": " " + " ".join(text for text, _, _ in held),
                    "avg_logprob": -0.2,
                    "no_speech_prob": 0.01,
                    "compression_ratio": 1.4,
                }
            )
            held = []
    return segments


def _quiz(content: str, *, obeys: bool) -> list[dict[str, object]]:
    """Fill-in questions out of what stands between the marks, spread over it."""
    mark = content.partition("\n")[0]
    _, transcript, *_, order = content.split(mark)
    told = re.search(r"Write (\d+) questions", order)
    count = int(told[1]) if told else 5
    told = OBEY.search(content) if obeys else None
    questions: list[dict[str, object]] = []
    sentences = [line for line in transcript.split("\n") if WORD.search(line)]
    step = max(1, len(sentences) // max(1, count))
    for sentence in sentences[::step][:count]:
        answer = max(WORD.findall(sentence), key=len)
        blanked = re.sub(rf"\b{answer}\b", "_____", sentence, flags=re.IGNORECASE)
        questions.append(
            {
                "kind": "fill_in",
                "prompt": blanked,
                "options": [],
                "answer": told[1] if told else answer,
                "quote": sentence,
            }
        )
    return questions


def _events(
    asked: dict[str, Any], pieces: list[str], input_tokens: int, output_tokens: int
) -> Iterator[dict[str, Any]]:
    yield {
        "type": "message_start",
        "message": {
            "id": f"msg_{time.monotonic_ns()}",
            "type": "message",
            "role": "assistant",
            "model": asked["model"],
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": input_tokens, "output_tokens": 1},
        },
    }
    yield {
        "type": "content_block_start",
        "index": 0,
        "content_block": {
            "type": "tool_use",
            "id": "toolu_1",
            "name": asked["tools"][0]["name"],
            "input": {},
        },
    }
    for piece in pieces:
        yield {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": piece},
        }
    yield {"type": "content_block_stop", "index": 0}
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {"output_tokens": output_tokens},
    }
    yield {"type": "message_stop"}
