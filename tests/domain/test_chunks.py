from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mentora_pipelines.domain.lessons.chunks import (
    CHOICE_S,
    PERIOD_S,
    SILENCE_S,
    Chunk,
    TokenCounter,
    chunk_lesson,
    pack_segments,
)
from mentora_pipelines.domain.lessons.transcripts import Segment
from tests.fakes import PENDING_VIDEO, FakeLessonStore
from tests.lessons import transcript_of

unhurried = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
"""A busy machine is not a fault of ours."""

MAX_TOKENS = 254


class WordCounter:
    """Satisfies `TokenCounter`: a word is a token."""

    max_tokens = MAX_TOKENS

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words of each text."""
        return [len(text.split()) for text in texts]


def lesson(*times: tuple[float, float]) -> list[Segment]:
    """Segments with these times; their texts name their places."""
    return [
        Segment(f"s{place}.", start, end, ())
        for place, (start, end) in enumerate(times)
    ]


def texts(chunks: list[Chunk]) -> list[str]:
    """The texts of chunks."""
    return [chunk.text for chunk in chunks]


def starts(chunks: list[Chunk]) -> list[float]:
    """When chunks start."""
    return [chunk.start_s for chunk in chunks]


@st.composite
def lessons(draw: st.DrawFn, min_words: int = 0) -> list[Segment]:
    """Sentences in time, some without length, with pauses of all kinds."""
    now_s = draw(st.floats(0, 10))
    segments = []
    for place in range(draw(st.integers(1, 60))):
        words = draw(st.integers(min_words, 30))
        end_s = now_s + words / 3
        segments.append(Segment(f"s{place}." + " w" * words, now_s, end_s, ()))
        now_s = end_s + draw(st.sampled_from([0.0, 0.2, 0.5, 2.0, 30.0]))
    return segments


def tokens_of(segments: list[Segment]) -> list[int]:
    """A token a word."""
    return [len(segment.text.split()) for segment in segments]


@unhurried
@given(lessons(), st.integers(1, 300))
def test_every_sentence_is_in_exactly_one_chunk(
    segments: list[Segment], max_tokens: int
) -> None:
    """Else a part of the lesson cannot be found, or is found twice."""
    chunks = pack_segments(segments, tokens_of(segments), max_tokens)
    assert " ".join(texts(chunks)) == " ".join(segment.text for segment in segments)
    assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
    assert sum(chunk.token_count for chunk in chunks) == sum(tokens_of(segments))
    assert chunks == pack_segments(segments, tokens_of(segments), max_tokens)


@unhurried
@given(lessons(), st.integers(1, 300))
def test_chunks_have_a_length_and_follow_each_other(
    segments: list[Segment], max_tokens: int
) -> None:
    """Else the database refuses the lesson, or a search hit plays the wrong moment."""
    chunks = pack_segments(segments, tokens_of(segments), max_tokens)
    assert all(chunk.start_s < chunk.end_s for chunk in chunks)
    assert all(one.start_s <= two.start_s for one, two in pairwise(chunks))


def test_a_chunk_covers_the_times_of_all_its_sentences() -> None:
    """Else the facts say that a sentence is in no chunk, and nothing is published."""
    chunks = pack_segments(lesson((0, 9), (8, 8.5)), [1, 1], MAX_TOKENS)
    assert [(chunk.start_s, chunk.end_s) for chunk in chunks] == [(0, 9)]


def test_a_last_word_without_length_makes_a_chunk() -> None:
    """Else a recogniser that gives "Bye." no length fails the whole lesson."""
    chunks = pack_segments(lesson((0, 20), (60, 60)), [1, 1], MAX_TOKENS)
    assert texts(chunks) == ["s0.", "s1."]
    assert chunks[1].start_s < chunks[1].end_s


def test_a_chunk_ends_at_the_longest_pause_near_its_end() -> None:
    """Else a search hit breaks off in the middle of a thought."""
    pauses = lesson((0, 23), (24, 26), (28, 30), (30, 35), (36, 50))
    assert starts(pack_segments(pauses, [1] * 5, MAX_TOKENS)) == [0, 28]


def test_no_chunk_stands_over_a_silence() -> None:
    """Else a search hit plays a minute in which nothing is said."""
    silence = lesson((0, 5), (5 + SILENCE_S, 20), (90, 100))
    assert starts(pack_segments(silence, [1] * 3, MAX_TOKENS)) == [0, 17, 90]


def test_the_last_words_are_no_chunk_of_their_own() -> None:
    """Else "Thank you." is a chunk, and is found for every question about thanks."""
    ending = lesson((0, 20), (20, 33), (34, 36))
    assert starts(pack_segments(ending, [1] * 3, MAX_TOKENS)) == [0]


def test_a_chunk_is_neither_too_long_nor_a_crumb() -> None:
    """Else a search hit is minutes of video, or a single sentence."""
    segments = lesson(*((5.0 * place, 5.0 * place + 4.9) for place in range(200)))
    chunks = pack_segments(segments, [1] * 200, MAX_TOKENS)
    lengths = [chunk.end_s - chunk.start_s for chunk in chunks]
    assert max(lengths) <= PERIOD_S + CHOICE_S
    assert min(lengths) >= PERIOD_S - CHOICE_S - 5


def test_a_huge_sentence_stays_whole_and_alone() -> None:
    """Else a sentence is divided, and no quotation of it can be found."""
    segments = lesson((0, 1), (1, 2), (2, 3))
    chunks = pack_segments(segments, [5, MAX_TOKENS * 3, 5], MAX_TOKENS)
    assert texts(chunks) == ["s0.", "s1.", "s2."]
    assert chunks[1].token_count == MAX_TOKENS * 3


@unhurried
@given(lessons(), st.integers(1, 300))
def test_only_a_single_sentence_is_above_the_limit(
    segments: list[Segment], max_tokens: int
) -> None:
    """Else the model ignores the end of a chunk, and nobody can find it."""
    for chunk in pack_segments(segments, tokens_of(segments), max_tokens):
        assert chunk.token_count <= max_tokens or chunk.text.count("s") == 1


@unhurried
@given(lessons(), st.data())
def test_an_edit_changes_at_most_two_chunks(
    segments: list[Segment], data: st.DataObject
) -> None:
    """Else a corrected word pays for the vectors of the whole lesson again."""
    place = data.draw(st.integers(0, len(segments) - 1))
    words = data.draw(st.integers(0, 40))
    old = segments[place]
    edited = list(segments)
    edited[place] = Segment("e." + " w" * words, old.start_s, old.end_s, ())
    before = pack_segments(segments, tokens_of(segments), MAX_TOKENS)
    after = pack_segments(edited, tokens_of(edited), MAX_TOKENS)
    assert len(set(texts(after)) - set(texts(before))) <= 2
    assert len(set(texts(before)) - set(texts(after))) <= 2


@st.composite
def fluent(draw: st.DrawFn) -> list[Segment]:
    """Sentences of two to nine seconds, as people speak."""
    now_s = draw(st.floats(0, 60))
    segments = []
    for place in range(draw(st.integers(2, 120))):
        words = draw(st.integers(6, 26))
        segments.append(
            Segment(f"s{place}." + " w" * words, now_s, now_s + words / 3, ())
        )
        now_s += words / 3 + draw(st.sampled_from([0.1, 0.4, 0.9, 2.5]))
    return segments


@unhurried
@given(fluent(), st.data())
def test_a_sentence_more_or_less_changes_at_most_two_chunks(
    segments: list[Segment], data: st.DataObject
) -> None:
    """Else one removed line pays for the vectors of everything behind it."""
    place = data.draw(st.integers(0, len(segments) - 1))
    shorter = segments[:place] + segments[place + 1 :]
    long = set(texts(pack_segments(segments, tokens_of(segments), MAX_TOKENS)))
    short = set(texts(pack_segments(shorter, tokens_of(shorter), MAX_TOKENS)))
    assert len(short - long) <= 2, "when it is removed"
    assert len(long - short) <= 2, "when it is added"


def test_a_chunk_with_too_many_tokens_is_halved_and_the_next_one_stays() -> None:
    """Else a long word at the beginning moves every border to the end."""
    segments = lesson(*((9.0 * place, 9.0 * place + 8.5) for place in range(12)))
    short = pack_segments(segments, [10] * 12, 100)
    long = pack_segments(segments, [10, 95, *[10] * 10], 100)
    assert starts(long) == sorted({*starts(short), 9, 18})


def test_a_second_run_writes_no_chunk() -> None:
    """Else every re-run rewrites every row and its full-text index."""
    store = FakeLessonStore()
    transcript = transcript_of(["Light feeds plants.", "Water rises."] * 20)
    counter: TokenCounter = WordCounter()
    first = chunk_lesson(transcript, PENDING_VIDEO, counter=counter, store=store)
    again = chunk_lesson(transcript, PENDING_VIDEO, counter=counter, store=store)
    assert (first.written, again.written) == (len(first.chunks), 0)
    assert store.stored_chunks[transcript.id] == list(first.chunks)


def test_no_sentences_are_no_chunks() -> None:
    """Else a silent lesson has a chunk without words."""
    assert pack_segments([], [], MAX_TOKENS) == []
    with pytest.raises(ValueError, match="per segment"):
        pack_segments(lesson((0, 1)), [], MAX_TOKENS)
