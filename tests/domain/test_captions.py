import html
import io
from dataclasses import replace
from itertools import pairwise
from uuid import UUID

import pysubs2
import pytest
import srt
import webvtt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mentora_pipelines.domain.lessons.caption_review import (
    Breach,
    CaptionReview,
    review_captions,
)
from mentora_pipelines.domain.lessons.caption_rules import (
    LONG_PAUSE_S,
    MAX_CUE_S,
    MAX_LINES,
    MIN_CUE_S,
    MIN_GAP_S,
    PAUSE_S,
    Cue,
    limits_of,
)
from mentora_pipelines.domain.lessons.captions import (
    CaptionFormat,
    CaptionTrack,
    caption_lesson,
    render_captions,
)
from mentora_pipelines.domain.lessons.cue_cutting import cut_cues
from mentora_pipelines.domain.lessons.transcripts import Word
from mentora_pipelines.domain.videos import Video
from tests.fakes import PENDING_VIDEO, FakeStorage
from tests.lessons import transcript_of

unhurried = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
"""A busy machine is not a fault of ours."""

MAX_LINE_CHARACTERS = limits_of("en").line_characters

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

    def staged_caption_track(self, video: Video) -> CaptionTrack | None:
        """The track that was stored last, or None."""
        assert video.creator_id
        return next(reversed(self.tracks.values()), None)

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
    assert "".join(words_of(cut_cues(words))) == "".join(w.text for w in words)


@unhurried
@given(spoken(), st.sampled_from(["en", "de", "zh"]))
def test_captions_pass_review_whatever_is_said(
    words: list[Word], language: str
) -> None:
    """Else a lesson fails for its captions, and its creator can do nothing about it."""
    review = review_captions(cut_cues(words, language), words, language)
    assert review.faults == ()


@unhurried
@given(spoken())
def test_captions_keep_the_rules_that_no_speech_breaks(words: list[Word]) -> None:
    """Else two captions stand over each other, or one covers the slide."""
    cues = cut_cues(words)
    assert all(0 <= cue.start_s < cue.end_s for cue in cues)
    assert all(one.end_s <= two.start_s for one, two in pairwise(cues))
    assert all(cue.end_s - cue.start_s < MAX_CUE_S + 0.001 for cue in cues)
    for cue in cues:
        lines = cue.text.split("\n")
        assert len(lines) <= MAX_LINES
        assert all(len(x) <= MAX_LINE_CHARACTERS or len(x.split()) == 1 for x in lines)


def fluent(text: str, word_s: float = 0.35) -> list[Word]:
    """Words at an even pace, without a pause."""
    return [
        Word(word, round(place * word_s, 3), round((place + 1) * word_s, 3), 0.9)
        for place, word in enumerate(text.split())
    ]


LECTURE = (
    "A plant takes in water through its roots, and it carries the water up to its "
    "leaves. Right. There the light of the sun splits the water, so that oxygen can "
    "leave the plant through many small pores. Why does it matter? Because everything "
    "that breathes on this planet needs the oxygen that is left over."
)


@pytest.mark.parametrize("word_s", [0.33, 0.5, 0.9])
def test_speech_makes_captions_without_orphans_and_without_haste(word_s: float) -> None:
    """Else a viewer cannot read along, or sees a single word flash by."""
    words = fluent(LECTURE, word_s)
    cues = cut_cues(words)
    assert all(len(cue.text.split()) > 1 for cue in cues)
    assert all(cue.end_s - cue.start_s >= MIN_CUE_S for cue in cues)
    assert all(
        two.start_s - one.end_s >= MIN_GAP_S - 1e-6 for one, two in pairwise(cues)
    )
    review = review_captions(cues, words, "en")
    assert (review.faults, review.unavoidable) == ((), ())
    assert review.fastest <= limits_of("en").characters_per_s


def test_a_speaker_faster_than_readers_is_counted_and_no_fault() -> None:
    """Else a fast speaker's lesson is never published."""
    words = fluent(LECTURE, 0.18)
    review = review_captions(cut_cues(words), words, "en")
    assert review.faults == ()
    assert review.count(Breach.FAST_CUE) >= 3
    assert review.fastest > limits_of("en").characters_per_s


def test_lines_of_a_cue_are_about_equally_long() -> None:
    """Else the second line holds one word, or one parts an article from its noun."""
    (cue,) = cut_cues(
        fluent("The pores of a leaf close when the soil below gets dry.", 0.3)
    )
    assert cue.text == "The pores of a leaf close\nwhen the soil below gets dry."


def test_a_language_without_blanks_gets_none() -> None:
    """Else a Chinese lesson is shown with a gap after each word, in lines too long."""
    text = [
        "植物",
        "通过",
        "叶子",
        "吸收",
        "阳光、",
        "把",
        "水",
        "和",
        "二氧化碳",
        "变成",
        "糖。",
    ]
    words = fluent(" ".join(text), 0.6)
    cues = cut_cues(words, "zh")
    assert "".join(cue.text for cue in cues).replace("\n", "") == "".join(text)
    assert max(len(line) for cue in cues for line in cue.text.split("\n")) <= 16
    assert review_captions(cues, words, "zh").faults == ()


GOOD = cut_cues(fluent(LECTURE))


def damaged(place: int, **changes: object) -> tuple[Cue, ...]:
    """Good captions with one cue changed."""
    return (*GOOD[:place], replace(GOOD[place], **changes), *GOOD[place + 1 :])  # type: ignore[arg-type]  # a test names fields


