"""What the command says of finished lessons: search, captions, transcript, quiz."""

import pytest
import srt
import webvtt

from tests.fix_commands import DemoHome, Mentora

ADA = "ada@mentora.example"
NOBODYS = "00000000-0000-5000-8000-000000000000"


@pytest.fixture(scope="module")
def mentora(demo_home: DemoHome) -> Mentora:
    """The command where the three sample lessons are finished."""
    return demo_home.mentora


@pytest.fixture(scope="module")
def video_id(mentora: Mentora) -> str:
    """The lesson about binary search."""
    (found,) = (
        video["id"]
        for video in mentora("status", "--json").json["videos"]
        if video["title"] == "binary search"
    )
    return str(found)


def test_status_tells_all_that_a_client_needs(mentora: Mentora, video_id: str) -> None:
    """Else a creator's page cannot show where a lesson stands."""
    answer = mentora("status", video_id, "--json")
    assert answer.code == 0
    assert list(answer.json) == ["videos"]
    (video,) = answer.json["videos"]
    assert list(video) == [
        "id", "title", "creator", "status", "error_code", "error_message",
        "duration_s", "storage_key", "created_at", "processed_at",
    ]  # fmt: skip
    assert video["creator"] == ADA
    assert video["status"] == "completed"
    assert (video["error_code"], video["error_message"]) == (None, None)
    assert video["duration_s"] == pytest.approx(98.7, abs=0.5)
    table = mentora("status").output
    assert video_id in table
    assert "1:38" in table


def test_a_search_finds_the_moment_that_answers(
    mentora: Mentora, video_id: str
) -> None:
    """Else students get the wrong place, or a shape that no client reads."""
    question = "Why must a list be sorted before you look something up?"
    answer = mentora("search", question, "--json")
    assert answer.code == 0
    assert list(answer.json) == ["hits"]
    hits = answer.json["hits"]
    assert list(hits[0]) == [
        "video_id", "title", "start_s", "end_s", "text", "score", "similarity",
        "vector_rank", "text_rank", "text_share", "highlights",
        "sentence_similarity", "link",
    ]  # fmt: skip
    assert {"list", "sorted"} <= set(hits[0]["highlights"])
    assert hits[0]["link"] is None
    assert hits[0]["video_id"] == video_id
    assert 0 <= hits[0]["start_s"] < hits[0]["end_s"]
    scores = [hit["score"] for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert "binary search" in mentora("search", question).output


def test_a_search_stays_within_its_video_its_creator_and_its_limit(
    mentora: Mentora, video_id: str
) -> None:
    """Else a lesson's page shows moments of other lessons."""
    within = ("search", "oxygen and plants", "--json")
    of_video = mentora(*within, "--video", video_id).json["hits"]
    assert of_video
    assert {hit["video_id"] for hit in of_video} == {video_id}
    of_creator = mentora(*within, "--creator", ADA.upper(), "--limit", 2).json["hits"]
    assert len(of_creator) == 2
    assert of_creator[0]["title"] == "photosynthesis"


def test_a_search_says_how_it_was_done(mentora: Mentora, video_id: str) -> None:
    """Else nobody can tell why a search is slow, or what it compared."""
    within = ("search", "oxygen", "--explain")
    plan = mentora(*within, "--json", "--video", video_id).json["plan"]
    assert plan["name"] == "video_exact"
    assert any("chunk_embeddings" in step for step in plan["steps"])
    assert mentora(*within, "--json").json["plan"]["name"] == "platform_exact"
    assert "few chunks" in mentora(*within, "--video", video_id).progress
    assert mentora(*within, "--mode", "text").code == 2


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (
            ["search", "x", "--creator", "nobody@x.example"],
            1,
            "no creator of this mail",
        ),
        (["search", "x", "--creator", "nobody"], 2, "mail address"),
        (["search", "x", "--video", NOBODYS], 1, "no video"),
        (["search", "  "], 2, "1 to 2000 characters"),
        (["search", "x", "--limit", "0"], 2, "1 to 100 hits"),
        (["status", NOBODYS], 1, "no video"),
        (["captions", NOBODYS], 1, "no video"),
        (["quiz", "show", "not-an-id"], 2, "valid UUID"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_question_that_cannot_be_answered_is_one_sentence(
    mentora: Mentora, words: list[str], code: int, reason: str
) -> None:
    """Else a typing error looks like a crash, or like an empty answer."""
    answer = mentora(*words, *(["--json"] if words[0] != "quiz" else []))
    assert answer.code == code
    assert answer.output == ""
    assert reason in answer.progress
    assert "Traceback" not in answer.progress


def test_captions_are_files_that_players_read(mentora: Mentora, video_id: str) -> None:
    """Else a downloaded caption file shows nothing."""
    vtt = mentora("captions", video_id)
    assert vtt.code == 0
    cues = webvtt.from_string(vtt.output).captions
    subtitles = list(srt.parse(mentora("captions", video_id, "--format", "srt").output))
    told = mentora("captions", video_id, "--json").json
    assert list(told) == ["language", "cues"]
    assert len(cues) == len(subtitles) == len(told["cues"]) > 10
    for cue, subtitle, fact in zip(cues, subtitles, told["cues"], strict=True):
        assert cue.text == subtitle.content == fact["text"]
        assert subtitle.start.total_seconds() == fact["start_s"]


def test_a_transcript_is_told_sentence_by_sentence(
    mentora: Mentora, video_id: str
) -> None:
    """Else an editor cannot show the words beside the video."""
    told = mentora("transcript", "show", video_id, "--json").json
    assert list(told) == [
        "video_id", "transcript_id", "language", "duration_s", "segments",
    ]  # fmt: skip
    assert told["video_id"] == video_id
    assert list(told["segments"][0]) == ["start_s", "end_s", "text"]
    lines = mentora("transcript", "show", video_id).output.splitlines()
    assert len(lines) == len(told["segments"])
    assert lines[0].endswith(told["segments"][0]["text"])


def test_a_quiz_shows_each_question_with_its_evidence(
    mentora: Mentora, video_id: str
) -> None:
    """Else a creator approves questions that the lesson does not answer."""
    told = mentora("quiz", "show", video_id, "--json").json
    assert list(told) == ["quiz_id", "status", "wishes", "changed", "questions"]
    assert told["status"] == "draft"
    text = mentora("quiz", "show", video_id).output
    for question in told["questions"]:
        assert list(question) == [
            "kind", "prompt", "options", "answer", "answers", "difficulty",
            "bloom_level", "quote", "start_s", "end_s",
        ]  # fmt: skip
        assert question["prompt"] in text
        assert question["quote"] in text
    assert len(told["questions"]) >= 3


def test_the_words_heard_are_measured_against_those_spoken(mentora: Mentora) -> None:
    """Else nobody notices that recognition has become worse."""
    answer = mentora("eval", "--json")
    assert answer.code == 0
    samples = answer.json["samples"]
    assert [sample["title"] for sample in samples] == [
        "binary search", "compound interest", "photosynthesis",
    ]  # fmt: skip
    assert all(0 <= sample["wer"] < 0.15 for sample in samples)
    search = answer.json["search"]
    assert set(search) == {"reranked", "hybrid", "vector", "text"}
    assert search["hybrid"]["questions"] >= 60
    assert search["hybrid"]["mrr"] > max(search[m]["mrr"] for m in ("vector", "text"))
    assert set(search["hybrid"]["recall_at"]) == {"1", "3", "5", "10"}
    table = mentora("eval").output
    assert "recall@5" in table
    assert search["reranked"]["failures"][0]["question"]["question"][:20] in table
