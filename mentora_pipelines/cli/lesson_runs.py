"""Runs of `lesson_job` on Dagster's own instance: made here, and read back.

Here belongs all that a command needs of Dagster. Not here: what a run does.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import dagster as dg

from assets.partitions import videos as videos_partitions
from mentora_pipelines.definitions import defs
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.settings import HomeSettings, QuizSettings
from sensors.new_uploads import CREATOR_TAG, LESSON_WITHOUT_QUIZ, VIDEO_TAG

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Dagster's own log stays in its event log, where the UI shows it."""


@contextmanager
def dagster_instance() -> Iterator[dg.DagsterInstance]:
    """The instance that the daemon and the UI use too."""
    with dg.DagsterInstance.from_config(str(HomeSettings().home)) as instance:
        yield instance


def run_lessons(videos: Sequence[Video]) -> bool:
    """Run the lesson job for each video in this process; whether all succeeded."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    succeeded = True
    job = defs.resolve_job_def("lesson_job")
    selection = (
        None
        if QuizSettings().auto_generate
        else [dg.AssetKey(name) for name in LESSON_WITHOUT_QUIZ]
    )
    with (
        dagster_instance() as instance,
        Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        ) as progress,
    ):
        for video in videos:
            task = progress.add_task(video.title, total=1)
            instance.add_dynamic_partitions(
                videos_partitions.name or "videos", [str(video.id)]
            )
            result = job.execute_in_process(
                instance=instance,
                partition_key=str(video.id),
                asset_selection=selection,
                run_config=QUIET,
                tags={CREATOR_TAG: str(video.creator_id), VIDEO_TAG: str(video.id)},
                raise_on_error=False,
            )
            succeeded = succeeded and result.success
            progress.update(
                task,
                completed=1,
                description=f"{video.title}: {'done' if result.success else 'failed'}",
            )
            for step, reason in _failures(result.all_events):
                progress.console.print(f"  {step}: {reason}", markup=False)
    return succeeded


def _failures(events: Sequence[dg.DagsterEvent]) -> Iterator[tuple[str, str]]:
    """Each failed step with the sentence for an engineer."""
    for event in events:
        if event.is_step_failure and event.step_key is not None:
            failure = event.step_failure_data
            told = failure.user_failure_data
            yield (
                event.step_key,
                (told.description if told else None) or failure.error_display_string,
            )


def unfinished_runs(instance: dg.DagsterInstance) -> int:
    """How many runs of the lesson job wait or work."""
    return instance.get_runs_count(
        dg.RunsFilter(
            job_name="lesson_job",
            statuses=[
                dg.DagsterRunStatus.QUEUED,
                dg.DagsterRunStatus.NOT_STARTED,
                dg.DagsterRunStatus.STARTING,
                dg.DagsterRunStatus.STARTED,
            ],
        )
    )


def stage_seconds(instance: dg.DagsterInstance, video_id: UUID) -> dict[str, float]:
    """Seconds per asset of the newest successful run of a video, in run order."""
    runs = instance.get_runs(
        dg.RunsFilter(
            job_name="lesson_job",
            statuses=[dg.DagsterRunStatus.SUCCESS],
            tags={VIDEO_TAG: str(video_id)},
        ),
        limit=1,
    )
    if not runs:
        return {}
    steps = instance.get_run_step_stats(runs[0].run_id)
    return {
        step.step_key: step.end_time - step.start_time
        for step in sorted(steps, key=lambda step: step.start_time or 0)
        if step.start_time is not None
        and step.end_time is not None
        and step.step_key in ASSET_NAMES
    }


ASSET_NAMES = (*LESSON_WITHOUT_QUIZ, "quizzes")
