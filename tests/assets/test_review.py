"""Scratch of the review."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from assets.operations.event_retention import event_retention_job
from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.observability.scrubbing import scrubbed
from tests.fix_runs import CountingEmbedder, LongLesson, RunLesson, retries

Upload = Callable[[Path], Video]


class Earlier(CountingEmbedder):
    """The model that was searched when the run began."""

    @property
    def model(self) -> EmbeddingModel:
        return EmbeddingModel("test", "earlier", 384)


def test_review_a_swap_while_a_lesson_is_heard_fails_no_lesson(
    run_lesson: RunLesson, upload: Upload, media: Path
) -> None:
    first = upload(media / "tone.mp4")
    assert run_lesson(first, transcriber=LongLesson(2)).success
    video = upload(media / "tone.mp4")
    result = run_lesson(video, transcriber=LongLesson(3), embedder=Earlier())
    assert result.success


class Interrupted:
    def forget(self) -> int:
        raise dg.DagsterExecutionInterruptedError


def test_review_a_drain_that_somebody_ends_is_not_tried_again(
    instance: dg.DagsterInstance,
) -> None:
    result = event_retention_job.execute_in_process(
        instance=instance, resources={"outbox": Interrupted()}, raise_on_error=False
    )
    assert not result.success
    assert retries(result) == []


def test_review_a_mail_address_in_a_request_is_hidden() -> None:
    told = scrubbed("GET https://b/uploads/2026-11-23/ada%40example.com/lesson.mp4")
    assert "ada" not in told and "lesson.mp4" in told
