"""Runs of `lesson_job` on Dagster's own instance: made here, and read back.

Here belongs all that a command needs of Dagster. Not here: what a run does.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path
from uuid import uuid4

import dagster as dg

from assets.failures import STOPPED
from assets.jobs import (
    LESSON_ASSETS,
    lesson_job,
    lesson_tags,
    quiz_job,
)
from assets.partitions import videos as videos_partitions
from assets.runs import UNFINISHED
from assets.tags import COMMAND_TAG
from mentora_pipelines.cli.output import progress
from mentora_pipelines.definitions import defs
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.local_stack.layout import is_held, open_lock
from mentora_pipelines.providers.lessons import open_stranded_videos
from mentora_pipelines.settings.home import HomeSettings

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Dagster's own log stays in its event log, where the UI shows it."""


@contextmanager
def dagster_instance() -> Iterator[dg.DagsterInstance]:
    """The instance that the daemon and the UI use too."""
    home = HomeSettings().home
    # dagster.yaml names its files relative to the folder it lies in.
    with chdir(home), dg.DagsterInstance.from_config(str(home)) as instance:
        _end_killed_runs(instance)
        yield instance


def _end_killed_runs(instance: dg.DagsterInstance) -> None:
    """Report the runs whose command was killed.

    Dagster watches only the runs that its daemon has launched. Any other one would
    keep its places in the pools and the queue for ever, and the next would wait.
    """
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        if run.remote_job_origin is not None:
            continue  # the daemon's own, perhaps a copy of a killed one
        lock = _commands_folder() / run.tags.get(COMMAND_TAG, "")
        # A command of another machine has no lock here, and may be alive.
        if lock.is_file() and not is_held(lock):
            instance.report_run_failed(run, "the command that ran it was killed")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            with open_stranded_videos() as stranded:
                stranded.end_lease_of(run.run_id)
            lock.unlink(missing_ok=True)


@contextmanager
def _command() -> Iterator[str]:
    """The name of this command, held until it ends, however it ends."""
    name = str(uuid4())
    lock = _commands_folder() / name
    descriptor = open_lock(lock)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield name
    finally:
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def _commands_folder() -> Path:
    folder = HomeSettings().state_folder / "commands"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run_lessons(videos: Sequence[Video]) -> bool:
    """Make each video's lesson, then its quiz, here; whether all succeeded."""
    succeeded = True
    with (
        dagster_instance() as instance,
        _command() as command,
        progress() as shown,
    ):
        for video in videos:
            task = shown.add_task(video.title, total=1)
            instance.add_dynamic_partitions(
                videos_partitions.name or "videos", [str(video.id)]
            )
            made = True
            for job_name in _jobs_of(video):
                result = defs.resolve_job_def(job_name).execute_in_process(
                    instance=instance,
                    partition_key=str(video.id),
                    run_config=QUIET,
                    tags={**lesson_tags(video), COMMAND_TAG: command},
                    raise_on_error=False,
                )
                for step, reason in _failures(result.all_events):
                    shown.console.print(
                        f"{video.title}: {step}: {reason}", markup=False
                    )
                if _was_stopped(result.all_events):
                    raise KeyboardInterrupt
                made = made and result.success
                if not made:
                    break
            succeeded = succeeded and made
            shown.update(
                task,
                completed=1,
                description=f"{video.title}: {'done' if made else 'failed'}",
            )
    return succeeded


def _jobs_of(video: Video) -> Iterator[str]:
    yield lesson_job.name
    # The event that asks for it finds it written.
    if video.auto_generate_quiz:
        yield quiz_job.name


def _failures(events: Sequence[dg.DagsterEvent]) -> Iterator[tuple[str, str]]:
    """Each failed step with the sentence for an engineer."""
    for event in events:
        if event.is_step_failure and event.step_key is not None:
            failure = event.step_failure_data
            told = failure.user_failure_data
            if _was_stopped([event]):
                yield event.step_key, STOPPED
            else:
                yield (
                    event.step_key,
                    (told.description if told else None)
                    or failure.error_display_string,
                )


def _was_stopped(events: Sequence[dg.DagsterEvent]) -> bool:
    """Whether Ctrl-C ended a step, in its own code or in Dagster's around it."""
    for event in events:
        error = None
        if event.is_step_failure:
            error = event.step_failure_data.error
        elif event.event_type is dg.DagsterEventType.RUN_FAILURE:
            error = event.job_failure_data.error
        while error is not None:
            if error.cls_name == dg.DagsterExecutionInterruptedError.__name__:
                return True
            error = error.cause
    return False


def unfinished_runs(instance: dg.DagsterInstance) -> int:
    """How many runs wait or work."""
    return instance.get_runs_count(dg.RunsFilter(statuses=UNFINISHED))


ASSET_NAMES = (*LESSON_ASSETS, "quizzes")
