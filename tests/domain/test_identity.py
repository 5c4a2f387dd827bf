from uuid import UUID, uuid5

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mentora_pipelines.domain.identity import (
    NAMESPACE,
    chunk_ids_of,
    content_hash,
    creator_id_of,
    event_id_of,
    generation_id_of,
    question_id_of,
    quiz_id_of,
    transcript_id_of,
    video_id_of,
)

unhurried = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
"""A busy machine is not a fault of ours."""

VIDEO = video_id_of("uploads/2026-11-01/ada@tests.example/lesson.mp4")

STORED = {
    "creator": "3816e189-df1f-5123-90b3-482c01703c76",
    "video": "b9c99e1c-312c-5561-8d89-c5e441044233",
    "transcript": "8efe302c-2fe7-5c8c-a16e-2fd5d512ffb8",
    "chunk": "d2e248b7-3d26-5f4c-aff3-484f1c56e8c9",
    "generation": "8a887613-a9e3-51b0-be79-996c8b4eb916",
    "quiz": "30e5d1ab-abfb-56a1-a80b-ae6d1945103e",
    "question": "79df3b6c-9758-5495-b8bd-11d82258ae7e",
    "event": "3d1cc9f8-b72a-55d4-8598-bbbdccf3f78b",
}


def test_ids_are_the_ones_already_stored() -> None:
    """Else every stored row is orphaned and every lesson is paid for again."""
    transcript = transcript_id_of(VIDEO, "a" * 64, "test/v1")
    quiz = quiz_id_of(transcript, "writer/1", 10)
    names = {
        "creator": creator_id_of("ada@tests.example"),
        "video": VIDEO,
        "transcript": transcript,
        "chunk": chunk_ids_of(transcript, [0])[0],
        "generation": generation_id_of("local", "minilm", 384),
        "quiz": quiz,
        "question": question_id_of(quiz, 0),
        "event": event_id_of("video/upload.completed", "key@etag"),
    }
    assert names == {name: UUID(text) for name, text in STORED.items()}


def test_one_mail_address_is_one_creator_however_it_is_written() -> None:
    """Else a creator's lessons are scattered over several accounts."""
    assert creator_id_of(" Ada@Tests.Example ") == creator_id_of("ada@tests.example")
    assert creator_id_of("ada@tests.example") != creator_id_of("bob@tests.example")


def test_every_part_of_a_name_counts() -> None:
    """Else a new model or new bytes overwrite what another one made."""
    other = video_id_of("uploads/2026-11-01/ada@tests.example/other.mp4")
    transcripts = {
        transcript_id_of(VIDEO, "a" * 64, "test/v1"),
        transcript_id_of(other, "a" * 64, "test/v1"),
        transcript_id_of(VIDEO, "b" * 64, "test/v1"),
        transcript_id_of(VIDEO, "a" * 64, "test/v2"),
    }
    quizzes = {
        quiz_id_of(VIDEO, "writer/1", 10),
        quiz_id_of(other, "writer/1", 10),
        quiz_id_of(VIDEO, "writer/2", 10),
        quiz_id_of(VIDEO, "writer/1", 11),
    }
    generations = {
        generation_id_of("local", "minilm", 384),
        generation_id_of("openai", "minilm", 384),
        generation_id_of("local", "large", 384),
        generation_id_of("local", "minilm", 1024),
    }
    assert [len(ids) for ids in (transcripts, quizzes, generations)] == [4, 4, 4]


@pytest.mark.parametrize(("cut", "cutting"), [("", ""), ("large", "\nlarge")])
def test_chunks_named_together_have_the_names_they_have_alone(
    cut: str, cutting: str
) -> None:
    """Else a quiz points to chunks that do not exist."""
    assert chunk_ids_of(VIDEO, (0, 7, 1_000), cut) == [
        uuid5(NAMESPACE, f"chunk\n{VIDEO}\n{index}{cutting}") for index in (0, 7, 1_000)
    ]


def test_names_of_different_kinds_never_meet() -> None:
    """Else a chunk and a question of one number share an id."""
    made = {
        *chunk_ids_of(VIDEO, [1]),
        question_id_of(VIDEO, 1),
        video_id_of(f"{VIDEO}\n1"),
        creator_id_of(f"{VIDEO}\n1"),
        event_id_of(str(VIDEO), "1"),
    }
    assert len(made) == 5


@unhurried
@given(st.text(), st.text())
def test_texts_share_a_hash_only_when_they_are_the_same(one: str, two: str) -> None:
    """Else a chunk is found by the vector of another text."""
    assert (content_hash(one) == content_hash(two)) == (one == two)
    assert len(content_hash(one)) == 64
