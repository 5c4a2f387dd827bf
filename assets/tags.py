"""Names of the tags of runs, Dagster's own and ours.

Here belong names, and the tags that limit a run. Not here: what a tag's value means.
"""

CREATOR_TAG = "mentora/creator"
"""The queue limits runs per value of it (see dagster.yaml)."""

VIDEO_TAG = "mentora/video"

UPLOAD_TAG = "mentora/upload"
"""The number of the upload that a run was asked for; runs from the UI have none."""

ENDED_TAG = "mentora/ended"
"""Of a run that was ended here and not by a person: its own id, since a resumption has
the tags of the run before it."""

COMMAND_TAG = "mentora/command"
"""Names the lock that the command holds while its run lives."""

PARTITION_TAG = "dagster/partition"
"""Names the video of a run, whoever has started it: a trigger, the UI, a backfill."""

PRIORITY_TAG = "dagster/priority"

MAX_RUNTIME_TAG = "dagster/max_runtime"

SCHEDULE_TAG = "dagster/schedule_name"

TICK_TIME_TAG = ".dagster/scheduled_execution_time"


def run_limits(max_runtime_s: int, priority: int = 0) -> dict[str, str]:
    """Tags of a run that is ended after so long; the queue takes greater ones first."""
    return {MAX_RUNTIME_TAG: str(max_runtime_s), PRIORITY_TAG: str(priority)}