@pytest.mark.parametrize(
    ("cues", "breach", "at_s"),
    [
        (damaged(1, end_s=GOOD[2].start_s + 1), Breach.OVERLAP, GOOD[1].start_s),
        (damaged(1, end_s=GOOD[2].start_s), Breach.SHORT_GAP, GOOD[1].start_s),
        (damaged(1, end_s=GOOD[1].start_s + 0.5), Breach.SHORT_CUE, GOOD[1].start_s),
        (damaged(1, end_s=GOOD[1].start_s + 1.2), Breach.FAST_CUE, GOOD[1].start_s),
        (damaged(-1, end_s=GOOD[-1].start_s + 8), Breach.LONG_CUE, GOOD[-1].start_s),
        (damaged(0, text=GOOD[0].text.replace("\n", " ")), Breach.LONG_LINE, 0.0),
        (damaged(0, text=GOOD[0].text.replace(" ", "\n", 1)), Breach.MANY_LINES, 0.0),
        (damaged(1, text=GOOD[1].text[:-3]), Breach.OTHER_WORDS, GOOD[1].start_s),
        (GOOD[:-1], Breach.OTHER_WORDS, GOOD[-2].start_s),
        ((), Breach.OTHER_WORDS, 0.0),
    ],
)  # fmt: skip
def test_a_breach_is_found_where_it_is(
    cues: tuple[Cue, ...], breach: Breach, at_s: float
) -> None:
    """Else the check passes whatever the captions are."""
    review = review_captions(cues, fluent(LECTURE), "en")
    assert (breach, at_s) in {(fault.breach, fault.at_s) for fault in review.faults}
    assert f"{breach} at {at_s:.2f} s" in str(review.as_plain()["where"])


def test_a_word_left_alone_is_a_fault_only_if_it_had_company() -> None:
    """Else "Okay." before a silence fails a lesson, or a lone last word passes."""
    words = fluent("One two three four.")
    lone = (Cue(0, 1, "One two three"), Cue(1.1, 2, "four."))
    faults = review_captions(lone, words, "en").faults
    assert [fault.breach for fault in faults] == [Breach.ONE_WORD]
    apart = [Word("Okay.", 0, 0.4, 0.9), *later(fluent("Let us begin."), 4)]
    review: CaptionReview = review_captions(cut_cues(apart), apart, "en")
    assert review.faults == ()
    assert review.count(Breach.ONE_WORD) == 1


def later(words: list[Word], seconds: float) -> list[Word]:
    """The words, spoken later."""
    return [
        replace(w, start_s=w.start_s + seconds, end_s=w.end_s + seconds) for w in words
    ]


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
    one, two = fluent("Count to three"), fluent("and then go")
    words = [*one, *later(two, one[-1].end_s + PAUSE_S)]
    assert [cue.text for cue in cut_cues(words)] == ["Count to three", "and then go"]
    far = [*one, *later(two[:1], one[-1].end_s + LONG_PAUSE_S)]
    assert [cue.text for cue in cut_cues(far)] == ["Count to three", "and"]


def test_a_cue_ends_with_its_sentence() -> None:
    """Else a caption joins the end of a thought to the beginning of the next."""
    words = fluent("Stop at the line. Go on when it is green.")
    assert [cue.text for cue in cut_cues(words)] == [
        "Stop at the line.", "Go on when it is green.",
    ]  # fmt: skip


def test_a_cue_is_neither_too_long_nor_too_short() -> None:
    """Else a caption flashes by, or stands for minutes."""
    slow = [Word("m", 2.0 * n, 2.0 * n + 1.9, 0.9) for n in range(20)]
    assert all(cue.end_s - cue.start_s <= MAX_CUE_S for cue in cut_cues(slow))
    short = cut_cues([Word("Hm", 5, 5.1, 0.9)])[0]
    assert short.end_s - short.start_s >= MIN_CUE_S


@unhurried
@given(spoken())
def test_a_third_reader_agrees(words: list[Word]) -> None:
    """Else what one player shows another one does not."""
    cues = cut_cues(words)
    for file_format in CaptionFormat:
        rendered = render_captions(cues, file_format)
        read = pysubs2.SSAFile.from_string(rendered, format_=file_format)
        assert [(line.start, line.end) for line in read] == milliseconds(cues)


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
    assert (
        webvtt.from_string(held).captions[0].text == "Light feeds plants. Water rises."
    )


def test_a_lost_caption_file_is_written_again() -> None:
    """Else a row points to a file that is not there, for ever."""
    storage, store = FakeStorage(), FakeCaptions()
    transcript, video = transcript_of(["Light feeds plants."]), PENDING_VIDEO
    first = caption_lesson(transcript, video, storage=storage, store=store)
    storage.objects.clear()
    assert caption_lesson(transcript, video, storage=storage, store=store).written
    assert storage.stat(first.track.storage_key) is not None


def test_a_caption_file_that_is_collected_before_a_row_names_it_is_there() -> None:
    """Else a lesson is published with captions that no player can load."""
    storage = FakeStorage()

    class Late(FakeCaptions):
        """One before whose row the file goes."""

        def put_caption_track(
            self, video: Video, transcript_id: UUID, track: CaptionTrack
        ) -> None:
            """Store the track too late."""
            storage.objects.clear()
            super().put_caption_track(video, transcript_id, track)

    transcript = transcript_of(["Light feeds plants."])
    made = caption_lesson(transcript, PENDING_VIDEO, storage=storage, store=Late())
    assert storage.stat(made.track.storage_key) is not None
