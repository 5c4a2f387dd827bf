"""Embeddings by OpenAI's models: as many texts a request as its limits allow.

Here belong the packing, the reading of vectors and their checks. Not here: which texts
are embedded, or where vectors are stored.
"""

import base64
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from mentora_pipelines.adapters.openai.client import PROVIDER, OpenAiClient
from mentora_pipelines.adapters.openai.tokens import count_tokens, first_tokens
from mentora_pipelines.adapters.provider_calls.calls import Answer, ProviderCalls
from mentora_pipelines.adapters.provider_calls.faults import Spent
from mentora_pipelines.domain.lessons.embeddings import (
    EmbeddedBatch,
    EmbeddingModel,
    check_vectors,
)
from mentora_pipelines.domain.spending.usage import (
    PLATFORM,
    Operation,
    Payer,
    PlannedCall,
    Unit,
)
from mentora_pipelines.errors import InvalidInput, PermanentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_INPUTS = 2_048
MAX_TEXT_TOKENS = 8_192
MAX_REQUEST_TOKENS = 300_000
"""The provider's limits of a request (OpenAI API reference, create embeddings)."""

CUT_MODELS = "text-embedding-3"
"""What these are called whose vectors can be had at any size."""


class _Vector(BaseModel):
    model_config = ConfigDict(frozen=True)

    index: int
    embedding: str | list[float]


class _Usage(BaseModel):
    prompt_tokens: int | None = Field(None, ge=0)
    total_tokens: int | None = Field(None, ge=0)


class _Vectors(BaseModel):
    data: list[_Vector]
    usage: _Usage = _Usage()


