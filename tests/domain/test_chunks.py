from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mentora_pipelines.domain.lessons.chunks import (
    BLOCK_MIN_S,
    BLOCK_S,
    PAUSE_S,
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


@st.composite
def lessons(draw: st.DrawFn, min_words: int = 0) -> list[Segment]:
    """Sentences in time, some without length, with pauses of all kinds."""
    now_s = draw(st.floats(0, 10))
    segments = []
    for place in range(draw(st.integers(1, 60))):
        words = draw(st.integers(min_words, 30))
        end_s = now_s + words / 3
        segments.append(Segment(f"s{place}." + " w" * words, now_s, end_s, ()))
        now_s = end_s + draw(st.sampled_from([0.0, 0.2, 0.5, PAUSE_S, 30.0]))
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
    chunks = pack_segments(lesson((0, BLOCK_MIN_S), (60, 60)), [1, 1], MAX_TOKENS)
    assert texts(chunks) == ["s0.", "s1."]
    assert chunks[1].start_s < chunks[1].end_s


def test_a_pause_ends_a_chunk_only_when_it_is_long_enough() -> None:
    """Else a slow speaker's lesson is cut into crumbs."""
    early = lesson((0, 5), (5 + PAUSE_S, 9))
    late = lesson((0, BLOCK_MIN_S), (BLOCK_MIN_S + PAUSE_S, 30))
    assert len(pack_segments(early, [1, 1], MAX_TOKENS)) == 1
    assert len(pack_segments(late, [1, 1], MAX_TOKENS)) == 2


def test_a_chunk_ends_before_it_is_too_long() -> None:
    """Else a search hit is a minute of video."""
    segments = lesson(*((10.0 * place, 10.0 * place + 9) for place in range(9)))
    chunks = pack_segments(segments, [1] * 9, MAX_TOKENS)
    assert all(chunk.end_s - chunk.start_s <= BLOCK_S for chunk in chunks)
    assert len(chunks) == 3


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


@unhurried
@given(lessons(), st.data(), st.integers(1, 60))
def test_an_edit_moves_no_border_outside_its_block(
    segments: list[Segment], data: st.DataObject, max_tokens: int
) -> None:
    """Else an edit at the beginning renames every chunk to the end."""
    place = data.draw(st.integers(0, len(segments) - 1))
    edited = tokens_of(segments)
    edited[place] = data.draw(st.integers(1, 200))
    blocks = pack_segments(segments, [0] * len(segments), max_tokens)
    before = pack_segments(segments, tokens_of(segments), max_tokens)
    after = pack_segments(segments, edited, max_tokens)
    assert texts(blocks) != []
    changed = {c.start_s for c in before} ^ {c.start_s for c in after}
    starts = [block.start_s for block in blocks]
    own = max(start for start in starts if start <= segments[place].start_s)
    following = min((s for s in starts if s > own), default=float("inf"))
    assert all(own <= start < following for start in changed)


def test_a_block_cut_by_its_tokens_ends_where_it_would_have_ended() -> None:
    """Else a long word at the beginning moves every border to the end."""
    segments = lesson(*((10.0 * place, 10.0 * place + 10) for place in range(12)))
    short = pack_segments(segments, [10] * 12, 100)
    long = pack_segments(segments, [10, 95, *[10] * 10], 100)
    assert [chunk.start_s for chunk in short] == [0, 40, 80]
    assert [chunk.start_s for chunk in long] == [0, 10, 20, 40, 80]


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
    with pytest.raises(ValueError, match="zip"):
        pack_segments(lesson((0, 1)), [], MAX_TOKENS)
