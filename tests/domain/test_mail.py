from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentora_pipelines.domain.operations.mail import (
    Mail,
    checked_address,
    failure_mail,
    new_mail,
    quiz_failure_mail,
)
from mentora_pipelines.domain.operations.mail_delivery import (
    BATCH_ROWS,
    MAX_ATTEMPTS,
    MAX_MISSES,
    Delivery,
    DeliveryFigures,
    Message,
    delay_s,
    deliver_due,
)
from mentora_pipelines.domain.operations.mail_envelopes import (
    MAX_SINGLES,
    Envelope,
    put_into_envelopes,
)
from mentora_pipelines.domain.operations.mail_variables import (
    MAX_TITLE_CHARACTERS,
    one_line,
)
from mentora_pipelines.errors import (
    ErrorCode,
    InvalidInput,
    MailDeferred,
    MentoraError,
    SettingsError,
)
from tests.fakes import PENDING_VIDEO
from tests.mails import BEGIN, due_mail

VARIABLES = {
    "videoId": "00000000-0000-0000-0000-000000000001",
    "title": "Plants",
    "code": "no_audio",
}


def mail(**changes: object) -> Mail:
    """A mail that is right but for `changes`."""
    parts: dict[str, Any] = {
        "template": "video-processing-failed",
        "subject_id": "1",
        "recipient": "ada@tests.example",
        "variables": VARIABLES,
        "creator_id": None,
    }
    return new_mail(**{**parts, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"template": "video-processing-failed\n"},
        {"template": "welcome"},
        {"template": ""},
        {"subject_id": " "},
        {"recipient": None},
        {"recipient": ""},
        {"recipient": "  "},
        {"recipient": "undefined"},
        {"recipient": "ada@tests.example\nBcc: eve@tests.example"},
        {"recipient": "ada@tests.example,eve@tests.example"},
        {"recipient": "Ada <ada@tests.example>"},
        {"recipient": f"{'a' * 250}@tests.example"},
        {"variables": {}},
        {"variables": {**VARIABLES, "code": "psycopg.OperationalError: hunter2"}},
        {"variables": {**VARIABLES, "videoId": "hunter2"}},
        {"variables": {**VARIABLES, "title": None}},
        {"template": "video-health-alert", "variables": {"lessons": []}},
    ],
    ids=str,
)
def test_a_mail_that_cannot_be_is_refused_without_its_values(
    changes: dict[str, object],
) -> None:
    """Else mail goes to `undefined`, to a stranger, or with an exception in it."""
    with pytest.raises(InvalidInput) as refused:
        mail(**changes)
    assert "ada" not in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert refused.value.__context__ is None


def test_the_same_payload_is_the_same_mail() -> None:
    """Else a replayed event writes again, or a second failure is not told."""
    first = mail()
    assert mail(recipient=" ada@tests.example ", variables=dict(VARIABLES)) == first
    assert mail(variables={**VARIABLES, "error": "more"}) == first
    others = [
        mail(subject_id="2"),
        mail(recipient="eve@tests.example"),
        mail(creator_id=uuid4()),
        mail(variables={**VARIABLES, "code": "no_speech"}),
        mail(variables={**VARIABLES, "uploadNumber": 2}),
    ]
    assert len({first.id, *(other.id for other in others)}) == 6
    assert first.message_id == f"<{first.id}@mentora-pipelines.internal>"


def test_each_upload_that_fails_is_told_once() -> None:
    """Else a creator who uploads the wrong file twice hears of it once."""
    failed = failure_mail(PENDING_VIDEO, ErrorCode.NO_AUDIO)
    assert failed == failure_mail(PENDING_VIDEO, ErrorCode.NO_AUDIO)
    again = replace(PENDING_VIDEO, upload_number=2)
    assert failure_mail(again, ErrorCode.NO_AUDIO).id != failed.id
    assert failed.subject_id == str(PENDING_VIDEO.id)
    assert failed.recipient == PENDING_VIDEO.creator_email
    with pytest.raises(InvalidInput):
        failure_mail(replace(PENDING_VIDEO, creator_email=""), ErrorCode.NO_AUDIO)


def test_each_request_for_a_quiz_that_fails_is_told_once_beside_its_lesson() -> None:
    """Else who asked waits for ever, or the lesson's failure swallows the notice."""
    code, requested_as, run = ErrorCode.OVER_BUDGET, uuid4(), uuid4()
    told = quiz_failure_mail(PENDING_VIDEO, code, requested_as, run)
    assert told == quiz_failure_mail(PENDING_VIDEO, code, requested_as, run)
    others = [
        failure_mail(PENDING_VIDEO, code),
        quiz_failure_mail(PENDING_VIDEO, code, uuid4(), run),
        quiz_failure_mail(PENDING_VIDEO, ErrorCode.TEMPORARY_FAULT, requested_as, run),
        quiz_failure_mail(PENDING_VIDEO, code, None, run),
        # Asked anew, it has failed again.
        quiz_failure_mail(PENDING_VIDEO, code, requested_as, uuid4()),
        quiz_failure_mail(PENDING_VIDEO, code, None, uuid4()),
    ]
    assert others[3] == others[5], "nobody has asked"
    assert len({told.id, *(other.id for other in others)}) == 6


@given(st.text())
def test_a_line_is_one_line(text: str) -> None:
    """Else a title breaks a header, or turns the words behind it around."""
    line = one_line(text)
    assert len(line.splitlines()) == 1
    assert line == line.strip()
    assert 0 < len(line) <= MAX_TITLE_CHARACTERS
    assert one_line(line) == line
    line.encode()


