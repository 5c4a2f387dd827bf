"""Generations of vectors and the partition that each has, as the admin role."""

from dataclasses import asdict
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from mentora_pipelines.adapters.postgres.database import Connection, Rows
from mentora_pipelines.adapters.postgres.search.vector_index import partition_name
from mentora_pipelines.domain.generations.generations import GenerationStatus
from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel
from mentora_pipelines.errors import TransientError

SELECT_GENERATIONS = """
select id, provider, model, dimensions
from embedding_generations
where status = 'active' or (id = %(generation_id)s and status = 'building')
order by (id = %(generation_id)s) desc
-- While another one is activated this waits, and finds it.
for share
"""

INSERT_GENERATION = """
insert into embedding_generations (
    id, provider, model, dimensions, status, activated_at)
values (
    %(id)s, %(provider)s, %(model)s, %(dimensions)s, %(status)s,
    case when %(status)s = 'active' then now() end)
on conflict do nothing
"""

SELECT_MODELS = """
select provider, model, dimensions
from embedding_generations
where status = %(status)s
order by created_at, id
"""


class GenerationRows(Rows):
    """Satisfies `GenerationRegistry`."""

    def writable_generation(self, model: EmbeddingModel) -> UUID:
        """The generation to write this model's vectors into, made when there is none.

        Raises `TransientError` when another model is searched by now: whoever tries
        again takes that one.
        """
        generation_id = model.generation_id
        parameters = {"generation_id": generation_id}
        with self._database.transaction() as connection:
            rows = connection.execute(SELECT_GENERATIONS, parameters).fetchall()
            if not rows:
                # Of two first runs the second waits here and inserts nothing.
                if insert_generation(connection, model, GenerationStatus.ACTIVE):
                    create_partition(connection, generation_id, model.dimensions)
                rows = connection.execute(SELECT_GENERATIONS, parameters).fetchall()
        found, provider, name, dimensions = rows[0]
        if found != generation_id:
            raise TransientError(
                f"{provider}/{name} ({dimensions} dimensions) is searched by now and "
                f"not {model.provider}/{model.model}: try again with its vectors"
            )
        return generation_id

    def active_model(self) -> EmbeddingModel | None:
        """The model whose vectors are searched; None before the first lesson."""
        return next(iter(self._models("active")), None)

    def building_models(self) -> list[EmbeddingModel]:
        """The models whose vectors are being made, to be searched one day."""
        return self._models("building")

    def _models(self, status: str) -> list[EmbeddingModel]:
        with (
            self._database.transaction() as connection,
            connection.cursor(row_factory=class_row(EmbeddingModel)) as cursor,
        ):
            return cursor.execute(SELECT_MODELS, {"status": status}).fetchall()


def insert_generation(
    connection: Connection, model: EmbeddingModel, status: GenerationStatus
) -> bool:
    """Make the model's generation, without a partition; False when it is there."""
    row = {"id": model.generation_id, **asdict(model), "status": status}
    return connection.execute(INSERT_GENERATION, row).rowcount == 1


def create_partition(
    connection: Connection, generation_id: UUID, dimensions: int
) -> None:
    """Make the partition that holds a generation's vectors, all of `dimensions`."""
    partition = sql.Identifier(partition_name(generation_id))
    # Attached, since a table that is made as a part lets nobody search meanwhile.
    for statement in (
        """
        create table {partition} (
            like chunk_embeddings including all,
            check (vector_dims(embedding) = {dimensions}))
        """,
        # The policies of the whole table do not guard a part that is named itself.
        "alter table {partition} enable row level security, force row level security",
        """
        alter table chunk_embeddings
        attach partition {partition} for values in ({generation_id})
        """,
    ):
        connection.execute(
            sql.SQL(statement).format(
                partition=partition,
                dimensions=sql.Literal(dimensions),
                generation_id=sql.Literal(str(generation_id)),
            )
        )
