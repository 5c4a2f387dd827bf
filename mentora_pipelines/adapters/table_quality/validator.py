"""Great Expectations on PostgreSQL: the server counts, no row is fetched.

Here belong its context, its connection and the reading of its results. Not here: what
is expected (`expectations`), of which columns (`statements`), or HTML (`pages`).

Importing the library takes eight to ten seconds of CPU and 200 MB, so this module does
so when it is first asked.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, LiteralString, NoReturn

from psycopg import sql

from mentora_pipelines.adapters.postgres.database import (
    LOCK_TIMEOUT_MS,
    STATEMENT_TIMEOUT_MS,
    Database,
    Rows,
)
from mentora_pipelines.adapters.table_quality.expectations import (
    EXPECTATIONS,
    Expectation,
)
from mentora_pipelines.adapters.table_quality.pages import quality_page
from mentora_pipelines.adapters.table_quality.statements import (
    OF_LESSONS,
    left_out,
    statement,
)
from mentora_pipelines.domain.analytics.daily_metrics import DayRange
from mentora_pipelines.domain.analytics.table_quality import (
    MAX_LESSONS,
    Finding,
    QualityTable,
    Severity,
    TableQuality,
)
from mentora_pipelines.errors import TransientError

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuite
    from great_expectations.core.expectation_validation_result import (
        ExpectationSuiteValidationResult,
    )
    from great_expectations.datasource.fluent.interfaces import Batch
    from great_expectations.datasource.fluent.postgres_datasource import (
        PostgresDatasource,
    )
    from sqlalchemy import Connection

MAX_EXAMPLES = 5

RESULT_FORMAT: dict[str, object] = {
    "result_format": "BASIC",
    # Asks for no row: all expectations of a table are then one statement, and neither
    # a page nor a log can hold what somebody said.
    "partial_unexpected_count": 0,
}

SEVERITIES = {Severity.ERROR: "critical", Severity.WARN: "warning"}

SET_UP: tuple[LiteralString, ...] = (
    "set transaction read only",
    "set local timezone to 'UTC'",
    "set local statement_timeout to {statement_timeout}",
    "set local lock_timeout to {lock_timeout}",
)
"""Said in each transaction, as in `Database`: a pooler keeps nothing."""

EXAMPLES = sql.SQL("""
select row_key from ({statement}) as looked_at where not ({condition}) limit {most}
""")

SELECT: LiteralString = "select * from ({}) as looked_at"
"""A query must begin so, says the library, and some of ours begin with `with`."""

EXPLAIN = sql.SQL("explain {statement}")


class GreatExpectationsValidator(Rows):
    """Satisfies `TableValidator`, as the admin role.

    The library is given the name of a variable instead of `url`; the value is held by
    a context in memory, whose configuration is written nowhere.
    """

    def __init__(
        self,
        database: Database,
        url: str,
        *,
        look_back_days: int,
        max_lessons: int = MAX_LESSONS,
    ) -> None:
        super().__init__(database)
        self._url = url
        self._look_back_days = look_back_days
        self._max_lessons = max_lessons

    def validate(self, table: QualityTable, days: DayRange) -> TableQuality:
        """What is found in the rows of `days`, and of the slice of its last one."""
        expectations = EXPECTATIONS[table]
        query = statement(
            table,
            days,
            look_back_days=self._look_back_days,
            max_lessons=self._max_lessons,
        )
        with _batch(self._url, table, query) as batch:
            # None: the server was away before anything was asked.
            result = None if batch is None else _tried(batch, table, expectations)
        if result is None or any(_was_not_tried(one) for one in result.results):
            self._raise_the_reason(query)
        findings = tuple(
            self._finding(expectation, query, one.success, one.result)
            for expectation, one in _by_expectation(expectations, result)
        )
        return TableQuality(
            table,
            days,
            findings,
            quality_page(result, table, days, findings),
            self._left_out(days) if table in OF_LESSONS else 0,
        )

    def _left_out(self, days: DayRange) -> int:
        """How many lessons there was no room for."""
        with self._database.transaction() as connection:
            row = connection.execute(left_out(days, self._max_lessons)).fetchone()
        return 0 if row is None else int(row[0])

    def _finding(
        self,
        expectation: Expectation,
        query: str,
        success: object,
        counted: Mapping[str, Any],
    ) -> Finding:
        # None when there is no row.
        broken = int(counted["unexpected_count"] or 0)
        return Finding(
            expectation.sentence,
            expectation.severity,
            bool(success),
            int(counted["element_count"]),
            broken,
            self._examples(expectation, query) if broken else (),
        )

    def _examples(self, expectation: Expectation, query: str) -> tuple[str, ...]:
        """Keys of a few rows that do not meet an expectation."""
        select = EXAMPLES.format(
            statement=_literal(query),
            condition=_condition(expectation),
            most=sql.Literal(MAX_EXAMPLES),
        )
        with self._database.transaction() as connection:
            return tuple(str(key) for (key,) in connection.execute(select).fetchall())

    def _raise_the_reason(self, query: str) -> NoReturn:
        """Raise what our own connection meets: the library's text may hold anything."""
        with self._database.transaction() as connection:
            connection.execute(EXPLAIN.format(statement=_literal(query)))
        raise TransientError("the expectations of a table could not be tried")


