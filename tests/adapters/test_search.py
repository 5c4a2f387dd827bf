"""Search on a database with more vectors than it compares one by one."""

from dataclasses import replace
from uuid import UUID

import numpy as np
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.search.search import (
    explain_plan,
    find_passages,
)
from mentora_pipelines.adapters.postgres.search.vector_index import (
    create_index_statement,
)
from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel
from mentora_pipelines.domain.search import SearchHit, SearchRequest, SearchScope
from mentora_pipelines.errors import PermanentError
from mentora_pipelines.services import DatabaseUrls

MODEL = EmbeddingModel("tests", "four numbers", 4)
INDEX = "tests_vectors"


def uuid_of(number: int) -> UUID:
    """The id that the statements below make of a number."""
    return UUID(int=number)


BIG, SMALL, HIDDEN, GERMAN = (uuid_of(number) for number in (1, 2, 3, 4))
"""Creators: of 5,000 chunks, of 40 far from all others, of 300 that nobody may see,
and one who speaks German."""

CHUNKS = {BIG: 5_000, SMALL: 40, GERMAN: 2}
PER_VIDEO = 20

# A video per 20 chunks; numbers within a creator, ids by creator and number.
FILL = """
create function made(creator int, kind int, number int) returns uuid
    language sql immutable
    return (lpad(to_hex(creator), 8, '0') || '-0000-0000-000' || kind || '-'
        || lpad(to_hex(number), 12, '0'))::uuid;

create function fill(creator int, chunks int, published boolean, language text)
    returns void language sql as
$$
insert into creators (id, email)
values (lpad(to_hex(creator), 32, '0')::uuid, creator || '@tests.example');
insert into videos (id, creator_id, title, storage_key, upload_etag,
    published_transcript_id)
select made(creator, 1, n), lpad(to_hex(creator), 32, '0')::uuid, 'Lesson ' || n,
    creator || '/' || n, 'e', case when published then made(creator, 2, n) end
from generate_series(0, (chunks - 1) / 20) as n;
insert into transcripts (id, video_id, creator_id, source_hash, fingerprint, origin,
    language, duration_s, word_count, full_text, segments)
select made(creator, 2, n), made(creator, 1, n), lpad(to_hex(creator), 32, '0')::uuid,
    's', 'f', 'recognised', language, 1, 1, 'x', '[]'
from generate_series(0, (chunks - 1) / 20) as n;
insert into transcript_chunks (id, transcript_id, video_id, creator_id, chunk_index,
    chunk_text, text_hash, tsv, token_count, start_timestamp, end_timestamp)
select made(creator, 3, n), made(creator, 2, n / 20), made(creator, 1, n / 20),
    lpad(to_hex(creator), 32, '0')::uuid, n % 20, words.text,
    -- Every seventh text is said twice in its video.
    case when n % 7 = 1 and n % 20 > 0 then 'h' || (n - 1) else 'h' || n end,
    to_tsvector(search_configuration(language), words.text), 1, n % 20 * 10,
    n % 20 * 10 + 10
from generate_series(0, chunks - 1) as n
cross join lateral (
    select 'part ' || n || ' about ' || case n % 3 when 0 then 'plants' else 'rocks' end
) as words (text)
$$
"""

VECTORS = """
insert into chunk_embeddings (
    generation_id, video_id, text_hash, creator_id, embedding)
select distinct on (video_id, text_hash)
    %(generation)s, video_id, text_hash, creator_id, case creator_id
        when %(small)s then array[-1, 0.01 * chunk_index, 0, 0.001]
        -- Nobody may see what is nearest to a question along the first axis.
        when %(hidden)s then array[1, 0.0001 * chunk_index, 0, 0]
        else array[
            1 + sin(n), 0.2 + cos(3 * n), sin(7 * n + 1), cos(11 * n)]
    end::vector
from transcript_chunks
cross join lateral (select (('x' || right(id::text, 6))::bit(24)::int)::float8) as c (n)
"""

