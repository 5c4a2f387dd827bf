from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mentora_pipelines.domain.lessons.sentences import (
    MAX_SENTENCE_WORDS,
    PAUSE_S,
    split_sentences,
)
from mentora_pipelines.domain.lessons.transcripts import Word

unhurried = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
"""A busy machine is not a fault of ours."""


def spoken(
    text: str, pause_before: Sequence[int] = (), pause_s: float = 0
) -> list[Word]:
    """The words of a text, half a second each, with pauses before some."""
    now_s = 0.0
    words = []
    for position, word in enumerate(text.split()):
        now_s += pause_s if position in pause_before else 0
        words.append(Word(f" {word}", now_s, now_s + 0.5, 0.9))
        now_s += 0.5
    return words


def texts(words: Sequence[Word]) -> list[str]:
    """The texts of the segments."""
    return [segment.text for segment in split_sentences(words)]


def test_a_sentence_ends_at_its_mark() -> None:
    """Else a quotation in a quiz is half a thought."""
    heard = spoken('Plants eat light. Do they? "Yes!" (They do.) So it is')
    assert texts(heard) == [
        "Plants eat light.",
        "Do they?",
        '"Yes!"',
        "(They do.)",
        "So it is",
    ]


def test_a_full_stop_inside_a_sentence_does_not_end_it() -> None:
    """Else names, initials and decimals tear sentences apart."""
    for sentence in (
        "Dr. Smith met J. Doe in the U.S. Senate",
        "It grows by 2.5 per cent",
        "We saw it, e.g. in leaves",
        "He stopped. and went on",
    ):
        assert texts(spoken(sentence)) == [sentence]


def test_a_long_silence_ends_a_sentence() -> None:
    """Else a recogniser without full stops makes one sentence of a lesson."""
    heard = spoken("first thought second thought", [2], PAUSE_S)
    assert texts(heard) == ["first thought", "second thought"]
    shorter = spoken("first thought goes on", [2], PAUSE_S - 0.1)
    assert texts(shorter) == ["first thought goes on"]


def test_an_endless_sentence_is_cut() -> None:
    """Else one quotation is as long as the lesson."""
    heard = spoken("word " * (2 * MAX_SENTENCE_WORDS + 1))
    counts = [len(segment.words) for segment in split_sentences(heard)]
    assert counts == [MAX_SENTENCE_WORDS, MAX_SENTENCE_WORDS, 1]


def test_no_words_are_no_sentences() -> None:
    """Else a silent lesson has an empty sentence instead of being refused."""
    assert split_sentences([]) == ()


words = st.builds(
    Word,
    st.sampled_from(["a", "Dr.", "end.", "What?", "...", '."', "日本。", "3.14"]),
    st.floats(0, 60),
    st.floats(0, 60),
    st.just(0.9),
)


@unhurried
@given(st.lists(words, max_size=120))
def test_no_word_is_lost_or_moved(heard: list[Word]) -> None:
    """Else captions and quizzes miss what was said."""
    segments = split_sentences(heard)
    assert [word for segment in segments for word in segment.words] == heard
    for segment in segments:
        assert 0 < len(segment.words) <= MAX_SENTENCE_WORDS
        assert segment.text == " ".join(word.text for word in segment.words)
        assert segment.start_s == segment.words[0].start_s
