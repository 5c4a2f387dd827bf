"""What is seen while processes are killed: how much worked, what is there twice."""

from dataclasses import dataclass, field

import psycopg

Connection = psycopg.Connection[tuple[object, ...]]

WORKING = """
with working as (
    select run_id from runs where status in ('STARTING', 'STARTED', 'CANCELING')
),
tagged as (
    select run_tags.key, count(*) as runs
    from working join run_tags using (run_id)
    where run_tags.key in ('mentora/creator', 'mentora/video')
    group by run_tags.key, run_tags.value
),
pooled as (
    select count(*) as steps from concurrency_slots
    where run_id is not null and not deleted
    group by concurrency_key
)
select 'runs', (select count(*) from working)
union all select key, max(runs) from tagged group by key
union all select 'pool', (select coalesce(max(steps), 0) from pooled)
"""

# What no fault may leave behind.
DUPLICATES = """
select 'chunks' from transcript_chunks
group by transcript_id, text_hash, start_timestamp
having count(*) > 1
union all
select 'vectors' from chunk_embeddings group by video_id, text_hash having count(*) > 1
union all
select 'quizzes' from quizzes group by transcript_id having count(*) > 1
union all
select 'mail' from email_outbox group by subject_id having count(*) > 1
union all
select 'publications' from events where name = 'video/transcription.completed'
group by payload ->> 'videoId', payload ->> 'transcriptVersion' having count(*) > 1
union all
select 'gaps' from videos
join transcript_chunks as chunk on chunk.transcript_id = videos.published_transcript_id
group by videos.id having count(*) <> max(chunk.chunk_index) + 1
union all
select 'no words' from videos where processing_status = 'completed' and (
    published_transcript_id is null
    or published_transcript_id <> staged_transcript_id)
"""


@dataclass
class Sightings:
    """The most that was seen of each kind.

    `runs` in all, runs by the tag they share, and steps in one `pool`.
    """

    most: dict[str, int] = field(default_factory=dict)

    def look(self, dagster: Connection) -> None:
        """Note what works now."""
        for kind, count in dagster.execute(WORKING):
            name = str(kind)
            self.most[name] = max(self.most.get(name, 0), int(str(count)))


def duplicates(admin: Connection) -> list[object]:
    """What was made twice, or in part."""
    return [what for (what,) in admin.execute(DUPLICATES)]