WORDS = """
update transcript_chunks
set chunk_text = %(text)s,
    tsv = to_tsvector(search_configuration(%(language)s), %(text)s)
where id = made(%(creator)s, 3, %(place)s)
"""


NEAREST = """
select 1 - min(vector_row.embedding <=> %(vector)s)
from chunk_embeddings as vector_row
join videos as video on video.id = vector_row.video_id
where video.published_transcript_id is not null
  and vector_row.generation_id = %(generation)s
"""

SECOND_MODEL = """
insert into embedding_generations (
    id, provider, model, dimensions, status, activated_at)
values (%(id)s, 'tests', 'four others', 4, 'retired', now())
"""

TOO_MANY_CANDIDATES = """
create or replace function search_candidates(vectors double precision)
    returns integer language sql immutable parallel safe return 1001
"""

PUMP = "Error code E4711 means the pump is blocked"
POT = "It's a melting pot, said O'Neill \\ and left"


@pytest.fixture(scope="module")
def catalogue(own_urls: DatabaseUrls, own_database: Database) -> PostgresCatalogue:
    """The catalogue of that database, with an index of 5,300 vectors."""
    made = PostgresCatalogue(own_database, own_urls.admin)
    generation = made.writable_generation(MODEL)
    with psycopg.connect(own_urls.admin) as connection:
        connection.execute(FILL)
        for creator, chunks in CHUNKS.items():
            language = "de" if creator == GERMAN else "en"
            fill = "select fill(%s, %s, true, %s)"
            connection.execute(fill, [creator.int, chunks, language])
        connection.execute("select fill(%s, 300, false, 'en')", [HIDDEN.int])
        connection.execute(
            VECTORS, {"generation": generation, "small": SMALL, "hidden": HIDDEN}
        )
        for creator, place, language, text in (
            (SMALL, 5, "en", "The melting of glaciers raises the sea"),
            (SMALL, 6, "en", PUMP),
            (SMALL, 7, "en", POT),
            (GERMAN, 0, "de", "Die Häuser der alten Städte waren aus Holz"),
        ):
            words = {"creator": creator.int, "place": place, "language": language}
            connection.execute(WORDS, {**words, "text": text})
        connection.execute(
            create_index_statement(
                generation, MODEL.dimensions, INDEX, concurrently=False
            )
        )
    with psycopg.connect(own_urls.admin, autocommit=True) as connection:
        connection.execute("vacuum analyze")
    return made


def ask(
    vector: list[float] | None = None,
    text: str | None = None,
    *,
    creator: UUID | None = None,
    video: UUID | None = None,
    limit: int = 5,
) -> SearchRequest:
    """A question to that database."""
    return SearchRequest(
        vector=None if vector is None else np.array(vector, dtype=np.float32),
        text=text,
        scope=SearchScope(creator_id=creator, video_id=video),
        limit=limit,
        generation_id=MODEL.generation_id,
    )


def video_of(creator: UUID, number: int) -> UUID:
    """A creator's video."""
    return UUID(f"{creator.int:08x}-0000-0000-0001-{number:012x}")


def texts(hits: list[SearchHit]) -> list[str]:
    """What the hits say."""
    return [hit.text for hit in hits]


COUNT = """
select coalesce(sum(chunk_count), 0), count(*), count(*) filter (where score is null)
from match_video_chunks(%(vector)s::vector, %(limit)s, %(video)s, %(creator)s, %(text)s)
"""

EXISTING = """
select count(*)
from transcript_chunks as chunk
join videos as video on video.published_transcript_id = chunk.transcript_id
where (%(creator)s::uuid is null or chunk.creator_id = %(creator)s)
  and (%(video)s::uuid is null or chunk.video_id = %(video)s)
  and (%(text)s::text is null or chunk.tsv @@ websearch_to_tsquery('english', %(text)s))
"""

DIRECTIONS = st.sampled_from([-1.0, -0.5, 0.01, 0.3, 1.0])


