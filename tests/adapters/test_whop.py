"""The real SDK against a local Whop that errs in every way."""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from mentora_pipelines.adapters.whop.memberships import WhopMemberships
from mentora_pipelines.domain.memberships.memberships import Membership, Shop
from mentora_pipelines.errors import (
    InvalidInput,
    MentoraError,
    NotFound,
    PermanentError,
    SettingsError,
    TransientError,
)
from tests.fix_whop import CALM, HASTE, whop_at
from tests.whop_server import (
    COMPANY,
    PRODUCT,
    Fault,
    WhopServer,
    cut,
    drip,
    drop,
    hang,
    membership,
    saying,
)

SHOP = Shop(uuid4(), COMPANY, (PRODUCT,))

NESTED = b"[" * 100_000

FAULTS: dict[str, tuple[Fault, type[MentoraError]]] = {
    "nothing comes": (hang, TransientError),
    "drops that never end": (drip, TransientError),
    "the connection is dropped": (drop, TransientError),
    "the body is cut": (cut, TransientError),
    "no JSON": (saying(200, b"<html>eve@tests.example"), TransientError),
    "no text": (saying(200, b"\xff\xfe\x00"), TransientError),
    "nested without end": (saying(200, NESTED), TransientError),
    "another shape": (saying(200, b'{"has_access": "eve"}'), TransientError),
    "nothing in it": (saying(200), TransientError),
    "null": (saying(200, b"null"), TransientError),
    "too many": (saying(429, b"{}", retry_after="86400"), TransientError),
    "failed": (saying(500), TransientError),
    "failed without JSON": (saying(502, b"Bad Gateway"), TransientError),
    "key refused": (saying(401, b'{"error": "apik_hunter2"}'), SettingsError),
    "not allowed": (saying(403, b'{"error": "eve@tests.example"}'), PermanentError),
    "unknown to Whop": (saying(404), NotFound),
    "moved": (saying(302, b"", location="http://127.0.0.1:1/"), PermanentError),
    "no such question": (saying(422), PermanentError),
}


def told(error: MentoraError) -> str:
    """All that a log or Sentry would show of an error."""
    return f"{error!r} {error.__cause__!r} {error.__context__!r}"


def all_of(whop: WhopMemberships, shop: Shop = SHOP) -> list[Membership]:
    """The whole listing."""
    return [one for page in whop.pages(shop) for one in page.memberships]


def test_a_clear_answer_is_taken_as_it_is(
    whop: WhopMemberships, whop_server: WhopServer
) -> None:
    """Else a student who paid is shut out, or a stranger is let in."""
    whop_server.grants("user_1")
    whop_server.grants("user_2", has=False, level="no_access")
    whop_server.grants("user_3", level="admin")
    whop_server.grants("user_4", has=False, level="frozen")
    answers = [whop.has_access(f"user_{n}", PRODUCT) for n in (1, 2, 3, 4)]
    assert [one.granted for one in answers] == [True, False, True, False]
    assert [one.is_staff for one in answers] == [False, False, True, False]


@pytest.mark.parametrize(
    ("has", "level"), [(True, "frozen"), (True, "no_access"), (False, "customer")]
)
def test_an_unknown_or_contradictory_level_is_neither_yes_nor_no(
    whop: WhopMemberships, whop_server: WhopServer, has: bool, level: str
) -> None:
    """Else a word that Whop invents opens, or closes, every course."""
    whop_server.grants("user_1", has=has, level=level)
    with pytest.raises(TransientError, match="not known"):
        whop.has_access("user_1", PRODUCT)


@pytest.mark.parametrize("name", ["me", "ada", "user_1/../me", "user_", "user_1\n"])
def test_only_a_users_id_is_asked_about(
    whop: WhopMemberships, whop_server: WhopServer, name: str
) -> None:
    """Else `me` asks about whoever owns the key, who may see everything."""
    with pytest.raises(InvalidInput):
        whop.has_access(name, PRODUCT)
    assert whop_server.asked == []


@pytest.fixture
def whop_of_case(whop_server: WhopServer, case: str) -> Iterator[WhopMemberships]:
    """Soon tired of waiting where nothing will come, and there alone."""
    hasty = FAULTS[case][0] in (hang, drip)
    patience = HASTE if hasty else replace(CALM, attempts=1)
    with closing(whop_at(whop_server, patience)) as adapter:
        yield adapter


@pytest.mark.parametrize("case", FAULTS)
def test_every_fault_is_an_error_of_ours_that_quotes_nothing(
    whop_of_case: WhopMemberships,
    whop_server: WhopServer,
    caplog: pytest.LogCaptureFixture,
    case: str,
) -> None:
    """Else a fault is taken for an answer, or a log holds the key or an address."""
    caplog.set_level(logging.DEBUG)
    whop_server.fault, kind = FAULTS[case]
    questions: list[Callable[[], Any]] = [
        lambda: whop_of_case.has_access("user_1", PRODUCT),
        lambda: all_of(whop_of_case),
    ]
    for question in questions:
        with pytest.raises(kind) as raised:
            question()
        assert raised.value.__context__ is None
        assert not any(word in told(raised.value) for word in ("hunter", "eve@", "{"))
    shown = " ".join(record.getMessage() for record in caplog.records)
    assert "hunter" not in shown
    assert "eve@" not in shown


def test_a_refused_key_says_what_to_mend(whop_server: WhopServer) -> None:
    """Else an operator looks for the fault in the network."""
    other = WhopMemberships(SecretStr("apik_hunter3"), whop_server.url)
    with closing(other), pytest.raises(SettingsError, match="WHOP_API_KEY") as raised:
        other.check()
    assert "hunter" not in told(raised.value)


