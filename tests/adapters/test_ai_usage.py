"""The ledger of calls and the budgets, on the real database."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.spending.ai_usage import (
    PostgresUsageLedger,
    PostgresUsageLedgers,
)
from mentora_pipelines.adapters.postgres.spending.spending import SpendingRows
from mentora_pipelines.domain.analytics.daily_metrics import DayRange
from mentora_pipelines.domain.spending.bills import BillBy, BillLine
from mentora_pipelines.domain.spending.budgets import Budget, Spending
from mentora_pipelines.domain.spending.prices import (
    LOCAL,
    LocalPrices,
    ModelPrice,
    OwnPrices,
    PriceBook,
)
from mentora_pipelines.domain.spending.usage import (
    PATIENCE,
    Operation,
    PlannedCall,
    Unit,
)
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import (
    NotFound,
    OverBudget,
    PermanentError,
    SetAside,
)
from mentora_pipelines.services import DatabaseUrls
from tests.fix_runs import Connection
from tests.stored_lessons import register

PRICES = PriceBook(
    (
        LocalPrices(),
        OwnPrices(
            {
                "openai/ears": ModelPrice(per_minute=Decimal("0.06")),
                "anthropic/claude": ModelPrice(Decimal(1000), Decimal(5000)),
            },
            "tests 1",
        ),
    )
)
QUIZ = PlannedCall("anthropic", "claude", Operation.QUIZ, Unit.TOKENS, 1000, 200)
"""At most two dollars."""

MINUTE = PlannedCall(LOCAL, "tiny.en", Operation.TRANSCRIPTION, Unit.SECONDS, 60)

SELECT_CALL = """
select status, input_units, output_units, cost_usd, price_version, video_id,
    settled_at is not null
from ai_usage where id = %(id)s
"""

COUNT_CALLS = "select count(*) from ai_usage where creator_id = %(id)s"

HOLDS_RUN_OUT = """
update budget_holds set held_at = held_at - %(age)s where creator_id = %(id)s
"""

COUNT_HOLDS = "select count(*) from budget_holds where creator_id = %(id)s"

MAKE_OLDER = """
update ai_usage
set created_at = created_at - %(age)s, settled_at = settled_at - %(age)s
where creator_id = %(id)s
"""


@pytest.fixture(scope="module")
def ledgers(urls: DatabaseUrls) -> Iterator[PostgresUsageLedgers]:
    """The ledgers, as a run has them."""
    app, admin = Database(urls.app, "tests-usage"), Database(urls.admin, "tests-usage")
    yield PostgresUsageLedgers(app, admin, PRICES)
    app.close()
    admin.close()


@pytest.fixture(scope="module")
def spending(urls: DatabaseUrls) -> Iterator[SpendingRows]:
    """Budgets and bills, as the admin role."""
    database = Database(urls.admin, "tests-spending")
    yield SpendingRows(database)
    database.close()


@pytest.fixture
def video(catalogue: PostgresCatalogue) -> Video:
    """A video of a creator of its own."""
    return register(catalogue, f"{uuid4()}@tests.example")


@pytest.fixture
def ledger(ledgers: PostgresUsageLedgers, video: Video) -> PostgresUsageLedger:
    """That creator's ledger."""
    return ledgers.of(video.creator_id)


@pytest.fixture
def call_of(admin: Connection) -> Callable[[UUID], tuple[Any, ...]]:
    """What is booked of a call."""

    def read(usage_id: UUID) -> tuple[Any, ...]:
        (row,) = admin.execute(SELECT_CALL, {"id": usage_id}).fetchall()
        return row

    return read


Booked = Callable[[UUID], tuple[Any, ...]]


def test_a_call_is_booked_at_its_bound_and_then_at_what_it_took(
    ledger: PostgresUsageLedger, video: Video, call_of: Booked
) -> None:
    """Else a crash leaves no trace of a call, or an answered one costs its bound."""
    usage_id = ledger.reserve(replace(QUIZ, video_id=video.id))
    bound = ("reserved", 1000, 200, Decimal(2), "tests 1", video.id, False)
    assert call_of(usage_id) == bound
    ledger.settle(usage_id, 900, 50)
    settled = ("settled", 900, 50, Decimal("1.15"), "tests 1", video.id, True)
    assert call_of(usage_id) == settled
    # A repeat, and a failure that comes too late, take nothing back.
    ledger.settle(usage_id, 1, 1)
    ledger.fail(usage_id)
    assert call_of(usage_id) == settled


