"""What a correction makes of a transcript."""

from dataclasses import replace
from itertools import pairwise
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mentora_pipelines.domain.lessons.edited_text import edit_transcript
from mentora_pipelines.domain.lessons.edits import (
    Change,
    Edit,
    EditedLine,
    LineChange,
    PhraseChange,
    WholeChange,
    parse_edit,
)
from mentora_pipelines.domain.lessons.transcripts import Origin, Transcript, Word
from mentora_pipelines.domain.lessons.word_alignment import WrittenWord, align_words
from mentora_pipelines.errors import InvalidInput
from tests.lessons import transcript_of

unhurried = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
"""A busy machine is not a fault of ours."""

SENTENCES = [
    "Glocose is a simple sugar.",
    "Starch is a chain of glocose.",
    "The sell wall is strong.",
    "Water rises from the roots.",
]
BASE = transcript_of(SENTENCES)


def words_of(transcript: Transcript) -> list[Word]:
    """Every word, in order."""
    return [word for segment in transcript.segments for word in segment.words]


def lines_of(transcript: Transcript) -> list[str]:
    """Every sentence."""
    return [segment.text for segment in transcript.segments]


def as_file(transcript: Transcript, **changes: str) -> WholeChange:
    """The transcript as a caption file, with some words changed."""
    lines = []
    for segment in transcript.segments:
        text = segment.text
        for old, new in changes.items():
            text = text.replace(old, new)
        lines.append(EditedLine(segment.start_s, segment.end_s, text))
    return WholeChange(tuple(lines))


def test_a_corrected_word_takes_the_time_of_the_one_it_replaces() -> None:
    """Else a citation of the corrected line plays another moment."""
    edited = edit_transcript(BASE, PhraseChange("sell", "cell"))
    assert lines_of(edited)[2] == "The cell wall is strong."
    old, new = words_of(BASE), words_of(edited)
    assert [(w.start_s, w.end_s) for w in new] == [(w.start_s, w.end_s) for w in old]
    changed = [place for place, word in enumerate(new) if word != old[place]]
    assert [new[place].text for place in changed] == ["cell"]


def test_an_edit_leaves_every_other_sentence_as_it_is() -> None:
    """Else each edit moves words that nobody has touched."""
    edited = edit_transcript(
        BASE, LineChange(BASE.segments[1].start_s, "Starch it is.")
    )
    assert edited.segments[0] is BASE.segments[0]
    assert edited.segments[2:] == BASE.segments[2:]
    assert lines_of(edited)[1] == "Starch it is."


def test_an_edited_version_is_named_by_its_text() -> None:
    """Else the same edit makes a version each time, or two edits share one."""
    once = edit_transcript(BASE, PhraseChange("sell", "cell"))
    by_line = edit_transcript(
        BASE, LineChange(BASE.segments[2].start_s + 0.5, "The cell wall is strong.")
    )
    other = edit_transcript(BASE, PhraseChange("sell", "shell"))
    assert once.id == by_line.id
    assert len({BASE.id, once.id, other.id}) == 3
    assert (once.origin, once.source_hash) == (Origin.EDITED, BASE.source_hash)


@pytest.mark.parametrize(
    "change",
    [
        PhraseChange("cell", "cell"),
        LineChange(0.0, "Glocose  is a simple sugar."),
        as_file(BASE),
    ],
)
def test_an_edit_that_changes_nothing_is_the_version_itself(change: Change) -> None:
    """Else saving an untouched file makes a version and a re-run."""
    base = edit_transcript(BASE, PhraseChange("sell", "cell"))
    if isinstance(change, WholeChange):
        change = as_file(base)
    assert edit_transcript(base, change) is base


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (PhraseChange("glucose", "x"), "do not stand in one line"),
        (PhraseChange("sugar. Starch", "x"), "do not stand in one line"),
        (PhraseChange("glocos", "x"), "do not stand in one line"),
        (PhraseChange("is", "was"), "4 places|3 places"),
        (PhraseChange("is", "was", at_s=9.0), "line at 9 s"),
        (LineChange(60.0, "x"), r"nothing is spoken at 60 s; .* 5\.6, 8\.2 s"),
        (
            WholeChange((EditedLine(0, 1, "Quite another lesson."),)),
            "of another lesson",
        ),
    ],
)
def test_a_place_that_is_not_found_or_not_the_only_one_is_told(
    change: Change, told: str
) -> None:
    """Else an edit changes what was not meant, or the creator guesses what is wrong."""
    with pytest.raises(InvalidInput, match=told) as refused:
        edit_transcript(BASE, change)
    assert "glocose" not in str(refused.value).lower()