@settings(max_examples=60)
@given(
    vector=st.tuples(DIRECTIONS, DIRECTIONS, DIRECTIONS, DIRECTIONS).map(list)
    | st.just([1.0, 0.0, 0.0, 0.0]),
    scope=st.sampled_from(
        [
            (None, None),
            (BIG, None),
            (SMALL, None),
            (HIDDEN, None),
            (GERMAN, None),
            (None, video_of(BIG, 3)),
            (None, video_of(HIDDEN, 0)),
            (None, video_of(SMALL, 1)),
        ]
    ),
    text=st.sampled_from(
        [None, '"about plants"', '"E4711"', "-rocks", '"no such thing"']
    ),
    limit=st.sampled_from([1, 5, 30, 100]),
)
def test_no_filter_makes_a_search_return_fewer_than_there_are(
    own_urls: DatabaseUrls,
    catalogue: PostgresCatalogue,
    vector: list[float],
    scope: tuple[UUID | None, UUID | None],
    text: str | None,
    limit: int,
) -> None:
    """Else a student is told that a lesson says nothing about what it explains."""
    assert catalogue
    creator, video = scope
    with psycopg.connect(own_urls.admin) as connection:
        parameters = {"creator": creator, "video": video, "text": text}
        existing = connection.execute(EXISTING, parameters).fetchone()
        found = connection.execute(
            COUNT, {**parameters, "vector": str(vector), "limit": limit}
        ).fetchone()
    assert existing is not None
    assert found is not None
    shown, passages, without_score = found
    assert without_score == 0
    assert shown <= existing[0]
    assert passages == limit or shown == existing[0]


def test_a_small_scope_is_compared_row_by_row(catalogue: PostgresCatalogue) -> None:
    """Else the index of all is walked for a few rows, and most of them are missed."""
    for request, name in (
        (ask([1, 0, 0, 0], creator=SMALL), "creator_exact"),
        (ask([1, 0, 0, 0], creator=GERMAN), "creator_exact"),
        (ask([1, 0, 0, 0], video=video_of(BIG, 3)), "video_exact"),
    ):
        plan = catalogue.search_plan(request)
        assert plan.name == name
        assert plan.reason
        steps = "\n".join(plan.steps)
        assert "Index" in steps
        assert INDEX not in steps
        assert "Seq Scan on chunk_embeddings" not in steps


def test_a_large_scope_is_found_by_index(catalogue: PostgresCatalogue) -> None:
    """Else each question across the platform compares every vector there is."""
    for request, name in (
        (ask([1, 0, 0, 0]), "platform_index"),
        (ask([1, 0, 0, 0], creator=BIG), "creator_index"),
    ):
        plan = catalogue.search_plan(request)
        assert plan.name == name
        assert "index" in plan.reason
        assert f"Index Scan using {INDEX}" in "\n".join(plan.steps)


def test_without_an_index_or_a_generation_there_is_a_plan(
    own_database: Database, catalogue: PostgresCatalogue
) -> None:
    """Else nothing is found before the first index, or after a model was retired."""
    request = ask([1, 0, 0, 0], limit=3)
    with (
        own_database.transaction() as connection,
        connection.transaction(force_rollback=True),
    ):
        connection.execute(sql.SQL("drop index {}").format(sql.Identifier(INDEX)))
        assert explain_plan(connection, request).name == "platform_exact"
        nearest = connection.execute(
            NEAREST, {"vector": request.vector, "generation": MODEL.generation_id}
        ).fetchone()
        assert nearest is not None
        found = find_passages(connection, request)
        assert len(found) == 3
        assert found[0].similarity == pytest.approx(nearest[0])
    gone = replace(request, generation_id=uuid_of(99))
    assert catalogue.search_plan(gone).name == "none"
    assert catalogue.search(gone) == []
    assert texts(catalogue.search(replace(gone, text="E4711"))) == [PUMP]


def test_the_settings_of_the_caller_stay(
    own_database: Database, catalogue: PostgresCatalogue
) -> None:
    """Else a search changes how the next statement of its transaction is run."""
    assert catalogue
    shown = """
    select current_setting('hnsw.ef_search'), current_setting('hnsw.iterative_scan')
    """
    with own_database.transaction() as connection:
        connection.execute("set local hnsw.ef_search = 77")
        find_passages(connection, ask([1, 0, 0, 0]))
        assert connection.execute(shown).fetchone() == ("77", "off")