class OpenAiEmbedder:
    """Satisfies `BatchingEmbedder`, `TokenCounter`, `Billed` and `PlansEmbedding`.

    `tokens_per_minute` are the account's: a request that holds more is refused however
    often it is repeated.
    """

    def __init__(
        self,
        client: OpenAiClient,
        calls: ProviderCalls,
        *,
        model: str,
        dimensions: int,
        tokens_per_minute: int | None = None,
        payer: Payer = PLATFORM,
    ) -> None:
        self._client = client
        self._calls = calls
        self._most_tokens = min(
            MAX_REQUEST_TOKENS, tokens_per_minute or MAX_REQUEST_TOKENS
        )
        self._model = EmbeddingModel(PROVIDER, model, dimensions)
        self._payer = payer

    @property
    def model(self) -> EmbeddingModel:
        """The model that makes the vectors, wherever it is asked."""
        return self._model

    @property
    def max_tokens(self) -> int:
        """Tokens of one text that the model reads; the rest is left out."""
        return MAX_TEXT_TOKENS

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text."""
        return count_tokens(texts)

    def paid_by(self, payer: Payer) -> "OpenAiEmbedder":
        """The same embedder, its requests booked to `payer`."""
        model = self._model
        return OpenAiEmbedder(
            self._client,
            self._calls,
            model=model.model,
            dimensions=model.dimensions,
            tokens_per_minute=self._most_tokens,
            payer=payer,
        )

    def plan(self, texts: Sequence[str]) -> list[PlannedCall]:
        """Its requests, in order, their tokens counted exactly."""
        _, batches = _packed(texts, self._most_tokens)
        return [self._planned(tokens) for _, tokens in batches]

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """One unit vector per text, in order: shape (len(texts), dimensions)."""
        import numpy as np

        vectors = np.empty((len(texts), self._model.dimensions), dtype=np.float32)
        for batch in self.embed_batches(texts):
            vectors[list(batch.places)] = batch.vectors
        return vectors

    def embed_batches(self, texts: Sequence[str]) -> Iterator[EmbeddedBatch]:
        """One batch a request; the budget must suffice for all before the first."""
        sent, batches = _packed(texts, self._most_tokens)
        if len(batches) > 1:
            planned = [self._planned(tokens) for _, tokens in batches]
            self._calls.check(self._payer, planned)
        for places, tokens in batches:
            batch = [sent[place] for place in places]
            call = self._planned(tokens)
            found = self._calls.send(self._payer, call, partial(self._ask, batch, call))
            yield EmbeddedBatch(places, self._vectors(found, len(batch)))

    def check_reachable(self) -> None:
        """Raise `MentoraError` unless the server answers and knows the model."""
        self._client.check_model(self._model.model)

    def _planned(self, tokens: int) -> PlannedCall:
        return PlannedCall(
            PROVIDER,
            self._model.model,
            Operation.EMBEDDING,
            Unit.TOKENS,
            tokens,
            video_id=self._payer.video_id,
        )

    def _ask(self, texts: list[str], call: PlannedCall) -> Answer[list[_Vector]]:
        """One request; raises `Fault`."""
        from openai import omit

        api = self._client.api
        # Other models have one size and refuse to be asked for it.
        is_cut = self._model.model.startswith(CUT_MODELS)
        answer = self._client.read(
            lambda: api.embeddings.with_streaming_response.create(
                input=texts,
                model=self._model.model,
                dimensions=self._model.dimensions if is_cut else omit,
                encoding_format="base64",
            ),
            _Vectors,
        )
        told = answer.usage.prompt_tokens or answer.usage.total_tokens
        return Answer(answer.data, Spent(told or call.input_units))

    def _vectors(self, found: Sequence[_Vector], count: int) -> "NDArray[np.float32]":
        """Unit vectors in the order of the texts.

        Raises `PermanentError` unless there is a sound one for each: what was paid for
        once would come out the same again.
        """
        import numpy as np

        by_place = sorted(found, key=lambda one: one.index)
        if [one.index for one in by_place] != list(range(count)):
            raise PermanentError(
                f"the embedding model returned {len(found)} vectors for {count} texts, "
                "or not one for each"
            )
        rows = [_numbers(one.embedding) for one in by_place]
        dimensions = self._model.dimensions
        wrong = next((len(row) for row in rows if len(row) != dimensions), None)
        if wrong is not None:
            raise PermanentError(
                f"the embedding model returned a vector of {wrong} dimensions "
                f"instead of {dimensions}"
            )
        vectors = np.stack(rows)
        check_vectors(vectors, count, dimensions)
        # In double precision: the squares of large numbers would be infinite.
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
        unit: NDArray[np.float32] = (vectors / lengths).astype(np.float32)
        check_vectors(unit, count, dimensions)
        return unit


def _numbers(embedding: str | list[float]) -> "NDArray[np.float32]":
    """A vector as it was sent: little-endian 4-byte floats in base64, or a list."""
    import numpy as np

    if not isinstance(embedding, str):
        return np.array(embedding, dtype=np.float32)
    try:
        return np.frombuffer(base64.b64decode(embedding, validate=True), dtype="<f4")
    except ValueError:
        raise PermanentError("the embedding model returned no vector") from None


def _packed(
    texts: Sequence[str], most_tokens: int
) -> tuple[list[str], list[tuple[range, int]]]:
    """The texts as they are sent, and which of them go into a request together.

    Each request comes with its tokens. Texts keep their order; a request is closed
    when one more would not fit; a text with more than `most_tokens` goes alone. A text
    is cut to what the model reads of it. Raises `InvalidInput` for a text without
    anything to embed.
    """
    if not all(text.strip() for text in texts):
        raise InvalidInput("a blank text has no vector")
    counts = count_tokens(texts)
    sent = [
        text if count <= MAX_TEXT_TOKENS else first_tokens(text, MAX_TEXT_TOKENS)
        for text, count in zip(texts, counts, strict=True)
    ]
    batches: list[tuple[range, int]] = []
    first = tokens = 0
    for place, count in enumerate(counts):
        added = min(count, MAX_TEXT_TOKENS)
        if place > first and (
            place - first == MAX_INPUTS or tokens + added > most_tokens
        ):
            batches.append((range(first, place), tokens))
            first, tokens = place, 0
        tokens += added
    if texts:
        batches.append((range(first, len(texts)), tokens))
    return sent, batches
