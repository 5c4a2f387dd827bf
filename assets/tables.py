"""Tables as a whole, whose rows many runs have written.

Here belong the tables that are looked at, so that a look hangs on none of the assets
that write them: making one lesson again asks nothing of all lessons. Not here: what is
looked for.
"""

import dagster as dg

from assets.cockpit import ANALYTICS, LESSONS, table_metadata
from assets.lessons.embeddings import embeddings
from assets.lessons.published_lessons import published_lessons
from assets.lessons.quizzes import quizzes
from assets.lessons.transcripts import transcripts

PREFIX = "tables"


def _table(
    name: str, description: str, written_by: list[dg.AssetsDefinition], owner: str
) -> dg.AssetSpec:
    return dg.AssetSpec(
        [PREFIX, name],
        deps=written_by,
        description=description,
        group_name="tables",
        kinds={"postgres"},
        owners=[owner],
        metadata=table_metadata(f"{PREFIX}/{name}"),
    )


transcripts_table = _table(
    "transcripts", "What was said in all lessons.", [transcripts], LESSONS
)
video_chunks_table = _table(
    "video_chunks",
    "The published chunks of all lessons, as the web application reads them.",
    [published_lessons],
    LESSONS,
)
chunk_embeddings_table = _table(
    "chunk_embeddings", "The vectors of all texts.", [embeddings], LESSONS
)
quiz_questions_table = _table(
    "quiz_questions", "The questions of all quizzes.", [quizzes], LESSONS
)
analytics_events_table = _table(
    "analytics_events", "What happened, as everybody has told it.", [], ANALYTICS
)
