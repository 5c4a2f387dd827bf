"""Quizzes and their questions as commands print them."""

from mentora_pipelines.domain.lessons.times import clock
from mentora_pipelines.domain.quizzes.questions import Question
from mentora_pipelines.domain.quizzes.quizzes import Quiz
from mentora_pipelines.domain.quizzes.wishes_met import wishes_met


def as_text(number: int, question: Question) -> str:
    """A question as people read it: options, answer, quotation and its time."""
    lines = [f"{number}. {question.prompt}"]
    lines += [
        f"   {letter}) {option}"
        for letter, option in zip("abcdefgh", question.options, strict=False)
    ]
    lines.append(f"   answer: {', '.join(question.answers)}")
    lines.append(
        f"   {clock(question.start_s)}–{clock(question.end_s)} “{question.quote}”"
    )
    return "\n".join(lines)


def wishes_as_text(quiz: Quiz) -> str:
    """What was asked for and how much of it is there, as "hard: 2 of 10"."""
    number, *others = wishes_met(quiz)
    told = [f"{number.met} of {number.of} questions"]
    told += [f"{one.asked}: {one.met} of {one.of}" for one in others]
    return f"asked for and met: {', '.join(told)}"


def quiz_as_json(quiz: Quiz) -> dict[str, object]:
    """A quiz with what was asked for, what has changed, and its questions."""
    return {
        "quiz_id": quiz.id,
        "status": quiz.status,
        "wishes": [
            {"wish": one.wish, "asked": one.asked, "met": one.met, "of": one.of}
            for one in wishes_met(quiz)
        ],
        "changed": [
            {
                "question_id": span.question_id,
                "quote": span.quote,
                "start_s": span.start_s,
                "end_s": span.end_s,
                "now": span.now,
            }
            for span in quiz.changed
        ],
        "questions": [question.as_plain() for question in quiz.questions],
    }