def test_a_passing_fault_is_met_with_one_more_try(
    whop: WhopMemberships, whop_server: WhopServer
) -> None:
    """Else each hiccup of the network is an outage; a refusal is not repeated."""
    whop_server.grants("user_1")
    whop_server.fault, whop_server.faults_left = drop, 1
    assert whop.has_access("user_1", PRODUCT).granted
    whop_server.fault, whop_server.faults_left = saying(503, retry_after="0.01"), 1
    assert whop.has_access("user_1", PRODUCT).granted
    asked = len(whop_server.asked)
    whop_server.fault, whop_server.faults_left = saying(403), 9
    with pytest.raises(PermanentError):
        whop.has_access("user_1", PRODUCT)
    assert len(whop_server.asked) == asked + 1


@pytest.mark.parametrize("wanted", ["86400", "Fri, 01 Jan 2100 00:00:00 GMT"])
def test_a_wait_that_is_too_long_is_not_waited(
    whop: WhopMemberships, whop_server: WhopServer, wanted: str
) -> None:
    """Else one header keeps a page, or an hourly run, for a day."""
    whop_server.fault = saying(429, retry_after=wanted)
    with pytest.raises(TransientError):
        whop.has_access("user_1", PRODUCT)
    assert len(whop_server.asked) == 1


def test_whop_is_left_alone_while_it_is_away(whop_server: WhopServer) -> None:
    """Else every page of an outage waits for a time-out."""
    with closing(whop_at(whop_server, pause_s=60)) as whop:
        whop_server.fault = saying(503)
        for _ in range(5):
            with pytest.raises(TransientError):
                whop.has_access("user_1", PRODUCT)
    assert len(whop_server.asked) == 2


def test_a_listing_is_read_to_its_end(
    whop: WhopMemberships, whop_server: WhopServer
) -> None:
    """Else the members of later pages are taken for gone."""
    whop_server.memberships = [
        *(membership(number) for number in range(1, 6)),
        membership(6, user_id=None),
        membership(7, status="canceling", cancel_at_period_end=True),
        membership(8, expires_at="2027-01-01T00:00:00+00:00"),
    ]
    pages = list(whop.pages(SHOP))
    found = [one for page in pages for one in page.memberships]
    assert [one.id for one in found] == [f"mem_{n}" for n in (1, 2, 3, 4, 5, 7, 8)]
    assert sum(page.unowned for page in pages) == 1
    ends = [one.valid_until and one.valid_until.isoformat() for one in found[-3:]]
    assert ends == [None, "2026-02-01T00:00:00+00:00", "2027-01-01T00:00:00+00:00"]
    assert all(one.changed_at.year == 2026 for one in found)
    assert "product_ids=prod_course" in whop_server.asked[0]
    assert f"account_id={COMPANY}" in whop_server.asked[0]


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param({"end_cursor": "2", "has_next_page": True}, id="repeats a page"),
        pytest.param({"end_cursor": None, "has_next_page": True}, id="no way on"),
    ],
)
def test_a_listing_that_does_not_end_well_is_an_error(
    whop: WhopMemberships, whop_server: WhopServer, spoilt: dict[str, object]
) -> None:
    """Else half a listing is taken for all members, or a run never ends."""
    whop_server.memberships = [membership(number) for number in range(1, 6)]
    whop_server.listing = lambda page: {
        **page,
        "page_info": {**page["page_info"], **spoilt},
    }
    with pytest.raises(TransientError, match="a listing that"):
        all_of(whop)


def test_an_empty_page_is_not_the_end(
    whop: WhopMemberships, whop_server: WhopServer
) -> None:
    """Else a hiccup of Whop's search empties every course."""
    whop_server.memberships = [membership(number) for number in range(1, 6)]
    whop_server.listing = lambda page: {**page, "data": []}
    with pytest.raises(TransientError, match="breaks off"):
        all_of(whop)


def test_the_members_of_others_are_left_out(
    whop: WhopMemberships, whop_server: WhopServer
) -> None:
    """Else a filter that Whop ignores makes strangers members."""
    other = {"id": "biz_other", "route": "o", "title": "O"}
    whop_server.memberships = [
        membership(1, account=other),
        membership(2, product_id="prod_other"),
        membership(3),
    ]
    assert [one.id for one in all_of(whop)] == ["mem_3"]


@pytest.mark.parametrize(
    "fields",
    [
        {"updated_at": "yesterday"},
        {"updated_at": "2026-01-01T00:00:00"},
        {"user_id": "me"},
        {"status": ""},
        {"status": 7},
        {"product_id": ""},
    ],
)
def test_a_malformed_membership_spoils_the_listing(
    whop: WhopMemberships, whop_server: WhopServer, fields: dict[str, object]
) -> None:
    """Else what nobody understands is stored as who may see what."""
    whop_server.memberships = [membership(1, **fields)]
    with pytest.raises(TransientError):
        all_of(whop, Shop(SHOP.creator_id, COMPANY))


def test_one_membership_is_found_or_not(
    whop: WhopMemberships, whop_server: WhopServer
) -> None:
    """Else a row is closed whose membership is there, or never closed."""
    whop_server.memberships = [membership(1), membership(2, user_id=None)]
    found = whop.find("mem_1")
    assert found is not None
    assert (found.user_id, found.status) == ("user_1", "active")
    assert (found.company_id, found.product_id) == (COMPANY, PRODUCT)
    assert whop.find("mem_2") is None
    assert whop.find("mem_3") is None
    whop_server.fault = saying(403)
    with pytest.raises(PermanentError):
        whop.find("mem_1")
