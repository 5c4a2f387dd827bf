from collections.abc import Sequence

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray

from mentora_pipelines.adapters.golden_set.lessons import golden_lessons
from mentora_pipelines.adapters.minilm.embedder import MiniLmEmbedder
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.search.golden_rows import golden_index
from mentora_pipelines.domain.search import (
    Reranker,
    SearchMode,
    SearchScope,
    search_lessons,
)
from mentora_pipelines.domain.search_quality import (
    MAX_DEPTH,
    SearchFigures,
    judge_search,
)
from mentora_pipelines.domain.search_reranking import SentenceReranker
from mentora_pipelines.services import DatabaseUrls

RERANKED = "reranked"

ROWS = """
select
    (select count(*) from creators), (select count(*) from videos),
    (select count(*) from transcript_chunks), (select count(*) from chunk_embeddings),
    (select count(*) from embedding_generations), (select count(*) from events),
    (select count(*) from pg_inherits where inhparent = 'chunk_embeddings'::regclass)
"""


class RememberingEmbedder:
    """Satisfies `Embedder`, each text once, as with the cache."""

    def __init__(self, embedder: MiniLmEmbedder) -> None:
        self.model = embedder.model
        self._embedder = embedder
        self._known: dict[str, NDArray[np.float32]] = {}

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One vector per text."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._embedder.embed(new), strict=True))
        return np.stack([self._known[text] for text in texts])


@pytest.fixture(scope="module")
def figures(own_database: Database) -> dict[str, SearchFigures]:
    """What each way to search makes of the golden set, with the real model."""
    lessons = golden_lessons()
    embedder = MiniLmEmbedder()
    with golden_index(own_database, lessons, embedder) as index:

        def judged(mode: SearchMode, reranker: Reranker | None = None) -> SearchFigures:
            return judge_search(
                lessons,
                lambda question: search_lessons(
                    question,
                    index=index,
                    embedder=embedder,
                    scope=SearchScope(creator_id=index.creator_id),
                    limit=MAX_DEPTH,
                    mode=mode,
                    reranker=reranker,
                ),
            )

        return {mode: judged(mode) for mode in SearchMode} | {
            RERANKED: judged(
                SearchMode.HYBRID, SentenceReranker(RememberingEmbedder(embedder))
            )
        }


def test_the_golden_set_is_large_and_diverse_enough() -> None:
    """Else a change of search is judged by a handful of easy questions."""
    lessons = golden_lessons()
    words = [sum(len(s.words) for s in lesson.segments) for lesson in lessons]
    asked = [question for lesson in lessons for question in lesson.questions]
    assert len({lesson.title for lesson in lessons}) == len(lessons) >= 12
    assert all(400 <= count <= 900 for count in words)
    assert len({question.question for question in asked}) == len(asked) >= 60
    assert {lesson.language for lesson in lessons} == {"en", "de"}
    kinds = [question.kind for question in asked]
    assert set(kinds) == {"paraphrase", "synonym", "no shared words", "exact"}
    assert min(kinds.count(kind) for kind in set(kinds)) >= 10
    for lesson in lessons:
        words_said = [word for segment in lesson.segments for word in segment.words]
        times = [time for word in words_said for time in (word.start_s, word.end_s)]
        assert times == sorted(times)


def test_both_together_find_more_than_either_alone(
    figures: dict[str, SearchFigures],
) -> None:
    """Else what students get by default is worse than a simpler search."""
    both = figures[SearchMode.HYBRID]
    for alone in (figures[SearchMode.VECTOR], figures[SearchMode.TEXT]):
        assert both.mrr > alone.mrr + 0.03
        assert all(both.recall_at[k] >= alone.recall_at[k] for k in both.recall_at)
    assert both.recall_at[1] > 0.7
    assert both.recall_at[5] > 0.9
    # Each side is there for questions that the other cannot answer.
    by_kind = {mode: of.mrr_by_kind for mode, of in figures.items()}
    assert by_kind[SearchMode.TEXT]["exact"] > by_kind[SearchMode.VECTOR]["exact"]
    assert both.mrr_by_kind["exact"] > 0.95
    assert both.mrr_by_kind["no shared words"] > 0.6


def test_a_closer_look_at_sentences_finds_more(
    figures: dict[str, SearchFigures],
) -> None:
    """Else each search waits half a second for nothing."""
    closer, before = figures[RERANKED], figures[SearchMode.HYBRID]
    assert closer.mrr > before.mrr + 0.03
    assert all(closer.recall_at[k] >= before.recall_at[k] for k in before.recall_at)
    assert closer.recall_at[1] > before.recall_at[1] + 0.03


def test_a_judgement_leaves_nothing_behind(
    own_database: Database, own_urls: DatabaseUrls, figures: dict[str, SearchFigures]
) -> None:
    """Else lessons that nobody uploaded show up in searches and metrics."""
    assert figures
    embedder = MiniLmEmbedder()
    with psycopg.connect(own_urls.admin) as reader:
        assert reader.execute(ROWS).fetchone() == (0, 0, 0, 0, 0, 0, 0)
    with golden_index(own_database, golden_lessons()[:1], embedder) as index:
        found = search_lessons(
            "410", index=index, embedder=embedder, scope=SearchScope(index.creator_id)
        )
    assert found
    with psycopg.connect(own_urls.admin) as reader:
        assert reader.execute(ROWS).fetchone() == (0, 0, 0, 0, 0, 0, 0)
