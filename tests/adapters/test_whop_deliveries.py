"""Whop's deliveries over HTTP, signed as Whop signs them."""

import base64
import json
import logging
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from mentora_pipelines.adapters.asgi.whop_deliveries import MAX_BYTES, WhopDeliveries
from mentora_pipelines.adapters.whop.signatures import verified
from mentora_pipelines.domain.memberships.deliveries import DeliveryOutcome
from mentora_pipelines.errors import (
    InvalidInput,
    PermanentError,
    SettingsError,
    SignatureRefused,
    TransientError,
)
from mentora_pipelines.providers.memberships import open_whop_deliveries
from tests.fix_runs import Connection
from tests.fix_whop import NewSeller
from tests.whop_server import COMPANY, membership

SECRET = "ws_hunter2"  # noqa: S105  (of these tests)


def signed(
    body: bytes,
    *,
    delivery_id: str = "msg_1",
    sent_at: float | None = None,
    secret: str = SECRET,
) -> dict[str, str]:
    """The headers of a delivery: HMAC-SHA256 with the secret's bytes as they are."""
    sent = str(int(time.time() if sent_at is None else sent_at))
    key = base64.b64encode(secret.encode()).decode()
    signer = Webhook(key)
    signature = signer.sign(
        delivery_id, datetime.fromtimestamp(int(sent), UTC), body.decode()
    )
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": sent,
        "webhook-signature": signature,
    }


def delivery(**data: object) -> bytes:
    """A delivery about the first member."""
    return json.dumps(
        {
            "type": "membership.updated",
            "timestamp": "2026-11-01T00:00:01.000Z",
            "account_id": COMPANY,
            "data": membership(1, **data),
        }
    ).encode()


BODY = delivery()


def test_what_whop_signed_is_taken() -> None:
    """Else no purchase is told of before the hour is over."""
    headers = {name.title(): value for name, value in signed(BODY).items()}
    taken = verified(BODY, headers, SecretStr(SECRET))
    assert taken.id == "msg_1"
    assert taken.body["type"] == "membership.updated"


REFUSED: dict[str, tuple[bytes, Mapping[str, str]]] = {
    "no signature": (BODY, {}),
    "another secret": (BODY, signed(BODY, secret="ws_hunter3")),  # noqa: S106
    "another body": (BODY + b" ", signed(BODY)),
    "another id": (BODY, signed(BODY) | {"webhook-id": "msg_2"}),
    "another time": (
        BODY,
        signed(BODY) | {"webhook-timestamp": str(int(time.time()) + 60)},
    ),
    "too old": (BODY, signed(BODY, sent_at=time.time() - 4000)),
    "too new": (BODY, signed(BODY, sent_at=time.time() + 4000)),
    "no time": (BODY, signed(BODY) | {"webhook-timestamp": "now"}),
    "not a number": (BODY, signed(BODY) | {"webhook-timestamp": "nan"}),
    "no such scheme": (BODY, signed(BODY) | {"webhook-signature": "v9,AAAA"}),
    "a broken signature": (BODY, signed(BODY) | {"webhook-signature": "v1"}),
    "no base64": (BODY, signed(BODY) | {"webhook-signature": "v1,\xff"}),
    "no text": (b"\xff", signed(BODY)),
    "an endless id": (BODY, signed(BODY, delivery_id="m" * 201)),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_whop_did_not_sign_just_now_is_refused(case: str) -> None:
    """Else anybody opens a course with one request, or with a recorded one."""
    body, headers = REFUSED[case]
    with pytest.raises(SignatureRefused) as refused:
        verified(body, headers, SecretStr(SECRET))
    assert refused.value.__context__ is None
    assert "hunter" not in str(refused.value)


@pytest.mark.parametrize("body", [b"[]", b"{", b"null", b"[" * 100_000])
def test_what_is_no_object_is_malformed(body: bytes) -> None:
    """Else an odd delivery is a server error, sent again for days."""
    with pytest.raises(InvalidInput):
        verified(body, signed(body), SecretStr(SECRET))


@pytest.fixture(scope="module")
def site(home: object) -> Iterator[TestClient]:
    """An application that takes deliveries, over the real database and cache."""
    assert home
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("WHOP_WEBHOOK_SECRET", SECRET)
        with open_whop_deliveries() as deliveries:
            app = Starlette(routes=[Route("/webhooks/whop", deliveries)])
            yield TestClient(app)


def post(site: TestClient, body: bytes, headers: Mapping[str, str]) -> int:
    """The status of a delivery."""
    return site.post("/webhooks/whop", content=body, headers=headers).status_code


def events(admin: Connection, creator_id: UUID) -> list[Any]:
    """Keys and payloads of the events of a creator's deliveries."""
    return admin.execute(
        "select deduplication_key, payload from events"
        " where name = 'membership/changed' and creator_id = %s",
        [creator_id],
    ).fetchall()


def test_a_delivery_becomes_an_event_once(
    site: TestClient,
    new_seller: NewSeller,
    admin: Connection,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Else a purchase is lost, counted twice, or a log names who bought."""
    caplog.set_level(logging.DEBUG)
    seller, name = new_seller(), f"msg_{uuid4().hex}"
    for _ in range(2):
        assert post(site, BODY, signed(BODY, delivery_id=name)) == 204
    ((key, payload),) = events(admin, seller)
    assert key == f"{name}:{seller}"
    assert payload["membershipId"] == "mem_1"
    assert "eve@" not in str(payload)
    # Somebody else's course, and a kind that is none of ours: Whop need not repeat it.
    other = delivery(product_id="prod_other")
    assert post(site, other, signed(other, delivery_id=f"{name}2")) == 204
    assert len(events(admin, seller)) == 1
    shown = " ".join(record.getMessage() for record in caplog.records)
    assert "eve@" not in shown
    assert "hunter" not in shown


def test_what_is_not_taken_has_a_status_that_says_so(
    site: TestClient, new_seller: NewSeller, admin: Connection
) -> None:
    """Else Whop repeats what can never pass, or gives up what could."""
    seller = new_seller()
    assert post(site, BODY, signed(BODY, secret="ws_hunter3")) == 401  # noqa: S106
    broken = delivery(status="")
    assert post(site, broken, signed(broken)) == 400
    zero = delivery(status="\0")
    assert post(site, zero, signed(zero)) == 400
    long = b" " * (MAX_BYTES + 1)
    assert post(site, long, signed(long)) == 413
    assert site.get("/webhooks/whop").status_code == 405
    assert events(admin, seller) == []


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (TransientError("database: away"), 503),
        (SettingsError("a setting"), 503),
        (PermanentError("refused"), 400),
    ],
)
def test_a_fault_of_ours_makes_whop_send_it_again(
    fault: Exception, status: int
) -> None:
    """Else a purchase is lost whenever the database restarts."""

    def take(_body: bytes, _headers: Mapping[str, str]) -> DeliveryOutcome:
        raise fault

    app = Starlette(routes=[Route("/webhooks/whop", WhopDeliveries(take))])
    assert post(TestClient(app), BODY, {}) == status


def test_no_delivery_is_taken_without_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a forgotten setting lets anybody open courses."""
    monkeypatch.delenv("WHOP_WEBHOOK_SECRET", raising=False)
    with pytest.raises(SettingsError, match="WHOP_WEBHOOK_SECRET"):
        open_whop_deliveries().__enter__()
