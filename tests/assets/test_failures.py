"""What follows when a step fails: who is told what, and who tries again."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import dagster as dg
import pytest

from assets.failures import MAX_RETRIES, RETRY_POLICY, lesson_step
from assets.jobs import LESSON_ASSETS, lesson_tags
from assets.partitions import videos
from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.definitions import defs
from mentora_pipelines.domain.lessons.recognition import Heard, Hints
from mentora_pipelines.domain.lessons.speech import Window
from mentora_pipelines.domain.videos import ProcessingStatus, Video
from mentora_pipelines.errors import (
    CREATOR_SENTENCES,
    Absence,
    Busy,
    ErrorCode,
    ProviderAway,
    ProviderRefused,
    Refusal,
    SetAside,
    SettingsError,
    TransientError,
)
from tests.fix_lessons import SAMPLES
from tests.fix_runs import (
    Connection,
    CountingEmbedder,
    CountingTranscriber,
    RunLesson,
    execute,
    figures,
    retries,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Upload = Callable[[Path], Video]
Visible = Callable[[Video], list[str]]

SECRET = "pg://ada:hunter2@db"  # noqa: S105  (what an exception may carry)

BAD_FILES = ("not_media", "empty_file", "no_audio", "truncated_media", "no_speech")


class AbsentTranscriber(CountingTranscriber):
    """The real recogniser, whose service does not answer the first `times`."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._times = times
        self.tries = 0

    def hear(self, window: Window, hints: Hints) -> Heard:
        """What Whisper hears, once the service is back."""
        self.tries += 1
        if self.tries <= self._times:
            raise TransientError("the recogniser does not answer")
        return super().hear(window, hints)


class BrokenEmbedder(CountingEmbedder):
    """A model that raises `error` for every text."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Raise the error."""
        self.calls += 1
        self.texts += len(texts)
        raise self._error


def assert_failed(
    catalogue: PostgresCatalogue, visible: Visible, video: Video, code: ErrorCode
) -> None:
    """The video is failed for `code`, with its sentence, and nobody sees it."""
    after = catalogue.video(video.id)
    assert after.processing_status is ProcessingStatus.FAILED
    assert after.error_code is code
    assert after.error_message == CREATOR_SENTENCES[code]
    assert after.published_transcript_id is None
    assert visible(video) == []


