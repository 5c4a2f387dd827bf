"""Embedding a lesson by a hosted model: what is asked for, stored and booked."""

import pytest

from mentora_pipelines.domain.caching.embeddings import CachedEmbedder
from mentora_pipelines.domain.lessons.embeddings import plan_embedding
from mentora_pipelines.errors import ProviderRefused
from tests.domain.test_embeddings import embed
from tests.fakes import PENDING_VIDEO, FakeLessonStore
from tests.fix_ai import Hosted
from tests.fix_cache import OpenCache
from tests.local_ai_server import AiServer

PATH = "/v1/embeddings"


@pytest.fixture
def server(ai_server: AiServer) -> AiServer:
    """A server whose vectors mean nothing and cost nothing."""
    ai_server.by_meaning = False
    return ai_server


def test_a_lesson_costs_as_few_requests_as_the_limits_allow(
    hosted: Hosted, server: AiServer
) -> None:
    """Else ten requests of one text, as in the beginning."""
    store, embedder = FakeLessonStore(), hosted.embedder()
    texts = [f"text {number}" for number in range(4_097)]
    figures = embed(store, texts, embedder)
    assert figures.calls == len(server.served) == 3
    assert len(store.vectors) == 4_097
    assert [len(body["input"]) for body in server.bodies] == [2_048, 2_048, 1]
    assert hosted.books.total() == server.total(PATH)
    planned = plan_embedding(texts, embedder)
    assert sum(call.input_units for call in planned) == server.total(PATH)[0]
    assert {entry.creator_id for entry in hosted.books.entries} == {
        PENDING_VIDEO.creator_id
    }
    again = embed(store, texts, embedder)
    assert (again.calls, again.embedded) == (0, 0)
    assert len(server.served) == 3


def test_after_a_crash_between_batches_only_the_rest_is_asked_for(
    hosted: Hosted, server: AiServer
) -> None:
    """Else what was paid for is paid for again, each time."""
    store = FakeLessonStore()
    texts = [f"text {number}" for number in range(2_050)]
    server.faults.extend([None, 400])
    with pytest.raises(ProviderRefused):
        embed(store, texts, hosted.embedder())
    assert len(store.vectors) == 2_048
    embed(store, texts, hosted.embedder())
    assert server.bodies[-1]["input"] == texts[2_048:]
    assert len(store.vectors) == 2_050
    assert hosted.books.states() == ["settled", "failed", "settled"]
    assert hosted.books.total() == server.total(PATH)


def test_what_the_cache_holds_is_not_asked_for(
    hosted: Hosted, server: AiServer, opened: OpenCache
) -> None:
    """Else the same words in a second lesson are paid for again."""
    embedder = CachedEmbedder(hosted.embedder(), opened.cache)
    embedder.embed(["one", "two"])
    store = FakeLessonStore()
    figures = embed(store, ["two", "three", "one", "four"], embedder)
    assert figures.calls == 1
    assert figures.embedded == 4
    assert server.bodies[-1]["input"] == ["three", "four"]
    assert hosted.books.entries[0].creator_id is None
    assert hosted.books.entries[-1].creator_id == PENDING_VIDEO.creator_id
    assert plan_embedding(["one", "three"], embedder) == []
