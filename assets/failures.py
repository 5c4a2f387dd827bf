"""From our errors to Dagster's, and the status that a creator sees.

Here belong the retry policy and the one place that decides what a failed step
means. Not here: what can fail.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Protocol, runtime_checkable
from uuid import UUID

import dagster as dg

from assets.leases import held_lease
from assets.observation import STOPPED, Step, observed
from mentora_pipelines.domain.leases import Leases
from mentora_pipelines.domain.operations.stage_timings import StageTimings
from mentora_pipelines.domain.videos import Video, VideoCatalogue, VideoStatus
from mentora_pipelines.errors import (
    CREATOR_SENTENCES,
    Busy,
    ErrorCode,
    LessonRefused,
    MentoraError,
    Overtaken,
    ProviderAway,
    ProviderRefused,
    SettingsError,
    TransientError,
)
from mentora_pipelines.observability.scrubbing import place_of, without_cause

MAX_RETRIES = 3
"""Four tries, as specified; only a `TransientError` is tried again."""

RETRY_POLICY_DELAY_S = 2

RETRY_POLICY = dg.RetryPolicy(
    max_retries=MAX_RETRIES,
    delay=RETRY_POLICY_DELAY_S,
    backoff=dg.Backoff.EXPONENTIAL,
    jitter=dg.Jitter.PLUS_MINUS,
)


UPLOAD_TAG = "mentora/upload"
"""The number of the upload that a run was asked for; runs from the UI have none."""


Told = Callable[[Video, ErrorCode], None]
"""What becomes of a video whose step has failed for good."""


@runtime_checkable
class LessonProgress(VideoStatus, Leases, Protocol):
    """Where a step says that it works on a video, and how that ended."""


@contextmanager
def lesson_step(
    context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext,
    catalogue: VideoCatalogue,
    progress: LessonProgress | None,
    on_failure: Told | None = None,
) -> Iterator[Video]:
    """One step of the video that the partition names, under its lease.

    A permanent error fails the step at once, a transient one after the last retry;
    then the video is `failed` with a code and a sentence. Who was overtaken, or finds
    somebody else at work, fails nothing but its own run. Without `progress` the step
    reads a lesson that is published: it takes no lease and fails no video, and what
    happens instead is up to `on_failure`.
    """
    if progress is not None:
        on_failure = progress.mark_failed
    timings = catalogue if isinstance(catalogue, StageTimings) else None
    with (
        observed(context, timings) as step,
        _failures_told(context.retry_number, on_failure, step),
    ):
        video_id = UUID(context.partition_key)
        upload_number = context.run.tags.get(UPLOAD_TAG)
        if progress is None:
            step.video = catalogue.video(video_id)
            yield step.video
            return
        found = catalogue.video(video_id)
        _check_not_overtaken(found, upload_number)
        with held_lease(progress, found, context.run) as fencing_token:
            # Read again: until a moment ago somebody else may have worked on it.
            newest = catalogue.video(video_id)
            _check_not_overtaken(newest, upload_number)
            step.video = replace(newest, fencing_token=fencing_token)
            yield step.video


@contextmanager
def _failures_told(
    retry_number: int, on_failure: Told | None, step: Step
) -> Iterator[None]:
    """Decides what an error means: for the video, for Dagster, and for who watches."""
    try:
        yield
    except Overtaken as error:
        step.failed(error, ErrorCode.INTERNAL, is_incident=False)
        raise _failure(ErrorCode.INTERNAL, error) from None
    except TransientError as error:
        code = ErrorCode.TEMPORARY_FAULT
        if retry_number < MAX_RETRIES:
            step.failed(error, code, is_incident=False, will_retry=True)
            if isinstance(error, ProviderAway) and error.wait_s > RETRY_POLICY_DELAY_S:
                # Sooner, it would not even be asked.
                wait = dg.RetryRequested(MAX_RETRIES, error.wait_s)
                raise wait from without_cause(error)
            # Without the chain, as below.
            raise without_cause(error) from None
        is_busy = isinstance(error, Busy)
        step.failed(error, code, is_incident=not is_busy)
        if not is_busy:
            _fail(step.video, on_failure, code)
        raise _failure(code, error) from None
    except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError) as signal:
        # With a retry policy Dagster takes Ctrl-C for a fault, and tries again.
        step.failed(signal, is_incident=False)
        raise dg.Failure(STOPPED, allow_retries=False) from signal
    except Exception as error:  # noqa: BLE001  (turned into a Failure, whatever it is)
        code = _code_of(error)
        step.failed(error, code)
        _fail(step.video, on_failure, code)
        # Without the chain: what a library says may quote a row or a transcript.
        raise _failure(code, error) from None


def _check_not_overtaken(video: Video, upload_number: str | None) -> None:
    """A run of an upload ends, failing nothing, once a newer upload is there."""
    if upload_number is not None and upload_number != str(video.upload_number):
        newest = video.upload_number
        raise Overtaken(f"overtaken: of upload {upload_number}, now {newest}")


def _code_of(error: Exception) -> ErrorCode:
    if isinstance(error, (LessonRefused, ProviderRefused)):
        return error.code
    if isinstance(error, SettingsError):
        return ErrorCode.MISCONFIGURED
    return ErrorCode.INTERNAL


def _fail(video: Video | None, on_failure: Told | None, code: ErrorCode) -> None:
    if video is not None and on_failure is not None:
        try:
            with suppress(Overtaken):
                on_failure(video, code)
        except MentoraError as error:
            # Without the error before it, whose text may quote a row.
            raise type(error)(str(error)) from None


def _failure(code: ErrorCode, error: Exception) -> dg.Failure:
    if isinstance(error, LessonRefused):
        reason = str(error)
    else:
        own = isinstance(error, MentoraError)
        reason = f"{code}: {error if own else place_of(error)}"
    return dg.Failure(
        description=reason,
        metadata={"error_code": code.value, "creator reads": CREATOR_SENTENCES[code]},
        allow_retries=False,
    )