def step_failures(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """Each failed step with what an engineer reads."""
    found: dict[str, str] = {}
    for event in result.all_events:
        if event.is_step_failure and event.step_key is not None:
            told = event.step_failure_data.user_failure_data
            found[event.step_key] = (told.description if told else None) or ""
    return found


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_cannot_be_a_lesson_is_refused_with_its_own_reason(
    name: str,
    run_lesson: RunLesson,
    catalogue: PostgresCatalogue,
    upload: Upload,
    visible: Visible,
    media: Path,
) -> None:
    """Else a creator does not know what to mend, or waits for ever."""
    video = upload(media / f"{name}.mp4")
    result = run_lesson(video)
    assert not result.success
    assert retries(result) == []
    assert_failed(catalogue, visible, video, ErrorCode(name))
    step = "transcripts" if name == "no_speech" else "audio"
    assert list(step_failures(result)) == [step]
    assert not result.asset_materializations_for_node("published_lessons")


MAILS = "select recipient, variables from email_outbox where subject_id = %(video_id)s"


def test_a_lesson_that_fails_is_one_mail_however_often_it_is_tried(
    run_lesson: RunLesson, upload: Upload, media: Path, admin: Connection
) -> None:
    """Else a creator hears nothing, or the same from each attempt."""
    video = upload(media / "not_media.mp4")
    for _ in range(2):
        assert not run_lesson(video).success
    ((recipient, variables),) = admin.execute(
        MAILS, {"video_id": str(video.id)}
    ).fetchall()
    assert recipient == video.creator_email
    # A code and no text: nothing of an exception can come into it.
    assert variables == {
        "videoId": str(video.id),
        "title": video.title,
        "code": "not_media",
        "uploadNumber": 1,
    }


def test_a_bad_file_stops_no_other_lesson(
    run_lesson: RunLesson, catalogue: PostgresCatalogue, upload: Upload, media: Path
) -> None:
    """Else one creator's text file holds up everybody's lessons."""
    bad, good = upload(media / "not_media.mp4"), upload(SAMPLES / "photosynthesis.mp4")
    assert not run_lesson(bad).success
    assert run_lesson(good).success
    assert catalogue.video(good.id).is_settled
    assert catalogue.video(bad.id).error_code is ErrorCode.NOT_MEDIA


def test_an_upload_that_vanished_is_said_to_be_missing(
    run_lesson: RunLesson,
    catalogue: PostgresCatalogue,
    storage: FolderStorage,
    upload: Upload,
    visible: Visible,
) -> None:
    """Else a deleted file reads like a fault of ours."""
    video = upload(SAMPLES / "photosynthesis.mp4")
    (storage.root / video.storage_key).unlink()
    assert not run_lesson(video).success
    assert_failed(catalogue, visible, video, ErrorCode.UPLOAD_MISSING)


def test_a_lesson_is_tried_again_when_a_service_does_not_answer(
    run_lesson: RunLesson, catalogue: PostgresCatalogue, upload: Upload
) -> None:
    """Else a second's outage costs a creator the lesson."""
    video = upload(SAMPLES / "photosynthesis.mp4")
    transcriber = AbsentTranscriber(times=1)
    result = run_lesson(video, transcriber=transcriber)
    assert result.success
    assert retries(result) == ["transcripts"]
    assert (transcriber.tries, transcriber.calls) == (2, 1)
    assert figures(result, "transcripts")["recognised"] is True
    after = catalogue.video(video.id)
    assert after.is_settled
    assert after.error_message is None


def test_a_service_that_stays_away_fails_the_lesson_after_four_tries(
    instance: dg.DagsterInstance,
    catalogue: PostgresCatalogue,
    lessons: PostgresLessons,
    upload: Upload,
    visible: Visible,
    media: Path,
) -> None:
    """Else a lesson is `processing` for ever, or one outage is retried for ever."""
    video = upload(media / "tone.mp4")
    statuses = []

    # The policy of all steps, but without its pauses.
    @dg.asset(partitions_def=videos, retry_policy=RETRY_POLICY._replace(delay=0))
    def absent(context: dg.AssetExecutionContext) -> None:
        with lesson_step(context, catalogue, lessons) as seen:
            statuses.append(seen.processing_status)
            raise TransientError("the service does not answer")

    result = dg.materialize(
        [absent],
        instance=instance,
        partition_key=str(registered(instance, video)),
        raise_on_error=False,
    )
    assert not result.success
    assert statuses == [ProcessingStatus.PENDING] * 4
    assert retries(result) == ["absent"] * MAX_RETRIES
    assert_failed(catalogue, visible, video, ErrorCode.TEMPORARY_FAULT)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (TransientError("away"), [ErrorCode.TEMPORARY_FAULT]),
        (ProviderRefused("anthropic", Refusal.KEY), [ErrorCode.MISCONFIGURED]),
        (Busy("somebody else writes it"), []),
    ],
)
def test_what_fails_beside_a_published_lesson_is_told_once_and_fails_no_lesson(
    instance: dg.DagsterInstance,
    catalogue: PostgresCatalogue,
    upload: Upload,
    media: Path,
    error: Exception,
    told: list[ErrorCode],
) -> None:
    """Else a creator waits for a quiz that nobody writes, or has a mail a try."""
    video = upload(media / "tone.mp4")
    heard: list[ErrorCode] = []

    def tell(video: Video, code: ErrorCode) -> None:
        assert video.creator_email
        heard.append(code)

    @dg.asset(partitions_def=videos, retry_policy=RETRY_POLICY._replace(delay=0))
    def beside(context: dg.AssetExecutionContext) -> None:
        with lesson_step(context, catalogue, None, on_failure=tell):
            raise error

    result = dg.materialize(
        [beside],
        instance=instance,
        partition_key=str(registered(instance, video)),
        raise_on_error=False,
    )
    assert not result.success
    assert heard == told
    after = catalogue.video(video.id)
    assert after.processing_status is ProcessingStatus.PENDING


