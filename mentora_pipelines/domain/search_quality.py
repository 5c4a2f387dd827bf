"""How good a search is: questions with known answers, and figures over them.

Here belong the golden set's shape, what counts as found, recall and MRR. Not here: the
texts of the golden set, or how it comes into a database.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING
from uuid import UUID

from mentora_pipelines.domain.lessons.embeddings import Embedder, EmbeddingModel
from mentora_pipelines.domain.lessons.transcripts import Segment
from mentora_pipelines.domain.search import (
    Reranker,
    SearchHit,
    SearchIndex,
    SearchMode,
    SearchScope,
    search_lessons,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEPTHS = (1, 3, 5, 10)
"""The k of recall@k; MRR counts the first `MAX_DEPTH` hits, as MS MARCO does."""

MAX_DEPTH = 10


@dataclass(frozen=True, slots=True)
class GoldenQuestion:
    """A question and where its lesson answers it, in seconds.

    `kind` is how it is worded: as a paraphrase, with synonyms, without any shared word
    that means something, or with an exact term, name, number or code.
    """

    question: str
    kind: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class GoldenLesson:
    """A lesson as it was spoken, and what is asked about it."""

    title: str
    language: str
    segments: tuple[Segment, ...]
    questions: tuple[GoldenQuestion, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a search made of a question; `rank` from 1, None: not among its hits."""

    lesson: str
    question: GoldenQuestion
    rank: int | None
    found_instead: str | None


@dataclass(frozen=True, slots=True)
class SearchFigures:
    """Recall by depth, MRR (each 0 to 1), and every question with its rank."""

    recall_at: dict[int, float]
    mrr: float
    mrr_by_kind: dict[str, float]
    judged: tuple[Judged, ...]

    def failures(self, depth: int) -> tuple[Judged, ...]:
        """The questions whose answer is not among the first `depth` hits."""
        return tuple(j for j in self.judged if j.rank is None or j.rank > depth)


def judge_search(
    lessons: Sequence[GoldenLesson], search: Callable[[str], Sequence[SearchHit]]
) -> SearchFigures:
    """Ask every question; `search` returns at least `MAX_DEPTH` hits, best first.

    A hit is right when it is of the question's lesson and holds the whole answer.
    """
    judged = tuple(
        _judge(lesson, question, search(question.question))
        for lesson in lessons
        for question in lesson.questions
    )
    kinds = sorted({each.question.kind for each in judged})
    return SearchFigures(
        recall_at={
            depth: mean(j.rank is not None and j.rank <= depth for j in judged)
            for depth in DEPTHS
        },
        mrr=_mrr(judged),
        mrr_by_kind={
            kind: _mrr([j for j in judged if j.question.kind == kind]) for kind in kinds
        },
        judged=judged,
    )


@dataclass(frozen=True, slots=True)
class EmbeddedQuestions:
    """Satisfies `Embedder` for the questions of lessons; it asks nobody."""

    model: EmbeddingModel
    vectors: "Mapping[str, NDArray[np.float32]]"

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """The vector of each question, in order; raises `KeyError` for other texts."""
        import numpy as np

        return np.stack([self.vectors[text] for text in texts])


def embed_questions(
    lessons: Sequence[GoldenLesson], embedder: Embedder
) -> EmbeddedQuestions:
    """Every question of the lessons, embedded in one call."""
    texts = [
        question.question.strip() for lesson in lessons for question in lesson.questions
    ]
    vectors = dict(zip(texts, embedder.embed(texts), strict=True))
    return EmbeddedQuestions(embedder.model, vectors)


def judge_model(
    lessons: Sequence[GoldenLesson],
    index: SearchIndex,
    questions: EmbeddedQuestions,
    *,
    creator_id: UUID,
    mode: SearchMode = SearchMode.HYBRID,
    reranker: Reranker | None = None,
) -> SearchFigures:
    """Ask every question of an index of the lessons, which `creator_id` owns.

    `questions` are those that `embed_questions` returns for the lessons, so that no
    model but a reranker's is waited for while the index is open.
    """
    return judge_search(
        lessons,
        lambda question: search_lessons(
            question,
            index=index,
            embedder=questions,
            scope=SearchScope(creator_id=creator_id),
            limit=MAX_DEPTH,
            mode=mode,
            reranker=reranker,
        ),
    )


def _judge(
    lesson: GoldenLesson, question: GoldenQuestion, hits: Sequence[SearchHit]
) -> Judged:
    rank = next(
        (
            place
            for place, hit in enumerate(hits, 1)
            if hit.title == lesson.title
            and hit.start_s <= question.start_s
            and hit.end_s >= question.end_s
        ),
        None,
    )
    wrong = next((hit for place, hit in enumerate(hits, 1) if place != rank), None)
    return Judged(lesson.title, question, rank, None if wrong is None else wrong.text)


def _mrr(judged: Sequence[Judged]) -> float:
    return mean(
        0 if j.rank is None or j.rank > MAX_DEPTH else 1 / j.rank for j in judged
    )
