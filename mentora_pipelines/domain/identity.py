"""Names that follow from content, so that a repeat overwrites itself.

Here belongs every rule that turns content into an identifier. Not here: the
content itself, nor where it is stored.
"""

import hashlib
from collections.abc import Iterable
from uuid import UUID, uuid5

NAMESPACE = UUID("7b0c1e52-5d3c-5f0e-9a51-6d656e746f72")
"""Root of all our version-5 UUIDs; changing it renames everything ever stored."""


def content_hash(text: str) -> str:
    """SHA-256 of the UTF-8 text, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def creator_id_of(email: str) -> UUID:
    """Id of a creator whom we know by mail address only (case-insensitive)."""
    return uuid5(NAMESPACE, f"creator\n{email.strip().lower()}")


def video_id_of(storage_key: str) -> UUID:
    """Id of the video uploaded under `storage_key`, when no row names the key yet."""
    return uuid5(NAMESPACE, f"video\n{storage_key}")


def transcript_id_of(video_id: UUID, source_hash: str, fingerprint: str) -> UUID:
    """Version of a recognised transcript: these bytes through this transcriber."""
    return uuid5(NAMESPACE, f"transcript\n{video_id}\n{source_hash}\n{fingerprint}")


def edited_transcript_id_of(video_id: UUID, source_hash: str, text: str) -> UUID:
    """Version of a transcript that a person corrected: this text for these bytes."""
    return uuid5(NAMESPACE, f"edited\n{video_id}\n{source_hash}\n{text}")


def chunk_ids_of(
    transcript_id: UUID, chunk_indexes: Iterable[int], cut: str = ""
) -> list[UUID]:
    """Ids of the chunks at `chunk_indexes` (from 0) of a cutting of a version.

    They are version-5 UUIDs like all others; hashing once what their names have in
    common takes half the time.
    """
    common = hashlib.sha1(NAMESPACE.bytes, usedforsecurity=False)
    common.update(f"chunk\n{transcript_id}\n".encode())
    cutting = f"\n{cut}" if cut else ""
    ids = []
    for chunk_index in chunk_indexes:
        name = common.copy()
        name.update(f"{chunk_index}{cutting}".encode())
        ids.append(UUID(bytes=name.digest()[:16], version=5))
    return ids


def generation_id_of(provider: str, model: str, dimensions: int) -> UUID:
    """Id of the generation of vectors that one embedding model makes."""
    return uuid5(NAMESPACE, f"generation\n{provider}\n{model}\n{dimensions}")


def quiz_id_of(
    transcript_id: UUID, writer_fingerprint: str, question_count: int, wishes: str = ""
) -> UUID:
    """Id of a quiz: asking again for the same quiz names the same row."""
    wished = f"\n{wishes}" if wishes else ""
    return uuid5(
        NAMESPACE,
        f"quiz\n{transcript_id}\n{writer_fingerprint}\n{question_count}{wished}",
    )


def question_id_of(quiz_id: UUID, position: int) -> UUID:
    """Id of the question at `position` (from 0) of a quiz."""
    return uuid5(NAMESPACE, f"question\n{quiz_id}\n{position}")


def question_edit_id_of(question_id: UUID, number: int) -> UUID:
    """Id of the edit `number` (from 1) of a question."""
    return uuid5(NAMESPACE, f"question edit\n{question_id}\n{number}")


def student_achievement_id_of(student_id: UUID, achievement_id: UUID) -> UUID:
    """Id of a student's reward."""
    return uuid5(NAMESPACE, f"student achievement\n{student_id}\n{achievement_id}")


def membership_id_of(creator_id: UUID, external_id: str) -> UUID:
    """Id of a membership at Whop, among those of a creator."""
    return uuid5(NAMESPACE, f"membership\n{creator_id}\n{external_id}")


def event_id_of(name: str, deduplication_key: str) -> UUID:
    """Id of an event: the same cause makes the same event once."""
    return uuid5(NAMESPACE, f"event\n{name}\n{deduplication_key}")
