"""Another model's vectors: built, judged, swapped in, gone back from, dropped."""

import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Self
from uuid import UUID

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray

from mentora_pipelines.adapters.golden_set.lessons import golden_lessons
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.search.generation_builds import (
    ACTIVATE,
    LOCK_GENERATIONS,
    RETIRE,
    RETIRE_ACTIVE,
    GenerationBuildRows,
)
from mentora_pipelines.adapters.postgres.search.golden_rows import golden_index
from mentora_pipelines.domain.generations.building import build_generation
from mentora_pipelines.domain.generations.generations import (
    Generation,
    GenerationStatus,
    active_generation,
    generation_now,
    generation_of_name,
    retired_generation,
)
from mentora_pipelines.domain.generations.swapping import (
    MIN_RECALL,
    GateClosed,
    drop_generation,
    return_to_generation,
    swap_generation,
)
from mentora_pipelines.domain.generations.upkeep import UpkeepFigures, tend_generations
from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel
from mentora_pipelines.domain.search import SearchHit, SearchRequest, SearchScope
from mentora_pipelines.domain.search_quality import SearchFigures
from mentora_pipelines.domain.spending.usage import Payer
from mentora_pipelines.errors import (
    Busy,
    Conflict,
    InvalidInput,
    MentoraError,
    NotFound,
    OverBudget,
    PermanentError,
    TransientError,
)
from mentora_pipelines.services import DatabaseUrls
from tests.adapters.generations.rows import (
    CHUNKS,
    FEW,
    MANY,
    NEW,
    OLD,
    count_of,
    fill,
    swapped_in,
    unjudged,
)
from tests.fix_services import PROJECT
from tests.hash_models import HashModel, HashModels
from tests.waiting import wait_until_blocked

DELETED = 1_000
"""The number of a video that goes while it is embedded."""


class WordModel(HashModel):
    """Satisfies `TextModel` too: a token is a word."""

    max_tokens = 254

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words of each text."""
        return [len(text.split()) for text in texts]


@pytest.fixture(scope="module")
def large(filled: DatabaseUrls) -> DatabaseUrls:
    """The same with 10,000, for the tests that come last."""
    fill(filled, FEW + 1, MANY)
    return filled


@dataclass(frozen=True)
class GoldenFigures:
    """A judge that knows its figures beforehand."""

    by_model: dict[str, float]

    def __call__(self, model: EmbeddingModel) -> SearchFigures:
        """The same figure for the hit rate and for MRR."""
        figure = self.by_model[model.model]
        return SearchFigures({10: figure}, figure, {}, ())


HANGING_BUILD = """
import sys
from contextlib import closing
from uuid import UUID
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.search.generation_builds import (
    GenerationBuildRows,
)
from mentora_pipelines.domain.generations.building import build_generation
from tests.hash_models import HashModel

url, generation_id, videos = sys.argv[1:]
done = 0

def hang(_):
    global done
    done += 1
    if done == int(videos):
        print("hangs", flush=True)
        sys.stdin.read()

with closing(Database(url, "tests-hanging")) as database:
    build_generation(
        UUID(generation_id),
        embedder=HashModel("new", 16),
        store=GenerationBuildRows(database),
        on_video=hang,
    )
