from dataclasses import replace

import pytest

from mentora_pipelines.domain.lessons.doubts import (
    HeardStretch,
    doubtful_s,
    doubts_as_table,
    doubts_of,
    is_better,
    mark_segments,
)
from mentora_pipelines.domain.lessons.sentences import split_sentences
from mentora_pipelines.domain.lessons.speech import Span
from mentora_pipelines.domain.lessons.transcripts import Doubt, DoubtKind, Word

WORD_S = 0.4

LECTURE = (
    "Today we look at how plants turn light into sugar, and why a leaf is green. "
    "No, no, no, that is not because it likes green light. It is very, very, very "
    "hard to see, but the green part is thrown back. Thank you."
)


def said(text: str, *, start_s: float = 0.0, probability: float = 0.9) -> HeardStretch:
    """Speech without a pause, as long as its words."""
    words = tuple(
        Word(word, start_s + n * WORD_S, start_s + (n + 1) * WORD_S, probability)
        for n, word in enumerate(text.split())
    )
    speech = (Span(start_s, words[-1].end_s),) if words else ()
    return HeardStretch(words, speech, -0.3, 0.01)


def kinds(heard: HeardStretch, language: str = "en") -> list[DoubtKind]:
    """What speaks against it."""
    return [doubt.kind for doubt in doubts_of(heard, language=language)]


def test_a_lecture_is_not_doubted() -> None:
    """Else every lesson warns, and nobody reads the warnings."""
    assert kinds(said(LECTURE)) == []


@pytest.mark.parametrize(
    "text",
    [
        "so " * 12,
        "and then we see " + "the cell of the cell " * 5,
        "it is the same thing as before and " * 3,
    ],
)
def test_a_loop_is_doubted_where_it_turns(text: str) -> None:
    """Else the model's commonest failure is published as a lesson."""
    found = doubts_of(said(f"Now look closely. {text}"), language="en")
    loop = next(doubt for doubt in found if doubt.kind is DoubtKind.REPETITION)
    assert loop.value >= 3
    assert loop.start_s >= 2 * WORD_S
    assert loop.end_s <= (3 + len(text.split())) * WORD_S + 0.01


def test_text_that_compresses_too_well_is_doubted() -> None:
    """Else a loop with small changes passes."""
    text = " ".join(f"the sum of {n} and the sum of the sum" for n in range(12))
    assert DoubtKind.COMPRESSION in kinds(said(text))


def test_more_words_than_a_mouth_can_say_are_doubted() -> None:
    """Else a hint list or a loop squeezed into a second passes."""
    heard = said(LECTURE.removesuffix(" Thank you."))
    short = replace(heard, speech=(Span(0.0, 3.0),))
    assert kinds(short) == [DoubtKind.TOO_FAST]
    assert kinds(replace(heard, speech=(Span(0.0, 6.0),)), "ja") == []


def test_speech_without_words_is_doubted_with_its_times() -> None:
    """Else a passage that the model skipped is missed by everybody."""
    heard = said("Plants need light.")
    more = replace(heard, speech=(Span(0.0, 1.2), Span(3.0, 9.0), Span(9.5, 11.0)))
    assert doubts_of(more, language="en") == (
        Doubt(DoubtKind.UNHEARD_SPEECH, 3.0, 9.0, 6.0),
    )
    nothing = HeardStretch((), (Span(5.0, 15.0),), 0.0, 1.0)
    assert doubts_of(nothing, language="en") == (
        Doubt(DoubtKind.UNHEARD_SPEECH, 5.0, 15.0, 10.0),
    )


@pytest.mark.parametrize(
    "text", ["Thanks for watching!", "Thank you.", "you", "♪ Bye."]
)
def test_a_stock_phrase_over_silence_is_doubted(text: str) -> None:
    """Else music ends with a farewell that nobody said."""
    over_silence = replace(said(text), speech=())
    assert kinds(over_silence) == [DoubtKind.STOCK_PHRASE]
    assert kinds(said(text, probability=0.2)) == [DoubtKind.STOCK_PHRASE]
    assert kinds(said(text)) == [], "a lecturer says so too"


def test_a_glossary_read_aloud_is_doubted() -> None:
    """Else hints to the model appear as words of the teacher."""
    glossary = ("Calvin cycle", "chlorophyll", "Krebs")
    echo = said("Calvin cycle, chlorophyll, Krebs.")
    found = doubts_of(echo, language="en", glossary=glossary)
    assert [doubt.kind for doubt in found] == [DoubtKind.GLOSSARY_ECHO]
    told = said("The Calvin cycle needs no chlorophyll, said Krebs.")
    assert doubts_of(told, language="en", glossary=glossary) == ()


def test_unlikely_words_are_doubted() -> None:
    """Else a guess looks like knowledge."""
    assert kinds(replace(said(LECTURE), log_probability=-1.4)) == [
        DoubtKind.LOW_PROBABILITY
    ]


def test_the_better_hearing_is_the_one_with_lesser_doubts() -> None:
    """Else the second try makes it worse."""

    def better(second: HeardStretch, first: HeardStretch) -> bool:
        return is_better(
            second,
            doubts_of(second, language="en"),
            first,
            doubts_of(first, language="en"),
        )

    loop = said("so " * 12)
    nothing = HeardStretch((), loop.speech, 0.0, 1.0)
    lecture = said(LECTURE)
    unlikely = replace(lecture, log_probability=-1.4)
    assert better(lecture, loop)
    assert not better(loop, lecture)
    assert better(nothing, loop), "no words are better than words made up"
    assert not better(replace(nothing, speech=unlikely.speech), unlikely)
    assert better(replace(lecture, log_probability=-0.2), lecture)
    assert not better(lecture, lecture)


def test_a_sentence_bears_the_doubts_that_touch_it() -> None:
    """Else a creator does not find the place to correct."""
    segments = split_sentences(said("One two three. Four five six. Seven.").words)
    inside = Doubt(DoubtKind.REPETITION, 1.3, 2.2, 3)
    after = Doubt(DoubtKind.UNHEARD_SPEECH, 10.0, 14.0, 4)
    marked = mark_segments(segments, [inside, after])
    assert [segment.doubts for segment in marked] == [(), (inside,), (after,)]
    assert [segment.text for segment in marked] == [s.text for s in segments]
    assert mark_segments([], [after]) == ()


def test_doubtful_seconds_count_once_and_have_their_times() -> None:
    """Else the figure is longer than the lesson, or says not where."""
    doubts = [
        Doubt(DoubtKind.REPETITION, 10.0, 20.0, 5),
        Doubt(DoubtKind.COMPRESSION, 5.0, 25.0, 3.1),
        Doubt(DoubtKind.UNHEARD_SPEECH, 3661.0, 3665.0, 4),
    ]
    assert doubtful_s(doubts) == 24.0
    assert "| 1:01:01 | 1:01:05 | unheard_speech | 4 |" in doubts_as_table(doubts)
