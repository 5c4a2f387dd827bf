"""The published passages that answer a question, found by `match_video_chunks`.

Here belong the call and the plan that it takes. Not here: the plans themselves, which
the web application shares (migration 0016).
"""

from psycopg.rows import dict_row

from mentora_pipelines.adapters.postgres.database import Connection, Rows
from mentora_pipelines.domain.search import (
    SearchHit,
    SearchPlan,
    SearchRequest,
)
from mentora_pipelines.errors import InvalidInput, PermanentError

MATCH = """
select
    video_id, title, start_timestamp as start_s, end_timestamp as end_s,
    chunk_text as text, score, similarity, vector_rank, text_rank, text_share,
    highlights
from match_video_chunks(
    %(vector)s::vector, %(limit)s, %(video_id)s, %(creator_id)s, %(text)s,
    %(generation_id)s)
"""

PLAN = """
select plan, reason, generation, rows_in_scope, rows_in_all
from search_plan(%(vector)s::vector, %(video_id)s, %(creator_id)s, %(generation_id)s)
"""

STEPS = """
select explain_search(
    %(vector)s::vector, %(limit)s, %(video_id)s, %(creator_id)s, %(generation_id)s)
"""


class SearchRows(Rows):
    """Satisfies `SearchIndex`, as the admin role: the scope stands in the call."""

    def search(self, request: SearchRequest) -> list[SearchHit]:
        """At most `limit` hits, best first; fewer only when there are no more."""
        with self._database.transaction() as connection:
            return find_passages(connection, request)

    def search_plan(self, request: SearchRequest) -> SearchPlan:
        """How the vectors of the request would be searched; raises `InvalidInput`."""
        with self._database.transaction() as connection:
            return explain_plan(connection, request)


def find_passages(connection: Connection, request: SearchRequest) -> list[SearchHit]:
    """The hits of a request, in the caller's transaction."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(MATCH, _parameters(request)).fetchall()
    return [
        SearchHit(**{**row, "highlights": tuple(row["highlights"])}) for row in rows
    ]


def explain_plan(connection: Connection, request: SearchRequest) -> SearchPlan:
    """The plan of a request with the server's own, in the caller's transaction.

    Raises `InvalidInput` for a search by words alone, and `PermanentError` when the
    database has no such plan, since it was not migrated.
    """
    if request.vector is None:
        raise InvalidInput("a search by words alone has no plan for vectors")
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(PLAN, _parameters(request)).fetchone()
        steps = cursor.connection.execute(STEPS, _parameters(request)).fetchall()
    if row is None:
        raise PermanentError("the database names no plan: is it migrated?")
    return SearchPlan(
        name=row["plan"],
        reason=row["reason"],
        generation_id=row["generation"],
        rows_in_scope=row["rows_in_scope"],
        rows_in_all=row["rows_in_all"],
        steps=tuple(step for (step,) in steps),
    )


def _parameters(request: SearchRequest) -> dict[str, object]:
    return {
        "vector": request.vector,
        "limit": request.limit,
        "video_id": request.scope.video_id,
        "creator_id": request.scope.creator_id,
        "text": request.text,
        "generation_id": request.generation_id,
    }
