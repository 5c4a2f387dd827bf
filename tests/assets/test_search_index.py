"""Vectors while another model's are made, and the asset that tends them."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest

from assets.search.search_index import search_index
from mentora_pipelines.adapters.minilm.embedder import MiniLmEmbedder
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.search.generation_builds import (
    GenerationBuildRows,
)
from mentora_pipelines.domain.generations.generations import Generation
from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.services import DatabaseUrls
from resources.search import SearchUpkeepResource
from tests.fix_commands import Mentora
from tests.fix_lessons import SAMPLES
from tests.fix_runs import Connection, RunLesson
from tests.hash_models import HashModel, OneModel

Upload = Callable[[Path], Video]

LACKING = """
select count(*) from video_chunks as chunk
where chunk.video_id = %(video_id)s and not exists (
    select from chunk_embeddings
    where generation_id = %(generation_id)s and video_id = chunk.video_id
      and text_hash = encode(sha256(convert_to(chunk.chunk_text, 'UTF8')), 'hex'))
"""


@pytest.fixture
def building(urls: DatabaseUrls) -> Iterator[Generation]:
    """A generation that is being built in the shared database, gone afterwards."""
    with closing(Database(urls.admin, "tests-building")) as database:
        store = GenerationBuildRows(database)
        generation = store.begin_generation(HashModel("next", 12).model)
        yield generation
        store.drop_generation(generation)


@pytest.mark.parametrize("embedder", [HashModel("next", 12), None])
def test_a_lesson_is_embedded_for_the_model_to_come_and_does_not_wait_for_it(
    run_lesson: RunLesson,
    upload: Upload,
    building: Generation,
    admin: Connection,
    embedder: HashModel | None,
) -> None:
    """Else lessons of the time of a build are missing, or a dead provider stops all."""
    video = upload(SAMPLES / "binary-search.mp4")
    assert run_lesson(video, embedders=OneModel(embedder)).success
    ids = {"video_id": video.id, "generation_id": building.id}
    row = admin.execute(LACKING, ids).fetchone()
    assert row is not None
    assert (row[0] == 0) is (embedder is not None)


def test_the_asset_measures_what_is_searched(
    instance: dg.DagsterInstance, mentora: Mentora, building: Generation
) -> None:
    """Else nobody sees search become worse."""
    mentora("reembed")
    left = mentora("reembed", "--drop", "next:12", "--json").json["generations"]
    assert str(building.id) not in {generation["id"] for generation in left}
    result = dg.materialize(
        [search_index],
        instance=instance,
        resources={"search_upkeep": SearchUpkeepResource()},
    )
    assert result.success
    (made,) = result.asset_materializations_for_node("search_index")
    mrr = made.metadata["golden_mrr"].value
    assert isinstance(mrr, float)
    assert mrr > 0.5
    shown = mentora("generations", "--json").json
    (active,) = [g for g in shown["generations"] if g["status"] == "active"]
    assert active["model"] == shown["active"] == made.metadata["model"].value
    assert active["golden_mrr"] == pytest.approx(mrr)
    again = mentora("reembed")
    assert again.code == 0
    assert "searched already" in again.progress
    assert mentora("reembed", "--drop", shown["active"]).code == 1
    assert mentora("reembed", "--rollback", "--drop", "x").code == 2


class OneOfBefore(MiniLmEmbedder):
    """The model that was searched when the run began."""

    model = EmbeddingModel("test", "before", 384)


def test_a_lesson_at_work_while_models_are_exchanged_gets_the_new_vectors(
    run_lesson: RunLesson, upload: Upload
) -> None:
    """Else a swap fails every lesson in work, with a mail to its creator."""
    assert run_lesson(upload(SAMPLES / "compound-interest.mp4")).success
    video = upload(SAMPLES / "binary-search.mp4")
    assert run_lesson(video, embedder=OneOfBefore()).success