def test_a_refused_call_has_its_row_and_costs_what_the_provider_counted(
    ledger: PostgresUsageLedger, call_of: Booked
) -> None:
    """Else a storm of refusals is seen by nobody, or a refusal is paid for unseen."""
    refused, cut_off = ledger.reserve(QUIZ), ledger.reserve(QUIZ)
    ledger.fail(refused)
    ledger.fail(cut_off, 1000, 10)
    assert call_of(refused)[:5] == ("failed", 0, 0, Decimal(0), "tests 1")
    assert call_of(cut_off)[:5] == ("failed", 1000, 10, Decimal("1.05"), "tests 1")


def test_a_call_without_a_known_price_has_units_and_no_cost(
    ledger: PostgresUsageLedger, spending: SpendingRows, video: Video, call_of: Booked
) -> None:
    """Else it is booked as free of charge, or cannot be made at all."""
    spending.set_budget(video.creator_id, Budget(limit_usd=Decimal(1)))
    usage_id = ledger.reserve(replace(QUIZ, model="next-year's"))
    assert call_of(usage_id)[:5] == ("reserved", 1000, 200, None, None)
    ledger.settle(usage_id, 900, 50)
    assert call_of(usage_id)[:5] == ("settled", 900, 50, None, None)


@pytest.mark.parametrize(
    ("budget", "call"),
    [(Budget(limit_usd=Decimal(6)), QUIZ), (Budget(limit_minutes=3), MINUTE)],
    ids=["dollars", "minutes"],
)
def test_of_calls_at_once_only_those_pass_that_fit_together(
    ledger: PostgresUsageLedger,
    spending: SpendingRows,
    video: Video,
    admin: Connection,
    budget: Budget,
    call: PlannedCall,
) -> None:
    """Else two runs of a creator each spend what is left for one."""
    spending.set_budget(video.creator_id, budget)
    threads = 4  # connections of the pool
    start = Barrier(threads)

    def reserve(_: int) -> int:
        start.wait()
        passed = 0
        for _ in range(2):
            with suppress(OverBudget):
                ledger.reserve(call)
                passed += 1
        return passed

    with ThreadPoolExecutor(threads) as pool:
        assert sum(pool.map(reserve, range(threads))) == 3
    ((rows,),) = admin.execute(COUNT_CALLS, {"id": video.creator_id}).fetchall()
    assert rows == 3, "what was refused is not booked"


def test_what_a_call_did_not_take_is_free_again(
    ledger: PostgresUsageLedger, spending: SpendingRows, video: Video
) -> None:
    """Else bounds eat up the budget that answers have left."""
    spending.set_budget(video.creator_id, Budget(limit_usd=Decimal(3)))
    first = ledger.reserve(QUIZ)
    with pytest.raises(OverBudget, match=r"\$2.000000 asked for, \$1.000000 left"):
        ledger.reserve(QUIZ)
    ledger.settle(first, 500, 0)
    second = ledger.reserve(QUIZ)
    ledger.fail(second)
    ledger.reserve(QUIZ)
    assert spending.monthly(video.creator_id).used == Spending(Decimal("2.5"))


def test_calls_that_belong_together_are_checked_together_and_not_booked(
    ledger: PostgresUsageLedger, spending: SpendingRows, video: Video
) -> None:
    """Else half a quiz is paid for, and the other half refused."""
    spending.set_budget(video.creator_id, Budget(limit_usd=Decimal(5)))
    ledger.check([QUIZ, QUIZ])
    with pytest.raises(OverBudget):
        ledger.check([QUIZ, QUIZ, QUIZ])
    assert spending.monthly(video.creator_id).used == Spending()


def test_of_two_lessons_at_once_the_one_that_fits_is_made_and_the_other_costs_nothing(
    ledger: PostgresUsageLedger,
    spending: SpendingRows,
    catalogue: PostgresCatalogue,
    video: Video,
) -> None:
    """Else both are heard by half, both are refused, and the month is used up."""
    spending.set_budget(video.creator_id, Budget(limit_minutes=60))
    lessons = [video, register(catalogue, video.creator_email, name="other.mp4")]
    start = Barrier(2)

    def hear(lesson: Video) -> int:
        window = replace(MINUTE, input_units=240, video_id=lesson.id)
        whole = replace(window, input_units=2400)
        start.wait()
        heard = 0
        with suppress(OverBudget, SetAside), ledger.hold([whole]):
            for _ in range(10):
                ledger.check([window])
                # A repeat takes what the refused request gave back.
                ledger.fail(ledger.reserve(window))
                ledger.settle(ledger.reserve(window), 240, 0)
                heard += 1
        return heard

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(hear, lessons)) == [0, 10]
    assert spending.monthly(video.creator_id).used == Spending(minutes=40)


