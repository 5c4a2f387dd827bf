"""`mentora transcript edit`, `history` and `restore` on a lesson of one minute."""

from pathlib import Path
from uuid import uuid4

import pytest

from mentora_pipelines.adapters.caption_files import read_caption_file
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.domain.lessons.edits import EditedLine
from mentora_pipelines.errors import InvalidInput
from tests.fix_commands import Mentora
from tests.stored_lessons import register, take_in, transcript_for

SENTENCES = [
    "Glocose is a simple sugar that every cell can burn.",
    "Starch is a long chain of glocose that a plant can store.",
    "The sell wall of a plant is made of a sugar as well.",
    "Water rises from the roots to the leaves through the stem.",
] * 2


@pytest.fixture
def video_id(catalogue: PostgresCatalogue, lessons: PostgresLessons) -> str:
    """A lesson whose words were heard and not yet published."""
    video = register(catalogue, f"{uuid4()}@tests.example")
    take_in(lessons, video)
    lessons.add_transcript(video, transcript_for(video, SENTENCES))
    return str(video.id)


def test_a_transcript_is_corrected_through_the_caption_file_and_back(
    mentora: Mentora, video_id: str, tmp_path: Path
) -> None:
    """Else a creator cannot mend a misheard word, or cannot undo it."""
    answer = mentora(
        "transcript", "edit", video_id, "--replace", "glocose", "--with", "glucose",
        "--everywhere", "--json",
    )  # fmt: skip
    assert answer.code == 0, answer.progress
    assert list(answer.json) == [
        "video_id", "transcript_id", "changed", "cues", "chunks", "embedded",
        "stale_quizzes",
    ]  # fmt: skip
    first = answer.json["transcript_id"]
    assert answer.json["chunks"] == answer.json["embedded"] == 1

    file = tmp_path / "captions.vtt"
    shown = mentora("captions", video_id).output
    assert "glocose" not in shown
    file.write_text(shown.replace("sell", "cell"), encoding="utf-8")
    answer = mentora("transcript", "edit", video_id, "--file", file, "--base", first)
    assert answer.code == 0, answer.progress
    assert "1 chunks, 1 of them embedded anew" in answer.output
    assert mentora("captions", video_id).output == file.read_text(encoding="utf-8")

    versions = mentora("transcript", "history", video_id, "--json").json["versions"]
    assert [one["origin"] for one in versions] == ["edited", "edited", "recognised"]
    assert [one["published"] for one in versions] == [True, False, False]
    assert versions[0]["edited_from"] == first == versions[1]["transcript_id"]
    again = mentora("transcript", "edit", video_id, "--at", "0", "--text", "No.",
                    "--base", first)  # fmt: skip
    assert (again.code, again.output) == (1, "")
    assert "not the current" in again.progress

    heard = versions[2]["transcript_id"]
    assert (
        "Glocose" in mentora("transcript", "show", video_id, "--version", heard).output
    )
    assert mentora("transcript", "restore", video_id, heard).code == 0
    assert "Glocose" in mentora("captions", video_id).output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--at", "soon", "--text", "x"], "a time as 83"),
        (["--replace", "sell", "--with", "cell"], "2 places, in the lines at"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_an_edit_that_cannot_be_is_one_sentence(
    mentora: Mentora, video_id: str, words: list[str], told: str
) -> None:
    """Else a typing error looks like a crash, or changes something."""
    answer = mentora("transcript", "edit", video_id, *words)
    assert (answer.code, answer.output) == (2, "")
    assert told in answer.progress
    assert "Traceback" not in answer.progress


VTT = (
    "\ufeffWEBVTT - by an editor\r\n\r\nNOTE made by hand\r\n\r\nintro\r\n"
    "00:01.000 --> 00:02.500 align:start\r\n<v Ada>a &lt; b &amp;&amp; <i>c</i>\r\n"
    "and d\r\n\r\n01:00:03.000 --> 01:00:04.000\r\nlate\r\n"
)
SRT = (
    "1\n00:00:01,000 --> 00:00:02,500\na < b && <i>c</i>\nand d\n\n"
    "2\n01:00:03,000 --> 01:00:04,000\n{\\an8}late\n"
)
LINES = (EditedLine(1.0, 2.5, "a < b && c\nand d"), EditedLine(3603.0, 3604.0, "late"))


@pytest.mark.parametrize(
    "content",
    [VTT.encode(), SRT.encode(), SRT.replace("\n", "\r\n").encode("utf-16")],
    ids=["vtt", "srt", "srt of Windows"],
)
def test_both_formats_are_read_as_editors_write_them(
    content: bytes, tmp_path: Path
) -> None:
    """Else markup, a mark at the beginning or a line end becomes a word."""
    file = tmp_path / "corrected"
    file.write_bytes(content)
    assert read_caption_file(file) == LINES


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "neither|no caption"),
        (b"WEBVTT\n", "no caption"),
        (b"Dear teacher,\n\nplease find the lesson.\n", "neither"),
        (b"WEBVTT\n\n00:01.000 --> 00:02.000\nna\xefve\n", "not UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00", "not UTF-8|neither"),
    ],
)
def test_a_file_that_is_no_caption_file_is_refused(
    content: bytes, told: str, tmp_path: Path
) -> None:
    """Else the words of a lesson are replaced by those of a letter, or by nothing."""
    file = tmp_path / "corrected.srt"
    file.write_bytes(content)
    with pytest.raises(InvalidInput, match=told):
        read_caption_file(file)