@pytest.mark.parametrize(
    "error", [ProviderAway("openai", Absence.PAUSED), SetAside("by another step")]
)
def test_a_provider_is_asked_again_when_it_wants_to_be(
    instance: dg.DagsterInstance,
    catalogue: PostgresCatalogue,
    lessons: PostgresLessons,
    upload: Upload,
    media: Path,
    error: ProviderAway | SetAside,
) -> None:
    """Else all four tries fall into the pause of a minute, and the lesson fails."""
    video = upload(media / "tone.mp4")
    began: list[float] = []

    @dg.asset(partitions_def=videos, retry_policy=RETRY_POLICY._replace(delay=0))
    def away(context: dg.AssetExecutionContext) -> None:
        with lesson_step(context, catalogue, lessons):
            began.append(time.monotonic())
            if len(began) == 1:
                error.wait_s = 2.1
                raise error

    result = dg.materialize(
        [away], instance=instance, partition_key=str(registered(instance, video))
    )
    assert result.success
    assert retries(result) == ["away"]
    assert began[1] - began[0] >= 2.1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ProviderRefused("openai", Refusal.KEY), ErrorCode.MISCONFIGURED),
        (ProviderRefused("openai", Refusal.POLICY), ErrorCode.INTERNAL),
        (ZeroDivisionError(SECRET), ErrorCode.INTERNAL),
        (SettingsError(f"the model at {SECRET} is gone"), ErrorCode.MISCONFIGURED),
    ],
)
def test_what_nobody_foresaw_is_not_tried_again_and_not_told_to_the_creator(
    error: Exception,
    code: ErrorCode,
    run_lesson: RunLesson,
    catalogue: PostgresCatalogue,
    upload: Upload,
    visible: Visible,
) -> None:
    """Else a bug runs four times, or a password stands on a creator's page."""
    video = upload(SAMPLES / "photosynthesis.mp4")
    embedder = BrokenEmbedder(error)
    result = run_lesson(video, embedder=embedder)
    assert not result.success
    assert retries(result) == []
    assert embedder.calls == 1
    assert step_failures(result)["embeddings"].startswith(f"{code}: ")
    assert_failed(catalogue, visible, video, code)
    assert SECRET not in (catalogue.video(video.id).error_message or "")


def test_a_lesson_that_failed_is_completed_without_paying_twice(
    run_lesson: RunLesson, catalogue: PostgresCatalogue, upload: Upload
) -> None:
    """Else a bug that was mended leaves its lessons failed, or costs them again."""
    video = upload(SAMPLES / "photosynthesis.mp4")
    assert not run_lesson(video, embedder=BrokenEmbedder(ValueError("no"))).success
    transcriber, embedder = CountingTranscriber(), CountingEmbedder()
    assert run_lesson(video, transcriber=transcriber, embedder=embedder).success
    assert (transcriber.calls, embedder.calls) == (0, 1)
    after = catalogue.video(video.id)
    assert after.is_settled
    assert (after.error_code, after.error_message) == (None, None)


def test_a_run_of_a_video_that_is_gone_fails_without_a_retry(
    instance: dg.DagsterInstance, upload: Upload, media: Path
) -> None:
    """Else the queue is full of runs that nobody waits for."""
    video = upload(media / "tone.mp4")
    gone = replace_id(video)
    result = execute(instance, gone, {})
    assert not result.success
    assert retries(result) == []
    assert list(step_failures(result)) == ["audio"]


def test_every_step_is_tried_again_the_same_way() -> None:
    """Else an outage fails the steps that were forgotten."""
    names = [*LESSON_ASSETS, "quizzes", "tables"]
    steps = [
        step
        for step in (*(defs.assets or []), *(defs.asset_checks or []))
        if isinstance(step, dg.AssetsDefinition)
        and any(
            step.op.name == name or step.op.name.startswith(f"{name}_")
            for name in names
        )
    ]
    assert len(steps) == 18
    for step in steps:
        assert step.op.retry_policy == RETRY_POLICY, step.op.name


def registered(instance: dg.DagsterInstance, video: Video) -> str:
    """The partition of `video`, made known to `instance`."""
    instance.add_dynamic_partitions("videos", [str(video.id)])
    return str(video.id)


def replace_id(video: Video) -> Video:
    """The same video under an id that no row has."""
    return dataclasses.replace(video, id=uuid4())


def test_a_run_of_a_replaced_upload_ends_and_fails_nothing(
    instance: dg.DagsterInstance,
    catalogue: PostgresCatalogue,
    upload: Upload,
    media: Path,
) -> None:
    """Else the first of two uploads decides what becomes of the second."""
    before = upload(media / "tone.mp4")
    tags = lesson_tags(dataclasses.replace(before, upload_number=7))
    result = execute(instance, before, {}, tags)
    assert not result.success
    assert "overtaken" in step_failures(result)["audio"]
    assert retries(result) == []
    assert catalogue.video(before.id) == before
