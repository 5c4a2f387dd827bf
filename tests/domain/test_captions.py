import html
import io
from itertools import pairwise
from uuid import UUID

import srt
import webvtt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mentora_pipelines.domain.lessons.captions import (
    MAX_CUE_S,
    MAX_LINE_CHARACTERS,
    MAX_LINES,
    MIN_CUE_S,
    PAUSE_S,
    CaptionFormat,
    CaptionTrack,
    Cue,
    caption_lesson,
    cut_cues,
    render_captions,
)
from mentora_pipelines.domain.lessons.transcripts import Word
from mentora_pipelines.domain.videos import Video
from tests.fakes import PENDING_VIDEO, FakeStorage
from tests.lessons import transcript_of

unhurried = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
"""A busy machine is not a fault of ours."""

signs = st.characters(exclude_categories=["C", "Z"])
texts = st.one_of(
    st.sampled_from(["so", "light.", "Why?", "<i>", "a&b", "-->", "&amp;", "NOTE"]),
    st.text(signs, min_size=1, max_size=14),
    st.text(signs, min_size=MAX_LINE_CHARACTERS, max_size=2 * MAX_LINE_CHARACTERS),
)


@st.composite
def spoken(draw: st.DrawFn) -> list[Word]:
    """Words in the order of their starts: without length, overlapping, far apart."""
    now_s = draw(st.floats(0, 100_000))
    words = []
    for _ in range(draw(st.integers(0, 60))):
        length_s = draw(st.sampled_from([0.0, 0.0004, 0.3, 2.0, 20.0]))
        words.append(Word(draw(texts), now_s, now_s + length_s, 0.9))
        now_s += draw(st.sampled_from([0.0, 0.0001, 0.1, length_s, length_s + PAUSE_S]))
    return words


def words_of(cues: tuple[Cue, ...]) -> list[str]:
    """What a viewer reads, word by word."""
    return [word for cue in cues for word in cue.text.split()]


def milliseconds(cues: tuple[Cue, ...]) -> list[tuple[int, int]]:
    """When cues stand, as the files must say."""
    return [(round(c.start_s * 1000), round(c.end_s * 1000)) for c in cues]


class FakeCaptions:
    """Satisfies `CaptionStore`; counts its writes."""

    def __init__(self) -> None:
        self.tracks: dict[UUID, CaptionTrack] = {}
        self.writes = 0

    def caption_track(self, video: Video, transcript_id: UUID) -> CaptionTrack | None:
        """The track of a version, or None."""
        assert video.creator_id
        return self.tracks.get(transcript_id)

    def put_caption_track(
        self, video: Video, transcript_id: UUID, track: CaptionTrack
    ) -> None:
        """Store or replace the track of a version."""
        assert video.creator_id
        self.tracks[transcript_id] = track
        self.writes += 1


@unhurried
@given(spoken())
def test_no_word_is_lost_or_divided(words: list[Word]) -> None:
    """Else who reads the captions misses what was said."""
    assert words_of(cut_cues(words)) == [word.text for word in words]


@unhurried
@given(spoken())
def test_cues_follow_each_other_without_overlap(words: list[Word]) -> None:
    """Else two captions stand over each other, and publishing is refused."""
    cues = cut_cues(words)
    assert all(0 <= cue.start_s < cue.end_s for cue in cues)
    assert all(one.end_s <= two.start_s for one, two in pairwise(cues))


@unhurried
@given(spoken())
def test_a_cue_fits_the_screen(words: list[Word]) -> None:
    """Else a caption covers the slide."""
    for cue in cut_cues(words):
        lines = cue.text.split("\n")
        assert len(lines) <= MAX_LINES
        assert all(len(x) <= MAX_LINE_CHARACTERS or len(x.split()) == 1 for x in lines)


@unhurried
@given(spoken())
def test_a_webvtt_file_is_read_back_as_it_was(words: list[Word]) -> None:
    """Else a player drops captions, or takes a `<` for markup."""
    cues = cut_cues(words)
    read = webvtt.from_string(render_captions(cues, CaptionFormat.VTT)).captions
    assert [html.unescape(cue.raw_text) for cue in read] == [cue.text for cue in cues]
    assert [
        (at.start_time.in_milliseconds(), at.end_time.in_milliseconds()) for at in read
    ] == milliseconds(cues)


