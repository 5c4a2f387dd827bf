"""Roles: who does what to whom, in the question and in its quote.

Here belong answers whose words are all in the quote, and in another part of what it
says. English alone. Not here: whether the words are there (`evidence`).
"""

import re
from collections.abc import Collection, Iterator

from mentora_pipelines.domain.quizzes.faults import Fault, FaultCode
from mentora_pipelines.domain.quizzes.questions import Question
from mentora_pipelines.domain.quizzes.wording import clauses_of, content_roots, normal
from mentora_pipelines.domain.terms.vocabulary import Vocabulary

_TARGET = r"\b(?P<link>into|onto|from|out\s+of)\s+(?:(?:an?|the|its|their)\s+)?"
_TURNED_INTO = re.compile(rf"{_TARGET}(?P<word>\w+)", re.IGNORECASE)
# "What does salt strengthen?": the verb that is asked about stands last.
_LAST_VERB = re.compile(
    r"^\s*(?:what|who|whom|which\s+\w+)\s+(?:do|does|did)\s+(?:\w+\s+){1,5}?"
    r"(?P<verb>\w+)(?:\s+(?:into|with|from|to|on|for|of|by|as|at|in|about))?\s*\?",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\b(?:when|if|while|during|unless|whenever)\s+(?P<condition>[^,?]+)", re.IGNORECASE
)


def role_faults(
    question: Question,
    context: str,
    lesson_roots: Collection[str],
    vocabulary: Vocabulary,
) -> Iterator[Fault]:
    """Why the quote, in its context, says that of something else."""
    if _is_turned_round(question, vocabulary):
        yield Fault(
            FaultCode.UNSUPPORTED, "the quote says it the other way round of the answer"
        )
    elif _answers_another_verb(question, vocabulary):
        yield Fault(FaultCode.UNSUPPORTED, "the answer belongs to another verb")
    elif _is_of_another_case(question, context, lesson_roots, vocabulary):
        yield Fault(
            FaultCode.UNSUPPORTED, "the quote speaks of another case than the prompt"
        )


def _is_turned_round(question: Question, vocabulary: Vocabulary) -> bool:
    """Whether the prompt has "into X" where the quote has "into" the answer."""
    asked = _TURNED_INTO.search(question.prompt)
    if asked is None or "?" not in question.prompt:
        return False
    told = [
        vocabulary.root(found["word"])
        for found in _TURNED_INTO.finditer(question.quote)
        if normal(found["link"]) == normal(asked["link"])
    ]
    target = vocabulary.root(asked["word"])
    answered = content_roots(question.answer, vocabulary)[:1]
    said = content_roots(question.quote, vocabulary)
    return target in said and target not in told and not set(told).isdisjoint(answered)


def _answers_another_verb(question: Question, vocabulary: Vocabulary) -> bool:
    """Whether the answer's words stand only in clauses without the verb asked for."""
    asked = _LAST_VERB.search(question.prompt)
    if asked is None:
        return False
    verb = vocabulary.root(asked["verb"])
    answer = set(content_roots(question.answer, vocabulary))
    clauses = [set(content_roots(c, vocabulary)) for c in clauses_of(question.quote)]
    with_verb = [clause for clause in clauses if verb in clause]
    return (
        bool(with_verb)
        and verb not in answer
        and not any(answer & clause for clause in with_verb)
        and any(answer <= clause for clause in clauses)
    )


def _is_of_another_case(
    question: Question,
    context: str,
    lesson_roots: Collection[str],
    vocabulary: Vocabulary,
) -> bool:
    """Whether what the prompt sets as its case is said by other sentences alone."""
    case = _CONDITION.search(question.prompt)
    if case is None:
        return False
    roots = set(content_roots(case["condition"], vocabulary)) & set(lesson_roots)
    return bool(roots) and roots.isdisjoint(content_roots(context, vocabulary))
