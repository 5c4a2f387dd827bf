"""The golden set: lessons that were written for it and questions about them.

Here belong the files and the times at which their words are said. Not here: what
counts as found (`domain/search_quality`).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel

from mentora_pipelines.domain.lessons.transcripts import Segment, Word
from mentora_pipelines.domain.search_quality import GoldenLesson, GoldenQuestion

FOLDER = Path(__file__).parent / "lessons"

WORD_S = 0.12
LETTER_S = 0.05
PAUSE_S = 0.5
"""Speech at about 160 words a minute: a longer word takes longer."""


class _Question(BaseModel):
    question: str
    answer: str
    kind: str


class _Lesson(BaseModel):
    title: str
    language: str
    sentences: list[str]
    questions: list[_Question]


def golden_lessons() -> list[GoldenLesson]:
    """Every lesson, by file name."""
    return [
        _lesson(_Lesson.model_validate_json(path.read_bytes()))
        for path in sorted(FOLDER.glob("*.json"))
    ]


def _lesson(written: _Lesson) -> GoldenLesson:
    segments = tuple(_spoken(written.sentences))
    return GoldenLesson(
        title=written.title,
        language=written.language,
        segments=segments,
        questions=tuple(_question(asked, segments) for asked in written.questions),
    )


def _question(asked: _Question, segments: Sequence[Segment]) -> GoldenQuestion:
    """The question with the time of the sentence that holds its answer."""
    (answer,) = (segment for segment in segments if asked.answer in segment.text)
    return GoldenQuestion(asked.question, asked.kind, answer.start_s, answer.end_s)


def _spoken(sentences: Sequence[str]) -> Iterator[Segment]:
    now_s = 0.0
    for sentence in sentences:
        words = []
        for text in sentence.split():
            start_s = now_s
            now_s += WORD_S + LETTER_S * len(text)
            words.append(Word(text, round(start_s, 2), round(now_s, 2), 1.0))
        yield Segment(sentence, words[0].start_s, words[-1].end_s, tuple(words))
        now_s += PAUSE_S
