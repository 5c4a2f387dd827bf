"""The validator: every rule that one question must pass before it is stored.

Here belongs the order of the rules. Not here: the rules themselves, or those between
questions (`conflicts`).
"""

from collections.abc import Iterator

from mentora_pipelines.domain.lessons.transcripts import Transcript
from mentora_pipelines.domain.quizzes.evidence import Evidence
from mentora_pipelines.domain.quizzes.faults import Fault, FaultCode
from mentora_pipelines.domain.quizzes.languages import other_language
from mentora_pipelines.domain.quizzes.options import option_faults
from mentora_pipelines.domain.quizzes.questions import (
    BLANK,
    Question,
    QuestionKind,
)
from mentora_pipelines.domain.quizzes.sheet import sheet_faults
from mentora_pipelines.domain.quizzes.smuggling import smuggled_faults
from mentora_pipelines.domain.terms.vocabulary import Vocabulary


class Validator:
    """The rules, applied to questions about one transcript."""

    def __init__(self, transcript: Transcript) -> None:
        self.vocabulary = Vocabulary(transcript.language)
        self._evidence = Evidence(transcript, self.vocabulary)

    def faults(self, question: Question) -> tuple[Fault, ...]:
        """Everything that is wrong with a question; empty when it may be stored."""
        found = tuple(self._found(question))
        return tuple(dict.fromkeys(found))

    def _found(self, question: Question) -> Iterator[Fault]:
        yield from smuggled_faults(question)
        sheet = list(sheet_faults(question, self.vocabulary))
        yield from sheet
        if any(fault.code is FaultCode.FORM for fault in sheet):
            return
        language = self._language_of(question)
        if language is not None:
            yield Fault(FaultCode.LANGUAGE, f"it is in another language ({language})")
        if question.kind.has_options:
            wrong = list(option_faults(question, self.vocabulary))
            yield from wrong
            if any(fault.code is FaultCode.OPTIONS for fault in wrong):
                return
        yield from self._evidence.faults(question)

    def _language_of(self, question: Question) -> str | None:
        """The language of the prompt, or of the options, if it is not the lesson's."""
        texts = [question.prompt.replace(BLANK, " ")]
        if question.kind in {
            QuestionKind.MULTIPLE_CHOICE,
            QuestionKind.MULTIPLE_ANSWER,
        }:
            texts.append(" ".join(question.options))
        elif question.kind is QuestionKind.SHORT_ANSWER:
            texts.append(question.answer)
        for text in texts:
            found = other_language(text, self.vocabulary.language)
            if found is not None:
                return found
        return None
