"""The quizzes of the sample lessons, question by question, as a page to read.

`python -m tests.sample_quizzes docs/sample_quizzes.md` writes it anew: what the
extractive writer makes of the texts that are spoken in `samples/`, what each question
quotes, and what the validator says of it. Nobody judges here but the reader.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from mentora_pipelines.adapters.extractive_quiz.writer import ExtractiveQuizWriter
from mentora_pipelines.adapters.minilm.embedder import MiniLmEmbedder
from mentora_pipelines.domain.lessons.chunks import cut_chunks
from mentora_pipelines.domain.lessons.transcripts import Transcript
from mentora_pipelines.domain.quizzes.faults import Fault
from mentora_pipelines.domain.quizzes.measures import QuizMeasures, measured
from mentora_pipelines.domain.quizzes.questions import Question, QuizWishes
from mentora_pipelines.domain.quizzes.quizzes import DEFAULT_QUESTION_COUNT, Quiz
from mentora_pipelines.domain.quizzes.review import Refusal
from mentora_pipelines.domain.quizzes.validation import Validator
from mentora_pipelines.domain.quizzes.writing import write_quiz
from tests.fakes import PENDING_VIDEO, FakeLessonStore
from tests.fix_lessons import SAMPLES
from tests.lessons import transcript_of

HEAD = """\
# The quizzes of the sample lessons

Each question that the extractive writer asks about the texts spoken in `samples/`, the
words that it quotes, and the verdict of the validator (`domain/quizzes/validation.py`).
Made by `python -m tests.sample_quizzes docs/sample_quizzes.md`; the tests fail when it
differs from what the code makes. Right answers are marked `[x]`.

The writer proposes nothing that the validator refuses: what would be refused here are
questions that repeat, contradict or give away another one.
"""


def report() -> str:
    """The page, in Markdown."""
    embedder = MiniLmEmbedder()
    return HEAD + "".join(
        f"\n{line}".rstrip(" ") for line in _lines_of_samples(embedder)
    )


def _lines_of_samples(embedder: MiniLmEmbedder) -> Iterator[str]:
    for sample in sorted(SAMPLES.glob("*.txt")):
        transcript = transcript_of(sample.read_text(encoding="utf-8").splitlines())
        quiz, refused = _written(transcript, embedder)
        validator = Validator(transcript)
        yield f"## {sample.stem}"
        yield ""
        yield _figures(quiz, refused, transcript)
        for number, question in enumerate(quiz.questions, 1):
            yield ""
            yield f"{number}. {_told(question)}"
            yield from _evidence(question, transcript, validator.faults(question))
        for refusal in refused:
            yield ""
            yield f"- refused: {_told(refusal.question)}"
            yield from _evidence(refusal.question, transcript, refusal.faults)
        yield ""


def _written(
    transcript: Transcript, embedder: MiniLmEmbedder
) -> tuple[Quiz, list[Refusal]]:
    """A quiz as a run writes it, and what it has left out."""
    video = replace(
        PENDING_VIDEO,
        staged_transcript_id=transcript.id,
        published_transcript_id=transcript.id,
    )
    store = FakeLessonStore()
    store.add_transcript(video, transcript)
    store.replace_chunks(video, transcript.id, cut_chunks(transcript, embedder))
    figures = write_quiz(
        video,
        QuizWishes(DEFAULT_QUESTION_COUNT),
        writer=ExtractiveQuizWriter(),
        store=store,
        embedder=embedder,
    )
    (quiz,) = store.quizzes(video)
    return quiz, store.refused[figures.quiz_id]


def _figures(quiz: Quiz, refused: Sequence[Refusal], transcript: Transcript) -> str:
    figures: QuizMeasures = measured(quiz.questions, transcript)
    kinds = ", ".join(
        f"{count} {kind.replace('_', ' ')}"
        for kind, count in sorted(figures.kinds.items())
    )
    return (
        f"{len(quiz.questions)} of {quiz.question_count} questions ({kinds}) about "
        f"{len(transcript.segments)} sentences, in {figures.spread:.0%} of the fifths "
        f"of the lesson; {len(refused)} refused."
    )


def _told(question: Question) -> str:
    kind = question.kind.replace("_", " ")
    return (
        f"**{question.prompt}** ({kind}, {question.difficulty}, {question.bloom_level})"
    )


def _evidence(
    question: Question, transcript: Transcript, faults: Sequence[Fault]
) -> Iterator[str]:
    for option in question.options or question.answers:
        mark = "x" if option in question.answers else " "
        yield f"   - [{mark}] {option}"
    place = next(
        number
        for number, segment in enumerate(transcript.segments, 1)
        if segment.end_s > question.start_s
    )
    yield f"   - quote (sentence {place}): \u201c{question.quote}\u201d"
    reasons = "; ".join(f"{fault.code}: {fault.reason}" for fault in faults)
    yield f"   - validator: {reasons or 'passes every rule'}"


def main() -> None:
    """Write the page into the file that is named."""
    page = Path(sys.argv[1])
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(report(), encoding="utf-8")


if __name__ == "__main__":
    main()
