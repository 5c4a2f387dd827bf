"""From our errors to Dagster's, and the status that a creator sees.

Here belong the retry policies and what an error means for a step, of a lesson or of
the platform. Not here: what can fail.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import NoReturn, Protocol, runtime_checkable
from uuid import UUID

import dagster as dg

from assets.leases import held_lease
from assets.observation import Step, current_context, observed, op_of
from assets.tags import UPLOAD_TAG
from mentora_pipelines.domain.leases import Leases
from mentora_pipelines.domain.lessons.lesson_store import LessonCatalogue
from mentora_pipelines.domain.videos import Video, VideoStatus
from mentora_pipelines.errors import (
    CREATOR_SENTENCES,
    Busy,
    ErrorCode,
    LessonRefused,
    MentoraError,
    Overtaken,
    PermanentError,
    ProviderAway,
    ProviderRefused,
    SetAside,
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

PLATFORM_RETRIES = dg.RetryPolicy(
    max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)
"""For a database that restarts; after that a sensor or the next tick asks anew."""

STOPPED = "stopped by a signal"
"""What a step says that was interrupted; the video stays `processing`."""


Told = Callable[[Video, ErrorCode], None]
"""What becomes of a video whose step has failed for good."""


@runtime_checkable
class LessonProgress(VideoStatus, Leases, Protocol):
    """Where a step says that it works on a video, and how that ended."""


@contextmanager
def lesson_step(
    context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext,
    catalogue: LessonCatalogue,
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
    with (
        observed(context, catalogue) as step,
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
            _try_again(error, MAX_RETRIES, RETRY_POLICY_DELAY_S)
        is_busy = isinstance(error, Busy)
        step.failed(error, code, is_incident=not is_busy)
        if not is_busy:
            _fail(step.video, on_failure, code)
        raise _failure(code, error) from None
    except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError) as signal:
        raise _stopped(step, signal) from signal
    except Exception as error:  # noqa: BLE001  (turned into a Failure, whatever it is)
        code = _code_of(error)
        step.failed(error, code)
        _fail(step.video, on_failure, code)
        # Without the chain: what a library says may quote a row or a transcript.
        raise _failure(code, error) from None


@contextmanager
def platform_step() -> Iterator[None]:
    """A step of work that belongs to no video.

    A permanent error fails it at once, any other one is tried again, of a provider when
    it says so. What Dagster stores of a foreign error is its type and its place: its
    words may quote a row.
    """
    context = current_context()
    policy = None if context is None else op_of(context).op_def.retry_policy
    left = 0 if policy is None else policy.max_retries
    delay_s = 0.0 if policy is None else policy.delay or 0.0
    with observed(context) as step:
        try:
            yield
        except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError) as signal:
            raise _stopped(step, signal) from signal
        except dg.Failure as error:
            will_retry = error.allow_retries and step.attempt <= left
            step.failed(error, is_incident=not will_retry, will_retry=will_retry)
            raise
        except PermanentError as error:
            step.failed(error)
            raise dg.Failure(description=str(error), allow_retries=False) from None
        except Exception as error:  # noqa: BLE001  (told as a Failure, whatever it is)
            will_retry = step.attempt <= left
            step.failed(error, is_incident=not will_retry, will_retry=will_retry)
            if not isinstance(error, MentoraError):
                raise dg.Failure(description=f"internal: {place_of(error)}") from None
            if will_retry:
                _try_again(error, left, delay_s)
            raise without_cause(error) from None


def _stopped(step: Step, signal: BaseException) -> dg.Failure:
    """What ends a step for good: a retry policy takes Ctrl-C for a fault."""
    step.failed(signal, is_incident=False)
    return dg.Failure(STOPPED, allow_retries=False)


def _try_again(error: MentoraError, max_retries: int, delay_s: float) -> NoReturn:
    """Raise it for Dagster to try again, when it says that it is of use.

    Without its chain: what a library says may quote a row or a transcript.
    """
    if isinstance(error, (ProviderAway, SetAside)) and error.wait_s > delay_s:
        # Sooner, it would not even be asked.
        raise dg.RetryRequested(max_retries, error.wait_s) from without_cause(error)
    raise without_cause(error) from None


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
