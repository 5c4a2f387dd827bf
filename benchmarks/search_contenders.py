"""The ways to search that `benchmarks.vector_search` compares."""

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import psycopg
from pgvector.psycopg import register_vector

from benchmarks.vector_population import DIMENSIONS, words_beside

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PROJECT = Path(__file__).parents[1]
WANTED = 10
CLIENTS = 2


@dataclass(frozen=True)
class Scope:
    """Where to look: the rows whose `column` is `id`, or all of them."""

    name: str
    column: str | None
    id: UUID | None


Answers = tuple[list[list[int]], list[float]]
"""For each question the numbers of the chunks found, and the milliseconds."""

Connection = psycopg.Connection[tuple[object, ...]]
Statement = Callable[[Connection, Scope], str]


class Contender(Protocol):
    """One way to search, with as many clients as ask at once."""

    name: str

    def search(
        self, client: int, questions: "NDArray[np.float32]", scope: Scope
    ) -> Answers:
        """Ask each question."""
        ...

    def close(self) -> None:
        """End its clients."""
        ...


class Sql:
    """A prepared statement."""

    def __init__(
        self, name: str, url: str, settings: Sequence[str], statement: Statement
    ) -> None:
        self.name = name
        self._statement = statement
        self._connections = [
            psycopg.connect(url, autocommit=True) for _ in range(CLIENTS)
        ]
        for connection in self._connections:
            register_vector(connection)
            connection.execute("select '[1]'::vector")
            for setting in settings:
                connection.execute(setting.encode())

    def search(
        self, client: int, questions: "NDArray[np.float32]", scope: Scope
    ) -> Answers:
        """Ask each question."""
        connection = self._connections[client]
        statement = self._statement(connection, scope).encode()
        ids, milliseconds = [], []
        for question in questions:
            parameters = {
                "question": question,
                "scope": scope.id,
                "words": words_beside(question),
            }
            started = time.perf_counter()
            rows = connection.execute(
                statement, parameters, prepare=True, binary=True
            ).fetchall()
            milliseconds.append((time.perf_counter() - started) * 1000)
            ids.append([number_of(row[0]) for row in rows])
        return ids, milliseconds

    def close(self) -> None:
        """End the connections."""
        for connection in self._connections:
            connection.close()


def number_of(name: object) -> int:
    """The number of a chunk: as it stands, as an id, or as the hash of its text."""
    if isinstance(name, UUID):
        return name.int
    return name if isinstance(name, int) else int(str(name), 16)


def plain_statement(table: str) -> Statement:
    """The ten nearest of a table of the specification's columns."""

    def statement(_: Connection, scope: Scope) -> str:
        where = f"where {scope.column} = %(scope)s" if scope.column else ""
        # Names of ours and numbers: nothing that a stranger wrote.
        return f"""
        select n from {table} {where} order by embedding <=> %(question)s limit {WANTED}
        """  # noqa: S608

    return statement


def our_statement(
    generation: UUID, plan: str | None = None, candidates: int | None = None
) -> Statement:
    """The statement of `plan`, or of the plan that the scope gets.

    With so many candidates of the index, or as many as the plan says.
    """

    def statement(connection: Connection, scope: Scope) -> str:
        row = connection.execute(
            """
            select
                search_statement(coalesce(%(forced)s, plan), generation, dimensions),
                set_config(
                    'hnsw.ef_search',
                    coalesce(%(candidates)s, candidates, 100)::text, false),
                set_config('hnsw.iterative_scan', 'relaxed_order', false),
                set_config('enable_sort', 'off', false)
            from search_plan(
                array_fill(1, array[384])::vector, %(video)s, %(creator)s,
                %(generation)s)
            """,
            {
                "forced": plan,
                "candidates": candidates,
                "video": scope.id if scope.column == "video_id" else None,
                "creator": scope.id if scope.column == "creator_id" else None,
                "generation": generation,
            },
        ).fetchone()
        assert row is not None
        text = str(row[0])
        asked = ("%(question)s", "%(scope)s::uuid", str(3 * WANTED))
        for number, value in enumerate(asked, 1):
            text = text.replace(f"${number}", value)
        return f"""
        select text_hash from ({text}) as near order by distance limit {WANTED}
        """  # noqa: S608

    return statement


def our_whole_call(*, with_words: bool = False, as_app: bool = False) -> Statement:
    """The function that everybody calls; `as_app` under row-level security."""

    def statement(connection: Connection, scope: Scope) -> str:
        if as_app:
            connection.execute(
                "select set_config('app.creator_id', %s, false)", [str(scope.id)]
            )
        named = f", {scope.column} => %(scope)s" if scope.column else ""
        if with_words:
            named += ", query_text => %(words)s"
        call = f"match_video_chunks(%(question)s, {WANTED}{named})"
        return f"select id from {call}"  # noqa: S608  (the same)

    return statement


class Library:
    """A library's own queries, each client a process of its own."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self._clients = [self._start(url, "fill")]
        told = self._read(0)
        self.built = f"{told['build_s']:6.1f} s {told['index_bytes'] / 1e6:8.1f} MB"
        for client in range(1, CLIENTS):
            self._clients.append(self._start(url, "attach"))
            self._read(client)

    def search(
        self, client: int, questions: "NDArray[np.float32]", scope: Scope
    ) -> Answers:
        """Ask each question."""
        asked = {
            "vectors": questions.tolist(),
            "filter": {scope.column: str(scope.id)} if scope.column else {},
            "k": WANTED,
        }
        stdin = self._clients[client].stdin
        assert stdin is not None
        stdin.write(json.dumps(asked) + "\n")
        stdin.flush()
        told = self._read(client)
        return told["ids"], told["ms"]

    def close(self) -> None:
        """End the processes."""
        for process in self._clients:
            process.communicate()

    def _start(self, url: str, mode: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [
                PROJECT / ".venv-peers/bin/python",
                PROJECT / "benchmarks/peer_vector_search.py",
                self.name,
                url,
                str(DIMENSIONS),
                mode,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _read(self, client: int) -> dict[str, Any]:
        process = self._clients[client]
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} failed: {process.wait()}")
        told: dict[str, Any] = json.loads(line)
        return told