def test_a_model_of_other_dimensions_finds_nothing_and_breaks_nothing(
    catalogue: PostgresCatalogue,
) -> None:
    """Else searches err from the moment that another model is active."""
    other = replace(ask([1, 0, 0]), generation_id=None)
    assert catalogue.search_plan(other).name == "none"
    assert catalogue.search(other) == []
    ours = replace(ask([1, 0, 0, 0]), generation_id=None)
    assert catalogue.search(ours) == catalogue.search(ask([1, 0, 0, 0]))


def test_who_does_not_name_one_of_two_models_is_not_answered_by_a_guess(
    own_database: Database, catalogue: PostgresCatalogue
) -> None:
    """Else one model's question is compared with another's vectors, which is noise."""
    nameless = replace(ask([1, 0, 0, 0]), generation_id=None)
    with (
        own_database.transaction() as connection,
        connection.transaction(force_rollback=True),
    ):
        connection.execute(SECOND_MODEL, {"id": uuid_of(98)})
        assert texts(find_passages(connection, replace(nameless, text="E4711"))) == [
            PUMP
        ]
        assert "generation_id" in explain_plan(connection, nameless).reason
        named = find_passages(connection, ask([1, 0, 0, 0]))
        assert named == catalogue.search(ask([1, 0, 0, 0]))
        with (
            pytest.raises(psycopg.errors.InvalidParameterValue, match="generation_id"),
            connection.transaction(),
        ):
            find_passages(connection, nameless)


def test_an_index_is_walked_with_the_candidates_that_its_size_wants(
    own_database: Database, catalogue: PostgresCatalogue
) -> None:
    """Else a million vectors are searched like a few, and every thirtieth is missed."""
    assert catalogue
    with (
        own_database.transaction() as connection,
        connection.transaction(force_rollback=True),
    ):
        connection.execute(TOO_MANY_CANDIDATES)
        find_passages(connection, ask([1, 0, 0, 0], creator=SMALL))
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="1001"):
            find_passages(connection, ask([1, 0, 0, 0]))


@pytest.mark.parametrize(
    "request_",
    [ask(), ask(text="  "), ask([1, 0, 0, 0], limit=0), ask([1, 0, 0, 0], limit=101)],
)
def test_what_cannot_be_searched_is_refused(
    catalogue: PostgresCatalogue, request_: SearchRequest
) -> None:
    """Else a mistake of the web application looks like a lesson without answers."""
    with pytest.raises(PermanentError, match="22023"):
        catalogue.search(request_)


def test_neighbours_that_answer_together_are_one_passage(
    catalogue: PostgresCatalogue,
) -> None:
    """Else an answer over the border of two chunks is shown as two halves."""
    # The vectors of this creator lie in the order of their chunks.
    found = catalogue.search(ask([-1, 0, 0, 0], video=video_of(SMALL, 1), limit=3))
    assert [(hit.start_s, hit.end_s) for hit in found] == [(0, 20), (20, 30), (30, 40)]
    assert found[0].text == "part 20 about rocks part 21 about plants"
    assert found[0].vector_rank == 1
    alone = catalogue.search(ask([-1, 0, 0, 0], video=video_of(SMALL, 1), limit=1))
    assert [(hit.start_s, hit.end_s) for hit in alone] == [(0, 10)]


def test_scores_say_what_each_side_found(catalogue: PostgresCatalogue) -> None:
    """Else nobody can tell why a moment is shown."""
    (both,) = catalogue.search(
        ask([-1, 0.055, 0, 0], "pump E4711", creator=SMALL, limit=1)
    )
    assert (both.text, both.title) == (PUMP, "Lesson 0")
    assert both.score == pytest.approx(1, abs=0.05)
    assert (both.text_rank, both.text_share) == (1, 1)
    assert both.highlights == ("E4711", "pump")
    (words,) = catalogue.search(ask(None, "blocked, E4711 or not?"))
    assert (words.text, words.similarity, words.vector_rank) == (PUMP, None, None)
    assert words.score == 1
    (meaning,) = catalogue.search(ask([-1, 0.0, 0, 0], creator=SMALL, limit=1))
    assert meaning.score == 1
    assert meaning.similarity == pytest.approx(1, abs=1e-5)
    assert (meaning.text_rank, meaning.highlights) == (None, ())