def test_an_ambiguous_place_is_named_by_its_time_or_by_saying_everywhere() -> None:
    """Else a word that stands twice can only be corrected through a file."""
    again = transcript_of(["The sell is small.", "A sell has a wall."])
    with pytest.raises(InvalidInput, match=r"2 places, in the lines at 0\.0, 2\.2 s"):
        edit_transcript(again, PhraseChange("sell", "cell"))
    second = edit_transcript(again, PhraseChange("sell", "cell", at_s=2.0))
    assert lines_of(second) == ["The sell is small.", "A cell has a wall."]
    both = edit_transcript(again, PhraseChange("sell", "cell", everywhere=True))
    assert lines_of(both) == ["The cell is small.", "A cell has a wall."]


def test_a_line_is_named_by_the_second_that_is_shown() -> None:
    """Else `0:05`, as the command shows it, means the line before."""
    assert BASE.segments[2].start_s == 5.6
    for at_s in (5.0, 5.6, 7.5):
        edited = edit_transcript(BASE, LineChange(at_s, "Walls are strong."))
        assert lines_of(edited)[2] == "Walls are strong."


def test_a_line_can_be_removed_but_not_the_last_word_of_a_lesson() -> None:
    """Else what was heard in the noise stays, or an empty lesson is published."""
    edited = edit_transcript(BASE, LineChange(0.0, ""))
    assert lines_of(edited) == SENTENCES[1:]
    with pytest.raises(InvalidInput, match="no word"):
        edit_transcript(transcript_of(["Well."]), LineChange(0.0, ""))


def test_words_that_nobody_heard_stand_in_the_pause_where_they_are_written() -> None:
    """Else an added sentence is played at another moment, or out of order."""
    lines = list(as_file(BASE).lines)
    first = replace(BASE.segments[3], start_s=20.0, end_s=22.0)
    late = tuple(
        replace(w, start_s=w.start_s + 12.2, end_s=w.end_s + 12.2) for w in first.words
    )
    base = replace(
        BASE, segments=(*BASE.segments[:3], replace(first, words=late)), duration_s=30.0
    )
    lines[3] = EditedLine(20.0, 22.0, lines[3].text)
    lines.insert(3, EditedLine(12.0, 14.0, "Nobody heard this."))
    edited = edit_transcript(base, WholeChange(tuple(lines)))
    assert lines_of(edited)[3] == "Nobody heard this."
    assert (edited.segments[3].start_s, edited.segments[3].end_s) == (12.0, 14.0)
    assert [edited.segments[place] for place in (0, 1, 2, 4)] == list(base.segments)


def test_a_corrected_file_keeps_the_words_it_has_not_touched() -> None:
    """Else one corrected word in a file gives every word of the lesson a new time."""
    edited = edit_transcript(BASE, as_file(BASE, sell="cell", Glocose="Glucose"))
    assert [
        new.text
        for old, new in zip(words_of(BASE), words_of(edited), strict=True)
        if new != old
    ] == ["Glucose", "cell"]
    assert edited.segments[1] is BASE.segments[1]
    assert edited.segments[3] is BASE.segments[3]


def test_lines_of_a_file_may_be_cut_otherwise() -> None:
    """Else a file in which captions were joined or split cannot be used."""
    text = " ".join(SENTENCES).replace("sell", "cell")
    half = len(text) // 2
    border = text.index(" ", half)
    change = WholeChange(
        (EditedLine(0, 5, text[:border]), EditedLine(5, 10, text[border:]))
    )
    assert edit_transcript(BASE, change).id == (
        edit_transcript(BASE, PhraseChange("sell", "cell")).id
    )


