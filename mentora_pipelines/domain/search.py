"""Search: the moments of published lessons that answer a question.

Here belong the shape of a hit, the scope of a search and its port. Not here: SQL,
indexes, or the embedding model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.lessons.embeddings import Embedder
from mentora_pipelines.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_HITS = 100
MAX_QUERY_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class SearchScope:
    """Where to look: one video, one creator, or every creator when both are None."""

    creator_id: UUID | None = None
    video_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A moment of a lesson; `score` is the cosine similarity, -1 to 1."""

    video_id: UUID
    title: str
    start_s: float
    end_s: float
    text: str
    score: float


@runtime_checkable
class SearchIndex(Protocol):
    """Finds the published chunks nearest to a vector."""

    def nearest(
        self, query: "NDArray[np.float32]", scope: SearchScope, limit: int
    ) -> list[SearchHit]:
        """At most `limit` hits of the active generation, best first."""
        ...


def search_lessons(
    query: str,
    *,
    index: SearchIndex,
    embedder: Embedder,
    scope: SearchScope,
    limit: int = 5,
) -> Sequence[SearchHit]:
    """The moments that answer `query` best; raises `InvalidInput`."""
    query = query.strip()
    if not query or len(query) > MAX_QUERY_CHARACTERS:
        raise InvalidInput(f"a query has 1 to {MAX_QUERY_CHARACTERS} characters")
    if not 1 <= limit <= MAX_HITS:
        raise InvalidInput(f"ask for 1 to {MAX_HITS} hits, not {limit}")
    return index.nearest(embedder.embed([query])[0], scope, limit)
