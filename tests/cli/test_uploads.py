"""`mentora upload` and `process`: a lesson from file to answer, and typing errors."""

import shutil
from pathlib import Path

import pytest

from mentora_pipelines.adapters.folder_storage import FolderStorage
from tests.fix_commands import Mentora
from tests.fix_lessons import SAMPLES

NOBODYS = "00000000-0000-5000-8000-000000000000"


def stored(storage: FolderStorage) -> list[str]:
    """Every key of an upload."""
    return [found.key for found in storage.list("uploads/", limit=10_000)]


def test_lessons_are_uploaded_processed_and_told_as_one_object(
    mentora: Mentora, creator_email: str, media: Path
) -> None:
    """Else a script cannot use the command: it meets text among the JSON."""
    answer = mentora(
        "upload", SAMPLES / "binary-search.mp4", media / "not_media.mp4",
        "--creator", creator_email, "--process", "--json",
    )  # fmt: skip
    assert answer.code == 1, "one of the two failed"
    assert list(answer.json) == ["videos"]
    good, bad = answer.json["videos"]
    assert (good["title"], good["status"]) == ("binary search", "completed")
    assert (bad["title"], bad["status"]) == ("not media", "failed")
    assert bad["error_code"] == "not_media"
    assert "not a video or audio recording" in bad["error_message"]
    assert good["creator"] == bad["creator"] == creator_email
    assert good["storage_key"].endswith(f"/{creator_email}/binary-search.mp4")
    assert "binary search: done" in answer.progress
    assert "audio: not_media" in answer.progress
    assert "Traceback" not in answer.progress


def test_an_upload_waits_for_whoever_processes_it(
    mentora: Mentora, creator_email: str
) -> None:
    """Else uploading needs a machine that recognises speech."""
    answer = mentora(
        "upload", SAMPLES / "binary-search.mp4",
        "--creator", creator_email, "--title", "How [to] search", "--json",
    )  # fmt: skip
    assert answer.code == 0
    (video,) = answer.json["videos"]
    assert (video["title"], video["status"]) == ("How [to] search", "pending")
    assert "How [to] search" in mentora("status", video["id"]).output


def test_nothing_is_stored_of_an_upload_with_a_fault(
    mentora: Mentora, storage: FolderStorage, creator_email: str, tmp_path: Path
) -> None:
    """Else a mistyped command leaves lessons that nobody asked for."""
    lesson = SAMPLES / "binary-search.mp4"
    namesake = tmp_path / lesson.name
    shutil.copy(lesson, namesake)
    faults = [
        ([lesson, tmp_path / "gone.mp4"], creator_email, [], 2, "is not a file"),
        ([lesson, tmp_path], creator_email, [], 2, "is not a file"),
        ([lesson], "nobody", [], 2, "neither a creator's id nor a mail address"),
        ([lesson], NOBODYS, [], 1, "no creator"),
        ([lesson, namesake], creator_email, [], 2, "two files are called"),
        ([lesson, tmp_path], creator_email, ["--title", "X"], 2, "names one lesson"),
        ([lesson], creator_email, ["--title", "  "], 2, "names one lesson"),
    ]
    before = stored(storage)
    for files, creator, options, code, reason in faults:
        answer = mentora("upload", *files, "--creator", creator, *options, "--json")
        assert (answer.code, answer.output) == (code, ""), answer
        assert reason in answer.progress
        assert "Traceback" not in answer.progress
    assert stored(storage) == before


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["process"], 2, "name videos, or say --pending"),
        (["process", NOBODYS, "--pending"], 2, "name videos, or say --pending"),
        (["process", NOBODYS], 1, "there is no video"),
    ],
    ids=["nothing", "both", "unknown"],
)
def test_a_process_of_nothing_says_what_is_missing(
    mentora: Mentora, words: list[str], code: int, reason: str
) -> None:
    """Else a typing error processes everything, or silently nothing."""
    answer = mentora(*words)
    assert (answer.code, answer.output) == (code, "")
    assert reason in answer.progress


def test_a_lesson_is_processed_from_a_folder_below_the_project(
    mentora: Mentora, creator_email: str, media: Path
) -> None:
    """Else files of Dagster are strewn over whatever folder one works in."""
    below = mentora.home / "below"
    below.mkdir()
    answer = Mentora(mentora.home, folder=below)(
        "upload", media / "tone.mp4", "--creator", creator_email, "--process", "--json"
    )
    (video,) = answer.json["videos"]
    assert video["error_code"] == "no_speech"
    assert list(below.iterdir()) == []
