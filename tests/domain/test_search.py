from uuid import UUID

import pytest

from mentora_pipelines.domain.search import (
    MAX_QUERY_CHARACTERS,
    SearchHit,
    SearchMode,
    SearchScope,
    moment_url,
    search_request,
)
from mentora_pipelines.domain.search_quality import (
    GoldenLesson,
    GoldenQuestion,
    judge_search,
)
from mentora_pipelines.errors import InvalidInput
from tests.fakes import FakeEmbedder

VIDEO = UUID("00000000-0000-5000-8000-000000000001")


def hit(title: str, start_s: float, end_s: float) -> SearchHit:
    """A hit of which only the place matters."""
    return SearchHit(
        VIDEO, title, start_s, end_s, title, 1.0, None, None, None, None, ()
    )


def test_each_mode_asks_for_its_side_alone() -> None:
    """Else a search by words pays for a vector, or one by meaning reads words."""
    embedder = FakeEmbedder()
    requests = {
        mode: search_request(
            "  roots  ", embedder=embedder, scope=SearchScope(), mode=mode
        )
        for mode in SearchMode
    }
    assert {mode: request.text for mode, request in requests.items()} == {
        SearchMode.HYBRID: "roots",
        SearchMode.VECTOR: None,
        SearchMode.TEXT: "roots",
    }
    assert requests[SearchMode.TEXT].vector is None
    assert requests[SearchMode.VECTOR].vector is not None
    assert {request.generation_id for request in requests.values()} == {
        embedder.model.generation_id
    }


@pytest.mark.parametrize(
    ("query", "limit"),
    [("  ", 5), ("x" * (MAX_QUERY_CHARACTERS + 1), 5), ("x", 0), ("x", 101), ("\0", 5)],
)
def test_what_cannot_be_asked_is_refused(query: str, limit: int) -> None:
    """Else the model is paid for a question that no index answers."""
    with pytest.raises(InvalidInput):
        search_request(query, embedder=FakeEmbedder(), scope=SearchScope(), limit=limit)


def test_a_link_leads_to_the_moment() -> None:
    """Else a student lands at the beginning of an hour."""
    found = hit("Roots", 83.9, 90)
    assert (
        moment_url("https://app.example/learn", found)
        == f"https://app.example/learn/videos/{VIDEO}?t=83"
    )
    assert moment_url(None, found) is None


def test_only_a_hit_that_holds_the_whole_answer_counts() -> None:
    """Else the figures praise a search that points beside the answer."""
    answers = {
        "first": [hit("Roots", 10, 20)],
        "second": [hit("Leaves", 10, 20), hit("Roots", 0, 100)],
        "cut off": [hit("Roots", 12, 20), hit("Roots", 10, 15)],
        "never": [],
    }
    lesson = GoldenLesson(
        "Roots",
        "en",
        (),
        tuple(GoldenQuestion(words, "exact", 10, 20) for words in answers),
    )
    figures = judge_search([lesson], answers.__getitem__)
    assert [judged.rank for judged in figures.judged] == [1, 2, None, None]
    assert figures.recall_at == {1: 0.25, 3: 0.5, 5: 0.5, 10: 0.5}
    assert figures.mrr == figures.mrr_by_kind["exact"] == (1 + 1 / 2) / 4
    assert [f.question.question for f in figures.failures(1)] == [
        "second",
        "cut off",
        "never",
    ]
    assert figures.judged[1].found_instead == "Leaves"