def test_what_is_held_is_free_again_when_its_step_ends_or_has_died(
    ledger: PostgresUsageLedger,
    spending: SpendingRows,
    admin: Connection,
    video: Video,
) -> None:
    """Else a crash takes a creator's minutes for a month."""
    spending.set_budget(video.creator_id, Budget(limit_minutes=3))
    lesson = replace(MINUTE, input_units=180, video_id=video.id)
    with suppress(ZeroDivisionError), ledger.hold([lesson]):
        with pytest.raises(SetAside):
            ledger.check([MINUTE])
        ledger.check([lesson])
        raise ZeroDivisionError
    ledger.check([MINUTE])
    with ExitStack() as died:
        died.enter_context(ledger.hold([lesson]))
        with ledger.hold([lesson]):
            pass  # the next try, in the place of the one that died
        ledger.check([MINUTE])
        died.enter_context(ledger.hold([lesson]))
        for age, left in ((PATIENCE, 1), (timedelta(days=1), 0)):
            admin.execute(HOLDS_RUN_OUT, {"id": video.creator_id, "age": age})
            ledger.check([MINUTE])
            spending.give_up(PATIENCE)
            ((holds,),) = admin.execute(COUNT_HOLDS, {"id": video.creator_id})
            assert holds == left


def test_what_others_may_leave_is_refused_for_a_while_and_not_for_good(
    ledger: PostgresUsageLedger,
    spending: SpendingRows,
    catalogue: PostgresCatalogue,
    video: Video,
) -> None:
    """Else who asks a second too soon is told to come back next month."""
    spending.set_budget(video.creator_id, Budget(limit_usd=Decimal(3)))
    other = register(catalogue, video.creator_email, name="other.mp4")
    one, two = (replace(QUIZ, video_id=each.id) for each in (video, other))
    with ledger.hold([one]):
        with pytest.raises(SetAside, match=r"\$1.000000 left of \$3.000000 a month"):
            ledger.reserve(two)
        with pytest.raises(OverBudget), ledger.hold([two, two]):
            pass  # not even all of it suffices
        asked = ledger.reserve(one)
        with pytest.raises(SetAside), ledger.hold([two]):
            pass  # the call counts at its bound until it is answered
        with pytest.raises(OverBudget):
            ledger.check([one])
        ledger.settle(asked, 900, 50)
    with pytest.raises(OverBudget):
        ledger.check([two])


def test_a_lesson_that_has_used_up_its_hold_is_heard_to_its_end(
    ledger: PostgresUsageLedger, spending: SpendingRows, video: Video
) -> None:
    """Else the rounding of its windows refuses the last of them."""
    spending.set_budget(video.creator_id, Budget(limit_usd=Decimal("0.06")))
    minute = PlannedCall(
        "openai", "ears", Operation.TRANSCRIPTION, Unit.SECONDS, 60, video_id=video.id
    )
    with ledger.hold([minute]):
        ledger.settle(ledger.reserve(minute), 60, 0)
        ledger.reserve(replace(minute, input_units=0.05))
    with pytest.raises(OverBudget):
        ledger.reserve(replace(minute, input_units=0.05))


def test_a_new_month_has_a_new_budget(
    ledger: PostgresUsageLedger,
    spending: SpendingRows,
    video: Video,
    admin: Connection,
) -> None:
    """Else a creator who has used up a month is shut out for ever."""
    spending.set_budget(video.creator_id, Budget(Decimal(2), 1))
    ledger.settle(ledger.reserve(QUIZ), 1000, 200)
    ledger.settle(ledger.reserve(MINUTE), 60, 0)
    for call in (QUIZ, MINUTE):
        with pytest.raises(OverBudget):
            ledger.reserve(call)
    month_start = spending.monthly(video.creator_id).month_start
    just_before = datetime.now(UTC) - month_start + timedelta(seconds=30)
    admin.execute(MAKE_OLDER, {"id": video.creator_id, "age": just_before})
    assert spending.monthly(video.creator_id).used == Spending()
    ledger.reserve(QUIZ)
    ledger.reserve(MINUTE)


