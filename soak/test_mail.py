"""A lesson that fails: its creator gets one mail, whatever happens to the server."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mentora_pipelines.errors import CREATOR_SENTENCES, ErrorCode
from tests.fix_mail import CUT, MailServer, run_mail_server
from tests.live_home import LiveHome
from tests.ports import free_port

STATE = "select status, attempts, error_code from email_outbox"
WAIT_IS_OVER = (
    "update email_outbox set next_attempt_at = now() where status = 'pending'"
)


@pytest.fixture
def not_media(tmp_path: Path) -> Path:
    """A file that is no lesson."""
    file = tmp_path / "lesson.mp4"
    file.write_text("Dear students, the video will follow.\n")
    return file


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What a scenario has opened is closed at its end."""
    with ExitStack() as opened:
        yield opened


def start(home: LiveHome, port: int) -> None:
    """The daemon, which sends to `port`."""
    home.start(
        MENTORA_SMTP_URL=f"smtp://127.0.0.1:{port}",
        MENTORA_MAIL_FROM="Mentora <mentora@soak.example>",
    )


def attempted(home: LiveHome, attempts: int) -> None:
    """Return when the one mail was tried so often and waits; then end its pause."""
    home.wait(
        lambda: (
            [row[:2] for row in home.admin.execute(STATE)] == [("pending", attempts)]
            and home.admin.execute(f"{STATE} where error_code is not null").rowcount
        )
    )
    home.wait(
        lambda: (
            home.dagster.execute(
                "select from runs where status in ('STARTED', 'STARTING', 'QUEUED')"
            ).rowcount
            == 0
        )
    )
    home.admin.execute(WAIT_IS_OVER)


def is_sent(home: LiveHome) -> bool:
    """Whether the outbox is done with the one mail."""
    return [row[0] for row in home.admin.execute(STATE)] == ["sent"]


def check(home: LiveHome, server: MailServer) -> None:
    """One mail, which says what its creator may read and nothing else."""
    assert home.statuses() == {"failed": 1}
    assert home.count("email_outbox") == 1
    assert len(server.distinct) == 1
    assert set(server.recipients) == {"ada@soak.example"}
    for message in server.stored:
        text = message.as_string()
        assert str(message["To"]) == "ada@soak.example"
        body = message.get_body(("plain",))
        assert body is not None
        words = " ".join(body.get_content().split())
        assert CREATOR_SENTENCES[ErrorCode.NOT_MEDIA] in words
        for hint in ("Traceback", "Error", "not_media:", "Dagster", str(home.folder)):
            assert hint not in text


def test_the_server_is_down_then_refuses_then_breaks_off(
    live_home: LiveHome, not_media: Path, stack: ExitStack
) -> None:
    """Else a creator never hears of a failure, or hears of it again and again."""
    port = free_port()
    video_id = live_home.drop(not_media, "lesson.mp4")
    start(live_home, port)
    attempted(live_home, 1)
    server = stack.enter_context(run_mail_server(port))
    server.recipient_replies.append("451 4.3.0 try later")
    attempted(live_home, 2)
    server.data_replies.append(CUT)
    attempted(live_home, 3)
    live_home.wait(lambda: is_sent(live_home))
    # The server has stored it before it broke off: it is the same mail again.
    assert len(server.stored) == 2
    check(live_home, server)
    assert live_home.runs_of(video_id) == [("lesson_job", "FAILURE", 1)]


class StopAtTheAnswer(deque[str]):
    """Answers to DATA; whoever hears the next one cannot record what it heard."""

    def __init__(self, stop: Callable[[], object]) -> None:
        super().__init__(["250 OK"])
        self._stop = stop

    def popleft(self) -> str:
        """The next answer."""
        self._stop()
        return super().popleft()


def test_the_worker_is_killed_while_it_fails_and_while_it_sends(
    live_home: LiveHome, not_media: Path, stack: ExitStack
) -> None:
    """Else each crash beside a failure is one more mail, or none."""
    server = stack.enter_context(run_mail_server())
    stops = stack.enter_context(ExitStack())
    server.data_replies = StopAtTheAnswer(
        lambda: stops.enter_context(live_home.stopped_at("email_outbox"))
    )
    video_id = live_home.drop(not_media, "lesson.mp4")
    with live_home.stopped_at("email_outbox"):
        start(live_home, server.port)
        live_home.wait_for_writer("email_outbox")
        live_home.kill(live_home.worker_in("audio"))
    live_home.wait(lambda: server.stored)
    live_home.wait_for_writer("email_outbox")
    live_home.kill(live_home.worker_in("deliver_email"))
    stops.close()
    live_home.wait(
        lambda: (
            live_home.dagster.execute(
                "select from runs where pipeline_name = 'deliver_email_job'"
                " and status = 'SUCCESS'"
            ).rowcount
        )
    )
    assert [row[:2] for row in live_home.admin.execute(STATE)] == [("pending", 1)]
    live_home.admin.execute(WAIT_IS_OVER)
    live_home.wait(lambda: is_sent(live_home))
    assert len(server.stored) == 2
    check(live_home, server)
    # Killed once, then run again to its end.
    assert live_home.runs_of(video_id) == [("lesson_job", "FAILURE", 2)]
