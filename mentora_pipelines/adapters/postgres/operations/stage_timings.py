"""What stages of lessons took: kept as rows, added up by the server. As the admin role.

A statement that writes names the creator of each row; that creator may read it.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from psycopg.rows import class_row

from mentora_pipelines.adapters.postgres.database import Rows
from mentora_pipelines.domain.operations.stage_timings import (
    Percentiles,
    StageFigures,
    StageRun,
)

KEEP = """
with
video as (
    select id, creator_id, duration_s from videos
    where id = %(video_id)s and creator_id = %(creator_id)s
),
kept as (
    insert into stage_timings (
        id, creator_id, video_id, run_id, stage, part, attempt, calls, duration_s,
        video_duration_s, failed, error_code)
    select
        each.id, video.creator_id, video.id, %(run_id)s, %(stage)s, each.part,
        %(attempt)s, each.calls, each.duration_s, video.duration_s, %(failed)s,
        case when each.part is null then %(error_code)s end
    from video, unnest(
        %(ids)s::uuid[], %(parts)s::text[], %(calls)s::integer[],
        %(durations)s::float8[]) as each (id, part, calls, duration_s)
),
slow as (
    insert into analytics_events (id, creator_id, video_id, event_name, properties)
    select
        each.id, video.creator_id, video.id, 'slow_operation',
        jsonb_build_object(
            'operation', each.operation, 'seconds', each.duration_s,
            'run', %(run_id)s::text)
    from video, unnest(
        %(slow_ids)s::uuid[], %(operations)s::text[], %(slow_durations)s::float8[]
    ) as each (id, operation, duration_s)
)
-- What is written here is not seen here: this time is counted by hand.
select count(*) + 1 from stage_timings
where %(error_code)s::text is not null
  and creator_id = %(creator_id)s
  and error_code = %(error_code)s
  and recorded_at > now() - interval '1 day'
"""

FIGURES = """
select
    stage,
    part,
    count(*) as runs,
    count(*) filter (where failed) as failures,
    coalesce(sum(duration_s) filter (where not failed), 0) as total_s,
    percentile_cont(array[0.5, 0.95, 0.99]) within group (order by duration_s)
        filter (where not failed) as seconds,
    percentile_cont(array[0.5, 0.95, 0.99]) within group (
        order by 60 * duration_s / video_duration_s)
        filter (where not failed and video_duration_s > 0) as per_minute
from stage_timings
where recorded_at > now() - %(since)s
group by stage, part
order by min(recorded_at), stage, part nulls first
"""

SECONDS_OF_VIDEO = """
select stage, max(duration_s) from stage_timings
where video_id = %(video_id)s and part is null and not failed
group by stage
"""

FORGET = "delete from stage_timings where recorded_at < now() - %(keep)s"

KEPT_FOR = timedelta(days=90)
"""A quarter: long enough to see a stage become slow, short enough to stay small."""


@dataclass(frozen=True, slots=True)
class _FiguresRow:
    """A stage, or a part of one, as the server adds it up."""

    stage: str
    part: str | None
    runs: int
    failures: int
    total_s: float
    seconds: list[float] | None
    per_minute: list[float] | None

    def parsed(self) -> StageFigures:
        """The figures."""
        return StageFigures(
            self.stage, self.part, self.runs, self.failures, self.total_s,
            None if self.seconds is None else Percentiles(*self.seconds),
            None if self.per_minute is None else Percentiles(*self.per_minute),
        )  # fmt: skip


class StageTimingRows(Rows):
    """Satisfies `StageTimings`, as the admin role."""

    def keep_stage_run(self, run: StageRun) -> int:
        """Keep it; how often the creator has met its code within a day, this time too.

        Nothing is kept of a video that is gone; 0 for a run without a code.
        """
        with self._database.transaction() as connection:
            row = connection.execute(
                KEEP,
                {
                    "creator_id": run.creator_id,
                    "video_id": run.video_id,
                    "run_id": run.run_id,
                    "stage": run.stage,
                    "attempt": run.attempt,
                    "failed": run.failed,
                    "error_code": run.error_code,
                    "ids": [uuid4() for _ in run.parts],
                    "parts": [each.part for each in run.parts],
                    "calls": [each.calls for each in run.parts],
                    "durations": [each.duration_s for each in run.parts],
                    "slow_ids": [uuid4() for _ in run.slow],
                    "operations": [each.operation for each in run.slow],
                    "slow_durations": [each.duration_s for each in run.slow],
                },
            ).fetchone()
        return 0 if row is None or run.error_code is None else int(row[0])

    def stage_figures(self, since: timedelta) -> list[StageFigures]:
        """Each stage of that time, in the order of a lesson, before its parts."""
        with (
            self._database.transaction() as connection,
            connection.cursor(row_factory=class_row(_FiguresRow)) as cursor,
        ):
            rows = cursor.execute(FIGURES, {"since": since}).fetchall()
        return [row.parsed() for row in rows]

    def stage_seconds(self, video_id: UUID) -> dict[str, float]:
        """Seconds of each stage of a video, of its longest run that succeeded.

        A later run that found all done took no time, and tells nothing.
        """
        with self._database.transaction() as connection:
            rows = connection.execute(
                SECONDS_OF_VIDEO, {"video_id": video_id}
            ).fetchall()
        return {str(stage): float(seconds) for stage, seconds in rows}

    def forget_stage_timings(self) -> int:
        """Delete what is older than `KEPT_FOR`; how many rows there were."""
        with self._database.transaction() as connection:
            return connection.execute(FORGET, {"keep": KEPT_FOR}).rowcount
