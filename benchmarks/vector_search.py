"""Searching vectors by scope: our plans against the ways others search.

`python -m benchmarks.vector_search [ROWS [QUESTIONS [--without-libraries]]]` (100,000
and 200 by default; a million without the libraries): vectors of 384 dimensions in
overlapping clusters, ten hits a question, statements prepared. Every way to search in
turn on one embedded PostgreSQL:

- ours: the statement that `search_plan` chooses, which names the nearest vectors;
- ours, whole: `match_video_chunks`, what is published of them, and passages;
- ours, with words: the same joined with six words, whose frequencies are a language's
  (its recall is against vectors alone, which it does not mean to repeat);
- the web application: that as its role, under row-level security, within a creator;
- specified: ivfflat, lists = 100, one probe, built on the data (the specification
  builds it on the empty table, which finds less), and an index on the video;
- HNSW: m 16, ef_construction 64, ef_search 100, the filter applied to what it yields;
- HNSW iterative: the same with relaxed_order, which goes on until there are ten;
- LangChain PGVector, LlamaIndex PGVectorStore: their queries, each with an HNSW index.

Prints recall@10, p50 and p95 in milliseconds, questions a second of two clients, bytes
and seconds of each index, ours and plain HNSW at equal ef_search, and where the index
begins to win within a creator.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg

from benchmarks.scratch_database import ScratchDatabase, scratch_database
from benchmarks.search_contenders import (
    WANTED,
    Contender,
    Library,
    Scope,
    Sql,
    our_statement,
    our_whole_call,
    plain_statement,
)
from benchmarks.vector_population import Population, populate, uuid_of
from mentora_pipelines.adapters.postgres.search.vector_index import (
    create_index_statement,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TURNS = 4
SLOW_QUESTIONS = 40
"""Of a scope in which some way takes tens of milliseconds."""

ITERATIVE = ("set hnsw.ef_search = 100", "set hnsw.iterative_scan = relaxed_order")

INDEXES = {
    "specified": """
        create table specified as table plain;
        create index specified_vectors on specified
            using ivfflat (embedding vector_cosine_ops) with (lists = 100);
        create index on specified (video_id);
        analyze specified
    """,
    "HNSW": """
        create index plain_vectors on plain
            using hnsw (embedding vector_cosine_ops) with (m = 16, ef_construction = 64)
    """,
}
INDEX_NAMES = {"specified": "specified_vectors", "HNSW": "plain_vectors"}


@dataclass(frozen=True)
class Figures:
    """Of one way to search in one scope."""

    recall: float
    p50_ms: float
    p95_ms: float


def build(database: ScratchDatabase, population: Population) -> dict[str, str]:
    """Build the indexes one after the other; seconds and bytes of each."""
    told = {}
    ours = create_index_statement(
        population.generation, 384, "our_vectors", concurrently=False
    )
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        started = time.perf_counter()
        connection.execute(ours)
        told["ours"] = index_figures(connection, "our_vectors", started)
        for name, statements in INDEXES.items():
            for statement in statements.split(";"):
                if "using" in statement:
                    started = time.perf_counter()
                connection.execute(statement.encode())
                if "using" in statement:
                    told[name] = index_figures(connection, INDEX_NAMES[name], started)
    return told


def index_figures(
    connection: psycopg.Connection[tuple[object, ...]], name: str, started: float
) -> str:
    """Seconds since `started`, and the size."""
    seconds = time.perf_counter() - started
    row = connection.execute("select pg_relation_size(%s::regclass)", [name]).fetchone()
    assert row is not None
    return f"{seconds:6.1f} s {int(str(row[0])) / 1e6:8.1f} MB"


def measure(
    contenders: Sequence[Contender],
    scope: Scope,
    questions: "NDArray[np.float32]",
    truth: Sequence[set[int]],
) -> dict[str, Figures]:
    """Ask every question in every way, a quarter of them at a time in turn.

    Each quarter is asked twice, and the second time counts.
    """
    import numpy as np

    found: dict[str, list[list[int]]] = {c.name: [] for c in contenders}
    times: dict[str, list[float]] = {c.name: [] for c in contenders}
    for part in np.array_split(np.arange(len(questions)), TURNS):
        for contender in contenders:
            # What the one before read has pushed this one's pages out.
            contender.search(0, questions[part], scope)
            ids, milliseconds = contender.search(0, questions[part], scope)
            found[contender.name] += ids
            times[contender.name] += milliseconds
    return {
        name: Figures(
            float(
                np.mean(
                    [
                        len(right & set(ids)) / max(1, len(right))
                        for right, ids in zip(truth, answers, strict=True)
                    ]
                )
            ),
            float(np.percentile(times[name], 50)),
            float(np.percentile(times[name], 95)),
        )
        for name, answers in found.items()
    }


def per_second(contender: Contender, questions: "NDArray[np.float32]") -> float:
    """Questions a second across the platform, asked by two clients at once."""
    everywhere = Scope("platform", None, None)
    halves = (questions[::2], questions[1::2])
    with ThreadPoolExecutor(2) as threads:
        for client in (0, 1):
            contender.search(client, questions[:1], everywhere)
        started = time.perf_counter()
        list(threads.map(contender.search, (0, 1), halves, (everywhere, everywhere)))
        return len(questions) / (time.perf_counter() - started)


def print_scope(scope: Scope, rows: int, figures: dict[str, Figures]) -> None:
    """One line for each way."""
    print(f"\n{scope.name}, {rows} chunks: recall@10, p50 ms, p95 ms, p50 to ours")
    ours = figures["ours"].p50_ms
    for name, of in figures.items():
        print(
            f"  {name:19} {of.recall:6.3f} {of.p50_ms:8.2f} {of.p95_ms:8.2f} "
            f"{of.p50_ms / ours:7.1f}x"
        )


def equal_recall(
    database: ScratchDatabase,
    population: Population,
    questions: "NDArray[np.float32]",
    truth: Sequence[set[int]],
) -> None:
    """Ours beside plain HNSW, both with more and more candidates."""
    ways: list[Contender] = []
    candidates = (40, 60, 100, 160, 250, 400)
    for ef in candidates:
        setting = (f"set hnsw.ef_search = {ef}",)
        ours = our_statement(population.generation, candidates=ef)
        ways += [
            Sql(f"ours {ef}", database.admin_url, (), ours),
            Sql(f"HNSW {ef}", database.admin_url, setting, plain_statement("plain")),
        ]
    figures = measure(ways, Scope("platform", None, None), questions, truth)
    print("\nby ef_search: recall@10 and p50 ms of ours, of HNSW, ours to it")
    for ef in candidates:
        our, plain = figures[f"ours {ef}"], figures[f"HNSW {ef}"]
        print(
            f"  {ef:4} {our.recall:6.3f} {our.p50_ms:6.2f} {plain.recall:8.3f} "
            f"{plain.p50_ms:6.2f} {our.p50_ms / plain.p50_ms:7.2f}x"
        )
    for way in ways:
        way.close()


def crossover(
    database: ScratchDatabase,
    population: Population,
    questions: "NDArray[np.float32]",
) -> None:
    """Both plans of a creator, by how many chunks the creator has."""
    import numpy as np

    ways = [
        Sql(plan, database.admin_url, (), our_statement(population.generation, plan))
        for plan in ("creator_exact", "creator_index")
    ]
    print("\nwithin a creator: chunks, exact p50 ms, index p50 ms, its recall@10, plan")
    for creator in np.unique(population.creators):
        rows = np.flatnonzero(population.creators == creator)
        scope = Scope("creator", "creator_id", uuid_of(creator))
        truth = population.nearest(questions, rows, WANTED)
        exact, index = measure(ways, scope, questions, truth).values()
        plan = chosen_plan(database, scope)
        print(
            f"  {len(rows):8} {exact.p50_ms:8.2f} {index.p50_ms:8.2f} "
            f"{index.recall:8.3f}  {plan}"
        )


def chosen_plan(database: ScratchDatabase, scope: Scope) -> str:
    """The plan that a search in this scope takes."""
    with psycopg.connect(database.admin_url) as connection:
        row = connection.execute(
            "select plan from search_plan(array_fill(1, array[384])::vector, %s, %s)",
            [
                scope.id if scope.column == "video_id" else None,
                scope.id if scope.column == "creator_id" else None,
            ],
        ).fetchone()
    assert row is not None
    return str(row[0])


def scopes_of(population: Population) -> list[tuple[Scope, "NDArray[np.int64]"]]:
    """A video, two creators and the platform, with their rows."""
    import numpy as np

    every = np.arange(len(population.vectors))
    video = population.videos[len(every) // 2]
    sizes = {c: int((population.creators == c).sum()) for c in set(population.creators)}
    by_size = sorted(sizes, key=lambda creator: sizes[creator])
    few, many = by_size[2], by_size[-1]

    def id_of(number: int) -> UUID:
        return uuid_of(number)

    return [
        (Scope("video", "video_id", id_of(video)), every[population.videos == video]),
        (Scope("creator", "creator_id", id_of(few)), every[population.creators == few]),
        (
            Scope("large creator", "creator_id", id_of(many)),
            every[population.creators == many],
        ),
        (Scope("platform", None, None), every),
    ]


def main(rows: int, count: int, *, libraries: bool) -> None:
    """Fill, build, ask and print."""
    with (
        tempfile.TemporaryDirectory() as folder,
        scratch_database(Path(folder) / "server") as database,
    ):
        started = time.perf_counter()
        population = populate(database, rows)
        print(f"{rows} vectors, filled in {time.perf_counter() - started:.0f} s")
        built = build(database, population)
        url = database.admin_url
        contenders: list[Contender] = [
            Sql("ours", url, (), our_statement(population.generation)),
            Sql("ours, whole", url, (), our_whole_call()),
            Sql("ours, with words", url, (), our_whole_call(with_words=True)),
            Sql("specified", url, (), plain_statement("specified")),
            Sql("HNSW", url, ("set hnsw.ef_search = 100",), plain_statement("plain")),
            Sql("HNSW iterative", url, ITERATIVE, plain_statement("plain")),
        ]
        peers = [
            Library(name, url) for name in ("langchain", "llamaindex") if libraries
        ]
        contenders += peers
        of_web = our_whole_call(with_words=True, as_app=True)
        web = Sql("the web application", database.app_url, (), of_web)
        built |= {peer.name: peer.built for peer in peers}
        print("\nindex: seconds to build, size")
        for name, told in built.items():
            print(f"  {name:16} {told}")
        questions = population.questions(count)
        for scope, within in scopes_of(population):
            asked = questions if scope.column is None else questions[:SLOW_QUESTIONS]
            truth = population.nearest(asked, within, WANTED)
            ways = [*contenders, web] if scope.column == "creator_id" else contenders
            figures = measure(ways, scope, asked, truth)
            plan = chosen_plan(database, scope)
            print_scope(
                Scope(f"{scope.name} ({plan})", None, None), len(within), figures
            )
        equal_recall(database, population, questions, truth)
        crossover(database, population, questions[:SLOW_QUESTIONS])
        print("\nquestions a second of two clients, across the platform")
        for contender in contenders:
            print(f"  {contender.name:16} {per_second(contender, questions):8.0f}")
        for contender in (*contenders, web):
            contender.close()


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    main(
        numbers[0] if numbers else 100_000,
        numbers[1] if len(numbers) > 1 else 200,
        libraries="--without-libraries" not in sys.argv,
    )