@unhurried
@given(spoken())
def test_an_srt_file_is_read_back_as_it_was(words: list[Word]) -> None:
    """Else a creator's editor loses captions on the way."""
    cues = cut_cues(words)
    read = list(srt.parse(render_captions(cues, CaptionFormat.SRT)))
    assert [cue.content for cue in read] == [cue.text for cue in cues]
    assert [cue.index for cue in read] == list(range(1, len(cues) + 1))
    assert [
        (round(at.start.total_seconds() * 1000), round(at.end.total_seconds() * 1000))
        for at in read
    ] == milliseconds(cues)


def test_markup_in_speech_is_text_in_webvtt() -> None:
    """Else `a < b && c --> d` ends the cue or vanishes."""
    rendered = render_captions([Cue(0, 1, "a < b && c --> d")], CaptionFormat.VTT)
    assert rendered == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\na &lt; b &amp;&amp; c --&gt; d\n"
    )


def test_times_beyond_an_hour_are_whole_milliseconds() -> None:
    """Else captions of a long lesson are minutes off."""
    cue = Cue(3599.9996, 36_061.5, "x")
    assert "01:00:00.000 --> 10:01:01.500" in render_captions([cue], CaptionFormat.VTT)
    assert "01:00:00,000 --> 10:01:01,500" in render_captions([cue], CaptionFormat.SRT)


def test_a_cue_ends_at_a_pause() -> None:
    """Else a caption stands over silence and gives away what comes."""
    words = [Word("one", 0, 1, 0.9), Word("two", 1 + PAUSE_S, 3, 0.9)]
    assert [cue.text for cue in cut_cues(words)] == ["one", "two"]


def test_a_cue_ends_with_its_sentence() -> None:
    """Else a caption joins the end of a thought to the beginning of the next."""
    words = [Word("Stop.", 0, 1, 0.9), Word("Go", 1, 2, 0.9)]
    assert [cue.text for cue in cut_cues(words)] == ["Stop.", "Go"]


def test_a_cue_is_neither_too_long_nor_too_short() -> None:
    """Else a caption flashes by, or stands for minutes."""
    slow = [Word("m", 2.0 * n, 2.0 * n + 1.9, 0.9) for n in range(20)]
    assert all(cue.end_s - cue.start_s <= MAX_CUE_S for cue in cut_cues(slow))
    short = cut_cues([Word("Hm", 5, 5.1, 0.9)])[0]
    assert short.end_s - short.start_s >= MIN_CUE_S - 0.001


def test_no_words_make_an_empty_valid_file() -> None:
    """Else a player refuses the whole video."""
    assert cut_cues([]) == ()
    assert render_captions([], CaptionFormat.VTT) == "WEBVTT\n"
    assert render_captions([], CaptionFormat.SRT) == ""


def test_a_second_run_writes_no_caption() -> None:
    """Else every re-run stores the same file and row again."""
    storage, store = FakeStorage(), FakeCaptions()
    transcript = transcript_of(["Light feeds plants.", "Water rises."])
    video = PENDING_VIDEO
    first = caption_lesson(transcript, video, storage=storage, store=store)
    again = caption_lesson(transcript, video, storage=storage, store=store)
    assert (first.written, again.written, store.writes) == (True, False, 1)
    with storage.open(first.track.storage_key) as file:
        held = io.TextIOWrapper(file, encoding="utf-8").read()
    assert webvtt.from_string(held).captions[0].text == "Light feeds plants."


def test_a_lost_caption_file_is_written_again() -> None:
    """Else a row points to a file that is not there, for ever."""
    storage, store = FakeStorage(), FakeCaptions()
    transcript, video = transcript_of(["Light feeds plants."]), PENDING_VIDEO
    first = caption_lesson(transcript, video, storage=storage, store=store)
    storage.objects.clear()
    assert caption_lesson(transcript, video, storage=storage, store=store).written
    assert storage.stat(first.track.storage_key) is not None