"""


@dataclass
class Searcher:
    """A student who searches without end, by one model after the other.

    In a lesson by meaning, and by words too within its creator and everywhere.
    """

    catalogue: PostgresCatalogue
    faults: list[str] = field(default_factory=list)
    searches: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._search)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _search(self) -> None:
        while not self._stop.wait(0.01):
            try:
                active = self.catalogue.active_model()
                assert active is not None
                model = HashModel(active.model, active.dimensions)
                way = self.searches % 3
                hits = hits_of(self.catalogue, model, way)
            except (MentoraError, AssertionError) as error:
                self.faults.append(repr(error))
            else:
                self.searches += 1
                # Its own vector is the nearest: one of another model would not be. The
                # platform's index may lose one.
                best = [hit for hit in hits if 0.999 < (hit.similarity or 0) < 1.001]
                found = [hit.vector_rank for hit in best]
                if len(hits) != 5 or found not in ([[1], []] if way == 2 else [[1]]):
                    self.faults.append(repr(hits))


def hits_of(
    catalogue: PostgresCatalogue, model: HashModel, way: int = 0
) -> list[SearchHit]:
    """What a lesson, its creator or the platform says to the words of a chunk of it."""
    video = catalogue.videos()[0]
    text = f"part 7 of {video.id}"
    scopes = (
        SearchScope(video_id=video.id),
        SearchScope(creator_id=video.creator_id),
        SearchScope(),
    )
    return catalogue.search(
        SearchRequest(
            model.embed([text])[0],
            None if way == 0 else "part",
            scopes[way],
            5,
            model.model.generation_id,
        )
    )


def test_a_model_that_finds_less_is_not_searched(
    store: GenerationBuildRows, searched: Generation
) -> None:
    """Else students stop finding what they found yesterday."""
    building = store.begin_generation(NEW.model)
    build_generation(building.id, embedder=NEW, store=store)
    with pytest.raises(GateClosed, match=r"MRR falls from 0\.800 to 0\.750"):
        swap_generation(
            generation_now(building.id, store),
            embedder=NEW,
            store=store,
            judge=GoldenFigures({"old": 0.8, "new": 0.75}),
        )
    assert generation_now(building.id, store).status is GenerationStatus.BUILDING
    assert generation_now(searched.id, store).status is GenerationStatus.ACTIVE
    swap_generation(
        generation_now(building.id, store),
        embedder=NEW,
        store=store,
        judge=GoldenFigures({"old": 0.8, "new": 0.79}),
    )
    assert generation_now(building.id, store).status is GenerationStatus.ACTIVE
    assert generation_now(building.id, store).golden_mrr == pytest.approx(0.79)


def test_vectors_are_not_searched_while_a_published_text_has_none(
    filled: DatabaseUrls, store: GenerationBuildRows, searched: Generation
) -> None:
    """Else lessons cannot be found from the moment of the swap on."""
    building = store.begin_generation(NEW.model)
    build_generation(building.id, embedder=NEW, store=store)
    lose = (
        "delete from chunk_embeddings where generation_id = %(id)s and ctid = any("
        "array(select ctid from chunk_embeddings where generation_id = %(id)s limit 3))"
    )
    with psycopg.connect(filled.admin, autocommit=True) as connection:
        connection.execute(lose, {"id": building.id})
    assert not store.activate(building.id)
    assert generation_now(searched.id, store).status is GenerationStatus.ACTIVE
    late = HashModel("new", 16)
    swap_generation(
        generation_now(building.id, store), embedder=late, store=store, judge=unjudged
    )
    assert len(late.paid) == 3
    assert generation_now(building.id, store).status is GenerationStatus.ACTIVE


def test_a_creator_without_budget_holds_up_the_swap_and_nobody_elses_vectors(
    filled: DatabaseUrls, store: GenerationBuildRows, searched: Generation
) -> None:
    """Else one empty account stops the build, or is billed over its limit."""
    with psycopg.connect(filled.admin, autocommit=True) as connection:
        row = connection.execute("select max(id::text) from creators").fetchone()
    assert row is not None
    broke = UUID(row[0])

    class Refusing(HashModel):
        def paid_by(self, payer: Payer) -> HashModel:
            return OutOfBudget("new", 16) if payer.creator_id == broke else self

    class OutOfBudget(HashModel):
        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            raise OverBudget(f"nothing is left this month for {len(texts)} texts")

    building = store.begin_generation(NEW.model)
    model = Refusing("new", 16)
    figures = build_generation(building.id, embedder=model, store=store)
    assert figures.refused == {broke}
    assert figures.embedded == FEW * CHUNKS * 4 // 5
    with pytest.raises(PermanentError, match="budget"):
        swap_generation(
            generation_now(building.id, store),
            embedder=model,
            store=store,
            judge=unjudged,
        )
    assert generation_now(searched.id, store).status is GenerationStatus.ACTIVE


@pytest.mark.usefixtures("searched")
def test_a_video_that_is_deleted_meanwhile_ends_no_build(
    filled: DatabaseUrls, store: GenerationBuildRows
) -> None:
    """Else a build of hours on a platform where people work never ends."""

    class Deleting(HashModel):
        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            with psycopg.connect(filled.admin) as connection:
                key = f"uploads/{DELETED}"
                connection.execute("delete from videos where storage_key = %s", [key])
            return super().embed(texts)

    fill(filled, DELETED, DELETED)
    building = store.begin_generation(NEW.model)
    built = build_generation(building.id, embedder=Deleting("new", 16), store=store)
    assert built.videos == FEW == count_of(filled, "select count(*) from videos")
    assert store.activate(building.id)


@pytest.mark.usefixtures("searched")
def test_a_model_that_is_refused_holds_up_no_other(store: GenerationBuildRows) -> None:
    """Else one that cannot pass keeps every later one from being searched."""
    worse = store.begin_generation(HashModel("worse", 8).model)
    better = store.begin_generation(NEW.model)
    figures = tend_generations(
        store=store,
        embedders=HashModels(),
        judge=GoldenFigures({"old": 0.8, "worse": 0.5, "new": 0.9}),
    )
    assert "MRR falls from 0.800 to 0.500" in figures.not_swapped[worse.model]
    assert figures.swapped_to == better.model
    assert generation_now(better.id, store).status is GenerationStatus.ACTIVE


@pytest.mark.usefixtures("searched")
def test_a_lesson_that_is_cut_while_models_are_exchanged_waits_for_the_new_one(
    filled: DatabaseUrls, store: GenerationBuildRows, own_catalogue: PostgresCatalogue
) -> None:
    """Else its vectors are of the old model, and the lesson fails for good."""
    building = store.begin_generation(NEW.model)
    with (
        ThreadPoolExecutor(1) as threads,
        psycopg.connect(filled.admin) as swap,
    ):
        # A swap that has looked for gaps and has not committed.
        swap.execute(LOCK_GENERATIONS)
        writer = threads.submit(own_catalogue.writable_generation, OLD.model)
        wait_until_blocked(filled.admin)
        ids = {"generation_id": building.id}
        swap.execute(RETIRE_ACTIVE, ids)
        swap.execute(ACTIVATE, ids)
        swap.commit()
        with pytest.raises(TransientError, match="test/new"):
            writer.result(30)


def test_a_drop_that_waits_lets_others_read(
    filled: DatabaseUrls, store: GenerationBuildRows, searched: Generation
) -> None:
    """Else one backup at work and every page of the platform waits for a clean-up."""
    building = store.begin_generation(NEW.model)
    with (
        ThreadPoolExecutor(1) as threads,
        psycopg.connect(filled.admin) as backup,
        psycopg.connect(filled.admin, autocommit=True) as student,
    ):
        backup.execute("select count(*) from videos")
        drop = threads.submit(drop_generation, building, store)
        wait_until_blocked(filled.admin)
        student.execute("set statement_timeout = '20s'")
        student.execute("select count(*) from videos")
        backup.commit()
        drop.result(60)
    assert [g.id for g in store.generations()] == [searched.id]


def test_the_way_back_is_one_step_and_brings_later_lessons_along(
    filled: DatabaseUrls, store: GenerationBuildRows, searched: Generation
) -> None:
    """Else who goes back loses the lessons of the meantime."""
    with pytest.raises(NotFound):
        retired_generation(store.generations())
    swapped_in(NEW, store)
    back = retired_generation(store.generations())
    assert back.id == searched.id
    with psycopg.connect(filled.admin, autocommit=True) as connection:
        connection.execute(
            "delete from chunk_embeddings where generation_id = %(id)s and video_id = "
            "(select min(id::text)::uuid from videos)",
            {"id": back.id},
        )
    returning = HashModel("old", 24)
    swap_generation(back, embedder=returning, store=store, judge=unjudged)
    assert len(returning.paid) == CHUNKS
    active = active_generation(store.generations())
    assert active is not None
    assert active.id == searched.id


def test_vectors_are_dropped_with_their_table_and_those_searched_never(
    filled: DatabaseUrls, store: GenerationBuildRows, searched: Generation
) -> None:
    """Else the disk fills with models of years, or a slip deletes what is searched."""
    # Whoever decided on it saw it before somebody went back to it.
    seen = replace(searched, status=GenerationStatus.RETIRED)
    with pytest.raises(Conflict, match="is what is searched"):
        drop_generation(seen, store)
    with pytest.raises(Conflict, match="is what is searched"):
        store.drop_generation(seen)
    assert generation_now(searched.id, store).vectors == FEW * CHUNKS
    with pytest.raises(NotFound, match="those of: test/old:24"):
        generation_of_name(store.generations(), "oldd")
    building = store.begin_generation(NEW.model)
    drop_generation(building, store)
    assert [g.id for g in store.generations()] == [searched.id]
    table = f"chunk_embeddings_{building.id.hex}"
    named = "select count(*) from pg_class where relname = %(table)s"
    assert count_of(filled, named, table=table) == 0


def test_nobody_takes_a_drop_that_was_broken_off_for_whole_vectors(
    filled: DatabaseUrls, store: GenerationBuildRows, searched: Generation
) -> None:
    """Else a return to them is paid for and fails, or a rebuild is lost."""
    dropped = swapped_in(NEW, store)
    return_to_generation(searched, embedder=OLD, store=store)
    assert retired_generation(store.generations()).id == dropped.id
    with psycopg.connect(filled.admin, autocommit=True) as connection:
        connection.execute(RETIRE, {"id": dropped.id})
        part = f"chunk_embeddings_{dropped.id.hex}"
        connection.execute(
            f"alter table chunk_embeddings detach partition {part} concurrently"
        )
    with pytest.raises(NotFound):
        retired_generation(store.generations())
    with pytest.raises(Conflict, match="--drop new:16"):
        store.begin_generation(NEW.model)
    drop_generation(generation_now(dropped.id, store), store)
    assert store.begin_generation(NEW.model).vectors == 0


def test_upkeep_completes_measures_and_swaps(
    filled: DatabaseUrls,
    store: GenerationBuildRows,
    own_catalogue: PostgresCatalogue,
) -> None:
    """Else a vector that was lost stays lost, and a build needs a person to end it."""
    models = HashModels()
    nothing = tend_generations(store=store, embedders=models, judge=unjudged)
    assert nothing.active is None
    own_catalogue.writable_generation(OLD.model)
    judge = GoldenFigures({"old": 0.8, "new": 0.9})
    first = tend_generations(store=store, embedders=models, judge=judge)
    assert first.caught_up.embedded == FEW * CHUNKS
    store.begin_generation(NEW.model)
    second = tend_generations(store=store, embedders=models, judge=judge)
    assert (second.caught_up.embedded, second.swapped_to) == (0, NEW.model)
    paid = [len(models.of(model).paid) for model in (OLD.model, NEW.model)]
    assert paid == [FEW * CHUNKS] * 2
    figures = generation_of_name(store.generations(), "old")
    assert figures.golden_mrr == pytest.approx(0.8)
    assert count_of(filled, "select count(*) from video_chunks") == FEW * CHUNKS


def test_the_way_back_is_open_from_a_model_that_cannot_be_asked(
    store: GenerationBuildRows, searched: Generation
) -> None:
    """Else who sees that figures deceived, or whose provider is away, stays there."""
    swapped_in(NEW, store)
    back = retired_generation(store.generations())
    return_to_generation(back, embedder=OLD, store=store)
    active = active_generation(store.generations())
    assert active is not None
    assert active.id == searched.id


def test_two_who_build_the_same_vectors_pay_once(
    store: GenerationBuildRows, searched: Generation
) -> None:
    """Else `mentora reembed` and the nightly upkeep both pay for every text."""
    building = store.begin_generation(NEW.model)
    second = HashModel("new", 16)
    models = HashModels({OLD.model: OLD, NEW.model: second})

    def tend() -> UpkeepFigures:
        return tend_generations(store=store, embedders=models, judge=unjudged)

    with store.turn(building):
        figures = tend()
        assert (figures.swapped_to, figures.left_to_others) == (None, (NEW.model,))
        with pytest.raises(Busy, match=r"vectors of new \(16 dimensions\)"):
            drop_generation(building, store)
    assert second.paid == []
    with store.turn(searched), pytest.raises(Busy):
        tend()
    assert tend().swapped_to == NEW.model


def test_models_that_differ_in_dimensions_alone_are_told_apart(
    store: GenerationBuildRows, searched: Generation
) -> None:
    """Else the vectors that are searched are dropped instead of the failed attempt."""
    shorter = store.begin_generation(HashModel("old", 16).model)
    known = store.generations()
    with pytest.raises(InvalidInput, match="say which of test/old:16, test/old:24"):
        generation_of_name(known, "old")
    for name in ("old:16", "test/old:16"):
        assert generation_of_name(known, name).id == shorter.id
    assert generation_of_name(known, "old:24").id == searched.id
    swap_generation(shorter, embedder=HashModel("old", 16), store=store, judge=unjudged)
    assert retired_generation(store.generations()).id == searched.id


def test_an_embedder_of_before_a_swap_is_told_to_try_again(
    own_catalogue: PostgresCatalogue, store: GenerationBuildRows, searched: Generation
) -> None:
    """Else a lesson in work at that moment fails for good."""
    assert own_catalogue.writable_generation(OLD.model) == searched.id
    with pytest.raises(TransientError, match=r"test/old \(24 dimensions\) is searched"):
        own_catalogue.writable_generation(NEW.model)
    building = store.begin_generation(NEW.model)
    assert own_catalogue.writable_generation(NEW.model) == building.id


def test_a_judgement_of_known_vectors_holds_up_no_swap(
    filled: DatabaseUrls, store: GenerationBuildRows, searched: Generation
) -> None:
    """Else a swap waits for the golden set, and fails after ten seconds."""
    with (
        closing(Database(filled.admin, "tests-judgement")) as database,
        golden_index(database, golden_lessons()[:1], WordModel("old", 24)) as index,
    ):
        assert index.creator_id
        with psycopg.connect(filled.admin) as connection:
            connection.execute("set local lock_timeout = '3s'")
            connection.execute(LOCK_GENERATIONS)
    assert generation_now(searched.id, store).status is GenerationStatus.ACTIVE


def test_another_model_takes_over_10000_chunks_and_no_search_notices(
    large: DatabaseUrls,
    store: GenerationBuildRows,
    own_catalogue: PostgresCatalogue,
) -> None:
    """Else a change of models is an outage, and a crash in it is paid for twice."""
    searched = swapped_in(OLD, store)
    with Searcher(own_catalogue) as searcher:
        with psycopg.connect(large.admin) as reader:
            # As the recall is measured, or an analyst reads.
            reader.execute("lock table chunk_embeddings in access share mode")
            building = store.begin_generation(NEW.model)
            third = store.begin_generation(HashModel("third", 8).model)
        child = subprocess.Popen(
            [sys.executable, "-c", HANGING_BUILD, large.admin, str(building.id), "40"],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with child:
            assert child.stdout is not None
            assert child.stdout.readline() == "hangs\n"
            child.send_signal(signal.SIGKILL)
        resumed = HashModel("new", 16)
        figures = build_generation(building.id, embedder=resumed, store=store)
        assert figures.embedded == len(resumed.paid) == (MANY - 40) * CHUNKS
        before = searcher.searches
        gate = swap_generation(
            generation_now(building.id, store),
            embedder=resumed,
            store=store,
            judge=unjudged,
        )
        assert gate.recall is not None
        assert gate.recall >= MIN_RECALL
        back = generation_now(searched.id, store)
        return_to_generation(back, embedder=OLD, store=store)
        swap_generation(
            generation_now(building.id, store),
            embedder=resumed,
            store=store,
            judge=unjudged,
        )
        drop_generation(third, store)
    assert searcher.faults == []
    assert searcher.searches > before > 0
    active = active_generation(store.generations())
    assert active is not None
    assert active.model == NEW.model
    assert active.is_indexed
    shown = "select count(*) from video_chunks where vector_dims(embedding) = 16"
    assert count_of(large, shown) == MANY * CHUNKS
    assert hits_of(own_catalogue, OLD)[0].similarity == pytest.approx(1, abs=1e-3)