@given(st.text() | st.emails())
def test_an_address_that_is_taken_has_no_room_for_a_second_one(text: str) -> None:
    """Else a recipient's line end or comma is another recipient."""
    try:
        address = checked_address(text)
    except InvalidInput:
        return
    assert address.count("@") == 1
    assert not set(address) & set(' \r\n\t,;:<>()"\\\x00')


def test_many_of_one_kind_for_one_person_are_one_envelope() -> None:
    """Else mail is lumped together that belongs to others."""
    few = [due_mail(number) for number in range(MAX_SINGLES)]
    assert [e.message_id for e in put_into_envelopes(few)] == [
        row.message_id for row in few
    ]
    many = [*few, due_mail(9)]
    strangers = [due_mail(20, recipient="eve@tests.example")]
    alerts = [due_mail(30, template="video-health-alert")]
    digest, *others = put_into_envelopes([*many, *strangers, *alerts])
    assert digest.mails == tuple(many)
    assert digest.written_at == many[-1].created_at
    assert [other.mails for other in others] == [tuple(strangers), tuple(alerts)]
    (same,) = put_into_envelopes(many[::-1])
    assert (same.id, same.mails) == (digest.id, digest.mails)


def test_what_may_have_been_stored_is_put_together_as_it_was() -> None:
    """Else the second attempt is another mail, and the creator reads both."""
    name = UUID(int=7)
    tried = [due_mail(number, envelope_id=name, attempts=1) for number in range(5)]
    alone = due_mail(6)
    alone = replace(alone, envelope_id=alone.id)
    free = [due_mail(number) for number in (7, 8)]
    envelopes = put_into_envelopes([*tried, alone, *free])
    assert [len(envelope.mails) for envelope in envelopes] == [5, 1, 1, 1]
    assert envelopes[0].id == name
    assert envelopes[1].message_id == alone.message_id


def test_back_off_spreads_the_attempts_over_two_days() -> None:
    """Else a short fault loses a mail, or a long one is hammered."""
    waits = [delay_s(attempt) for attempt in range(1, MAX_ATTEMPTS)]
    assert waits[:3] == [60, 120, 240]
    assert waits == sorted(waits)
    assert 45 < sum(waits) / 3600 < 55


class FakeOutbox:
    """Satisfies `EmailOutbox`: one batch, and what was recorded."""

    def __init__(self, envelopes: list[Envelope]) -> None:
        self.envelopes = envelopes
        self.recorded: list[Delivery] = []

    def has_due(self) -> bool:
        """Whether a mail is due."""
        return bool(self.envelopes)

    def claim(self, limit: int) -> list[Envelope]:
        """The one batch."""
        assert limit == BATCH_ROWS
        return self.envelopes

    def record(self, delivery: Delivery) -> None:
        """Remember it."""
        self.recorded.append(delivery)


class FakeRenderer:
    """Satisfies `MailRenderer`."""

    def render(self, envelope: Envelope) -> Message:
        """A message of few words."""
        return Message(envelope.message_id, envelope.recipient, BEGIN, "s", "t", "h")


class FakeMailer:
    """Satisfies `Mailer`: fails as it is told, and counts."""

    def __init__(self, fault: Callable[[int], MentoraError | None]) -> None:
        self.fault = fault
        self.calls = 0

    def send(self, message: Message) -> None:
        """Hand it over, or not."""
        assert message
        self.calls += 1
        fault = self.fault(self.calls)
        if fault is not None:
            raise fault


def batch_of(count: int, attempts: int = 0) -> FakeOutbox:
    """An outbox with as many mails, each to somebody else."""
    return FakeOutbox(
        put_into_envelopes(
            [
                due_mail(n, recipient=f"c{n}@tests.example", attempts=attempts)
                for n in range(count)
            ]
        )
    )


def deliver(outbox: FakeOutbox, mailer: FakeMailer) -> DeliveryFigures:
    """One batch, in no time."""
    return deliver_due(outbox, FakeRenderer(), mailer, monotonic=lambda: 0.0)


def test_a_server_that_is_away_is_not_asked_for_every_mail() -> None:
    """Else a batch waits two hundred time-outs for a server that is down."""
    outbox = batch_of(50)
    mailer = FakeMailer(lambda _: MailDeferred("connection", is_away=True))
    assert deliver(outbox, mailer) == DeliveryFigures(0, 0, 50, 0, 0)
    assert mailer.calls == MAX_MISSES


def test_a_mail_that_is_put_off_stops_no_other() -> None:
    """Else one greylisted mailbox holds up everybody's mail."""
    mailer = FakeMailer(lambda call: MailDeferred("smtp_451") if call % 2 else None)
    assert deliver(batch_of(10), mailer) == DeliveryFigures(5, 5, 5, 0, 0)
    assert mailer.calls == 10


def test_wrong_settings_keep_the_mail_and_end_the_run() -> None:
    """Else an expired password fails mail for good, or nobody hears of it."""
    outbox = batch_of(3)
    mailer = FakeMailer(lambda _: SettingsError("wrong password"))
    with pytest.raises(SettingsError):
        deliver(outbox, mailer)
    assert mailer.calls == 1
    assert [each.error_code for each in outbox.recorded] == ["misconfigured"] * 3
    assert {each.delay_s for each in outbox.recorded} == {60}


def test_a_mail_that_ends_each_run_is_given_up() -> None:
    """Else a mail that crashes the program does so for ever."""
    mailer = FakeMailer(lambda _: None)
    outbox = batch_of(1, attempts=MAX_ATTEMPTS)
    assert deliver(outbox, mailer) == DeliveryFigures(0, 0, 0, 1, 0)
    assert mailer.calls == 0
    assert outbox.recorded[0].error_code == "interrupted"