def test_a_call_whose_process_died_keeps_its_bound_and_does_not_stay_open(
    ledger: PostgresUsageLedger,
    spending: SpendingRows,
    video: Video,
    admin: Connection,
    call_of: Booked,
) -> None:
    """Else a crash is free in the ledger, or no day's cost is ever final."""
    crashed = ledger.reserve(QUIZ)
    admin.execute(MAKE_OLDER, {"id": video.creator_id, "age": PATIENCE})
    alive = ledger.reserve(QUIZ)
    assert spending.give_up(PATIENCE) >= 1
    assert call_of(crashed)[:4] == ("failed", 1000, 200, Decimal(2))
    assert call_of(alive)[0] == "reserved"
    # It was not dead after all, only late.
    ledger.settle(crashed, 100, 0)
    assert call_of(crashed)[:4] == ("settled", 100, 0, Decimal("0.1"))


def test_no_creator_books_for_another_and_none_sees_the_platforms_calls(
    ledgers: PostgresUsageLedgers,
    ledger: PostgresUsageLedger,
    catalogue: PostgresCatalogue,
    video: Video,
    call_of: Booked,
) -> None:
    """Else one creator's quiz is on the bill of another."""
    other = register(catalogue, f"{uuid4()}@tests.example")
    own, platforms = ledger.reserve(QUIZ), ledgers.of(None).reserve(QUIZ)
    stranger = ledgers.of(other.creator_id)
    for usage_id in (own, platforms):
        stranger.settle(usage_id, 0, 0)
        assert call_of(usage_id)[0] == "reserved"
    with pytest.raises(PermanentError):
        stranger.reserve(replace(QUIZ, video_id=video.id))
    ledgers.of(None).settle(platforms, 1, 1)
    assert call_of(platforms)[0] == "settled"


def test_a_bill_adds_up_each_call_once_under_what_it_is_asked_for(
    ledgers: PostgresUsageLedgers,
    ledger: PostgresUsageLedger,
    spending: SpendingRows,
    video: Video,
) -> None:
    """Else the bill is not the ledger, and nobody knows which model it is for."""
    quiz = replace(QUIZ, video_id=video.id)
    ledger.settle(ledger.reserve(quiz), 1000, 200)
    ledger.fail(ledger.reserve(replace(QUIZ, model="next-year's")))
    ledger.reserve(MINUTE)
    ledgers.of(None).settle(ledgers.of(None).reserve(QUIZ), 1, 0)
    today = datetime.now(UTC).date()
    days = DayRange(today, today)
    bills = {by: spending.bill(days, by, video.creator_id) for by in BillBy}
    heard = BillLine("transcription", 1, 1, 0, 60, 0, 0, Decimal(0), 0)
    asked = BillLine("quiz", 2, 0, 1, 0, 1000, 200, Decimal(2), 1)
    assert bills[BillBy.OPERATION] == [asked, heard]
    lines = {by: [line.of for line in bill] for by, bill in bills.items()}
    assert lines == {
        BillBy.OPERATION: ["quiz", "transcription"],
        BillBy.MODEL: ["anthropic/claude", "anthropic/next-year's", "local/tiny.en"],
        BillBy.CREATOR: [video.creator_email],
        BillBy.VIDEO: [None, str(video.id)],
        BillBy.DAY: [f"{today}"],
        BillBy.MONTH: [f"{today:%Y-%m}"],
    }
    for bill in bills.values():
        assert sum(line.calls for line in bill) == 3
        assert sum(line.cost_usd for line in bill) == 2
    everybody = spending.bill(days, BillBy.CREATOR, None)
    assert {line.of for line in everybody} >= {None, video.creator_email}
    before = DayRange(today - timedelta(days=2), today - timedelta(days=1))
    assert spending.bill(before, BillBy.DAY, video.creator_id) == []


def test_a_budget_is_of_a_creator_who_exists(spending: SpendingRows) -> None:
    """Else a typing error limits nobody, silently."""
    for request in (
        lambda: spending.monthly(uuid4()),
        lambda: spending.set_budget(uuid4(), Budget()),
    ):
        with pytest.raises(NotFound):
            request()
