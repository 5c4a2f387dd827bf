"""Delivery from the real outbox to a real mail server."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import psycopg
import pytest

from mentora_pipelines.adapters.mail_renderer import JinjaMailRenderer
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.operations.email_outbox import write_mail
from mentora_pipelines.adapters.smtp import SmtpMailer
from mentora_pipelines.domain.operations.mail import failure_mail
from mentora_pipelines.domain.operations.mail_delivery import (
    BUDGET_S,
    MAX_ATTEMPTS,
    DeliveryFigures,
    Mailer,
    Message,
    deliver_due,
)
from mentora_pipelines.errors import ErrorCode, MailRefused, PermanentError
from mentora_pipelines.services import DatabaseUrls
from tests.fix_mail import CUT, MailServer, Outbox, failed_video
from tests.ports import free_port
from tests.stored_lessons import register

NOTHING = DeliveryFigures(0, 0, 0, 0, 0)


@pytest.fixture
def deliver(outbox: Outbox, mailer: SmtpMailer) -> Callable[..., DeliveryFigures]:
    """One batch; the clock stands unless it is told otherwise."""

    def batch(
        through: Mailer = mailer, clock: Callable[[], float] = lambda: 0.0
    ) -> DeliveryFigures:
        renderer = JinjaMailRenderer(None)
        return deliver_due(outbox.rows, renderer, through, monotonic=clock)

    return batch


def test_a_mail_is_delivered_once(
    outbox: Outbox, mail_server: MailServer, deliver: Callable[..., DeliveryFigures]
) -> None:
    """Else the creator hears nothing, or the same again at every look."""
    assert not outbox.rows.has_due()
    outbox.write(failed_video("Plants"))
    assert outbox.rows.has_due()
    assert deliver() == DeliveryFigures(1, 1, 0, 0, 0)
    assert not outbox.rows.has_due()
    assert deliver() == NOTHING
    outbox.wait()
    assert deliver() == NOTHING
    (stored,) = mail_server.stored
    assert stored["Subject"] == "We could not process “Plants”"
    assert mail_server.recipients == ["ada@tests.example"]
    assert outbox.states() == [("sent", 1, None)]


def test_the_same_failure_written_twice_is_one_row(
    outbox: Outbox, urls: DatabaseUrls, catalogue: PostgresCatalogue, creator_email: str
) -> None:
    """Else every retry and every replay of an event writes to the creator again."""
    video = register(catalogue, creator_email)
    mail = failure_mail(video, ErrorCode.NO_AUDIO)
    again = failure_mail(register(catalogue, creator_email, "2"), ErrorCode.NO_AUDIO)
    app = Database(urls.app, "mentora-tests")
    for each, is_new in ((mail, True), (mail, False), (again, True)):
        with app.transaction(video.creator_id) as connection:
            assert write_mail(connection, each) is is_new
    with (
        pytest.raises(PermanentError, match="InsufficientPrivilege"),
        app.transaction(uuid4()) as connection,
    ):
        write_mail(connection, failure_mail(video, ErrorCode.TOO_LONG))
    app.close()
    assert len(outbox.states()) == 2


def test_while_the_server_is_down_mail_waits_and_is_then_sent_once(
    outbox: Outbox,
    mail_server: MailServer,
    mailer_for: Callable[..., SmtpMailer],
    deliver: Callable[..., DeliveryFigures],
) -> None:
    """Else a restart of the mail server loses notices."""
    for name in ("ada", "bob", "eve", "zoe"):
        outbox.write(failed_video("Plants", f"{name}@tests.example"))
    down = mailer_for(f"smtp://127.0.0.1:{free_port()}")
    assert deliver(down) == DeliveryFigures(0, 0, 4, 0, 0)
    assert outbox.states() == [("pending", 1, "connection")] * 4
    assert deliver() == NOTHING, "not before its time"
    outbox.wait()
    assert deliver() == DeliveryFigures(4, 4, 0, 0, 0)
    assert len(mail_server.stored) == 4


def test_a_451_is_tried_again_until_about_two_days_have_gone(
    outbox: Outbox, mail_server: MailServer, deliver: Callable[..., DeliveryFigures]
) -> None:
    """Else a busy server costs a notice, or a dead mailbox is written to for ever."""
    outbox.write(failed_video("Plants"))
    mail_server.recipient_replies.extend(["451 later"] * (MAX_ATTEMPTS + 5))
    for attempt in range(1, MAX_ATTEMPTS):
        assert deliver() == DeliveryFigures(0, 0, 1, 0, 0)
        assert outbox.states() == [("pending", attempt, "smtp_451")]
        outbox.wait()
    assert deliver() == DeliveryFigures(0, 0, 0, 1, 0)
    outbox.wait()
    assert deliver() == NOTHING
    assert outbox.states() == [("failed", MAX_ATTEMPTS, "smtp_451")]


def test_a_550_is_recorded_and_never_tried_again(
    outbox: Outbox, mail_server: MailServer, deliver: Callable[..., DeliveryFigures]
) -> None:
    """Else we are taken for spammers by the server that refuses."""
    outbox.write(failed_video("Plants"))
    mail_server.recipient_replies.append("550 no such mailbox")
    assert deliver() == DeliveryFigures(0, 0, 0, 1, 0)
    outbox.wait()
    assert deliver() == NOTHING
    assert outbox.states() == [("failed", 1, "smtp_550")]


def test_a_mail_cut_after_the_data_comes_again_as_the_same_mail(
    outbox: Outbox, mail_server: MailServer, deliver: Callable[..., DeliveryFigures]
) -> None:
    """Else the creator reads it twice; even when other mails are due by then."""
    outbox.write(failed_video("Plants"))
    mail_server.data_replies.append(CUT)
    assert deliver() == DeliveryFigures(0, 0, 1, 0, 0)
    outbox.fail_videos(5)
    outbox.wait()
    assert deliver() == DeliveryFigures(2, 6, 0, 0, 0)
    ids = [str(stored["Message-ID"]) for stored in mail_server.stored]
    assert len(ids) == 3
    assert ids.count(ids[0]) == 2


def test_many_failures_of_one_creator_are_one_digest(
    outbox: Outbox, mail_server: MailServer, deliver: Callable[..., DeliveryFigures]
) -> None:
    """Else twenty lessons from a broken export are twenty mails."""
    outbox.fail_videos(20)
    outbox.fail_videos(3, "bob@tests.example")
    assert deliver() == DeliveryFigures(4, 23, 0, 0, 0)
    assert (
        sorted(mail_server.recipients)
        == ["ada@tests.example"] + ["bob@tests.example"] * 3
    )
    (digest,) = [m for m in mail_server.stored if m["To"] == "ada@tests.example"]
    assert digest["Subject"] == "20 of your lessons could not be processed"
    body = digest.get_body(("plain",))
    assert body is not None
    lines = {line.strip() for line in body.get_content().splitlines()}
    assert {f"- Lesson {number}" for number in range(20)} < lines
    assert outbox.states() == [("sent", 1, None)] * 23


def test_a_digest_cut_after_the_data_comes_again_as_the_same_digest(
    outbox: Outbox, mail_server: MailServer, deliver: Callable[..., DeliveryFigures]
) -> None:
    """Else a creator gets two digests that overlap."""
    outbox.fail_videos(5)
    mail_server.data_replies.append(CUT)
    assert deliver() == DeliveryFigures(0, 0, 5, 0, 0)
    outbox.fail_videos(5)
    outbox.wait()
    assert deliver() == DeliveryFigures(2, 10, 0, 0, 0)
    first, *repeats = mail_server.stored
    assert len(mail_server.distinct) == 2
    (repeat,) = [m for m in repeats if m["Message-ID"] == first["Message-ID"]]
    assert repeat.get_body(("plain",)).get_content() == (  # type: ignore[union-attr]
        first.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    )


def test_after_one_mail_the_next_of_its_kind_are_gathered(
    outbox: Outbox, mail_server: MailServer, deliver: Callable[..., DeliveryFigures]
) -> None:
    """Else lessons that fail one after another are a mail each, all evening."""
    outbox.fail_videos(1)
    assert deliver() == DeliveryFigures(1, 1, 0, 0, 0)
    for _ in range(4):
        outbox.fail_videos(1)
        assert not outbox.rows.has_due()
        assert deliver() == NOTHING
    outbox.wait()
    assert outbox.rows.has_due()
    assert deliver() == DeliveryFigures(1, 4, 0, 0, 0)
    assert len(mail_server.stored) == 2


def test_two_drains_at_once_send_each_mail_once(
    outbox: Outbox,
    mail_server: MailServer,
    mailer_for: Callable[..., SmtpMailer],
    deliver: Callable[..., DeliveryFigures],
) -> None:
    """Else every creator reads everything twice when two workers meet."""
    for number in range(20):
        outbox.write(failed_video("Plants", f"creator-{number}@tests.example"))
    outbox.fail_videos(10)
    url = f"smtp://127.0.0.1:{mail_server.port}"
    mailers = [mailer_for(url) for _ in range(3)]
    together = Barrier(len(mailers))

    def drain(mailer: SmtpMailer) -> int:
        together.wait()
        return deliver(mailer).messages

    with ThreadPoolExecutor() as pool:
        assert sum(pool.map(drain, mailers)) == 21
    assert len(mail_server.stored) == len(mail_server.distinct) == 21


def test_what_a_killed_run_had_claimed_is_sent_by_a_later_one(
    outbox: Outbox, mail_server: MailServer, deliver: Callable[..., DeliveryFigures]
) -> None:
    """Else a kill loses a batch, or what it had begun changes its name."""
    outbox.fail_videos(5)
    (claimed,) = outbox.rows.claim(200)
    outbox.fail_videos(1, "bob@tests.example")
    assert deliver() == DeliveryFigures(1, 1, 0, 0, 0), "hidden for a while"
    outbox.wait()
    assert deliver() == DeliveryFigures(1, 5, 0, 0, 0)
    assert mail_server.stored[1]["Message-ID"] == claimed.message_id
    assert [attempts for _, attempts, _ in outbox.states()] == [2] * 5 + [1]


def test_a_run_that_was_overtaken_records_nothing(
    outbox: Outbox, deliver: Callable[..., DeliveryFigures], mailer: SmtpMailer
) -> None:
    """Else a run that hung marks a mail that another has sent as failed."""
    outbox.fail_videos(1)

    class Slow:
        def send(self, message: Message) -> None:
            assert message
            outbox.wait()
            assert deliver(mailer) == DeliveryFigures(1, 1, 0, 0, 0)
            raise MailRefused("smtp_550")

    deliver(Slow())
    assert outbox.states() == [("sent", 2, None)]


def test_what_a_run_has_no_time_for_is_left_untried(
    outbox: Outbox, mail_server: MailServer, deliver: Callable[..., DeliveryFigures]
) -> None:
    """Else a slow server holds a run for hours, or uses up attempts."""
    outbox.fail_videos(3)
    times = iter([0.0, 0.0, BUDGET_S + 1, BUDGET_S + 1])
    assert deliver(clock=lambda: next(times)) == DeliveryFigures(1, 1, 0, 0, 2)
    assert sorted(outbox.states()) == [("pending", 0, None)] * 2 + [("sent", 1, None)]
    outbox.wait()
    assert deliver() == DeliveryFigures(2, 2, 0, 0, 0)
    assert len(mail_server.distinct) == 3


def test_a_row_that_fits_no_template_stops_no_other(
    outbox: Outbox,
    admin: psycopg.Connection[tuple[object, ...]],
    deliver: Callable[..., DeliveryFigures],
) -> None:
    """Else one row of an older release holds up every creator's mail."""
    outbox.fail_videos(1, "bob@tests.example")
    admin.execute("update email_outbox set variables = '{}'")
    outbox.fail_videos(1)
    assert deliver() == DeliveryFigures(1, 1, 0, 1, 0)
    assert outbox.states() == [("failed", 1, "malformed"), ("sent", 1, None)]


def test_a_flood_is_claimed_in_bounded_batches_and_no_digest_is_torn(
    outbox: Outbox,
) -> None:
    """Else a flood does not fit into one run, or half a digest is sent again."""
    for number in range(4):
        outbox.fail_videos(25, f"creator-{number}@tests.example")
    digests = outbox.rows.claim(50) + outbox.rows.claim(200)
    assert sum(len(digest.mails) for digest in digests) == 100
    outbox.wait()
    again = outbox.rows.claim(1)
    assert [digest.id for digest in again] == [
        digest.id for digest in digests if digest.id == again[0].id
    ]
    sizes = {digest.id: len(digest.mails) for digest in digests}
    assert len(again[0].mails) == sizes[again[0].id] > 1
