"""From our errors to Dagster's, and the status that a creator sees.

Here belong the retry policy and the one place that decides what a failed step
means. Not here: what can fail.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import dagster as dg

from mentora_pipelines.domain.videos import Video, VideoCatalogue, VideoStatus
from mentora_pipelines.errors import (
    CREATOR_SENTENCES,
    ErrorCode,
    LessonRefused,
    MentoraError,
    SettingsError,
    TransientError,
)

MAX_RETRIES = 3
"""Four tries, as specified; only a `TransientError` is tried again."""

RETRY_POLICY = dg.RetryPolicy(
    max_retries=MAX_RETRIES,
    delay=2,
    backoff=dg.Backoff.EXPONENTIAL,
    jitter=dg.Jitter.PLUS_MINUS,
)


STOPPED = "stopped by a signal"
"""What a step says that was interrupted; the video stays `processing`."""


@contextmanager
def lesson_step(
    context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext,
    catalogue: VideoCatalogue,
    status: VideoStatus | None,
) -> Iterator[Video]:
    """One step of the video that the partition names.

    A permanent error fails the step at once, a transient one after the last retry;
    then, unless `status` is None, the video is `failed` with a code and a sentence.
    """
    video: Video | None = None
    try:
        video = catalogue.video(UUID(context.partition_key))
        yield video
    except TransientError as error:
        if context.retry_number < MAX_RETRIES:
            raise
        _fail(video, status, ErrorCode.TEMPORARY_FAULT)
        raise _failure(ErrorCode.TEMPORARY_FAULT, error) from error
    except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError) as signal:
        # With a retry policy Dagster takes Ctrl-C for a fault, and tries again.
        raise dg.Failure(STOPPED, allow_retries=False) from signal
    except Exception as error:
        code = _code_of(error)
        _fail(video, status, code)
        raise _failure(code, error) from error


def _code_of(error: Exception) -> ErrorCode:
    if isinstance(error, LessonRefused):
        return error.code
    if isinstance(error, SettingsError):
        return ErrorCode.MISCONFIGURED
    return ErrorCode.INTERNAL


def _fail(video: Video | None, status: VideoStatus | None, code: ErrorCode) -> None:
    if video is not None and status is not None:
        status.mark_failed(video, code)


def _failure(code: ErrorCode, error: Exception) -> dg.Failure:
    # Only our own messages are known to hold nothing private.
    reason = error if isinstance(error, MentoraError) else type(error).__name__
    return dg.Failure(
        description=f"{code}: {reason}",
        metadata={"error_code": code.value, "creator reads": CREATOR_SENTENCES[code]},
        allow_retries=False,
    )
