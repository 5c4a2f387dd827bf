"""GIFT, which Moodle and other platforms read: one question a paragraph.

Texts are HTML with every sign of HTML and of GIFT escaped, so that no option becomes
markup or ends its question; what a student types is compared as plain text.
"""

import html
import re

from mentora_pipelines.domain.lessons.times import clock
from mentora_pipelines.domain.quizzes.handouts import Handout
from mentora_pipelines.domain.quizzes.questions import (
    BLANK,
    TRUE,
    Question,
    QuestionKind,
)

MAX_TYPED_WORDS = 3
"""Nobody types a longer answer letter by letter: it becomes an essay with a model
answer."""

_SIGNS = re.compile(r"([~=#{}:\\])")
_UNTYPABLE = re.compile(r"->|[{}\\]")
_CONTROLS = re.compile("[\x00-\x1f\x7f\u2028\u2029]+")


def as_gift(handout: Handout) -> str:
    """The whole quiz as GIFT."""
    questions = handout.quiz.questions
    parts = [_question(n, q, handout) for n, q in enumerate(questions, 1)]
    return "\n\n".join([f"// {_line(handout.title)}", *parts]) + "\n"


def _question(number: int, question: Question, handout: Handout) -> str:
    head = f"::Q{number}::[html]"
    feedback = f"####{_shown(_evidence(question, handout))}"
    if question.kind is QuestionKind.FILL_IN and _can_be_typed(question):
        before, _, after = question.prompt.partition(BLANK)
        answers = "".join(f" ={_typed(answer)}" for answer in question.answers)
        return f"{head}{_shown(before)} {{{answers} {feedback}}} {_shown(after)}"
    return f"{head}{_shown(question.prompt)} {{{_answers(question)} {feedback}}}"


def _answers(question: Question) -> str:
    match question.kind:
        case QuestionKind.TRUE_FALSE:
            return "TRUE" if question.answer == TRUE else "FALSE"
        case QuestionKind.MULTIPLE_CHOICE:
            return " ".join(
                f"{'=' if option in question.answers else '~'}{_shown(option)}"
                for option in question.options
            )
        case QuestionKind.MULTIPLE_ANSWER:
            share = f"{100 / len(question.answers):.5g}"
            return " ".join(
                f"~%{share if option in question.answers else -100}%{_shown(option)}"
                for option in question.options
            )
        case _:
            if not _can_be_typed(question):
                return ""
            return " ".join(f"={_typed(answer)}" for answer in question.answers)


def _can_be_typed(question: Question) -> bool:
    """Whether an answer can be compared letter by letter, by every reader of GIFT.

    "->" would make it a question of pairs, and not all readers know an escaped brace.
    """
    return all(
        len(answer.split()) <= MAX_TYPED_WORDS and not _UNTYPABLE.search(answer)
        for answer in question.answers
    )


def _evidence(question: Question, handout: Handout) -> str:
    answer = ", ".join(question.answers)
    moment = handout.moment(question)
    place = f" {moment}" if moment else ""
    return f"{answer}. {clock(question.start_s)}{place}: “{question.quote}”"


def _shown(text: str) -> str:
    escaped = html.escape(_line(text))
    for sign in "\\%{}":
        escaped = escaped.replace(sign, f"&#{ord(sign)};")
    return _SIGNS.sub(r"\\\1", escaped)


def _typed(text: str) -> str:
    return _SIGNS.sub(r"\\\1", _line(text))


def _line(text: str) -> str:
    return _CONTROLS.sub(" ", text).strip()