def test_a_language_without_blanks_is_corrected_too() -> None:
    """Else a Chinese transcript gets blanks between its words, or new times for all."""
    base = transcript_of(["植物 通过 叶子 呼吸。", "水 从 根 上升。"], "zh")
    base = replace(
        base,
        segments=tuple(replace(s, text=s.text.replace(" ", "")) for s in base.segments),
    )
    edited = edit_transcript(base, LineChange(0.0, "植物通过叶片呼吸。"))
    assert lines_of(edited)[0] == "植物通过叶片呼吸。"
    assert edited.segments[0].words[:2] == base.segments[0].words[:2]
    assert edited.segments[0].words[-1] == base.segments[0].words[-1]


words = st.sampled_from(["so", "a", "light", "plant.", "root", "is", "the", "Why?"])


@unhurried
@given(
    st.lists(words, min_size=1, max_size=80), st.lists(words, max_size=80), st.data()
)
def test_aligned_words_are_those_written_and_never_go_back(
    said: list[str], written: list[str], data: st.DataObject
) -> None:
    """Else an edit loses a word, or the lesson is refused for jumping captions."""
    kept = data.draw(st.integers(0, len(said)))
    written = [*said[:kept], *written]
    now_s, heard = 1.0, []
    for text in said:
        length_s = data.draw(st.sampled_from([0.0, 0.2, 0.5]))
        heard.append(Word(text, round(now_s, 3), round(now_s + length_s, 3), 0.5))
        now_s += data.draw(st.sampled_from([0.0, 0.1, length_s, 3.0]))
    aligned = align_words(
        heard,
        [WrittenWord(text) for text in written],
        earliest_s=0.0,
        latest_s=now_s + 1,
    )
    assert [one.word.text for one in aligned] == written
    assert all(one.word == heard[one.place] for one in aligned if one.is_same)
    assert sum(one.is_same for one in aligned) >= kept
    assert all(0 <= a.word.start_s <= b.word.start_s for a, b in pairwise(aligned))
    assert all(one.word.start_s <= one.word.end_s for one in aligned)


@pytest.mark.parametrize(
    "change",
    [
        LineChange(12.5, "Water."),
        PhraseChange("sell", "cell"),
        PhraseChange("sell", "cell", at_s=3.0),
        PhraseChange("sell", "cell", everywhere=True),
        as_file(BASE),
    ],
)
def test_an_edit_survives_its_way_through_an_event(change: Change) -> None:
    """Else the consumer of an event makes another edit than the creator has sent."""
    for edit in (Edit(change), Edit(change, uuid4())):
        assert parse_edit(edit.as_plain()) == edit


@pytest.mark.parametrize(
    "plain",
    [
        {},
        {"text": "x"},
        {"at": "soon", "text": "x"},
        {"at": -1, "text": "x"},
        {"at": float("nan"), "text": "x"},
        {"at": True, "text": "x"},
        {"at": 1, "text": None},
        {"at": 1, "text": "nul \x00"},
        {"at": 1, "text": "half \ud800"},
        {"at": 1, "text": "x" * 10_000},
        {"replace": " ", "with": "x"},
        {"replace": "a", "with": "b", "at": 1, "everywhere": True},
        {"replace": "a", "with": "b", "everywhere": "yes"},
        {"replace": "a", "with": "b", "text": "c"},
        {"lines": []},
        {"lines": "WEBVTT"},
        {"lines": [[0, 1]]},
        {"lines": [[2, 1, "x"]]},
        {"at": 1, "text": "x", "baseVersion": "newest"},
    ],
)
def test_values_that_are_no_edit_are_refused(plain: dict[str, object]) -> None:
    """Else an event of the web application ends in a stack trace, or in a bad row."""
    with pytest.raises(InvalidInput):
        parse_edit(plain)