def _literal(query: str) -> sql.SQL:
    """Our own statement as a part of another; it holds no value from outside."""
    return sql.SQL(query)


def _condition(expectation: Expectation) -> sql.Composable:
    """What the expectation asks, for one row; NULL passes `not (…)` too."""
    column = sql.Identifier(expectation.column)
    if expectation.is_truth:
        return column
    limits = [
        sql.SQL("{} {} {}").format(column, sql.SQL(sign), sql.Literal(limit))
        for sign, limit in ((">=", expectation.low), ("<=", expectation.high))
        if limit is not None
    ]
    return sql.SQL(" and ").join(limits)


@contextmanager
def _batch(url: str, table: QualityTable, query: str) -> "Iterator[Batch | None]":
    """The rows of a statement, as Great Expectations sees them; None: no server."""
    import great_expectations as gx
    from great_expectations.datasource.fluent.interfaces import TestConnectionError

    context = gx.get_context(
        mode="ephemeral",
        project_config=_configuration(),
        runtime_environment={"DATABASE": _sqlalchemy_url(url)},
    )
    # Its methods are made at run time, and told to type checkers only in part.
    sources: Any = context.data_sources
    try:
        source = sources.add_postgres(
            "mentora",
            connection_string="${DATABASE}",
            # A subselect in each statement: behind a transaction pooler there is no
            # session for a temporary table, and nothing is to be written.
            create_temp_table=False,
            kwargs={
                "connect_args": {
                    "application_name": "mentora-quality",
                    "connect_timeout": 10,
                    "prepare_threshold": None,
                }
            },
        )
    except TestConnectionError:
        yield None
        return
    whole = SELECT.format(query)
    with _guarded(source, whole):
        asset = source.add_query_asset(table.value, query=whole)
        yield asset.add_batch_definition_whole_table("rows").get_batch()


def _sqlalchemy_url(url: str) -> str:
    from sqlalchemy.engine import make_url

    made = make_url(url).set(drivername="postgresql+psycopg")
    # A dollar would begin the name of another variable.
    return made.render_as_string(hide_password=False).replace("$", "%24")


def _configuration() -> Any:  # noqa: ANN401  (a class of a library that loads late)
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    return DataContextConfig(
        # Without a place for pages: ours are stored by us.
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
    )


@contextmanager
def _guarded(source: "PostgresDatasource", whole: str) -> "Iterator[None]":
    """Every transaction of the library's is read-only and bounded.

    It learns the names of the columns by fetching the `whole` statement: no row of it.
    """
    from sqlalchemy import event

    engine = source.get_execution_engine().engine
    set_up = [
        text.format(
            statement_timeout=STATEMENT_TIMEOUT_MS, lock_timeout=LOCK_TIMEOUT_MS
        )
        for text in SET_UP
    ]

    def begin(connection: "Connection") -> None:
        for text in set_up:
            connection.exec_driver_sql(text)

    def fetch_no_row(
        _connection: object,
        _cursor: object,
        statement: str,
        parameters: object,
        *_: object,
    ) -> tuple[str, object]:
        if statement == whole:
            statement += " limit 0"
        return statement, parameters

    event.listen(engine, "begin", begin)
    event.listen(engine, "before_cursor_execute", fetch_no_row, retval=True)
    try:
        yield
    finally:
        # The other one is what the connection was tried with.
        for one in (engine, source.get_engine()):
            one.dispose()


def _tried(
    batch: "Batch", table: QualityTable, expectations: Sequence[Expectation]
) -> "ExpectationSuiteValidationResult":
    return batch.validate(_suite(table, expectations), result_format=RESULT_FORMAT)


def _suite(
    table: QualityTable, expectations: Sequence[Expectation]
) -> "ExpectationSuite":
    from great_expectations import expectations as kinds
    from great_expectations.core import ExpectationSuite

    # Its classes are not told to type checkers as a part of the package.
    gxe: Any = kinds

    suite = ExpectationSuite(table.value)
    for expectation in expectations:
        common = {
            "column": expectation.column,
            "mostly": expectation.mostly,
            "severity": SEVERITIES[expectation.severity],
            "meta": {"expectation": expectation.sentence},
        }
        suite.add_expectation(
            gxe.ExpectColumnValuesToBeInSet(value_set=[True], **common)
            if expectation.is_truth
            else gxe.ExpectColumnValuesToBeBetween(
                min_value=expectation.low, max_value=expectation.high, **common
            )
        )
    return suite


def _was_not_tried(one: Any) -> bool:  # noqa: ANN401  (a class of a library that loads late)
    """Whether a statement of the library's failed, which it counts as not met."""
    return bool((one.exception_info or {}).get("raised_exception", True))


def _by_expectation(
    expectations: Sequence[Expectation], result: "ExpectationSuiteValidationResult"
) -> "list[tuple[Expectation, Any]]":
    """The results in the order of the expectations."""
    found = {
        one.expectation_config.meta["expectation"]: one
        for one in result.results
        if one.expectation_config is not None
    }
    return [(expectation, found[expectation.sentence]) for expectation in expectations]