def test_words_are_read_in_the_language_that_is_spoken(
    catalogue: PostgresCatalogue,
) -> None:
    """Else plurals and cases are other words, and small words drown the rest."""
    found = catalogue.search(ask(None, "Wo stand das Haus in der Stadt?"))
    assert texts(found) == ["Die Häuser der alten Städte waren aus Holz"]
    assert found[0].highlights == ("Häuser", "Städte")
    english = catalogue.search(ask(None, "is the glacier melted?"))
    assert english[0].text == "The melting of glaciers raises the sea"
    assert catalogue.search(ask(None, "the of and is")) == []


def test_a_phrase_must_be_said_and_a_refused_word_must_not(
    catalogue: PostgresCatalogue,
) -> None:
    """Else who asks for exact words gets what sounds like them."""
    both = ask([-1, 0, 0, 0], "melting", creator=SMALL, limit=40)
    assert len(texts(catalogue.search(both))) > 2
    phrase = replace(both, text='"melting pot"')
    assert texts(catalogue.search(phrase)) == [POT]
    refused = catalogue.search(replace(both, text="melting -glaciers"))
    assert POT in " ".join(texts(refused))
    assert "glaciers" not in " ".join(texts(refused))
    # Both in quotation marks.
    pump = replace(both, text='-"melting pot" "pump is blocked"')
    assert texts(catalogue.search(pump)) == [PUMP]


def test_a_video_is_searched_for_its_own_creator_alone(
    catalogue: PostgresCatalogue,
) -> None:
    """Else a service that names both shows a creator what another one teaches."""
    of_big = ask([1, 0, 0, 0], "plants", video=video_of(BIG, 3))
    assert catalogue.search(of_big)
    for creator, is_theirs in ((BIG, True), (SMALL, False)):
        scope = SearchScope(creator_id=creator, video_id=video_of(BIG, 3))
        assert bool(catalogue.search(replace(of_big, scope=scope))) is is_theirs


@pytest.mark.parametrize(
    "text",
    ["O'Neill \\", "'", '"', '""', "-", "a & | ! ( :* <->", "\\'", "-- ;", "\x01"],
)
def test_no_sign_in_a_question_is_read_as_syntax(
    catalogue: PostgresCatalogue, text: str
) -> None:
    """Else a student's quotation mark is an error, or a way into the database."""
    found = catalogue.search(ask([-1, 0.07, 0, 0], text, creator=SMALL))
    assert len(found) == 5 or text == "O'Neill \\"
    assert POT in " ".join(texts(found))


def test_the_app_role_searches_its_creator_alone(
    own_urls: DatabaseUrls, catalogue: PostgresCatalogue
) -> None:
    """Else the web application shows a creator's lessons to another's students."""
    app = Database(own_urls.app, "tests-search-app")
    anywhere = ask([1, 0, 0, 0], "plants", limit=10)
    try:
        for creator in (SMALL, BIG, HIDDEN):
            within = replace(anywhere, scope=SearchScope(creator_id=creator))
            with app.transaction(creator) as connection:
                seen = find_passages(connection, anywhere)
                assert find_passages(connection, within) == seen
            assert catalogue.search(within) == seen
            assert bool(seen) == (creator != HIDDEN)
        with app.transaction(SMALL) as connection:
            for scope in (SearchScope(BIG), SearchScope(None, video_of(BIG, 1))):
                assert find_passages(connection, replace(anywhere, scope=scope)) == []
        with app.transaction() as connection:
            assert find_passages(connection, anywhere) == []
    finally:
        app.close()
